"""Commands that show a view, or more or less of it."""

from __future__ import annotations

from typing import ClassVar

from orchestrator.tui.commands.command import Command, Desk, Place, Section


class Show(Command):
    """Shows a view; its tab has the command's key and label. `short` is the label where there is little room."""

    section = Section.VIEW
    place: ClassVar[Place]
    short: ClassVar[str] = ""

    def do(self, desk: Desk) -> None:
        desk.show_view(self.place)


class ShowTasks(Show):
    """Show the tasks, with the output of one."""

    id, keys, label, place = "view.tasks", "1", "Tasks", Place.TASKS


class ShowDag(Show):
    """Show what needs what."""

    id, keys, label, place = "view.dag", "2", "DAG", Place.DAG


class ShowTimeline(Show):
    """Show when each task ran, and waited."""

    id, keys, label, place, short = "view.timeline", "3", "Timeline", Place.TIMELINE, "Time"


class ShowLogs(Show):
    """Show what all tasks write, in one stream."""

    id, keys, label, place = "view.logs", "4", "Logs", Place.LOGS


class ShowHealth(Show):
    """Show backends, limits, budgets, and how far failures reached."""

    id, keys, label, place = "view.health", "5", "Health", Place.HEALTH


class ShowSummary(Show):
    """Show how the run went, or goes so far."""

    id, keys, label, place, short = "view.summary", "6", "Summary", Place.SUMMARY, "Sum"


class ZoomIn(Command):
    """Zoom in."""

    id, keys, label, section, foot = "timeline.zoom_in", "plus,equals_sign", "Zoom in", Section.VIEW, 5
    places = frozenset({Place.TIMELINE})

    def do(self, desk: Desk) -> None:
        desk.zoom(1)


class ZoomOut(Command):
    """Zoom out."""

    id, keys, label, section = "timeline.zoom_out", "minus", "Zoom out", Section.VIEW
    places = frozenset({Place.TIMELINE})

    def do(self, desk: Desk) -> None:
        desk.zoom(-1)


class ZoomFit(Command):
    """Show the whole run."""

    id, keys, label, section, foot = "timeline.fit", "0", "Fit", Section.VIEW, 6
    places = frozenset({Place.TIMELINE})

    def do(self, desk: Desk) -> None:
        desk.zoom(0)


class Centre(Command):
    """Put the chosen box into the middle."""

    id, keys, label, section, foot = "dag.centre", "c", "Centre", Section.VIEW, 6
    places = frozenset({Place.DAG})

    def do(self, desk: Desk) -> None:
        desk.centre()
