"""Where things stand in a run: the frozen values that its fold holds, and the counts and tails that it keeps.

Progress is made of named tuples because replacing one costs a fifth of replacing a frozen dataclass, and several
replacements happen for every task.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.errors import ErrorKind, Failure
from orchestrator.core.events import BackendInfo, BudgetInfo, Gauge, GroupInfo
from orchestrator.core.states import FINAL, WAITING_STATUS, BreakerState, Reason, State, Status

TAIL_BYTES: Final = 64 << 10
"""Output kept for each task; the file on disk holds all of it."""


class Wait(NamedTuple):
    """What a task waits for, at which gate, and until when where that is known."""

    reason: Reason
    until: float | None = None
    gate: str | None = None


class Attempt(NamedTuple):
    """One try. `result` is `running`, `succeeded`, `unsatisfied`, `failed` or `interrupted`."""

    number: int
    started: float
    ended: float | None = None
    result: str = "running"
    error: Failure | None = None
    retry_in: float | None = None
    backend: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


class Question(NamedTuple):
    """An approval that is asked."""

    message: str
    show: str | None = None
    until: float | None = None


class TaskProgress(NamedTuple):
    """Where one task stands. Times are seconds on the run's clock.

    `waited` sums the time spent waiting before now; `since` is when the present state or wait began.
    """

    info: ev.TaskAdded
    state: State = State.PENDING
    since: float = 0.0
    wait: Wait | None = None
    paused: bool = False
    stopping_until: float | None = None
    stopping: bool = False
    max_attempts: int = 1
    started: float | None = None
    ended: float | None = None
    waited: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    cached: bool = False
    error: Failure | None = None
    because: str = ""
    cause: str | None = None
    question: Question | None = None
    last_line: str = ""
    progress: ev.ProgressReported | None = None
    backend: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    resets: int = 0

    @property
    def id(self) -> str:
        return self.info.task

    @property
    def group(self) -> str:
        return self.info.group

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def attempt(self) -> int:
        return self.attempts[-1].number if self.attempts else 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def status(self) -> Status:
        return _STATUS[self.state](self)

    def elapsed(self, now: float) -> float | None:
        """Return the seconds from the first attempt's start to the end, or to now."""
        if self.started is None:
            return None
        return (now if self.ended is None else self.ended) - self.started


def _waiting_status(task: TaskProgress) -> Status:
    return WAITING_STATUS[task.wait.reason] if task.wait else Status.QUEUED


def _failed_status(task: TaskProgress) -> Status:
    return Status.TIMEOUT if task.error is not None and task.error.kind is ErrorKind.TIMEOUT else Status.FAILED


_STATUS: Final[dict[State, Callable[[TaskProgress], Status]]] = {
    State.PENDING: lambda _: Status.PENDING,
    State.WAITING: _waiting_status,
    State.RUNNING: lambda task: Status.STOPPING if task.stopping else Status.RUNNING,
    State.SUCCEEDED: lambda task: Status.CACHED if task.cached else Status.DONE,
    State.FAILED: _failed_status,
    State.SKIPPED: lambda _: Status.SKIPPED,
    State.CANCELLED: lambda _: Status.CANCELED,
}

ENDED_WELL: Final = frozenset({Status.DONE, Status.CACHED})
ENDED_BADLY: Final = frozenset({Status.FAILED, Status.TIMEOUT})
ENDED: Final = ENDED_WELL | ENDED_BADLY | {Status.SKIPPED, Status.CANCELED}


@dataclass(slots=True)
class Tally:
    """Counts by status, kept as tasks move. `version` grows with every change.

    `skipped_by_others` counts tasks that were skipped because of a task outside their group, by that task's group;
    `blamed` counts, per group, the tasks outside it that its failures skipped.
    """

    counts: Counter[Status] = field(default_factory=Counter)
    total: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_tokens: int = 0
    skipped_outside: int = 0
    skipped_inside: int = 0
    version: int = 0

    @property
    def done(self) -> int:
        return sum(self.counts[status] for status in ENDED)

    @property
    def failed(self) -> int:
        return sum(self.counts[status] for status in ENDED_BADLY)

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def copy(self) -> Tally:
        new = copy(self)
        new.counts = self.counts.copy()
        return new


class GroupProgress(NamedTuple):
    """A group: what was declared of it, and whether it is paused or cancelled."""

    info: GroupInfo
    paused: bool = False
    cancelled: bool = False


class BackendProgress(NamedTuple):
    """A backend: its breaker, its hold, its limiters. `moves` are the breaker's last moves with their times."""

    info: BackendInfo
    breaker: BreakerState = BreakerState.CLOSED
    until: float | None = None
    why: str = ""
    failures: int = 0
    probes: int = 0
    calls: int = 0
    failed: int = 0
    in_use: int = 0
    gauges: tuple[Gauge, ...] = ()
    held_until: float | None = None
    held_why: str = ""
    last_error: str = ""
    moves: tuple[tuple[float, ev.BreakerMoved], ...] = ()


class BudgetProgress(NamedTuple):
    """A budget: its limits, what was settled and what is reserved."""

    info: BudgetInfo
    tokens: int = 0
    cost_usd: float = 0.0
    reserved_tokens: int = 0
    reserved_cost_usd: float = 0.0
    unpriced_tokens: int = 0
    exceeded: str = ""


class Line(NamedTuple):
    """One line of a task's output; `partial` while its end has not come."""

    at: float
    stream: str
    text: str


class Tail:
    """The last lines that a task wrote. `dropped` counts the lines that memory let go; `version` grows with each."""

    __slots__ = ("_open", "dropped", "lines", "size", "version")

    def __init__(self) -> None:
        self.lines: deque[Line] = deque()
        self.size = 0
        self.dropped = 0
        self.version = 0
        self._open: str | None = None

    def write(self, at: float, stream: str, text: str) -> None:
        """Append text; a line that was left open in the same stream goes on."""
        first, *rest = text.split("\n")
        if self._open == stream and self.lines:
            last = self.lines[-1]
            self.lines[-1] = Line(last.at, stream, last.text + first)
        elif first or rest:
            self.lines.append(Line(at, stream, first))
        self.lines.extend(Line(at, stream, line) for line in rest)
        self._open = stream
        if self.lines and rest and not rest[-1]:
            self.lines.pop()
            self._open = None
        self.size += len(text)
        self.version += 1
        self._trim()

    def _trim(self) -> None:
        while self.size > TAIL_BYTES and len(self.lines) > 1:
            self.size -= len(self.lines.popleft().text) + 1
            self.dropped += 1
        if self.size > TAIL_BYTES and self.lines:
            last = self.lines[0]
            self.lines[0] = Line(last.at, last.stream, last.text[-TAIL_BYTES // 2 :])
            self.size = len(self.lines[0].text)

    def last_text(self) -> str:
        """Return the last line that is not blank, shortened to what a row can show."""
        return next((line.text[:400] for line in islice(reversed(self.lines), 50) if line.text.strip()), "")

    def copy(self) -> Tail:
        new = copy(self)
        new.lines = self.lines.copy()
        return new
