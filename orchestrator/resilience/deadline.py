"""How much time is left, by clocks that can stand still."""

from __future__ import annotations

import math
from collections.abc import Callable


class Stopwatch:
    """Counts seconds between `start()` and `stop()`, as often as they come; either twice in a row changes nothing.

    A task's clock stands still while it waits at a gate.
    """

    __slots__ = ("_before", "_now", "_since")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._before = 0.0
        self._since: float | None = None

    def start(self) -> None:
        if self._since is None:
            self._since = self._now()

    def stop(self) -> None:
        self._before = self.elapsed
        self._since = None

    @property
    def is_running(self) -> bool:
        return self._since is not None

    @property
    def elapsed(self) -> float:
        running = 0.0 if self._since is None else self._now() - self._since
        return self._before + running


def soonest(*moments: float | None) -> float | None:
    """Return the least of those that there are: remaining seconds or points in time."""
    least = min((moment for moment in moments if moment is not None), default=math.inf)
    return None if least == math.inf else least
