"""In which order the tasks of a group stand: the flow's own, or by something about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final, NamedTuple

from orchestrator.core.progress import TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import Status


class By(StrEnum):
    """What tasks are sorted by; the words stand in the menu."""

    FLOW = "flow order"
    STATE = "state"
    TIME = "time"
    TOKENS = "tokens"
    COST = "cost"
    TRIES = "tries"
    NAME = "name"


SEVERITY: Final = (
    Status.FAILED,
    Status.TIMEOUT,
    Status.APPROVE,
    Status.ANSWER,
    Status.BUDGET,
    Status.CIRCUIT,
    Status.RETRY,
    Status.QUOTA,
    Status.LIMITED,
    Status.STOPPING,
    Status.RUNNING,
    Status.SUBAGENT,
    Status.PAUSED,
    Status.QUEUED,
    Status.PENDING,
    Status.SKIPPED,
    Status.CANCELED,
    Status.DONE,
    Status.CACHED,
)
"""What needs a person or went wrong, then what happens, then what is left, then what is over."""

_RANK: Final = {status: rank for rank, status in enumerate(SEVERITY)}
_Key = Callable[[TaskProgress, float], Any]
_KEYS: Final[dict[By, _Key]] = {
    By.STATE: lambda task, now: _RANK[task.status],  # noqa: ARG005 - the table's shape
    By.TIME: lambda task, now: -(task.elapsed(now) or 0.0),
    By.TOKENS: lambda task, now: -task.tokens,  # noqa: ARG005
    By.COST: lambda task, now: -(task.cost_usd or 0.0),  # noqa: ARG005
    By.TRIES: lambda task, now: -task.attempt,  # noqa: ARG005
    By.NAME: lambda task, now: task.id.lower(),  # noqa: ARG005
}


class Sort(NamedTuple):
    """An order: figures begin with the largest, states with the worst, names with the first; or the other way round."""

    by: By = By.FLOW
    turned: bool = False

    def again(self, by: By) -> Sort:
        """Return the order after another choice; the same choice turns it round."""
        return Sort(by, turned=not self.turned and by is not By.FLOW) if by is self.by else Sort(by)

    @property
    def live(self) -> bool:
        """Return whether tasks change their places as they move on."""
        return self.by not in {By.FLOW, By.NAME}

    @property
    def falls(self) -> bool:
        """Return whether what is sorted by grows smaller from the top."""
        return (self.by in {By.TIME, By.TOKENS, By.COST, By.TRIES}) is not self.turned

    def __str__(self) -> str:
        return f"{self.by}, turned round" if self.turned else str(self.by)

    def order(self, run: Run, names: Iterable[str], now: float) -> list[str]:
        """Return the tasks in this order; what is alike stays as it was."""
        key = _KEYS.get(self.by)
        if key is None:
            return list(names)
        return sorted(names, key=lambda name: key(run.tasks[name], now), reverse=self.turned)
