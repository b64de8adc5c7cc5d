"""Hostile text on the real screen: what reaches the terminal moves nothing, and nothing ends the app."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from orchestrator.core import events as ev
from orchestrator.core.events import BackendInfo, GroupInfo
from orchestrator.core.states import BreakerState, Health, Outcome, Reason
from orchestrator.tui.app import Dashboard
from tests.tui.eyes import Screen
from tests.tui.scene import Scene, research, started, upstream

EVIL = "\x1b]0;PWNED\x07\x1b[2J[/][bold red]{{x}}\u202e\x00\ud800 \x9b31m"


def evil_scene() -> Scene:
    scene = Scene(f"run-{EVIL}")
    group, backend, task = f"g {EVIL}", f"b {EVIL}", f"t {EVIL}"
    scene.tell(started([GroupInfo(group, description=EVIL)], [BackendInfo(backend, EVIL, limits=(EVIL,))], []))
    scene.tell(ev.TaskAdded(task, EVIL, group, backend=backend, description=EVIL, max_attempts=3))
    scene.task(f"needs {EVIL}", group, needs=(task,)).task(f"asks {EVIL}", group)
    scene.starts(task, at=1.0).says(task, f"{EVIL}\n" * 5).says(task, EVIL, "err")
    scene.tell(ev.ProgressReported(task, 1, 1, 3, EVIL))
    scene.waits(f"asks {EVIL}", Reason.APPROVAL)
    return scene


async def test_nothing_hostile_reaches_the_screen(dashboard: Callable[..., Dashboard]) -> None:
    scene = evil_scene()
    task, backend, asks = (next(name for name in names if name.startswith(start)) for start, names in _names(scene))
    async with Screen(dashboard(scene)) as eyes:
        scene.tell(ev.ApprovalRequested(asks, EVIL, f"{EVIL}\n{EVIL}"))
        scene.tell(ev.BreakerMoved(backend, BreakerState.CLOSED, BreakerState.OPEN, EVIL, 30.0))
        scene.tell(ev.CommandRefused("c1", EVIL, EVIL))
        scene.fails(task, upstream(EVIL))
        await eyes.pilot.pause(0.4)
        pictures = []
        for keys in (
            ["j"],
            ["right_square_bracket"] * 2,
            ["right_square_bracket"],
            ["N", "N", "a"],
            ["escape", "X"],
            ["escape", "y"],
        ):
            await eyes.press(*keys)
            pictures.append(eyes.app.export_screenshot())
        assert eyes.app.is_running
    for picture in pictures:
        assert "PWNED" not in picture
        assert "\x1b" not in picture
        assert "\u202e" not in picture
        picture.encode()
    assert "[/][bold" in pictures[0].replace("&#160;", " ")


async def test_nothing_hostile_gets_into_the_other_views(dashboard: Callable[..., Dashboard]) -> None:
    scene = evil_scene()
    task, backend, asks = (next(name for name in names if name.startswith(start)) for start, names in _names(scene))
    pictures = []
    async with Screen(dashboard(scene)) as eyes:
        scene.tell(ev.QuestionAsked(asks, EVIL, (EVIL, "y")), ev.LevelChanged(EVIL, EVIL))
        scene.tell(ev.BackendHeld(backend, None, EVIL, Reason.QUOTA), ev.ToolCalled(task, 1, "c", EVIL, EVIL))
        scene.tell(ev.BreakerMoved(backend, BreakerState.CLOSED, BreakerState.TRIPPED, EVIL))
        scene.tell(ev.HealthChecked(backend, Health.UNHEALTHY, 0.1, EVIL))
        scene.fails(task, upstream(EVIL))
        for keys in (["4"], ["w"], ["slash", *"[/]", "enter"], ["escape", "5", "enter"], ["6"], ["n"], ["enter"]):
            await eyes.press(*keys)
            await eyes.pilot.pause(0.3)
            pictures.append(eyes.app.export_screenshot())
        await eyes.press("escape", "escape")
        scene.tell(ev.RunFinished(Outcome.FAILED, {EVIL: EVIL}))
        await eyes.press("6")
        await eyes.pilot.pause(0.3)
        pictures.append(eyes.app.export_screenshot())
        assert eyes.app.is_running
    for picture in pictures:
        assert "PWNED" not in picture
        assert "\x1b" not in picture
        assert "\u202e" not in picture
        assert "view error" not in picture
        picture.encode()


def _names(scene: Scene) -> list[tuple[str, list[str]]]:
    return [("t ", list(scene.run.tasks)), ("b ", list(scene.run.backends)), ("asks ", list(scene.run.tasks))]


async def test_a_filter_of_hostile_keys_is_only_text(dashboard: Callable[..., Dashboard]) -> None:
    async with Screen(dashboard(evil_scene())) as eyes:
        await eyes.press("slash", *"[/][bold](", "enter")
        assert eyes.app.is_running


async def test_a_face_that_breaks_leaves_the_other_lines_standing(dashboard: Callable[..., Dashboard]) -> None:
    scene = Scene().tell(started([GroupInfo("g")], [], [])).task("good", "g").task("bad", "g")
    async with Screen(dashboard(scene)) as eyes:
        table = eyes.table
        whole = table._face
        table._face = lambda row: whole(row) if row.name != "bad" else whole(row._replace(name="no such task"))
        table.refresh()
        await eyes.pilot.pause()
        text = eyes.app.export_screenshot().replace("&#160;", " ")
        assert "view error: KeyError" in text
        assert ">good" in text or "good " in text
        assert eyes.app.is_running


async def test_in_ascii_the_whole_screen_is_ascii(dashboard: Callable[..., Dashboard]) -> None:
    async with Screen(dashboard(research(), ascii_only=True)) as eyes:
        for keys in (
            ["N"],
            ["x"],
            ["question_mark"],
            ["escape", "X"],
            ["escape", "N", "N", "N", "a"],
            ["escape", "ctrl+c"],
            ["escape", "4"],
            ["5", "j", "enter", "G", "k", "k", "enter"],
            ["6"],
            ["n"],
        ):
            await eyes.press(*keys)
            text = unescape(re.sub(r"<[^>]*>", "", eyes.app.export_screenshot())).replace("\xa0", " ")
            assert not {char for char in text if not char.isascii()}, keys
