"""How a graph looks: boxes while there are few, a tree when there are many, and what decides the end."""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import pytest

from orchestrator.core import events as ev
from orchestrator.core.events import GroupInfo
from orchestrator.core.states import Reason, Status
from orchestrator.tui.boxes import Look, face_of, worst
from orchestrator.tui.boxpane import pane_lines, pane_title
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.graph import graph_of
from orchestrator.tui.lines import plain, width
from orchestrator.tui.picture import BoxPicture, Picture, TreePicture, box_at, picture_of
from orchestrator.tui.rows import Family
from tests.tui.scene import Scene, research, started, upstream


def look_at(scene: Scene, *chain: str, ascii_only: bool = False) -> Look:
    family = Family()
    for whole in scene.run.instances:
        family.expanded(scene.run, whole)
    graph = graph_of(scene.run, family.whole_of)
    links = frozenset(pairwise(chain))
    return Look(scene.run, scene.at, graph, ASCII if ascii_only else UNICODE, frozenset(chain), links)


def drawn(look: Look, picture: Picture) -> list[str]:
    """Return the picture as text."""
    faces = {box: picture.face(look, box) for box in picture.order}
    lines = []
    for line in range(picture.height):
        text = ""
        for piece in picture.pieces(line, look, faces.__getitem__):
            text = f"{text:<{piece.x}}{plain(piece.line)}"
        lines.append(text.rstrip())
    return lines


def pipeline() -> Scene:
    """A task that is done, a fan-out of which one failed, and what waits for it."""
    scene = Scene().tell(started([GroupInfo("g")], [], []))
    scene.task("plan", "g").fan("part", ["a", "b", "c"], "g", needs=("plan",)).task("sum", "g", needs=("part",))
    scene.starts("plan", at=1.0).succeeds("plan", at=9.0)
    scene.starts("part[a]", at=9.0).starts("part[b]", at=9.0)
    return scene.fails("part[a]", upstream("HTTP 503"), at=12.0)


# ── boxes ───────────────────────────────────────────────────────────────────────────────────────


def test_what_decides_the_end_is_drawn_with_heavy_lines() -> None:
    look = look_at(pipeline(), "plan", "part")
    assert drawn(look, picture_of(look.graph, 120, ascii_only=False)) == [
        " ┏━━━━━━━━━━━━━━━┓   ┏━━━━━━━━━━━━━━━┓   ╭───────────────╮",
        " ┃ plan          ┣━━▸┃ part ×3       ┠──▸│ sum           │",
        " ┃ ✓ done  8.0s  ┃   ┃ ✗✗✗▓▓░░ 1/3   ┃   │ · pending     │",
        " ┗━━━━━━━━━━━━━━━┛   ┗━━━━━━━━━━━━━━━┛   ╰───────────────╯",
    ]


def test_in_ascii_nothing_else_is_used() -> None:
    look = look_at(pipeline(), "plan", "part", ascii_only=True)
    assert drawn(look, picture_of(look.graph, 120, ascii_only=True)) == [
        " #===============#   #===============#   +---------------+",
        " # plan          #==># part x3       #-->| sum           |",
        " # + done  8.0s  #   # xxx==.. 1/3   #   | . pending     |",
        " #===============#   #===============#   +---------------+",
    ]


def test_boxes_are_as_wide_as_their_names_where_there_is_room() -> None:
    scene = Scene().tell(started([GroupInfo("g")], [], [])).task("a rather long name", "g").task("b", "g")
    look = look_at(scene)
    assert "│ a rather long name │" in drawn(look, picture_of(look.graph, 120, ascii_only=False))[1]
    assert picture_of(look.graph, 60, ascii_only=False).area("b").width == 22
    assert picture_of(look.graph, 15, ascii_only=False).area("b").width == 15


def test_a_whole_that_has_not_expanded_says_that_it_will() -> None:
    scene = Scene().tell(started([GroupInfo("g")], [], []), ev.TaskAdded("w", "llm", "g", whole=True))
    look = look_at(scene)
    assert plain(face_of(look, "w", 14, 14).name) == "w ×?"
    scene.tell(ev.TaskExpanded("w", ()), ev.TaskSucceeded("w"))
    assert plain(face_of(look_at(scene), "w", 14, 14).name) == "w ×0"


STATES = [
    ("plan", "✓ done  8.0s"),
    ("run", "► running  3s"),
    ("wait", "≠ circuit  23s"),
    ("sum", "· pending"),
    ("late", "► running  72s"),
]


@pytest.mark.parametrize(("task", "words"), STATES, ids=[task for task, _ in STATES])
def test_a_box_says_how_its_task_stands(task: str, words: str) -> None:
    scene = pipeline().task("run", "g").task("wait", "g").task("late", "g")
    scene.waits("wait", Reason.BREAKER, 103.0, "web").starts("late", at=8.0).starts("run", at=77.0)
    scene.at = 80.0
    assert plain(face_of(look_at(scene), task, 15, 15).state) == words


