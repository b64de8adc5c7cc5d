"""The state of a run, as the fold of its events: `Run.apply` changes it in constant time, and nothing else does.

Progress of a task is a frozen value that anyone may keep: a viewer redraws a row only when the value it drew last
*is not* the one that stands there now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from copy import copy
from typing import Any, ClassVar, Final, TypeVar

from orchestrator.core import events as ev
from orchestrator.core.errors import ErrorKind
from orchestrator.core.events import BudgetInfo, Event, GroupInfo, Record
from orchestrator.core.progress import (
    Attempt,
    BackendProgress,
    BudgetProgress,
    GroupProgress,
    Question,
    Tail,
    Tally,
    TaskProgress,
    Wait,
)
from orchestrator.core.states import BreakerState, Outcome, RunState, State, Status, check_move, check_run_move

TAILS_BYTES: Final = 64 << 20
"""Output kept for the whole run; the longest untouched tail goes first."""


_E = TypeVar("_E", bound=Event)
_Fold = Callable[["Run", Any, float], None]


class Run:
    """A run as its events tell it. Read freely; only `apply` writes."""

    _folds: ClassVar[dict[type, _Fold]] = {}

    def __init__(self, run: str = "") -> None:
        self.id = run
        self.seq = -1
        self.at = 0.0
        self.state = RunState.STARTING
        self.started: ev.RunStarted | None = None
        self.outcome: Outcome | None = None
        self.outputs: ev.RunFinished | None = None
        self.ended: float | None = None
        self.held_for: tuple[str, ...] = ()
        self.paused_by: str | None = None
        self.cancelling: ev.RunCancelling | None = None
        self.max_concurrency = 0
        self.tasks: dict[str, TaskProgress] = {}
        self.members: dict[str, list[str]] = {}
        self.instances: dict[str, tuple[str, ...]] = {}
        self.groups: dict[str, GroupProgress] = {}
        self.backends: dict[str, BackendProgress] = {}
        self.budgets: dict[str, BudgetProgress] = {}
        self.tails: dict[str, Tail] = {}
        self.tally = Tally()
        self.tallies: dict[str, Tally] = {}
        self.questions: dict[str, Question] = {}
        self.refusals: dict[str, str] = {}
        self.membership = 0
        self._tails_size = 0

    def apply(self, record: Record) -> None:
        """Fold one event. Raises IllegalMove if the tables do not have the move, ValueError on a gap."""
        if record.seq != self.seq + 1:
            raise ValueError(f"event {record.seq} follows {self.seq}")
        self.seq = record.seq
        self.at = record.at
        event = record.event
        self._folds[type(event)](self, event, record.at)

    def copy(self) -> Run:
        """Return a run that goes its own way from here."""
        new = copy(self)
        for name in ("tasks", "instances", "groups", "backends", "budgets", "questions", "refusals"):
            setattr(new, name, getattr(self, name).copy())
        new.members = {group: list(tasks) for group, tasks in self.members.items()}
        new.tails = {task: tail.copy() for task, tail in self.tails.items()}
        new.tally = self.tally.copy()
        new.tallies = {group: tally.copy() for group, tally in self.tallies.items()}
        return new

    def needs_a_person(self) -> list[TaskProgress]:
        """Return the tasks whose question is open."""
        return [self.tasks[task] for task in self.questions]

    # ── helpers of the folds ────────────────────────────────────────────────────────────────────

    def _replace(self, old: TaskProgress, new: TaskProgress) -> None:
        """Put the new value in place and keep the counts in step."""
        info = old.info
        self.tasks[info.task] = new
        before, after = old.status, new.status
        if before is after or info.task in self.instances:
            return
        self._count(self.tally, before, after)
        self._count(self.tallies[info.group], before, after)

    @staticmethod
    def _count(tally: Tally, before: Status, after: Status) -> None:
        tally.counts[before] -= 1
        tally.counts[after] += 1
        tally.version += 1

    def _move(self, task: str, to: State, at: float, **changes: Any) -> TaskProgress:  # noqa: ANN401 - fields of many types
        old = self.tasks[task]
        check_move(task, old.state, to)
        if old.state is State.WAITING:
            changes["waited"] = old.waited + at - old.since
        new = old._replace(state=to, since=at, **changes)
        self._replace(old, new)
        if self.state is RunState.HELD:
            self.state = RunState.PAUSED if self.paused_by else RunState.RUNNING
        return new

    def _set_state(self, to: RunState) -> None:
        check_run_move(self.state, to)
        self.state = to

    def _end_attempt(self, task: str, at: float, **changes: Any) -> TaskProgress:  # noqa: ANN401 - fields of many types
        old = self.tasks[task]
        attempt = old.attempts[-1]._replace(ended=at, **changes)
        new = old._replace(attempts=(*old.attempts[:-1], attempt), progress=None)
        self.tasks[task] = new
        return new


def _fold(function: Callable[[Run, _E, float], None]) -> Callable[[Run, _E, float], None]:
    """Register a fold under the type of its event, which its second parameter's annotation names."""
    name = function.__annotations__["event"].removeprefix("ev.")
    Run._folds[getattr(ev, name)] = function
    return function


