"""The output of one task as lines of the screen: what it wrote, and between it when attempts began and ended."""

from __future__ import annotations

from enum import IntEnum
from itertools import islice
from typing import Final, NamedTuple

from orchestrator.core.errors import Code, Failure
from orchestrator.core.progress import Attempt, Tail, TaskProgress
from orchestrator.core.states import State
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.lines import Line as Spans
from orchestrator.tui.lines import Span
from orchestrator.tui.text import clean, countdown, fit, tenths

KEPT: Final = 20_000
_ROLES: Final = {"err": "bad", "sys": "muted", "log": "secondary"}
_TAG: Final = 5


class Level(IntEnum):
    """How much a line asks to be read."""

    ALL = 0
    WARN = 1
    ERR = 2


class LogLine(NamedTuple):
    """One line: when, from where, and what; the text is harmless already. `mark` is an attempt's `start` or `end`.

    `level` is that of what we write ourselves; what a task wrote is judged by its words.
    """

    at: float
    tag: str
    text: str
    mark: str = ""
    level: Level = Level.ALL


class Fresh(NamedTuple):
    """What is new: how the last line of text reads now if it has grown, and the lines after it."""

    grown: str | None
    lines: list[LogLine]


class Reader:
    """Reads one task's output and attempts bit by bit, each only once."""

    __slots__ = ("_begun", "_ended", "_last", "_seen", "_settled", "_version", "tail")

    def __init__(self) -> None:
        self.tail: Tail | None = None
        self._version = -1
        self._seen = 0
        self._last: str | None = None
        self._begun = 0
        self._ended = 0
        self._settled: float | None = None

    def read(self, task: TaskProgress, tail: Tail | None) -> Fresh:
        """Return what is new since the last time."""
        self._turn_to(tail)
        if tail is None or tail.version == self._version:
            return Fresh(None, sorted(self._new_marks(task), key=_place))
        grown = self._growth(tail)
        return Fresh(grown, sorted([*self._new_marks(task), *self._new_text(tail)], key=_place))

    def skip(self, tail: Tail) -> None:
        """Leave out what the task wrote so far."""
        self.tail = tail
        self._new_text(tail)

    def _turn_to(self, tail: Tail | None) -> None:
        """What memory let go altogether begins anew with what is written next."""
        if tail is not None and tail is not self.tail:
            self.tail = tail
            self._version, self._seen, self._last = -1, 0, None

    def _growth(self, tail: Tail) -> str | None:
        """The last line may have been open, and longer by now."""
        place = self._seen - 1 - tail.dropped
        if self._last is None or not 0 <= place < len(tail.lines):
            return None
        text = clean(tail.lines[place].text)
        return None if text == self._last else text

    def _new_text(self, tail: Tail) -> list[LogLine]:
        self._version = tail.version
        total = tail.dropped + len(tail.lines)
        new = list(islice(reversed(tail.lines), min(len(tail.lines), total - self._seen)))
        self._seen = total
        lines = [LogLine(line.at, line.stream, clean(line.text)) for line in reversed(new)]
        self._last = clean(tail.lines[-1].text) if tail.lines else None
        return lines

    def _new_marks(self, task: TaskProgress) -> list[LogLine]:
        """Only the last attempts are kept, so what is new is told by their numbers."""
        last = task.attempts[-1] if task.attempts else None
        number = last.number if last is not None else 0
        if task.ended == self._settled and number == self._begun and (last is None or self._is_told(last)):
            return []
        fresh = [_begin(attempt, task.max_attempts) for attempt in task.attempts if attempt.number > self._begun]
        over = [attempt for attempt in task.attempts if attempt.ended is not None]
        fresh += [_end(attempt, task.max_attempts) for attempt in over if attempt.number > self._ended]
        self._begun = task.attempt
        self._ended = over[-1].number if over else self._ended
        if task.ended is not None and task.ended != self._settled:
            fresh += _settling(task)
        self._settled = task.ended
        return fresh

    def _is_told(self, begun: Attempt) -> bool:
        return begun.ended is None or begun.number == self._ended


