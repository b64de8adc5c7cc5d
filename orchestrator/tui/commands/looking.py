"""Commands that find, choose and keep what is there: filter, needs, sort, mark, copy, save."""

from __future__ import annotations

from typing import Final

from orchestrator.tui.commands.command import LISTS, Choice, Command, Desk, Place, Question, Section
from orchestrator.tui.commands.targets import NO_TASK
from orchestrator.tui.rows import Kind
from orchestrator.tui.sorting import By


class FilterRows(Command):
    """Filter: words state:failed g:group backend:x text:503 try>1 cost>0.1 tok>10k !word /re/."""

    id, keys, label, section, foot = "filter", "slash", "Filter", Section.FIND, 4

    def do(self, desk: Desk) -> None:
        desk.edit_filter()


class ShowNeeds(Command):
    """List what needs you; in a log that was searched, go to the next match."""

    id, keys, label, section = "need.list", "n", "Needs you", Section.FIND

    def do(self, desk: Desk) -> None:
        desk.show_needs()


class NextNeed(Command):
    """Go to the next task that needs you; in a log that was searched, to the previous match."""

    id, keys, label, section = "need.next", "N", "Next that needs you", Section.FIND

    def do(self, desk: Desk) -> None:
        desk.go_to_need()


class HideDone(Command):
    """Hide what ended well, or show it again."""

    id, keys, label, section = "hide.done", "v", "Hide done", Section.FIND
    places = LISTS

    def do(self, desk: Desk) -> None:
        desk.hide_done()


class SortRows(Command):
    """Sort the tasks of each group: o and a letter; the same again turns it round."""

    id, keys, label, section = "sort", "o", "Sort", Section.FIND
    places = LISTS

    def do(self, desk: Desk) -> None:
        choices = tuple(Choice(key, by.value.capitalize()) for key, by in SORT_KEYS.items())
        question = Question(
            "Sort the tasks of each group by", f"Now: {desk.sort}. The same again turns it round.", choices
        )
        desk.ask(question, lambda key: desk.sort_by(SORT_KEYS[key]))


SORT_KEYS: Final = {
    "f": By.FLOW,
    "s": By.STATE,
    "t": By.TIME,
    "e": By.TOKENS,
    "c": By.COST,
    "r": By.TRIES,
    "n": By.NAME,
}
"""The letters of the menu."""


class Mark(Command):
    """Mark the task, or all of a group."""

    id, keys, label, section = "row.mark", "space", "Mark", Section.FIND
    places = LISTS

    def do(self, desk: Desk) -> None:
        desk.mark()


class CopyLine(Command):
    """Copy the line, or what is selected."""

    id, keys, label, section = "copy.line", "y", "Copy line", Section.OUTPUT

    def do(self, desk: Desk) -> None:
        desk.copy_line()


class CopyAll(Command):
    """Copy all that is shown here."""

    id, keys, label, section = "copy.all", "Y", "Copy all", Section.OUTPUT
    places = frozenset({Place.LOGS, Place.HEALTH, Place.SUMMARY})

    def do(self, desk: Desk) -> None:
        desk.copy_log()


class CopyLog(Command):
    """Copy the task's whole log."""

    id, keys, label, section = "copy.log", "Y", "Copy log", Section.OUTPUT
    places = frozenset({Place.TASKS})

    def refusal(self, desk: Desk) -> str | None:
        return None if desk.row and desk.row.kind is Kind.TASK else NO_TASK

    def do(self, desk: Desk) -> None:
        desk.copy_log()


class SaveLog(Command):
    """Save the log, or what the view shows, as a file beside the run's."""

    id, keys, label, section = "log.save", "s", "Save", Section.OUTPUT

    def do(self, desk: Desk) -> None:
        desk.save_log()
