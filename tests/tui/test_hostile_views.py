"""Hostile text in every view and every dialog: nothing of it reaches the terminal, and no line is too wide."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest

from orchestrator.core import events as ev
from orchestrator.core.events import BackendInfo, BudgetInfo, Gauge, GroupInfo
from orchestrator.core.states import BreakerState, Outcome, Reason
from orchestrator.tui.app import Dashboard
from orchestrator.tui.commands import Place, tab_of
from tests.tui.eyes import Eyes, Screen
from tests.tui.scene import Scene, upstream

Make = Callable[..., Dashboard]

ESCAPES = "\x1b]0;PWNED\x07\x1b[2J\x1b[31m\x9b1m\x90q\x9c"
MARKUP = "[/][bold red]{{x}}[@click=quit]x[/] $background"
DIRECTIONS = "a\u202eb\u2066c\u200bd\u200de\ufefff"
CONTROLS = "a\x00b\x08c\x0dd\x0be\x0cf\x7fg\x85h\u2028i\u2029j"
LONELY = "\ud800 \udfff \U000e0041 \ue000 \ufdd0"
TEXTS = {
    "hidden": ESCAPES + MARKUP + DIRECTIONS + CONTROLS + LONELY,
    "markup": MARKUP,
    "wide": "日本語のとても長い名前です。👩‍👩‍👧‍👦🏳️‍🌈⚡⏳" * 8,
    "combining": "Z" + "\u0301\u0316\u0489" * 60 + "algo",
    "long": "endless" * 3000,
    "empty": " ",
}
LONG = 10 << 20


def scene_of(text: str) -> Scene:
    """A run in which everything that somebody else may write is this text."""
    scene = Scene(f"run{text}")
    group, backend, task = f"g{text}", f"b{text}", f"t{text}"
    budget = BudgetInfo("run", 1000, 1.0, 10.0)
    scene.tell(
        ev.RunStarted(
            f"f{text}",
            f"x/{text}.yaml",
            1.8e9,
            1,
            groups=(GroupInfo(group, 1, description=text), GroupInfo("calm")),
            backends=(BackendInfo(backend, text, limits=(text,), max_concurrency=1),),
            budgets=(budget, BudgetInfo(f"group:{group}", 5, None, None)),
        )
    )
    scene.tell(ev.TaskAdded(task, text, group, backend=backend, description=text, label=text, max_attempts=3))
    scene.task(f"n{text}", group, needs=(task,)).task(f"a{text}", "calm").task(f"w{text}", group, backend=backend)
    scene.fan(f"fan{text}", [f"{number}{text}" for number in range(25)], "calm")
    scene.starts(task, at=1.0).says(task, f"{text}\n{text}").says(task, text, "err").says(task, text, "log")
    scene.tell(ev.ProgressReported(task, 1, 1, 3, text))
    scene.tell(ev.BackendGauge(backend, 1, 2, 1, 1, (Gauge(text, 1, 2, 3.0),)))
    scene.waits(f"w{text}", Reason.BREAKER, 30.0, backend)
    scene.tell(ev.BreakerMoved(backend, BreakerState.CLOSED, BreakerState.OPEN, text, 30.0))
    scene.tell(ev.BudgetThreshold("run", "cost_usd", 90), ev.BudgetExceeded("run", task, "hold", text))
    scene.stumbles(task, upstream(text), 5.0, at=3.0)
    scene.waits(f"a{text}", Reason.APPROVAL).tell(ev.ApprovalRequested(f"a{text}", text, f"{text}\n{text}"))
    return scene


def is_harmless(eyes: Eyes) -> bool:
    """Say whether what is painted now moves nothing, hides nothing and fits."""
    width, height = eyes.app.size
    strips = eyes.app.screen._compositor.render_strips(eyes.app.size)
    text = "".join(strip.text for strip in strips)
    hidden = {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}}
    too_wide = [strip.text for strip in strips if strip.cell_length > width]
    assert not hidden, hidden
    assert not too_wide, too_wide
    assert len(strips) <= height
    assert "PWNED" not in text
    assert "view error" not in text
    return eyes.app.is_running and eyes.app.crash is None


DIALOGS = {
    "the list of needs": "n",
    "the palette": "colon t",
    "the limits": "plus",
    "sorting": "o",
    "cancelling": "X",
    "quitting": "q",
    "help": "question_mark",
    "the question of Ctrl+C": "ctrl+c",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_no_view_shows_what_is_hostile(dashboard: Make, text: str) -> None:
    scene = scene_of(text)
    async with Screen(dashboard(scene)) as eyes:
        for size in ((120, 40), (80, 24)):
            await eyes.pilot.resize_terminal(*size)
            for place in Place:
                await eyes.press(tab_of(place).keys, "j", "j", "enter")
                assert is_harmless(eyes), place
                await eyes.press("escape")
        scene.fails(f"t{text}", upstream(text))
        scene.tell(ev.CommandRefused("c1", text, text), ev.RunFinished(Outcome.FAILED))
        await eyes.pilot.pause(0.3)
        for place in Place:
            await eyes.press(tab_of(place).keys)
            assert is_harmless(eyes), place


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_no_dialog_shows_what_is_hostile(dashboard: Make, text: str) -> None:
    scene = scene_of(text)
    async with Screen(dashboard(scene), (100, 30)) as eyes:
        eyes.app.main.go_to_task(f"t{text}")
        for name, keys in DIALOGS.items():
            scene.at += 10
            await eyes.press(*keys.split())
            assert is_harmless(eyes), name
            await eyes.press("escape", "escape")
        eyes.app.main.go_to_task(f"a{text}")
        for keys in ("a", "d", "escape", "escape", "d", "right_square_bracket", "y", "Y"):
            await eyes.press(keys)
            assert is_harmless(eyes), keys


async def test_a_line_of_ten_megabytes_is_a_line_like_others(dashboard: Make) -> None:
    scene = scene_of("plain")
    async with Screen(dashboard(scene)) as eyes:
        scene.says("tplain", "y" * LONG).says("tplain", "日" * (LONG // 4))
        await eyes.pilot.pause(0.5)
        for keys in ("1", "enter", "l", "l", "h", "slash y enter", "escape", "escape", "4", "w", "w", "3", "5"):
            await eyes.press(*keys.split())
            assert is_harmless(eyes), keys
