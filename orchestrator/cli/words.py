"""How numbers, times and foreign text are written for people. Nothing that comes out of here can steer a terminal."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Mapping
from typing import Final

_ESCAPES: Final = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?                               # CSI: colours, moves, erasing
  | (?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|\Z)  # OSC, DCS and their like, with their text
  | \x1b[ -/]*[0-~]?                                                # every other escape
    """,
    re.VERBOSE | re.DOTALL,
)
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Controls, hidden formatting such as bidi overrides, halves of pairs, and what no font is sure to have."""


class _Shown(dict[int, str | None]):
    """A translation table that fills itself: what of foreign text may reach a terminal."""

    def __missing__(self, point: int) -> str | None:
        character = chr(point)
        hidden = unicodedata.category(character) in _DROPPED and character != "\n"
        self[point] = None if hidden else character
        return self[point]


_SHOWN: Final = _Shown()


def clean(text: str) -> str:
    """Return foreign text without anything that a terminal would obey; its lines stay lines."""
    if text.isascii() and text.isprintable():
        return text
    return _ESCAPES.sub("", text).expandtabs(4).translate(_SHOWN)


def one_line(text: str) -> str:
    """Return foreign text as one clean line."""
    return " ".join(clean(" ".join(text.split())).split())


def cells(text: str) -> int:
    """Return how many columns the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clip(text: str, width: int, *, ellipsis: str = "…") -> str:
    """Return the text in at most so many columns."""
    if cells(text) <= width:
        return text
    left = width - len(ellipsis)
    kept = 0
    for character in text:
        left -= _cells(character)
        if left < 0:
            break
        kept += 1
    return (text[:kept] + ellipsis)[: max(0, width)]


def wrap(text: str, width: int) -> str:
    """Return the text broken between words, its further lines indented."""
    if cells(text) <= width:
        return text
    return "\n".join(textwrap.wrap(text, max(20, width), subsequent_indent=" " * 6, break_long_words=False))


def pad(text: str, width: int) -> str:
    """Return the text in exactly so many columns, unless it is longer."""
    return text + " " * (width - cells(text))


def clock(seconds: float) -> str:
    """Return a moment of a run: `04:12`, `1:04:12`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def span(seconds: float) -> str:
    """Return a length of time in the format's own notation: `80ms`, `1.2s`, `45s`, `1m30s`, `2h05m`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    return _long_span(round(seconds))


def _long_span(seconds: int) -> str:
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02}s" if seconds else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h{minutes:02}m" if minutes else f"{hours}h"
    days, hours = divmod(hours, 24)
    return f"{days}d{hours}h" if hours else f"{days}d"


_UNITS: Final[tuple[tuple[float, str], ...]] = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def amount(number: float) -> str:
    """Return a count in at most four figures: `950`, `48.9k`, `489k`, `1.2M`."""
    for size, unit in _UNITS:
        if number >= size:
            value = number / size
            return (f"{value:.1f}".removesuffix(".0") if value < 100 else f"{value:.0f}") + unit
    return f"{number:.0f}"


def money(dollars: float) -> str:
    """Return a sum of money: `$4.16`, and more figures where it would otherwise read as nothing."""
    return f"${dollars:,.2f}" if dollars == 0 or dollars >= 0.01 else f"${dollars:.4f}"


_ASCII: Final[Mapping[int, str]] = str.maketrans(
    {
        "✓": "+",
        "✗": "x",
        "◷": "t",
        "►": ">",
        "◌": "~",
        "⊘": "-",
        "■": "#",
        "…": "...",
        "→": "->",
        "←": "<-",
        "\N{MULTIPLICATION SIGN}": "x",
        "·": "-",
        "●": "*",
        "█": "#",
        "░": ".",
        "—": "-",
        "─": "-",
    }
)


def plain(text: str) -> str:
    """Return our own signs in ASCII, for terminals without Unicode."""
    return text.translate(_ASCII)
