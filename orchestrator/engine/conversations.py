"""What tasks and models say to each other: told as events, kept whole in files, shared where a flow says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from orchestrator.core.events import MessageSaid, ToolCalled, ToolReturned
from orchestrator.core.model import Message, ToolCall, ToolResult

if TYPE_CHECKING:
    from orchestrator.engine.attempt import Attempt
    from orchestrator.engine.hub import Hub
    from orchestrator.engine.node import Node

FILE: Final = "conversation"
LONGEST: Final = 16 << 10
"""Characters of one text that an event holds; the file has all of them."""


class Conversations:
    """Tells conversations, and remembers those that tasks of a group share."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._shared: dict[tuple[str, str], tuple[Message, ...]] = {}

    def say(self, attempt: Attempt, part: Message | ToolCall | ToolResult) -> None:
        task, number, text = attempt.task, attempt.number, self._text
        match part:
            case Message(role=role):
                self._keep(attempt, {"role": role, "text": part.text, "thinking": part.thinking})
                self._hub.emit(MessageSaid(task, number, role, text(part.text), text(part.thinking)))
            case ToolCall(id=call, tool=tool):
                written = part.written if part.arguments is None else json.dumps(part.arguments, ensure_ascii=False)
                self._keep(attempt, {"call": call, "tool": tool, "arguments": written})
                self._hub.emit(ToolCalled(task, number, text(call), text(tool), text(written)))
            case ToolResult(call=call, is_error=is_error):
                self._keep(attempt, {"call": call, "result": part.text, "is_error": is_error})
                self._hub.emit(ToolReturned(task, number, text(call), text(part.text), is_error))

    def _text(self, text: str) -> str:
        shown = self._hub.redactor.text(text)
        return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]} … ({len(shown):,} characters)"

    def _keep(self, attempt: Attempt, entry: dict[str, object]) -> None:
        line = json.dumps({"at": round(self._hub.now(), 3), **self._hub.redactor.fields(entry)}, ensure_ascii=False)
        self._hub.files.write(attempt.task, attempt.number, FILE, f"{line}\n")

    def recall(self, node: Node, name: str) -> tuple[Message, ...]:
        return self._shared.get((node.group.name, name), ())

    def remember(self, node: Node, name: str, messages: Sequence[Message]) -> None:
        self._shared[node.group.name, name] = (*self.recall(node, name), *messages)
