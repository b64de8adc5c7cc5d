"""A log is searched: words stand out, keys walk over the lines that have them."""

from __future__ import annotations

import re
from collections.abc import Callable

from orchestrator.tui.app import Dashboard
from orchestrator.tui.lines import Span, plain, standing_out
from orchestrator.tui.widgets.log import LogView
from orchestrator.tui.widgets.table import TaskTable
from tests.tui.eyes import Screen
from tests.tui.scene import Scene, empty

Make = Callable[..., Dashboard]


def chatty() -> Scene:
    scene = empty().task("t", "build", backend=None).task("quiet", "build", backend=None).starts("t", at=1.0)
    lines = [f"line {number} {'ERROR' if number % 40 == 0 else 'fine'}" for number in range(200)]
    scene.says("t", "\n".join(lines)).says("t", "oh no", "err")
    return scene


def top(log: LogView) -> str:
    """Return the line that was found last."""
    return log._log.lines[log._found].text


async def test_a_search_goes_to_the_last_line_and_keys_walk_on(dashboard: Make) -> None:
    async with Screen(dashboard(chatty())) as eyes:
        await eyes.press("tab", "slash", *"error")
        await eyes.pilot.pause(0.2)
        assert "5 lines" in eyes.bar("filter-note")
        await eyes.press("enter")
        assert eyes.is_in(LogView)
        assert top(eyes.log) == "line 160 ERROR"
        assert not eyes.log.following
        assert "n N next match" in eyes.bar("pane-title")
        await eyes.press("N")
        assert top(eyes.log) == "line 120 ERROR"
        await eyes.press("n", "n")
        assert top(eyes.log) == "line 0 ERROR"
        await eyes.press("N")
        assert top(eyes.log) == "line 160 ERROR"


async def test_escape_gives_the_search_up_before_anything_else(dashboard: Make) -> None:
    async with Screen(dashboard(chatty())) as eyes:
        await eyes.press("enter", "slash", *"error", "enter", "escape")
        assert not eyes.log.is_searching
        assert eyes.tasks.has_class("-zoomed")
        await eyes.press("slash", *"x", "escape")
        assert not eyes.log.is_searching
        await eyes.press("escape")
        assert eyes.is_in(TaskTable)


async def test_what_is_nowhere_is_said_and_the_list_stays_unfiltered(dashboard: Make) -> None:
    async with Screen(dashboard(chatty())) as eyes:
        await eyes.press("tab", "slash", *"qqq", "enter")
        await eyes.press("n")
        assert "The log has no such line." in eyes.toasts
        assert len(eyes.names) == 3
        await eyes.press("slash", *"tag:err", "enter")
        assert top(eyes.log) == "oh no"


async def test_in_the_list_the_same_keys_filter_and_go_to_needs(dashboard: Make) -> None:
    async with Screen(dashboard(chatty())) as eyes:
        await eyes.press("tab", "slash", *"error", "enter", "shift+tab", "slash", *"quiet", "enter")
        assert eyes.names == ["build", "quiet"]
        assert eyes.is_in(TaskTable)
        assert not eyes.tasks.next_match(1)


def test_what_is_found_stands_out_once() -> None:
    patterns = [re.compile("ab"), re.compile("bc"), re.compile("x*")]
    line = standing_out(Span("zabcab", "text"), patterns)
    assert [(span.text, span.role) for span in line] == [
        ("z", "text"),
        ("ab", "found"),
        ("c", "found"),
        ("ab", "found"),
        ("", "text"),
    ]
    assert plain(line) == "zabcab"
