"""Limiters and budgets as a page shows them: how full, how they went, what waits there, when they are used up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from orchestrator.core.progress import BudgetProgress
from orchestrator.core.run import Run
from orchestrator.core.states import Reason, RunState
from orchestrator.tui.bars import level_bar
from orchestrator.tui.lines import Line, Span, gap
from orchestrator.tui.pages import Look, PageLine, heading
from orchestrator.tui.subjects import Limiter, Subject, limiters
from orchestrator.tui.text import amount, bill, cash, clean, count, countdown, duration, fit, plural
from orchestrator.tui.trends import spark

_FULL: Final = 0.995
_CURVE: Final = 24
_FIGURES: Final = 17
_NOTE: Final = 6
_QUEUE: Final = 23
_BURN: Final = 28


class _Measures(NamedTuple):
    """How wide names and bars are: alike in both sections, so that they stand below each other."""

    names: int
    bar: int


def _measures(look: Look) -> _Measures:
    labels = [limiter.label for limiter in limiters(look.run)]
    labels += [unit.label for budget in look.run.budgets.values() for unit in units(look, budget)]
    names = min(26 if look.is_wide else 20, max([12, *(len(clean(label)) for label in labels)])) + 1
    rest = _CURVE + 2 + _QUEUE if look.is_wide else _BURN
    return _Measures(names, max(8, min(40, look.cells - 3 - names - _FIGURES - _NOTE - rest)))


def figure(value: float) -> str:
    return count(value).replace(".0", "") if value >= 1000 else amount(value)


# ── limiters ────────────────────────────────────────────────────────────────────────────────────


def limiter_lines(look: Look) -> Iterator[PageLine]:
    """Yield the section."""
    note = f"{look.key('limit.raise')} {look.key('limit.lower')} change how many run at once"
    yield heading("LIMITS", note, look.cells)
    measures = _measures(look)
    for limiter in limiters(look.run):
        yield _limiter_row(look, limiter, measures), limiter.subject.key


def _limiter_row(look: Look, limiter: Limiter, measures: _Measures) -> Line:
    full = limiter.limit is not None and limiter.share >= _FULL
    role = "limited" if full else "retry" if limiter.share >= 0.8 else "done"
    limit = "any" if limiter.limit is None else figure(limiter.limit)
    note = "FULL" if full else f"{limiter.share:.0%}" if limiter.limit else ""
    curve = spark(look.trends.levels(limiter.subject, _CURVE), ascii_only=look.ascii_only)
    return (
        gap(3),
        Span(fit(clean(limiter.label), measures.names - 1, look.glyphs.ellipsis) + " ", "text"),
        *level_bar(limiter.share, measures.bar, role, look.glyphs),
        Span(" " + fit(f"{figure(limiter.used)}/{limit}", _FIGURES - 1), "text"),
        Span(fit(note, _NOTE), "limited" if full else "muted"),
        *((Span(f"{curve:>{_CURVE}}  ", "secondary"),) if look.is_wide else ()),
        Span("  ".join(_queue(look, limiter, full=full)), "limited.plain"),
    )


def _queue(look: Look, limiter: Limiter, *, full: bool) -> Iterator[str]:
    """Yield how many wait there, and when the next finds room."""
    waiting = look.census.held_at(limiter.gate, limiter.reason)
    if waiting and (full or limiter.reason is Reason.SLOT):
        yield f"{waiting} waiting"
    if full and limiter.next_free is not None and limiter.next_free > look.now:
        yield f"next {countdown(limiter.next_free - look.now)}"


# ── budgets ─────────────────────────────────────────────────────────────────────────────────────


class Unit(NamedTuple):
    """One unit of a budget: `rate` is what is spent of it in a second."""

    subject: Subject
    label: str
    used: float
    reserved: float
    limit: float
    rate: float

    @property
    def share(self) -> float:
        return self.used / self.limit if self.limit else 1.0

    def words(self, value: float) -> str:
        """Return an amount of it as people write it."""
        return {"cost_usd": cash, "tokens": count, "time": duration}[self.subject.unit](value)


def budget_lines(look: Look) -> Iterator[PageLine]:
    """Yield the section."""
    found = [unit for budget in look.run.budgets.values() for unit in units(look, budget)]
    yield heading("BUDGETS", f"{look.key('limit.raise')} raise" if found else "", look.cells)
    measures = _measures(look)
    if not found:
        yield (Span(f"   No budget: {_spent(look.run)} so far.", "muted"),), ""
    for unit in found:
        yield _unit_row(look, unit, measures), unit.subject.key
    yield from _exceeded(look, measures.names)
    yield from _retries(look, measures.names)


def units(look: Look, budget: BudgetProgress) -> Iterator[Unit]:
    """Yield the units of a budget that have a limit."""
    info, now = budget.info, look.now
    kind, _, name = info.name.partition(":")
    prefix = "" if kind == "run" else f"{clean(name)} "
    reserved = {"cost_usd": budget.reserved_cost_usd, "tokens": budget.reserved_tokens, "time": 0.0}
    spent = {"cost_usd": budget.cost_usd, "tokens": budget.tokens, "time": now}
    for unit, limit in (("cost_usd", info.cost_usd), ("tokens", info.tokens), ("time", info.time)):
        if limit is not None:
            rate = 1.0 if unit == "time" else look.trends.rate(info.name, unit, spent[unit], now)
            label = f"{prefix}{unit.removesuffix('_usd')}"
            yield Unit(Subject("budget", info.name, unit), label, spent[unit], reserved[unit], limit, rate)


def _unit_row(look: Look, unit: Unit, measures: _Measures) -> Line:
    role = "failed" if unit.share >= 0.9 else "retry" if unit.share >= 0.75 else "done"
    over = unit.share >= 1
    return (
        gap(3),
        Span(fit(unit.label, measures.names - 1, look.glyphs.ellipsis) + " ", "text"),
        *_two_part_bar(look, unit, role, measures.bar),
        Span(" " + fit(f"{unit.words(unit.used)}/{unit.words(unit.limit)}", _FIGURES - 1), "text"),
        Span(
            "OVER" if over else f"{unit.share:.0%}", "over" if over else f"{role}.plain" if role != "done" else "muted"
        ),
        gap(_NOTE - 4 if over else _NOTE - len(f"{unit.share:.0%}")),
        Span("  ".join(_burn(look, unit)), "muted"),
    )


def _two_part_bar(look: Look, unit: Unit, role: str, cells: int) -> Line:
    """Return what is spent, then what calls under way may spend, then what is left."""
    spent = level_bar(unit.share, cells, role, look.glyphs)
    taken = len(spent[0].text)
    more = (
        min(cells - taken, round(unit.reserved / unit.limit * cells) or (1 if unit.reserved else 0))
        if unit.limit
        else 0
    )
    left = cells - taken - more
    return spent[0], Span(look.glyphs.bar_active * more, f"bar.{role}"), Span(look.glyphs.bar_left * left, "bar.left")


def _burn(look: Look, unit: Unit) -> Iterator[str]:
    """Yield what is reserved, how fast it is spent, and when it will be used up."""
    if unit.reserved > 0 and look.is_wide:
        yield f"+{unit.words(unit.reserved)} reserved"
    over = look.run.state is RunState.FINISHED
    if unit.subject.unit != "time" and unit.rate > 0:
        yield f"{unit.words(unit.rate * 60)}/min"
    left = unit.limit - unit.used
    if unit.rate > 0 and left > 0 and not over:
        yield f"used up in {duration(left / unit.rate)}"


def _spent(run: Run) -> str:
    tally = run.tally
    return f"{count(tally.tokens)} tokens, {bill(tally.cost_usd, tally.unpriced_tokens)}"


def _exceeded(look: Look, names: int) -> Iterator[PageLine]:
    for name, budget in look.run.budgets.items():
        if budget.exceeded:
            waiting = look.census.held_at(name, Reason.BUDGET)
            who = f"{plural(waiting, 'task')} wait{'s' if waiting == 1 else ''} for more; " if waiting else ""
            label = "" if name == "run" else f"{clean(name)}: "
            yield (gap(3 + names), Span(f"{label}{who}{clean(budget.exceeded)}", "warn")), ""


def _retries(look: Look, names: int) -> Iterator[PageLine]:
    retries = look.census.retries
    if retries:
        where = ", ".join(f"{clean(group)} {number}" for group, number in retries.most_common(5))
        text = f"{sum(retries.values())}  {where}"
        yield (gap(3), Span(fit("retries", names), "text"), Span(text, "retry.plain")), ""
