"""The state of a run, as the fold of its events: `Run.apply` changes it in constant time, and nothing else does.

Progress of a task is a frozen value that anyone may keep: a viewer redraws a row only when the value it drew last
*is not* the one that stands there now.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import replace
from typing import Any, Final, TypeAlias, TypeVar

from orchestrator.core import events as ev
from orchestrator.core.errors import ErrorKind, Failure
from orchestrator.core.events import Event, GroupInfo, Record
from orchestrator.core.made import made
from orchestrator.core.progress import (
    Attempt,
    BackendProgress,
    BudgetProgress,
    GroupProgress,
    Question,
    Tail,
    Tally,
    TaskProgress,
    total,
)
from orchestrator.core.states import (
    NEXT,
    STATE_OF,
    WAITING_STATUS,
    BreakerState,
    Outcome,
    RunState,
    State,
    Status,
    check_move,
    check_run_move,
)
from orchestrator.core.talk import Said, Talk, ToolUse

TAILS_SIZE: Final = 64 << 20
"""Output kept in memory for the whole run, in characters; the longest untouched tail goes first."""

KEPT_ATTEMPTS: Final = 100
"""Attempts of a task that are kept, so that one more costs the same however many there were."""

_KEPT_MOVES: Final = 50
_KEPT_REFUSALS: Final = 100

_E = TypeVar("_E", bound=Event)
_Fold: TypeAlias = Callable[["Run", _E, float], None]
_FOLDS: Final[dict[type, _Fold[Any]]] = {}


class Run:
    """A run as its events tell it. Read freely; only `apply` writes."""

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
        self.level: ev.LevelChanged | None = None
        self.max_concurrency = 0
        self.tasks: dict[str, TaskProgress] = {}
        self.members: dict[str, list[str]] = {}
        self.instances: dict[str, tuple[str, ...]] = {}
        self.groups: dict[str, GroupProgress] = {}
        self.backends: dict[str, BackendProgress] = {}
        self.budgets: dict[str, BudgetProgress] = {}
        self.tails: OrderedDict[str, Tail] = OrderedDict()
        self.talks: dict[str, Talk] = {}
        self.tallies: dict[str, Tally] = {}
        self.questions: dict[str, Question] = {}
        self.refusals: dict[str, str] = {}
        self.membership = 0
        self._tails_size = 0
        self._summed = Tally()
        self._summed_at = self.seq

    def apply(self, record: Record) -> None:
        """Fold one event. Raises ValueError on a gap, IllegalMove if the tables do not have the move."""
        _, seq, at, event = record
        if seq != self.seq + 1:
            raise ValueError(f"event {seq} follows {self.seq}")
        _FOLDS[type(event)](self, event, at)
        self.seq = seq
        self.at = at

    def pass_over(self, record: Record) -> None:
        """Go on past an event without folding it: for who has no use for what it tells, such as what tasks write."""
        if record.seq != self.seq + 1:
            raise ValueError(f"event {record.seq} follows {self.seq}")
        self.seq = record.seq
        self.at = record.at

    @property
    def tally(self) -> Tally:
        """Return the counts of all groups together: summed when somebody asks, once for all who ask meanwhile."""
        if self._summed_at != self.seq:
            self._summed, self._summed_at = total(self.tallies.values()), self.seq
        return self._summed

    def copy(self) -> Run:
        """Return a run that goes its own way from here."""
        new = copy(self)
        for name in ("tasks", "instances", "groups", "backends", "budgets", "questions", "refusals"):
            setattr(new, name, getattr(self, name).copy())
        new.members = {group: list(tasks) for group, tasks in self.members.items()}
        new.tails = OrderedDict((task, tail.copy()) for task, tail in self.tails.items())
        new.talks = {task: talk.copy() for task, talk in self.talks.items()}
        new.tallies = {group: tally.copy() for group, tally in self.tallies.items()}
        return new


def fold(records: Iterable[Record], run: Run | None = None) -> Run:
    """Return the run that the records tell, or that goes on with them."""
    run = run or Run()
    for record in records:
        if not run.id:
            run.id = record.run
        run.apply(record)
    return run


# ── how a fold is made known ────────────────────────────────────────────────────────────────────


def _fold(function: _Fold[_E]) -> _Fold[_E]:
    """Register a fold under the type of its event, which its second parameter's annotation names."""
    _, event, *_ = function.__annotations__.values()
    _FOLDS[getattr(ev, event.removeprefix("ev."))] = function
    return function


