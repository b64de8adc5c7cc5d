"""The strip under the tabs: breakers, limiters and budgets, as three boxes or as one line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from orchestrator.core.progress import BackendProgress, BudgetProgress
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, Status
from orchestrator.tui.bars import level_bar
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.lines import Line, Span, clip, gap, width
from orchestrator.tui.text import amount, bill, cash, clean, count, countdown, duration, fit, shorten

BOX_LINES: Final = 3
_BREAKER_ORDER: Final = (BreakerState.OPEN, BreakerState.TRIPPED, BreakerState.HALF_OPEN, BreakerState.CLOSED)
_BREAKER_ROLE: Final = {
    BreakerState.CLOSED: "done",
    BreakerState.OPEN: "blocked",
    BreakerState.HALF_OPEN: "retry",
    BreakerState.TRIPPED: "blocked",
}
_FULL: Final = 0.995


class Level(NamedTuple):
    """How full a limiter or a budget is. `words` say it in figures, `share` in parts of one."""

    name: str
    share: float
    words: str
    role: str
    note: str


# ── breakers ────────────────────────────────────────────────────────────────────────────────────


def breakers(run: Run) -> list[BackendProgress]:
    """Return the backends, those that are in trouble first."""
    return sorted(
        run.backends.values(),
        key=lambda backend: (_BREAKER_ORDER.index(backend.breaker), backend.held_for is None, -backend.failures),
    )


def breaker_words(backend: BackendProgress, now: float) -> tuple[str, str]:
    """Return the state's word, and what comes next."""
    info = backend.info
    match backend.breaker:
        case BreakerState.OPEN:
            return "OPEN", "" if backend.until is None else f"retry in {countdown(backend.until - now)}"
        case BreakerState.TRIPPED:
            return "TRIPPED", "until reset"
        case BreakerState.HALF_OPEN:
            return "half-open", f"probe {backend.probes}/{info.success_threshold}"
        case BreakerState.CLOSED:
            return "closed", f"{backend.failures}/{info.failure_threshold} fails"


def breaker_line(backend: BackendProgress, now: float, glyphs: Glyphs, cells: int, names: int) -> Line:
    word, after = breaker_words(backend, now)
    role = _BREAKER_ROLE[backend.breaker]
    if backend.held_for is not None:
        after = held_words(backend, now)
    start = (
        Span(f"{glyphs.breaker[backend.breaker]} ", f"{role}.plain"),
        Span(fit(clean(backend.info.name), names, glyphs.ellipsis) + " ", "text"),
        Span(word, role),
        gap(9 - len(word)),
    )
    role = "limited.plain" if backend.held_for is not None else "muted"
    return _ends(start, Span(after, role), cells, glyphs.ellipsis)


def held_words(backend: BackendProgress, now: float) -> str:
    """Return for how long a backend that is held takes no calls; without an end, a person has to act."""
    return "needs you" if backend.held_until is None else f"held {countdown(backend.held_until - now)}"


def _ends(start: Line, end: Span, cells: int, ellipsis: str) -> Line:
    room = max(0, cells - width(start) - 1)
    text = end.text if len(end.text) <= room else shorten(end.text.removeprefix("retry "), room, ellipsis)
    return clip((*start, gap(cells - width(start) - len(text)), end._replace(text=text)), cells)


# ── limiters ────────────────────────────────────────────────────────────────────────────────────


def limiters(run: Run) -> list[Level]:
    """Return every limiter, the run's own slots first, the fullest of the others before the rest."""
    return [_slots(run), *sorted(_backend_levels(run), key=lambda level: -level.share)]


def _slots(run: Run) -> Level:
    used = run.tally.counts[Status.RUNNING] + run.tally.counts[Status.STOPPING]
    return _limiter("task slots", used, run.max_concurrency)


def _backend_levels(run: Run) -> Iterator[Level]:
    for backend in run.backends.values():
        name = clean(backend.info.name)
        for gauge in backend.gauges:
            yield _limiter(f"{name} {clean(gauge.label)}", gauge.used, gauge.limit)


def _limiter(name: str, used: float, limit: float) -> Level:
    share = used / limit if limit else 0.0
    role = "limited" if share >= _FULL else "retry" if share >= 0.8 else "done"
    note = "FULL" if share >= _FULL else f"{share:.0%}"
    return Level(name, share, f"{_number(used)}/{_number(limit)}", role, note)


def _number(value: float) -> str:
    return count(value).replace(".0", "") if value >= 1000 else amount(value)


# ── budgets ─────────────────────────────────────────────────────────────────────────────────────


