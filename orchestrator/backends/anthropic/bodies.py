"""What is posted to the messages API: a conversation in its blocks, and how it is to be answered."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final, Literal, TypeAlias

from orchestrator.backends.anthropic.schemas import PLAIN, Form
from orchestrator.core.errors import InputError
from orchestrator.core.flow import EMPTY, Json
from orchestrator.core.model import (
    Media,
    Message,
    ModelRequest,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    usable_name,
)
from orchestrator.models.shapes import object_of, parsed, text_of

Block: TypeAlias = dict[str, Any]
Effort: TypeAlias = Literal["low", "medium", "high", "xhigh", "max"]

CACHED: Final = {"type": "ephemeral"}
DEFAULT_MAX_TOKENS: Final = 4_096
NOT_AT_HAND: Final = "Not at hand any more."
LEAST_THINKING: Final = 1_024
LEAST_TOP_P: Final = 0.95
"""A model that thinks takes no smaller share of likely words, and no temperature but 1: anything else is a 400."""

_NOT_AN_ID: Final = re.compile(r"[^A-Za-z0-9_-]")
_CHOICES: Final = ("anyOf", "oneOf", "allOf")
_UNREADABLE: Final = "INVALID_JSON"
"""Under this name arguments are given back that were no JSON object, so that the model sees what it wrote."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a backend is asked, whatever is asked of it. `thinking` is in tokens, or True for the model's own choice."""

    streams: bool = True
    thinking: int | bool = False
    effort: Effort | None = None
    caches: bool = False
    extra: Mapping[str, Json] = field(default_factory=lambda: EMPTY)


def body(request: ModelRequest, model: str, longest: int, manner: Manner, form: Form = PLAIN) -> dict[str, Any]:
    """Return the request's body; `longest` is how many tokens the answer may have.

    A field of `extra` stands for ours of the same name; one that is null is left out. Raises InputError for what the
    API cannot be sent.
    """
    whole: dict[str, Any] = {
        "model": model,
        "max_tokens": longest,
        "system": _system(request.system, manner),
        "messages": _messages(request.messages, manner),
        "tools": _tools(request.tools or tuple(_used_before(request)), manner),
        "tool_choice": _tool_choice(form, manner, request),
        **_sampling(request, manner),
        "stop_sequences": [text for text in request.stop if text.strip()] or None,
        "thinking": _thinking(manner, longest),
        "output_config": _output_config(form, manner),
        "stream": manner.streams or None,
        **manner.extra,
        **request.extra,
    }
    return {name: value for name, value in whole.items() if value is not None}


# ── how it is to be answered ────────────────────────────────────────────────────────────────────


def _sampling(request: ModelRequest, manner: Manner) -> Block:
    """Return how freely it answers; of a model that thinks, what was meant for another backend is not asked."""
    temperature, top_p = request.temperature, request.top_p
    return {
        "temperature": None if manner.thinking and why_not(temperature, None) else temperature,
        "top_p": None if manner.thinking and why_not(None, top_p) else top_p,
    }


def why_not(temperature: object, top_p: object) -> tuple[str, str] | None:
    """Return the sampling that a model refuses while it thinks, and why; what a template comes to is not known."""
    if isinstance(temperature, int | float) and temperature != 1:
        return "temperature", f"is {temperature:g}, and a model that thinks takes no other than 1"
    if isinstance(top_p, int | float) and top_p < LEAST_TOP_P:
        return "top_p", f"is {top_p:g}, and a model that thinks takes {LEAST_TOP_P} to 1"
    return None


def _thinking(manner: Manner, longest: int) -> Block | None:
    if manner.thinking is False:
        return None
    if manner.thinking is True:
        return {"type": "adaptive", "display": "summarized"}
    if manner.thinking >= longest:
        raise InputError(
            f"thinking may take {manner.thinking:,} tokens, and with the answer only {longest:,} are allowed",
            hint="raise max_tokens above thinking, which is part of it",
        )
    return {"type": "enabled", "budget_tokens": manner.thinking}


def _output_config(form: Form, manner: Manner) -> Block | None:
    config = {"format": form.format, "effort": manner.effort}
    return {name: value for name, value in config.items() if value is not None} or None


def _tool_choice(form: Form, manner: Manner, request: ModelRequest) -> Block | None:
    """Force the answer where that is all there is to do; the API lets no one force a tool on a model that thinks."""
    if not request.tools:
        return {"type": "none"} if any(_used_before(request)) else None
    if form.tool is None or manner.thinking or len(request.tools) > 1:
        return None
    return {"type": "tool", "name": form.tool}


def _used_before(request: ModelRequest) -> Iterator[ToolSpec]:
    """Yield the tools that a conversation has used: the API refuses one that names none of its tools any more."""
    calls = (usable_name(call.tool) for message in request.messages for call in message.calls)
    yield from (ToolSpec(name, NOT_AT_HAND, EMPTY) for name in dict.fromkeys(calls))


