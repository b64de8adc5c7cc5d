"""The output of one task as lines of the screen: what it wrote, and between it when attempts began and ended."""

from __future__ import annotations

from itertools import islice
from typing import Final, NamedTuple

from orchestrator.core.progress import Attempt, Tail, TaskProgress
from orchestrator.core.states import State
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.lines import Line as Spans
from orchestrator.tui.lines import Span
from orchestrator.tui.text import clean, countdown, fit, tenths

KEPT: Final = 20_000
_ROLES: Final = {"err": "bad", "sys": "muted", "log": "secondary"}
_TAG: Final = 5


class LogLine(NamedTuple):
    """One line: when, from where, and what; the text is harmless already. `mark` is an attempt's `start` or `end`."""

    at: float
    tag: str
    text: str
    mark: str = ""


class LogLines:
    """The lines of one task, brought up to date by reading only what is new. One belongs to one tail."""

    def __init__(self, tail: Tail | None = None) -> None:
        self.lines: list[LogLine] = []
        self.tail = tail
        self._version = -1
        self._seen = 0
        self._begun = 0
        self._ended = 0
        self._settled: float | None = None
        self._last_text = -1

    def sync(self, task: TaskProgress, tail: Tail | None) -> bool:
        """Take over what is new; return whether anything is."""
        self.tail = tail or self.tail
        moved = tail is not None and tail.version != self._version
        grown = tail is not None and moved and self._grow(tail)
        texts = self._new_text(tail) if tail is not None and moved else []
        fresh = sorted([*self._new_marks(task), *texts], key=_place)
        self._extend(fresh)
        return grown or bool(fresh)

    def _extend(self, fresh: list[LogLine]) -> None:
        start = len(self.lines)
        self.lines.extend(fresh)
        texts = [start + index for index, line in enumerate(fresh) if not line.mark]
        self._last_text = texts[-1] if texts else self._last_text
        over = len(self.lines) - KEPT
        if over > 0:
            del self.lines[:over]
            self._last_text -= over

    def _grow(self, tail: Tail) -> bool:
        """The last line may have been open, and longer by now."""
        place = self._seen - 1 - tail.dropped
        if self._last_text < 0 or not 0 <= place < len(tail.lines):
            return False
        text = clean(tail.lines[place].text)
        line = self.lines[self._last_text]
        self.lines[self._last_text] = line._replace(text=text)
        return text != line.text

    def _new_text(self, tail: Tail) -> list[LogLine]:
        self._version = tail.version
        start = max(0, self._seen - tail.dropped)
        self._seen = tail.dropped + len(tail.lines)
        return [LogLine(line.at, line.stream, clean(line.text)) for line in islice(tail.lines, start, None)]

    def _new_marks(self, task: TaskProgress) -> list[LogLine]:
        """Only the last attempts are kept, so what is new is told by their numbers."""
        fresh = [_begin(attempt, task.max_attempts) for attempt in task.attempts if attempt.number > self._begun]
        over = [attempt for attempt in task.attempts if attempt.ended is not None]
        fresh += [_end(attempt, task.max_attempts) for attempt in over if attempt.number > self._ended]
        self._begun = task.attempt
        self._ended = over[-1].number if over else self._ended
        if task.ended is not None and task.ended != self._settled:
            fresh += _settling(task)
        self._settled = task.ended
        return fresh


def _place(line: LogLine) -> tuple[float, int]:
    """At the same moment an attempt's start stands before what it wrote, its end after that."""
    return line.at, 1 if not line.mark else 0 if line.mark == "start" else 2


def _begin(attempt: Attempt, of: int) -> LogLine:
    where = f" · {clean(attempt.backend)}" if attempt.backend else ""
    return LogLine(attempt.started, "sys", f"attempt {_number(attempt, of)} started{where}", "start")


def _end(attempt: Attempt, of: int) -> LogLine:
    at = attempt.started if attempt.ended is None else attempt.ended
    return LogLine(at, "sys", f"attempt {_number(attempt, of)} {_ending(attempt)}", "end")


def _settling(task: TaskProgress) -> list[LogLine]:
    """Say how the task ended, where its last attempt does not say it already."""
    last = task.attempts[-1].error if task.attempts else None
    text = ""
    if task.state is State.FAILED and task.error is not None and task.error != last:
        text = f"failed: {clean(task.error.message)}"
    elif task.state in {State.SKIPPED, State.CANCELLED}:
        text = f"{task.status.value}: {clean(task.because)}".rstrip(": ")
    return [LogLine(task.ended or 0.0, "sys", text, "end")] if text else []


def _number(attempt: Attempt, of: int) -> str:
    return f"{attempt.number}/{max(of, attempt.number)}"


def _ending(attempt: Attempt) -> str:
    took = countdown((attempt.ended or attempt.started) - attempt.started)
    if attempt.error is None:
        return f"{attempt.result} after {took}"
    again = "" if attempt.retry_in is None else f" → next in {countdown(attempt.retry_in)}"
    return f"{attempt.result} after {took}{again}: {clean(attempt.error.message)}"


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