# ── how a task's progress is replaced ───────────────────────────────────────────────────────────
#
# It happens several times for every task, so the next value is drafted in a list and made a tuple again at the end,
# which costs a quarter of `_replace`.

_Draft: TypeAlias = list[Any]

_place = TaskProgress._fields.index
_STATE, _STATUS, _SINCE = _place("state"), _place("status"), _place("since")
_WAIT, _WAITED = _place("wait"), _place("waited")
_STARTED, _ENDED = _place("started"), _place("ended")
_ATTEMPTS, _MAX_ATTEMPTS = _place("attempts"), _place("max_attempts")
_BACKEND, _ERROR, _BECAUSE, _CAUSE = _place("backend"), _place("error"), _place("because"), _place("cause")
_CACHED, _PROGRESS, _QUESTION = _place("cached"), _place("progress"), _place("question")
_STOPPING, _STOPPING_UNTIL = _place("stopping"), _place("stopping_until")
_LAST_LINE = _place("last_line")
_SPENT = slice(_place("input_tokens"), _place("cost_usd") + 1)

_HELD: Final = RunState.HELD
_PENDING: Final = Status.PENDING
_RUNNING_NOW: Final = Status.RUNNING
_DONE: Final = Status.DONE
_NEW: Final = tuple(TaskProgress._field_defaults.values())
_BEGUN: Final = tuple(Attempt._field_defaults.values())[1:]


def _moved(run: Run, task: str, status: Status, at: float) -> _Draft:
    """Return a draft of the task after a move, which is counted; the caller completes it and puts it in its place.

    A run that was held goes on with it.
    """
    draft: _Draft = [*run.tasks[task]]
    before, state = draft[_STATUS], STATE_OF[status]
    if state not in NEXT[draft[_STATE]]:
        check_move(task, draft[_STATE], state)
    _count(run, draft[0], before, status)
    draft[_STATE] = state
    draft[_STATUS] = status
    if draft[_WAIT] is not None:
        draft[_WAITED] += at - draft[_SINCE]
        draft[_WAIT] = None
    draft[_SINCE] = at
    if run.state is _HELD:
        _set_state(run, RunState.PAUSED if run.paused_by else RunState.RUNNING)
    return draft


def _count(run: Run, info: ev.TaskAdded, before: Status, after: Status) -> None:
    """Keep the counts in step; what stands for its instances is none of them."""
    if info.task not in run.instances:
        counts = run.tallies[info.group].counts
        counts[before] -= 1
        counts[after] += 1


def _set_state(run: Run, to: RunState) -> None:
    check_run_move(run.state, to)
    run.state = to
    if to is not RunState.FINISHED:  # one that ends as it is held says for what
        run.held_for = ()


# ── run and group ───────────────────────────────────────────────────────────────────────────────


@_fold
def _run_started(run: Run, event: ev.RunStarted, _at: float) -> None:
    _set_state(run, RunState.RUNNING)
    run.started = event
    run.max_concurrency = event.max_concurrency
    for group in event.groups:
        _add_group(run, group)
    run.backends = {info.name: BackendProgress(info) for info in event.backends}
    run.budgets = {info.name: BudgetProgress(info) for info in event.budgets}


def _add_group(run: Run, info: GroupInfo) -> None:
    run.groups[info.name] = GroupProgress(info)
    run.tallies[info.name] = Tally()
    run.members[info.name] = []


@_fold
def _run_paused(run: Run, event: ev.RunPaused, _at: float) -> None:
    _set_state(run, RunState.PAUSED)
    run.paused_by = event.by


@_fold
def _run_unpaused(run: Run, _event: ev.RunUnpaused, _at: float) -> None:
    _set_state(run, RunState.RUNNING)
    run.paused_by = None


@_fold
def _run_held(run: Run, event: ev.RunHeld, _at: float) -> None:
    _set_state(run, RunState.HELD)
    run.held_for = event.waits


@_fold
def _run_cancelling(run: Run, event: ev.RunCancelling, _at: float) -> None:
    if run.state is not RunState.CANCELLING:
        _set_state(run, RunState.CANCELLING)
    run.cancelling = event


