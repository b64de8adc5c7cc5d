"""The command palette: what it offers, how it ranks, and that it is quick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from orchestrator.config.themes import Themes
from orchestrator.core import commands as ask
from orchestrator.core.errors import Problem
from orchestrator.tui.app import Dashboard
from orchestrator.tui.commands import Place
from orchestrator.tui.fuzzy import Query, best
from orchestrator.tui.options import DashboardOptions
from orchestrator.tui.palette import Palette
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.screens.dialog import AskScreen
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.screens.palette import PaletteScreen, marked
from orchestrator.tui.sorting import By, Sort
from orchestrator.tui.text import clean
from orchestrator.tui.widgets.painted import Bar
from tests.tui.conftest import THEMES
from tests.tui.desk import PaperDesk
from tests.tui.eyes import Eyes, Screen
from tests.tui.scene import Scene, empty, research

Make = Callable[..., Dashboard]


class PaperReach(PaperDesk):
    """A desk of paper that a palette can reach."""

    place = Place.TASKS

    def show_task(self, task: str) -> None:
        self.done.append(f"task {task}")

    def filter_by(self, text: str) -> None:
        self.done.append(f"filter {text}")

    def themes(self) -> Sequence[str]:
        return ("dusk", "dawn")

    def use_theme(self, name: str) -> None:
        self.done.append(f"theme {name}")


def reach(task: str = "publish") -> PaperReach:
    scene = research()
    return PaperReach(scene, Row(Kind.TASK, task, scene.run.tasks[task].group, 1))


def found(typed: str, at: PaperReach | None = None) -> list[str]:
    return [entry.text for entry in Palette(at or reach()).find(typed)]


# ── how letters fit ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("retry", "Retry failed"),
        ("rf", "Retry failed"),
        ("cg", "Cancel group"),
        ("cancel gr", "Cancel group"),
        ("site-h", "scrape[site-h]"),
        ("sb scr", "scrape[site-b]"),
        ("hide", "Hide done"),
        ("sort cost", "Sort by cost"),
        ("dusk", "Theme dusk"),
        ("group scrape", "Filter: group scrape"),
    ],
)
def test_what_was_meant_comes_first(typed: str, first: str) -> None:
    assert found(typed)[0] == first


def test_words_of_the_help_are_found_too() -> None:
    assert "Drain" in found("start nothing")


def test_what_fits_nothing_finds_nothing() -> None:
    assert not found("qqqq")


@pytest.mark.parametrize("text", ["", "x", "[/]", "İstanbul", "日本語", "\x1b[2J", "ẞ" * 50])
def test_any_text_can_be_looked_at(text: str) -> None:
    for typed in ("x", "istanbul", "本", "[", "\\", ".*"):
        fit = Query(typed).fit(text)
        assert fit is None or all(0 <= place < len(text) for place in fit.places)


def test_the_letters_that_fit_stand_out() -> None:
    assert [(span.text, span.role) for span in marked("abcd", (1, 2))] == [("a", "text"), ("bc", "key"), ("d", "text")]


def test_one_is_found_among_ten_thousand_tasks() -> None:
    names = [f"group-{n % 50}/scrape-{n}[site-{n % 97}]" for n in range(10_000)]
    assert names[best(Query("scrape-9876"), names, 60)[0][0]].startswith("group-26/scrape-9876")


# ── what is offered ─────────────────────────────────────────────────────────────────────────────


def test_without_a_word_it_offers_what_makes_sense_here_and_acting_first() -> None:
    offered = found("")
    assert offered[0] == "Cancel"
    assert "Approve" not in offered
    assert "Down" not in offered
    assert "Retry" not in offered


def test_choosing_does_it() -> None:
    desk = reach()
    for typed in ("cancel", "sort tokens", "filter fail", "theme dawn", "site-h", "/state:failed try>1"):
        Palette(desk).find(typed)[0].do()
    assert isinstance(desk.sent[0], ask.CancelTask)
    assert desk.done[1:] == [
        "sort tokens",
        "filter state:failed,timeout",
        "theme dawn",
        "task scrape[site-h]",
        "filter state:failed try>1",
    ]


def test_every_entry_is_harmless() -> None:
    name = "\x1b]0;x\x07evil\u202e"
    entries = Palette(PaperReach(empty().task(name, "build"))).find("evil")
    assert [entry.text for entry in entries if entry.note == "task"] == [clean(name)]


# ── on the screen ───────────────────────────────────────────────────────────────────────────────


async def choose(eyes: Eyes, typed: str, key: str = "colon") -> None:
    await eyes.press(key)
    assert eyes.sees(PaletteScreen)
    await eyes.press(*("space" if char == " " else char for char in typed))
    await eyes.press("enter")


async def test_it_jumps_acts_sorts_filters_and_switches(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await choose(eyes, "site-h", "ctrl+p")
        assert eyes.row == "scrape[site-h]"
        await choose(eyes, "retry")
        assert isinstance(scene.sent[0], ask.RetryTask)
        await choose(eyes, "sort cost")
        assert eyes.app.main.board.sort == Sort(By.COST)
        await choose(eyes, "filter held")
        assert "filter: state:retry" in eyes.bar("tasks-head")
        await choose(eyes, "/zzz:1")
        assert any("no field 'zzz'" in toast for toast in eyes.toasts)
        await choose(eyes, "timeline")
        assert eyes.app.main.view.place is Place.TIMELINE
        await choose(eyes, "theme nord")
        assert eyes.app.theme == "nord"
        await choose(eyes, "cancel group")
        assert eyes.sees(AskScreen)


async def test_keys_walk_over_what_fits_and_escape_leaves_it(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("colon", *"pricing", "down")
        await eyes.press("enter")
        assert eyes.row == "research[pricing-us]"
        await eyes.press("colon", "up", "pagedown", "pageup", "ctrl+n", "ctrl+p", "escape")
        assert eyes.sees(MainScreen)
        assert eyes.row == "research[pricing-us]"
        await eyes.press("colon", *"qqqq", "down", "enter")
        assert eyes.sees(PaletteScreen)
        await eyes.press("escape")
        assert eyes.sees(MainScreen)


async def test_an_entry_can_be_clicked(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("colon", *"site-b")
        await eyes.pilot.click("PaletteScreen Text", offset=(5, 0))
        await eyes.pilot.pause()
        assert eyes.row == "scrape[site-b]"


async def test_from_the_logs_a_jump_leads_to_the_tasks(dashboard: Make) -> None:
    scene: Scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("4")
        await choose(eyes, "site-h")
        assert eyes.app.main.view.place is Place.TASKS
        assert eyes.row == "scrape[site-h]"


def test_a_wait_is_skipped_from_the_palette_too() -> None:
    at = reach("scrape[site-d]")
    assert found("skip wait", at)[0] == "Skip wait"
    Palette(at).find("skip wait")[0].do()
    assert [type(order) for order in at.sent] == [ask.SkipWait]
    assert "Skip wait" not in found("skip wait", reach("scrape[site-b]"))


# ── themes ──────────────────────────────────────────────────────────────────────────────────────


def ground(eyes: Eyes) -> str:
    return eyes.app.main.paint.spec.name


async def rest(eyes: Eyes) -> None:
    """Leave the cursor where it is for a moment."""
    await eyes.pilot.pause(0.4)


async def test_the_theme_under_the_cursor_is_shown_and_escape_goes_back(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("colon", *"orchestra-light")
        await rest(eyes)
        assert ground(eyes) == "orchestra-light"
        screen = eyes.app.screen
        assert isinstance(screen, PaletteScreen)
        assert screen.paint is eyes.app.main.paint
        await eyes.press("escape")
        await rest(eyes)
        assert ground(eyes) == "orchestra-dark"


async def test_moving_on_to_what_is_no_theme_goes_back_too(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("colon", *"orchestra-light")
        await rest(eyes)
        await eyes.press(*["backspace"] * len("orchestra-light"))
        await rest(eyes)
        assert ground(eyes) == "orchestra-dark"


async def test_the_theme_that_was_looked_at_stays_once_it_is_chosen(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("colon", *"theme contrast")
        await rest(eyes)
        await eyes.press("enter")
        await rest(eyes)
        assert ground(eyes) == "orchestra-contrast"


@pytest.mark.parametrize("typed", ["", "nord"])
async def test_a_theme_that_a_key_chose_in_the_palette_stays_when_it_is_left(dashboard: Make, typed: str) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("colon", *typed)
        await rest(eyes)
        await eyes.press("ctrl+t", "ctrl+t")
        chosen = eyes.app.theme
        await eyes.press("escape")
        await rest(eyes)
        assert ground(eyes) == chosen != "nord"


async def test_a_theme_whose_file_is_changed_changes_while_it_is_shown() -> None:
    dark = THEMES[0]
    red = replace(dark, base={**dark.base, "primary": "#ff8080"})
    changes = [Themes((red,), (Problem("broken", "b.yaml", 1, 2),)), None, None, None, None]
    options = DashboardOptions(theme=dark.name, themes=THEMES, changed_themes=lambda: changes.pop(0))
    scene = research()
    async with Screen(Dashboard(scene, options, engine_error=scene.engine_error)) as eyes:
        await eyes.pilot.pause(1.5)
        assert eyes.app.main.paint.spec == red
        assert eyes.app.main.view.query_one(Bar).paint.spec == red
        assert eyes.toasts == ["b.yaml:1:2: broken"]
        await eyes.press("ctrl+t")
        await eyes.pilot.pause(0.2)
        assert ground(eyes) != dark.name
