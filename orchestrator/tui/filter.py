"""The filter's small language: `state:failed g:scrape try>1 !word /regex/`, all of which must hold.

Of tasks, words are looked for in the id; of a log's lines, in the id and the text, and `tag:` chooses where they
come from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from operator import eq, ge, gt, le, lt
from typing import Final, NamedTuple

from orchestrator.core.fact import fact
from orchestrator.core.progress import TaskProgress
from orchestrator.core.states import Reason, State, Status
from orchestrator.tui.text import clean

Test = Callable[[TaskProgress, float], bool]


class Word(NamedTuple):
    """A word or a regular expression to look for."""

    pattern: re.Pattern[str]
    negated: bool = False

    def holds(self, text: str) -> bool:
        return (self.pattern.search(text) is None) is self.negated


class FilterError(ValueError):
    """A filter that cannot be read; its text says why."""


@fact
class Filter:
    """What a task, or a line of its log, must be like to be shown. A `live` one may change its mind about a task."""

    text: str = ""
    tests: tuple[Test, ...] = ()
    words: tuple[Word, ...] = ()
    tags: tuple[tuple[frozenset[str], bool], ...] = ()
    live: bool = False

    def __bool__(self) -> bool:
        return bool(self.tests or self.words or self.tags)

    def matches(self, task: TaskProgress, now: float) -> bool:
        return self.allows(task, now) and all(word.holds(task.id) for word in self.words)

    def allows(self, task: TaskProgress, now: float) -> bool:
        """Return whether the task's lines may be shown, whatever they say."""
        return all(test(task, now) for test in self.tests)

    def shows(self, tag: str, text: str) -> bool:
        """Return whether a line with this tag may be shown, whoever wrote it; `text` begins with the task's id."""
        if any((tag in wanted) is negated for wanted, negated in self.tags):
            return False
        return all(word.holds(text) for word in self.words)


EVERYTHING: Final = Filter()


class _Part(NamedTuple):
    test: Test
    live: bool = False


TAGS: Final = frozenset({"out", "err", "log", "sys", "tool", "ask", "mark"})

_TOKEN: Final = re.compile(
    r"""\s*(?P<negated>!)?(?:
        (?P<field>[A-Za-z]+)(?P<op>:|>=|<=|=|>|<)(?P<value>"[^"]*"|[^\s"]*)
      | /(?P<regex>(?:\\/|[^/])*)(?P<closed>/?)
      | "(?P<quoted>[^"]*)(?P<quote>"?)
      | (?P<word>[^\s"]+)
    )""",
    re.VERBOSE,
)
_OPS: Final = {">": gt, "<": lt, ">=": ge, "<=": le, "=": eq, ":": eq}
_COUNTS: Final = {"": 1.0, "k": 1e3, "m": 1e6}
_SECONDS: Final = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_AMOUNT: Final = re.compile(r"\$?(?P<number>\d+(?:\.\d+)?)(?P<unit>[a-z]*)\Z", re.IGNORECASE)

_STATES: Final[dict[str, frozenset[str]]] = {
    **{status.value: frozenset({status.value}) for status in Status},
    **{state.value: frozenset({state.value}) for state in State},
    **{reason.value: frozenset({reason.value}) for reason in Reason},
}


def parse(text: str, *, of_lines: bool = False) -> Filter:
    """Read a filter of tasks, or of a log's lines; raises FilterError."""
    parts: list[_Part] = []
    words: list[Word] = []
    tags: list[tuple[frozenset[str], bool]] = []
    for match in _matches(text.rstrip()):
        name = (match["field"] or "").lower()
        if of_lines and name == "tag":
            tags.append((_tags(match["value"].strip('"')), match["negated"] is not None))
        elif name:
            parts.append(_part(match))
        else:
            words.append(_word(match))
    return Filter(text.strip(), tuple(part.test for part in parts), tuple(words), tuple(tags), _is_live(parts))


def _is_live(parts: list[_Part]) -> bool:
    return any(part.live for part in parts)


def _matches(text: str) -> Iterator[re.Match[str]]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            raise FilterError(f"cannot read {text[position:]!r}")
        yield match
        position = match.end()


def of_task(task: str) -> Filter:
    """Return the filter for a task and all that it became, whatever is in its name."""
    return Filter(f'task:"{clean(task)}"', (_task(task).test,))


def _part(match: re.Match[str]) -> _Part:
    part = _field(match["field"].lower(), match["op"], match["value"].strip('"'))
    return _not(part) if match["negated"] else part


def _not(part: _Part) -> _Part:
    return _Part(lambda task, now: not part.test(task, now), part.live)


