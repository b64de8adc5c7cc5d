"""Commands that move: the cursor, between panes and pages, a step in or back."""

from __future__ import annotations

from orchestrator.tui.commands.command import Command, Desk, Motion, Place, Section


class Down(Command):
    """Go down."""

    id, keys, label, section = "cursor.down", "j,down", "Down", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.DOWN)


class Up(Command):
    """Go up."""

    id, keys, label, section = "cursor.up", "k,up", "Up", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.UP)


class First(Command):
    """Go to the first line."""

    id, keys, label, section = "cursor.first", "g,home", "First", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.FIRST)


class Last(Command):
    """Go to the last line; a log follows again."""

    id, keys, label, section = "cursor.last", "G,end", "Last", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.LAST)


class PageDown(Command):
    """Go down a page."""

    id, keys, label, section = "cursor.page_down", "pagedown", "Page down", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.PAGE_DOWN)


class PageUp(Command):
    """Go up a page."""

    id, keys, label, section = "cursor.page_up", "pageup", "Page up", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.PAGE_UP)


class HalfDown(Command):
    """Go down half a page."""

    id, keys, label, section = "cursor.half_down", "ctrl+d", "Half page down", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.HALF_DOWN)


class HalfUp(Command):
    """Go up half a page."""

    id, keys, label, section = "cursor.half_up", "ctrl+u", "Half page up", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.HALF_UP)


class Fold(Command):
    """Fold the group; go or scroll left."""

    id, keys, label, section = "row.fold", "h,left", "Fold", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.fold(opened=False)


class Unfold(Command):
    """Unfold the group; go or scroll right."""

    id, keys, label, section = "row.unfold", "l,right", "Unfold", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.fold(opened=True)


class Open(Command):
    """Open the task, or fold the group; from the DAG and the timeline, go to the task."""

    id, keys, label, section, foot = "row.open", "enter", "Open", Section.MOVE, 1

    def do(self, desk: Desk) -> None:
        desk.open_row()


class Back(Command):
    """Go one step back: full pane, filter, marks, view."""

    id, keys, label, section = "back", "escape", "Back", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.back()


class NextPane(Command):
    """Go to the next pane."""

    id, keys, label, section = "pane.next", "tab", "Next pane", Section.MOVE
    places = frozenset({Place.TASKS})

    def do(self, desk: Desk) -> None:
        desk.next_pane(1)


class PreviousPane(Command):
    """Go to the previous pane."""

    id, keys, label, section = "pane.previous", "shift+tab", "Previous pane", Section.MOVE
    places = frozenset({Place.TASKS})

    def do(self, desk: Desk) -> None:
        desk.next_pane(-1)


class NextPage(Command):
    """Turn to the pane's next page."""

    id, keys, label, section = "page.next", "right_square_bracket", "Next page", Section.MOVE
    places = frozenset({Place.TASKS})

    def do(self, desk: Desk) -> None:
        desk.turn_page(1)


class PreviousPage(Command):
    """Turn to the pane's previous page."""

    id, keys, label, section = "page.previous", "left_square_bracket", "Previous page", Section.MOVE
    places = frozenset({Place.TASKS})

    def do(self, desk: Desk) -> None:
        desk.turn_page(-1)
