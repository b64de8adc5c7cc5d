"""The API of chat completions: how a request is written, and how its answers are read."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any, Final

from orchestrator.backends.openai.keeping import DETAILS, EXTRA, FIELDS, Keeper, give_back
from orchestrator.backends.openai.writing import (
    Manner,
    arguments,
    as_text,
    completed,
    data_url,
    file_name,
    result,
    schema_format,
)
from orchestrator.core.errors import UpstreamError
from orchestrator.core.model import (
    Media,
    Message,
    ModelRequest,
    Part,
    Stop,
    Text,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    usable_name,
)
from orchestrator.models.building import Delta, Draft, arguments_of, written
from orchestrator.models.faults import unreadable
from orchestrator.models.shapes import count_of, first_of, object_of, objects_of, text_of

PATH: Final = "chat/completions"


# ── asking ──────────────────────────────────────────────────────────────────────────────────────


def body(request: ModelRequest, manner: Manner) -> dict[str, Any]:
    """Return what is posted."""
    limit = "max_completion_tokens" if manner.is_original else "max_tokens"
    written: dict[str, Any] = {
        "model": request.model or manner.model,
        "messages": list(_messages(request, manner)),
        "temperature": request.temperature,
        "top_p": request.top_p,
        limit: request.max_tokens or manner.max_tokens,
        "stop": list(request.stop) or None,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "response_format": _format(request),
        "stream": manner.streams or None,
        "stream_options": {"include_usage": True} if manner.streams else None,
    }
    return completed(written, manner.extra, request.extra)


def _format(request: ModelRequest) -> dict[str, Any] | None:
    if request.schema is None:
        return None
    return {"type": "json_schema", "json_schema": schema_format(request.schema)}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    described = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
    return {"type": "function", "function": described}


def _messages(request: ModelRequest, manner: Manner) -> Iterator[dict[str, Any]]:
    if request.system:
        yield {"role": "system", "content": request.system}
    for message in request.messages:
        yield from [_answered(message, manner)] if message.role == "assistant" else _told(message)


def _answered(message: Message, manner: Manner) -> dict[str, Any]:
    said: dict[str, Any] = {"role": "assistant", "content": message.text}
    if message.calls:
        said["content"] = message.text or None
        said["tool_calls"] = [_call(call) for call in message.calls]
    if not manner.is_original:
        give_back(said, message)
    return said


def _call(call: ToolCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": usable_name(call.tool), "arguments": arguments(call)},
    }


def _told(message: Message) -> Iterator[dict[str, Any]]:
    """Yield the results of tools, each as a message of its own, and then what else the user says."""
    for part in message.parts:
        if isinstance(part, ToolResult):
            yield {"role": "tool", "tool_call_id": part.call, "content": result(part)}
    rest = [part for part in message.parts if isinstance(part, Text | Media)]
    if all(isinstance(part, Text) for part in rest):
        if rest:
            yield {"role": "user", "content": message.text}
        return
    yield {"role": "user", "content": [_content(part) for part in rest]}


def _content(part: Part) -> dict[str, Any]:
    if not isinstance(part, Media):
        return {"type": "text", "text": part.text if isinstance(part, Text) else ""}
    if (text := as_text(part)) is not None:
        return {"type": "text", "text": text}
    kind = part.media_type.partition("/")
    if kind[0] == "image":
        return {"type": "image_url", "image_url": {"url": data_url(part)}}
    if kind[0] == "audio":
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": kind[2].removeprefix("x-")}}
    return {"type": "file", "file": {"filename": file_name(part), "file_data": data_url(part)}}


# ── reading ─────────────────────────────────────────────────────────────────────────────────────

STOPS: Final[Mapping[str, Stop]] = {
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "tool_use": "tool_use",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "filter",
    "refusal": "filter",
    "safety": "filter",
}
"""How an answer can end; any other word means that it is complete."""

BROKEN: Final = frozenset({"error", "abort", "network_error", "insufficient_system_resource"})
"""Ends that are none: the server gave up."""


class Reader:
    """Reads an answer of the API. Its parts have the keys `think`, `say` and a number for each call."""

    def __init__(self, request: ModelRequest, model: str) -> None:
        self.draft = Draft(request, model)
        self._keeper = Keeper()
        self._slots: dict[object, int] = {}
        self._last: int = -1

    def whole(self, body: Mapping[str, Any]) -> None:
        choice = first_of(body.get("choices"))
        if not choice:
            raise unreadable("the answer has no choices")
        self._common(body)
        for _ in self._added(object_of(choice.get("message"))):
            pass  # it is told as a whole
        self._ended(choice.get("finish_reason"))
        self._seal()

    def event(self, name: str, body: Mapping[str, Any]) -> Iterable[Delta]:
        del name  # events of this API have none
        self._common(body)
        choice = first_of(body.get("choices"))
        said = object_of(choice.get("delta"))
        text = said.get("content")
        if len(said) == 1 and text and isinstance(text, str):  # nearly all that comes is that
            deltas = [self.draft.say("say", text)]
        else:
            deltas = list(self._added(said))
        if (reason := choice.get("finish_reason")) is not None:
            self._ended(reason)
        return deltas

    def _common(self, body: Mapping[str, Any]) -> None:
        model, usage = body.get("model"), body.get("usage")
        if model and isinstance(model, str):
            self.draft.model = model
        if usage and isinstance(usage, dict):
            self.draft.usage = usage_of(usage)

    def _ended(self, reason: object) -> None:
        if not isinstance(reason, str) or not reason:
            return
        if reason.lower() in BROKEN:
            raise UpstreamError(f"the server gave up in the middle of the answer ({reason})")
        # A refusal was seen before; that the answer is complete does not undo it.
        if self.draft.stop != "filter":
            self.draft.stop = STOPS.get(reason.lower(), "end")
        self._seal()

    def _seal(self) -> None:
        if seal := self._keeper.seal():
            self.draft.seal("think", seal)

    # ── what is added ──

    def _added(self, said: Mapping[str, Any]) -> Iterator[Delta]:
        """Add what a message, or a bit of one, says."""
        for name in FIELDS:
            if isinstance(thought := said.get(name), str):
                self._keeper.field(name)
                yield self.draft.think("think", thought)
                break
        if DETAILS in said:
            self._keeper.details(said[DETAILS])
        content = said.get("content")
        if isinstance(content, str):
            if content:
                yield self.draft.say("say", content)
        else:
            yield from self._mixed(content)
        if refusal := text_of(said.get("refusal")):
            self.draft.stop = "filter"
            yield self.draft.say("say", refusal)
        for call in objects_of(said.get("tool_calls")):
            yield self._called(call)

    def _mixed(self, content: object) -> Iterator[Delta]:
        """Add a content that has parts of its own."""
        for part in objects_of(content):
            if thought := _thought(part):
                yield self.draft.think("think", thought)
            elif text := text_of(part.get("text")):
                yield self.draft.say("say", text)

    def _called(self, call: Mapping[str, Any]) -> Delta:
        function = object_of(call.get("function"))
        id, tool = text_of(call.get("id")), text_of(function.get("name"))  # noqa: A001 - what it is called there
        key = self._slot(call.get("index"), id, tool)
        self._keeper.call(key, call.get(EXTRA))
        return self.draft.call(key, id=id, tool=tool, written=written(function.get("arguments")))

    def _slot(self, index: object, id: str, tool: str) -> int:  # noqa: A002 - as above
        """Return which call a bit belongs to. Servers leave the index out, or give all calls the same."""
        place: Hashable = index if isinstance(index, int) else None
        slot = self._slots.get(place)
        if slot is None or self._is_another(slot, id, tool):
            self._last += 1
            slot = self._slots[place] = self._last
        return slot

    def _is_another(self, slot: int, id: str, tool: str) -> bool:  # noqa: A002 - as above
        known = self.draft.id_of(slot)
        if id and known:
            return id != known
        return bool(tool) and bool(arguments_of(self.draft.written(slot)))


def _thought(part: Mapping[str, Any]) -> str:
    """Return what a part of the content thinks; there it has parts of its own."""
    if part.get("type") not in {"thinking", "reasoning"}:
        return ""
    inner = part.get("thinking", part.get("text"))
    return text_of(inner) or "".join(text_of(one.get("text")) for one in objects_of(inner))


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Return what was used. Some servers leave thoughts out of the tokens written, and count them in the total."""
    read, wrote = count_of(usage.get("prompt_tokens")), count_of(usage.get("completion_tokens"))
    details = object_of(usage.get("prompt_tokens_details"))
    cost = usage.get("cost")
    return Usage(
        read,
        max(wrote, count_of(usage.get("total_tokens")) - read),
        float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) else None,
        count_of(details.get("cached_tokens")) or count_of(usage.get("prompt_cache_hit_tokens")),
        count_of(details.get("cache_write_tokens")),
        count_of(object_of(usage.get("completion_tokens_details")).get("reasoning_tokens")),
    )
