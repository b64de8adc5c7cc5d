"""How limiters and budgets went over the last minutes: what was looked at now and then, and the rates that follow."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from orchestrator.core.run import Run
from orchestrator.core.states import RunState
from orchestrator.tui.subjects import Subject, limiters

EVERY: Final = 2.0
"""Seconds between two looks."""
KEPT: Final = 150
"""Looks that are kept: five minutes."""
RECENT: Final = 60.0
"""Seconds over which a rate is measured."""


class Sample(NamedTuple):
    """What was seen at one moment: how full limiters were, as shares of one, and what budgets had spent."""

    at: float
    levels: Mapping[Subject, float]
    spent: Mapping[tuple[str, str], float]


class Trends:
    """Looks at a run now and then, and remembers."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=KEPT)

    def look(self, run: Run, now: float) -> None:
        """Take a sample when it is time for one. A clock that goes backwards begins another run."""
        last = self._samples[-1].at if self._samples else float("-inf")
        if now < last:
            self._samples.clear()
        elif now - last < EVERY or run.state is RunState.FINISHED:
            return
        self._samples.append(
            Sample(now, {limiter.subject: limiter.share for limiter in limiters(run)}, dict(_spent(run)))
        )

    def levels(self, limiter: Subject, cells: int) -> tuple[float, ...]:
        """Return the last shares of a limiter, at most so many, the oldest first."""
        start = max(0, len(self._samples) - cells)
        return tuple(sample.levels.get(limiter, 0.0) for index, sample in enumerate(self._samples) if index >= start)

    def rate(self, budget: str, unit: str, spent: float, now: float) -> float:
        """Return what is spent in a second: of late, or on average where nobody looked yet."""
        since = next((sample for sample in self._samples if now - sample.at <= RECENT), None)
        if since is None or now - since.at < RECENT / 4:
            return spent / now if now > 0 else 0.0
        return max(0.0, spent - since.spent.get((budget, unit), 0.0)) / (now - since.at)


def _spent(run: Run) -> Iterator[tuple[tuple[str, str], float]]:
    for name, budget in run.budgets.items():
        yield (name, "cost_usd"), budget.cost_usd
        yield (name, "tokens"), budget.tokens


_SPARKS: Final = "▁▂▃▄▅▆▇█"
_SPARKS_ASCII: Final = "_.-=*#%@"


def spark(shares: Iterable[float], *, ascii_only: bool = False) -> str:
    """Return a small curve, one cell for each share."""
    marks = _SPARKS_ASCII if ascii_only else _SPARKS
    return "".join(marks[max(0, min(len(marks) - 1, round(share * (len(marks) - 1))))] for share in shares)
