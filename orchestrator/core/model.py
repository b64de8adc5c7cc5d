"""What is said to a model, and what it says: one shape for every API that talks to one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Final, Literal, NamedTuple, TypeAlias

from orchestrator.core.fact import fact
from orchestrator.core.flow import EMPTY, Json

Role: TypeAlias = Literal["user", "assistant", "system"]
"""Who says it. In a request what is said as the system stands apart; the results of tools are told by the user."""

Stop: TypeAlias = Literal["end", "tool_use", "length", "filter"]
"""Why an answer ended: it is complete, tools are to be used first, it became too long, it was held back."""

CHARACTERS_PER_TOKEN: Final = 4
"""How many characters a token is taken for where nobody has counted."""

LONGEST_TOOL_NAME: Final = 64
_UNUSABLE: Final = re.compile(r"[^A-Za-z0-9_-]")


class Usage(NamedTuple):
    """What one call used.

    `input_tokens` are all that were read: `cached_tokens` of them came from a cache, `stored_tokens` were written to
    one. `output_tokens` are all that were written, `reasoning_tokens` of them in thought. `cost_usd` is None where
    nobody has said what it cost.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    cached_tokens: int = 0
    stored_tokens: int = 0
    reasoning_tokens: int = 0


NO_USAGE: Final = Usage()


# ── what messages consist of ────────────────────────────────────────────────────────────────────


@fact
class Text:
    """Plain text."""

    text: str


@fact
class Media:
    """An image or a document; `data` is in base64."""

    media_type: str
    data: str
    name: str = ""


@fact
class Thinking:
    """What a model thought aloud. `seal` is what its API wants to get back untouched, where it wants that."""

    text: str
    seal: str = ""


@fact
class ToolCall:
    """A wish of the model. `arguments` is None where what it wrote is no JSON object; `written` is as it wrote it."""

    id: str
    tool: str
    arguments: Mapping[str, Json] | None
    written: str = ""


@fact
class ToolResult:
    """What came of a ToolCall, which `call` names."""

    call: str
    text: str
    is_error: bool = False


Part: TypeAlias = Text | Media | Thinking | ToolCall | ToolResult


@fact
class Message:
    """One message of a conversation."""

    role: Role
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """Return what is said in it, without thoughts and tools."""
        if len(self.parts) == 1 and isinstance(only := self.parts[0], Text):
            return only.text
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def thinking(self) -> str:
        return "".join(part.text for part in self.parts if isinstance(part, Thinking))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        return tuple(part for part in self.parts if isinstance(part, ToolCall))


def said(role: Role, text: str) -> Message:
    """Return a message of text alone."""
    return Message(role, (Text(text),))


# ── asking and answering ────────────────────────────────────────────────────────────────────────


@fact
class ToolSpec:
    """A tool that a model may use. The name has letters, digits, `_` and `-`; `schema` is that of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Json]


def usable_name(tool: str) -> str:
    """Return the name of a tool as models' servers take it; what a model wrote may be none of them."""
    return _UNUSABLE.sub("_", tool.replace(".", "__"))[:LONGEST_TOOL_NAME] or "_"


@fact
class ModelRequest:
    """One question to a model. `messages` come oldest first.

    `schema` is the JSON Schema of the answer that is wanted. `extra` holds fields for the API's own body.
    """

    messages: tuple[Message, ...]
    system: str | None = None
    model: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    schema: Mapping[str, Json] | None = None
    extra: Mapping[str, Json] = field(default_factory=lambda: EMPTY)

    @property
    def characters(self) -> int:
        """Return how long all of it is that a model reads."""
        told = sum(len(_read(part)) for message in self.messages for part in message.parts)
        offered = sum(len(tool.description) + len(str(tool.schema)) for tool in self.tools)
        return told + offered + len(self.system or "")

    @property
    def tokens(self) -> int:
        """Return about how many tokens that is, rounded up."""
        return -(-self.characters // CHARACTERS_PER_TOKEN)


def _read(part: Part) -> str:
    match part:
        case ToolCall():
            return part.tool + part.written
        case Media():
            return part.data
        case _:
            return part.text


@fact
class ModelAnswer:
    """What a model answered; a `stop` of `tool_use` asks for the results of its calls."""

    message: Message
    model: str
    stop: Stop = "end"
    usage: Usage = NO_USAGE

    @property
    def text(self) -> str:
        return self.message.text


class Allowance(NamedTuple):
    """What a server said is left of one of its limits: `unit` is `requests` or `tokens`; `reset` is in seconds."""

    unit: Literal["requests", "tokens"]
    limit: float | None
    left: float
    reset: float | None = None
