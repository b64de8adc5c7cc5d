"""Where things stand in a run: the frozen values that its fold holds, and the counts and tails that it keeps.

Progress is made of named tuples because replacing one costs a fifth of replacing a frozen dataclass, and several
replacements happen for every task.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass, field, fields
from itertools import islice
from typing import Final, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.errors import Failure
from orchestrator.core.events import BackendInfo, BudgetInfo, Gauge, GroupInfo
from orchestrator.core.made import made
from orchestrator.core.states import FINAL, BreakerState, Health, Reason, State, Status

# ── tasks ───────────────────────────────────────────────────────────────────────────────────────


class Attempt(NamedTuple):
    """One try. `result` is `running`, `succeeded`, `unsatisfied`, `failed` or `interrupted`."""

    number: int
    started: float
    backend: str | None = None
    ended: float | None = None
    result: str = "running"
    error: Failure | None = None
    retry_in: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None

    def end(self, at: float, result: str, error: Failure | None, retry_in: float | None) -> Attempt:
        """Return the attempt as it ended; written out, as every task has one: `_replace` takes four times as long."""
        number, started, backend, _, _, _, _, read, written, cost = self
        return made(Attempt, (number, started, backend, at, result, error, retry_in, read, written, cost))


class Question(NamedTuple):
    """What a person is asked: leave to go on, or, where it `wants_answer`, a text or one of the choices."""

    message: str
    show: str | None = None
    until: float | None = None
    wants_answer: bool = False
    choices: tuple[str, ...] = ()


class TaskProgress(NamedTuple):
    """Where one task stands. Times are seconds on the run's clock.

    `since` is when the present state or wait began; `waited` sums the waits before it. `attempts` holds the last
    hundred; `attempt` says how many there were.
    """

    info: ev.TaskAdded
    state: State = State.PENDING
    status: Status = Status.PENDING
    since: float = 0.0
    wait: ev.TaskWaiting | None = None
    waited: float = 0.0
    started: float | None = None
    ended: float | None = None
    attempts: tuple[Attempt, ...] = ()
    max_attempts: int = 1
    backend: str | None = None
    error: Failure | None = None
    because: str = ""
    cause: str | None = None
    cached: bool = False
    paused: bool = False
    stopping: bool = False
    stopping_until: float | None = None
    question: Question | None = None
    progress: ev.ProgressReported | None = None
    last_line: str = ""
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
        """Return the number of the last attempt: how many there were."""
        return self.attempts[-1].number if self.attempts else 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def elapsed(self, now: float) -> float | None:
        """Return the seconds from the first attempt's start to the end, or to now."""
        if self.started is None:
            return None
        return (now if self.ended is None else self.ended) - self.started


# ── counts ──────────────────────────────────────────────────────────────────────────────────────

ENDED_WELL: Final = frozenset({Status.DONE, Status.CACHED})
ENDED_BADLY: Final = frozenset({Status.FAILED, Status.TIMEOUT})
ENDED: Final = ENDED_WELL | ENDED_BADLY | {Status.SKIPPED, Status.CANCELED}


@dataclass(slots=True)
class Tally:
    """Counts by status, kept as tasks move, and what was spent.

    `skipped_inside` and `skipped_outside` count, in the tally of the group that is to blame, the tasks in it and the
    tasks of other groups that were skipped because a task of this group ended badly.
    """

    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    total: int = 0
    attempts: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced_tokens: int = 0
    skipped_outside: int = 0
    skipped_inside: int = 0

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


def total(tallies: Iterable[Tally]) -> Tally:
    """Return all counts together."""
    whole = Tally()
    for tally in tallies:
        for status, count in tally.counts.items():
            whole.counts[status] += count
        for name in _SUMMED:
            setattr(whole, name, getattr(whole, name) + getattr(tally, name))
    return whole


_SUMMED: Final = tuple(one.name for one in fields(Tally) if one.name != "counts")


# ── groups, backends, budgets ────────────────────────────────────────────────────────────────────