# ── run and group ───────────────────────────────────────────────────────────────────────────────


@_fold
def _run_started(run: Run, event: ev.RunStarted, at: float) -> None:
    del at
    run._set_state(RunState.RUNNING)
    run.started = event
    run.max_concurrency = event.max_concurrency
    for group in event.groups:
        _ensure_group(run, group.name, group)
    run.backends = {info.name: BackendProgress(info) for info in event.backends}
    run.budgets = {info.name: BudgetProgress(info) for info in event.budgets}


def _ensure_group(run: Run, name: str, info: GroupInfo | None = None) -> None:
    if name not in run.groups:
        run.groups[name] = GroupProgress(info or GroupInfo(name))
        run.tallies[name] = Tally()
        run.members[name] = []


@_fold
def _run_paused(run: Run, event: ev.RunPaused, at: float) -> None:
    del at
    run.paused_by = event.by
    run._set_state(RunState.PAUSED)


@_fold
def _run_unpaused(run: Run, event: ev.RunUnpaused, at: float) -> None:
    del event, at
    run.paused_by = None
    run._set_state(RunState.RUNNING)


@_fold
def _run_held(run: Run, event: ev.RunHeld, at: float) -> None:
    del at
    run.held_for = event.waits
    run._set_state(RunState.HELD)


@_fold
def _run_cancelling(run: Run, event: ev.RunCancelling, at: float) -> None:
    del at
    run.cancelling = event
    if run.state is not RunState.CANCELLING:
        run._set_state(RunState.CANCELLING)


@_fold
def _run_finished(run: Run, event: ev.RunFinished, at: float) -> None:
    run._set_state(RunState.FINISHED)
    run.outcome = event.outcome
    run.outputs = event
    run.ended = at


@_fold
def _run_reopened(run: Run, event: ev.RunReopened, at: float) -> None:
    del event, at
    run._set_state(RunState.RUNNING)
    run.outcome = run.outputs = run.ended = run.cancelling = run.paused_by = None


@_fold
def _group_paused(run: Run, event: ev.GroupPaused, at: float) -> None:
    del at
    run.groups[event.group] = run.groups[event.group]._replace(paused=True)


@_fold
def _group_unpaused(run: Run, event: ev.GroupUnpaused, at: float) -> None:
    del at
    run.groups[event.group] = run.groups[event.group]._replace(paused=False)


@_fold
def _group_cancelled(run: Run, event: ev.GroupCancelled, at: float) -> None:
    del at
    run.groups[event.group] = run.groups[event.group]._replace(cancelled=True)


@_fold
def _concurrency_set(run: Run, event: ev.ConcurrencySet, at: float) -> None:
    del at
    scope, _, name = event.scope.partition(":")
    if scope == "run":
        run.max_concurrency = event.limit
    elif scope == "group" and name in run.groups:
        old = run.groups[name]
        info = GroupInfo(name, event.limit, old.info.on_failure, old.info.description)
        run.groups[name] = old._replace(info=info)


