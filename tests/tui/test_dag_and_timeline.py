"""The DAG and the timeline on the real screen: every key, clicks, and what they say when there is nothing to show."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest

from orchestrator.core import commands as ask
from orchestrator.core import events as ev
from orchestrator.core.events import GroupInfo
from orchestrator.core.states import Outcome
from orchestrator.tui.app import Dashboard
from orchestrator.tui.commands import Place, commands_of
from orchestrator.tui.lines import plain
from orchestrator.tui.rows import Row
from orchestrator.tui.views.dag import DagView
from orchestrator.tui.views.timeline import TimelineView
from tests.tui.eyes import Eyes, Screen
from tests.tui.scene import Scene, empty, finished, research, started, upstream
from tests.tui.test_hostile import EVIL, evil_scene

Make = Callable[..., Dashboard]


def dag(eyes: Eyes) -> DagView:
    return eyes.app.main.query_one(DagView)


def timeline(eyes: Eyes) -> TimelineView:
    return eyes.app.main.query_one(TimelineView)


def place(eyes: Eyes) -> Place:
    return eyes.app.main.view.place


def chart(eyes: Eyes) -> tuple[float, float]:
    """Return where the chart starts and how many seconds a cell stands for."""
    scale = timeline(eyes)._scale
    return scale.start, scale.step


# ── going from one view to another ──────────────────────────────────────────────────────────────


async def test_numbers_tabs_and_escape_switch_views(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        for key, shown in (("3", Place.TIMELINE), ("2", Place.DAG), ("2", Place.DAG), ("1", Place.TASKS)):
            await eyes.press(key)
            assert place(eyes) is shown
        for label, shown in (("DAG", Place.DAG), ("Timeline", Place.TIMELINE)):
            await eyes.pilot.click("#tabs", offset=(eyes.bar("tabs").index(label), 0))
            assert place(eyes) is shown
        await eyes.press("escape")
        assert place(eyes) is Place.TASKS


@pytest.mark.parametrize("shown", [Place.DAG, Place.TIMELINE])
async def test_the_help_names_what_holds_in_the_view(dashboard: Make, shown: Place) -> None:
    async with Screen(dashboard(research())) as eyes:
        eyes.app.main.show_view(shown)
        keys = {key.command for key in eyes.app.main.help_keys()}
        here = commands_of(shown)
        assert {command.id for command in here if command.places == frozenset({shown})} <= keys <= {c.id for c in here}


# ── the DAG ─────────────────────────────────────────────────────────────────────────────────────

WALKS = [
    ("", "plan"),
    ("l", "research"),
    ("right", "synthesis"),
    ("h h", "plan"),
    ("j", "scrape"),
    ("down j", "survey-us"),
    ("k up up", "plan"),
    ("G", "publish"),
    ("g", "plan"),
    ("end home", "plan"),
    ("N", "scrape"),
    ("N", "legal-check"),
    ("N", "scrape"),
    ("N", "legal-check"),
]


async def test_the_cursor_walks_from_box_to_box(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("2")
        for keys, box in WALKS:
            await eyes.press(*keys.split())
            assert dag(eyes).canvas.chosen == box, keys
        assert "? approve" in eyes.bar("dag-title")
        await eyes.press("N")
        assert "scrape ×8" in eyes.bar("dag-title")
        assert "feeds   » scrape-merge" in eyes.bar("dag-pane")


async def test_enter_filters_the_tasks_for_a_box_of_many_and_goes_to_one(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("2", "l", "enter")
        assert place(eyes) is Place.TASKS
        assert eyes.names[0] == "research"
        assert len(eyes.names) == 13
        assert eyes.row == "research[pricing-eu]"
        await eyes.press("escape", "2", "l", "enter")
        assert eyes.row == "synthesis"
        assert len(eyes.names) > 30


async def test_a_box_is_acted_on_like_a_row(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("2", "G", "x")
        await eyes.press("X", "y", "p")
        assert [type(order).__name__ for order in scene.sent] == ["CancelTask", "CancelGroup", "PauseTask"]
        assert isinstance(scene.sent[1], ask.CancelGroup)
        assert scene.sent[1].group == "review"
        await eyes.press("g", "x")
        assert "What is here has ended already." in eyes.toasts


async def test_boxes_are_clicked_dragged_and_centred(dashboard: Make) -> None:
    async with Screen(dashboard(research()), (60, 20)) as eyes:
        await eyes.press("2")
        canvas = dag(eyes).canvas
        await eyes.pilot.click(canvas, offset=(25, 2))
        assert canvas.chosen == "research"
        await eyes.pilot.click(canvas, offset=(25, 2), times=2)
        assert place(eyes) is Place.TASKS
        await eyes.press("escape", "2", "g", "N", "N")
        before = canvas.top
        await eyes.pilot.mouse_down(canvas, offset=(30, 4))
        await eyes.pilot.hover(canvas, offset=(30, 8))
        await eyes.pilot.mouse_up(canvas, offset=(30, 8))
        assert canvas.top < before
        await eyes.press("g", "c", "pagedown", "pageup")
        assert canvas.top == 0


async def test_what_happens_is_seen_in_the_boxes(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("2", "N", "N")
        assert "waits for your approval" in eyes.bar("dag-pane")
        scene.succeeds("survey-eu", at=253.0)
        scene.succeeds("survey-us", at=254.0)
        await eyes.pilot.pause(0.4)
        assert _state(eyes, "survey-eu") == "✓ done  33s"
        scene.task("late", "review", needs=("publish",))
        await eyes.pilot.pause(0.4)
        assert "late" in dag(eyes).canvas._picture.order  # type: ignore[union-attr]  # there is a picture
        assert dag(eyes).canvas.chosen == "legal-check"


def _state(eyes: Eyes, box: str) -> str:
    return plain(dag(eyes).canvas._faces[box].state)


async def test_the_line_to_copy_is_what_the_pane_says(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("2", "l", "y")
        assert "feeds   · synthesis" in eyes.app.clipboard


async def test_what_is_heavy_follows_what_decides_the_end(dashboard: Make) -> None:
    scene = Scene().tell(started([GroupInfo("g")], [], []))
    scene.task("a", "g").task("b", "g").task("end", "g", needs=("a", "b"))
    scene.starts("a", at=0.0).starts("b", at=0.0).succeeds("a", at=2.0)
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("2")
        await eyes.pilot.pause(0.4)
        assert dag(eyes)._links == {("b", "end")}
        assert "the end ► b → · end" in eyes.bar("dag-pane")


def lit(eyes: Eyes) -> set[str]:
    """Return the boxes that are not faded."""
    view = dag(eyes)
    return set(view.canvas.order) - view._look().faded


async def test_the_filter_of_the_tasks_holds_in_the_graph(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("slash", *"state:failed", "enter", "2")
        assert lit(eyes) == {"scrape"}
        assert "filter: state:failed (3 of 29)  Esc clears" in eyes.bar("dag-head")
        face = dag(eyes).canvas._face("plan")
        assert {span.role for span in (*face.name, *face.state) if span.text.strip()} == {"muted"}
        scene.fails("survey-eu", upstream(), at=260.0)
        await eyes.pilot.pause(1.0)
        assert lit(eyes) == {"scrape", "survey-eu"}
        await eyes.press("escape")
        assert place(eyes) is Place.DAG
        assert lit(eyes) == set(dag(eyes).canvas.order)
        assert eyes.bar("dag-head").strip() == ""


async def test_the_graph_is_filtered_where_it_is_and_the_cursor_goes_to_what_is_left(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("2", "slash", *"g:review fact")
        await eyes.pilot.pause(0.2)
        assert lit(eyes) == {"fact-check"}
        assert "1 of 29" in eyes.bar("filter-note")
        await eyes.press("enter")
        assert dag(eyes).canvas.chosen == "fact-check"
        await eyes.press("1")
        assert "fact-check" in eyes.names
        assert "research" not in eyes.names
        await eyes.press("2", "slash", "escape")
        assert lit(eyes) == set(dag(eyes).canvas.order)
        assert place(eyes) is Place.DAG


async def test_a_graph_that_is_wider_than_the_screen_says_how_to_see_the_rest(dashboard: Make) -> None:
    scene = Scene().task("a")
    for before, name in pairwise("abcdef"):
        scene.task(name, needs=(before,))
    async with Screen(dashboard(scene), (80, 24)) as eyes:
        await eyes.press("2")
        assert eyes.bar("dag-head").strip() == "l  2 more boxes →"
        await eyes.press("G")
        assert eyes.bar("dag-head").strip() == "← 2 more boxes  h"
        await eyes.press("h", "h")
        await eyes.press("c")
        assert eyes.bar("dag-head").strip() == "← 2 more boxes  h   l  1 more box →"
        await eyes.pilot.resize_terminal(160, 40)
        await eyes.pilot.pause(0.2)
        assert eyes.bar("dag-head").strip() == ""


async def test_many_boxes_are_walked_through_as_a_tree(dashboard: Make) -> None:
    scene = Scene().tell(started([GroupInfo("g")], [], []))
    for number in range(200):
        scene.task(f"t{number}", "g", needs=(f"t{number // 2}",) if number else ())
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("2", "j", "j", "pagedown", "l", "h", "G", "g", "c")
        assert dag(eyes).canvas.count == 200
        assert dag(eyes).canvas.chosen == "t0"


# ── the timeline ────────────────────────────────────────────────────────────────────────────────


async def test_the_timeline_is_walked_and_filtered_like_the_tasks(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("3", "j", "j")
        assert eyes.row == "research[pricing-us]"
        assert len(eyes.names) == 29
        await eyes.press("N", "G", "g")
        assert eyes.row == "plan"
        await eyes.press("slash", *"state:failed", "enter")
        assert eyes.names == ["scrape[site-b]", "scrape[site-c]", "scrape[site-h]"]
        assert "filter: state:failed (3 of 29)" in eyes.bar("timeline-head")
        await eyes.press("1")
        assert "research[pricing-eu]" not in eyes.names
        await eyes.press("3", "escape", "v")
        assert "plan" not in eyes.names
        await eyes.press("escape", "slash", *"nobody", "enter")
        assert len(eyes.names) <= 1


async def test_enter_and_a_double_click_go_to_the_task(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("3", "N", "enter")
        assert place(eyes) is Place.TASKS
        assert eyes.row == "scrape[site-b]"
        await eyes.press("3")
        await eyes.pilot.click(timeline(eyes).table, offset=(10, 2), times=2)
        assert eyes.row == "research[pricing-us]"


async def test_a_row_of_the_timeline_is_acted_on_and_marked(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("3", "G", "x", "k", "space", "space", "x")
        assert [getattr(order, "task", "") for order in scene.sent] == ["publish", "fact-check", "publish"]
        assert not eyes.app.main.marks
        await eyes.press("k", "space", "escape")
        assert not eyes.app.main.marks
        assert place(eyes) is Place.TIMELINE


async def test_the_note_says_why_the_rows_task_does_not_run(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("3")
        eyes.app.main.go_to_task("research[partners]")
        await eyes.pilot.pause()
        assert "waits for a slot in group research, 1 before it" in eyes.bar("timeline-note")
        eyes.app.main.go_to_task("scrape[site-e]")
        await eyes.pilot.pause()
        assert "breaker web-fetch opens its probe in 0:23" in eyes.bar("timeline-note")


async def test_zooming_and_moving_in_time(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("3")
        assert chart(eyes) == (0.0, 4.0)
        assert "all, 4 s a cell" in eyes.bar("timeline-legend")
        await eyes.press("h", "l", "minus")
        assert chart(eyes) == (0.0, 4.0)
        await eyes.press("plus", "plus")
        start, step = chart(eyes)
        assert step == 2.5
        assert start > 0
        assert "FOLLOW" in eyes.bar("timeline-legend")
        await eyes.press("h")
        assert chart(eyes)[0] < start
        assert "FOLLOW" not in eyes.bar("timeline-legend")
        await eyes.press("left", "left", "left", "left", "left")
        assert chart(eyes)[0] == 0.0
        await eyes.press("right")
        assert chart(eyes)[0] > 0.0
        await eyes.press("f")
        assert chart(eyes)[0] > 60
        await eyes.press("f", "g", "plus")
        assert timeline(eyes)._scale.start < 252
        await eyes.press("0")
        assert chart(eyes) == (0.0, 4.0)


async def test_the_chart_follows_the_time(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("3", "plus", "plus", "plus", "plus")
        before = chart(eyes)[0]
        scene.at += 200
        await eyes.pilot.pause(0.4)
        assert chart(eyes)[0] > before
        await eyes.press("0")
        scene.at += 2000
        await eyes.pilot.pause(0.4)
        assert chart(eyes)[1] > 20


async def test_what_happens_is_seen_in_the_bars(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("3")
        scene.starts("scrape[site-g]", at=256.0)
        scene.task("late", "review")
        scene.at = 300.0
        await eyes.pilot.pause(0.4)
        assert "▇▇▇" in plain(timeline(eyes).table._face(_row(eyes, "scrape[site-g]")))
        assert eyes.names[-1] == "late"
        assert timeline(eyes)._chain


def _row(eyes: Eyes, task: str) -> Row:
    return next(row for row in eyes.table.rows if row.name == task)


# ── nothing to show, and hostile text ───────────────────────────────────────────────────────────


async def test_before_the_first_task_both_say_so(dashboard: Make) -> None:
    scene = empty()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("2", "j", "enter", "c", "x", "y")
        assert "Preparing the run" in _text(eyes)
        await eyes.press("3", "j", "enter", "plus", "l", "f", "0", "y")
        assert "Preparing 0 tasks in 1 group" in _text(eyes)
        scene.task("first", "build")
        await eyes.pilot.pause(0.3)
        assert eyes.names == ["first"]
        await eyes.press("2")
        await eyes.pilot.pause(0.3)
        assert dag(eyes).canvas.chosen == "first"


@pytest.mark.parametrize("well", [True, False])
async def test_a_run_that_is_over_stands_still(dashboard: Make, *, well: bool) -> None:
    scene = finished(well=well)
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("3")
        before = _text(eyes)
        scene.at += 100
        await eyes.pilot.pause(0.4)
        assert _text(eyes) == before
        await eyes.press("2", "l")
        assert "the end ✓ compile → ✓ package" in _text(eyes) if well else "the end ✗ compile" in _text(eyes)


async def test_hostile_names_do_nothing(dashboard: Make) -> None:
    scene = evil_scene()
    async with Screen(dashboard(scene)) as eyes:
        for keys in (["2"], ["G"], ["l"], ["enter", "3"], ["plus", "G"], ["slash", "a", "enter"]):
            await eyes.press(*keys)
            picture = eyes.app.export_screenshot()
            assert not {char for char in "\x1b\x9b\x07\u202e" if char in picture}
            picture.encode()
        assert EVIL[0] == "\x1b"
        assert eyes.app.is_running


@pytest.mark.parametrize("theme", ["orchestra-dark", "nord"])
async def test_another_theme_a_small_screen_and_ascii_are_no_trouble(dashboard: Make, theme: str) -> None:
    async with Screen(dashboard(research(), theme, ascii_only=True)) as eyes:
        for key in ("2", "3"):
            await eyes.press(key, "ctrl+t")
            assert "view error" not in _text(eyes)
            assert _text(eyes).isascii()
            for size in ((80, 24), (200, 60), (60, 16), (120, 40)):
                await eyes.pilot.resize_terminal(*size)
                await eyes.pilot.pause(0.05)
                assert "view error" not in _text(eyes)


def _text(eyes: Eyes) -> str:
    strips = eyes.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def test_the_end_of_the_run_is_seen_in_both(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("3")
        assert "│" in plain(timeline(eyes).table._face(_row(eyes, "publish")))
        scene.tell(ev.RunCancelling("operator"), ev.RunFinished(Outcome.CANCELLED))
        await eyes.pilot.pause(0.4)
        assert "│" not in plain(timeline(eyes).table._face(_row(eyes, "publish")))


async def test_a_box_and_a_graph_that_break_do_not_end_the_screen(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("2")
        view = dag(eyes)
        del view._graph.members["scrape"]  # type: ignore[attr-defined]  # a bug takes no notice of types
        scene.at += 1
        await eyes.pilot.pause(0.4)
        assert "view error: KeyError" in _text(eyes)
        assert "synthesis" in _text(eyes)
        eyes.app.main.feed.family.whole_of["plan"] = "plan "
        eyes.app.main.feed.family.whole_of["plan "] = 7  # type: ignore[assignment]  # the same
        scene.task("another", "plan")
        await eyes.pilot.pause(0.4)
        assert eyes.app.is_running
