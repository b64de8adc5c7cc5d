"""A line of the screen before it has colours: spans of text, each with a role, and what a click on it does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from rich.cells import cell_len, set_cell_size

from orchestrator.tui.text import fit, fit_right


class Span(NamedTuple):
    """Text with a role; `action` is a command's id with an optional argument after a colon."""

    text: str
    role: str = "text"
    action: str = ""


Line: TypeAlias = tuple[Span, ...]


def width(line: Iterable[Span]) -> int:
    return sum(cell_len(span.text) for span in line)


def gap(cells: int) -> Span:
    return Span(" " * max(0, cells))


def left(text: str, cells: int, role: str, ellipsis: str) -> Span:
    """Return the text in exactly so many cells, the last one blank."""
    return Span(fit(text, cells - 1, ellipsis) + " ", role)


def right(text: str, cells: int, role: str) -> Span:
    return Span(fit_right(text, cells), role)


def spread(start: Line, end: Line, cells: int) -> Line:
    """Return one line with `end` at its right edge; where there is no room for both, the end stays."""
    room = cells - width(end) - 1
    kept = clip(start, room)
    return (*kept, gap(cells - width(kept) - width(end)), *end)


def clip(line: Line, cells: int) -> Line:
    """Return the spans that fit, the last one cut off."""
    kept: list[Span] = []
    for span in line:
        room = cells - width(kept)
        if room <= 0:
            break
        kept.append(span if cell_len(span.text) <= room else span._replace(text=set_cell_size(span.text, room)))
    return tuple(kept)


def plain(line: Iterable[Span]) -> str:
    return "".join(span.text for span in line).rstrip()
