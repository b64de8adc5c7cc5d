"""Where the boxes of a graph stand and which way its lines run, in cells of the screen.

Boxes stand in layers from left to right, each as early as what it needs lets it, and in rows that all layers share.
Between two layers lies a gutter, in which lines run up and down; between two rows a gap, in which the lines run that
pass a layer by. Lines meet only where they lead to the same boxes: those that share all their ends make one bundle
with a track of its own in the gutter, and all that pass layers on the way to one box share a lane. Where lines cross,
one passes under the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations, product
from statistics import median
from typing import Final, NamedTuple, TypeAlias

UP, RIGHT, DOWN, LEFT = range(4)
HEIGHT: Final = 4
"""Lines of a box: its frame, its name and how it stands."""

_SWEEPS: Final = 5
_TRIED: Final = 5
"""Tracks of which every order is tried; more are put in order by where they lead."""

Edge: TypeAlias = tuple[str, str]


Stroke: TypeAlias = tuple[frozenset[Edge], frozenset[Edge], frozenset[Edge], frozenset[Edge]]
"""A piece of line in one cell: the edges that run to it from above, the right, below and the left."""

_Sides: TypeAlias = tuple[set[Edge], set[Edge], set[Edge], set[Edge]]


class Plan(NamedTuple):
    """Corners of the boxes, and the lines by row and column; where two bundles cross, a cell has two strokes.

    `arrows` are the cells in which an edge ends.
    """

    corners: Mapping[str, tuple[int, int]]
    lines: Mapping[int, Mapping[int, Sequence[Stroke]]]
    arrows: Mapping[tuple[int, int], frozenset[Edge]]
    width: int
    height: int


class _Port(NamedTuple):
    """Where a line enters or leaves a gutter: a box, or the lane that leads to a box."""

    name: str
    is_lane: bool = False


@dataclass(slots=True)
class _Lane:
    """The way of all lines to one box past the layers between. `place` is a gap, or with `straight` a row."""

    target: str
    sources: list[str]
    first: int
    last: int
    place: int = 0
    straight: bool = False
    level: int = 0


@dataclass(slots=True)
class _Bundle:
    """Lines that all have the same ends in a gutter. `exits` are the rows in which they leave.

    One that only runs straight on needs no track.
    """

    sources: frozenset[_Port]
    targets: list[_Port]
    exits: dict[_Port, int] = field(default_factory=dict)
    track: int = -1


def reduced(needs: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the needs without those that others imply. Boxes come after what they need, or anywhere."""
    beyond: dict[str, frozenset[str]] = {}

    def all_before(box: str) -> frozenset[str]:
        if box not in beyond:
            beyond[box] = frozenset().union(*({other} | all_before(other) for other in needs[box]))
        return beyond[box]

    kept = {}
    for box, others in needs.items():
        implied = frozenset().union(*(all_before(other) for other in others))
        kept[box] = tuple(other for other in others if other not in implied)
    return kept


def plan(needs: Mapping[str, tuple[str, ...]], layers: Mapping[str, int], box: int) -> Plan:
    """Return where everything stands, with boxes so many cells wide."""
    return _Planner(reduced(needs), layers, box).plan()


