"""A task's conversation as lines of the screen: who said what, what was thought, and each tool with what it came to."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from orchestrator.core.progress import TaskProgress
from orchestrator.core.states import Status
from orchestrator.core.talk import Entry, Said, Talk, ToolUse
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.lines import Line, Span, gap
from orchestrator.tui.text import cash, clean, clean_lines, count, countdown, fit, plural, shorten, tenths

TOGGLE: Final = "talk:"
"""Begins the action of a line that unfolds what a tool was given and answered, or what the model is told to be."""

_STAMP: Final = 9
_WHO: Final = 10
_INDENT: Final = _STAMP + _WHO
_NAMES: Final = {"assistant": "model", "user": "task", "system": "system"}
_ROLES: Final = {"assistant": "strong", "user": "text", "system": "muted"}
_LONGEST: Final = 400
"""Lines of one text that are shown; the conversation's file has all of them."""


class Place(NamedTuple):
    """What the lines are drawn with: `opened` names what is unfolded."""

    cells: int
    glyphs: Glyphs
    opened: AbstractSet[str] = frozenset()

    @property
    def room(self) -> int:
        return max(20, self.cells - _INDENT - 1)


def talk_lines(talk: Talk, task: TaskProgress, now: float, place: Place) -> list[tuple[Line, str]]:
    """Return the lines of a conversation, each with what choosing it does."""
    lines: list[tuple[Line, str]] = [(_summary(talk, task, now), "")]
    if talk.dropped:
        lines.append(((gap(_INDENT), Span(f"{plural(talk.dropped, 'earlier part')} in the task's files", "muted")), ""))
    for entry in talk.entries:
        lines.extend(_entry(_broken_off(entry, task), now, place))
    return lines


def _broken_off(entry: Entry, task: TaskProgress) -> Entry:
    """Return the entry; a tool without a result ended with the attempt that used it."""
    if isinstance(entry, Said) or entry.result is not None:
        return entry
    ends = (one.ended for one in task.attempts if one.started <= entry.at and one.ended is not None)
    return entry._replace(ended=next((end for end in ends if end >= entry.at), None))


def _summary(talk: Talk, task: TaskProgress, now: float) -> Line:
    turns = sum(isinstance(entry, Said) and entry.role == "assistant" for entry in talk.entries)
    parts = [plural(turns, "turn"), plural(sum(isinstance(entry, ToolUse) for entry in talk.entries), "tool call")]
    if talk.read:
        parts.append(_fill(talk))
    if (speed := _speed(task, now)) is not None:
        parts.append(f"{speed:.0f} tokens/s")
    if task.tokens:
        cost = cash(task.cost_usd) if task.cost_usd is not None else "unpriced"
        parts.append(f"{count(task.input_tokens)} in, {count(task.output_tokens)} out, {cost}")
    return gap(1), Span("  ".join(parts), "muted")


def _fill(talk: Talk) -> str:
    """Return how much of what the model can read is used."""
    if not talk.window:
        return f"context {count(talk.read)}"
    return f"context {count(talk.read)} of {count(talk.window)} ({100 * talk.read / talk.window:.0f} %)"


def _speed(task: TaskProgress, now: float) -> float | None:
    """Return how many tokens a second the present attempt writes."""
    attempt = task.attempts[-1] if task.attempts else None
    if attempt is None or not attempt.output_tokens:
        return None
    seconds = (attempt.ended if attempt.ended is not None else now) - attempt.started
    return attempt.output_tokens / seconds if seconds > 0 else None


def _entry(entry: Entry, now: float, place: Place) -> Iterator[tuple[Line, str]]:
    match entry:
        case Said(role="system"):
            yield from _told(entry, place)
        case Said():
            yield from _said(entry, place)
        case ToolUse():
            yield from _used(entry, now, place)


# ── messages ────────────────────────────────────────────────────────────────────────────────────


def _said(entry: Said, place: Place) -> Iterator[tuple[Line, str]]:
    who = _NAMES.get(entry.role, entry.role)
    texts = [(line, "muted") for line in _wrapped(entry.thinking, place)]
    texts += [(line, _ROLES.get(entry.role, "text")) for line in _wrapped(entry.text, place)]
    for index, (text, role) in enumerate(texts):
        start = _stamped(entry.at, who, "tag.sys") if index == 0 else (gap(_INDENT),)
        yield (*start, Span(text, role)), ""