@_fold
def _run_finished(run: Run, event: ev.RunFinished, at: float) -> None:
    _set_state(run, RunState.FINISHED)
    run.outcome = event.outcome
    run.outputs = event
    run.ended = at


@_fold
def _run_reopened(run: Run, _event: ev.RunReopened, _at: float) -> None:
    _set_state(run, RunState.RUNNING)
    run.outcome = run.outputs = run.ended = run.cancelling = run.paused_by = None


@_fold
def _level_changed(run: Run, event: ev.LevelChanged, _at: float) -> None:
    run.level = event


@_fold
def _group_paused(run: Run, event: ev.GroupPaused, _at: float) -> None:
    run.groups[event.group] = run.groups[event.group]._replace(paused=True)


@_fold
def _group_unpaused(run: Run, event: ev.GroupUnpaused, _at: float) -> None:
    run.groups[event.group] = run.groups[event.group]._replace(paused=False)


@_fold
def _group_cancelled(run: Run, event: ev.GroupCancelled, _at: float) -> None:
    run.groups[event.group] = run.groups[event.group]._replace(cancelled=True)


@_fold
def _concurrency_set(run: Run, event: ev.ConcurrencySet, _at: float) -> None:
    """Keep what is shown: the bounds of the run, its groups and backends, but not that of one fan-out."""
    scope, _, name = event.scope.partition(":")
    if scope == "run":
        run.max_concurrency = event.limit
    elif scope == "group" and name in run.groups:
        group = run.groups[name]
        run.groups[name] = group._replace(info=replace(group.info, max_concurrency=event.limit))
    elif scope == "backend" and name in run.backends:
        backend = run.backends[name]
        run.backends[name] = backend._replace(info=replace(backend.info, max_concurrency=event.limit))


# ── task ────────────────────────────────────────────────────────────────────────────────────────


@_fold
def _task_added(run: Run, event: ev.TaskAdded, at: float) -> None:
    task, group = event.task, event.group
    if task in run.tasks:
        raise ValueError(f"task {task!r} was added twice")
    if group not in run.groups:
        _add_group(run, GroupInfo(group))
    draft: _Draft = [event, *_NEW]
    draft[_SINCE] = at
    draft[_MAX_ATTEMPTS] = event.max_attempts or 1
    draft[_BACKEND] = event.backend
    run.tasks[task] = made(TaskProgress, draft)
    run.members[group].append(task)
    tally = run.tallies[group]
    tally.counts[_PENDING] += 1
    tally.total += 1
    run.membership += 1


@_fold
def _task_expanded(run: Run, event: ev.TaskExpanded, at: float) -> None:
    """Take the whole out of the counts: from here on its instances count."""
    old = run.tasks[event.task]
    draft = _moved(run, event.task, Status.RUNNING, at)
    draft[_STARTED] = at
    if event.task not in run.instances:
        tally = run.tallies[old.group]
        tally.counts[Status.RUNNING] -= 1
        tally.total -= 1
    run.instances[event.task] = event.instances
    run.tasks[event.task] = made(TaskProgress, draft)


@_fold
def _task_waiting(run: Run, event: ev.TaskWaiting, at: float) -> None:
    draft = _moved(run, event.task, WAITING_STATUS[event.reason], at)
    draft[_WAIT] = event
    run.tasks[event.task] = made(TaskProgress, draft)


@_fold
def _task_paused(run: Run, event: ev.TaskPaused, _at: float) -> None:
    run.tasks[event.task] = run.tasks[event.task]._replace(paused=True)


@_fold
def _task_unpaused(run: Run, event: ev.TaskUnpaused, _at: float) -> None:
    run.tasks[event.task] = run.tasks[event.task]._replace(paused=False)


@_fold
def _task_reset(run: Run, event: ev.TaskReset, at: float) -> None:
    old = run.tasks[event.task]
    new = made(TaskProgress, _moved(run, event.task, Status.PENDING, at))
    run.tasks[event.task] = new._replace(
        started=None, ended=None, waited=0.0, error=None, because="", cause=None, cached=False, resets=old.resets + 1
    )
    if old.state is State.SKIPPED:
        _blame(run, old, -1)
    if run.groups[old.info.group].cancelled:
        run.groups[old.info.group] = run.groups[old.info.group]._replace(cancelled=False)


