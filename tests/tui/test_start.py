"""Starting, crashing, and what is imported when."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import RenderableType
from textual.screen import Screen as AnyScreen

from orchestrator.core.commands import Command
from orchestrator.core.ports import Subscription
from orchestrator.core.run import Run
from orchestrator.tui import DashboardExit, DashboardOptions, Left, run_dashboard
from orchestrator.tui.app import Dashboard
from orchestrator.tui.start import RESET, frames, prepare
from orchestrator.tui.views.all import VIEWS
from orchestrator.tui.views.view import View
from tests.tui.eyes import Screen
from tests.tui.scene import research


class BrokenSession:
    """A session that cannot be attached to."""

    def attach(self) -> tuple[Run, Subscription]:
        raise RuntimeError("no events here")

    def send(self, command: Command) -> None:
        raise AssertionError(command)

    def now(self) -> float:
        return 0.0


def test_a_screen_that_crashes_says_so_and_raises_nothing() -> None:
    left = run_dashboard(BrokenSession(), DashboardOptions(), engine_error=lambda: None)
    assert left == DashboardExit(Left.CRASHED, error="RuntimeError: no events here")


class Watched(Dashboard):
    """Remembers how many views there were at each painting."""

    def _display(self, screen: AnyScreen[object], renderable: RenderableType | None) -> None:
        if screen is self.main and renderable is not None and not self._batch_count:
            vars(self).setdefault("views", []).append(len(self.main.query(View)))
        super()._display(screen, renderable)


async def test_one_view_is_painted_before_the_others_are_brought() -> None:
    scene = research()
    app = Watched(scene, DashboardOptions(), engine_error=scene.engine_error)
    async with Screen(app) as eyes:
        await eyes.pilot.pause()
        assert vars(app)["views"][0] == 1
        assert len(app.main.query(View)) == len(VIEWS)


def test_importing_the_package_imports_no_textual() -> None:
    code = "import sys, orchestrator.tui; sys.exit('textual' in sys.modules or 'rich' in sys.modules)"
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=root, env=os.environ).returncode == 0


def test_the_environment_is_prepared_before_textual_reads_it() -> None:
    environ = {"NO_COLOR": "", "SSH_CONNECTION": "1.2.3.4"}
    prepare(environ)
    assert environ == {"SSH_CONNECTION": "1.2.3.4", "TEXTUAL_ANIMATIONS": "none", "TEXTUAL_FPS": "30"}
    wished = {"NO_COLOR": "1", "TEXTUAL_FPS": "15"}
    prepare(wished)
    assert wished == {"NO_COLOR": "1", "TEXTUAL_FPS": "15", "TEXTUAL_ANIMATIONS": "none"}


def test_what_is_loaded_early_leaves_no_trace_in_the_environment_of_tasks() -> None:
    code = (
        "import os, sys; from orchestrator.tui import load_dashboard; before = dict(os.environ); load_dashboard()\n"
        "sys.exit(before != dict(os.environ) or 'orchestrator.tui.app' not in sys.modules)"
    )
    environ = {**os.environ, "NO_COLOR": ""}
    assert subprocess.run([sys.executable, "-c", code], check=False, env=environ).returncode == 0


@pytest.mark.parametrize("mode", ["?1049l", "?25h", "?1003l", "<u", "?2004l", "?1004l"])
def test_the_reset_ends_every_mode_that_a_screen_begins(mode: str) -> None:
    assert f"\x1b[{mode}" in RESET


def test_how_the_screen_was_left_decides_the_status_of_signals_alone() -> None:
    assert {how: how.status for how in Left} == {
        Left.QUIT: None,
        Left.LEFT: None,
        Left.CRASHED: None,
        Left.FORCED: 130,
        Left.HANGUP: 129,
        Left.TERMINATED: 143,
        Left.INTERRUPTED: 130,
    }


def test_fewer_frames_are_drawn_over_a_network_unless_somebody_says_otherwise() -> None:
    assert frames(None, {}) == 10
    assert frames(None, {"SSH_CONNECTION": "1.2.3.4"}) == 4
    assert frames(None, {"SSH_TTY": "/dev/pts/1"}) == 4
    assert frames(0.5, {"SSH_TTY": "/dev/pts/1"}) == 0.5
    assert frames(30, {}) == 30
