"""What bounds a run and can be changed while it goes on: how many at once, and what may be spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from math import floor, log10
from typing import Final, NamedTuple

from orchestrator.core.commands import Command as Order
from orchestrator.core.commands import RaiseBudget, SetConcurrency
from orchestrator.core.progress import BackendProgress, BudgetProgress, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import Reason, Status
from orchestrator.tui.rows import Row
from orchestrator.tui.subjects import Subject
from orchestrator.tui.text import cash, clean, count, duration


class Unit(Enum):
    """What a limit counts, and how that is written."""

    TASKS = "tasks"
    COST = "cost"
    TOKENS = "tokens"
    TIME = "time"

    def words(self, value: float) -> str:
        return _WORDS[self](value)


_WORDS: Final[dict[Unit, Callable[[float], str]]] = {
    Unit.TASKS: lambda value: f"{value:.0f}",
    Unit.COST: cash,
    Unit.TOKENS: count,
    Unit.TIME: duration,
}


class Limit(NamedTuple):
    """One limit as it stands. `scope` names it for the run; a `value` of None is no bound."""

    scope: str
    label: str
    unit: Unit
    value: float | None
    used: float

    def stepped(self, value: float | None, step: int) -> float | None:
        """Return the value one step up or down. A budget is only ever raised, and nothing goes below one at once."""
        if self.unit is Unit.TASKS:
            if value is None:
                return max(1.0, self.used) if step < 0 else None
            return max(1.0, value + step)
        now = self.value or 0.0
        return max(now, (now if value is None else value) + step * self._size())

    def _size(self) -> float:
        """Return about a quarter of a budget, as a round figure."""
        least = {Unit.COST: 0.01, Unit.TOKENS: 1000.0, Unit.TIME: 60.0}[self.unit]
        size = max(least, (self.value or 0.0) / 4)
        digit = 10 ** floor(log10(size))
        return float(floor(size / digit) * digit)

    def order(self, value: float) -> Order:
        """Return what asks the run for another value."""
        match self.unit:
            case Unit.TASKS:
                return SetConcurrency(scope=self.scope, limit=int(value))
            case Unit.COST:
                return RaiseBudget(budget=self.scope, cost_usd=value)
            case Unit.TOKENS:
                return RaiseBudget(budget=self.scope, tokens=int(value))
            case Unit.TIME:
                return RaiseBudget(budget=self.scope, time=value)

    def words(self, value: float | None) -> str:
        return "no bound" if value is None else self.unit.words(value)


def limits(run: Run, now: float) -> list[Limit]:
    """Return every limit: the run's, the groups', the backends', and the budgets."""
    active = _active(run.tally.counts)
    return [
        Limit("run", "run, at once", Unit.TASKS, run.max_concurrency or None, active),
        *(_of_group(run, name) for name in run.groups),
        *(_of_backend(name, backend) for name, backend in run.backends.items()),
        *(limit for budget in run.budgets.values() for limit in _of_budget(budget, now)),
    ]


def _active(counts: dict[Status, int]) -> int:
    return counts[Status.RUNNING] + counts[Status.STOPPING]


def _of_group(run: Run, name: str) -> Limit:
    active = _active(run.tallies[name].counts)
    bound = run.groups[name].info.max_concurrency
    return Limit(f"group:{name}", f"group {clean(name)}, at once", Unit.TASKS, bound, active)


def _of_backend(name: str, backend: BackendProgress) -> Limit:
    bound = backend.info.max_concurrency
    return Limit(f"backend:{name}", f"backend {clean(name)}, at once", Unit.TASKS, bound, backend.in_use)


def _of_budget(budget: BudgetProgress, now: float) -> Iterator[Limit]:
    info = budget.info
    name = "budget" if info.name == "run" else f"budget of {clean(info.name).replace(':', ' ')}"
    for unit, value, used in (
        (Unit.COST, info.cost_usd, budget.cost_usd),
        (Unit.TOKENS, info.tokens, budget.tokens),
        (Unit.TIME, info.time, now),
    ):
        if value is not None:
            yield Limit(info.name, f"{name}, {unit.value}", unit, value, used)


def first_choice(run: Run, found: list[Limit], row: Row | None) -> int:
    """Return the place of the limit that is most likely meant: what holds things up, else what bounds the row."""
    wanted = [scope for scope in _scopes(run, row) if scope]
    places = [place for scope in wanted for place, limit in enumerate(found) if _is_meant(limit, scope)]
    return places[0] if places else 0


def place_of(found: list[Limit], subject: Subject) -> int | None:
    """Return the place of the limit that a line of the health page is about."""
    scope = f"{subject.kind}:{subject.name}" if subject.kind in {"backend", "group"} else subject.name
    scope = f"backend:{subject.name}" if subject.kind == "limit" else scope
    unit = _UNITS.get(subject.unit, Unit.TASKS) if subject.kind == "budget" else Unit.TASKS
    return next((place for place, limit in enumerate(found) if (limit.scope, limit.unit) == (scope, unit)), None)


_UNITS: Final = {"cost_usd": Unit.COST, "tokens": Unit.TOKENS, "time": Unit.TIME}


def _is_meant(limit: Limit, scope: str) -> bool:
    """A budget is meant by its name with the word before it."""
    return limit.scope == scope if limit.unit is Unit.TASKS else f"budget {limit.scope}" == scope


def _scopes(run: Run, row: Row | None) -> Iterator[str]:
    """Yield what may be meant, the likeliest first."""
    task = run.tasks.get(row.task or "") if row else None
    yield from (f"budget {name}" for name, budget in run.budgets.items() if budget.exceeded)
    if task is not None:
        yield _gate(run, task)
    if row is not None and run.groups[row.group].info.max_concurrency is not None:
        yield f"group:{row.group}"
    if task is not None and (backend := run.backends.get(task.backend or "")) and backend.info.max_concurrency:
        yield f"backend:{task.backend}"
    yield f"group:{row.group}" if row is not None and task is None else "run"


def _gate(run: Run, task: TaskProgress) -> str:
    """Return the limit that the task waits at, if it waits at one."""
    if task.wait is None or task.wait.gate is None:
        return ""
    if task.wait.reason is Reason.BUDGET:
        return f"budget {task.wait.gate}"
    if task.wait.reason is not Reason.SLOT:
        return ""
    return f"backend:{task.wait.gate}" if task.wait.gate in run.backends else task.wait.gate