@_fold
def _task_stopping(run: Run, event: ev.TaskStopping, _at: float) -> None:
    old = run.tasks[event.task]
    status = Status.STOPPING if old.state is State.RUNNING else old.status
    _count(run, old.info, old.status, status)
    run.tasks[event.task] = old._replace(status=status, stopping=True, stopping_until=event.until)


def _finished(run: Run, task: str, status: Status, at: float) -> _Draft:
    """Return a draft of the task at its end: nothing stops it any more, and nobody is asked."""
    draft = _moved(run, task, status, at)
    draft[_ENDED] = at
    if draft[_STOPPING]:
        draft[_STOPPING], draft[_STOPPING_UNTIL] = False, None
    if draft[_QUESTION] is not None:
        draft[_QUESTION] = None
        del run.questions[task]
    return draft


@_fold
def _task_succeeded(run: Run, event: ev.TaskSucceeded, at: float) -> None:
    draft = _finished(run, event.task, Status.CACHED if event.cached else _DONE, at)
    draft[_CACHED] = event.cached
    draft[_ERROR] = None
    run.tasks[event.task] = made(TaskProgress, draft)


@_fold
def _task_failed(run: Run, event: ev.TaskFailed, at: float) -> None:
    status = Status.TIMEOUT if event.error.kind is ErrorKind.TIMEOUT else Status.FAILED
    draft = _finished(run, event.task, status, at)
    draft[_ERROR] = event.error
    run.tasks[event.task] = made(TaskProgress, draft)


@_fold
def _task_skipped(run: Run, event: ev.TaskSkipped, at: float) -> None:
    draft = _finished(run, event.task, Status.SKIPPED, at)
    draft[_BECAUSE], draft[_CAUSE] = event.because, event.cause
    run.tasks[event.task] = new = made(TaskProgress, draft)
    _blame(run, new, 1)


def _blame(run: Run, skipped: TaskProgress, step: int) -> None:
    """Count the skipped task with the group of the task that started the chain: isolation is measured by that."""
    cause = run.tasks.get(skipped.cause or "")
    if cause is None:
        return
    tally = run.tallies[cause.group]
    if cause.group == skipped.group:
        tally.skipped_inside += step
    else:
        tally.skipped_outside += step


@_fold
def _task_cancelled(run: Run, event: ev.TaskCancelled, at: float) -> None:
    draft = _finished(run, event.task, Status.CANCELED, at)
    draft[_BECAUSE] = event.by
    run.tasks[event.task] = made(TaskProgress, draft)


# ── attempt ─────────────────────────────────────────────────────────────────────────────────────


@_fold
def _attempt_started(run: Run, event: ev.AttemptStarted, at: float) -> None:
    draft = _running(run, event.task, at)
    if draft[_STARTED] is None:
        draft[_STARTED] = at
    attempt = made(Attempt, (event.attempt, at, event.backend, *_BEGUN))
    draft[_ATTEMPTS] = (*draft[_ATTEMPTS][1 - KEPT_ATTEMPTS :], attempt)
    draft[_MAX_ATTEMPTS] = event.of
    draft[_BACKEND] = event.backend
    if event.task in run.tails:
        run.tails[event.task].end_line()
    run.tallies[draft[0].group].attempts += 1
    run.tasks[event.task] = made(TaskProgress, draft)


def _running(run: Run, task: str, at: float) -> _Draft:
    """Return a draft of the task as it runs; one that is to stop is so from the start."""
    return _moved(run, task, Status.STOPPING if run.tasks[task].stopping else _RUNNING_NOW, at)


@_fold
def _attempt_succeeded(run: Run, event: ev.AttemptSucceeded, at: float) -> None:
    _end_attempt(run, event.task, at, "succeeded" if event.satisfied else "unsatisfied")


@_fold
def _attempt_failed(run: Run, event: ev.AttemptFailed, at: float) -> None:
    _end_attempt(run, event.task, at, "failed", event.error, event.retry_in)
    backend = run.backends.get(run.tasks[event.task].backend or "")
    if backend is not None and event.error.kind is ErrorKind.UPSTREAM:
        run.backends[backend.info.name] = backend._replace(last_error=event.error.message)


