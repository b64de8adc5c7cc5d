"""The dashboard: folds a session's events, draws the fold, sends commands. Importing this imports no Textual."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.core.ports import Session
from orchestrator.core.theme import ThemeSpec
from orchestrator.tui.options import WAYS, DashboardExit, DashboardOptions, Left

if TYPE_CHECKING:
    from orchestrator.tui.keymap import Keys, Wish

__all__ = [
    "WAYS",
    "DashboardExit",
    "DashboardOptions",
    "Left",
    "load_dashboard",
    "read_keys",
    "run_dashboard",
    "textual_themes",
]


def read_keys(wishes: Mapping[str, Wish]) -> Keys:
    """Return the keys that somebody set for commands. Raises FlowError with all that is wrong with them."""
    from orchestrator.tui.keymap import read_keys as read  # noqa: PLC0415 - only where keys are set is it paid for

    return read(wishes) if wishes else {}


def textual_themes() -> tuple[ThemeSpec, ...]:
    """Return the themes that come with Textual, made easy to read; any of their names may be a dashboard's theme."""
    from orchestrator.tui.paint import textual_themes as read  # noqa: PLC0415 - Textual costs 140 ms

    return read()


def load_dashboard() -> None:
    """Import what `run_dashboard` needs, for who has to wait anyway. If that fails, `run_dashboard` will say so."""
    with suppress(ImportError):
        from orchestrator.tui.start import load  # noqa: PLC0415 - Textual costs 140 ms, paid only for a screen

        load()


def run_dashboard(
    session: Session, options: DashboardOptions, *, engine_error: Callable[[], BaseException | None]
) -> DashboardExit:
    """Show the run until the screen is left. Never raises for a bug of the screen; the terminal is whole afterwards.

    The engine runs in a thread of its own; `engine_error` says what it died of, if it did.
    """
    from orchestrator.tui.start import start  # noqa: PLC0415 - Textual costs 140 ms, paid only where a screen is shown

    return start(session, options, engine_error=engine_error)
