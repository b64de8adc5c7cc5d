"""What the messages API answers: a message at once, or the events that it grows by."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from orchestrator.backends.anthropic.bodies import seal
from orchestrator.core.model import ModelRequest, Stop, Usage
from orchestrator.models.building import Delta, Draft, written
from orchestrator.models.shapes import count_of, object_of, objects_of, text_of

STOPS: Final[Mapping[str, Stop]] = MappingProxyType(
    {
        "end_turn": "end",
        "stop_sequence": "end",
        "tool_use": "tool_use",
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "pause_turn": "length",
        "refusal": "filter",
    }
)
"""Why an answer ended. A pause is an answer that the server cut in two; what is not named here is an end."""

_COUNTED: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


class CountedDraft(Draft):
    """An answer in the making whose input was counted at its beginning."""

    __slots__ = ("counts",)

    def __init__(self, request: ModelRequest, model: str) -> None:
        super().__init__(request, model)
        self.counts: dict[str, int] = {}

    def spent(self) -> Usage | None:
        """Return what was used; where the answer broke off, its output is estimated from what was said."""
        estimated = super().spent()
        if self.usage is not None or not self.counts:
            return estimated
        told = self.counted()
        return told._replace(output_tokens=max(told.output_tokens, estimated.output_tokens if estimated else 0))

    def counted(self) -> Usage:
        count = self.counts.get
        cached, stored = count("cache_read_input_tokens", 0), count("cache_creation_input_tokens", 0)
        return Usage(
            input_tokens=count("input_tokens", 0) + cached + stored,
            output_tokens=count("output_tokens", 0),
            cached_tokens=cached,
            stored_tokens=stored,
            reasoning_tokens=count("thinking_tokens", 0),
        )


class Reader:
    """Reads one answer. `answer_tool` is the tool whose arguments are the answer, where that has a form."""

    def __init__(self, request: ModelRequest, model: str, answer_tool: str | None = None) -> None:
        self._draft = CountedDraft(request, model)
        self._answer_tool = answer_tool
        self._answers: set[int] = set()
        self._inputs: dict[int, str] = {}
        self._signatures: dict[int, str] = {}

    @property
    def draft(self) -> Draft:
        return self._draft

    def whole(self, body: Mapping[str, Any]) -> None:
        for index, block in enumerate(objects_of(body.get("content"))):
            for _ in (*self._begin(index, block), *self._end(index)):
                pass
        self._name(body)
        self._ended(body)
        self._count(body.get("usage"))

    def event(self, name: str, body: Mapping[str, Any]) -> Iterable[Delta]:
        handler = self._EVENTS.get(text_of(body.get("type")) or name)
        return handler(self, body) if handler else ()

    # ── events ──

    def _on_message_start(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        message = object_of(body.get("message"))
        self._name(message)
        self._count(message.get("usage"))
        yield from ()

    def _on_block_start(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        yield from self._begin(count_of(body.get("index")), object_of(body.get("content_block")))

    def _on_block_delta(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        index, delta = count_of(body.get("index")), object_of(body.get("delta"))
        match delta.get("type"):
            case "text_delta":
                yield self._draft.say(index, text_of(delta.get("text")))
            case "thinking_delta":
                yield self._draft.think(index, text_of(delta.get("thinking")))
            case "signature_delta":
                self._signatures[index] = self._signatures.get(index, "") + text_of(delta.get("signature"))
            case "input_json_delta":
                yield self._write(index, text_of(delta.get("partial_json")))
            case _:
                pass  # citations, and what is still to be invented

    def _on_block_stop(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        yield from self._end(count_of(body.get("index")))

    def _on_message_delta(self, body: Mapping[str, Any]) -> Iterator[Delta]:
        for index in {*self._inputs, *self._signatures}:  # some servers tell no end of a block
            yield from self._end(index)
        self._ended(object_of(body.get("delta")))
        self._count(body.get("usage"))

    _EVENTS: Final[Mapping[str, Callable[[Reader, Mapping[str, Any]], Iterator[Delta]]]] = MappingProxyType(
        {
            "message_start": _on_message_start,
            "content_block_start": _on_block_start,
            "content_block_delta": _on_block_delta,
            "content_block_stop": _on_block_stop,
            "message_delta": _on_message_delta,
        }
    )

    # ── blocks ──

    def _begin(self, index: int, block: Mapping[str, Any]) -> Iterator[Delta]:
        match block.get("type"):
            case "text":
                yield self._draft.say(index, text_of(block.get("text")))
            case "thinking":
                self._signatures[index] = text_of(block.get("signature"))
                yield self._draft.think(index, text_of(block.get("thinking")))
            case "redacted_thinking":
                data = text_of(block.get("data"))
                yield self._draft.think(index, "", seal=seal(type="redacted_thinking", data=data))
            case "tool_use":
                yield from self._begin_call(index, block)
            case _:
                pass  # what the server's own tools do is its business

    def _begin_call(self, index: int, block: Mapping[str, Any]) -> Iterator[Delta]:
        if block.get("input"):
            self._inputs[index] = written(block["input"])  # an empty one stands for what is still to come
        tool = text_of(block.get("name"))
        if tool == self._answer_tool:
            self._answers.add(index)
        else:
            yield self._draft.call(index, id=text_of(block.get("id")), tool=tool)

    def _write(self, index: int, text: str) -> Delta:
        if text:
            self._inputs.pop(index, None)
        return self._draft.say(index, text) if index in self._answers else self._draft.call(index, written=text)

    def _end(self, index: int) -> Iterator[Delta]:
        if text := self._inputs.pop(index, ""):
            yield self._write(index, text)
        if signature := self._signatures.pop(index, ""):
            yield self._draft.think(index, "", seal=seal(type="thinking", signature=signature))

    # ── the message ──

    def _name(self, message: Mapping[str, Any]) -> None:
        self._draft.model = text_of(message.get("model")) or self._draft.model

    def _ended(self, message: Mapping[str, Any]) -> None:
        if reason := text_of(message.get("stop_reason")):
            self._draft.stop = STOPS.get(reason, "end")

    def _count(self, usage: object) -> None:
        """Take over what was counted. Counts grow with the answer, so that the last one stands for all before it."""
        told = object_of(usage)
        counts = {name: count_of(told.get(name)) for name in _COUNTED}
        counts["thinking_tokens"] = count_of(object_of(told.get("output_tokens_details")).get("thinking_tokens"))
        self._draft.counts.update({name: count for name, count in counts.items() if count})
        if self._draft.stop is not None and self._draft.counts:
            self._draft.usage = self._draft.counted()
