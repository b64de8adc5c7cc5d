"""Screens that stand still: no animation, no colours of the terminal that runs the tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.config.themes import find_themes
from orchestrator.tui import DashboardOptions

os.environ["TEXTUAL_ANIMATIONS"] = "none"
os.environ["TEXTUAL_FPS"] = "60"
for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL", "TEXTUAL_FILTERS", "TEXTUAL_COLOR_SYSTEM"):
    os.environ.pop(name, None)

if TYPE_CHECKING:
    from orchestrator.tui.app import Dashboard
    from tests.tui.scene import Scene

THEMES = find_themes([Path(__file__).parents[2] / "themes"], environ={}).specs


def make_dashboard(
    scene: Scene,
    theme: str = "orchestra-dark",
    *,
    ascii_only: bool = False,
    exit_when_done: bool = False,
    follows_failures: bool = False,
    keys: Mapping[str, tuple[str, ...]] | None = None,
    log_path: Callable[[str], str] | None = None,
) -> Dashboard:
    from orchestrator.tui.app import Dashboard  # noqa: PLC0415 - Textual reads the environment when it is imported

    options = DashboardOptions(
        theme=theme,
        themes=THEMES,
        ascii=ascii_only,
        exit_when_done=exit_when_done,
        follows_failures=follows_failures,
        keys=keys or {},
        log_path=log_path,
    )
    return Dashboard(scene, options, engine_error=scene.engine_error)


@pytest.fixture
def dashboard() -> Callable[..., Dashboard]:
    """Make an app over a scene."""
    return partial(make_dashboard)
