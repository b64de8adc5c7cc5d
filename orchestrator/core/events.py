"""What can happen in a run: immutable facts, in the past tense, without time or number.

A Record puts a fact in its place: the run, its number there (no gaps) and the second on the run's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from orchestrator.core.errors import Failure
from orchestrator.core.flow import Json, Need
from orchestrator.core.states import BreakerState, Outcome, Reason

# ── what a run consists of, told once at its start ──────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A group as a viewer needs it."""

    name: str
    max_concurrency: int | None = None
    on_failure: str = "isolate"
    description: str = ""


@dataclass(frozen=True, slots=True)
class BackendInfo:
    """A backend as a viewer needs it. `limits` are texts such as `50 requests in 1m`."""

    name: str
    kind: str
    failure_threshold: int = 5
    success_threshold: int = 2
    half_open_calls: int = 3
    reset_timeout: float = 30.0
    max_concurrency: int | None = None
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BudgetInfo:
    """A budget as a viewer needs it: `run`, `group:NAME` or `task:ID`. None means no limit of that unit."""

    name: str
    tokens: int | None = None
    cost_usd: float | None = None
    time: float | None = None
    on_exceeded: str = "hold"


@dataclass(frozen=True, slots=True)
class Gauge:
    """How full one limiter is; `next_free` is the second on the run's clock at which the next unit comes free."""

    label: str
    used: float
    limit: float
    next_free: float | None = None


# ── run and group ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class RunStarted:
    """The run began. `wall` is in Unix seconds; `folder` holds its files."""

    flow: str
    file: str
    wall: float
    seed: int
    folder: str = ""
    max_concurrency: int = 10
    groups: tuple[GroupInfo, ...] = ()
    backends: tuple[BackendInfo, ...] = ()
    budgets: tuple[BudgetInfo, ...] = ()
    deadline: float | None = None
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class RunPaused:
    """No new attempt starts."""

    by: str


@dataclass(frozen=True, slots=True)
class RunUnpaused:
    """Attempts start again."""

    by: str


@dataclass(frozen=True, slots=True)
class RunHeld:
    """Nothing runs and every wait needs a person; `waits` says what for."""

    waits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunCancelling:
    """The run is being stopped; a draining one lets finish what runs. `until` is when grace ends."""

    by: str
    until: float | None = None
    draining: bool = False


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Nothing goes on: every task has settled, or nobody is there whom those that wait could ask.

    `outputs` are the flow's own.
    """

    outcome: Outcome
    outputs: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunReopened:
    """A finished run goes on: something was retried."""

    by: str


@dataclass(frozen=True, slots=True)
class GroupPaused:
    """No new attempt starts in the group."""

    group: str
    by: str


@dataclass(frozen=True, slots=True)
class GroupUnpaused:
    """The group's attempts start again."""

    group: str
    by: str


@dataclass(frozen=True, slots=True)
class GroupCancelled:
    """The group's tasks are being stopped."""

    group: str
    by: str


@dataclass(frozen=True, slots=True)
class ConcurrencySet:
    """A bound changed; `scope` as in the SetConcurrency command."""

    scope: str
    limit: int


# ── task ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TaskAdded:
    """A task belongs to the run. A `whole` stands for its instances; an instance names it in `of`.

    `max_attempts` is None where attempts make no sense (a whole, a sub-flow).
    """

    task: str
    kind: str
    group: str
    needs: tuple[Need, ...] = ()
    whole: bool = False
    of: str | None = None
    label: str | None = None
    backend: str | None = None
    max_attempts: int | None = 1
    optional: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class TaskExpanded:
    """A whole became its instances, or a sub-flow its tasks; their TaskAdded follow."""

    task: str
    instances: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskWaiting:
    """The task waits. `gate` names what it waits at: a backend, a group, a budget; `until` is on the run's clock."""

    task: str
    reason: Reason
    until: float | None = None
    gate: str | None = None


@dataclass(frozen=True, slots=True)
class TaskPaused:
    """The task starts no new attempt."""

    task: str
    by: str


@dataclass(frozen=True, slots=True)
class TaskUnpaused:
    """The task may start again."""

    task: str
    by: str


@dataclass(frozen=True, slots=True)
class TaskReset:
    """The task is pending again."""

    task: str
    why: str


@dataclass(frozen=True, slots=True)
class TaskStopping:
    """The task was asked to stop; at `until` it is killed."""

    task: str
    until: float | None
    by: str


@dataclass(frozen=True, slots=True)
class TaskSucceeded:
    """The task is done. `output` holds its kind's fields; a `cached` one was taken over from before."""

    task: str
    output: Mapping[str, Json] | None = None
    cached: bool = False


