"""Foreign JSON, read without trust: whatever is not of the shape that was hoped for is taken as absent."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_core import from_json

from orchestrator.core.flow import EMPTY

NOTHING: Final[Mapping[str, Any]] = EMPTY


_BLANK: Final = " \t\n\r"
_NUMBERS: Final = (int, float)


def parsed(text: str | bytes) -> Any:  # noqa: ANN401 - any JSON there is
    """Return what the JSON says. Raises ValueError where it is none."""
    try:
        return from_json(text, cache_strings="keys")  # in less than half of json's time
    except (ValueError, TypeError):
        return _patiently_parsed(text)


def _patiently_parsed(text: str | bytes) -> Any:  # noqa: ANN401 - as above
    """Read what some servers send and the quick reader refuses: halves of characters, marks, other ways to write text.

    Of what is no JSON at all, `json` says better what is wrong.
    """
    try:
        return json.loads((text if isinstance(text, str) else _decoded(text)).strip(_BLANK))
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _decoded(raw: bytes) -> str:
    # What begins with a brace and no zero byte is UTF-8: the other ways of writing JSON have zeros there, or marks.
    is_plain = raw[:1] == b"{" and raw[1:2] != b"\0"
    return raw.decode("utf-8" if is_plain else json.detect_encoding(raw), "surrogatepass")


def object_of(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else NOTHING


def objects_of(value: object) -> Sequence[Mapping[str, Any]]:
    """Return the objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def first_of(value: object) -> Mapping[str, Any]:
    """Return the first thing in a list, if it is an object."""
    return object_of(value[0]) if isinstance(value, list) and value else NOTHING


def text_of(value: object) -> str:
    return value if isinstance(value, str) else ""


def count_of(value: object) -> int:
    """Return a number of tokens; what is no such number counts nothing."""
    return max(int(value), 0) if isinstance(value, _NUMBERS) and -1e15 < value < 1e15 else 0
