"""What the screens look like. The pictures were looked at by a person before they were kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.core import events as ev
from tests.tui.scene import Scene, empty, finished, research

Compare = Callable[..., bool]
Make = Callable[..., Any]
THEMES = ("orchestra-dark", "orchestra-light", "orchestra-contrast")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_main(snap_compare: Compare, dashboard: Make, theme: str, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(research(), theme), press=["N", "N", "N"], terminal_size=size)


def test_main_on_a_large_screen_has_its_pane_at_the_right(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["N", "N", "k", "k", "k"], terminal_size=(200, 60))


def test_main_in_ascii(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research(), ascii_only=True), press=["N"], terminal_size=(120, 40))


def test_main_without_colours(snap_compare: Compare, dashboard: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(dashboard(research()), press=["N"], terminal_size=(120, 40))


@pytest.mark.parametrize("page", ["Attempts", "Info", "Deps"])
def test_pages_of_the_pane(snap_compare: Compare, dashboard: Make, page: str) -> None:
    turns = {"Attempts": 1, "Info": 2, "Deps": 3}[page]
    keys = ["N", "N", *["right_square_bracket"] * turns]
    assert snap_compare(dashboard(research()), press=keys, terminal_size=(120, 30))


def test_a_pane_in_full(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["N", "j", "j", "enter"], terminal_size=(100, 30))


def test_a_large_fan_out_is_one_row(snap_compare: Compare, dashboard: Make) -> None:
    scene = empty()
    scene.fan("review", [f"file-{number:02d}" for number in range(30)], "build", backend=None)
    for number in range(6):
        scene.starts(f"review[file-{number:02d}]", at=1.0 + number)
    scene.succeeds("review[file-00]", at=9.0)
    assert snap_compare(dashboard(scene), press=["j", "l"], terminal_size=(100, 24))


def test_help(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["question_mark"], terminal_size=(120, 40))


def test_help_on_a_small_screen(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["question_mark"], terminal_size=(80, 24))


def test_confirm(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["X"], terminal_size=(80, 24))


def test_quitting_while_it_runs(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["q"], terminal_size=(80, 24))


def test_the_question_after_ctrl_c(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["N", "ctrl+c"], terminal_size=(100, 30))


def test_approval(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["N", "N", "N", "N", "a"], terminal_size=(100, 30))


def test_a_refusal(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["x"], terminal_size=(80, 24))


def test_cancelling(snap_compare: Compare, dashboard: Make) -> None:
    scene = research().tell(ev.RunCancelling("operator", until=259.0))
    scene.tell(ev.TaskStopping("survey-eu", 259.0, "operator"), ev.TaskStopping("survey-us", 259.0, "operator"))
    assert snap_compare(dashboard(scene), press=["G"], terminal_size=(100, 30))


def test_an_engine_that_died(snap_compare: Compare, dashboard: Make) -> None:
    scene = research()
    scene.error = RuntimeError("no space left on device")
    assert snap_compare(dashboard(scene), terminal_size=(100, 30))


def test_too_small(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), terminal_size=(50, 12))


def test_before_the_first_task(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(empty()), terminal_size=(80, 24))


def test_a_filter(snap_compare: Compare, dashboard: Make) -> None:
    keys = ["slash", *"state:failed", "enter"]
    assert snap_compare(dashboard(research()), press=keys, terminal_size=(100, 30))


def test_a_filter_without_a_match(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["slash", *"nobody", "enter"], terminal_size=(80, 24))


@pytest.mark.parametrize("well", [True, False])
def test_finished(snap_compare: Compare, dashboard: Make, *, well: bool) -> None:
    assert snap_compare(dashboard(finished(well=well)), terminal_size=(80, 24))


def test_news(snap_compare: Compare, dashboard: Make) -> None:
    scene = finished(well=False)
    assert snap_compare(dashboard(scene), run_before=lambda _: _tell(scene), terminal_size=(100, 30))


async def _tell(scene: Scene) -> None:
    from asyncio import sleep  # noqa: PLC0415

    scene.tell(ev.RunReopened("operator"), ev.CommandRefused("c1", "RetryTask", "compile failed for good"))
    await sleep(0.4)