@_fold
def _attempt_interrupted(run: Run, event: ev.AttemptInterrupted, at: float) -> None:
    _end_attempt(run, event.task, at, "interrupted")


def _end_attempt(
    run: Run, task: str, at: float, result: str, error: Failure | None = None, retry_in: float | None = None
) -> None:
    draft: _Draft = [*run.tasks[task]]
    attempts = draft[_ATTEMPTS]
    draft[_ATTEMPTS] = (*attempts[:-1], attempts[-1].end(at, result, error, retry_in))
    draft[_ERROR] = error or draft[_ERROR]
    draft[_PROGRESS] = None
    run.tasks[task] = made(TaskProgress, draft)


@_fold
def _attempt_resumed(run: Run, event: ev.AttemptResumed, at: float) -> None:
    draft = _running(run, event.task, at)
    draft[_BACKEND] = event.backend
    run.tasks[event.task] = made(TaskProgress, draft)


@_fold
def _output_produced(run: Run, event: ev.OutputProduced, at: float) -> None:
    task = event.task
    tail = run.tails.get(task)
    if tail is None:
        tail = run.tails[task] = Tail()
    else:
        run.tails.move_to_end(task)
    run._tails_size -= tail.size
    tail.write(at, event.stream, event.text)
    run._tails_size += tail.size
    _let_tails_go(run)
    old, last = run.tasks[task], tail.last_text()
    if last != old.last_line:
        draft: _Draft = [*old]
        draft[_LAST_LINE] = last
        run.tasks[task] = made(TaskProgress, draft)


def _let_tails_go(run: Run) -> None:
    """Keep within the run's bound; the tail just written to is the last to go, and stays."""
    while run._tails_size > TAILS_SIZE and len(run.tails) > 1:
        _, tail = run.tails.popitem(last=False)
        run._tails_size -= tail.size


@_fold
def _progress_reported(run: Run, event: ev.ProgressReported, _at: float) -> None:
    run.tasks[event.task] = run.tasks[event.task]._replace(progress=event)


@_fold
def _usage_reported(run: Run, event: ev.UsageReported, _at: float) -> None:
    old = run.tasks[event.task]
    *before, last = old.attempts
    draft: _Draft = [*old]
    draft[_ATTEMPTS] = (*before, made(Attempt, (*last[:-3], *_spent(last, event))))
    draft[_SPENT] = _spent(old, event)
    run.tasks[event.task] = made(TaskProgress, draft)
    tally = run.tallies[old.group]
    tally.input_tokens += event.input_tokens
    tally.output_tokens += event.output_tokens
    tally.cost_usd += event.cost_usd or 0.0
    tally.unpriced_tokens += event.input_tokens + event.output_tokens if event.cost_usd is None else 0
    if event.task in run.talks:
        run.talks[event.task].used(event.input_tokens + event.output_tokens, event.window)


def _spent(value: TaskProgress | Attempt, event: ev.UsageReported) -> tuple[int, int, float | None]:
    """Return the last three fields of an attempt, which a task has too."""
    cost = value.cost_usd if event.cost_usd is None else (value.cost_usd or 0.0) + event.cost_usd
    return value.input_tokens + event.input_tokens, value.output_tokens + event.output_tokens, cost


# ── conversation ────────────────────────────────────────────────────────────────────────────────


def _talk(run: Run, task: str) -> Talk:
    return run.talks.setdefault(task, Talk())


@_fold
def _message_said(run: Run, event: ev.MessageSaid, at: float) -> None:
    _talk(run, event.task).add(Said(at, event.role, event.text, event.thinking))


@_fold
def _tool_called(run: Run, event: ev.ToolCalled, at: float) -> None:
    _talk(run, event.task).add(ToolUse(at, event.call, event.tool, event.arguments))


@_fold
def _tool_returned(run: Run, event: ev.ToolReturned, at: float) -> None:
    _talk(run, event.task).returned(event.call, event.text, is_error=event.is_error, at=at)


# ── backend ─────────────────────────────────────────────────────────────────────────────────────


@_fold
def _health_checked(run: Run, event: ev.HealthChecked, at: float) -> None:
    old = run.backends[event.backend]
    was = old.health.health if old.health is not None else None
    run.backends[event.backend] = old._replace(health=event, checked=at, was=was)


