"""Whoever wants it finds the cursor on the first failure, but only where nobody is at the keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.core import events as ev
from orchestrator.tui.app import Dashboard
from tests.tui.eyes import Eyes, Screen
from tests.tui.scene import Scene, research, upstream

Make = Callable[..., Dashboard]


def calm() -> Scene:
    """A run in which nothing has failed yet."""
    scene = Scene()
    for name in ("one", "two", "three"):
        scene.task(name).starts(name, at=1.0)
    return scene


async def fails(eyes: Eyes, scene: Scene, task: str, at: float) -> None:
    scene.fails(task, upstream(), at=at)
    await eyes.pilot.pause(0.3)


async def test_the_cursor_goes_to_the_first_failure_when_nobody_is_there(dashboard: Make) -> None:
    scene = calm()
    async with Screen(dashboard(scene, follows_failures=True)) as eyes:
        await fails(eyes, scene, "two", 5.0)
        assert eyes.row == "two"
        await fails(eyes, scene, "three", 6.0)
        assert eyes.row == "two"


async def test_unless_it_is_wished_the_cursor_stays(dashboard: Make) -> None:
    scene = calm()
    async with Screen(dashboard(scene)) as eyes:
        before = eyes.row
        await fails(eyes, scene, "two", 5.0)
        assert eyes.row == before


async def test_who_presses_keys_is_left_alone_until_ten_seconds_have_passed(dashboard: Make) -> None:
    scene = calm()
    async with Screen(dashboard(scene, follows_failures=True)) as eyes:
        await eyes.press("g")
        before = eyes.row
        await fails(eyes, scene, "two", scene.at + 9.0)
        assert eyes.row == before
        scene.at += 2.0
        await eyes.pilot.pause(0.3)
        assert eyes.row == "two"


async def test_the_mouse_counts_as_somebody(dashboard: Make) -> None:
    scene = calm()
    async with Screen(dashboard(scene, follows_failures=True)) as eyes:
        scene.at = 20.0
        await eyes.pilot.hover("#tasks-table", offset=(5, 2))
        await fails(eyes, scene, "three", 25.0)
        assert eyes.row != "three"


@pytest.mark.parametrize("keys", [("question_mark",), ("slash",), ("tab",), ("j", "enter")])
async def test_what_somebody_opened_stays(keys: tuple[str, ...], dashboard: Make) -> None:
    scene = calm()
    async with Screen(dashboard(scene, follows_failures=True)) as eyes:
        await eyes.press(*keys)
        before = eyes.row
        await fails(eyes, scene, "three", 60.0)
        assert eyes.row == before


async def test_a_filter_that_hides_the_failure_stays(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene, follows_failures=True)) as eyes:
        await eyes.pilot.pause(0.3)
        assert eyes.row == "scrape[site-b]"
    async with Screen(dashboard(scene, follows_failures=True)) as eyes:
        await eyes.press("slash", *"plan", "enter")
        scene.at += 60.0
        await eyes.pilot.pause(0.3)
        assert eyes.row == "plan"
        assert eyes.app.main.board.filter.text == "plan"


async def test_when_all_is_mended_the_next_failure_is_a_first_one(dashboard: Make) -> None:
    scene = calm()
    async with Screen(dashboard(scene, follows_failures=True)) as eyes:
        await fails(eyes, scene, "two", 5.0)
        scene.tell(ev.TaskReset("two", "retry"))
        await eyes.pilot.pause(0.3)
        await fails(eyes, scene, "three", 9.0)
        assert eyes.row == "three"
