"""What can happen in a run: immutable facts, in the past tense, without time or number.

A Record puts a fact in its place: the run, its number there (no gaps) and the second on the run's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple, TypeAlias

from orchestrator.core.errors import Failure
from orchestrator.core.fact import fact
from orchestrator.core.flow import Json, Need
from orchestrator.core.states import BreakerState, Health, Outcome, Reason

# ── what a run consists of, told once at its start ──────────────────────────────────────────────


@fact
class GroupInfo:
    """A group as a viewer needs it."""

    name: str
    max_concurrency: int | None = None
    on_failure: str = "isolate"
    description: str = ""


@fact
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


@fact
class BudgetInfo:
    """A budget as a viewer needs it: `run`, `group:NAME` or `task:ID`. None means no limit of that unit."""

    name: str
    tokens: int | None = None
    cost_usd: float | None = None
    time: float | None = None
    on_exceeded: str = "hold"


@fact
class Gauge:
    """How full one limiter is; `next_free` is the second on the run's clock at which the next unit comes free."""

    label: str
    used: float
    limit: float
    next_free: float | None = None


# ── run and group ───────────────────────────────────────────────────────────────────────────────


@fact
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


@fact
class RunPaused:
    """No new attempt starts."""

    by: str


@fact
class RunUnpaused:
    """Attempts start again."""

    by: str


@fact
class RunHeld:
    """Nothing runs and every wait needs a person; `waits` says what for."""

    waits: tuple[str, ...]


@fact
class RunCancelling:
    """The run is being stopped; a draining one lets finish what runs. `until` is when grace ends."""

    by: str
    until: float | None = None
    draining: bool = False


@fact
class RunFinished:
    """Nothing goes on: every task has settled, or nobody is there whom those that wait could ask.

    `outputs` are the flow's own. `unrendered` says why some are null that nothing unfinished makes so, of flows within
    it as `task/name`.
    """

    outcome: Outcome
    outputs: Mapping[str, Json] = field(default_factory=dict)
    unrendered: Mapping[str, str] = field(default_factory=dict)


@fact
class RunReopened:
    """A finished run goes on: something was retried."""

    by: str


@fact
class LevelChanged:
    """How much of the flow is done changed: `level` is full, reduced or minimal."""

    level: str
    why: str


@fact
class GroupPaused:
    """No new attempt starts in the group."""

    group: str
    by: str


@fact
class GroupUnpaused:
    """The group's attempts start again."""

    group: str
    by: str


@fact
class GroupCancelled:
    """The group's tasks are being stopped."""

    group: str
    by: str


@fact
class ConcurrencySet:
    """A bound changed; `scope` as in the SetConcurrency command."""

    scope: str
    limit: int


# ── task ────────────────────────────────────────────────────────────────────────────────────────


@fact
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


@fact
class TaskExpanded:
    """A whole became its instances, or a sub-flow its tasks; their TaskAdded follow."""

    task: str
    instances: tuple[str, ...]


@fact
class TaskWaiting:
    """The task waits. `gate` names what it waits at: a backend, a group, a budget; `until` is on the run's clock."""

    task: str
    reason: Reason
    until: float | None = None
    gate: str | None = None


@fact
class TaskPaused:
    """The task starts no new attempt."""

    task: str
    by: str


@fact
class TaskUnpaused:
    """The task may start again."""

    task: str
    by: str


@fact
class TaskReset:
    """The task is pending again."""

    task: str
    why: str


@fact
class TaskStopping:
    """The task was asked to stop; at `until` it is killed."""

    task: str
    until: float | None
    by: str


@fact
class TaskSucceeded:
    """The task is done. `output` holds its kind's fields; a `cached` one was taken over from before."""

    task: str
    output: Mapping[str, Json] | None = None
    cached: bool = False


@fact
class TaskFailed:
    """The task failed for good. An `optional` task's dependants go on with `output`, its `recover` value."""

    task: str
    error: Failure
    output: Mapping[str, Json] | None = None


@fact
class TaskSkipped:
    """The task will not run; `cause` is the task that is to blame, where one is."""

    task: str
    because: str
    cause: str | None = None


@fact
class TaskCancelled:
    """The task was stopped before its end."""

    task: str
    by: str


# ── attempt ─────────────────────────────────────────────────────────────────────────────────────


@fact
class AttemptStarted:
    """A try began. `attempt` counts from 1 and never restarts; `of` is the number at which tries end."""

    task: str
    attempt: int
    of: int
    backend: str | None = None


@fact
class AttemptSucceeded:
    """The try ended well; `satisfied` is False where `until` asks for another round."""

    task: str
    attempt: int
    satisfied: bool = True


@fact
class AttemptFailed:
    """The try ended badly; the next begins `retry_in` seconds later, or never."""

    task: str
    attempt: int
    error: Failure
    retry_in: float | None = None


@fact
class AttemptInterrupted:
    """The try was stopped from outside."""

    task: str
    attempt: int
    by: str


@fact
class AttemptResumed:
    """The try goes on after one of its calls waited; it runs on `backend` now."""

    task: str
    attempt: int
    backend: str | None = None


