"""Bars on a scale of time: whole minutes fall on cells, and what a task did can be read from its row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core import events as ev
from orchestrator.core.events import GroupInfo
from orchestrator.core.run import Run
from orchestrator.core.states import Outcome, Reason
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.lines import difference, plain, width
from orchestrator.tui.timeline import (
    Chart,
    Scale,
    axis,
    bar,
    fitting,
    head_line,
    legend_line,
    row_line,
    shape_of,
    step_words,
)
from tests.tui.scene import Scene, started, timeout, upstream


def told() -> Scene:
    return Scene().tell(started([GroupInfo("g")], [], [])).task("t", "g", tries=5)


def drawn(scene: Scene, *, step: float = 1.0, start: float = 0.0, cells: int = 30, ascii_only: bool = False) -> str:
    """Return the bar of the task without the grid."""
    ended = scene.run.ended
    chart = Chart(Scale(start, step, cells), scene.at, None if ended else scene.at, ASCII if ascii_only else UNICODE)
    return "".join(span.text for span in bar(chart, scene.run.tasks["t"])).replace("┊", " ").replace(":", " ").rstrip()


# ── bars ────────────────────────────────────────────────────────────────────────────────────────


def test_a_task_that_ended_well_is_a_bar_closed_by_its_mark() -> None:
    scene = told().starts("t", at=2.0).succeeds("t", at=7.0)
    scene.at = 20.0
    assert drawn(scene) == "  ▇▇▇▇▇✓            │"[:21]
    assert drawn(scene, ascii_only=True) == "  =====+            |"


def test_a_running_task_reaches_up_to_now() -> None:
    scene = told().starts("t", at=2.0)
    scene.at = 9.5
    assert drawn(scene) == "  ▇▇▇▇▇▇▇│"
    assert drawn(scene, step=0.5) == "    ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇│"


def test_a_retry_storm_is_seen_at_once() -> None:
    scene = told().starts("t", at=0.0).stumbles("t", upstream(), 2.0, at=3.0)
    scene.starts("t", at=5.0, attempt=2, waits=False).stumbles("t", upstream(), 4.0, at=7.0)
    scene.starts("t", at=11.0, attempt=3, waits=False)
    assert drawn(scene) == "▓▓▓··▓▓····│"
    scene.fails("t", timeout(), at=14.0)
    scene.at = 16.0
    assert drawn(scene) == "▓▓▓··▓▓····▓▓▓◷ │"


def test_a_try_of_no_time_is_seen_too() -> None:
    scene = told().starts("t", at=3.0).fails("t", upstream(), at=3.0)
    scene.at = 9.0
    assert drawn(scene) == "   ▓✗    │"


def test_an_end_long_after_the_last_try_closes_the_bar() -> None:
    scene = told().starts("t", at=0.0).stumbles("t", upstream(), 2.0, at=3.0)
    scene.tell(ev.TaskFailed("t", upstream()), at=8.0)
    assert drawn(scene, cells=12) == "▓▓▓·····✗"


WAITS = [
    (Reason.RATE_LIMIT, "▒▒▒▒▒"),
    (Reason.QUOTA, "▒▒▒▒▒"),
    (Reason.BREAKER, "─────"),
    (Reason.BACKOFF, "·····"),
    (Reason.APPROVAL, "·····"),
    (Reason.SLOT, "     "),
    (Reason.PAUSED, "     "),
]


@pytest.mark.parametrize(("reason", "cells"), WAITS, ids=[reason.value for reason, _ in WAITS])
def test_a_wait_is_drawn_as_what_it_waits_for(reason: Reason, cells: str) -> None:
    scene = told()
    scene.at = 4.0
    scene.waits("t", reason, 60.0)
    scene.at = 9.0
    assert drawn(scene) == f"    {cells}│"


def test_what_waits_after_a_try_shows_the_way_there() -> None:
    scene = told().starts("t", at=0.0).stumbles("t", upstream(), 2.0, at=3.0)
    scene.at = 5.0
    scene.waits("t", Reason.BREAKER, 60.0, "web")
    scene.at = 9.0
    assert drawn(scene) == "▓▓▓··────│"


def test_what_was_never_begun_has_no_bar() -> None:
    scene = told()
    scene.at = 5.0
    assert drawn(scene) == "     │"
    scene.tell(ev.TaskSkipped("t", "because"), ev.RunFinished(Outcome.FAILED))
    assert drawn(scene) == ""


def test_only_the_part_in_view_is_drawn() -> None:
    scene = told().starts("t", at=2.0).succeeds("t", at=50.0)
    scene.at = 60.0
    assert drawn(scene, start=40.0, cells=12) == "▇▇▇▇▇▇▇▇▇▇✓"
    assert drawn(scene, start=10.0, cells=5) == "▇▇▇▇▇"
    assert drawn(scene, start=52.0, cells=5) == ""


def test_a_cancelled_try_ends_where_it_was_stopped() -> None:
    scene = told().starts("t", at=1.0)
    scene.tell(ev.AttemptInterrupted("t", 1, "operator"), ev.TaskCancelled("t", "operator"), at=4.0)
    scene.at = 8.0
    assert drawn(scene) == " ▇▇▇∅   │"


# ── the scale ───────────────────────────────────────────────────────────────────────────────────


def run_of(seconds: float) -> Run:
    scene = Scene().tell(started([GroupInfo("g")], [], [])).tell(ev.RunFinished(Outcome.SUCCEEDED), at=seconds)
    return scene.run


@pytest.mark.parametrize(
    ("seconds", "cells", "step"),
    [(0.0, 60, 0.1), (25.0, 60, 0.5), (59.0, 60, 1.0), (252.0, 80, 4.0), (3_600.0, 100, 60.0), (86_400.0, 90, 1_200.0)],
)
def test_the_scale_fits_the_run_and_keeps_whole_minutes_on_cells(seconds: float, cells: int, step: float) -> None:
    assert fitting(run_of(seconds), seconds, cells).step == step


def test_the_axis_names_the_lines_of_the_grid() -> None:
    assert axis(Scale(0.0, 4.0, 60)) == "00:00          01:00          02:00          03:00          "
    assert axis(Scale(32.0, 4.0, 30)) == "       01:00          02:00   "
    assert axis(Scale(0.0, 0.02, 40)).split() == ["0.0s", "0.5s"]
    assert axis(Scale(0.0, 300.0, 44)).split() == ["00:00", "1:00:00", "2:00:00", "3:00:00"]


@given(st.floats(0.0, 1e6), st.integers(10, 300), st.integers(-6, 6), st.floats(0, 1e6))
def test_whatever_the_scale_the_axis_is_as_wide_as_the_chart(
    length: float, cells: int, steps: int, start: float
) -> None:
    scale = fitting(run_of(length), length, cells).zoomed(steps, start / 2)._replace(start=start)
    assert len(axis(scale)) == cells


def test_zooming_keeps_the_moment_where_it_is() -> None:
    scale = Scale(0.0, 4.0, 60)
    near = scale.zoomed(1, 120.0)
    assert near.step == 3.0
    assert near.cell(120.0) == scale.cell(120.0)
    assert near.zoomed(-1, 120.0).step == 4.0
    assert scale.zoomed(100, 0.0).step == 0.01
    assert scale.zoomed(-100, 0.0).step == 864_000.0


def test_moving_stops_at_both_ends() -> None:
    scale = Scale(0.0, 1.0, 60)
    assert scale.moved(-5, 300.0).start == 0.0
    assert scale.moved(20, 300.0).start == 20.0
    assert scale.moved(500, 300.0).start == 241.0
    assert scale.moved(500, 30.0).start == 0.0


def test_following_keeps_now_near_the_right_edge() -> None:
    scale = Scale(0.0, 1.0, 100).following(500.0)
    assert 85 < scale.cell(500.0) < 100


@pytest.mark.parametrize(
    ("step", "words"), [(0.02, "20 ms"), (0.5, "500 ms"), (4.0, "4 s"), (300.0, "5 min"), (7200.0, "2 h")]
)
def test_a_step_is_said_in_words(step: float, words: str) -> None:
    assert step_words(step) == words


# ── rows ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cells", [60, 79, 119, 199])
def test_every_line_is_as_wide_as_the_table(cells: int) -> None:
    scene = told().starts("t", at=2.0)
    scene.at = 40.0
    shape = shape_of(cells, 30)
    scale = fitting(scene.run, scene.at, shape.chart)
    chart = Chart(scale, scene.at, scene.at, UNICODE)
    row = row_line(chart, scene.run.tasks["t"], shape, critical=True, marked=True, faded=False)
    assert width(row) == width(head_line(scale, shape)) == cells
    assert plain(row).startswith("▌► t ")
    assert plain(row).endswith("00:38")
    assert width(legend_line(UNICODE, cells - 20)) <= cells - 20


def test_rows_mark_what_is_marked_and_fade_what_the_filter_leaves_out() -> None:
    scene = told()
    chart, shape = Chart(Scale(0.0, 1.0, 40), 1.0, 1.0, UNICODE), shape_of(80, 10)
    row = row_line(chart, scene.run.tasks["t"], shape, critical=False, marked=True, faded=True)
    assert plain(row).startswith("●· t")
    assert row[2].role == "muted"


def test_lines_differ_between_two_cells() -> None:
    scene = told().starts("t", at=2.0)
    shape = shape_of(80, 10)
    before, after = (
        row_line(
            Chart(Scale(0.0, 1.0, shape.chart), at, at, UNICODE),
            scene.run.tasks["t"],
            shape,
            critical=False,
            marked=False,
            faded=False,
        )
        for at in (9.9, 10.1)
    )
    start, end = difference(before, after)
    assert shape.name <= start < end <= 80
    assert difference(before, before)[0] == difference(before, before)[1]