def _tools(tools: tuple[ToolSpec, ...], manner: Manner) -> list[Block] | None:
    offered = [
        {"name": tool.name, "description": tool.description, "input_schema": _arguments(tool.schema)} for tool in tools
    ]
    return _with_cache(offered, manner) or None


def _arguments(schema: Mapping[str, Json]) -> Block:
    """Return the schema of a tool's arguments; alternatives at its top are refused, and checked by us anyway."""
    return {"type": "object", **{key: value for key, value in schema.items() if key not in _CHOICES}}


def _system(text: str | None, manner: Manner) -> str | list[Block] | None:
    if not text or not text.strip():
        return None
    return _with_cache([{"type": "text", "text": text}], manner) if manner.caches else text


def _with_cache(blocks: list[Block], manner: Manner) -> list[Block]:
    """Mark the last of them: all up to it is kept by the server for the next request that begins alike."""
    if manner.caches and blocks:
        blocks[-1] = {**blocks[-1], "cache_control": CACHED}
    return blocks


# ── conversations ───────────────────────────────────────────────────────────────────────────────


def _messages(messages: tuple[Message, ...], manner: Manner) -> list[Block]:
    turns: list[Block] = []
    for role, together in groupby(messages, key=lambda message: message.role):
        blocks = [block for message in together for part in message.parts for block in _blocks(part)]
        if role == "user":
            blocks.sort(key=lambda block: block["type"] != "tool_result")  # the API wants results first
        if blocks:
            turns.append({"role": role, "content": blocks})
    if turns and turns[-1]["role"] == "user":
        _with_cache(turns[-1]["content"], manner)
    elif turns:
        _trim(turns[-1]["content"])
    return turns


def _trim(blocks: list[Block]) -> None:
    """Take the white space off the end: the API refuses an answer to be continued that ends in some."""
    if blocks[-1]["type"] == "text":
        blocks[-1] = {**blocks[-1], "text": blocks[-1]["text"].rstrip()}


def _blocks(part: Part) -> Iterator[Block]:
    match part:
        case Text(text=text):
            if text.strip():  # the API refuses empty ones
                yield {"type": "text", "text": text}
        case Media():
            yield _media(part)
        case Thinking():
            yield from _thought(part)
        case ToolCall():
            yield {"type": "tool_use", "id": _id(part.id), "name": usable_name(part.tool), "input": _input(part)}
        case ToolResult():
            yield _result(part)


def _media(media: Media) -> Block:
    kind = media.media_type.partition(";")[0].strip().lower()
    source = {"type": "base64", "media_type": kind, "data": media.data}
    if kind.startswith("image/"):
        return {"type": "image", "source": source}
    if kind.startswith("text/"):
        source = {"type": "text", "media_type": "text/plain", "data": _text(media)}
    elif kind != "application/pdf":
        raise InputError(
            f"{media.name or 'a file'} is {kind}, which the API does not read", hint="send images, PDF or text"
        )
    return {"type": "document", "source": source, **({"title": media.name} if media.name else {})}


def _text(media: Media) -> str:
    try:
        return base64.b64decode(media.data).decode("utf-8", "replace")
    except binascii.Error as error:
        raise InputError(f"{media.name or 'a file'} is no base64: {error}") from error


def _thought(part: Thinking) -> Iterator[Block]:
    """Give back what the API itself had sealed; thoughts of others mean nothing to it."""
    match unsealed(part.seal):
        case {"type": "thinking", "signature": signature}:
            yield {"type": "thinking", "thinking": part.text, "signature": signature}
        case {"type": "redacted_thinking", "data": data}:
            yield {"type": "redacted_thinking", "data": data}
        case _:
            pass


def _input(call: ToolCall) -> Mapping[str, Json]:
    return {_UNREADABLE: call.written} if call.arguments is None else call.arguments


def _result(result: ToolResult) -> Block:
    # An error without a word is refused.
    text = result.text or ("error" if result.is_error else "")
    block: Block = {"type": "tool_result", "tool_use_id": _id(result.call), "content": text}
    return {**block, "is_error": True} if result.is_error else block


def _id(written: str) -> str:
    """Return the id of a call with the characters that the API allows; another API may have chosen it."""
    return _NOT_AN_ID.sub("_", written)


# ── seals ───────────────────────────────────────────────────────────────────────────────────────


def seal(**fields: str) -> str:
    """Return what of a thought is to be given back besides its text."""
    return json.dumps(fields)


def unsealed(written: str) -> Mapping[str, str]:
    """Return what was sealed; what another API sealed is not of this form."""
    try:
        kept = object_of(parsed(written)) if written else EMPTY
    except ValueError:
        return EMPTY
    return {name: text_of(value) for name, value in kept.items()}
