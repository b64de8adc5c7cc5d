"""What a simulated model says next in a conversation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

from orchestrator.backends.simulated.declared import CallOfTool, SimulatedSettings
from orchestrator.core.flow import Json
from orchestrator.core.model import Message, ModelRequest, Part, Text, ToolCall
from orchestrator.core.samples import sample

ANSWER: Final = "A simulated answer."
TRIED: Final = 2
"""Tools that are tried in a conversation for which nothing is declared."""

NEEDS_A_PERSON: Final = "ask_operator"

Speak = Callable[[int | None], str | None]
"""Returns what is said in a turn, or, for None, what is answered otherwise; None if nothing is declared."""


def next_message(own: SimulatedSettings, request: ModelRequest, number: int, speak: Speak) -> Message:
    """Return what follows in the conversation. `number` tells calls, and with them the ids of tool calls, apart."""
    turn = sum(message.role == "assistant" for message in request.messages)
    if turn < len(own.turns):
        declared = own.turns[turn]
        calls = () if isinstance(declared, str) else declared.calls
        return _message(speak(turn) or "", [(_wire_name(call), dict(call.arguments)) for call in calls], number)
    if turn == 0 and not own.turns and request.tools:
        return _message("", _tries(request), number)
    return _message(speak(None) or _answer(request), [], number)


def _tries(request: ModelRequest) -> list[tuple[str, Mapping[str, Json]]]:
    """Return the first tools, each with what its schema accepts; none that a person would have to answer."""
    tools = [tool for tool in request.tools if tool.name != NEEDS_A_PERSON][:TRIED]
    samples = [(tool.name, sample(tool.schema)) for tool in tools]
    return [(name, given if isinstance(given, Mapping) else {}) for name, given in samples]


def _answer(request: ModelRequest) -> str:
    return ANSWER if request.schema is None else json.dumps(sample(request.schema), ensure_ascii=False)


def _wire_name(call: CallOfTool) -> str:
    return call.tool.replace(".", "__")


def _message(text: str, calls: list[tuple[str, Mapping[str, Json]]], number: int) -> Message:
    parts: list[Part] = [Text(text)] if text or not calls else []
    for index, (tool, arguments) in enumerate(calls, start=1):
        parts.append(ToolCall(f"call-{number}-{index}", tool, arguments, json.dumps(arguments, ensure_ascii=False)))
    return Message("assistant", tuple(parts))