class _Planner:
    """Works out a plan, one step after another."""

    def __init__(self, needs: Mapping[str, tuple[str, ...]], layers: Mapping[str, int], box: int) -> None:
        self._needs = needs
        self._layer = layers
        self._box = box
        self._depth = max(layers.values(), default=-1) + 1
        self._rows = rows_of(needs, layers)
        self._lanes = self._all_lanes()
        self._tops, self._gaps, self._height = self._heights()
        self._gutters = [self._bundles(gutter) for gutter in range(max(0, self._depth - 1))]
        self._lefts = self._columns()
        self._cells: dict[int, dict[int, dict[object, _Sides]]] = defaultdict(lambda: defaultdict(dict))
        self._arrows: dict[tuple[int, int], set[Edge]] = defaultdict(set)

    def plan(self) -> Plan:
        for gutter, bundles in enumerate(self._gutters):
            for bundle in bundles:
                self._draw_bundle(gutter, bundle)
        for lane in self._lanes.values():
            self._draw_lane(lane)
        corners = {name: (self._lefts[self._layer[name]], self._tops[row]) for name, row in self._rows.items()}
        width = self._lefts[-1] + self._box if self._lefts else 0
        return Plan(corners, self._strokes(), self._frozen_arrows(), width, self._height)

    # ── lanes ───────────────────────────────────────────────────────────────────────────────────

    def _all_lanes(self) -> dict[str, _Lane]:
        lanes: dict[str, _Lane] = {}
        for target, sources in self._needs.items():
            far = [source for source in sources if self._layer[source] < self._layer[target] - 1]
            if far:
                first = min(self._layer[source] for source in far) + 1
                lanes[target] = _Lane(target, far, first, self._layer[target] - 1)
        placed: list[_Lane] = []
        for lane in sorted(lanes.values(), key=lambda lane: lane.last - lane.first):
            self._place(lane, placed)
            placed.append(lane)
        return lanes

    def _place(self, lane: _Lane, placed: list[_Lane]) -> None:
        """Lead the lane straight on where no box is in its way, else through the gap that makes it shortest."""
        ends = [self._rows[name] for name in (*lane.sources, lane.target, lane.target)]
        lowest = max(self._rows.values())
        near = [other for other in placed if other.first - 1 <= lane.last and lane.first - 1 <= other.last]
        taken = {(other.straight, other.place): other.level + 1 for other in near}
        straight = [(row, True) for row in sorted(set(ends)) if self._is_free(lane, row) and (True, row) not in taken]
        gaps = [(gap, False) for gap in range(lowest + 2)]

        def length(choice: tuple[int, bool]) -> float:
            place, through_row = choice
            at = place if through_row else place - 0.5
            return sum(abs(at - end) for end in ends) + (0 if through_row else 0.3 + taken.get((False, place), 0))

        lane.place, lane.straight = min([*straight, *gaps], key=length)
        lane.level = sum(1 for other in near if (other.straight, other.place) == (lane.straight, lane.place))

    def _is_free(self, lane: _Lane, row: int) -> bool:
        """Return whether no box stands in the row where the lane passes, nor another where it ends."""
        return not any(
            at == row and lane.first <= self._layer[name] <= lane.last + 1
            for name, at in self._rows.items()
            if name != lane.target
        )

    # ── heights ─────────────────────────────────────────────────────────────────────────────────

    def _heights(self) -> tuple[list[int], list[int], int]:
        """Return the top lines of the rows and of the gaps above them, and the height of it all."""
        rows = max(self._rows.values(), default=-1) + 1
        levels = [0] * (rows + 1)
        for lane in self._lanes.values():
            if not lane.straight:
                levels[lane.place] = max(levels[lane.place], lane.level + 1)
        tops, gaps, at = [], [], 0
        for row in range(rows):
            gaps.append(at)
            at += levels[row] if row in {0, rows} else max(1, levels[row])
            tops.append(at)
            at += HEIGHT
        gaps.append(at)
        return tops, gaps, at + levels[rows]

    def _lane_line(self, lane: _Lane) -> int:
        return self._tops[lane.place] + 1 if lane.straight else self._gaps[lane.place] + lane.level

    def _entry(self, port: _Port) -> int:
        """Return the line at which a line comes in."""
        return self._lane_line(self._lanes[port.name]) if port.is_lane else self._tops[self._rows[port.name]] + 1

    # ── gutters ─────────────────────────────────────────────────────────────────────────────────

    def _bundles(self, gutter: int) -> list[_Bundle]:
        """Return the lines of the gutter after this layer, with their tracks from left to right."""
        sources: dict[_Port, set[_Port]] = defaultdict(set)
        for left, right, _ in self._hops(gutter):
            sources[right].add(left)
        together: dict[frozenset[_Port], _Bundle] = {}
        for right, lefts in sources.items():
            key = frozenset(lefts)
            together.setdefault(key, _Bundle(key, [])).targets.append(right)
        bundles = list(together.values())
        self._choose_exits(bundles)
        bent = self._ordered([bundle for bundle in bundles if not self._is_straight(bundle)])
        for track, bundle in enumerate(bent):
            bundle.track = track
        for bundle in bent:
            self._give_way(bundle, bundles)
        return bent + [bundle for bundle in bundles if bundle.track < 0]

    def _give_way(self, bundle: _Bundle, bundles: list[_Bundle]) -> None:
        """Let a line leave lower where it would run into one that comes in at its height further left."""
        for port, line in bundle.exits.items():
            others = (other for other in bundles if other is not bundle and other.track <= bundle.track)
            if not port.is_lane and any(line in map(self._entry, other.targets) for other in others):
                bundle.exits[port] = self._entry(port) + 1

    def _is_straight(self, bundle: _Bundle) -> bool:
        low, high = self._span(bundle)
        return low == high

    def _hops(self, gutter: int) -> Iterator[tuple[_Port, _Port, Edge]]:
        """Yield how each edge crosses the gutter: from a box or its lane to a box or its lane."""
        for target, sources in self._needs.items():
            last = self._layer[target] - 1
            for source in sources:
                first = self._layer[source]
                if first <= gutter <= last:
                    left = _Port(source) if gutter == first else _Port(target, is_lane=True)
                    right = _Port(target) if gutter == last else _Port(target, is_lane=True)
                    yield left, right, (source, target)

    def _choose_exits(self, bundles: list[_Bundle]) -> None:
        """Let the lines of a box that lead to different bundles leave it one below the other."""
        by_port: dict[_Port, list[_Bundle]] = defaultdict(list)
        for bundle in bundles:
            for port in bundle.sources:
                by_port[port].append(bundle)
        for port, mine in by_port.items():
            line = self._entry(port)
            mine.sort(key=lambda bundle: (line not in map(self._entry, bundle.targets), len(bundle.sources)))
            for place, bundle in enumerate(mine):
                bundle.exits[port] = line + (0 if port.is_lane else min(place, 1))

    def _ordered(self, bundles: list[_Bundle]) -> list[_Bundle]:
        start = sorted(bundles, key=lambda bundle: median(map(self._entry, bundle.targets)))
        if len(start) > _TRIED:
            return self._settled(start)
        return min((list(order) for order in permutations(start)), key=self._faults)

    def _settled(self, order: list[_Bundle]) -> list[_Bundle]:
        """Swap neighbours as long as that is better."""
        better = True
        while better:
            better = False
            for at in range(len(order) - 1):
                other = [*order[:at], order[at + 1], order[at], *order[at + 2 :]]
                if self._faults(other) < self._faults(order):
                    order, better = other, True
        return order

    def _faults(self, order: Sequence[_Bundle]) -> int:
        """Count crossings; lines that would run into each other count as many."""
        faults = 0
        for (at, one), (place, other) in product(enumerate(order), repeat=2):
            if one is other:
                continue
            low, high = self._span(one)
            inner = [line for line in other.exits.values() if low <= line <= high] if at < place else []
            outer = [line for line in map(self._entry, other.targets) if low <= line <= high] if at > place else []
            faults += len(inner) + len(outer)
            if at < place:
                faults += 100 * len(set(map(self._entry, one.targets)) & set(other.exits.values()))
        return faults

    def _span(self, bundle: _Bundle) -> tuple[int, int]:
        lines = [*bundle.exits.values(), *map(self._entry, bundle.targets)]
        return min(lines), max(lines)

    def _columns(self) -> list[int]:
        """Return the left edge of each layer."""
        lefts, at = [], 1
        for layer in range(self._depth):
            lefts.append(at)
            bundles = self._gutters[layer] if layer < len(self._gutters) else []
            at += self._box + max(3, 2 * sum(bundle.track >= 0 for bundle in bundles) + 1)
        return lefts

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def _draw_bundle(self, gutter: int, bundle: _Bundle) -> None:
        left = self._lefts[gutter] + self._box
        track, right = left + 1 + 2 * max(0, bundle.track), self._lefts[gutter + 1]
        for source, target, edge in self._hops(gutter):
            if source in bundle.sources and target in bundle.targets:
                exit_line, entry_line = bundle.exits[source], self._entry(target)
                self._across(id(bundle), exit_line, left - (0 if source.is_lane else 1), track, edge)
                self._along(id(bundle), track, exit_line, entry_line, edge)
                self._across(id(bundle), entry_line, track, right - (0 if target.is_lane else 1), edge)
                if not target.is_lane:
                    self._arrows[entry_line, right - 1].add(edge)

    def _draw_lane(self, lane: _Lane) -> None:
        line = self._lane_line(lane)
        for layer in range(lane.first, lane.last + 1):
            left = self._lefts[layer]
            for source in lane.sources:
                if self._layer[source] < layer:
                    self._across(("lane", lane.target), line, left, left + self._box, (source, lane.target))

    def _across(self, owner: object, line: int, start: int, end: int, edge: Edge) -> None:
        for x in range(start, end):
            self._add(owner, line, x, RIGHT, edge)
            self._add(owner, line, x + 1, LEFT, edge)

    def _along(self, owner: object, x: int, start: int, end: int, edge: Edge) -> None:
        for line in range(min(start, end), max(start, end)):
            self._add(owner, line, x, DOWN, edge)
            self._add(owner, line + 1, x, UP, edge)

    def _add(self, owner: object, line: int, x: int, side: int, edge: Edge) -> None:
        strokes = self._cells[line][x]
        if owner not in strokes:
            strokes[owner] = (set(), set(), set(), set())
        strokes[owner][side].add(edge)

    def _strokes(self) -> dict[int, dict[int, list[Stroke]]]:
        return {
            line: {x: [_frozen(sides) for sides in strokes.values()] for x, strokes in row.items()}
            for line, row in self._cells.items()
        }

    def _frozen_arrows(self) -> dict[tuple[int, int], frozenset[Edge]]:
        return {cell: frozenset(edges) for cell, edges in self._arrows.items()}


