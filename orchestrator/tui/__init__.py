"""The dashboard: folds a session's events, draws the fold, sends commands. Importing this imports no Textual."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.core.ports import Session
from orchestrator.tui.options import DashboardExit, DashboardOptions, Left

__all__ = ["DashboardExit", "DashboardOptions", "Left", "run_dashboard"]


def run_dashboard(
    session: Session, options: DashboardOptions, *, engine_error: Callable[[], BaseException | None]
) -> DashboardExit:
    """Show the run until the screen is left. Never raises for a bug of the screen; the terminal is whole afterwards.

    The engine runs in a thread of its own; `engine_error` says what it died of, if it did.
    """
    from orchestrator.tui.start import start  # noqa: PLC0415 - Textual costs 140 ms, paid only where a screen is shown

    return start(session, options, engine_error=engine_error)
