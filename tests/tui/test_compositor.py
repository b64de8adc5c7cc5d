"""What is sent to the terminal, bit by bit, makes the same screen as drawing all of it."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from rich.cells import cell_len
from rich.console import RenderableType
from textual._compositor import Compositor, CompositorUpdate
from textual.screen import Screen as ScreenOf

from orchestrator.core import events as ev
from orchestrator.core.states import BreakerState
from orchestrator.tui import DashboardOptions
from orchestrator.tui.app import Dashboard
from tests.tui.conftest import THEMES
from tests.tui.eyes import SIZE, Eyes, Screen
from tests.tui.scene import Scene, research, upstream

_WRITTEN: Final = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[[0-9;]*m|(\n)|([^\x1b\n]+)")


class Glass:
    """The cells of a terminal, and how many bytes it was sent."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.rows = [[" "] * size[0] for _ in range(size[1])]
        self.received = 0

    def write(self, text: str) -> None:
        self.received += len(text.encode())
        x = y = 0
        for row, column, _, words in _WRITTEN.findall(text):
            if row:
                x, y = int(column) - 1, int(row) - 1
            for char in words:
                self.rows[y][x : x + cell_len(char)] = [char, *[""] * (cell_len(char) - 1)]
                x += cell_len(char)

    def text(self) -> list[str]:
        return ["".join(row) for row in self.rows]


class Watched(Dashboard):
    """A dashboard whose every update is written on a glass."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene, DashboardOptions(themes=THEMES), engine_error=lambda: None)
        self.glass = Glass(SIZE)

    def _display(self, screen: ScreenOf[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)
        update: object = renderable
        if isinstance(update, CompositorUpdate) and self.screen is screen:
            self.glass.write(update.render_segments(self.console))


def whole(app: Dashboard) -> list[str]:
    """Return the screen as Textual itself draws all of it."""
    return [strip.text for strip in Compositor.render_strips(app.screen._compositor)]


def drawn(app: Watched) -> list[str]:
    return app.glass.text()


WALKS = [
    "j j j ctrl+d G g",
    "N N N right_square_bracket right_square_bracket tab j j",
    "enter escape slash p r i enter escape",
    "2 l l j h 1",
    "3 j j plus right_curly_bracket 0 1",
    "4 G g 5 j j enter 6 1",
    "question_mark escape X escape colon escape",
    "ctrl+t j ctrl+t",
]


@pytest.mark.parametrize("walk", WALKS)
async def test_updates_add_up_to_the_whole_screen(walk: str) -> None:
    scene = research()
    app = Watched(scene)
    async with Screen(app) as eyes:
        for key in walk.split():
            await eyes.press(key)
        await happening(scene, eyes)
        assert drawn(app) == whole(app)


async def happening(scene: Scene, eyes: Eyes) -> None:
    """Let things happen while the screen is looked at, in every part of it."""
    backend = next(iter(scene.run.backends))
    scene.tell(ev.BreakerMoved(backend, BreakerState.CLOSED, BreakerState.OPEN, "it fails", 400.0), at=scene.at + 3)
    running = [name for name, task in scene.run.tasks.items() if task.status.value == "running"]
    scene.says(running[0], "表 a wide line\n", at=scene.at + 1)
    scene.fails(running[1], upstream())
    await eyes.pilot.pause(0.5)


async def settled(app: Watched, eyes: Eyes) -> int:
    """Return how much was sent once two beats of the clocks have gone by in which nothing was."""
    before = -1
    while before != app.glass.received:
        before = app.glass.received
        await eyes.pilot.pause(0.6)
    return before


async def test_a_clock_that_ticks_sends_a_few_cells() -> None:
    scene = research()
    app = Watched(scene)
    async with Screen(app) as eyes:
        before = await settled(app, eyes)
        scene.at += 1.0
        after = await settled(app, eyes)
        assert drawn(app) == whole(app)
        assert 0 < after - before < 2000


async def test_what_stands_still_sends_nothing() -> None:
    scene = research()
    app = Watched(scene)
    async with Screen(app) as eyes:
        before = await settled(app, eyes)
        assert await settled(app, eyes) == before
