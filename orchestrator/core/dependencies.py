"""Who waits for whom: what becomes ready, and what is doomed, as tasks settle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from orchestrator.core.flow import Condition, Need
from orchestrator.core.states import State

_MET_BY: Final[dict[Condition, frozenset[State]]] = {
    Condition.SUCCEEDED: frozenset({State.SUCCEEDED}),
    Condition.FAILED: frozenset({State.FAILED}),
    Condition.SKIPPED: frozenset({State.SKIPPED}),
    Condition.SETTLED: frozenset({State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED}),
    Condition.NOT_SUCCEEDED: frozenset({State.FAILED, State.SKIPPED, State.CANCELLED}),
}


def is_met(condition: Condition, state: State, *, optional: bool) -> bool:
    """Return whether a dependency that settled so is what was required; an optional task's failure passes."""
    if optional and state is State.FAILED and condition is Condition.SUCCEEDED:
        return True
    return state in _MET_BY[condition]


class Settled(NamedTuple):
    """How a task settled, as far as its dependants care. `root` is the task that started a chain of skips."""

    state: State
    optional: bool = False
    root: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """All that the task needs has settled as required."""

    task: str


@dataclass(frozen=True, slots=True)
class Doomed:
    """The task can never start: `cause` did not settle as required; `root` is where that began."""

    task: str
    cause: str
    root: str
    because: str


class Dependencies:
    """Counts for each task the needs that are not settled. Each call costs what it touches, never the whole."""

    def __init__(self) -> None:
        self._needs: dict[str, tuple[Need, ...]] = {}
        self._open: dict[str, int] = {}
        self._dependants: dict[str, list[str]] = {}
        self._settled: dict[str, Settled] = {}

    def add(self, task: str, needs: tuple[Need, ...]) -> None:
        """Let a task wait for its needs."""
        self._needs[task] = needs
        for need in needs:
            self._dependants.setdefault(need.task, []).append(task)

    def verdict(self, task: str) -> Ready | Doomed | None:
        """Return what can be said of the task now; None if it has to wait."""
        open_needs = 0
        for need in self._needs[task]:
            settled = self._settled.get(need.task)
            if settled is None:
                open_needs += 1
            elif not is_met(need.condition, settled.state, optional=settled.optional):
                return _doomed(task, need, settled)
        if not open_needs:
            return Ready(task)
        self._open[task] = open_needs
        return None

    def settle(self, task: str, settled: Settled) -> list[Ready | Doomed]:
        """Take note that a task settled; return what follows for those who need it."""
        self._settled[task] = settled
        verdicts: list[Ready | Doomed] = []
        for dependant in self._dependants.get(task, ()):
            if dependant not in self._open:
                continue
            verdict = self._after(dependant, task, settled)
            if verdict is not None:
                del self._open[dependant]
                verdicts.append(verdict)
        return verdicts

    def _after(self, dependant: str, task: str, settled: Settled) -> Ready | Doomed | None:
        for need in self._needs[dependant]:
            if need.task == task and not is_met(need.condition, settled.state, optional=settled.optional):
                return _doomed(dependant, need, settled)
        self._open[dependant] -= sum(need.task == task for need in self._needs[dependant])
        return Ready(dependant) if self._open[dependant] == 0 else None

    def reset(self, tasks: Iterable[str]) -> None:
        """Forget how the tasks settled. Ask for the verdict on each of them anew afterwards."""
        for task in tasks:
            self._settled.pop(task, None)
            self._open.pop(task, None)
            for dependant in self._dependants.get(task, ()):
                if dependant in self._open:
                    self._open[dependant] = sum(need.task not in self._settled for need in self._needs[dependant])

    def dependants(self, task: str) -> tuple[str, ...]:
        """Return those who need the task directly."""
        return tuple(dict.fromkeys(self._dependants.get(task, ())))

    def needs(self, task: str) -> tuple[Need, ...]:
        return self._needs[task]


def _doomed(task: str, need: Need, settled: Settled) -> Doomed:
    because = f"{need.task} {_TOLD[settled.state]}"
    return Doomed(task, need.task, settled.root or need.task, because)


_TOLD: Final = {
    State.SUCCEEDED: "succeeded",
    State.FAILED: "failed",
    State.SKIPPED: "was skipped",
    State.CANCELLED: "was cancelled",
}