# ── task ────────────────────────────────────────────────────────────────────────────────────────


@_fold
def _task_added(run: Run, event: ev.TaskAdded, at: float) -> None:
    if event.task in run.tasks:
        raise ValueError(f"task {event.task!r} was added twice")
    _ensure_group(run, event.group)
    run.tasks[event.task] = TaskProgress(event, since=at, max_attempts=event.max_attempts or 1, backend=event.backend)
    run.members[event.group].append(event.task)
    for tally in (run.tally, run.tallies[event.group]):
        tally.counts[Status.PENDING] += 1
        tally.total += 1
        tally.version += 1
    run.membership += 1


@_fold
def _task_expanded(run: Run, event: ev.TaskExpanded, at: float) -> None:
    """Take the whole out of the counts: from here on its instances count."""
    task = run.tasks[event.task]
    if event.task not in run.instances:
        for tally in (run.tally, run.tallies[task.group]):
            tally.counts[task.status] -= 1
            tally.total -= 1
            tally.version += 1
    run.instances[event.task] = event.instances
    run._move(event.task, State.RUNNING, at, wait=None, started=at)


@_fold
def _task_waiting(run: Run, event: ev.TaskWaiting, at: float) -> None:
    run._move(event.task, State.WAITING, at, wait=Wait(event.reason, event.until, event.gate))


@_fold
def _task_paused(run: Run, event: ev.TaskPaused, at: float) -> None:
    del at
    run.tasks[event.task] = run.tasks[event.task]._replace(paused=True)


@_fold
def _task_unpaused(run: Run, event: ev.TaskUnpaused, at: float) -> None:
    del at
    run.tasks[event.task] = run.tasks[event.task]._replace(paused=False)


@_fold
def _task_reset(run: Run, event: ev.TaskReset, at: float) -> None:
    old = run.tasks[event.task]
    if old.state is State.SKIPPED:
        _count_skip(run, old, -1)
    run._move(
        event.task,
        State.PENDING,
        at,
        wait=None,
        ended=None,
        started=None,
        waited=0.0,
        cached=False,
        error=None,
        because="",
        cause=None,
        question=None,
        stopping=False,
        stopping_until=None,
        resets=old.resets + 1,
    )


@_fold
def _task_stopping(run: Run, event: ev.TaskStopping, at: float) -> None:
    del at
    old = run.tasks[event.task]
    run._replace(old, old._replace(stopping=True, stopping_until=event.until))


def _finish(run: Run, task: str, to: State, at: float, **changes: Any) -> TaskProgress:  # noqa: ANN401 - fields of many types
    run.questions.pop(task, None)
    return run._move(task, to, at, wait=None, ended=at, stopping=False, stopping_until=None, question=None, **changes)


@_fold
def _task_succeeded(run: Run, event: ev.TaskSucceeded, at: float) -> None:
    _finish(run, event.task, State.SUCCEEDED, at, cached=event.cached, error=None)


@_fold
def _task_failed(run: Run, event: ev.TaskFailed, at: float) -> None:
    _finish(run, event.task, State.FAILED, at, error=event.error)


@_fold
def _task_skipped(run: Run, event: ev.TaskSkipped, at: float) -> None:
    new = _finish(run, event.task, State.SKIPPED, at, because=event.because, cause=event.cause)
    _count_skip(run, new, 1)


def _count_skip(run: Run, task: TaskProgress, step: int) -> None:
    """Blame the group of the task that started the chain of skips: that is what isolation is measured by."""
    cause = run.tasks.get(task.cause) if task.cause else None
    if cause is None:
        return
    tally = run.tallies[cause.group]
    if cause.group == task.group:
        tally.skipped_inside += step
    else:
        tally.skipped_outside += step
    tally.version += 1


@_fold
def _task_cancelled(run: Run, event: ev.TaskCancelled, at: float) -> None:
    _finish(run, event.task, State.CANCELLED, at, because=event.by)


# ── attempt ─────────────────────────────────────────────────────────────────────────────────────


