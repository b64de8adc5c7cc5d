"""The DAG: what needs what, as boxes with lines between them; what decides the end is drawn with heavy lines."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from orchestrator.tui.board import needs_you
from orchestrator.tui.boxes import Look
from orchestrator.tui.boxpane import pane_lines, pane_title
from orchestrator.tui.commands import Motion, Place
from orchestrator.tui.dag import Edge
from orchestrator.tui.feed import Changes
from orchestrator.tui.filter import of_task
from orchestrator.tui.graph import Graph, graph_of
from orchestrator.tui.lines import Span, gap, plain, spread
from orchestrator.tui.paint import Paint
from orchestrator.tui.picture import picture_of
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.text import clean, plural
from orchestrator.tui.views.view import Office, View, bindings
from orchestrator.tui.widgets.canvas import Canvas
from orchestrator.tui.widgets.filterline import FilterLine
from orchestrator.tui.widgets.painted import Bar

_NOTHING: Final = Graph({}, {}, {}, {}, {})


class DagView(View):
    """Shows the graph, and below it what is to be known of the box that is chosen."""

    place = Place.DAG
    BINDINGS = bindings(place)
    SCOPED_CSS = False
    DEFAULT_CSS = """
    DagView #dag-canvas { height: 1fr; }
    DagView.-filtering #dag-head { display: none; }
    Screen.-h-short DagView #dag-head { display: none; }
    Screen.-h-short DagView.-headed #dag-head { display: block; }
    Screen.-h-short DagView.-filtering #dag-head { display: none; }
    DagView #dag-pane { height: 4; }
    Screen.-h-short DagView #dag-pane { height: 2; }
    """

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._graph = _NOTHING
        self._drawn_for: tuple[object, ...] = ()
        self._chain: tuple[str, ...] = ()
        self._boxes_of_chain: frozenset[str] = frozenset()
        self._links: frozenset[Edge] = frozenset()
        self._faded: frozenset[str] = frozenset()

    def compose(self) -> ComposeResult:
        paint = self.office.paint
        self._filter = FilterLine(paint)
        self._head = Bar(paint, id="dag-head")
        self.canvas = Canvas(paint, self._look, id="dag-canvas")
        self._title = Bar(paint, ground="panel", id="dag-title")
        self._pane = Bar(paint, id="dag-pane")
        yield self._filter
        yield self._head
        yield self.canvas
        yield self._title
        yield self._pane

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    @property
    def kept_free(self) -> tuple[int, int]:
        """The pane says what became of the box; the graph has room for toasts."""
        return 0, self._title.size.height + self._pane.size.height

    def _look(self) -> Look:
        office = self.office
        glyphs = office.paint.glyphs
        return Look(office.run, office.now, self._graph, glyphs, self._boxes_of_chain, self._links, self._faded)

    def rebuild(self) -> None:
        """Make the picture anew, if there are other tasks than before or another width."""
        office, cells = self.office, self._cells()
        wanted = (office.run, office.run.membership, len(office.run.instances), cells, office.paint.ascii)
        if wanted != self._drawn_for:
            self._drawn_for = wanted
            self._chain = ()
            self.canvas.empty = (Span(" Preparing the run", "muted"),)
            try:
                self._graph = graph_of(office.run, office.feed.family.whole_of)
                picture = picture_of(self._graph, cells, ascii_only=office.paint.ascii)
            except Exception as error:  # noqa: BLE001 - a graph that cannot be drawn must not end the screen
                self.canvas.empty = (Span(f" view error: {clean(str(error))}", "failed.plain"),)
                self._graph = _NOTHING
                picture = picture_of(_NOTHING, cells, ascii_only=office.paint.ascii)
            self.canvas.show(picture)
        self._sift()

    def _sift(self) -> None:
        """Let fade what the filter keeps out."""
        board = self.office.board
        board.sift(self.office.now)
        members, kept = self._graph.members, board.matching
        faded = frozenset() if kept is None else frozenset(box for box in members if kept.isdisjoint(members[box]))
        if faded != self._faded:
            self._faded = faded
            self.canvas.renew()
        self._draw_head()

    def _draw_head(self) -> None:
        """Say what is filtered for, and that there is more to the sides."""
        words, sides = self.office.board.filter_words(), self._sides()
        self.set_class(bool(words or sides), "-headed")
        line = spread((Span(f" {words}", "warn"),), (Span(sides, "muted"), gap(1)), self.size.width)
        self._head.show(line if words or sides else ())

    def _sides(self) -> str:
        """Return how many boxes do not fit into the width, and the keys that lead to them."""
        before, after = self.canvas.beside()
        keymap, glyphs = self.office.keymap, self.office.paint.glyphs
        left = f"{glyphs.back} {plural(before, 'more box', 'more boxes')}  {keymap.name('row.fold')}" if before else ""
        right = (
            f"{keymap.name('row.unfold')}  {plural(after, 'more box', 'more boxes')} {glyphs.arrow}" if after else ""
        )
        return "   ".join(filter(None, (left, right)))

    def _cells(self) -> int:
        """Return how wide the canvas is, or will be once it is shown."""
        return self.canvas.columns if self.canvas.size.width else self.screen.size.width - 1

    def take(self, changes: Changes) -> None:
        box_of = self._graph.box_of
        self.canvas.touch({box_of[task] for task in changes.tasks if task in box_of})

    def tick(self) -> None:
        self._find_chain()
        self.canvas.touch(self.canvas.seen())
        self._draw_pane()

    def _find_chain(self) -> None:
        """Draw other lines heavy when something else decides the end."""
        chain = self.office.board.chain(self.office.now)
        if chain != self._chain:
            self._chain = chain
            boxes = [self._graph.box_of[task] for task in chain if task in self._graph.box_of]
            self._boxes_of_chain = frozenset(boxes)
            self._links = frozenset(_linked(boxes))
            self.canvas.renew()

    def redraw(self) -> None:
        self.rebuild()
        self._find_chain()
        self.canvas.renew()
        self._draw_pane()
        self._draw_head()

    def use(self, paint: Paint) -> None:
        super().use(paint)
        self._drawn_for = ()

    def _draw_pane(self) -> None:
        look, box = self._look(), self.canvas.chosen
        self._title.show(pane_title(look, box, self._title.size.width))
        lines = pane_lines(look, box, self._chain, self._pane.size.width)
        self._pane.show(*(lines if self._pane.size.height >= len(lines) else (*lines[:1], *lines[-1:])))

    # ── where one is ────────────────────────────────────────────────────────────────────────────

    @property
    def target(self) -> Widget:
        return self.canvas

    @property
    def row(self) -> Row | None:
        box = self.canvas.chosen if self.is_mounted else None
        if box is None or box not in self._graph.members:
            return None
        inside = self.office.run.tasks[(*self._graph.members[box], box)[0]]
        return Row(Kind.TASK if box == inside.id else Kind.FAN, box, inside.group, 1)

    def go_to_task(self, task: str) -> None:
        box = self._graph.box_of.get(task)
        if box is not None:
            self.canvas.choose(box)

    def next_need(self) -> str | None:
        """Return a task that needs a person in the next box that has one."""
        order, tasks = self.canvas.order, self.office.run.tasks
        here = order.index(self.canvas.chosen) if self.canvas.chosen in order else 0
        around = [*order[here + 1 :], *order[: here + 1]]
        needs = (task for box in around for task in self._graph.members[box] if needs_you(tasks[task]))
        return next(needs, None)

    # ── wishes ──────────────────────────────────────────────────────────────────────────────────

    def move(self, motion: Motion) -> None:
        self.canvas.move(motion)

    def fold(self, *, opened: bool) -> None:
        self.canvas.step(1 if opened else -1, 0)

    def edit_filter(self) -> None:
        self.add_class("-filtering")
        self._filter.open(self.office.board.filter.text)

    def back(self) -> bool:
        """Take away the filter."""
        cleared = self.office.board.show_all()
        self._sift()
        return cleared

    def open_row(self) -> None:
        """Go to the task among the tasks; what is many is filtered for."""
        box = self.canvas.chosen
        if box is None:
            return
        if self._graph.members[box] in {(), (box,)}:
            self.office.show_task(box)
        else:
            self.office.board.filter = of_task(box)
            self.office.show_task(self._graph.members[box][0])

    def centre(self) -> None:
        self.canvas.centre()

    def line_text(self) -> str:
        lines = pane_lines(self._look(), self.canvas.chosen, self._chain, 400)
        return "\n".join(plain(line).strip() for line in lines)

    # ── messages of the widgets ─────────────────────────────────────────────────────────────────

    @on(Canvas.Moved)
    def cursor_moved(self) -> None:
        self._draw_pane()
        self.office.cursor_moved()

    @on(Canvas.Panned)
    def picture_panned(self) -> None:
        self._draw_head()

    @on(FilterLine.Changed)
    def filter_changed(self, message: FilterLine.Changed) -> None:
        board = self.office.board
        board.filter = message.filter
        self._sift()
        self._filter.note((Span(board.found_words(), "muted"),))

    @on(FilterLine.Closed)
    def filter_closed(self) -> None:
        """Go to the first box that is let through, unless the cursor is on one."""
        self.remove_class("-filtering")
        self.canvas.focus()
        if self.canvas.chosen in self._faded:
            self.canvas.choose(next((box for box in self.canvas.order if box not in self._faded), ""))

    @on(Canvas.Opened)
    def box_opened(self) -> None:
        self.open_row()


def _linked(boxes: Iterable[str]) -> Iterable[Edge]:
    return pairwise(dict.fromkeys(boxes))
