"""A graph as it is drawn: as boxes with lines between them, or as an indented tree where there are too many of them.

A picture is asked line by line, so that only what is in view is ever drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from rich.cells import cell_len

from orchestrator.core.progress import ENDED_BADLY, ENDED_WELL
from orchestrator.core.states import Status
from orchestrator.tui.boxes import BoxFace, Look, face_of
from orchestrator.tui.dag import HEIGHT, LEFT, RIGHT, Edge, Plan, Stroke, plan
from orchestrator.tui.graph import Graph
from orchestrator.tui.lines import Line, Span, gap, width
from orchestrator.tui.strokes import Weights, frame, stroke
from orchestrator.tui.text import clean, fit

MOST_BOXES: Final = 60
"""More of them are drawn as a tree."""
MOST_SCREENS: Final = 3
"""A picture that is wider than so many screens becomes a tree."""

_WIDEST: Final = 30
_WIDE: Final = 99
"""Cells of a screen that is not narrow; its last column is the scrollbar's."""
_DEEPEST: Final = 24
"""Steps that the tree is indented at most."""


class Area(NamedTuple):
    """Where a box stands in the picture."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


class Piece(NamedTuple):
    """Text of a line, from column `x` on; with `box`, part of that box."""

    x: int
    line: Line
    box: str = ""


class Picture(Protocol):
    """A graph that can be drawn line by line and walked through.

    What is `seen` on some of its lines are the boxes of which something stands there, if only the colour of a line.
    """

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def order(self) -> Sequence[str]: ...
    def area(self, box: str) -> Area: ...
    def seen(self, top: int, lines: int) -> Sequence[str]: ...
    def pieces(self, line: int, look: Look, faces: Callable[[str], BoxFace]) -> list[Piece]: ...
    def face(self, look: Look, box: str) -> BoxFace: ...
    def step(self, box: str, across: int, down: int) -> str: ...


def picture_of(graph: Graph, cells: int, *, ascii_only: bool) -> Picture:
    """Return the picture for a screen so many cells wide. Boxes are as wide as their names, where there is room."""
    if len(graph.needs) <= MOST_BOXES:
        least = 17 if cells >= _WIDE else 15
        boxes = BoxPicture(graph, least, ascii_only=ascii_only)
        spare = (cells - boxes.width) // (1 + max(graph.layers.values(), default=0))
        wanted = max(map(_wanted, graph.members.items()), default=0)
        if spare > 0 and wanted > least:
            return BoxPicture(graph, min(wanted, least + spare, _WIDEST), ascii_only=ascii_only)
        if boxes.width <= MOST_SCREENS * cells:
            return boxes
    return TreePicture(graph, cells, ascii_only=ascii_only)


def _wanted(box: tuple[str, Sequence[str]]) -> int:
    """Return how wide a box is that has room for its name, and for how many it is."""
    name, members = box
    return cell_len(clean(name)) + (0 if members == (name,) else 1 + len(f" {len(members)}")) + 4


def box_at(picture: Picture, x: int, y: int) -> str | None:
    """Return the box in that cell."""
    for box in picture.order:
        area = picture.area(box)
        if area.x <= x < area.x + area.width and area.y <= y < area.y + area.height:
            return box
    return None


# ── boxes ───────────────────────────────────────────────────────────────────────────────────────


class BoxPicture:
    """Boxes in layers, with lines between them. What decides the end is drawn with heavy lines."""

    def __init__(self, graph: Graph, cells: int, *, ascii_only: bool) -> None:
        self._graph = graph
        self._box = cells
        self._ascii = ascii_only
        self._plan: Plan = plan(graph.needs, graph.layers, cells)
        self._frames = tuple(frame(weight, ascii_only=ascii_only) for weight in (1, 2))
        self._on_line: dict[int, list[str]] = defaultdict(list)
        for box, (_, top) in self._plan.corners.items():
            for line in range(top, top + HEIGHT):
                self._on_line[line].append(box)
        self.order = sorted(self._plan.corners, key=lambda box: self._plan.corners[box])

    @property
    def width(self) -> int:
        return self._plan.width + 1

    @property
    def height(self) -> int:
        return self._plan.height

    def area(self, box: str) -> Area:
        x, y = self._plan.corners[box]
        return Area(x, y, self._box, HEIGHT)

    def seen(self, top: int, lines: int) -> Sequence[str]:
        del top, lines  # few boxes, and lines lead far
        return self.order

    def face(self, look: Look, box: str) -> BoxFace:
        return face_of(look, box, self._box - 3, self._box - 3)

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def pieces(self, line: int, look: Look, faces: Callable[[str], BoxFace]) -> list[Piece]:
        strokes = self._plan.lines.get(line, {})
        found = [self._box_piece(box, line, look, faces(box), strokes) for box in self._on_line[line]]
        framed = {x for piece in found for x in (piece.x, piece.x + self._box - 1)}
        found += [
            Piece(x, (self._cell((line, x), pieces, look, faces),)) for x, pieces in strokes.items() if x not in framed
        ]
        return sorted(found)

    def _box_piece(
        self, box: str, line: int, look: Look, face: BoxFace, strokes: Mapping[int, Sequence[Stroke]]
    ) -> Piece:
        x, top = self._plan.corners[box]
        weight = 2 if box in look.chain else 1
        corners, role = self._frames[weight - 1], f"{face.status.value}.plain"
        at = line - top
        if at in {0, HEIGHT - 1}:
            left, right = (corners[0], corners[1]) if at == 0 else (corners[3], corners[2])
            return Piece(x, (Span(left + corners[4] * (self._box - 2) + right, role),), box)
        inside = face.name if at == 1 else face.state
        leaving = _weights(strokes.get(x + self._box - 1, ()), look.links)[RIGHT]
        edge = stroke((weight, leaving, weight, 0), ascii_only=self._ascii) if leaving else corners[5]
        return Piece(x, (Span(f"{corners[5]} ", role), *inside, Span(edge, role)), box)

    def _cell(
        self, cell: tuple[int, int], strokes: Sequence[Stroke], look: Look, faces: Callable[[str], BoxFace]
    ) -> Span:
        weights = _weights(strokes, look.links)
        edges = {edge for sides in strokes for side in sides for edge in side}
        heavy = edges & look.links
        role = _edge_role({faces(source).status for source, _ in heavy or edges}, heavy=bool(heavy))
        arrow = cell in self._plan.arrows and not (weights[0] or weights[2])
        return Span(look.glyphs.closed if arrow else stroke(weights, ascii_only=self._ascii), role)

    # ── walking ─────────────────────────────────────────────────────────────────────────────────

    def step(self, box: str, across: int, down: int) -> str:
        """Return the box next to this one: up and down in its layer, to the sides along the lines."""
        layers = self._graph.layers
        if down:
            column = [other for other in self.order if layers[other] == layers[box]]
            place = column.index(box) + down
            return column[place] if 0 <= place < len(column) else self._past(box, down)
        near = self._graph.feeds[box] if across > 0 else self._graph.needs[box]
        beside = [other for other in self.order if layers[other] == layers[box] + across]
        return self._nearest(box, near or beside)

    def _past(self, box: str, down: int) -> str:
        """Return the nearest box further up or down in any layer."""
        y = self._plan.corners[box][1]
        beyond = [other for other in self.order if (self._plan.corners[other][1] - y) * down > 0]
        return self._nearest(box, beyond)

    def _nearest(self, box: str, others: Iterable[str]) -> str:
        x, y = self.area(box).middle

        def distance(other: str) -> float:
            there_x, there_y = self.area(other).middle
            return abs(there_x - x) / 4 + abs(there_y - y)

        return min(others, key=distance, default=box)


def _weights(strokes: Sequence[Stroke], links: frozenset[Edge]) -> Weights:
    """Return how heavy the lines of a cell are. Where two only cross, one passes under the other."""
    each = [tuple((2 if side & links else 1) if side else 0 for side in sides) for sides in strokes]
    if len(each) > 1:
        upright = [one for one in each if not one[RIGHT] and not one[LEFT]]
        lying = [one for one in each if not one[0] and not one[2]]
        if len(upright) + len(lying) == len(each) and upright and lying:
            each = lying if max(map(max, lying)) > max(map(max, upright)) else upright
    above, right, below, left = (max((one[side] for one in each), default=0) for side in range(4))
    return above, right, below, left


def _edge_role(sources: set[Status], *, heavy: bool) -> str:
    """Return the colour of a line: that of what failed, or of what is done where all of it is."""
    if sources & ENDED_BADLY:
        return "failed.plain"
    if sources and sources <= ENDED_WELL:
        return "done.plain"
    return "title" if heavy else "border"


# ── tree ────────────────────────────────────────────────────────────────────────────────────────


class _Branch(NamedTuple):
    """A line of the tree: what stands before its name, how deep it is, and under what it stands."""

    box: str
    before: str
    depth: int
    under: str | None


class TreePicture:
    """One box a line, each under what it waits for longest."""

    def __init__(self, graph: Graph, cells: int, *, ascii_only: bool) -> None:
        self._graph = graph
        self._ascii = ascii_only
        self.width = cells
        self._names = 46 if cells >= _WIDE else 34
        self._branches = list(_branches(graph, ascii_only=ascii_only))
        self._places = {branch.box: place for place, branch in enumerate(self._branches)}
        self.order = [branch.box for branch in self._branches]

    @property
    def height(self) -> int:
        return len(self._branches)

    def area(self, box: str) -> Area:
        return Area(0, self._places[box], self.width, 1)

    def seen(self, top: int, lines: int) -> Sequence[str]:
        return self.order[top : top + lines]

    def face(self, look: Look, box: str) -> BoxFace:
        return face_of(look, box, 30 if self.width >= _WIDE else 22, 17)

    def pieces(self, line: int, look: Look, faces: Callable[[str], BoxFace]) -> list[Piece]:
        branch = self._branches[line]
        face = faces(branch.box)
        mark = look.glyphs.critical if branch.box in look.chain else " "
        name = tuple(span for span in face.name if span.text.strip())
        start = (Span(mark, "title"), Span(branch.before, "border"), *name)
        start += (gap(max(1, self._names - width(start))), *face.state, gap(1))
        also = [clean(need) for need in self._graph.needs[branch.box] if need != branch.under]
        more = f"also needs {', '.join(also)}" if also else ""
        room = max(0, self.width - width(start))
        return [Piece(0, (*start, Span(fit(more, room, look.glyphs.ellipsis), "muted")), branch.box)]

    def step(self, box: str, across: int, down: int) -> str:
        """Return the line above or below, or what it stands under, or what stands under it."""
        place = self._places[box]
        if down:
            return self.order[max(0, min(len(self.order) - 1, place + down))]
        if across < 0:
            return self._branches[place].under or box
        below = self._branches[place + 1 : place + 2]
        return below[0].box if below and below[0].under == box else box


def _branches(graph: Graph, *, ascii_only: bool) -> Iterator[_Branch]:
    """Yield the lines of the tree: each box stands under that of its needs which is the most layers deep."""
    under = {
        box: max(needs, key=lambda need: graph.layers[need]) if needs else None for box, needs in graph.needs.items()
    }
    children: dict[str | None, list[str]] = defaultdict(list)
    for box, parent in under.items():
        children[parent].append(box)
    tee, end, down = ("|- ", "`- ", "|  ") if ascii_only else ("├─ ", "╰─ ", "│  ")
    todo = [(box, 0, "", True) for box in reversed(children[None])]
    while todo:
        box, depth, before, last = todo.pop()
        own = "" if depth == 0 else end if last else tee
        yield _Branch(box, before + own, depth, under[box])
        below = before if depth in {0, _DEEPEST} or depth > _DEEPEST else before + ("   " if last else down)
        inside = children[box]
        todo += [(child, depth + 1, below, place == 0) for place, child in enumerate(reversed(inside))]