@fact
class OutputProduced:
    """Text that a try wrote: `stream` is `out`, `err`, `log` or `sys`. At most 16 KB, coalesced over 50 ms."""

    task: str
    attempt: int
    stream: str
    text: str


@fact
class ProgressReported:
    """How far a try is, in units of its own."""

    task: str
    attempt: int
    done: float
    total: float | None = None
    message: str = ""


@fact
class UsageReported:
    """Tokens and dollars that one call used; `cost_usd` is None where it cannot be priced.

    Of the tokens that were read, `cached_tokens` came from a cache; of those that were written, `reasoning_tokens` were
    thought. `window` is how many the model can read, where that is known.
    """

    task: str
    attempt: int
    backend: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None = None
    model: str | None = None
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    window: int | None = None


# ── conversation ────────────────────────────────────────────────────────────────────────────────


@fact
class MessageSaid:
    """A part of a try's conversation with a model: `role` is system, user or assistant."""

    task: str
    attempt: int
    role: str
    text: str
    thinking: str = ""


@fact
class ToolCalled:
    """The model wants a tool to be used; `call` tells its calls apart. `arguments` is JSON as the model wrote it."""

    task: str
    attempt: int
    call: str
    tool: str
    arguments: str


@fact
class ToolReturned:
    """What the tool answered; an error is given back to the model."""

    task: str
    attempt: int
    call: str
    text: str
    is_error: bool = False


# ── backend ─────────────────────────────────────────────────────────────────────────────────────


@fact
class BreakerMoved:
    """A backend's breaker moved; an open one probes at `until`."""

    backend: str
    from_: BreakerState
    to: BreakerState
    why: str
    until: float | None = None


@fact
class BackendHeld:
    """The backend takes no calls until then; for a `reason` without an end, until a person says so.

    Without a reason the hold has ended.
    """

    backend: str
    until: float | None
    why: str
    reason: Reason | None = None


@fact
class FallbackUsed:
    """A task goes to another backend than its own."""

    task: str
    backend: str
    instead_of: str
    why: str


@fact
class BackendGauge:
    """How a backend stands: failures in a row, calls and those of them that failed, slots in use, limiters, probes."""

    backend: str
    failures: int
    calls: int
    failed: int
    in_use: int
    gauges: tuple[Gauge, ...] = ()
    probes: int = 0


@fact
class HealthChecked:
    """A backend was asked how it is: `health` is healthy, degraded or unhealthy, `seconds` how long it took."""

    backend: str
    health: Health
    seconds: float
    found: str


# ── budget ──────────────────────────────────────────────────────────────────────────────────────


@fact
class BudgetReserved:
    """A call may spend so much."""

    budget: str
    task: str
    tokens: int
    cost_usd: float | None = None


@fact
class BudgetSettled:
    """A call spent so much; what was reserved for it is free again."""

    budget: str
    task: str
    tokens: int
    cost_usd: float | None = None
    reserved_tokens: int = 0
    reserved_cost_usd: float | None = None


@fact
class BudgetThreshold:
    """Spend passed 75, 90 or 100 percent of one unit's limit: `tokens`, `cost_usd` or `time`."""

    budget: str
    unit: str
    percent: int


@fact
class BudgetExceeded:
    """A task asked for more than is left; `rule` is hold, fail or warn."""

    budget: str
    task: str
    rule: str
    why: str


@fact
class BudgetRaised:
    """A budget has new limits."""

    budget: str
    tokens: int | None
    cost_usd: float | None
    time: float | None
    by: str


# ── person ──────────────────────────────────────────────────────────────────────────────────────


@fact
class ApprovalRequested:
    """A person is asked, and shown what `show` holds; at `until` the question answers itself."""

    task: str
    message: str
    show: str | None = None
    until: float | None = None


@fact
class ApprovalGiven:
    """Somebody said yes."""

    task: str
    by: str
    reason: str = ""


@fact
class ApprovalDenied:
    """Somebody said no."""

    task: str
    by: str
    reason: str = ""


@fact
class QuestionAsked:
    """A task asks a person while it runs; without choices, any text is an answer."""

    task: str
    message: str
    choices: tuple[str, ...] = ()


@fact
class QuestionAnswered:
    """Somebody answered."""

    task: str
    answer: str
    by: str


@fact
class QuestionWithdrawn:
    """Nobody needs to answer any more."""

    task: str


@fact
class CommandAccepted:
    """A command was carried out."""

    id: str
    command: str
    by: str


@fact
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
    | LevelChanged
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
    | MessageSaid
    | ToolCalled
    | ToolReturned
    | BreakerMoved
    | BackendHeld
    | FallbackUsed
    | BackendGauge
    | HealthChecked
    | BudgetReserved
    | BudgetSettled
    | BudgetThreshold
    | BudgetExceeded
    | BudgetRaised
    | ApprovalRequested
    | ApprovalGiven
    | ApprovalDenied
    | QuestionAsked
    | QuestionAnswered
    | QuestionWithdrawn
    | CommandAccepted
    | CommandRefused
)


class Record(NamedTuple):
    """A fact in its place. A named tuple, because thousands a second are made."""

    run: str
    seq: int
    at: float
    event: Event
