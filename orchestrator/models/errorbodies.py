"""What servers put around an error: lists, an `error` field, JSON written as text; and what is inside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from orchestrator.core.flow import EMPTY

_DEPTH: Final = 4
"""How many wrappings are taken off: an error of a model, in one of a router, in one of a proxy, and one more."""

_READ: Final = 4_000
"""Characters of a message that are looked at; what is meant stands at its beginning."""


class Told(NamedTuple):
    """An error, taken apart. `status` is one that it gives itself, `codes` are its names for itself in lower case.

    `fields` are all that it has, `text` is its message.
    """

    status: int | None
    codes: frozenset[str]
    text: str
    fields: Mapping[str, Any]


def take_apart(error: object) -> Told:
    """Return what an error tells, which is given as data or as text."""
    fields = _innermost(error, _DEPTH)
    if fields is None:
        return Told(None, frozenset(), str(error)[:_READ], EMPTY)
    details = fields.get("details")
    named = [fields.get(key) for key in ("code", "status", "type", "reason")]
    named += [details.get("error_code")] if isinstance(details, Mapping) else []
    numbers = [code for code in named if isinstance(code, int) and 400 <= code < 600]
    codes = frozenset(code.lower() for code in named if isinstance(code, str))
    return Told(numbers[0] if numbers else None, codes, str(fields.get("message") or "")[:_READ], fields)


def data_in(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Return the object or the list that a text is as JSON, None where it is neither."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return data if isinstance(data, dict | list) else None


def _innermost(error: object, depth: int) -> Mapping[str, Any] | None:
    if isinstance(error, str):
        data = data_in(error)
        return None if data is None else _innermost(data, depth)
    if isinstance(error, Mapping):
        inner = _within(error) if depth else None
        return error if inner is None else _innermost(inner, depth - 1)
    if isinstance(error, Sequence) and error and depth:
        return _innermost(error[0], depth - 1)
    return None


def _within(error: Mapping[str, Any]) -> object:
    inner, message = error.get("error"), error.get("message")
    if isinstance(inner, Mapping):
        return inner
    if isinstance(inner, str) and message is None:
        return {**{key: value for key, value in error.items() if key != "error"}, "message": inner}
    return data_in(message) if isinstance(message, str) else None
