"""The lines of all tasks under a cursor that is bound to a line: it follows what comes until somebody goes up."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from textual import events
from textual.geometry import Offset, Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from orchestrator.core.run import Run
from orchestrator.core.states import Status
from orchestrator.tui.commands import Motion
from orchestrator.tui.filter import EVERYTHING, Filter
from orchestrator.tui.lines import Line, plain
from orchestrator.tui.loglines import Level
from orchestrator.tui.mergedlog import Entry, MergedLog
from orchestrator.tui.paint import Paint
from orchestrator.tui.streamlines import UNWRAPPED, Look, Stamps, line_spans, line_text, name_cells, parts
from orchestrator.tui.widgets.painted import Listing, guarded, moved

_ROWS_OF_NOTHING: Final = 1
_DRAWN: Final = 400
"""Rows that are remembered as they were drawn."""


class StreamView(Listing):
    """Shows those lines of a merged log that pass a filter and a level. `missed` counts those that came meanwhile."""

    class Moved(Message):
        """The cursor stands on another line, or it began or ceased to follow."""

    class Opened(Message):
        """A line was double-clicked."""

    def __init__(self, paint: Paint, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(paint, id=id)
        self._run = Run()
        self._now = 0.0
        self._log = MergedLog()
        self._rows: list[tuple[int, int]] = []
        self._read = 0
        self._allowed: dict[str, bool] = {}
        self._drawn: dict[int, tuple[Entry, Status | None, object, Strip]] = {}
        self._owes = False
        self._cursor = -1
        self._left = 0
        self._names = 0
        self.filter: Filter = EVERYTHING
        self.level = Level.ALL
        self.stamps = Stamps.ELAPSED
        self.wraps = False
        self.following = True
        self.missed = 0
        self.empty: Line = ()

    # ── state down ──────────────────────────────────────────────────────────────────────────────

    def show(self, log: MergedLog, run: Run, now: float) -> None:
        """Show these lines from the beginning: they are others, or are chosen or wrapped in another way."""
        self._log, self._run, self._now = log, run, now
        self._allowed = {}
        self._names = name_cells(run, self.columns)
        self._rows = []
        self._read = log.first
        self._append()
        self._settle()
        self.refresh()

    def came(self, run: Run, now: float, grown: frozenset[int]) -> None:
        """Show what came since, and how lines have grown."""
        self._run, self._now = run, now
        gone = bisect_left(self._rows, (self._log.first, UNWRAPPED))
        del self._rows[:gone]
        for number in grown:
            self._wrap_anew(number)
        number = self._append()
        if not (gone or grown or number or self._owes) or self._rests(number):
            return
        if not self.following:
            self.missed += number
            self.scroll_to(y=self.top - gone, animate=False, force=True, immediate=True)
        self._settle()
        self.refresh(self.size.region)  # without the scrollbar's column

    def _rests(self, number: int) -> bool:
        """Return whether to paint only with the next frame: where whole pages rush by, every second one will do."""
        self._owes = self.following and number >= self.page and not self._owes
        return self._owes

    def touch(self, tasks: set[str]) -> None:
        """Repaint the lines of those of these tasks that stand otherwise than when they were drawn."""
        for offset in range(min(self.page, len(self._rows) - self.top)):
            index = self.top + offset
            task, known = self._log[self._rows[index][0]].task, self._drawn.get(index)
            if task in tasks and (known is None or known[1] is not self._status(task)):
                self.refresh(Region(0, offset, self.size.width, 1))

    def _status(self, name: str) -> Status | None:
        task = self._run.tasks.get(name)
        return task.status if task else None

    def _append(self) -> int:
        """Take over the lines that have not been read yet; return how many are shown."""
        before, look = len(self._rows), self._look()
        for number, entry in self._log.lines(self._read):
            if self._shows(entry):
                self._rows += self._wrapped(number, entry, look)
        self._read = self._log.end
        return len(self._rows) - before

    def _wrapped(self, number: int, entry: Entry, look: Look) -> list[tuple[int, int]]:
        if not self.wraps:
            return [(number, UNWRAPPED)]
        return [(number, part) for part in range(parts(entry, look))]

    def _wrap_anew(self, number: int) -> None:
        """A line that has grown may need more rows, or be shown only now."""
        start, end = (bisect_left(self._rows, (place, UNWRAPPED)) for place in (number, number + 1))
        if number < self._log.first or number >= self._read:
            return
        entry = self._log[number]
        self._rows[start:end] = self._wrapped(number, entry, self._look()) if self._shows(entry) else []

    def _shows(self, entry: Entry) -> bool:
        if entry.tag == "mark":
            return True
        if entry.level < self.level:
            return False
        return not self.filter or (self._allows(entry.task) and self.filter.shows(entry.tag, _searched(entry)))

    def _allows(self, name: str) -> bool:
        """Return whether the filter lets the task's lines through; asked once for each task, until it is set anew."""
        allowed = self._allowed.get(name)
        if allowed is None:
            task = self._run.tasks.get(name)
            allowed = self.filter.allows(task, self._now) if task else not self.filter.tests
            if not self.filter.live:
                self._allowed[name] = allowed
        return allowed

    def _settle(self) -> None:
        """Bring scrollbar, cursor and view in step with the rows."""
        self.resize_to_count()
        if not self._rows:
            self._cursor = -1
        elif self.following:
            self._cursor = self._rows[-1][0]
            self.scroll_to(y=self.count, animate=False, force=True, immediate=True)
        else:
            self._cursor = self._rows[self._index()][0]

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def _look(self) -> Look:
        left = 0 if self.wraps else self._left
        return Look(self._run, self.paint.glyphs, self.columns, self._names, self.stamps, left, self.filter)

    @property
    def count(self) -> int:
        return len(self._rows)

    @property
    def lines_shown(self) -> int:
        """Return how many lines pass the filter, in however many rows."""
        return sum(part <= 0 for _, part in self._rows) if self.wraps else len(self._rows)

    def render_line(self, y: int) -> Strip:
        """Return the line and where its text stands, for Textual, which selects it."""
        index = self.top + y
        return self.drawn(y).apply_offsets(0, index) if index < self.count else self.drawn(y)

    @guarded
    def drawn(self, y: int) -> Strip:
        if len(self._drawn) > _DRAWN:
            self._drawn.clear()
        if not self._rows:
            return self.paint.strip(self.empty if y == _ROWS_OF_NOTHING else (), self.size.width)
        index = self.top + y
        return self.line(index) if index < len(self._rows) else self.paint.strip((), self.size.width)

    def line(self, index: int) -> Strip:
        """Return a row; while lines scroll by, most rows have been drawn before."""
        number, part = self._rows[index]
        ground = "background" if number != self._cursor else "cursor" if self.has_focus else "quiet"
        entry, look, status = self._log[number], self._look(), self._status(self._log[number].task)
        how = (self.paint, self.size.width, ground, part, look.names, look.stamps, look.left, look.filter)
        known = self._drawn.get(index)
        if known is None or known[0] is not entry or known[1] is not status or known[2] != how:
            strip = self.paint.strip(line_spans(entry, look, part), self.size.width, ground)
            self._drawn[index] = known = entry, status, how, strip
        return self.selected(known[3], index)

    # ── the cursor ──────────────────────────────────────────────────────────────────────────────

    @property
    def entry(self) -> Entry | None:
        """Return the line under the cursor."""
        return self._log[self._cursor] if self._rows and self._cursor >= self._log.first else None

    def _index(self) -> int:
        """Return the row of the cursor, or the nearest one that is left."""
        return min(bisect_left(self._rows, (self._cursor, UNWRAPPED)), len(self._rows) - 1)

    def move(self, motion: Motion) -> None:
        """Move the cursor; at the last line it follows again, above it holds still."""
        if not self._rows:
            return
        index = moved(self._index(), motion, self.page - 1, self.count)
        if motion is Motion.DOWN:
            index = min(bisect_left(self._rows, (self._cursor + 1, UNWRAPPED)), self.count - 1)
        self._go_to(index)

    def _go_to(self, index: int) -> None:
        self._cursor = self._rows[index][0]
        first, last = self._index(), bisect_left(self._rows, (self._cursor + 1, UNWRAPPED)) - 1
        self._hold(still=last < self.count - 1)
        if first < self.top:
            self.scroll_to(y=first, animate=False, force=True, immediate=True)
        elif last >= self.top + self.page:
            self.scroll_to(y=last - self.page + 1, animate=False, force=True, immediate=True)
        self.refresh()
        self.post_message(self.Moved())

    def go_to_task(self, task: str) -> bool:
        """Put the cursor on the last line of the task; return whether one is shown."""
        for index in range(len(self._rows) - 1, -1, -1):
            if self._log[self._rows[index][0]].task == task:
                self._go_to(index)
                return True
        return False

    def _hold(self, *, still: bool) -> None:
        self.following = not still
        if self.following:
            self.missed = 0

    def follow(self, *, on: bool) -> None:
        """Follow what comes, or hold still."""
        self._hold(still=not on)
        self._settle()
        self.refresh()
        self.post_message(self.Moved())

    def shift(self, step: int) -> None:
        """Scroll sideways by two thirds of the width."""
        rows = self._rows[self.top : self.top + self.page]
        longest = max((len(self._log[number].text) for number, _ in rows), default=0)
        self._left = max(0, min(longest - 8, self._left + step * (2 * self.columns // 3)))
        self.refresh()

    # ── mouse and focus ─────────────────────────────────────────────────────────────────────────

    def on_click(self, event: events.Click) -> None:
        index = self.top + event.y
        if index < self.count:
            self._go_to(index)
        if event.chain == 2:
            self.post_message(self.Opened())

    def _wheel(self, event: events.Event, step: int) -> None:
        """The cursor stays in view."""
        event.prevent_default()
        if not self._rows:
            return
        self.scroll_to(y=self.top + step, animate=False, force=True, immediate=True)
        index = max(self.top, min(self._index(), self.top + self.page - 1, self.count - 1))
        self._go_to(self.count - 1 if step > 0 and self.top + self.page >= self.count else index)

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    # ── copying ─────────────────────────────────────────────────────────────────────────────────

    def line_text(self) -> str:
        """Return the line under the cursor."""
        return line_text(self.entry, self._look()) if self.entry is not None else ""

    def whole(self) -> str:
        """Return all lines that pass the filter."""
        look = self._look()
        numbers = dict.fromkeys(number for number, _ in self._rows)
        return "\n".join(line_text(self._log[number], look) for number in numbers)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, for Textual."""
        look = self._look()
        lines = [plain(line_spans(self._log[number], look, part)) for number, part in self._rows]
        return selection.extract("\n".join(lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Repaint what is selected, for Textual."""
        del selection
        self.refresh(Region.from_offset(Offset(0, 0), self.size))


def _searched(entry: Entry) -> str:
    return f"{entry.task} {entry.text}"
