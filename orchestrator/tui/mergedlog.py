"""What all tasks wrote and what became of them, in the order of time: a ring of lines, numbered from the first on."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Final, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.events import Record
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, Health
from orchestrator.tui.loglines import Level, LogLine, Reader
from orchestrator.tui.text import clean, countdown

KEPT: Final = 20_000
_SLACK: Final = 1_000
"""Lines beyond those that are kept before the oldest go, so that they go rarely."""


class Entry(NamedTuple):
    """One line: when, whose, from where, and what; the text is harmless already. Without a task it is the run's."""

    at: float
    task: str
    tag: str
    text: str
    level: Level = Level.ALL


class MergedLog:
    """The last lines. `first` is the number of the oldest that is kept; numbers never come again."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._lines: list[Entry] = []
        self._readers: dict[str, Reader] = {}
        self._last_text: dict[str, int] = {}
        self._health: dict[str, Health] = {}
        self.first = 0

    @property
    def end(self) -> int:
        """Return the number that the next line gets."""
        return self.first + len(self._lines)

    def __getitem__(self, number: int) -> Entry:
        return self._lines[number - self.first]

    def lines(self, start: int = 0) -> Iterator[tuple[int, Entry]]:
        """Yield the lines from that number on, each with its number."""
        start = max(start, self.first)
        yield from enumerate(self._lines[start - self.first :], start)

    # ── writing ─────────────────────────────────────────────────────────────────────────────────

    def begin(self, run: Run) -> None:
        """Take over what a run remembers; where that is more than is kept, of the tasks that wrote last."""
        self.first, self._lines = self.end, []
        self._readers, self._last_text = {}, {}
        self._health = {name: one.health.health for name, one in run.backends.items() if one.health is not None}
        left = 2 * self._kept
        for task in reversed(run.tails):
            if left <= 0:
                self._readers[task] = Reader()
                self._readers[task].skip(run.tails[task])
            left -= len(run.tails[task].lines)
        names = (name for name, task in run.tasks.items() if task.attempts or task.is_final)
        self._take(run, names, _moves(run))

    def take(self, run: Run, tasks: Collection[str], news: Iterable[Record]) -> frozenset[int]:
        """Take over what is new of these tasks; return the numbers of the lines that grew."""
        return self._take(run, sorted(tasks), _told(run, filter(self._is_news, news)))

    def _is_news(self, record: Record) -> bool:
        """Return whether there is something new to say: of how a backend is, only that it is otherwise than before."""
        if not isinstance(event := record.event, ev.HealthChecked):
            return True
        before = self._health.get(event.backend, Health.HEALTHY)
        self._health[event.backend] = event.health
        return event.health is not before

    def mark(self, at: float) -> None:
        """Draw a line under what there is."""
        self._extend([Entry(at, "", "mark", "")])

    def _take(self, run: Run, tasks: Iterable[str], told: Iterable[Entry]) -> frozenset[int]:
        grown, fresh = set[int](), list[Entry]()
        for name in tasks:
            reader = self._readers.get(name)
            if reader is None:
                reader = self._readers[name] = Reader()
            grew, lines = reader.read(run.tasks[name], run.tails.get(name))
            if grew is not None and self._grow(name, grew):
                grown.add(self._last_text[name])
            fresh += [_entry(name, line) for line in lines]
        fresh += told
        self._extend(sorted(fresh, key=_moment))
        return frozenset(grown)

    def _grow(self, task: str, text: str) -> bool:
        place = self._last_text.get(task, -1) - self.first
        if place < 0:
            return False
        line = self._lines[place]
        self._lines[place] = line._replace(text=text, level=_judged(line.tag, text))
        return True

    def _extend(self, fresh: list[Entry]) -> None:
        for number, line in enumerate(fresh, self.end):
            if line.tag in _WRITTEN:
                self._last_text[line.task] = number
        self._lines += fresh
        over = len(self._lines) - self._kept
        if over > _SLACK:
            del self._lines[:over]
            self.first += over


_WRITTEN: Final = frozenset({"out", "err", "log"})


def _moment(line: Entry) -> float:
    return line.at


def _entry(task: str, line: LogLine) -> Entry:
    level = line.level if line.mark else _judged(line.tag, line.text)
    return Entry(line.at, task, line.tag, line.text, level)


_BAD: Final = re.compile(
    r"\b(?:ERROR|FATAL|CRITICAL|PANIC|Traceback|[A-Z]\w+(?:Error|Exception))\b|^\s*(?i:error|fatal)\b"
)
_ODD: Final = re.compile(r"\bWARN(?:ING)?\b|^\s*(?i:warn(?:ing)?)\b")
_JUDGED: Final = 160
"""Characters at a line's beginning in which its level stands, if anywhere."""


def _judged(tag: str, text: str) -> Level:
    """Return the level of what a task wrote: programs say it in words, or write it to their second stream."""
    start = text[:_JUDGED]
    if _BAD.search(start):
        return Level.ERR
    return Level.WARN if tag == "err" or _ODD.search(start) else Level.ALL


# ── what is told besides ────────────────────────────────────────────────────────────────────────


class _Note(NamedTuple):
    """What there is to say about an event."""

    text: str
    level: Level = Level.ALL
    tag: str = "sys"