@dataclass(frozen=True, slots=True)
class TaskFailed:
    """The task failed for good. An `optional` task's dependants go on with `output`, its `recover` value."""

    task: str
    error: Failure
    output: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class TaskSkipped:
    """The task will not run; `cause` is the task that is to blame, where one is."""

    task: str
    because: str
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class TaskCancelled:
    """The task was stopped before its end."""

    task: str
    by: str


# ── attempt ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A try began. `attempt` counts from 1 and never restarts; `of` is the number at which tries end."""

    task: str
    attempt: int
    of: int
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptSucceeded:
    """The try ended well; `satisfied` is False where `until` asks for another round."""

    task: str
    attempt: int
    satisfied: bool = True


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """The try ended badly; the next begins `retry_in` seconds later, or never."""

    task: str
    attempt: int
    error: Failure
    retry_in: float | None = None


@dataclass(frozen=True, slots=True)
class AttemptInterrupted:
    """The try was stopped from outside."""

    task: str
    attempt: int
    by: str


@dataclass(frozen=True, slots=True)
class AttemptResumed:
    """The try goes on after one of its calls waited; it runs on `backend` now."""

    task: str
    attempt: int
    backend: str | None = None


@dataclass(frozen=True, slots=True)
class OutputProduced:
    """Text that a try wrote: `stream` is `out`, `err`, `log` or `sys`. At most 16 KB, coalesced over 50 ms."""

    task: str
    attempt: int
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class ProgressReported:
    """How far a try is, in units of its own."""

    task: str
    attempt: int
    done: float
    total: float | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class UsageReported:
    """Tokens and dollars that one call used; `cost_usd` is None where it cannot be priced."""

    task: str
    attempt: int
    backend: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None = None


# ── backend ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class BreakerMoved:
    """A backend's breaker moved; an open one probes at `until`."""

    backend: str
    from_: BreakerState
    to: BreakerState
    why: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class BackendHeld:
    """The backend takes no calls until then; None means that the hold ended."""

    backend: str
    until: float | None
    why: str


@dataclass(frozen=True, slots=True)
class FallbackUsed:
    """A task goes to another backend than its own."""

    task: str
    backend: str
    instead_of: str
    why: str


@dataclass(frozen=True, slots=True)
class BackendGauge:
    """How a backend stands: failures in a row, calls and those of them that failed, slots in use, limiters, probes."""

    backend: str
    failures: int
    calls: int
    failed: int
    in_use: int
    gauges: tuple[Gauge, ...] = ()
    probes: int = 0


# ── budget ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class BudgetReserved:
    """A call may spend so much."""

    budget: str
    task: str
    tokens: int
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class BudgetSettled:
    """A call spent so much; what was reserved for it is free again."""

    budget: str
    task: str
    tokens: int
    cost_usd: float | None = None
    reserved_tokens: int = 0
    reserved_cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class BudgetThreshold:
    """Spend passed 75, 90 or 100 percent of one unit's limit: `tokens`, `cost_usd` or `time`."""

    budget: str
    unit: str
    percent: int


@dataclass(frozen=True, slots=True)
class BudgetExceeded:
    """A task asked for more than is left; `rule` is hold, fail or warn."""

    budget: str
    task: str
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class BudgetRaised:
    """A budget has new limits."""

    budget: str
    tokens: int | None
    cost_usd: float | None
    time: float | None
    by: str


# ── person ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class ApprovalRequested:
    """A person is asked, and shown what `show` holds; at `until` the question answers itself."""

    task: str
    message: str
    show: str | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class ApprovalGiven:
    """Somebody said yes."""

    task: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalDenied:
    """Somebody said no."""

    task: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CommandAccepted:
    """A command was carried out."""

    id: str
    command: str
    by: str


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A command makes no sense now."""

    id: str
    command: str
    why: str


Event: TypeAlias = (
    RunStarted
    | RunPaused
    | RunUnpaused
    | RunHeld
    | RunCancelling
    | RunFinished
    | RunReopened
    | GroupPaused
    | GroupUnpaused
    | GroupCancelled
    | ConcurrencySet
    | TaskAdded
    | TaskExpanded
    | TaskWaiting
    | TaskPaused
    | TaskUnpaused
    | TaskReset
    | TaskStopping
    | TaskSucceeded
    | TaskFailed
    | TaskSkipped
    | TaskCancelled
    | AttemptStarted
    | AttemptSucceeded
    | AttemptFailed
    | AttemptInterrupted
    | AttemptResumed
    | OutputProduced
    | ProgressReported
    | UsageReported
    | BreakerMoved
    | BackendHeld
    | FallbackUsed
    | BackendGauge
    | BudgetReserved
    | BudgetSettled
    | BudgetThreshold
    | BudgetExceeded
    | BudgetRaised
    | ApprovalRequested
    | ApprovalGiven
    | ApprovalDenied
    | CommandAccepted
    | CommandRefused
)


class Record(NamedTuple):
    """A fact in its place. A named tuple, because thousands a second are made."""

    run: str
    seq: int
    at: float
    event: Event
