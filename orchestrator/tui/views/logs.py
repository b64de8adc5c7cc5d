"""The logs: what all tasks write and what becomes of them, in one stream."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from orchestrator.tui.commands import LogWish, Motion, Place
from orchestrator.tui.feed import Changes
from orchestrator.tui.filter import EVERYTHING
from orchestrator.tui.lines import Line, Span, gap, spread
from orchestrator.tui.loglines import Level
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.streamlines import Stamps
from orchestrator.tui.text import plural
from orchestrator.tui.views.view import Office, View, bindings
from orchestrator.tui.widgets.filterline import FilterLine
from orchestrator.tui.widgets.painted import Bar
from orchestrator.tui.widgets.stream import StreamView

_LEVELS = {Level.ALL: "", Level.WARN: "warnings and errors", Level.ERR: "errors"}


class LogsView(View):
    """Shows the merged log. It keeps its filter, level and place when it is left."""

    place = Place.LOGS
    BINDINGS = bindings(place)
    SCOPED_CSS = False
    DEFAULT_CSS = """
    LogsView #stream { height: 1fr; }
    LogsView.-filtering #stream-head { display: none; }
    """

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._width = 0
        self._grown: frozenset[int] = frozenset()

    def compose(self) -> ComposeResult:
        paint = self.office.paint
        self._filter = FilterLine(paint, of_lines=True)
        self._head = Bar(paint, ground="surface", id="stream-head")
        self.stream = StreamView(paint, id="stream")
        yield self._filter
        yield self._head
        yield self.stream

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def rebuild(self) -> None:
        """New tasks change nothing about the lines that are there."""

    def take(self, changes: Changes) -> None:
        office = self.office
        if changes.everything:
            self._show_all()
            return
        self.stream.came(office.run, office.now, changes.grown)
        self.stream.touch(changes.tasks)
        self._draw_head()

    def tick(self) -> None:
        self._draw_head()

    def redraw(self) -> None:
        """The lines were not followed while the view was hidden, or have another width now."""
        self._show_all()

    def _show_all(self) -> None:
        office, stream = self.office, self.stream
        stream.show(office.merged, office.run, office.now)
        stream.empty = self._nothing()
        self._draw_head()

    def _nothing(self) -> Line:
        if self.stream.filter or self.stream.level:
            return (Span(" No line matches. Esc clears the filter, i shows all levels.", "muted"),)
        return (Span(" Nothing written yet.", "muted"),)

    def _draw_head(self) -> None:
        self._head.show(spread(self._left_head(), self._right_head(), self._head.size.width))

    def _left_head(self) -> Line:
        stream, log = self.stream, self.office.merged
        number = plural(log.end - log.first, "line")
        older = f", {log.first} older ones in the run's folder" if log.first else ""
        if not stream.filter and not stream.level:
            return (Span(f" {number}{older}", "muted"),)
        what = "  ".join(part for part in (stream.filter.text, _LEVELS[stream.level]) if part)
        return (Span(f" {what} ", "warn"), Span(f" {stream.lines_shown} of {number}  Esc clears", "muted"))

    def _right_head(self) -> Line:
        stream = self.stream
        switches = [f"time {stream.stamps.value}"] * (stream.stamps is not Stamps.ELAPSED) + ["wrap"] * stream.wraps
        words = (Span("  ".join(switches) + "  ", "muted"),) if switches else ()
        if stream.following:
            return (*words, Span("FOLLOW", "ok"), gap(1))
        missed = f" +{stream.missed}" if stream.missed else ""
        return (*words, Span(f"PAUSED{missed}", "warn"), gap(1))

    # ── where one is ────────────────────────────────────────────────────────────────────────────

    @property
    def target(self) -> Widget:
        return self.stream

    @property
    def row(self) -> Row | None:
        """Return the row of the task that wrote the line."""
        entry = self.stream.entry if self.is_mounted else None
        task = self.office.run.tasks.get(entry.task) if entry else None
        return None if task is None else Row(Kind.TASK, task.id, task.group, 1)

    def go_to_task(self, task: str) -> None:
        """Put the cursor on the last line that it wrote, if there is one here."""
        if not self.stream.go_to_task(task):
            self.office.show_task(task)

    # ── wishes ──────────────────────────────────────────────────────────────────────────────────

    def move(self, motion: Motion) -> None:
        self.stream.move(motion)

    def fold(self, *, opened: bool) -> None:
        if not self.stream.wraps:
            self.stream.shift(1 if opened else -1)

    def open_row(self) -> None:
        if self.row is not None:
            self.office.show_task(self.row.name)

    def back(self) -> bool:
        stream = self.stream
        if not stream.filter and not stream.level:
            return False
        stream.filter, stream.level = EVERYTHING, Level.ALL
        self._show_all()
        return True

    def follow(self) -> None:
        self.stream.follow(on=not self.stream.following)

    def change_log(self, wish: LogWish) -> None:
        stream = self.stream
        match wish:
            case LogWish.WRAP:
                stream.wraps = not stream.wraps
            case LogWish.STAMPS:
                stream.stamps = stream.stamps.next
            case LogWish.LEVEL:
                stream.level = Level((stream.level + 1) % len(Level))
            case LogWish.MARK:
                self.office.merged.mark(self.office.now)
        self._show_all()

    def line_text(self) -> str:
        return self.stream.line_text()

    def log_text(self) -> str:
        return self.stream.whole()

    # ── the filter ──────────────────────────────────────────────────────────────────────────────

    def edit_filter(self) -> None:
        self.add_class("-filtering")
        self._filter.open(self.stream.filter.text)

    @on(FilterLine.Changed)
    def filter_changed(self, message: FilterLine.Changed) -> None:
        self.stream.filter = message.filter
        self._show_all()
        self._filter.note((Span(plural(self.stream.lines_shown, "line"), "muted"),))

    @on(FilterLine.Closed)
    def filter_closed(self) -> None:
        self.remove_class("-filtering")
        self.stream.focus()

    # ── messages of the stream ──────────────────────────────────────────────────────────────────

    @on(StreamView.Moved)
    def cursor_moved(self) -> None:
        self._draw_head()
        self.office.cursor_moved()

    @on(StreamView.Opened)
    def row_opened(self) -> None:
        self.open_row()
