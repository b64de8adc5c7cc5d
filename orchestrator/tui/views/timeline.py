"""The timeline: when each task ran and waited, one row a task; what decides the end is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.app import ComposeResult

from orchestrator.core.critical import why_not_running
from orchestrator.core.progress import ENDED_BADLY
from orchestrator.tui import faces, timeline
from orchestrator.tui.commands import Motion, Place
from orchestrator.tui.feed import Changes
from orchestrator.tui.lines import Line, Span, gap, shortened, spread, width
from orchestrator.tui.rows import Row
from orchestrator.tui.text import clean, shorten
from orchestrator.tui.timeline import Chart, Scale, Shape
from orchestrator.tui.views.listing import ListView
from orchestrator.tui.views.view import Office, bindings
from orchestrator.tui.widgets.painted import Bar

_SMALL: Final = 2000
"""Tasks for which it takes no time to find what decides the end."""


class TimelineView(ListView):
    """Shows the whole run at first; zoomed in, it follows the time until it is moved away from it."""

    place = Place.TIMELINE
    BINDINGS = bindings(place)
    SCOPED_CSS = False
    DEFAULT_CSS = "TimelineView #timeline-table { height: 1fr; }"

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._note = Bar(office.paint, ground="panel", id="timeline-note")
        self._legend = Bar(office.paint, id="timeline-legend")
        self._fits = True
        self._follows = True
        self._scale = Scale(0.0, 1.0, 1)
        self._shape = Shape(12, 10, 8)
        self._names = (-1, 0)
        self._chain: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        yield self.filter_line
        yield self.head
        yield self.table
        yield self._note
        yield self._legend

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def rows(self, cursor: str | None) -> Sequence[Row]:
        self._measure()
        return self.office.board.tasks(self.office.now, cursor)

    def face(self, row: Row) -> Line:
        office, board = self.office, self.office.board
        running = None if office.run.ended is not None else office.now
        return timeline.row_line(
            Chart(self._scale, office.now, running, office.paint.glyphs),
            office.run.tasks[row.name],
            self._shape,
            critical=row.name in self._chain,
            marked=row.name in board.marks,
            faded=board.is_faded(row),
        )

    def head_words(self) -> Line:
        return timeline.head_line(self._scale, self._shape)

    def take(self, changes: Changes) -> None:
        self.table.touch(changes.tasks)
        if self.row is not None and self.row.name in changes.tasks:
            self.draw_pane()

    def tick(self) -> None:
        self._chain = frozenset(self.office.board.chain(self.office.now))
        if self._measure():
            self.draw_head()
        self.table.renew()
        self.draw_pane()

    def redraw(self) -> None:
        """Draw everything; of a large run, what decides the end comes with the next tick: it takes a while to find."""
        if len(self.office.run.tasks) <= _SMALL:
            self._chain = frozenset(self.office.board.chain(self.office.now))
        self.rebuild()
        self.table.renew()
        self.draw_pane()

    def _measure(self) -> bool:
        """Bring the scale in step with the time and the width; return whether it is another one."""
        run, now = self.office.run, self.office.now
        before = self._scale, self._shape
        self._shape = timeline.shape_of(self.table.columns, self._longest())
        self._scale = self._scale._replace(cells=self._shape.chart)
        if self._fits:
            self._scale = timeline.fitting(run, now, self._shape.chart)
        elif self._follows and run.ended is None and not self._scale.start <= now < self._scale.end:
            self._scale = self._scale.following(now)
        return before != (self._scale, self._shape)

    def _longest(self) -> int:
        run = self.office.run
        if self._names[0] != run.membership:
            self._names = run.membership, max(map(len, run.tasks), default=0)
        return self._names[1]

    @property
    def kept_free(self) -> tuple[int, int]:
        return 0, self._note.size.height + self._legend.size.height

    def draw_pane(self) -> None:
        cells, glyphs = self._note.size.width, self.office.paint.glyphs
        self._note.show(self._about(cells))
        state = (Span(self._state(), "muted"), gap(1))
        self._legend.show(spread(timeline.legend_line(glyphs, cells - width(state) - 1), state, cells))

    def _about(self, cells: int) -> Line:
        """Return what the row's task is about: why it does not run, or what it says."""
        row, office = self.row, self.office
        if row is None:
            return (gap(cells),)
        task, glyphs = office.run.tasks[row.name], office.paint.glyphs
        words = f"{task.status.value} {task.attempt}/{task.max_attempts}" if task.attempt > 1 else task.status.value
        why = why_not_running(office.run, task, office.now) or faces.last_words(task)
        line = (
            gap(1),
            Span(shorten(clean(task.id), max(12, cells // 3), glyphs.ellipsis), "strong"),
            Span(f"  {glyphs.status[task.status]} {words}  ", f"{task.status.value}.plain"),
            Span(clean(why), "bad" if task.status in ENDED_BADLY else "text"),
        )
        return shortened(line, cells, glyphs.ellipsis)

    def _state(self) -> str:
        step = timeline.step_words(self._scale.step)
        if self._fits:
            return f"all, {step} a cell"
        still = self.office.run.ended is not None or not self._follows
        return f"{step} a cell" + ("" if still else "  FOLLOW")

    # ── wishes ──────────────────────────────────────────────────────────────────────────────────

    def move(self, motion: Motion) -> None:
        self.table.move(motion)
        self.draw_pane()  # now, not once the message comes: the row and what is about it are painted in one frame

    def open_row(self) -> None:
        if self.row is not None:
            self.office.show_task(self.row.name)

    def fold(self, *, opened: bool) -> None:
        """Go to the left or to the right in time."""
        if not self._fits:
            self._follows = False
            step = max(1, self._scale.cells // 4)
            self._scale = self._scale.moved(step if opened else -step, self.office.now)
            self.redraw()

    def follow(self) -> None:
        self._follows = not self._follows
        if self._follows and not self._fits:
            self._scale = self._scale.following(self.office.now)
        self.redraw()

    def zoom(self, step: int) -> None:
        """Zoom around now while it is followed, else around the cursor's task, else around the middle."""
        fit = timeline.fitting(self.office.run, self.office.now, self._shape.chart)
        wanted = self._scale.zoomed(step, self._centre())
        self._fits = step == 0 or wanted.step >= fit.step
        self._scale = fit if self._fits else wanted.moved(0, self.office.now)
        self.redraw()

    def _centre(self) -> float:
        office, scale = self.office, self._scale
        if self._follows and office.run.ended is None:
            return office.now
        task = office.run.tasks[self.row.name] if self.row is not None else None
        if task is not None and task.started is not None and scale.start <= task.started < scale.end:
            return task.started
        return (scale.start + scale.end) / 2
