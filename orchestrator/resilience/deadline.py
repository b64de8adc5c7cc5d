"""How much time is left, by clocks that can stand still."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.core.moments import seconds_until


class Stopwatch:
    """Counts seconds between `start()` and `stop()`, as often as they come; either twice in a row changes nothing.

    A task's clock stands still while it waits at a gate, an idle clock is set back to zero with every sign of life.
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

    def back_to_zero(self) -> None:
        """Forget what was counted; a running watch runs on."""
        self._before = 0.0
        if self._since is not None:
            self._since = self._now()

    @property
    def is_running(self) -> bool:
        return self._since is not None

    @property
    def elapsed(self) -> float:
        running = 0.0 if self._since is None else self._now() - self._since
        return self._before + running


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """So many seconds by a stopwatch; None is no limit."""

    seconds: float | None

    def remaining(self, watch: Stopwatch) -> float | None:
        """Return the seconds left while the watch runs, 0.0 when the time is up, None without a limit."""
        return None if self.seconds is None else seconds_until(self.seconds, watch.elapsed)

    def is_over(self, watch: Stopwatch) -> bool:
        return self.remaining(watch) == 0.0


def soonest(*moments: float | None) -> float | None:
    """Return the least of those that there are: remaining seconds or points in time."""
    least = min((moment for moment in moments if moment is not None), default=math.inf)
    return None if least == math.inf else least