@_fold
def _attempt_started(run: Run, event: ev.AttemptStarted, at: float) -> None:
    old = run.tasks[event.task]
    run.tally.attempts += 1
    run.tallies[old.info.group].attempts += 1
    run._move(
        event.task,
        State.RUNNING,
        at,
        wait=None,
        started=at if old.started is None else old.started,
        attempts=(*old.attempts, Attempt(event.attempt, at, backend=event.backend)),
        max_attempts=event.of,
        backend=event.backend,
    )


@_fold
def _attempt_succeeded(run: Run, event: ev.AttemptSucceeded, at: float) -> None:
    run._end_attempt(event.task, at, result="succeeded" if event.satisfied else "unsatisfied")


@_fold
def _attempt_failed(run: Run, event: ev.AttemptFailed, at: float) -> None:
    new = run._end_attempt(event.task, at, result="failed", error=event.error, retry_in=event.retry_in)
    run.tasks[event.task] = new._replace(error=event.error)
    if new.backend in run.backends and event.error.kind is ErrorKind.UPSTREAM:
        backend = run.backends[new.backend]
        run.backends[new.backend] = backend._replace(last_error=event.error.message)


@_fold
def _attempt_interrupted(run: Run, event: ev.AttemptInterrupted, at: float) -> None:
    run._end_attempt(event.task, at, result="interrupted")


@_fold
def _attempt_resumed(run: Run, event: ev.AttemptResumed, at: float) -> None:
    run._move(event.task, State.RUNNING, at, wait=None, backend=event.backend)


@_fold
def _output_produced(run: Run, event: ev.OutputProduced, at: float) -> None:
    tail = run.tails.pop(event.task, None) or Tail()
    before = tail.size
    tail.write(at, event.stream, event.text)
    run.tails[event.task] = tail
    run._tails_size += tail.size - before
    while run._tails_size > TAILS_BYTES and len(run.tails) > 1:
        oldest = next(iter(run.tails))
        run._tails_size -= run.tails.pop(oldest).size
    old = run.tasks[event.task]
    if event.stream != "sys":
        run.tasks[event.task] = old._replace(last_line=tail.last_text())


@_fold
def _progress_reported(run: Run, event: ev.ProgressReported, at: float) -> None:
    del at
    run.tasks[event.task] = run.tasks[event.task]._replace(progress=event)


@_fold
def _usage_reported(run: Run, event: ev.UsageReported, at: float) -> None:
    del at
    old = run.tasks[event.task]
    used = (event.input_tokens, event.output_tokens, event.cost_usd)
    attempts = old.attempts
    if attempts:
        attempts = (*attempts[:-1], _spent(attempts[-1], *used))
    run.tasks[event.task] = _spent(old, *used)._replace(attempts=attempts)
    for tally in (run.tally, run.tallies[old.info.group]):
        tally.input_tokens += event.input_tokens
        tally.output_tokens += event.output_tokens
        tally.cost_usd += event.cost_usd or 0.0
        tally.unpriced_tokens += event.input_tokens + event.output_tokens if event.cost_usd is None else 0
        tally.version += 1


_Spender = TypeVar("_Spender", TaskProgress, Attempt)


def _spent(value: _Spender, inputs: int, outputs: int, cost: float | None) -> _Spender:
    total = value.cost_usd if cost is None else (value.cost_usd or 0.0) + cost
    return value._replace(
        input_tokens=value.input_tokens + inputs, output_tokens=value.output_tokens + outputs, cost_usd=total
    )


# ── backend ─────────────────────────────────────────────────────────────────────────────────────

_KEPT_MOVES: Final = 50


@_fold
def _breaker_moved(run: Run, event: ev.BreakerMoved, at: float) -> None:
    old = run.backends[event.backend]
    moves = (*old.moves[-_KEPT_MOVES:], (at, event))
    run.backends[event.backend] = old._replace(
        breaker=event.to,
        until=event.until,
        why=event.why,
        moves=moves,
        probes=0,
        failures=0 if event.to is BreakerState.CLOSED else old.failures,
    )


