"""The API of responses: how a request is written, and how its answers are read. Nothing is kept on the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

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
from orchestrator.core.errors import InputError
from orchestrator.core.model import (
    Media,
    Message,
    ModelRequest,
    Part,
    Stop,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    usable_name,
)
from orchestrator.models.building import Delta, Draft, written
from orchestrator.models.faults import unreadable
from orchestrator.models.shapes import count_of, object_of, objects_of, parsed, text_of

PATH: Final = "responses"

ENCRYPTED: Final = "reasoning.encrypted_content"


# ── asking ──────────────────────────────────────────────────────────────────────────────────────


def body(request: ModelRequest, manner: Manner) -> dict[str, Any]:
    """Return what is posted. Raises InputError for what the API does not have."""
    if request.stop:
        raise InputError("the API of responses knows no stop texts", hint="leave `stop` out, or use `api: chat`")
    written: dict[str, Any] = {
        "model": request.model or manner.model,
        "instructions": request.system,
        "input": [item for message in request.messages for item in _items(message)],
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_output_tokens": request.max_tokens or manner.max_tokens,
        "tools": [_tool(tool) for tool in request.tools] or None,
        "text": None if request.schema is None else {"format": _format(request.schema)},
        "store": False,
        "stream": manner.streams or None,
    }
    if "reasoning" in {*manner.extra, *request.extra}:
        # Thoughts that the server does not keep come sealed; models that do not think refuse to be asked for them.
        written["include"] = [ENCRYPTED]
    return completed(written, manner.extra, request.extra)


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", **schema_format(schema)}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema,
        "strict": False,  # otherwise the server makes every argument a required one
    }


def _items(message: Message) -> Iterator[dict[str, Any]]:
    """Yield the items of a message: what is said stays together, all else is an item of its own."""
    said: list[dict[str, Any]] = []
    for part in message.parts:
        if isinstance(part, Text | Media):
            said.append(_content(part, message.role))
            continue
        if said:
            yield {"role": message.role, "content": said}
            said = []
        yield from _item(part)
    if said:
        yield {"role": message.role, "content": said}


def _item(part: Part) -> Iterator[dict[str, Any]]:
    match part:
        case ToolCall():
            name = usable_name(part.tool)
            yield {"type": "function_call", "call_id": part.id, "name": name, "arguments": arguments(part)}
        case ToolResult():
            yield {"type": "function_call_output", "call_id": part.call, "output": result(part)}
        case Thinking(seal=seal) if kept := _unsealed(seal):
            summary = [{"type": "summary_text", "text": part.text}] if part.text else []
            yield {"type": "reasoning", "summary": summary, **kept}


def _content(part: Text | Media, role: str) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "output_text" if role == "assistant" else "input_text", "text": part.text}
    if (text := as_text(part)) is not None:
        return {"type": "input_text", "text": text}
    if part.media_type.startswith("image/"):
        return {"type": "input_image", "image_url": data_url(part)}
    return {"type": "input_file", "filename": file_name(part), "file_data": data_url(part)}


def _sealed(item: Mapping[str, Any]) -> str:
    """Return what the server wants to get back of its thoughts; nothing without what it encrypted."""
    content = text_of(item.get("encrypted_content"))
    return json.dumps({"id": text_of(item.get("id")), "encrypted_content": content}) if content else ""


def _unsealed(seal: str) -> Mapping[str, Any]:
    """Return what was sealed; a seal of another API is none of ours."""
    try:
        kept = object_of(parsed(seal))
    except ValueError:
        return {}
    return kept if set(kept) == {"id", "encrypted_content"} else {}


# ── reading ─────────────────────────────────────────────────────────────────────────────────────

INCOMPLETE: Final[Mapping[str, Stop]] = {"max_output_tokens": "length", "content_filter": "filter"}


class Reader:
    """Reads an answer of the API. Its parts come under the keys of the items in which they stand."""

    def __init__(self, request: ModelRequest, model: str) -> None:
        self.draft = Draft(request, model)
        self._refused = False
        # What is not named here tells nothing new.
        self._events: dict[str, Callable[[Mapping[str, Any]], Iterable[Delta]]] = {
            "response.output_item.added": self._begun,
            "response.output_text.delta": self._said,
            "response.refusal.delta": self._refusal,
            "response.reasoning_summary_text.delta": self._thought,
            "response.reasoning_summary_part.added": self._next_thought,
            "response.reasoning_text.delta": self._thought,
            "response.function_call_arguments.delta": self._arguments,
            "response.output_item.done": self._done,
            "response.completed": self._finished,
            "response.incomplete": self._finished,
        }

    def whole(self, body: Mapping[str, Any]) -> None:
        if not isinstance(body.get("output"), list):
            raise unreadable("the answer has no output")
        self._ended(body)

    def event(self, name: str, body: Mapping[str, Any]) -> Iterable[Delta]:
        read = self._events.get(text_of(body.get("type")) or name)
        return list(read(body)) if read else ()

    # ── events ──

    def _said(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        yield self.draft.say(_place(body), text_of(body.get("delta")))

    def _refusal(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        self._refused = True
        yield from self._said(body)

    def _thought(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        yield self.draft.think(_item_key(body), text_of(body.get("delta")))

    def _next_thought(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        if body.get("summary_index"):
            yield self.draft.think(_item_key(body), "\n\n")

    def _arguments(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        yield self.draft.call(_item_key(body), written=text_of(body.get("delta")))

    def _begun(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        item = object_of(body.get("item"))
        if item.get("type") == "function_call":
            yield self._call(_item_key(body), item, "")

    def _done(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        """Complete an item by what did not stream."""
        yield from self._item(_item_key(body), object_of(body.get("item")))

    def _finished(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        yield from self._ended(object_of(body.get("response")))

    # ── items ──

    def _ended(self, response: Mapping[str, Any]) -> list[Delta]:
        """Take the end of an answer, and of its items what has not come yet."""
        self.draft.model = text_of(response.get("model")) or self.draft.model
        if usage := object_of(response.get("usage")):
            self.draft.usage = usage_of(usage)
        items = enumerate(objects_of(response.get("output")))
        deltas = [delta for number, item in items for delta in self._item(number, item)]
        self.draft.stop = self._stop(response)
        return deltas

    def _stop(self, response: Mapping[str, Any]) -> Stop:
        if self._refused:
            return "filter"
        if response.get("status") != "incomplete":
            return "end"
        return INCOMPLETE.get(text_of(object_of(response.get("incomplete_details")).get("reason")), "length")

    def _item(self, key: object, item: Mapping[str, Any]) -> Iterator[Delta]:
        match item.get("type"):
            case "message":
                yield from self._message(key, item)
            case "function_call":
                has_come = bool(self.draft.written(key))
                yield self._call(key, item, "" if has_come else written(item.get("arguments")))
            case "reasoning":
                yield from self._reasoning(key, item)
            case _:
                pass

    def _message(self, key: object, item: Mapping[str, Any]) -> Iterator[Delta]:
        for number, part in enumerate(objects_of(item.get("content"))):
            refusal = text_of(part.get("refusal"))
            self._refused = self._refused or bool(refusal)
            if not self.draft.has((key, number)) and (text := refusal or text_of(part.get("text"))):
                yield self.draft.say((key, number), text)

    def _call(self, key: object, item: Mapping[str, Any], arguments: str) -> Delta:
        return self.draft.call(key, id=text_of(item.get("call_id")), tool=text_of(item.get("name")), written=arguments)

    def _reasoning(self, key: object, item: Mapping[str, Any]) -> Iterator[Delta]:
        thoughts = [*objects_of(item.get("summary")), *objects_of(item.get("content"))]
        text = "" if self.draft.has(key) else "\n\n".join(text_of(one.get("text")) for one in thoughts)
        seal = "" if self.draft.seal_of(key) else _sealed(item)
        if text or seal:
            yield self.draft.think(key, text, seal)


def _item_key(body: Mapping[str, Any]) -> object:
    return count_of(body.get("output_index"))


def _place(body: Mapping[str, Any]) -> tuple[object, int]:
    return _item_key(body), count_of(body.get("content_index"))


def usage_of(usage: Mapping[str, Any]) -> Usage:
    return Usage(
        count_of(usage.get("input_tokens")),
        count_of(usage.get("output_tokens")),
        cached_tokens=count_of(object_of(usage.get("input_tokens_details")).get("cached_tokens")),
        reasoning_tokens=count_of(object_of(usage.get("output_tokens_details")).get("reasoning_tokens")),
    )