@_fold
def _breaker_moved(run: Run, event: ev.BreakerMoved, at: float) -> None:
    old = run.backends[event.backend]
    run.backends[event.backend] = old._replace(
        breaker=event.to,
        until=event.until,
        why=event.why,
        failures=0 if event.to is BreakerState.CLOSED else old.failures,
        probes=0,
        moves=(*old.moves[1 - _KEPT_MOVES :], (at, event)),
    )


@_fold
def _backend_held(run: Run, event: ev.BackendHeld, _at: float) -> None:
    held = run.backends[event.backend]._replace(held_until=event.until, held_why=event.why, held_for=event.reason)
    run.backends[event.backend] = held


@_fold
def _fallback_used(run: Run, event: ev.FallbackUsed, _at: float) -> None:
    run.tasks[event.task] = run.tasks[event.task]._replace(backend=event.backend)


@_fold
def _backend_gauge(run: Run, event: ev.BackendGauge, _at: float) -> None:
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
def _budget_reserved(run: Run, event: ev.BudgetReserved, _at: float) -> None:
    old = run.budgets[event.budget]
    run.budgets[event.budget] = old._replace(
        reserved_tokens=old.reserved_tokens + event.tokens,
        reserved_cost_usd=old.reserved_cost_usd + (event.cost_usd or 0.0),
    )


@_fold
def _budget_settled(run: Run, event: ev.BudgetSettled, _at: float) -> None:
    old = run.budgets[event.budget]
    run.budgets[event.budget] = old._replace(
        tokens=old.tokens + event.tokens,
        cost_usd=old.cost_usd + (event.cost_usd or 0.0),
        reserved_tokens=old.reserved_tokens - event.reserved_tokens,
        reserved_cost_usd=max(0.0, old.reserved_cost_usd - (event.reserved_cost_usd or 0.0)),
        unpriced_tokens=old.unpriced_tokens + (event.tokens if event.cost_usd is None else 0),
    )


@_fold
def _budget_threshold(run: Run, event: ev.BudgetThreshold, _at: float) -> None:
    """A threshold tells people; the sums say the same already."""


@_fold
def _budget_exceeded(run: Run, event: ev.BudgetExceeded, _at: float) -> None:
    run.budgets[event.budget] = run.budgets[event.budget]._replace(exceeded=event.why)


@_fold
def _budget_raised(run: Run, event: ev.BudgetRaised, _at: float) -> None:
    old = run.budgets[event.budget]
    info = replace(old.info, tokens=event.tokens, cost_usd=event.cost_usd, time=event.time)
    run.budgets[event.budget] = old._replace(info=info, exceeded="")


# ── person ──────────────────────────────────────────────────────────────────────────────────────


@_fold
def _approval_requested(run: Run, event: ev.ApprovalRequested, _at: float) -> None:
    question = Question(event.message, event.show, event.until)
    run.questions[event.task] = question
    run.tasks[event.task] = run.tasks[event.task]._replace(question=question)


@_fold
def _approval_given(run: Run, event: ev.ApprovalGiven, _at: float) -> None:
    _answered(run, event.task)


@_fold
def _approval_denied(run: Run, event: ev.ApprovalDenied, _at: float) -> None:
    _answered(run, event.task)


def _answered(run: Run, task: str) -> None:
    run.questions.pop(task, None)
    run.tasks[task] = run.tasks[task]._replace(question=None)


@_fold
def _question_asked(run: Run, event: ev.QuestionAsked, _at: float) -> None:
    question = Question(event.message, wants_answer=True, choices=event.choices)
    run.questions[event.task] = question
    run.tasks[event.task] = run.tasks[event.task]._replace(question=question)


@_fold
def _question_answered(run: Run, event: ev.QuestionAnswered, _at: float) -> None:
    _answered(run, event.task)


@_fold
def _question_withdrawn(run: Run, event: ev.QuestionWithdrawn, _at: float) -> None:
    _answered(run, event.task)


@_fold
def _command_accepted(run: Run, event: ev.CommandAccepted, _at: float) -> None:
    """A command's effects are events of their own."""


@_fold
def _command_refused(run: Run, event: ev.CommandRefused, _at: float) -> None:
    run.refusals[event.id] = event.why
    if len(run.refusals) > _KEPT_REFUSALS:
        del run.refusals[next(iter(run.refusals))]
