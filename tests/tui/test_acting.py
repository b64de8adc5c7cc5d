"""Keys that act on tasks, marks, groups and limits, and keys that keep what is shown: pressed on the real screen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.core import commands as ask
from orchestrator.core import events as ev
from orchestrator.core.events import GroupInfo
from orchestrator.tui.app import Dashboard
from orchestrator.tui.screens.adjust import AdjustScreen
from orchestrator.tui.screens.dialog import AskScreen
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.sorting import By, Sort
from orchestrator.tui.widgets.painted import Bar
from tests.tui.conftest import make_dashboard
from tests.tui.eyes import Eyes, Screen
from tests.tui.scene import Scene, empty, finished, research

Make = Callable[..., Dashboard]


def kinds(scene: Scene) -> list[str]:
    return [type(order).__name__ for order in scene.sent]


async def go(eyes: Eyes, task: str) -> None:
    eyes.app.main.go_to_task(task)
    await eyes.pilot.pause()


async def asked(eyes: Eyes) -> str:
    assert eyes.sees(AskScreen)
    return eyes.bar("title")


# ── many at once ────────────────────────────────────────────────────────────────────────────────


async def test_a_confirm_names_how_many_are_meant(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("G", "k", "k", "space", "space", "S")
        assert await asked(eyes) == "Skip 2 tasks?"
        await eyes.press("y")
        assert kinds(scene) == ["SkipTask", "SkipTask"]
        assert "Skipping 2 tasks" in eyes.toasts
        scene.sent.clear()
        await go(eyes, "research[pricing-eu]")
        await eyes.press("space", "space", "u")
        assert await asked(eyes) == "Rerun 2 tasks and what follows?"
        await eyes.press("y")
        assert kinds(scene) == ["RerunFrom", "RerunFrom"]


async def test_a_groups_row_stands_for_its_tasks(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await go(eyes, "scrape[site-b]")
        await eyes.press("h", "r")
        assert kinds(scene) == ["RetryTask"] * 3
        scene.sent.clear()
        await eyes.press("S")
        assert await asked(eyes) == "Skip 3 tasks?"
        await eyes.press("n", "x")
        assert await asked(eyes) == "Cancel group scrape?"
        await eyes.press("escape", "u")
        assert "Move to a task first." in eyes.toasts
        assert not scene.sent


async def test_marks_that_are_paused_in_part_are_paused_first(dashboard: Make) -> None:
    scene = research()
    scene.tell(ev.TaskPaused("publish", "operator"))
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("G", "k", "space", "space", "p")
        assert [getattr(order, "task", "") for order in scene.sent] == ["fact-check"]
        assert kinds(scene) == ["PauseTask"]


async def test_every_order_is_answered_at_once(dashboard: Make) -> None:
    failed, last = "scrape[site-b]", "publish"
    pairs = [(last, key) for key in ("x", "S y", "p", "P", "R y", "B y", "D y", "plus enter")]
    for task, keys in [*pairs, (failed, "r"), (failed, "u y"), (failed, "b"), (failed, "X y"), (failed, "a")]:
        scene = research()
        async with Screen(dashboard(scene)) as eyes:
            before = len(eyes.toasts)
            await go(eyes, task)
            await eyes.press(*keys.split())
            assert scene.sent or keys == "a", keys
            assert len(eyes.toasts) > before, keys


async def test_draining_asks_and_says_what_stays_undone(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("D")
        assert await asked(eyes) == "Let the run end after what runs?"
        assert "5 running tasks may finish, 13 tasks will not start." in eyes.bar("body")
        await eyes.press("y")
        assert kinds(scene) == ["Drain"]
        scene.tell(ev.RunCancelling("operator", draining=True))
        await eyes.pilot.pause(0.2)
        await eyes.press("D")
        assert "The run is ending already." in eyes.toasts


# ── limits ──────────────────────────────────────────────────────────────────────────────────────


async def test_plus_shows_the_new_value_and_enter_sets_it(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("j", "j", "h", "plus")
        assert eyes.sees(AdjustScreen)
        await eyes.press("plus", "minus", "enter")
        assert scene.sent == [ask.SetConcurrency(id=scene.sent[0].id, scope="group:research", limit=4)]
        assert "Setting 1 limit" in eyes.toasts
        scene.sent.clear()
        await eyes.press("minus", "enter")
        assert scene.sent == [ask.SetConcurrency(id=scene.sent[0].id, scope="group:research", limit=2)]


async def test_several_limits_are_set_together_and_escape_sets_none(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("equals_sign", "k", "k", "k", "plus", "l", "escape")
        assert not scene.sent
        await eyes.press("plus", "up", "up", "up", "right", "enter")
        assert kinds(scene) == ["SetConcurrency", "RaiseBudget"]
        assert getattr(scene.sent[1], "cost_usd", None) == 12.0


async def test_after_the_end_there_is_no_limit_to_change(dashboard: Make) -> None:
    async with Screen(dashboard(finished(well=True))) as eyes:
        await eyes.press("plus")
        assert eyes.sees(MainScreen)
        assert "The run has ended." in eyes.toasts


# ── order ───────────────────────────────────────────────────────────────────────────────────────


async def test_o_and_a_letter_sort_and_the_same_again_turns_round(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("o", "c")
        assert eyes.names[3] == "research[pricing-us]"
        assert "COST↓" in eyes.bar("tasks-head")
        await eyes.press("o", "c")
        assert eyes.app.main.board.sort == Sort(By.COST, turned=True)
        await eyes.press("o", "escape", "o", "f")
        assert eyes.names[3] == "research[pricing-eu]"


async def test_a_click_on_a_column_sorts_by_it(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        head = eyes.app.main.query_one("#tasks-head", Bar)
        place = "".join(span.text for span in head.lines[0]).index("TOKENS")
        await eyes.pilot.click("#tasks-head", offset=(place + 2, 0))
        await eyes.pilot.pause()
        assert eyes.app.main.board.sort == Sort(By.TOKENS)
        assert eyes.names[3] == "research[patents]"


async def test_the_cursor_stays_on_its_task_when_others_are_sorted_round_it(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await go(eyes, "scrape[site-b]")
        await eyes.press("o", "n", "o", "n")
        assert eyes.row == "scrape[site-b]"


# ── describing, saving, opening ─────────────────────────────────────────────────────────────────


async def test_d_describes_the_task(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("d")
        assert eyes.tasks.page == "Info"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def in_folder(folder: Path) -> Scene:
    """A run whose folder is there, of a task that wrote something."""
    scene = Scene()
    scene.tell(ev.RunStarted("f", "f.yaml", 1.8e9, 1, groups=(GroupInfo("build"),), folder=str(folder)))
    scene.task("t", "build", backend=None).task("silent", "build", backend=None)
    return scene.starts("t", at=1.0).says("t", "one\ntwo")


async def test_s_saves_what_the_log_shows(dashboard: Make, folder: Path) -> None:
    async with Screen(dashboard(in_folder(folder))) as eyes:
        await eyes.press("s", "s")
        assert f"Saved as {folder / 'export-t-2.log'}" in eyes.toasts
        saved = (folder / "export-t-1.log").read_text(encoding="utf-8")
        assert saved.endswith("out  one\n00:01.0 out  two")


async def test_a_long_log_is_saved_from_its_file(folder: Path) -> None:
    scene = in_folder(folder)
    scene.says("t", "\n".join(f"line {number:05d}" for number in range(5000)))
    log = folder / "t.log"
    log.write_text("first of all\n\x1b[31mred\x1b[0m\n", encoding="utf-8")
    async with Screen(make_dashboard(scene, log_path=lambda task: str(folder / f"{task}.log"))) as eyes:
        await eyes.press("s")
        assert (folder / "export-t-1.log").read_text(encoding="utf-8").startswith("first of all\nred")
        await eyes.press("Y")
        assert eyes.app.clipboard.startswith("first of all\nred")


async def test_where_nothing_can_be_saved_it_says_so(dashboard: Make) -> None:
    async with Screen(dashboard(empty().task("t", "build").starts("t", at=1.0))) as eyes:
        await eyes.press("s")
        assert "It cannot be saved: the run has no folder that can be written." in eyes.toasts


async def test_without_a_terminal_the_pager_is_refused(dashboard: Make, folder: Path) -> None:
    async with Screen(dashboard(in_folder(folder))) as eyes:
        await eyes.press("e")
        assert "The terminal cannot be given to a pager here." in eyes.toasts


async def test_f2_gives_the_mouse_away_and_takes_it_back(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("f2")
        assert eyes.toasts[-1] == "The mouse is the terminal's own; F2 takes it back."
        await eyes.press("f2")
        assert eyes.toasts[-1] == "The mouse is back."
