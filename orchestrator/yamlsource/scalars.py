"""What an unquoted word means, by the core schema of YAML 1.2."""

from __future__ import annotations

import math
import re
from typing import Final

_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,300}").fullmatch
_BASED = re.compile(r"0o[0-7]{1,300}|0x[0-9a-fA-F]{1,300}").fullmatch
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?").fullmatch

MEANINGFUL: Final = frozenset("+-.0123456789~nNtTfF")
"""The characters that a word which is no text can begin with; an empty word is null."""


def plain(text: str) -> str | int | float | bool | None:
    """The value of an unquoted scalar. Numbers that JSON cannot hold stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] > "9":
        return text
    if _INTEGER(text):
        return int(text)
    if _BASED(text):
        return int(text, 0)
    if _FLOAT(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
