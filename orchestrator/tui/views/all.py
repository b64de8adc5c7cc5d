"""The table of views, in the order of their tabs. Each is loaded once it is wanted: the first is to be there soon."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from orchestrator.tui.commands import Place
from orchestrator.tui.views.view import View

VIEWS: Final[Mapping[Place, str]] = {
    Place.TASKS: "tasks:TasksView",
    Place.DAG: "dag:DagView",
    Place.TIMELINE: "timeline:TimelineView",
    Place.LOGS: "logs:LogsView",
    Place.HEALTH: "health:HealthView",
    Place.SUMMARY: "summary:SummaryView",
}


def load(place: Place) -> type[View]:
    """Return the view's class."""
    module, _, name = VIEWS[place].partition(":")
    found: object = getattr(import_module(f"{__package__}.{module}"), name)
    assert isinstance(found, type), "what the table names is a class"
    assert issubclass(found, View), "and it is a view's"
    return found
