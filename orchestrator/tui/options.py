"""What the dashboard is told at its start, and what it says at its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Final, Protocol

from orchestrator.core.errors import Problem
from orchestrator.core.fact import fact
from orchestrator.core.ports import Guide
from orchestrator.core.theme import ThemeSpec


class ThemesRead(Protocol):
    """The themes that were found, and what is wrong with the files of others."""

    @property
    def specs(self) -> tuple[ThemeSpec, ...]: ...
    @property
    def problems(self) -> tuple[Problem, ...]: ...


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


WAYS: Final = frozenset({"toast", "bell"})
"""How a person is told unless somebody set it; `desktop` is the third way."""

_STATUS = {Left.HANGUP: 129, Left.INTERRUPTED: 130, Left.FORCED: 130, Left.TERMINATED: 143}


@fact
class DashboardOptions:
    """How the screen looks and when it goes. The first of `themes` is shown unless `theme` names another.

    `changed_themes` returns the themes anew once their files were changed. `keys` are those that commands have in place
    of their own, by id, as `read_keys` returns them. `log_path` says which file holds all that a task wrote. One that
    is `inline` takes a few lines below the prompt. `fps` bounds how often what changes by itself is drawn; None leaves
    that to the line that leads to the terminal. `notifications` are the ways in which a person is told. One that
    `follows_failures` puts the cursor on the first one where nobody does anything. A `guide` leads through the run.
    """

    theme: str | None = None
    themes: tuple[ThemeSpec, ...] = ()
    changed_themes: Callable[[], ThemesRead | None] = lambda: None
    ascii: bool = False
    exit_when_done: bool = False
    mouse: bool = True
    inline: bool = False
    fps: float | None = None
    guide: Guide | None = None
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    log_path: Callable[[str], str] | None = None
    notifications: frozenset[str] = WAYS
    follows_failures: bool = False


@fact
class DashboardExit:
    """How the screen was left, whether the operator cancelled the run in it, and what went wrong with the screen."""

    how: Left
    cancelled: bool = False
    error: str | None = None