def test_the_worst_of_many_lends_its_colour() -> None:
    assert worst({**dict.fromkeys(Status, 0), Status.DONE: 5, Status.FAILED: 1, Status.RUNNING: 2}) is Status.FAILED
    assert worst({**dict.fromkeys(Status, 0), Status.DONE: 5, Status.RUNNING: 2}) is Status.RUNNING
    assert worst({**dict.fromkeys(Status, 0), Status.DONE: 5}) is Status.DONE


def test_a_cell_finds_its_box() -> None:
    look = look_at(pipeline())
    picture = picture_of(look.graph, 120, ascii_only=False)
    assert [box_at(picture, x, 1) for x in (0, 1, 17, 18, 21, 60)] == [None, "plan", "plan", None, "part", None]


def test_walking_goes_along_the_lines_and_down_the_layers() -> None:
    look = look_at(research())
    step = picture_of(look.graph, 120, ascii_only=False).step
    assert step("plan", 1, 0) == "research"
    assert step("research", -1, 0) == "plan"
    assert step("plan", -1, 0) == "plan"
    assert step("plan", 0, 1) == "scrape"
    assert step("scrape", 0, -1) == "plan"
    assert step("legal-check", 1, 0) == "survey-report"
    assert step("publish", 0, 1) == "survey-us"
    assert step("plan", 0, -1) == "plan"


# ── the tree ────────────────────────────────────────────────────────────────────────────────────


def test_many_boxes_are_a_tree() -> None:
    scene = pipeline()
    for number in range(70):
        scene.task(f"more {number}", "g", needs=("sum", "plan") if number < 2 else ())
    look = look_at(scene, "plan", "part", "sum")
    picture = picture_of(look.graph, 120, ascii_only=False)
    assert isinstance(picture, TreePicture)
    assert [line[:63].rstrip() for line in drawn(look, picture)[:6]] == [
        "▌plan                                         ✓ done  8.0s",
        "▌╰─ part ×3                                   ✗✗✗▓▓░░ 1/3",
        "▌   ╰─ sum                                    · pending",
        "       ├─ more 0                              · pending",
        "       ╰─ more 1                              · pending",
        " more 2                                       · pending",
    ]
    assert "also needs plan" in drawn(look, picture)[3]
    assert picture.step("sum", 1, 0) == "more 0"
    assert picture.step("sum", -1, 0) == "part"
    assert picture.step("more 1", 1, 0) == "more 1"
    assert picture.step("plan", 0, -1) == "plan"


def test_a_picture_of_many_screens_is_a_tree_and_a_tree_is_never_wider_than_the_screen() -> None:
    scene = Scene().tell(started([GroupInfo("g")], [], []))
    for number in range(50):
        scene.task(f"step {number}", "g", needs=(f"step {number - 1}",) if number else ())
    look = look_at(scene)
    picture = picture_of(look.graph, 80, ascii_only=True)
    assert isinstance(picture, TreePicture)
    assert picture.width == 80
    assert isinstance(picture_of(look.graph, 400, ascii_only=True), BoxPicture)


# ── the pane ────────────────────────────────────────────────────────────────────────────────────


def test_the_pane_says_how_the_box_stands_and_what_it_is_about() -> None:
    scene = pipeline()
    look = look_at(scene, "plan", "part", "sum")
    say = partial(pane_lines, look, chain=("plan", "part[b]", "sum"), cells=120)
    assert [plain(line) for line in say("part")] == [
        " now     ►1 ✗1 ·1  part[a]: HTTP 503",
        " needs   ✓ plan",
        " feeds   · sum",
        " the end ✓ plan → ► part[b] → · sum",
    ]
    assert plain(say("plan")[2]) == " feeds   ✗ part  and then 1 more box"
    assert plain(say("plan")[0]) == " now     took 00:08, try 1 of 3"
    assert plain(say("sum")[0]) == " now     waits for part (1 of 3 done)"
    assert plain(pane_title(look, "part", 60)) == " part ×3  ✗ failed  group g                 decides the end"
    assert plain(pane_title(look_at(scene), "sum", 60)) == " sum  · pending  group g"


def test_the_pane_fits_and_without_a_box_it_is_empty() -> None:
    look = look_at(research())
    for box in look.graph.needs:
        for line, whole in zip(pane_lines(look, box, (), 40), pane_lines(look, box, (), 400), strict=True):
            assert width(line) <= 40
            assert plain(line).endswith("…") is (width(whole) > 40)
    assert pane_lines(look, None, (), 40) == []
    assert plain(pane_title(look, None, 40)) == ""
