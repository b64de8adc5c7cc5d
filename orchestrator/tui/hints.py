"""The footer: the keys that do something here, the most needed first, as many as find room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from orchestrator.tui.lines import Line, Span, gap, width

_NAMES: Final = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "escape": "esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
    "shift+tab": "S-Tab",
    "left": "left",
    "f1": "F1",
    "space": "Space",
}


class Hint(NamedTuple):
    """One key and what it does."""

    key: str
    label: str
    command: str


def key_name(key: str) -> str:
    """Return a key as people write it: `?`, `^C`, `PgDn`."""
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+").upper()
    return _NAMES.get(key, key)


def key_line(hints: Iterable[Hint], cells: int) -> Line:
    """Return the hints that find room; none is cut."""
    line: list[Span] = []
    for hint in hints:
        pair = [Span(key_name(hint.key), "key", hint.command), Span(f" {hint.label}", "muted", hint.command), gap(1)]
        if width(line) + width(pair) - 1 > cells:
            break
        line += pair
    return tuple(line)
