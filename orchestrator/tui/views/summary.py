"""The summary: how the run went, or goes so far."""

from __future__ import annotations

from orchestrator.tui.commands import Place
from orchestrator.tui.pages import Look, PageLine
from orchestrator.tui.subjects import Subject
from orchestrator.tui.summarypage import summary_lines
from orchestrator.tui.views.page import PageView
from orchestrator.tui.views.view import bindings


class SummaryView(PageView):
    """Sums the run up. What it names, it leads to: tasks among the tasks, backends and groups to their health."""

    place = Place.SUMMARY
    BINDINGS = bindings(place)

    def lines(self, look: Look) -> list[PageLine]:
        return summary_lines(look)

    def fold(self, *, opened: bool) -> None:
        """Nothing unfolds here."""

    def open_row(self) -> None:
        subject = self.subject
        if subject is not None and subject.kind == "task":
            self.office.show_task(subject.name)
        elif subject is not None:
            self._show_health(subject)

    def _show_health(self, subject: Subject) -> None:
        self.office.show_view(Place.HEALTH)
        self.office.show_subject(subject)
