"""Any run that could be: events drawn one after the other, each legal where it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from hypothesis import strategies as st

from orchestrator.core import events as ev
from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import BackendInfo, BudgetInfo, Event, GroupInfo, Record
from orchestrator.core.progress import TaskProgress
from orchestrator.core.run import Run, fold
from orchestrator.core.states import MOVES, BreakerState, Outcome, Reason, RunState, State

LATE = Failure(Code.TASK_TIMEOUT, ErrorClass.TRANSIENT, ErrorKind.TIMEOUT, "too late")
BUSY = Failure(Code.HTTP_STATUS, ErrorClass.TRANSIENT, ErrorKind.UPSTREAM, "HTTP 503", status=503)

STARTED = ev.RunStarted(
    "flow",
    "flow.yaml",
    1_700_000_000.0,
    7,
    groups=(GroupInfo("left"), GroupInfo("right")),
    backends=(BackendInfo("model", "simulated"),),
    budgets=(BudgetInfo("run", tokens=1000, cost_usd=1.0),),
)


def told(*events: Event, started: ev.RunStarted = STARTED) -> Run:
    """Return the run of which these events were told, one a second."""
    return fold(Record("r", seq, float(seq), event) for seq, event in enumerate((started, *events)))


def then(run: Run, *events: Event) -> Run:
    """Let the run go on with these events, one a second."""
    for event in events:
        run.apply(Record("r", run.seq + 1, run.at + 1.0, event))
    return run


@st.composite
def stories(draw: st.DrawFn, longest: int = 40) -> list[Record]:
    """Draw the records of a run in which anything may happen that can."""
    run = Run("r")
    records: list[Record] = []
    event: Event = STARTED
    for _ in range(1 + draw(st.integers(0, longest))):
        record = Record("r", run.seq + 1, run.at + 1.0, event)
        run.apply(record)
        records.append(record)
        event = draw(st.sampled_from(list(possible(run))))
    return records


def possible(run: Run) -> Iterator[Event]:
    """Tell what could happen next."""
    yield from _to_the_run(run)
    yield from _beside_the_tasks()
    for task in run.tasks.values():
        yield from _to_any(task)
        yield from (_WHOLE if task.info.whole else _TASK).get(task.state, _at_the_end)(task)
    number = len(run.tasks)
    if number < 6:
        yield ev.TaskAdded(f"t{number}", "shell", "left" if number % 2 else "right")
        yield ev.TaskAdded(f"t{number}", "shell", "late", whole=True, max_attempts=None, backend="model")


def impossible(run: Run) -> list[Event]:
    """Return events that cannot be here: moves that the table does not have, what was there before."""
    events = [_IMPOSSIBLE[run.state]]
    for task in run.tasks.values():
        events.append(ev.TaskAdded(task.id, "shell", "left"))
        events += [event for to, event in _moves(task) if (task.state, to) not in MOVES]
    return events


def _moves(task: TaskProgress) -> Iterator[tuple[State, Event]]:
    yield State.PENDING, ev.TaskReset(task.id, "retry")
    yield State.WAITING, ev.TaskWaiting(task.id, Reason.SLOT)
    yield State.RUNNING, ev.AttemptStarted(task.id, task.attempt + 1, 4)
    yield State.SUCCEEDED, ev.TaskSucceeded(task.id)
    yield State.FAILED, ev.TaskFailed(task.id, LATE)
    yield State.SKIPPED, ev.TaskSkipped(task.id, "me")
    yield State.CANCELLED, ev.TaskCancelled(task.id, "me")


def _to_the_run(run: Run) -> Iterator[Event]:
    if run.state is RunState.RUNNING:
        yield ev.RunPaused("me")
        yield ev.RunHeld(("t0: approval",))
        yield ev.RunCancelling("me")
    if run.state is RunState.PAUSED:
        yield ev.RunUnpaused("me")
        yield ev.RunHeld(("t0: paused",))
    yield ev.RunReopened("me") if run.state is RunState.FINISHED else ev.RunFinished(Outcome.FAILED, {"answer": 42})


def _beside_the_tasks() -> Iterator[Event]:
    yield ev.GroupPaused("left", "me")
    yield ev.GroupUnpaused("left", "me")
    yield ev.ConcurrencySet("group:left", 3)
    yield ev.BreakerMoved("model", BreakerState.CLOSED, BreakerState.OPEN, "5 failures", 30.0)
    yield ev.BreakerMoved("model", BreakerState.HALF_OPEN, BreakerState.CLOSED, "2 probes went well")
    yield ev.BackendGauge("model", 1, 2, 1, 1)
    yield ev.BudgetReserved("run", "t0", 100, 0.1)
    yield ev.BudgetSettled("run", "t0", 80, None, 100, 0.1)


def _to_any(task: TaskProgress) -> Iterator[Event]:
    yield ev.TaskPaused(task.id, "me")
    yield ev.TaskUnpaused(task.id, "me")


def _pending(task: TaskProgress) -> Iterator[Event]:
    yield ev.TaskWaiting(task.id, Reason.SLOT)
    yield ev.TaskSucceeded(task.id, cached=True)
    yield ev.TaskFailed(task.id, LATE)
    yield ev.TaskSkipped(task.id, "t0 failed", "t0")
    yield ev.TaskSkipped(task.id, "when: false")
    yield ev.TaskCancelled(task.id, "me")


def _waiting(task: TaskProgress) -> Iterator[Event]:
    for reason in (Reason.RATE_LIMIT, Reason.BREAKER, Reason.BACKOFF, Reason.APPROVAL):
        yield ev.TaskWaiting(task.id, reason, until=99.0, gate="model")
    yield ev.ApprovalGiven(task.id, "me") if task.question else ev.ApprovalRequested(task.id, "Go on?")
    if task.attempts and task.attempts[-1].result == "running":
        yield ev.AttemptResumed(task.id, task.attempt, "model")
    else:
        yield ev.AttemptStarted(task.id, task.attempt + 1, 4, "model")
    yield ev.TaskFailed(task.id, BUSY)
    yield ev.TaskSkipped(task.id, "skipped by me")
    yield ev.TaskCancelled(task.id, "me")


def _running(task: TaskProgress) -> Iterator[Event]:
    yield ev.TaskStopping(task.id, 99.0, "me")
    yield ev.TaskCancelled(task.id, "me")
    if not task.attempts or task.attempts[-1].result != "running":
        yield ev.TaskWaiting(task.id, Reason.BACKOFF, until=99.0)
        yield ev.TaskSucceeded(task.id, {"stdout": "x"})
        yield ev.TaskFailed(task.id, LATE)
        yield ev.TaskReset(task.id, "resumed")
        return
    yield ev.TaskWaiting(task.id, Reason.RATE_LIMIT, gate="model")
    yield ev.OutputProduced(task.id, task.attempt, "out", "one\ntwo")
    yield ev.OutputProduced(task.id, task.attempt, "sys", "exit 0\n")
    yield ev.ProgressReported(task.id, task.attempt, 1.0, 3.0)
    yield ev.UsageReported(task.id, task.attempt, "model", 10, 5, 0.25)
    yield ev.UsageReported(task.id, task.attempt, "model", 3, 1)
    yield ev.AttemptSucceeded(task.id, task.attempt, satisfied=task.attempt % 2 == 0)
    yield ev.AttemptFailed(task.id, task.attempt, BUSY, retry_in=1.0)
    yield ev.AttemptInterrupted(task.id, task.attempt, "me")


def _at_the_end(task: TaskProgress) -> Iterator[Event]:
    yield ev.TaskReset(task.id, "retry")


def _whole_pending(task: TaskProgress) -> Iterator[Event]:
    yield ev.TaskExpanded(task.id, (f"{task.id}[0]",))
    yield ev.TaskFailed(task.id, LATE)
    yield ev.TaskSkipped(task.id, "t0 failed", "t0")


def _whole_running(task: TaskProgress) -> Iterator[Event]:
    yield ev.TaskSucceeded(task.id, {"items": []})
    yield ev.TaskCancelled(task.id, "me")


_Next: TypeAlias = dict[State, Callable[[TaskProgress], Iterator[Event]]]

_TASK: Final[_Next] = {State.PENDING: _pending, State.WAITING: _waiting, State.RUNNING: _running}
_WHOLE: Final[_Next] = {State.PENDING: _whole_pending, State.RUNNING: _whole_running}

_IMPOSSIBLE: Final[dict[RunState, Event]] = {
    RunState.RUNNING: ev.RunUnpaused("me"),
    RunState.PAUSED: ev.RunPaused("you"),
    RunState.HELD: ev.RunHeld(()),
    RunState.CANCELLING: ev.RunPaused("you"),
    RunState.FINISHED: ev.RunCancelling("you"),
}
