"""Bars made of characters that differ even without colours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orchestrator.core.progress import ENDED_BADLY, ENDED_WELL
from orchestrator.core.states import Status
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.lines import Line, Span

IDLE: Final = frozenset({Status.PENDING, Status.QUEUED})
NEVER_RAN: Final = frozenset({Status.SKIPPED, Status.CANCELED})


def shares(parts: list[int], cells: int) -> list[int]:
    """Return cells for each part: at least one for what is not nothing, and as many in all as there are cells."""
    total = sum(parts)
    if not total or not cells:
        return [0 for _ in parts]
    given = [max(1, round(part * cells / total)) if part else 0 for part in parts]
    while sum(given) != cells:
        step = 1 if sum(given) < cells else -1
        largest = max(
            range(len(parts)),
            key=lambda index: (given[index] > 1 or step > 0, step * _debt(index, parts, given, cells)),
        )
        given[largest] += step
    return given


def _debt(index: int, parts: list[int], given: list[int], cells: int) -> float:
    """Return how many cells a part has too few."""
    return parts[index] * cells / sum(parts) - given[index]


def progress_bar(counts: Mapping[Status, int], cells: int, glyphs: Glyphs) -> Line:
    """Return ended well, ended badly, never ran, active, left."""
    well = sum(counts[status] for status in ENDED_WELL)
    badly = sum(counts[status] for status in ENDED_BADLY)
    never = sum(counts[status] for status in NEVER_RAN)
    left = sum(counts[status] for status in IDLE)
    active = max(0, sum(counts.values()) - well - badly - never - left)
    given = shares([well, badly, never, active, left], cells)
    if not sum(given):
        return (Span(glyphs.bar_left * cells, "bar.left"),)
    marks = (glyphs.bar_ok, glyphs.bar_bad, glyphs.bar_over, glyphs.bar_active, glyphs.bar_left)
    roles = ("bar.ok", "bar.bad", "bar.over", "bar.active", "bar.left")
    return tuple(Span(mark * n, role) for mark, n, role in zip(marks, given, roles, strict=True) if n)


def level_bar(share: float, cells: int, role: str, glyphs: Glyphs) -> Line:
    """Return how full something is."""
    full = min(cells, max(0, round(share * cells)))
    if share > 0 and not full:
        full = 1
    return (Span(glyphs.bar_ok * full, f"bar.{role}"), Span(glyphs.bar_left * (cells - full), "bar.left"))
