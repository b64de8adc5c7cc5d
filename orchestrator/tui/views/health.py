"""The health of the run: backends, limits, budgets, and how far failures reached."""

from __future__ import annotations

from orchestrator.tui.commands import Place
from orchestrator.tui.healthpage import health_lines
from orchestrator.tui.pages import Look, PageLine
from orchestrator.tui.views.page import PageView
from orchestrator.tui.views.view import bindings


class HealthView(PageView):
    """Shows what lets calls through and what does not."""

    place = Place.HEALTH
    BINDINGS = bindings(place)

    def lines(self, look: Look) -> list[PageLine]:
        return health_lines(look)
