"""Where boxes stand and lines run: whatever the graph, every line leads from box to box and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.tui.dag import DOWN, HEIGHT, LEFT, RIGHT, UP, Edge, Plan, Stroke, plan, reduced, rows_of

BOX = 15
Needs = dict[str, tuple[str, ...]]


def layers_of(needs: Needs) -> dict[str, int]:
    layers: dict[str, int] = {}
    for box, others in needs.items():
        layers[box] = max((layers[other] + 1 for other in others), default=0)
    return layers


def planned(needs: Needs) -> Plan:
    return plan(needs, layers_of(needs), BOX)


@st.composite
def graphs(draw: st.DrawFn) -> Needs:
    """Draw a graph in which a box needs some of those before it."""
    needs: Needs = {}
    for number in range(draw(st.integers(1, 14))):
        before = list(needs)
        chosen = draw(st.lists(st.sampled_from(before), max_size=3, unique=True)) if before else []
        needs[f"n{number}"] = tuple(chosen)
    return needs


def picture(needs: Needs) -> str:
    """Draw the plan with frames and light lines only."""
    found = planned(needs)
    grid = [[" "] * (found.width + 1) for _ in range(found.height)]
    for line, row in found.lines.items():
        for x, strokes in row.items():
            grid[line][x] = _char(strokes)
    for line, x in found.arrows:
        grid[line][x] = ">"
    for name, (x, y) in found.corners.items():
        for line in range(HEIGHT):
            inside = f"{name if line == 1 else '':<{BOX - 2}}"
            grid[y + line][x : x + BOX] = f"[{inside}]" if line in {1, 2} else "+" + "-" * (BOX - 2) + "+"
    return "\n".join("".join(row).rstrip() for row in grid)


def _char(strokes: Sequence[Stroke]) -> str:
    sides = {side for stroke in strokes for side in range(4) if stroke[side]}
    return {frozenset({UP, DOWN}): "|", frozenset({LEFT, RIGHT}): "-"}.get(frozenset(sides), "*")


# ── examples ────────────────────────────────────────────────────────────────────────────────────


def test_a_chain_is_one_straight_line() -> None:
    assert picture({"a": (), "b": ("a",), "c": ("b",)}).splitlines()[1] == (
        " [a            ]-->[b            ]-->[c            ]"
    )


def test_what_several_wait_for_and_what_waits_for_several_have_one_track_each() -> None:
    drawn = picture({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")})
    assert drawn.splitlines() == [
        " +-------------+   +-------------+   +-------------+",
        " [a            ]-*>[b            ]-*>[d            ]",
        " [             ] | [             ] | [             ]",
        " +-------------+ | +-------------+ | +-------------+",
        "                 |                 |",
        "                 | +-------------+ |",
        "                 *>[c            ]-*",
        "                   [             ]",
        "                   +-------------+",
    ]


def test_a_line_that_passes_a_layer_runs_beside_its_boxes() -> None:
    needs: Needs = {"a": (), "b": ("a",), "x": (), "c": ("b", "x")}
    found = planned(needs)
    lines = {
        line
        for line, row in found.lines.items()
        if any(_runs(stroke, ("x", "c")) for s in row.values() for stroke in s)
    }
    x, y = found.corners["b"]
    passing = [line for line in lines if x + 1 in found.lines[line]]
    assert passing
    assert all(not y <= line < y + HEIGHT for line in passing)


def test_what_is_implied_is_not_drawn() -> None:
    assert reduced({"a": (), "b": ("a",), "c": ("b", "a")}) == {"a": (), "b": ("a",), "c": ("b",)}


def test_a_box_stands_in_the_middle_of_what_it_needs() -> None:
    needs: Needs = {"a": (), "b": (), "c": (), "d": ("a", "b", "c")}
    assert rows_of(needs, layers_of(needs)) == {"a": 0, "b": 1, "c": 2, "d": 1}


def test_nothing_is_a_plan_too() -> None:
    assert planned({}) == Plan({}, {}, {}, 0, 0)


# ── whatever the graph ──────────────────────────────────────────────────────────────────────────


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_boxes_never_overlap_and_lines_run_around_them(needs: Needs) -> None:
    found = planned(needs)
    for (x, y), (other_x, other_y) in combinations(found.corners.values(), 2):
        assert abs(x - other_x) >= BOX + 3 or abs(y - other_y) > HEIGHT
    for x, y in found.corners.values():
        assert x + BOX <= found.width
        assert y + HEIGHT <= found.height
        for line in range(y, y + HEIGHT):
            assert not [at for at in found.lines.get(line, {}) if x <= at < x + BOX - 1]


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_every_line_leads_from_its_source_to_its_target(needs: Needs) -> None:
    found = planned(needs)
    for target, sources in reduced(needs).items():
        for source in sources:
            x, y = found.corners[target]
            assert (source, target) in found.arrows[y + 1, x - 1]
            assert (y + 1, x - 1) in _reached(found, (source, target))


def _reached(found: Plan, edge: Edge) -> set[tuple[int, int]]:
    """Return the cells that one gets to from the source's right side along the edge."""
    x, y = found.corners[edge[0]]
    todo = [(line, x + BOX - 1) for line in (y + 1, y + 2) if _sides(found, (line, x + BOX - 1), edge)]
    steps = {UP: (-1, 0), RIGHT: (0, 1), DOWN: (1, 0), LEFT: (0, -1)}
    reached: set[tuple[int, int]] = set()
    while todo:
        cell = todo.pop()
        if cell not in reached:
            reached.add(cell)
            todo += [(cell[0] + steps[side][0], cell[1] + steps[side][1]) for side in _sides(found, cell, edge)]
    return reached


def _sides(found: Plan, cell: tuple[int, int], edge: Edge) -> set[int]:
    strokes = found.lines.get(cell[0], {}).get(cell[1], ())
    return {side for stroke in strokes for side in range(4) if edge in stroke[side]}


def _runs(stroke: Stroke, edge: Edge) -> bool:
    return any(edge in side for side in stroke)


@settings(max_examples=80, deadline=None)
@given(graphs())
def test_lines_that_lead_elsewhere_only_cross(needs: Needs) -> None:
    for row in planned(needs).lines.values():
        for strokes in row.values():
            for one, other in combinations(strokes, 2):
                assert _cross(one, other) or _cross(other, one) or _ends(one) & _ends(other)


def _cross(one: Stroke, other: Stroke) -> bool:
    return not (one[LEFT] or one[RIGHT]) and not (other[UP] or other[DOWN])


def _ends(stroke: Stroke) -> set[str]:
    return {end for side in stroke for edge in side for end in edge}
