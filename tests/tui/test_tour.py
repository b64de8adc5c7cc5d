"""A guided run on the screen: the guide is heard, and a person breaks and mends what answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.core.ports import Caption
from orchestrator.core.simulation import Mood
from orchestrator.tui.app import Dashboard
from orchestrator.tui.commands import COMMANDS, Section
from orchestrator.tui.options import DashboardOptions
from orchestrator.tui.screens.help import HelpScreen
from tests.tui.conftest import THEMES
from tests.tui.desk import PaperDesk
from tests.tui.eyes import Screen
from tests.tui.scene import Scene, empty, research

Make = Callable[..., Any]
DIALS = ("demo.burn", "demo.slow", "demo.heal")


class FakeGuide:
    """Says one thing, and remembers which dials were turned."""

    def __init__(self, *backends: str) -> None:
        self.caption = Caption("fire", "scrape", "web-fetch burns", "It answers 503.", "Look at scrape.", 3, 8)
        self.dials = dict.fromkeys(backends, Mood.WELL)

    @property
    def moods(self) -> Mapping[str, Mood]:
        return self.dials

    def look(self) -> Caption:
        return self.caption

    def turn(self, backend: str, mood: Mood) -> None:
        self.dials[backend] = mood


def guided(scene: Scene, guide: FakeGuide) -> Dashboard:
    options = DashboardOptions(theme="orchestra-dark", themes=THEMES, guide=guide)
    return Dashboard(scene, options, engine_error=scene.engine_error)


async def test_what_the_guide_says_stands_above_the_keys() -> None:
    guide = FakeGuide("web-fetch", "openai")
    async with Screen(guided(research(), guide)) as eyes:
        await eyes.pilot.pause(0.2)
        assert "3/8  web-fetch burns" in eyes.bar("caption")
        assert "web-fetch ✓ well" in eyes.bar("caption")
        guide.caption = guide.caption._replace(heading="the fire is out", step=6)
        await eyes.pilot.pause(0.3)
        assert "6/8  the fire is out" in eyes.bar("caption")
        caption, keys = eyes.app.main.query_one("#caption"), eyes.app.main.query_one("#keys")
        assert caption.region.bottom == keys.region.y
        assert keys.region.bottom == eyes.app.size.height
        assert eyes.table.region.bottom <= caption.region.y


async def test_the_cursor_goes_to_what_waits_in_the_group_that_it_is_about() -> None:
    async with Screen(guided(research(), FakeGuide("web-fetch"))) as eyes:
        await eyes.pilot.pause(0.3)
        assert eyes.row == "scrape[site-d]"


async def test_where_not_everything_finds_room_the_other_groups_are_folded() -> None:
    async with Screen(guided(research(), FakeGuide("web-fetch")), size=(80, 24)) as eyes:
        await eyes.pilot.pause(0.3)
        assert "scrape[site-a]" in eyes.names
        assert "research[pricing-eu]" not in eyes.names
        assert "research" in eyes.names


async def test_keys_break_and_mend_the_backend_of_the_row() -> None:
    guide = FakeGuide("web-fetch", "openai", "claude/sonnet")
    async with Screen(guided(research(), guide)) as eyes:
        await eyes.pilot.pause(0.3)
        for key, mood in (("F", Mood.BURNING), ("Z", Mood.SLOW), ("H", Mood.WELL)):
            await eyes.press(key)
            assert guide.dials == {"web-fetch": mood, "openai": Mood.WELL, "claude/sonnet": Mood.WELL}


async def test_what_burns_is_healed_from_anywhere() -> None:
    guide = FakeGuide("web-fetch", "openai")
    guide.dials["openai"] = Mood.BURNING
    async with Screen(guided(research(), guide)) as eyes:
        await eyes.pilot.pause(0.3)
        await eyes.press("H")
        assert set(guide.dials.values()) == {Mood.WELL}
        await eyes.press("H")
        assert "It is well" in eyes.toasts[-1]


async def test_the_dials_can_be_clicked() -> None:
    guide = FakeGuide("web-fetch", "openai")
    async with Screen(guided(research(), guide)) as eyes:
        await eyes.pilot.pause(0.3)
        await eyes.pilot.click("#caption", offset=(7, 3))
        assert guide.dials["web-fetch"] is Mood.BURNING


async def test_the_help_of_a_guided_run_has_the_dials_and_no_other_has() -> None:
    async with Screen(guided(research(), FakeGuide("web-fetch"))) as eyes:
        assert {key.command for key in eyes.app.main.help_keys()} >= set(DIALS)
        await eyes.press("question_mark")
        assert eyes.sees(HelpScreen)


async def test_without_a_guide_there_are_no_dials(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        assert not {key.command for key in eyes.app.main.help_keys()} & set(DIALS)
        assert not eyes.app.main.query("#caption")


def test_outside_the_demo_nothing_is_broken() -> None:
    desk = PaperDesk(empty())
    for name in DIALS:
        assert COMMANDS[name].section is Section.DEMO
        assert "demo" in (COMMANDS[name].refusal(desk) or "")
