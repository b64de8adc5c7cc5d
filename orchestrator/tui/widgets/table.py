"""The task table: rows in the flow's order under a cursor that is bound to a row, not to a place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from orchestrator.tui.commands import Motion
from orchestrator.tui.lines import Line
from orchestrator.tui.paint import Paint
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.widgets.painted import Listing, differing, guarded, moved

Key = tuple[Kind, str]
Face = Callable[[Row], Line]


class TaskTable(Listing):
    """Shows rows through a face, which turns a row into spans. Only what is in view is ever drawn."""

    class Moved(Message):
        """The cursor stands on another row."""

    class Opened(Message):
        """A row was double-clicked."""

    def __init__(self, paint: Paint, face: Face, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(paint, id=id)
        self._face = face
        self._rows: Sequence[Row] = ()
        self._places: dict[str, int] | None = None
        self._groups: dict[str, int] = {}
        self._cursor = 0
        self._drawn: dict[int, tuple[int, Line]] = {}
        self.empty: Line = ()

    # ── state down ──────────────────────────────────────────────────────────────────────────────

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows; the cursor stays on its row, or goes to the nearest that is left."""
        if rows == self._rows:
            self._rows = rows
            self.renew()
            return
        before = self.row
        self._rows = rows
        self._places = None
        self._groups = {row.name: index for index, row in enumerate(rows) if row.kind is Kind.GROUP}
        self._cursor = self._find(before)
        self.resize_to_count()
        self.refresh()
        if before != self.row:
            self.post_message(self.Moved())

    def _find(self, row: Row | None) -> int:
        if row is None:
            return next((index for index, row in enumerate(self._rows) if row.kind is Kind.TASK), 0)
        place = self._place(row.key)
        if place is None:
            place = next(self._instances(row), self._groups.get(row.group))
        return min(self._cursor, max(0, len(self._rows) - 1)) if place is None else place

    def _instances(self, row: Row) -> Iterator[int]:
        """Yield where those are that stand in the place of a task which became many."""
        start = f"{row.name}["
        return (
            index
            for index, other in enumerate(self._rows)
            if other.kind is not Kind.GROUP and (other.name.startswith(start) or other.name == row.name)
        )

    def _place(self, key: Key) -> int | None:
        """Return where the row is; looked up in a table that is made once it is needed."""
        kind, name = key
        if kind is Kind.GROUP:
            return self._groups.get(name)
        if self._places is None:
            self._places = {row.name: index for index, row in enumerate(self._rows) if row.kind is not Kind.GROUP}
        place = self._places.get(name)
        return place if place is not None and self._rows[place].kind is kind else None

    def touch(self, names: Collection[str]) -> None:
        """Repaint the rows of these tasks, and their groups, where they are in view and look different by now."""
        for offset, index in self._in_view():
            if self._rows[index].name in names:
                self._renew(offset, index)

    def renew(self) -> None:
        """Repaint every row that looks different by now."""
        for offset, index in self._in_view():
            self._renew(offset, index)

    def _in_view(self) -> Iterator[tuple[int, int]]:
        """Yield each line and the place of its row."""
        top = self.top
        for offset in range(min(self.page, len(self._rows) - top)):
            yield offset, top + offset if offset else self._index_at(0)

    def _renew(self, y: int, index: int) -> None:
        """Repaint what of the line differs from what stands there."""
        drawn, line = self._drawn.get(y), self._face_or_none(index)
        if drawn is None or drawn[0] != index or line is None:
            self.refresh(Region(0, y, self.size.width, 1))
        elif drawn[1] != line:
            self.refresh(differing(drawn[1], line, y, self.size.width))

    def _face_or_none(self, index: int) -> Line | None:
        try:
            return self._face(self._rows[index])
        except Exception:  # noqa: BLE001 - a face that fails is guarded where it is drawn
            return None

    def in_view(self) -> Sequence[Row]:
        return self._rows[self.top : self.top + self.page]

    @property
    def rows(self) -> Sequence[Row]:
        return self._rows

    @property
    def row(self) -> Row | None:
        return self._rows[self._cursor] if self._cursor < len(self._rows) else None

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    @property
    def count(self) -> int:
        return len(self._rows)

    @guarded
    def render_line(self, y: int) -> Strip:
        if not self._rows:
            return self.paint.strip(self.empty if y == 1 else (), self.size.width)
        index = self._index_at(y)
        if index >= len(self._rows):
            return self.paint.strip((), self.size.width)
        line = self._face(self._rows[index])
        self._drawn[y] = index, line
        return self.paint.strip(line, self.size.width, self._ground(index))

    def _index_at(self, y: int) -> int:
        """Return the place of the row that is drawn there: a group's stays on top while its tasks scroll."""
        pinned = self._pinned() if y == 0 else None
        return self.top + y if pinned is None else pinned

    def _ground(self, index: int) -> str:
        if index != self._cursor:
            return "surface" if self._rows[index].kind is Kind.GROUP else "background"
        return "cursor" if self.has_focus else "quiet"

    def _pinned(self) -> int | None:
        """Return the group row that stays on top while its tasks scroll under it."""
        if not 0 < self.top < len(self._rows):
            return None
        return self._groups.get(self._rows[self.top].group)

    # ── the cursor ──────────────────────────────────────────────────────────────────────────────

    def move(self, motion: Motion) -> None:
        """Move the cursor."""
        self.go_to(moved(self._cursor, motion, self.page - 1, len(self._rows)))

    def go_to(self, index: int) -> None:
        """Put the cursor on that row and bring it into view."""
        if index == self._cursor or not 0 <= index < len(self._rows):
            return
        for changed in (self._cursor, index):
            self.refresh_index(changed)
        self._cursor = index
        self.reveal()
        self.post_message(self.Moved())

    def go_to_key(self, key: Key) -> bool:
        """Put the cursor on that row; return whether it is there."""
        place = self._place(key)
        if place is None:
            return False
        self.go_to(place)
        return True

    def go_to_first(self, is_wanted: Callable[[Row], bool]) -> None:
        """Put the cursor on the first such row, if there is one."""
        self.go_to(next((index for index, row in enumerate(self._rows) if is_wanted(row)), self._cursor))

    def reveal(self) -> None:
        """Bring the cursor into view, clear of the pinned group row."""
        row = self.row
        if row is None:
            return
        above = 0 if row.kind is Kind.GROUP else 1
        if self._cursor - above < self.top:
            self.scroll_to(y=max(0, self._cursor - above), animate=False)
        elif self._cursor >= self.top + self.page:
            self.scroll_to(y=self._cursor - self.page + 1, animate=False)
        if self.top:
            self.refresh(Region(0, 0, self.size.width, 1))

    # ── mouse and focus ─────────────────────────────────────────────────────────────────────────

    def on_click(self, event: events.Click) -> None:
        pinned = self._pinned()
        self.go_to(pinned if event.y == 0 and pinned is not None else self.top + event.y)
        if event.chain == 2:
            self.post_message(self.Opened())

    def on_resize(self) -> None:
        self.reveal()

    def on_focus(self) -> None:
        self.refresh_index(self._cursor)

    def on_blur(self) -> None:
        self.refresh_index(self._cursor)
