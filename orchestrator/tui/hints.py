"""The footer: the keys that do something here, the most needed first, as many as find room."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple

from orchestrator.tui.lines import Line, Span, gap, width

_SHORT: Final = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""What the terminal's driver calls the signs whose Unicode names are long."""


def _sign_name(sign: str) -> str:
    name = unicodedata.name(sign).lower().replace("-", "_").replace(" ", "_")
    return _SHORT.get(name, name)


SIGNS: Final = {_sign_name(sign): sign for sign in string.punctuation}
"""The signs of a keyboard by the names that the terminal's driver has for them."""

_NAMES: Final = SIGNS | {
    "escape": "esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "tab": "Tab",
    "shift+tab": "S-Tab",
    "space": "Space",
}


class Hint(NamedTuple):
    """One key and what it does."""

    key: str
    label: str
    command: str


def key_name(key: str) -> str:
    """Return a key as people write it: `?`, `^C`, `PgDn`."""
    if key.startswith("ctrl+") and len(key) == len("ctrl+x"):
        return "^" + key.removeprefix("ctrl+").upper()
    if _is_function_key(key):
        return key.upper()
    *modifiers, name = key.split("+")
    return _NAMES.get(key) or "+".join([*modifiers, _NAMES.get(name, name)])


def _is_function_key(key: str) -> bool:
    return key[0] == "f" and key[1:].isdigit()


def key_line(hints: Iterable[Hint], cells: int) -> Line:
    """Return the hints that find room; none is cut."""
    line: list[Span] = []
    for hint in hints:
        pair = [Span(key_name(hint.key), "key", hint.command), Span(f" {hint.label}", "muted", hint.command), gap(1)]
        if width(line) + width(pair) - 1 > cells:
            break
        line += pair
    return tuple(line)
