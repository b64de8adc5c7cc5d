"""The filter's small language: `state:failed g:scrape try>1 !word /regex/`, all of which must hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from operator import eq, ge, gt, le, lt
from typing import Final, NamedTuple

from orchestrator.core.progress import TaskProgress
from orchestrator.core.states import Reason, State, Status

Test = Callable[[TaskProgress, float], bool]


class FilterError(ValueError):
    """A filter that cannot be read; its text says why."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a task must be like to be shown. A `live` one may change its mind as the task moves on."""

    text: str = ""
    tests: tuple[Test, ...] = ()
    live: bool = False

    def __bool__(self) -> bool:
        return bool(self.tests)

    def matches(self, task: TaskProgress, now: float) -> bool:
        return all(test(task, now) for test in self.tests)


EVERYTHING: Final = Filter()


class _Part(NamedTuple):
    test: Test
    live: bool = False


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


def parse(text: str) -> Filter:
    """Read a filter; raises FilterError."""
    parts: list[_Part] = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None or match.end() == position:
            raise FilterError(f"cannot read {stripped[position:]!r}")
        parts.append(_part(match))
        position = match.end()
    return Filter(text.strip(), tuple(part.test for part in parts), any(part.live for part in parts))


def _part(match: re.Match[str]) -> _Part:
    if match["field"] is not None:
        part = _field(match["field"].lower(), match["op"], match["value"].strip('"'))
    elif match["regex"] is not None:
        part = _regex(match["regex"], closed=bool(match["closed"]))
    else:
        part = _word(match["word"] if match["word"] is not None else match["quoted"])
    return _not(part) if match["negated"] else part


def _not(part: _Part) -> _Part:
    return _Part(lambda task, now: not part.test(task, now), part.live)


def _word(word: str) -> _Part:
    wanted = word.lower()
    return _Part(lambda task, now: wanted in task.info.task.lower())  # noqa: ARG005 - a test's shape


def _regex(pattern: str, *, closed: bool) -> _Part:
    if not closed:
        raise FilterError("a regular expression ends with /")
    try:
        search = re.compile(pattern.replace("\\/", "/"), re.IGNORECASE).search
    except re.error as error:
        raise FilterError(f"bad regular expression: {error}") from error
    return _Part(lambda task, now: search(task.info.task) is not None)  # noqa: ARG005


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


def _group(value: str) -> _Part:
    wanted = value.lower()
    return _Part(lambda task, now: wanted in task.info.group.lower())  # noqa: ARG005


def _agent(value: str) -> _Part:
    wanted = value.lower()
    return _Part(lambda task, now: wanted in (task.backend or task.info.kind).lower(), live=True)  # noqa: ARG005


_TEXTS: Final[dict[str, Callable[[str], _Part]]] = {"state": _state, "g": _group, "group": _group, "agent": _agent}
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
