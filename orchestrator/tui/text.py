"""How untrusted text becomes harmless, and how times, counts and money are written in few cells."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from rich.cells import cell_len, set_cell_size

TAB: Final = 4
LINE_LIMIT: Final = 4096
"""Characters of one line that are shown."""

_ESCAPES: Final = re.compile(
    r"""
    (?:\x1b\[|\x9b) [0-?]* [ -/]* [@-~]?              # CSI: colours, cursor, clearing
  | (?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]) .*? (?:\x07|\x1b\\|\x9c|\Z)   # OSC, DCS, SOS, PM, APC: titles, clipboard
  | \x1b [ -/]* [0-~]?                                # every other escape
    """,
    re.VERBOSE | re.DOTALL,
)
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Controls, invisible formatting (bidi overrides, joiners), surrogates, and what no font is sure to have."""


class _Harmless(dict[int, str | None]):
    """A translation table that fills itself: what may reach the terminal, character by character."""

    def __missing__(self, point: int) -> str | None:
        result = _harmless(chr(point))
        self[point] = result
        return result


def _harmless(char: str) -> str | None:
    if "\ufe00" <= char <= "\ufe0f":
        return None
    category = unicodedata.category(char)
    if category in {"Zl", "Zp"} or char in "\n\r\v\f\x85":
        return " "
    return None if category in _DROPPED else char


_TABLE: Final = _Harmless()


def clean(text: str) -> str:
    """Return the text as one line that cannot do anything to a terminal: no escapes, controls or hidden marks."""
    if text.isascii() and text.isprintable():
        return text[:LINE_LIMIT]
    text = _ESCAPES.sub("", text[: 4 * LINE_LIMIT])
    return text.rstrip("\r\n").expandtabs(TAB).translate(_TABLE)[:LINE_LIMIT]


def clean_lines(text: str) -> list[str]:
    """Return the text as harmless lines."""
    return [clean(line) for line in text.split("\n")]


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """Return the text in exactly so many cells, shortened at its end or padded."""
    length = len(text) if text.isascii() else cell_len(text)
    if length <= width:
        return text + " " * (width - length)
    return set_cell_size(text, max(0, width - len(ellipsis))) + ellipsis if width > 0 else ""


def fit_right(text: str, width: int) -> str:
    """Return the text at the right end of so many cells; numbers are never cut, they move their neighbours."""
    return " " * max(0, width - cell_len(text)) + text


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """Return the text in at most so many cells."""
    return fit(text, width, ellipsis).rstrip() if cell_len(text) > width else text


def duration(seconds: float) -> str:
    """Return `mm:ss`, from an hour on `h:mm:ss`."""
    whole = max(0, int(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes:02d}:{whole % 60:02d}"


def tenths(seconds: float) -> str:
    """Return `mm:ss.d`."""
    return f"{duration(seconds)}.{int(max(0.0, seconds) * 10) % 10}"


def countdown(seconds: float) -> str:
    """Return `1.2s` when it is near, `12s` to a minute and a half, then `m:ss`, then hours."""
    left = max(0.0, seconds)
    if left < 9.95:
        return f"{left:.1f}s"
    if left < 90:
        return f"{int(left + 0.5)}s"
    return (
        f"{int(left // 60)}:{int(left % 60):02d}"
        if left < 3600
        else f"{int(left // 3600)}h{int(left % 3600 // 60):02d}"
    )


def count(number: float) -> str:
    """Return `905`, `12.4k`, `412k`, `1.0M`."""
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size * 0.9995:
            return f"{number / size:.1f}{unit}" if number < 99.95 * size else f"{number / size:.0f}{unit}"
    return f"{number:.0f}"


def amount(number: float) -> str:
    """Return a plain number without a needless fraction."""
    return f"{number:.0f}" if number >= 1000 or number == int(number) else f"{number:.1f}"


def money(dollars: float) -> str:
    """Return `$3.42`, `$0.042`, `<$.001`."""
    if dollars <= 0:
        return "$0"
    if dollars < 0.001:
        return "<$.001"
    return f"${dollars:.3f}" if dollars < 0.9995 else f"${dollars:,.2f}"


def cash(dollars: float) -> str:
    """Return a sum of money in cents, `$0.67`; what is less than ten of them as `money` does."""
    return f"${dollars:,.2f}" if dollars >= 0.0995 or dollars <= 0 else money(dollars)


def bill(dollars: float, unpriced_tokens: int) -> str:
    """Return what was spent: `$0.67`, `$0.67+` where there is more that nobody can price, or `unpriced`."""
    if unpriced_tokens and not dollars:
        return "unpriced"
    return cash(dollars) + ("+" if unpriced_tokens else "")


def plural(number: int, one: str, many: str = "") -> str:
    """Return `1 task`, `2 tasks`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