class LogLines:
    """The lines of one task, brought up to date by reading only what is new."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self._reader = Reader()
        self._last_text = -1

    @property
    def tail(self) -> Tail | None:
        return self._reader.tail

    def sync(self, task: TaskProgress, tail: Tail | None) -> bool:
        """Take over what is new; return whether anything is."""
        grown, fresh = self._reader.read(task, tail)
        grows = grown is not None and self._last_text >= 0
        if grown is not None and grows:
            self.lines[self._last_text] = self.lines[self._last_text]._replace(text=grown)
        self._extend(fresh)
        return grows or bool(fresh)

    def _extend(self, fresh: list[LogLine]) -> None:
        start = len(self.lines)
        self.lines.extend(fresh)
        texts = [start + index for index, line in enumerate(fresh) if not line.mark]
        self._last_text = texts[-1] if texts else self._last_text
        over = len(self.lines) - KEPT
        if over > 0:
            del self.lines[:over]
            self._last_text -= over


def _place(line: LogLine) -> tuple[float, int]:
    """At the same moment an attempt's start stands before what it wrote, its end after that."""
    return line.at, 1 if not line.mark else 0 if line.mark == "start" else 2


def _begin(attempt: Attempt, of: int) -> LogLine:
    where = f" · {clean(attempt.backend)}" if attempt.backend else ""
    return LogLine(attempt.started, "sys", f"attempt {_number(attempt, of)} started{where}", "start")


def _end(attempt: Attempt, of: int) -> LogLine:
    at = attempt.started if attempt.ended is None else attempt.ended
    level = Level.ALL if attempt.error is None else Level.ERR if attempt.retry_in is None else Level.WARN
    return LogLine(at, "sys", f"attempt {_number(attempt, of)} {_ending(attempt)}", "end", level)


def _settling(task: TaskProgress) -> list[LogLine]:
    """Say how the task ended, where its last attempt does not say it already."""
    last = task.attempts[-1].error if task.attempts else None
    text, level = "", Level.WARN
    if task.state is State.FAILED and task.error is not None and task.error != last:
        text, level = f"failed: {clean(task.error.message)}", Level.ERR
    elif task.state in {State.SKIPPED, State.CANCELLED}:
        text = f"{task.status.value}: {clean(task.because)}".rstrip(": ")
    return [LogLine(task.ended or 0.0, "sys", text, "end", level)] if text else []


def _number(attempt: Attempt, of: int) -> str:
    return f"{attempt.number}/{max(of, attempt.number)}"


def _ending(attempt: Attempt) -> str:
    took = countdown((attempt.ended or attempt.started) - attempt.started)
    if attempt.error is None:
        return f"{attempt.result} after {took}"
    return f"{attempt.result} after {took}{_next(attempt.error, attempt.retry_in)}: {clean(attempt.error.message)}"


def _next(error: Failure, retry_in: float | None) -> str:
    """Say when it is tried again; a usage limit ends when its backend is no longer held."""
    if retry_in is None:
        return ""
    if error.code == Code.QUOTA:
        return " → next when the usage limit ends"
    return f" → next in {countdown(retry_in)}" if retry_in else " → next at once"


def log_spans(line: LogLine, glyphs: Glyphs) -> Spans:
    """Return the line as the screen shows it."""
    text = line.text if glyphs.arrow == "→" else line.text.replace("→", "->").replace("·", "-")
    return (
        Span(f" {tenths(line.at)} ", "muted"),
        Span(fit(line.tag, _TAG), f"tag.{line.tag}"),
        Span(text, _ROLES.get(line.tag, "text")),
    )


def log_text(line: LogLine) -> str:
    return f"{tenths(line.at)} {line.tag:<4} {line.text}"
