"""Commands about what tasks write: follow, level, wrap, stamps, marks, the pager, and the pane of one task."""

from __future__ import annotations

from orchestrator.tui.commands.command import LISTS, Command, Desk, LogWish, Place, Section
from orchestrator.tui.commands.targets import NO_TASK


class Follow(Command):
    """Follow the log or the time, or hold it still."""

    id, keys, label, section = "log.follow", "f", "Follow", Section.OUTPUT
    places = LISTS | {Place.LOGS}

    def do(self, desk: Desk) -> None:
        desk.follow()


class LogLevel(Command):
    """Change the level: all lines, warnings and errors, or errors alone."""

    id, keys, label, section, foot = "log.level", "i", "Level", Section.OUTPUT, 6
    places = frozenset({Place.LOGS})

    def do(self, desk: Desk) -> None:
        desk.change_log(LogWish.LEVEL)


class WrapLines(Command):
    """Wrap long lines, or cut them off."""

    id, keys, label, section, foot = "log.wrap", "w", "Wrap", Section.OUTPUT, 7
    places = frozenset({Place.LOGS})

    def do(self, desk: Desk) -> None:
        desk.change_log(LogWish.WRAP)


class LogStamps(Command):
    """Change the time shown: the run's, that of the day, or none."""

    id, keys, label, section, foot = "log.stamps", "t", "Time", Section.OUTPUT, 8
    places = frozenset({Place.LOGS})

    def do(self, desk: Desk) -> None:
        desk.change_log(LogWish.STAMPS)


class MarkLog(Command):
    """Draw a line under what is there."""

    id, keys, label, section, foot = "log.mark", "m", "Mark", Section.OUTPUT, 9
    places = frozenset({Place.LOGS})

    def do(self, desk: Desk) -> None:
        desk.change_log(LogWish.MARK)


class OpenLog(Command):
    """Open the log in $PAGER; the run goes on behind it."""

    id, keys, label, section = "log.open", "e", "Open in pager", Section.OUTPUT

    def do(self, desk: Desk) -> None:
        desk.open_log()


class Describe(Command):
    """Describe what the cursor is on."""

    id, keys, label, section = "task.describe", "d", "Describe", Section.OUTPUT
    places = frozenset({Place.TASKS})

    def refusal(self, desk: Desk) -> str | None:
        return None if desk.row else NO_TASK

    def do(self, desk: Desk) -> None:
        desk.describe()
