"""The backends as a page shows them: where each breaker stands and stood, holds, checks, and what went wrong last."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from orchestrator.core.progress import BackendProgress
from orchestrator.core.states import BreakerState, Health, Reason, Status
from orchestrator.tui.health import breaker_words
from orchestrator.tui.lines import Line, Span, gap, width
from orchestrator.tui.pages import Look, PageLine, heading
from orchestrator.tui.subjects import Subject
from orchestrator.tui.text import clean, countdown, fit, shorten, tenths

_STATE: Final = 12
_FAILS: Final = 7
_STRIP: Final = 18
_NEXT: Final = 18
_HELD: Final = 6
_CHECK: Final = 15
_INDENT: Final = 6
_KEPT: Final = 12
"""Moves of a breaker that are shown."""

ROLES: Final = {
    BreakerState.CLOSED: "done",
    BreakerState.OPEN: "blocked",
    BreakerState.HALF_OPEN: "retry",
    BreakerState.TRIPPED: "blocked",
}
_WORST: Final = (BreakerState.CLOSED, BreakerState.HALF_OPEN, BreakerState.OPEN, BreakerState.TRIPPED)
_MARKS: Final = dict(zip(_WORST, "▁▄██", strict=True))
_MARKS_ASCII: Final = dict(zip(_WORST, "_=#!", strict=True))
_CHECKS: Final = {
    Health.HEALTHY: ("done", Status.DONE),
    Health.DEGRADED: ("warn", Status.RETRY),
    Health.UNHEALTHY: ("bad", Status.FAILED),
}


def breaker_lines(look: Look) -> Iterator[PageLine]:
    """Yield the section."""
    keys = f"{look.key('breaker.reset')} reset  {look.key('breaker.trip')} trip  {look.key('backend.check')} check now"
    yield heading("BACKENDS", keys if look.run.backends else "", look.cells)
    if not look.run.backends:
        yield (Span("   No backend: what runs here needs none.", "muted"),), ""
        return
    names = _names(look)
    yield _head(look, names), ""
    for backend in look.run.backends.values():
        subject = Subject("backend", backend.info.name).key
        yield _row(look, backend, names, subject), subject
        if subject in look.opened:
            yield from _details(look, backend)


def _names(look: Look) -> int:
    longest = max(len(clean(name)) for name in look.run.backends)
    return min(24 if look.is_wide else 16, max(10, longest)) + 2


def _head(look: Look, names: int) -> Line:
    words = [("STATE", _STATE), ("NAME", names), ("FAILS", _FAILS)]
    words += [("SINCE START", _STRIP)] if look.is_wide else []
    words += [("NEXT", _NEXT), ("HELD", _HELD)]
    words += [("CHECKED", _CHECK), ("LAST ERROR", 10)] if look.is_wide else []
    return (gap(3), *(Span(fit(word, cells), "muted") for word, cells in words))


def _row(look: Look, backend: BackendProgress, names: int, subject: str) -> Line:
    glyph, word, role = _state(look, backend)
    name = fit(clean(backend.info.name), names - 1, look.glyphs.ellipsis)
    row = (
        look.fold(subject),
        Span(f"{glyph} ", f"{role}.plain"),
        Span(word, role),
        gap(_STATE - 2 - len(word)),
        Span(f"{name} ", "text"),
        Span(fit(f"{backend.failures}/{backend.info.failure_threshold}", _FAILS), _fails_role(backend)),
        *(_history(look, backend, _STRIP - 2) if look.is_wide else ()),
        *((gap(2),) if look.is_wide else ()),
        Span(fit(next_words(backend, look.now), _NEXT, look.glyphs.ellipsis), "text"),
        *_held(look, backend),
        *(_check(look, backend) if look.is_wide else ()),
    )
    return (*row, _error(look, backend, look.cells - width(row))) if look.is_wide else row


def _error(look: Look, backend: BackendProgress, room: int) -> Span:
    return Span(shorten(clean(backend.last_error), room, look.glyphs.ellipsis), "muted")


def _fails_role(backend: BackendProgress) -> str:
    return "warn" if backend.failures else "muted"


def _state(look: Look, backend: BackendProgress) -> tuple[str, str, str]:
    """Return the glyph, the word and the role; a hold shows where the breaker itself lets calls through."""
    if backend.breaker is BreakerState.CLOSED and backend.held_for is not None:
        status = Status.QUOTA if backend.held_for is Reason.QUOTA else Status.LIMITED
        return look.glyphs.status[status], "quota" if status is Status.QUOTA else "held", status.value
    word = breaker_words(backend, look.now)[0]
    return look.glyphs.breaker[backend.breaker], word, ROLES[backend.breaker]


def next_words(backend: BackendProgress, now: float) -> str:
    """Return what the backend waits for, and for how long."""
    match backend.breaker:
        case BreakerState.OPEN:
            return "" if backend.until is None else f"probe in {countdown(backend.until - now)}"
        case BreakerState.TRIPPED:
            return "until you reset"
        case BreakerState.HALF_OPEN:
            return f"probe {backend.probes}/{backend.info.success_threshold}"
        case BreakerState.CLOSED:
            return hold_words(backend, now)


def hold_words(backend: BackendProgress, now: float) -> str:
    """Return how long the backend takes no calls, if it is held."""
    if backend.held_for is None:
        return ""
    return "until you act" if backend.held_until is None else f"for {countdown(backend.held_until - now)}"


def _held(look: Look, backend: BackendProgress) -> Line:
    name = backend.info.name
    number = look.census.held_at(name, Reason.BREAKER, Reason.QUOTA)
    number += look.census.held_at(name, Reason.RATE_LIMIT) if backend.held_for is Reason.RATE_LIMIT else 0
    return (Span(fit(str(number) if number else "-", _HELD), "circuit.plain" if number else "muted"),)


def _check(look: Look, backend: BackendProgress) -> Line:
    if backend.health is None or backend.checked is None:
        return (Span(fit("-", _CHECK), "muted"),)
    role, status = _CHECKS[backend.health.health]
    text = f"{look.glyphs.status[status]} {countdown(look.now - backend.checked)} ago"
    return (Span(fit(text, _CHECK), role),)


# ── history ─────────────────────────────────────────────────────────────────────────────────────


def _history(look: Look, backend: BackendProgress, cells: int) -> Line:
    """Return how the breaker stood since the run began: in each cell the worst of it."""
    marks = _MARKS_ASCII if look.ascii_only else _MARKS
    states = history(backend, look.now, cells)
    return tuple(
        Span(marks[state] * len(list(run)), "muted" if state is BreakerState.CLOSED else f"{ROLES[state]}.plain")
        for state, run in groupby(states)
    )


def history(backend: BackendProgress, now: float, cells: int) -> list[BreakerState]:
    """Return the worst state in each of so many equal parts of the time since the start."""
    width = max(now, 1.0) / cells
    worst = [BreakerState.CLOSED] * cells
    for begin, end, state in _stays(backend, now):
        for cell in range(min(cells - 1, int(begin / width)), min(cells - 1, int(end / width)) + 1):
            worst[cell] = max(worst[cell], state, key=_WORST.index)
    return worst


def _stays(backend: BackendProgress, now: float) -> Iterator[tuple[float, float, BreakerState]]:
    """Yield from when to when the breaker was in which state."""
    since, state = 0.0, backend.moves[0][1].from_ if backend.moves else backend.breaker
    for at, move in backend.moves:
        yield since, at, state
        since, state = at, move.to
    yield since, max(since, now), state


# ── unfolded ────────────────────────────────────────────────────────────────────────────────────


def _details(look: Look, backend: BackendProgress) -> Iterator[PageLine]:
    for label, text, role in _facts(look, backend):
        yield (
            (
                gap(_INDENT),
                Span(fit(label, 10), "muted"),
                Span(shorten(text, look.cells - 17, look.glyphs.ellipsis), role),
            ),
            "",
        )
    hidden = len(backend.moves) - _KEPT
    if hidden > 0:
        yield (gap(_INDENT), Span(f"{hidden} earlier moves", "muted")), ""
    for at, move in backend.moves[-_KEPT:]:
        arrow = look.glyphs.arrow
        words = f"{_word(move.from_)} {arrow} {_word(move.to)}"
        until = "" if move.until is None else f", probe at {tenths(move.until)}"
        role = f"{ROLES[move.to]}.plain"
        start = (gap(_INDENT), Span(f"{tenths(at):<10}", "muted"), Span(fit(words, 24), role))
        why = shorten(clean(move.why), look.cells - width(start) - len(until), look.glyphs.ellipsis)
        yield (*start, Span(why + until, "muted")), ""
    if not backend.moves:
        yield (gap(_INDENT), Span("breaker   it never opened", "muted")), ""


def _word(state: BreakerState) -> str:
    return state.value.replace("_", "-")


def _facts(look: Look, backend: BackendProgress) -> Iterator[tuple[str, str, str]]:
    info = backend.info
    share = f" ({100 * backend.failed // backend.calls}%)" if backend.calls else ""
    yield "calls", f"{backend.calls}, {backend.failed} failed{share}, {backend.in_use} now", "text"
    if backend.held_for is not None:
        word = backend.held_for.value.replace("_", " ")
        yield "hold", f"{word} {hold_words(backend, look.now)}: {clean(backend.held_why)}", "limited.plain"
    if backend.health is not None and backend.checked is not None:
        found = clean(backend.health.found)
        took, ago = countdown(backend.health.seconds), countdown(look.now - backend.checked)
        yield "check", f"{backend.health.health}, {found}; took {took}, {ago} ago", _CHECKS[backend.health.health][0]
    if info.limits:
        yield "limits", ", ".join(clean(limit) for limit in info.limits), "text"
    if backend.last_error:
        yield "error", clean(backend.last_error), "bad"
    rules = f"{info.failure_threshold} failures in a row open it, {info.success_threshold} good probes close it"
    yield "rules", f"{rules}, the first {countdown(info.reset_timeout)} later", "muted"