def _told(run: Run, news: Iterable[Record]) -> Iterator[Entry]:
    for record in news:
        tell = _WORDS.get(type(record.event))
        note = tell(record.event, record.at) if tell else None
        if note is not None:
            task: str = getattr(record.event, "task", "")
            yield Entry(record.at, task if task in run.tasks else "", note.tag, clean(note.text), note.level)


def _moves(run: Run) -> Iterator[Entry]:
    for backend in run.backends.values():
        for at, move in backend.moves:
            note = _breaker(move, at)
            yield Entry(at, "", note.tag, clean(note.text), note.level)


def _breaker(event: ev.BreakerMoved, at: float) -> _Note:
    level = Level.WARN if event.to in {BreakerState.OPEN, BreakerState.TRIPPED} else Level.ALL
    probe = "" if event.until is None else f", probe in {countdown(event.until - at)}"
    why = f" ({event.why})" if event.why else ""
    return _Note(f"breaker {event.backend} {_word(event.from_)} → {_word(event.to)}{why}{probe}", level)


def _word(state: BreakerState) -> str:
    return state.value.replace("_", "-")


def _held(event: ev.BackendHeld, at: float) -> _Note:
    if event.reason is None:
        return _Note(f"{event.backend} takes calls again")
    how_long = "until somebody acts" if event.until is None else f"for {countdown(event.until - at)}"
    return _Note(f"{event.backend} is held {how_long}: {event.why}", Level.WARN)


def _checked(event: ev.HealthChecked, at: float) -> _Note:
    del at
    if event.health is Health.HEALTHY:
        return _Note(f"{event.backend} is well again: {event.found}")
    return _Note(f"{event.backend} is {event.health}: {event.found}", Level.WARN)


def _cancelling(event: ev.RunCancelling, at: float) -> _Note:
    del at
    what = "the run drains: what runs may finish" if event.draining else "the run is being cancelled"
    return _Note(f"{what} ({event.by})", Level.WARN)


def _asked(event: ev.QuestionAsked, at: float) -> _Note:
    del at
    choices = f" ({' | '.join(event.choices)})" if event.choices else ""
    return _Note(event.message + choices, Level.WARN, "ask")


def _returned(event: ev.ToolReturned, at: float) -> _Note | None:
    del at
    return _Note(event.text.partition("\n")[0], Level.WARN, "tool") if event.is_error else None


def _answer(word: str, level: Level = Level.ALL) -> Callable[[Any, float], _Note]:
    def tell(event: ev.ApprovalGiven | ev.ApprovalDenied, at: float) -> _Note:
        del at
        return _Note(f"{word} by {event.by}" + (f": {event.reason}" if event.reason else ""), level, "ask")

    return tell


def _says(text: Callable[[Any], str], level: Level = Level.ALL, tag: str = "sys") -> Callable[[Any, float], _Note]:
    return lambda event, at: _Note(text(event), level, tag)  # noqa: ARG005 - the table's shape


_WORDS: Final[dict[type, Callable[[Any, float], _Note | None]]] = {
    ev.BreakerMoved: _breaker,
    ev.BackendHeld: _held,
    ev.HealthChecked: _checked,
    ev.RunPaused: _says(lambda event: f"the run is paused ({event.by})", Level.WARN),
    ev.RunUnpaused: _says(lambda event: f"the run goes on ({event.by})"),
    ev.RunHeld: _says(lambda event: f"the run is held: {', '.join(event.waits)}", Level.WARN),
    ev.RunCancelling: _cancelling,
    ev.RunFinished: _says(lambda event: f"the run ended: {event.outcome}"),
    ev.RunReopened: _says(lambda event: f"the run goes on ({event.by})"),
    ev.LevelChanged: _says(lambda event: f"the flow is {event.level} now: {event.why}", Level.WARN),
    ev.GroupPaused: _says(lambda event: f"group {event.group} is paused ({event.by})"),
    ev.GroupUnpaused: _says(lambda event: f"group {event.group} goes on ({event.by})"),
    ev.GroupCancelled: _says(lambda event: f"group {event.group} is cancelled ({event.by})", Level.WARN),
    ev.ConcurrencySet: _says(lambda event: f"{event.scope}: {event.limit} at once from now on"),
    ev.FallbackUsed: _says(lambda event: f"goes to {event.backend} instead of {event.instead_of}: {event.why}"),
    ev.BudgetThreshold: _says(
        lambda event: f"budget {event.budget}: {event.percent}% of {event.unit.removesuffix('_usd')} is spent",
        Level.WARN,
    ),
    ev.BudgetExceeded: _says(lambda event: f"budget {event.budget} ({event.rule}): {event.why}", Level.WARN),
    ev.BudgetRaised: _says(lambda event: f"budget {event.budget} is raised ({event.by})"),
    ev.ApprovalRequested: _says(lambda event: event.message, Level.WARN, "ask"),
    ev.ApprovalGiven: _answer("approved"),
    ev.ApprovalDenied: _answer("denied", Level.WARN),
    ev.QuestionAsked: _asked,
    ev.QuestionAnswered: _says(lambda event: f"answered by {event.by}: {event.answer}", tag="ask"),
    ev.ToolCalled: _says(lambda event: f"{event.tool} {event.arguments}", tag="tool"),
    ev.ToolReturned: _returned,
    ev.CommandRefused: _says(lambda event: f"refused: {event.why}", Level.WARN),
}

TOLD: Final = frozenset(_WORDS)
"""The types of events that are lines of their own."""