def _told(entry: Said, place: Place) -> Iterator[tuple[Line, str]]:
    """Yield what the model is told to be: its first line, and the others once it is unfolded."""
    lines, key = _wrapped(entry.text, place), f"system {entry.at}"
    if len(lines) < 2:
        yield from _said(entry, place)
        return
    is_open = key in place.opened
    yield _told_line(entry, lines, place, is_open=is_open), TOGGLE + key
    for line in lines if is_open else ():
        yield (gap(_INDENT + 2), Span(line, "muted")), ""


def _told_line(entry: Said, lines: list[str], place: Place, *, is_open: bool) -> Line:
    glyphs = place.glyphs
    fold, length = glyphs.opened if is_open else glyphs.closed, f" {plural(len(lines), 'line')}"
    room = place.room - len(length) - 2
    first = "" if is_open else lines[0]
    return *_stamped(entry.at, "system", "tag.sys"), Span(
        f"{fold} {fit(first, room, glyphs.ellipsis)}{length}", "muted"
    )


def _stamped(at: float, who: str, role: str) -> Line:
    return Span(fit(f" {tenths(at)}", _STAMP), "muted"), Span(fit(clean(who), _WHO), role)


def _wrapped(text: str, place: Place) -> list[str]:
    """Return harmless lines that fit."""
    if not text:
        return []
    lines = [part for line in clean_lines(text.strip("\n")) for part in _broken(line, place.room)]
    if len(lines) <= _LONGEST:
        return lines
    return [*lines[:_LONGEST], f"{place.glyphs.ellipsis} {plural(len(lines) - _LONGEST, 'more line')}"]


def _broken(line: str, room: int) -> list[str]:
    """Return the line in parts; it keeps its own indent, but not the space where it is broken."""
    first, *rest = textwrap.wrap(line, room, replace_whitespace=False, drop_whitespace=False) or [""]
    return [first, *(kept for part in rest if (kept := part.lstrip()))]


# ── tools ───────────────────────────────────────────────────────────────────────────────────────


def _used(entry: ToolUse, now: float, place: Place) -> Iterator[tuple[Line, str]]:
    is_open = entry.call in place.opened
    yield _call_line(entry, now, place, is_open=is_open), TOGGLE + entry.call
    if not is_open:
        return
    for line in _wrapped(entry.arguments, place):
        yield (gap(_INDENT + 2), Span(line, "secondary")), ""
    for line in _wrapped(entry.result or "", place):
        yield (gap(_INDENT + 2), Span(line, "bad" if entry.is_error else "text")), ""


def _call_line(entry: ToolUse, now: float, place: Place, *, is_open: bool) -> Line:
    glyphs = place.glyphs
    fold = glyphs.opened if is_open else glyphs.closed
    end, role = _end(entry, now, glyphs)
    room = place.room - len(end) - 4
    tool = shorten(clean(entry.tool), max(8, room // 2), glyphs.ellipsis)
    given = "" if is_open else shorten(clean(entry.arguments), room - len(tool), glyphs.ellipsis)
    return (
        *_stamped(entry.at, "tool", "secondary"),
        Span(f"{fold} ", "muted"),
        Span(f"{tool} ", "strong"),
        Span(fit(given, max(0, room - len(tool))), "muted"),
        Span(f" {end}", role),
    )


def _end(entry: ToolUse, now: float, glyphs: Glyphs) -> tuple[str, str]:
    took = countdown((entry.ended if entry.ended is not None else now) - entry.at)
    if entry.result is None:
        is_over = entry.ended is not None
        status, role = (Status.CANCELED, "muted") if is_over else (Status.RUNNING, "running.plain")
        return f"{glyphs.status[status]} {took}", role
    if entry.is_error:
        return f"{glyphs.status[Status.FAILED]} {took}", "bad"
    return f"{glyphs.status[Status.DONE]} {took}", "done.plain"


def talk_text(talk: Talk) -> str:
    """Return the whole conversation as text, to be copied."""
    return "\n".join(_text(entry) for entry in talk.entries)


def _text(entry: Entry) -> str:
    if isinstance(entry, Said):
        return f"{tenths(entry.at)} {_NAMES.get(entry.role, entry.role)}: {clean_text(entry.text)}"
    result = "" if entry.result is None else f"\n  {clean_text(entry.result)}"
    return f"{tenths(entry.at)} {clean(entry.tool)} {clean_text(entry.arguments)}{result}"


def clean_text(text: str) -> str:
    return "\n".join(clean_lines(text))