def _frozen(sides: _Sides) -> Stroke:
    above, right, below, left = map(frozenset, sides)
    return above, right, below, left


# ── rows ────────────────────────────────────────────────────────────────────────────────────────


def rows_of(needs: Mapping[str, tuple[str, ...]], layers: Mapping[str, int]) -> dict[str, int]:
    """Return the row of each box: as near to its neighbours' as there is room, those of one layer in different rows."""
    feeds: dict[str, list[str]] = {box: [] for box in needs}
    for box, others in needs.items():
        for other in others:
            feeds[other].append(box)
    columns: dict[int, list[str]] = defaultdict(list)
    for box in needs:
        columns[layers[box]].append(box)
    rows = {box: float(at) for column in columns.values() for at, box in enumerate(column)}
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for layer in sorted(columns, reverse=not forward):
            near = (needs, feeds) if forward else (feeds, needs)
            wishes = {box: _wish(rows, [table[box] for table in near], box) for box in columns[layer]}
            rows |= _settle(columns[layer], wishes)
    places = {row: place for place, row in enumerate(sorted(set(rows.values())))}
    return {box: places[row] for box, row in rows.items()}


def _wish(rows: Mapping[str, float], near: Iterable[Sequence[str]], box: str) -> float:
    """Return the row in the middle of those on the one side, or on the other where there are none."""
    return next((median(rows[other] for other in others) for others in near if others), rows[box])


def _settle(column: list[str], wishes: Mapping[str, float]) -> dict[str, float]:
    """Give each box a row of its own, all together as near as can be to their wishes, in the order of these."""
    order = sorted(column, key=wishes.__getitem__)
    blocks: list[list[float]] = []
    for at, box in enumerate(order):
        blocks.append([wishes[box] - at])
        while len(blocks) > 1 and median(blocks[-2]) >= median(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    starts = [median(block) for block in blocks for _ in block]
    return {box: float(round(start) + at) for at, (box, start) in enumerate(zip(order, starts, strict=True))}