def budgets(run: Run, now: float) -> list[Level]:
    """Return every budget's units, the run's before those of groups and tasks."""
    return [level for budget in run.budgets.values() for level in _units(budget, run, now)]


def _units(budget: BudgetProgress, run: Run, now: float) -> Iterator[Level]:
    info = budget.info
    prefix = "" if info.name == "run" else f"{clean(info.name.partition(':')[2])} "
    if info.cost_usd is not None:
        yield _budget(f"{prefix}cost", budget.cost_usd, info.cost_usd, f"{cash(budget.cost_usd)}/{cash(info.cost_usd)}")
    if info.tokens is not None:
        yield _budget(f"{prefix}tokens", budget.tokens, info.tokens, f"{count(budget.tokens)}/{count(info.tokens)}")
    if info.time is not None:
        spent = run.ended if run.ended is not None else now
        yield _budget(f"{prefix}time", spent, info.time, f"{duration(spent)}/{duration(info.time)}")


def _budget(name: str, used: float, limit: float, words: str) -> Level:
    share = used / limit if limit else 1.0
    role = "failed" if share >= 0.9 else "retry" if share >= 0.75 else "done"
    return Level(name, share, words, role, "OVER" if share >= 1 else f"{share:.0%}")


# ── boxes ───────────────────────────────────────────────────────────────────────────────────────


