"""What needs a person: questions, budgets that are spent, breakers opened by hand, quotas without an end, failures."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from orchestrator.core.progress import ENDED_BADLY, BackendProgress, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, Reason, RunState, Status


class Want(Enum):
    """What a person is wanted for."""

    APPROVAL = Status.APPROVE
    ANSWER = Status.ANSWER
    BUDGET = Status.BUDGET
    BREAKER = Status.CIRCUIT
    QUOTA = Status.QUOTA
    FAILURE = Status.FAILED


class Need(NamedTuple):
    """One thing: what it is, whose, what there is to say, and since when. `task` is where it can be seen.

    `name` is a task's, a backend's or a budget's.
    """

    want: Want
    name: str
    text: str
    since: float | None = None
    task: str | None = None

    @property
    def key(self) -> tuple[Want, str]:
        return self.want, self.name


def count(run: Run) -> int:
    """Return how many things wait for a person; what failed waits for nobody. It looks at no task."""
    if run.state is RunState.FINISHED:
        return 0
    return len(run.questions) + len(_spent(run)) + sum(map(_is_tripped, run.backends.values())) + len(_endless(run))


def needs(run: Run) -> list[Need]:
    """Return all of it: what waits, in the order in which it began, then what failed."""
    waiting = [] if run.state is RunState.FINISHED else [*_questions(run), *_budgets(run), *_backends(run)]
    waiting.sort(key=lambda need: float("inf") if need.since is None else need.since)
    return [*waiting, *_failures(run)]


def first_failure(run: Run) -> str | None:
    """Return the task that failed before all others."""
    return next((need.task for need in _failures(run)), None)


def _questions(run: Run) -> Iterator[Need]:
    for name, question in run.questions.items():
        want = Want.ANSWER if question.wants_answer else Want.APPROVAL
        yield Need(want, name, question.message, run.tasks[name].since, name)


def _spent(run: Run) -> list[str]:
    """Return the budgets at which tasks wait for a person."""
    if not run.tally.counts[Status.BUDGET]:
        return []
    return [name for name, budget in run.budgets.items() if budget.exceeded and budget.info.on_exceeded == "hold"]


def _budgets(run: Run) -> Iterator[Need]:
    for name in _spent(run):
        held = [task for task in run.tasks.values() if _waits(task, Reason.BUDGET, name)]
        first = min(held, key=lambda task: task.since, default=None)
        tasks = f"{len(held)} waiting: " if held else ""
        text = f"{tasks}{run.budgets[name].exceeded}"
        yield Need(Want.BUDGET, name, text, first.since if first else None, first.id if first else None)


def _waits(task: TaskProgress, reason: Reason, gate: str) -> bool:
    return task.wait is not None and task.wait.reason is reason and task.wait.gate == gate


def _is_tripped(backend: BackendProgress) -> bool:
    return backend.breaker is BreakerState.TRIPPED


def _endless(run: Run) -> list[BackendProgress]:
    """Return the backends that are held until somebody does something."""
    return [backend for backend in run.backends.values() if backend.held_for and backend.held_until is None]


def _backends(run: Run) -> Iterator[Need]:
    for name, backend in run.backends.items():
        if _is_tripped(backend):
            since = backend.moves[-1][0] if backend.moves else None
            yield Need(Want.BREAKER, name, backend.why or "opened by hand", since, _held_by(run, name, Reason.BREAKER))
    for backend in _endless(run):
        task = _held_by(run, backend.info.name, Reason.QUOTA)
        yield Need(Want.QUOTA, backend.info.name, backend.held_why, None, task)


def _held_by(run: Run, gate: str, reason: Reason) -> str | None:
    return next((task.id for task in run.tasks.values() if _waits(task, reason, gate)), None)


def _failures(run: Run) -> Iterator[Need]:
    if not run.tally.failed:
        return
    failed = [task for task in run.tasks.values() if task.status in ENDED_BADLY and task.id not in run.instances]
    for task in sorted(failed, key=lambda task: task.ended or 0.0):
        message = task.error.message if task.error else "failed"
        yield Need(Want.FAILURE, task.id, message, task.ended, task.id)
