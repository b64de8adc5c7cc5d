"""Who waits for whom: what becomes ready, and what is doomed, as tasks settle."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from orchestrator.core.fact import fact
from orchestrator.core.flow import Condition, Need
from orchestrator.core.states import FINAL, State

_MET_BY: Final[dict[Condition, frozenset[State]]] = {
    Condition.SUCCEEDED: frozenset({State.SUCCEEDED}),
    Condition.FAILED: frozenset({State.FAILED}),
    Condition.SKIPPED: frozenset({State.SKIPPED}),
    Condition.SETTLED: FINAL,
    Condition.NOT_SUCCEEDED: FINAL - {State.SUCCEEDED},
}

_TOLD: Final = {
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.SKIPPED: "was skipped",
    State.CANCELLED: "was cancelled",
}


class Settled(NamedTuple):
    """How a task settled, as far as its dependants care. `root` is the task that started a chain of skips.

    Those who need one that was `left_out` go on without it.
    """

    state: State
    optional: bool = False
    root: str = ""
    left_out: bool = False

    def meets(self, condition: Condition) -> bool:
        """Return whether this is what was required. What is optional may fail, or be left out."""
        if self.state in _MET_BY[condition]:
            return True
        passes = self.left_out or (self.optional and self.state is State.FAILED)
        return passes and condition is Condition.SUCCEEDED


@fact
class Ready:
    """All that the task needs has settled as required."""

    task: str


@fact
class Doomed:
    """The task can never start: `cause` did not settle as required; `root` is where that began."""

    task: str
    cause: str
    root: str
    because: str


class Dependencies:
    """Counts for each waiting task the needs that are not settled.

    Each call costs what it touches, never the whole: however many needs a task has, one of them settles in constant
    time. A task settles once, until it is reset.
    """

    def __init__(self) -> None:
        self._needs: dict[str, tuple[Need, ...]] = {}
        self._dependants: dict[str, list[tuple[str, Need]]] = {}
        self._settled: dict[str, Settled] = {}
        self._open: dict[str, int] = {}

    def add(self, task: str, needs: tuple[Need, ...]) -> None:
        """Let a task wait for its needs."""
        self._needs[task] = needs
        for need in needs:
            self._dependants.setdefault(need.task, []).append((task, need))

    def verdict(self, task: str) -> Ready | Doomed | None:
        """Return what can be said of the task now; None if it has to wait."""
        open_needs = 0
        for need in self._needs[task]:
            settled = self._settled.get(need.task)
            if settled is None:
                open_needs += 1
            elif not settled.meets(need.condition):
                return _doomed(task, need, settled)
        if not open_needs:
            return Ready(task)
        self._open[task] = open_needs
        return None

    def doomed(self, task: str) -> Doomed | None:
        """Return what keeps the task from ever starting, as things stand."""
        for need in self._needs[task]:
            settled = self._settled.get(need.task)
            if settled is not None and not settled.meets(need.condition):
                return _doomed(task, need, settled)
        return None

    def is_settled(self, task: str) -> bool:
        return task in self._settled

    def settle(self, task: str, settled: Settled) -> list[Ready | Doomed]:
        """Take note that a task settled; return what follows for those who need it."""
        self._settled[task] = settled
        edges = self._dependants.get(task)
        if edges is None:
            return []
        verdicts = [self._after(dependant, need, settled) for dependant, need in edges if dependant in self._open]
        return [verdict for verdict in verdicts if verdict is not None]

    def _after(self, dependant: str, need: Need, settled: Settled) -> Ready | Doomed | None:
        """Count one need less; a verdict ends the waiting."""
        if not settled.meets(need.condition):
            del self._open[dependant]
            return _doomed(dependant, need, settled)
        self._open[dependant] -= 1
        if self._open[dependant]:
            return None
        del self._open[dependant]
        return Ready(dependant)

    def reset(self, tasks: Iterable[str]) -> None:
        """Forget how the tasks settled. Ask for the verdict on each of them anew afterwards."""
        for task in tasks:
            self._open.pop(task, None)
            if self._settled.pop(task, None) is not None:
                self._wait_again(task)

    def _wait_again(self, task: str) -> None:
        for dependant, _ in self._dependants.get(task, ()):
            if dependant in self._open:
                self._open[dependant] += 1

    def dependants(self, task: str) -> tuple[str, ...]:
        """Return those who need the task directly."""
        return tuple(dict.fromkeys(dependant for dependant, _ in self._dependants.get(task, ())))


def _doomed(task: str, need: Need, settled: Settled) -> Doomed:
    because = f"{need.task} {_TOLD[settled.state]}"
    return Doomed(task, need.task, settled.root or need.task, because)