def boxes(run: Run, now: float, cells: int, glyphs: Glyphs) -> list[Line]:
    """Return three boxes side by side, five lines high."""
    inner = [cells // 3 - 4, cells // 3 - 4, cells - 2 * (cells // 3) - 4]
    parts = [
        _breaker_box(run, now, inner[0], glyphs),
        _level_box("Limiters", limiters(run), inner[1], glyphs, "no limits"),
        _level_box("Budgets", budgets(run, now), inner[2], glyphs, _no_budget(run)),
    ]
    return [tuple(span for part in parts for span in part[row]) for row in range(BOX_LINES + 2)]


def _breaker_box(run: Run, now: float, cells: int, glyphs: Glyphs) -> list[Line]:
    shown = breakers(run)
    trouble = sum(backend.breaker in {BreakerState.OPEN, BreakerState.TRIPPED} for backend in shown)
    after = max([6, *(len(breaker_words(backend, now)[1].removeprefix("retry ")) for backend in shown[:BOX_LINES])])
    names = min(max([6, *(len(backend.info.name) for backend in shown[:BOX_LINES])]), max(6, cells - after - 13))
    lines = [breaker_line(backend, now, glyphs, cells, names) for backend in shown[:BOX_LINES]]
    note = f"{trouble} open" if trouble else ""
    return _box(
        _Title("Breakers", note, "blocked", len(shown)), lines or [(Span("no backends", "muted"),)], cells, glyphs
    )


def _level_box(title: str, levels: list[Level], cells: int, glyphs: Glyphs, nothing: str) -> list[Line]:
    shown = levels[:BOX_LINES]
    figures = max([5, *(len(level.words) for level in shown)])
    names = min(max([6, *(len(level.name) for level in shown)]), max(6, cells - figures - _NOTE - _BAR - 2))
    lines = [_level_line(level, cells, names, figures, glyphs) for level in shown]
    full = sum(level.note in {"FULL", "OVER"} for level in levels)
    note = f"{full} {'full' if title == 'Limiters' else 'over'}" if full else ""
    role = "limited" if title == "Limiters" else "failed"
    return _box(_Title(title, note, role, len(levels)), lines or [(Span(nothing, "muted"),)], cells, glyphs)


_NOTE: Final = 5
_BAR: Final = 4


def _level_line(level: Level, cells: int, names: int, figures: int, glyphs: Glyphs) -> Line:
    bar = max(_BAR, min(10, cells - names - figures - _NOTE - 2))
    line = (
        Span(_name(level.name, names, glyphs.ellipsis) + " ", "text"),
        *level_bar(level.share, bar, level.role, glyphs),
        Span(" " + fit(level.words, figures), "text"),
    )
    role = "over" if level.note == "OVER" else f"{level.role}.plain" if level.role != "done" else "muted"
    return _ends(line, Span(level.note, role), cells, glyphs.ellipsis)


def _name(name: str, cells: int, ellipsis: str) -> str:
    """Shorten a limiter's name before its last word, which says what is counted."""
    front, space, last = name.rpartition(" ")
    room = cells - len(last) - 1
    if len(name) <= cells or room < 4:
        return fit(name, cells, ellipsis)
    return fit(shorten(front, room, ellipsis) + space + last, cells, ellipsis)


def _no_budget(run: Run) -> str:
    tally = run.tally
    if not tally.tokens:
        return "no budget"
    return f"no budget  {count(tally.tokens)} tok  {bill(tally.cost_usd, tally.unpriced_tokens)}"


class _Title(NamedTuple):
    """What stands in a box's upper edge; `total` counts what it could show."""

    text: str
    note: str
    role: str
    total: int


def _box(title: _Title, lines: list[Line], cells: int, glyphs: Glyphs) -> list[Line]:
    top_left, top_right, low_right, low_left, flat, upright = glyphs.box
    more = f" {BOX_LINES} of {title.total} " if title.total > BOX_LINES else ""
    head = (
        Span(f"{top_left}{flat} ", "border"),
        Span(title.text, "strong"),
        Span(f"  {title.note}" if title.note else "", f"{title.role}.plain"),
        gap(1),
    )
    fill = Span(flat * max(0, cells + 3 - width(head) - len(more)), "border")
    top = (*head, fill, Span(more, "muted"), Span(top_right, "border"))
    side = Span(upright, "border")
    body = [(side, gap(1), *clip(line, cells), gap(cells + 1 - min(cells, width(line))), side) for line in lines]
    body += [(side, gap(cells + 2), side)] * (BOX_LINES - len(body))
    return [top, *body, (Span(low_left + flat * (cells + 2) + low_right, "border"),)]


# ── one line ────────────────────────────────────────────────────────────────────────────────────


def one_line(run: Run, now: float, cells: int, glyphs: Glyphs) -> Line:
    """Return what is in trouble, the fullest limiter and the budgets, in one line."""
    breakers, spent = tuple(_short_breakers(run, now, glyphs)), tuple(_short_budgets(run, now, glyphs))
    level = max(limiters(run), key=lambda level: level.share)
    full, short = (_joined((breakers, _short_limiter(level, name), spent), glyphs) for name in _names(level.name))
    line = full if width(full) <= cells else short
    return (*clip(line, cells), gap(cells - min(cells, width(line))))


def _names(name: str) -> tuple[str, str]:
    """Return a limiter's name, and what is left of it where room is short: what it counts."""
    return name, name.rpartition(" ")[2]


def _joined(parts: tuple[Line, ...], glyphs: Glyphs) -> Line:
    line: list[Span] = [gap(1)]
    for part in (part for part in parts if part):
        line += [Span(f" {glyphs.box[5]} ", "border"), *part] if len(line) > 1 else part
    return tuple(line)


def _short_limiter(level: Level, name: str) -> Line:
    full = (Span(" FULL", "limited.plain"),) if level.note == "FULL" else ()
    return (Span(f"{name} {level.words}", "text"), *full)


def _short_breakers(run: Run, now: float, glyphs: Glyphs) -> Iterator[Span]:
    shown = [backend for backend in breakers(run) if _is_troubled(backend)][:2]
    if not shown:
        yield from _all_closed(run, glyphs)
    for backend in shown:
        glyph, words, role = _short_state(backend, now, glyphs)
        yield Span(f"{glyph} ", f"{role}.plain")
        yield Span(shorten(clean(backend.info.name), 14, glyphs.ellipsis) + " ", "text")
        yield Span(words, role)
        yield gap(2 if backend is not shown[-1] else 0)


def _is_troubled(backend: BackendProgress) -> bool:
    return backend.breaker is not BreakerState.CLOSED or backend.held_for is not None


def _short_state(backend: BackendProgress, now: float, glyphs: Glyphs) -> tuple[str, str, str]:
    """Return the glyph, the words and the role of a backend in trouble."""
    if backend.breaker is BreakerState.CLOSED:
        return glyphs.status[Status.QUOTA], held_words(backend, now), "limited"
    word, after = breaker_words(backend, now)
    short = after.rpartition(" ")[2]
    words = f"{word} {short}" if backend.breaker is BreakerState.OPEN else short
    return glyphs.breaker[backend.breaker], words, _BREAKER_ROLE[backend.breaker]


def _all_closed(run: Run, glyphs: Glyphs) -> Iterator[Span]:
    if run.backends:
        yield Span(f"{glyphs.breaker[BreakerState.CLOSED]} ", "done.plain")
        yield Span("breakers closed", "muted")


def _short_budgets(run: Run, now: float, glyphs: Glyphs) -> Iterator[Span]:
    for index, level in enumerate(budgets(run, now)[:3]):
        role = f"{level.role}.plain" if level.role != "done" else "text"
        if index == 0:
            yield Span(f"{level.words.partition('/')[0]} ", "text")
            yield from level_bar(level.share, 5, level.role, glyphs)
            yield Span(f" {level.note}", role)
        else:
            yield Span(f" {level.name[:3]} {level.note}", role)
