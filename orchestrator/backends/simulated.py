"""Answers that nobody gave: a backend whose speed, mistakes and outages are declared, and the same for equal seeds."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

from orchestrator.core.errors import InputError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.ports import (
    BackendServices,
    Context,
    HttpAnswer,
    HttpBackendPort,
    HttpRequest,
    ModelAnswer,
    ModelBackend,
    ModelRequest,
    Performer,
    Usage,
)
from orchestrator.core.simulation import OK, Ending, Outcome, error_of, outcome
from orchestrator.core.units import Count, Duration, seconds
from orchestrator.templates import Template, TemplateError, parse_template

MODEL: Final = "simulated"
ANSWER: Final = "A simulated answer."
BUSY: Final = outcome("503")
CHARACTERS_PER_TOKEN: Final = 4


# ── what is declared ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Tokens:
    """What every call reports to have used, and is estimated at."""

    input: Count = field(default=0, metadata={"description": "Tokens of the prompt."})
    output: Count = field(default=0, metadata={"description": "Tokens of the answer."})


@dataclass(frozen=True, slots=True)
class Burns:
    """An outage: from when, until when, and how calls end meanwhile."""

    from_: Duration = field(
        default=0.0, metadata={"key": "from", "description": "When it begins, counted from the run's start."}
    )
    until: Duration | None = field(default=None, metadata={"description": "When it ends; default: never."})
    outcome: str | int = field(default="503", metadata={"description": "How calls end meanwhile; default: 503."})

    def __post_init__(self) -> None:
        outcome(self.outcome)
        if self.until is not None and self.until <= self.from_:
            raise ValueError(f"burns ends at {self.until:g} s, before it begins at {self.from_:g} s")

    def covers(self, moment: float) -> bool:
        return self.from_ <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    """The keys of a simulated backend, besides those that all backends have."""

    latency: float | str = field(
        default=0.0, metadata={"description": "How long an answer takes: 200ms, or a range such as 200ms..1s."}
    )
    failure_rate: float = field(default=0.0, metadata={"description": "The share of calls that answer 503, 0 to 1."})
    answer: str | None = field(
        default=None,
        metadata={"description": "What it answers: a template over prompt, system, model, task, attempt and call."},
    )
    answers: tuple[str, ...] = field(
        default=(), metadata={"description": "What it answers, one after another, and again from the first."}
    )
    tokens: Tokens | None = field(
        default=None,
        metadata={"description": "What each call uses: {input, output}; default: characters divided by 4."},
    )
    words_per_second: float | None = field(default=None, metadata={"description": "How fast the answer streams."})
    script: tuple[str | int, ...] = field(
        default=(),
        metadata={
            "description": "How the first calls end: ok, a status, 429 retry-after=2, timeout, reset, malformed, hang."
        },
    )
    burns: Burns | None = field(default=None, metadata={"description": "An outage: {from, until, outcome}."})
    model: str = field(default=MODEL, metadata={"description": "The name of the model that it pretends to be."})

    def __post_init__(self) -> None:
        latency(self.latency)
        for written in self.script:
            outcome(written)
        if not 0 <= self.failure_rate <= 1:
            raise ValueError(f"failure_rate is {self.failure_rate:g}; it is a share, from 0 to 1")
        if self.words_per_second is not None and not self.words_per_second > 0:
            raise ValueError(f"words_per_second is {self.words_per_second:g}; it must be more than 0")
        if self.answer is not None and self.answers:
            raise ValueError("answer and answers exclude each other; write one of them")
        _templates(self)


def latency(written: float | str) -> tuple[float, float]:
    """Return the least and the most seconds that an answer takes. Raises ValueError with advice."""
    low, dots, high = str(written).partition("..")
    least = seconds(low if isinstance(written, str) else written)
    most = seconds(high) if dots else least
    if most < least:
        raise ValueError(f"the latency {written!r} ends before it begins; write the shorter one first")
    return least, most


# ── the backend ─────────────────────────────────────────────────────────────────────────────────


class SimulatedBackend(ModelBackend, HttpBackendPort, Performer):
    """Answers models' prompts and HTTP requests, and stands in for whatever else a task would do.

    A script is used up in the order in which calls arrive. All else that chance decides depends on the task and the
    attempt alone.
    """

    name: ClassVar[str] = "simulated"
    settings: ClassVar[type] = SimulatedSettings
    unrendered: ClassVar[frozenset[str]] = frozenset({"answer", "answers"})
    """These are templates of its own: their names are those of a call, not those of the flow."""

    def __init__(self, spec: BackendSpec, services: BackendServices) -> None:
        del services  # time and chance come with each call
        self._spec = spec
        self._own = spec.settings if isinstance(spec.settings, SimulatedSettings) else SimulatedSettings()
        self._latency = latency(self._own.latency)
        self._script = [outcome(written) for written in self._own.script]
        self._templates = _templates(self._own)
        self._calls = 0

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    async def aclose(self) -> None:
        """Nothing is open."""

    # ── models ──

    def count(self, request: ModelRequest) -> int:
        return self._own.tokens.input if self._own.tokens else _tokens(_said(request))

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        number = await self._succeeded(context)
        answer = self._answer(request, context, number)
        await self._stream(answer.text, context)
        return answer

    def _answer(self, request: ModelRequest, context: Context, number: int) -> ModelAnswer:
        model = request.model or self._own.model
        text = self._text(number, _scope(request, context, model=model, call=number), default=ANSWER)
        if self._own.tokens:
            return ModelAnswer(text, model, "end", Usage(self._own.tokens.input, self._own.tokens.output))
        kept = text if request.max_tokens is None else text[: request.max_tokens * CHARACTERS_PER_TOKEN]
        usage = Usage(self.count(request), _tokens(kept))
        return ModelAnswer(kept, model, "end" if kept == text else "length", usage)

    async def _stream(self, text: str, context: Context) -> None:
        """Write the words as they come; without a speed the whole is left to the caller."""
        if self._own.words_per_second is None:
            return
        for word in _WORD.findall(text):
            await context.clock.sleep(1 / self._own.words_per_second)
            context.write("out", word)

    # ── http ──

    async def send(self, request: HttpRequest, context: Context) -> HttpAnswer:
        """Answer any status as a server would; whether it is an error is for the asker to say."""
        number, result = await self._ended(context)
        if result.ending is not Ending.STATUS and (error := error_of(result)):
            raise error
        scope: dict[str, object] = {
            "prompt": (request.body or b"").decode("utf-8", "replace"),
            "method": request.method,
            "url": request.url,
            **_common(context, model=self._own.model, call=number),
        }
        is_error = (result.status or 200) >= 400
        return _http_answer(request, result, "" if is_error else self._text(number, scope, default=""))

    # ── anything else ──

    async def perform(self, context: Context) -> None:
        """Take the time of one call, and fail as one would."""
        await self._succeeded(context)

    # ── how a call ends ──

    async def _succeeded(self, context: Context) -> int:
        number, result = await self._ended(context)
        if error := error_of(result):
            raise error
        return number

    async def _ended(self, context: Context) -> tuple[int, Outcome]:
        """Wait as long as the call takes; returns its number, counted from 1, and how it ended."""
        self._calls += 1
        number = self._calls
        result = self._outcome(number, context)
        if result.ending is Ending.HANG:
            await asyncio.get_running_loop().create_future()
        least, most = self._latency
        if most:
            await context.clock.sleep(least + (most - least) * context.chance("latency"))
        return number, result

    def _outcome(self, number: int, context: Context) -> Outcome:
        if number <= len(self._script):
            return self._script[number - 1]
        if self._own.burns and self._own.burns.covers(context.clock.now() - context.run.started):
            return outcome(self._own.burns.outcome)
        if self._own.failure_rate and context.chance("failure") < self._own.failure_rate:
            return BUSY
        return OK

    def _text(self, number: int, scope: Mapping[str, object], *, default: str) -> str:
        if not self._templates:
            return default
        return _rendered(self._templates[(number - 1) % len(self._templates)], scope)


# ── answers ─────────────────────────────────────────────────────────────────────────────────────

_WORD: Final = re.compile(r"\s*\S+|\s+$")


def _templates(own: SimulatedSettings) -> list[Template]:
    sources = own.answers if own.answer is None else (own.answer,)
    return [parse_template(source) for source in sources]


def _rendered(template: Template, scope: Mapping[str, object]) -> str:
    try:
        value = template.render(scope)
    except TemplateError as error:
        raise InputError(f"the simulated answer: {error.message}", hint=error.hint) from error
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _scope(request: ModelRequest, context: Context, *, model: str, call: int) -> dict[str, object]:
    return {
        "prompt": request.messages[-1][1] if request.messages else "",
        "messages": [{"role": role, "content": text} for role, text in request.messages],
        "system": request.system or "",
        **_common(context, model=model, call=call),
    }


def _common(context: Context, *, model: str, call: int) -> dict[str, object]:
    return {"model": model, "task": context.task, "attempt": context.attempt, "call": call}


def _said(request: ModelRequest) -> str:
    return "".join((request.system or "", *(text for _, text in request.messages)))


def _tokens(text: str) -> int:
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def _http_answer(request: HttpRequest, result: Outcome, text: str) -> HttpAnswer:
    body = text.encode("utf-8", "replace")
    kept = body if request.max_size is None else body[: request.max_size]
    headers = {"content-type": "text/plain; charset=utf-8"}
    if result.retry_after is not None:
        headers["retry-after"] = f"{result.retry_after:g}"
    return HttpAnswer(result.status or 200, headers, kept, request.url, truncated=len(kept) < len(body))
