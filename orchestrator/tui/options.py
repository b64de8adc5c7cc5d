"""What the dashboard is told at its start, and what it says at its end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.core.theme import ThemeSpec


class Left(StrEnum):
    """How the screen was left."""

    QUIT = "quit"
    LEFT = "left"
    CRASHED = "crashed"
    FORCED = "forced"
    HANGUP = "hangup"
    TERMINATED = "terminated"
    INTERRUPTED = "interrupted"

    @property
    def status(self) -> int | None:
        """Return the exit status that it forces on the program, if any."""
        return _STATUS.get(self)


_STATUS = {Left.HANGUP: 129, Left.INTERRUPTED: 130, Left.FORCED: 130, Left.TERMINATED: 143}


@dataclass(frozen=True, slots=True)
class DashboardOptions:
    """How the screen looks and when it goes. The first of `themes` is shown unless `theme` names another."""

    theme: str | None = None
    themes: tuple[ThemeSpec, ...] = ()
    ascii: bool = False
    exit_when_done: bool = False
    mouse: bool = True


@dataclass(frozen=True, slots=True)
class DashboardExit:
    """How the screen was left, whether the operator cancelled the run in it, and what went wrong with the screen."""

    how: Left
    cancelled: bool = False
    error: str | None = None