class GroupProgress(NamedTuple):
    """A group: what was declared of it, and whether it is paused or cancelled."""

    info: GroupInfo
    paused: bool = False
    cancelled: bool = False


class BackendProgress(NamedTuple):
    """A backend: its breaker, its hold, its limiters. `moves` are the breaker's last moves with their times.

    `was` is what the check-up before the last one found.
    """

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
    held_for: Reason | None = None
    last_error: str = ""
    health: ev.HealthChecked | None = None
    checked: float | None = None
    was: Health | None = None
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


# ── output ──────────────────────────────────────────────────────────────────────────────────────

TAIL_SIZE: Final = 64 << 10
"""Output kept in memory for each task, in characters; the file on disk holds all of it."""

LINE_COST: Final = 64
"""Characters that a line counts besides its own, so that a million empty lines are not thought to be free."""

_MOST_LINES: Final = TAIL_SIZE // LINE_COST


class Line(NamedTuple):
    """One line of a task's output."""

    at: float
    stream: str
    text: str


class Tail:
    """The last lines that a task wrote, as a terminal would show them: a carriage return begins a line again.

    `size` is what the lines count together, `dropped` how many were let go; `version` grows with every change.
    """

    __slots__ = ("_open", "_returned", "dropped", "lines", "size", "version")

    def __init__(self) -> None:
        self.lines: deque[Line] = deque()
        self.size = 0
        self.dropped = 0
        self.version = 0
        self._open: str | None = None
        self._returned = False

    def write(self, at: float, stream: str, text: str) -> None:
        """Append text; a line that was left open in the same stream goes on."""
        *ended, rest = text.split("\n")
        if ended:
            self._add(at, stream, ended[0])
            self._open = None
            self._extend(at, stream, ended[1:], plain="\r" not in text)
        if rest:
            self._add(at, stream, rest)
            self._open = stream
            self._returned = rest.endswith("\r")
        self.version += 1
        self._trim()

    def _extend(self, at: float, stream: str, pieces: list[str], *, plain: bool) -> None:
        """Add whole lines. What would be let go at once is only counted."""
        if len(pieces) >= _MOST_LINES:
            self.dropped += len(self.lines) + len(pieces) - _MOST_LINES
            pieces = pieces[-_MOST_LINES:]
            self.lines.clear()
            self.size = 0
        shown = pieces if plain else list(map(_last_writing, pieces))
        self.lines.extend([Line(at, stream, piece) for piece in shown])
        self.size += sum(map(len, shown)) + LINE_COST * len(shown)

    def end_line(self) -> None:
        """Let what comes next begin a line of its own: another attempt writes it."""
        self._open = None

    def _add(self, at: float, stream: str, piece: str) -> None:
        if self._open == stream:
            line = self.lines.pop()
            self.size -= _cost(line)
            at = line.at
            piece = f"{line.text}\r{piece}" if self._returned else line.text + piece
        line = Line(at, stream, _last_writing(piece))
        self.lines.append(line)
        self.size += _cost(line)

    def _trim(self) -> None:
        """Let go of the oldest lines; of a single endless one, of its beginning."""
        lines = self.lines
        while self.size > TAIL_SIZE and len(lines) > 1:
            self.size -= _cost(lines.popleft())
            self.dropped += 1
        if self.size > TAIL_SIZE:
            line = lines.pop()
            lines.append(line._replace(text=line.text[-TAIL_SIZE // 2 :]))
            self.size = _cost(lines[0])

    def last_text(self) -> str:
        """Return the last line of the task's own that is not blank, shortened to what a row can show."""
        for _, stream, text in islice(reversed(self.lines), 50):
            if stream != "sys" and text and not text.isspace():
                return text[:400]
        return ""

    def copy(self) -> Tail:
        new = copy(self)
        new.lines = self.lines.copy()
        return new


def _cost(line: Line) -> int:
    return len(line.text) + LINE_COST


def _last_writing(piece: str) -> str:
    """Return what stands there after each carriage return; what follows one at the end has not come yet."""
    return piece.rstrip("\r").rpartition("\r")[2]
