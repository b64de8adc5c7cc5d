"""The life of a task, of a run and of a breaker, as tables."""

from __future__ import annotations

from typing import Final

from orchestrator.core.errors import IllegalMove
from orchestrator.core.words import Word


class State(Word):
    """Where a task stands."""

    PENDING = "pending"
    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Reason(Word):
    """What a waiting task waits for."""

    SLOT = "slot"
    RATE_LIMIT = "rate_limit"
    QUOTA = "quota"
    BREAKER = "breaker"
    BACKOFF = "backoff"
    BUDGET = "budget"
    APPROVAL = "approval"
    ANSWER = "answer"
    SUBAGENT = "subagent"
    PAUSED = "paused"


class RunState(Word):
    """Where a run stands."""

    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    HELD = "held"
    CANCELLING = "cancelling"
    FINISHED = "finished"


class Outcome(Word):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    DEGRADED = "degraded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    HELD = "held"


class BreakerState(Word):
    """Where a backend's breaker stands. A tripped one is open until a person resets it."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"
    TRIPPED = "tripped"


class Health(Word):
    """How a backend was when it was asked."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


FINAL: Final = frozenset({State.SUCCEEDED, State.FAILED, State.SKIPPED, State.CANCELLED})

MOVES: Final[dict[tuple[State, State], str]] = {
    (State.PENDING, State.WAITING): "dependencies settled, `when` true",
    (State.PENDING, State.RUNNING): "a whole or a sub-flow expanded into tasks",
    (State.PENDING, State.FAILED): "it cannot be rendered or expanded",
    (State.PENDING, State.SUCCEEDED): "an empty fan-out; a result taken over or cached",
    (State.PENDING, State.SKIPPED): "a dependency did not settle as required; `when` false; skipped by an operator",
    (State.PENDING, State.CANCELLED): "cancelled by an operator, by its group's rule or with the run",
    (State.WAITING, State.RUNNING): "admitted",
    (State.WAITING, State.WAITING): "another reason",
    (State.WAITING, State.SUCCEEDED): "an earlier answer is good enough while a backend is down",
    (State.WAITING, State.FAILED): "deadline; refused budget; a breaker given up; approval denied; cannot be rendered",
    (State.WAITING, State.SKIPPED): "skipped by an operator",
    (State.WAITING, State.CANCELLED): "cancelled by an operator, by its group's rule or with the run",
    (State.RUNNING, State.WAITING): "backoff; a call waits at a gate, for an answer or for a subagent",
    (State.RUNNING, State.SUCCEEDED): "the attempt's end",
    (State.RUNNING, State.FAILED): "the attempt's end",
    (State.RUNNING, State.PENDING): "interrupted by a crash, on resume",
    (State.RUNNING, State.SKIPPED): "a whole of which an instance never started because of how its partner ended",
    (State.RUNNING, State.CANCELLED): "cancelled by an operator, by its group's rule or with the run",
    (State.SUCCEEDED, State.PENDING): "rerun, invalidate",
    (State.FAILED, State.PENDING): "retry, rerun, invalidate",
    (State.SKIPPED, State.PENDING): "retry, rerun, invalidate",
    (State.CANCELLED, State.PENDING): "retry, rerun, invalidate",
}
"""Every move that a task may make, and when. A missing row is an illegal move."""

NEXT: Final = {old: frozenset(to for from_, to in MOVES if from_ is old) for old in State}
"""Where a task may go from each state: the same table, to be asked several times for every task."""

RUN_MOVES: Final[dict[RunState, frozenset[RunState]]] = {
    RunState.STARTING: frozenset({RunState.RUNNING, RunState.CANCELLING, RunState.FINISHED}),
    RunState.RUNNING: frozenset({RunState.PAUSED, RunState.HELD, RunState.CANCELLING, RunState.FINISHED}),
    RunState.PAUSED: frozenset({RunState.RUNNING, RunState.HELD, RunState.CANCELLING, RunState.FINISHED}),
    RunState.HELD: frozenset({RunState.RUNNING, RunState.PAUSED, RunState.CANCELLING, RunState.FINISHED}),
    RunState.CANCELLING: frozenset({RunState.FINISHED}),
    RunState.FINISHED: frozenset({RunState.RUNNING}),
}


def check_move(task: str, old: State, new: State) -> None:
    """Raise IllegalMove unless the table has the move."""
    if (old, new) not in MOVES:
        raise IllegalMove(f"task {task!r} cannot go from {old} to {new}")


def check_run_move(old: RunState, new: RunState) -> None:
    """Raise IllegalMove unless the table has the move."""
    if new not in RUN_MOVES[old]:
        raise IllegalMove(f"the run cannot go from {old} to {new}")


class Status(Word):
    """One word for a task on a screen: its state, what it waits for, and how it ended."""

    PENDING = "pending"
    QUEUED = "queued"
    LIMITED = "limited"
    QUOTA = "quota"
    CIRCUIT = "circuit"
    RETRY = "retry"
    BUDGET = "budget"
    APPROVE = "approve"
    ANSWER = "answer"
    SUBAGENT = "subagent"
    PAUSED = "paused"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    CACHED = "cached"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    CANCELED = "canceled"


WAITING_STATUS: Final[dict[Reason, Status]] = {
    Reason.SLOT: Status.QUEUED,
    Reason.RATE_LIMIT: Status.LIMITED,
    Reason.QUOTA: Status.QUOTA,
    Reason.BREAKER: Status.CIRCUIT,
    Reason.BACKOFF: Status.RETRY,
    Reason.BUDGET: Status.BUDGET,
    Reason.APPROVAL: Status.APPROVE,
    Reason.ANSWER: Status.ANSWER,
    Reason.SUBAGENT: Status.SUBAGENT,
    Reason.PAUSED: Status.PAUSED,
}

STATE_OF: Final[dict[Status, State]] = {
    Status.PENDING: State.PENDING,
    **dict.fromkeys(WAITING_STATUS.values(), State.WAITING),
    Status.RUNNING: State.RUNNING,
    Status.STOPPING: State.RUNNING,
    Status.DONE: State.SUCCEEDED,
    Status.CACHED: State.SUCCEEDED,
    Status.FAILED: State.FAILED,
    Status.TIMEOUT: State.FAILED,
    Status.SKIPPED: State.SKIPPED,
    Status.CANCELED: State.CANCELLED,
}
"""The state that each status is a shade of."""

NEEDS_A_PERSON: Final = frozenset({Reason.APPROVAL, Reason.ANSWER, Reason.BUDGET, Reason.PAUSED})
"""Waits that only a person ends; a breaker's wait joins them while it is tripped."""