def _word(match: re.Match[str]) -> Word:
    word = match["word"] if match["word"] is not None else match["quoted"]
    pattern = re.escape(word) if word is not None else _regex(match["regex"], closed=bool(match["closed"]))
    try:
        return Word(re.compile(pattern, re.IGNORECASE), match["negated"] is not None)
    except re.error as error:
        raise FilterError(f"bad regular expression: {error}") from error


def _regex(pattern: str, *, closed: bool) -> str:
    if not closed:
        raise FilterError("a regular expression ends with /")
    return pattern.replace("\\/", "/")


def _tags(value: str) -> frozenset[str]:
    names = frozenset(name for name in value.lower().split(",") if name)
    unknown = sorted(names - TAGS)
    if unknown or not names:
        what = f"no tag {unknown[0]!r}; " if unknown else ""
        raise FilterError(f"{what}there are {', '.join(sorted(TAGS))}")
    return names


def _field(name: str, op: str, value: str) -> _Part:
    if name in _TEXTS:
        if op not in {":", "="}:
            raise FilterError(f"{name} goes with a colon: {name}:{value}")
        return _TEXTS[name](value)
    if name in _NUMBERS:
        return _number(name, op, value)
    known = [*_TEXTS, *_NUMBERS]
    close = get_close_matches(name, known, 1)
    raise FilterError(
        f"no field {name!r}; " + (f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}")
    )


def _state(value: str) -> _Part:
    names = [name for name in value.lower().split(",") if name]
    if not names:
        raise FilterError("state: wants a word, such as state:failed")
    for name in names:
        if name not in _STATES:
            close = get_close_matches(name, _STATES, 1)
            raise FilterError(f"no state {name!r}" + (f"; did you mean {close[0]}?" if close else ""))
    wanted = frozenset(names)
    return _Part(lambda task, now: not wanted.isdisjoint(_words(task)), live=True)  # noqa: ARG005


def _words(task: TaskProgress) -> tuple[str, ...]:
    """Return every word for where the task stands: the screen's and the record's."""
    reason = (task.wait.reason.value,) if task.wait else ()
    return (task.status.value, task.state.value, *reason)


def _has(of: Callable[[TaskProgress], str], *, live: bool = False) -> Callable[[str], _Part]:
    """Return what makes a test: a part of the text, or of one of several with commas, is in what a task has there."""

    def part(value: str) -> _Part:
        wanted = [word for word in value.lower().split(",") if word] or [value.lower()]

        def test(task: TaskProgress, now: float) -> bool:
            del now
            text = of(task).lower()
            return any(word in text for word in wanted)

        return _Part(test, live)

    return part


def _said(task: TaskProgress) -> str:
    """Return what a task said last, and what went wrong with it."""
    return f"{task.last_line}\n{task.error.message if task.error else ''}"


def _task(value: str) -> _Part:
    """Find a task by its whole id, with all that it became: instances, or the tasks of a sub-flow."""
    wanted = value.lower()
    inside = (f"{wanted}[", f"{wanted}/")

    def is_it(task: TaskProgress, now: float) -> bool:
        del now
        name = task.info.task.lower()
        return name == wanted or name.startswith(inside) or (task.info.of or "").lower() == wanted

    return _Part(is_it)


_TEXTS: Final[dict[str, Callable[[str], _Part]]] = {
    "state": _state,
    "g": _has(lambda task: task.group),
    "group": _has(lambda task: task.group),
    "agent": _has(lambda task: task.backend or task.info.kind, live=True),
    "backend": _has(lambda task: task.backend or "", live=True),
    "kind": _has(lambda task: task.info.kind),
    "text": _has(_said, live=True),
    "task": _task,
}
_NUMBERS: Final[dict[str, Callable[[TaskProgress, float], float]]] = {
    "try": lambda task, now: task.attempt,  # noqa: ARG005
    "cost": lambda task, now: task.cost_usd or 0.0,  # noqa: ARG005
    "tok": lambda task, now: task.tokens,  # noqa: ARG005
    "time": lambda task, now: task.elapsed(now) or 0.0,
}
_EXAMPLES: Final = {"try": "1", "cost": "0.1", "tok": "10k", "time": "2m"}


def _number(name: str, op: str, value: str) -> _Part:
    match = _AMOUNT.match(value)
    units = _SECONDS if name == "time" else _COUNTS
    if match is None or match["unit"].lower() not in units:
        raise FilterError(f"{name}{op} wants a number, such as {name}>{_EXAMPLES[name]}")
    limit = float(match["number"]) * units[match["unit"].lower()]
    measure, compare = _NUMBERS[name], _OPS[op]
    return _Part(lambda task, now: bool(compare(measure(task, now), limit)), live=True)
