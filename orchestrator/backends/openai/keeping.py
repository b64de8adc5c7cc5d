"""What compatible servers want back of their answers, which nobody else understands: kept as the seal of a thought.

DeepSeek and others want what the model thought in the field in which they told it, OpenRouter its `reasoning_details`,
and Gemini the `extra_content` of each tool call. Without them the next turn is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from orchestrator.core.model import Message, Thinking
from orchestrator.models.shapes import object_of, objects_of, parsed, text_of

FIELDS: Final = ("reasoning_content", "reasoning")
"""Where servers tell what a model thinks; some use both for the same."""

DETAILS: Final = "reasoning_details"
EXTRA: Final = "extra_content"

_GROWING: Final = frozenset({"text", "summary", "data"})
"""Fields of a detail that come bit by bit."""


class Keeper:
    """Gathers what an answer has of this while it comes. What is kept of a call is found by its place among them."""

    def __init__(self) -> None:
        self._field = ""
        self._details: list[dict[str, Any]] = []
        self._extras: dict[str, Any] = {}

    def field(self, name: str) -> None:
        self._field = self._field or name

    def details(self, told: object) -> None:
        for bit in objects_of(told):
            last = self._details[-1] if self._details else {}
            if last and (last.get("type"), last.get("index")) == (bit.get("type"), bit.get("index")):
                last.update(_grown(last, bit))
            else:
                self._details.append(dict(bit))

    def call(self, place: int, extra: object) -> None:
        if extra:
            self._extras[str(place)] = extra

    def seal(self) -> str:
        """Return all of it as a text; nothing where there is nothing to keep."""
        if not (self._field or self._details or self._extras):
            return ""
        kept = {"field": self._field, DETAILS: self._details, EXTRA: self._extras}
        return json.dumps({name: value for name, value in kept.items() if value}, ensure_ascii=False)


def _grown(last: Mapping[str, Any], bit: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in bit.items():
        if name in _GROWING:
            yield name, text_of(last.get(name)) + text_of(value)
        elif value is not None:
            yield name, value


def give_back(said: dict[str, Any], message: Message) -> None:
    """Put what was kept into the message in which it goes back; the seals of other APIs are none of ours."""
    for part in message.parts:
        kept = _unsealed(part.seal) if isinstance(part, Thinking) else {}
        if kept.get("field") in FIELDS:
            said[text_of(kept["field"])] = message.thinking
        if details := objects_of(kept.get(DETAILS)):
            said[DETAILS] = details
        for place, extra in object_of(kept.get(EXTRA)).items():
            _attach(said, place, extra)


def _attach(said: dict[str, Any], place: str, extra: object) -> None:
    calls = said.get("tool_calls", [])
    if place.isdecimal() and int(place) < len(calls):
        calls[int(place)][EXTRA] = extra


def _unsealed(seal: str) -> Mapping[str, Any]:
    try:
        kept = object_of(parsed(seal))
    except ValueError:
        return {}
    return kept if kept.keys() <= {"field", DETAILS, EXTRA} else {}
