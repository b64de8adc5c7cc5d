"""A line of the screen before it has colours: spans of text, each with a role, and what a click on it does."""

from __future__ import annotations

import re
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
    return sum([len(span.text) if span.text.isascii() else cell_len(span.text) for span in line])


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


def shortened(line: Line, cells: int, ellipsis: str) -> Line:
    """Return the line in at most so many cells, with a sign at its end where that is not all."""
    return line if width(line) <= cells else (*clip(line, cells - len(ellipsis)), Span(ellipsis, "muted"))


def muted(line: Line) -> Line:
    """Return the line without the colours of its own."""
    return tuple(span._replace(role="muted") for span in line)


def difference(one: Line, other: Line) -> tuple[int, int]:
    """Return from which cell to which two lines differ; where one is longer, up to its end."""
    same = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    start, rest = width(one[:same]), (one[same:], other[same:])
    back = zip(reversed(rest[0]), reversed(rest[1]), strict=False)
    tail = next((place for place, (a, b) in enumerate(back) if a != b), min(map(len, rest)))
    before, after = (width(part[: len(part) - tail]) for part in rest)
    return start, start + before if before == after else max(width(one), width(other))


def standing_out(span: Span, patterns: Iterable[re.Pattern[str]]) -> Line:
    """Return the span in pieces: what the patterns find stands out."""
    found = sorted(match.span() for pattern in patterns for match in pattern.finditer(span.text))
    pieces: list[Span] = []
    place = 0
    for start, end in found:
        if end > max(place, start):
            begin = max(place, start)
            pieces += [span._replace(text=span.text[place:begin]), Span(span.text[begin:end], "found", span.action)]
            place = end
    return (*(piece for piece in pieces if piece.text), span._replace(text=span.text[place:]))


def plain(line: Iterable[Span]) -> str:
    return "".join(span.text for span in line).rstrip()
