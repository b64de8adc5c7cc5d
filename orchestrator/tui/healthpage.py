"""The whole page of Health: degradation, backends, limits, budgets, isolation."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.tui.breakers import breaker_lines
from orchestrator.tui.capacity import budget_lines, limiter_lines
from orchestrator.tui.isolation import isolation_lines
from orchestrator.tui.lines import Span, gap
from orchestrator.tui.pages import NOTHING, Look, PageLine
from orchestrator.tui.text import clean


def health_lines(look: Look) -> list[PageLine]:
    """Return all of it, as long as it may be."""
    if look.run.started is None:
        return [((Span(" Preparing the run", "muted"),), "")]
    return list(_sections(look))


def _sections(look: Look) -> Iterator[PageLine]:
    yield from _level(look)
    yield from breaker_lines(look)
    yield NOTHING
    yield from limiter_lines(look)
    yield NOTHING
    yield from budget_lines(look)
    yield NOTHING
    yield from isolation_lines(look)


def _level(look: Look) -> Iterator[PageLine]:
    """Say how much of the flow is done, once that was ever less than all of it."""
    level = look.run.level
    if level is None:
        return
    role = "ok" if level.level == "full" else "warn"
    yield (Span(" DEGRADATION  ", "title"), Span(clean(level.level), role), gap(2), Span(clean(level.why), "muted")), ""
    yield NOTHING
