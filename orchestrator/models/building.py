"""An answer in the making: what has been said so far, whatever the API, and what it comes to in the end."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from orchestrator.core.errors import Code, UpstreamError
from orchestrator.core.flow import Json
from orchestrator.core.model import (
    CHARACTERS_PER_TOKEN,
    Message,
    ModelAnswer,
    ModelRequest,
    Part,
    Stop,
    Text,
    Thinking,
    ToolCall,
    Usage,
)
from orchestrator.models.counting import tokens_of
from orchestrator.models.shapes import parsed

Voice: TypeAlias = Literal["out", "think", "tool"]
"""Where a piece of an answer belongs: what it says, what it thinks, what it wants to be done."""


class Delta(NamedTuple):
    """A piece of an answer as it came."""

    voice: Voice
    text: str


class Reader(Protocol):
    """Reads one answer of an API: as a whole, or event by event. It knows the API, and does nothing.

    An error that the server tells in place of an answer never reaches it. It raises UpstreamError where what it reads
    is no answer.
    """

    @property
    def draft(self) -> Draft: ...
    def whole(self, body: Mapping[str, Any]) -> None:
        """Read an answer that came at once."""
        ...

    def event(self, name: str, body: Mapping[str, Any]) -> Iterable[Delta]:
        """Read one event of a stream; return what it adds."""
        ...


@dataclass(slots=True)
class _Piece:
    """A part of the answer; which of them it is shows in its voice."""

    voice: Voice
    texts: list[str] = field(default_factory=list)
    seal: str = ""
    id: str = ""
    tool: str = ""


class Draft:
    """What an answer consists of so far. Parts have keys of the API's own, and stand in the order of their first word.

    `stop` is None until the answer says how it ended, `usage` until it says what it used. `is_whole` is set where
    nothing can be missing at the end.
    """

    __slots__ = ("_pieces", "_request", "is_whole", "model", "stop", "usage")

    def __init__(self, request: ModelRequest, model: str) -> None:
        self._request = request
        self._pieces: dict[Hashable, _Piece] = {}
        self.model = model
        self.stop: Stop | None = None
        self.usage: Usage | None = None
        self.is_whole = False

    # ── what is added ──

    def say(self, key: Hashable, text: str) -> Delta:
        piece = self._pieces.get(key) or self._piece(key, "out")
        piece.texts.append(text)
        return Delta("out", text)

    def think(self, key: Hashable, text: str, seal: str = "") -> Delta:
        piece = self._piece(key, "think")
        piece.texts.append(text)
        piece.seal += seal
        return Delta("think", text)

    def seal(self, key: Hashable, seal: str) -> None:
        """Let this be the seal of a thought, whatever it was before."""
        self._piece(key, "think").seal = seal

    def call(self, key: Hashable, *, id: str = "", tool: str = "", written: str = "") -> Delta:  # noqa: A002 - its name
        """Add to a tool call; an id and a name count when they are told first."""
        piece = self._piece(key, "tool")
        piece.texts.append(written)
        piece.id = piece.id or id
        piece.tool = piece.tool or tool
        return Delta("tool", written)

    def _piece(self, key: Hashable, voice: Voice) -> _Piece:
        piece = self._pieces.get(key)
        if piece is None:
            piece = self._pieces[key] = _Piece(voice)
        return piece

    # ── what it comes to ──

    def has(self, key: Hashable) -> bool:
        return key in self._pieces

    def id_of(self, key: Hashable) -> str:
        """Return the id of the call with this key so far."""
        return self._pieces[key].id if key in self._pieces else ""

    def seal_of(self, key: Hashable) -> str:
        return self._pieces[key].seal if key in self._pieces else ""

    def written(self, key: Hashable) -> str:
        """Return what was said under this key so far."""
        return "".join(self._pieces[key].texts) if key in self._pieces else ""

    def spent(self) -> Usage | None:
        """Return what was used: as it was told, else estimated from what was said; None if nothing was.

        Some servers tell of no tokens at all: budgets could not be kept if that were believed.
        """
        if self.usage is not None and (self.usage.input_tokens or self.usage.output_tokens):
            return self.usage
        length = sum(len(text) for piece in self._pieces.values() for text in piece.texts)
        return Usage(tokens_of(self._request), -(-length // CHARACTERS_PER_TOKEN)) if length else None

    def answer(self) -> ModelAnswer:
        """Return the answer. Raises UpstreamError where it broke off, or where there is nothing in it."""
        message = Message("assistant", tuple(self._parts()))
        if self.stop is None and not self.is_whole:
            raise _broken_off(message)
        stop = _stop(self.stop or "end", message)
        if stop == "end" and not message.text.strip():
            raise UpstreamError("the model answered with nothing", code=Code.MALFORMED)
        return ModelAnswer(message, self.model, stop, self.spent() or Usage(tokens_of(self._request)))

    def _parts(self) -> Iterable[Part]:
        for number, piece in enumerate(self._pieces.values()):
            text = "".join(piece.texts)
            if piece.voice == "tool":
                yield ToolCall(piece.id or self._fresh_id(number), piece.tool, arguments_of(text), text)
            elif piece.voice == "think" and (text or piece.seal):
                yield Thinking(text, piece.seal)
            elif text:
                yield Text(text)

    def _fresh_id(self, number: int) -> str:
        """Return an id for a call that came without one: no other call of the conversation has it."""
        return f"call_{len(self._request.messages)}_{number}"


def arguments_of(written: str) -> Mapping[str, Json] | None:
    """Return the arguments of a tool call, None where they are no JSON object; nothing at all is no arguments."""
    if not written.strip():
        return {}
    try:
        value = parsed(written)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def written(arguments: object) -> str:
    """Return arguments as a model writes them; some servers have read them already."""
    if arguments is None:
        return ""
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def instructed(request: ModelRequest) -> ModelRequest:
    """Return the request with its schema asked for in words, for servers that have no other way."""
    if request.schema is None:
        return request
    schema = json.dumps(request.schema, ensure_ascii=False, default=dict)
    wish = f"Answer with JSON alone, without any other text, that is valid by this JSON Schema:\n{schema}"
    return replace(request, schema=None, system="\n\n".join(filter(None, (request.system, wish))))


def _stop(stop: Stop, message: Message) -> Stop:
    """Return what the answer really waits for: some servers say that it is complete where it wants tools."""
    wants = stop in {"end", "tool_use"} and bool(message.calls)
    if wants:
        return "tool_use"
    return "end" if stop == "tool_use" else stop


def _broken_off(message: Message) -> UpstreamError:
    said = f"after {len(message.text):,} characters" if message.text else "before it said anything"
    return UpstreamError(
        f"the answer broke off {said}: it never said how it ended",
        code=Code.TRUNCATED,
        output={"text": message.text} if message.text else None,
    )