@_fold
def _backend_held(run: Run, event: ev.BackendHeld, at: float) -> None:
    del at
    run.backends[event.backend] = run.backends[event.backend]._replace(held_until=event.until, held_why=event.why)


@_fold
def _fallback_used(run: Run, event: ev.FallbackUsed, at: float) -> None:
    del at
    run.tasks[event.task] = run.tasks[event.task]._replace(backend=event.backend)


@_fold
def _backend_gauge(run: Run, event: ev.BackendGauge, at: float) -> None:
    del at
    run.backends[event.backend] = run.backends[event.backend]._replace(
        failures=event.failures,
        calls=event.calls,
        failed=event.failed,
        in_use=event.in_use,
        gauges=event.gauges,
        probes=event.probes,
    )


# ── budget ──────────────────────────────────────────────────────────────────────────────────────


@_fold
def _budget_reserved(run: Run, event: ev.BudgetReserved, at: float) -> None:
    del at
    old = run.budgets[event.budget]
    run.budgets[event.budget] = old._replace(
        reserved_tokens=old.reserved_tokens + event.tokens,
        reserved_cost_usd=old.reserved_cost_usd + (event.cost_usd or 0.0),
    )


@_fold
def _budget_settled(run: Run, event: ev.BudgetSettled, at: float) -> None:
    del at
    old = run.budgets[event.budget]
    run.budgets[event.budget] = old._replace(
        tokens=old.tokens + event.tokens,
        cost_usd=old.cost_usd + (event.cost_usd or 0.0),
        reserved_tokens=old.reserved_tokens - event.reserved_tokens,
        reserved_cost_usd=max(0.0, old.reserved_cost_usd - (event.reserved_cost_usd or 0.0)),
        unpriced_tokens=old.unpriced_tokens + (event.tokens if event.cost_usd is None else 0),
    )


@_fold
def _budget_threshold(run: Run, event: ev.BudgetThreshold, at: float) -> None:
    """A threshold tells people; the sums say the same already."""
    del run, event, at


@_fold
def _budget_exceeded(run: Run, event: ev.BudgetExceeded, at: float) -> None:
    del at
    run.budgets[event.budget] = run.budgets[event.budget]._replace(exceeded=event.why)


@_fold
def _budget_raised(run: Run, event: ev.BudgetRaised, at: float) -> None:
    del at
    old = run.budgets[event.budget]
    info = BudgetInfo(event.budget, event.tokens, event.cost_usd, event.time, old.info.on_exceeded)
    run.budgets[event.budget] = old._replace(info=info, exceeded="")


# ── person ──────────────────────────────────────────────────────────────────────────────────────


@_fold
def _approval_requested(run: Run, event: ev.ApprovalRequested, at: float) -> None:
    del at
    question = Question(event.message, event.show, event.until)
    run.questions[event.task] = question
    run.tasks[event.task] = run.tasks[event.task]._replace(question=question)


@_fold
def _approval_given(run: Run, event: ev.ApprovalGiven, at: float) -> None:
    del at
    _answered(run, event.task)


@_fold
def _approval_denied(run: Run, event: ev.ApprovalDenied, at: float) -> None:
    del at
    _answered(run, event.task)


def _answered(run: Run, task: str) -> None:
    run.questions.pop(task, None)
    run.tasks[task] = run.tasks[task]._replace(question=None)


@_fold
def _command_accepted(run: Run, event: ev.CommandAccepted, at: float) -> None:
    """A command's effects are events of their own."""
    del run, event, at


_KEPT_REFUSALS: Final = 100


@_fold
def _command_refused(run: Run, event: ev.CommandRefused, at: float) -> None:
    del at
    run.refusals[event.id] = event.why
    if len(run.refusals) > _KEPT_REFUSALS:
        del run.refusals[next(iter(run.refusals))]


def fold(records: Iterable[Record], run: Run | None = None) -> Run:
    """Return the run that the records tell."""
    run = run or Run()
    for record in records:
        if not run.id:
            run.id = record.run
        run.apply(record)
    return run
