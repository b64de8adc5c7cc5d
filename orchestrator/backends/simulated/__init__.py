"""Answers that nobody gave: a backend whose speed, mistakes and outages are declared, and the same for equal seeds."""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from orchestrator.backends.simulated.declared import (
    Burns,
    CallOfTool,
    SimulatedSettings,
    Tokens,
    Turn,
    answer_templates,
    latency,
    turn_templates,
)
from orchestrator.backends.simulated.turns import next_message
from orchestrator.core.errors import InputError
from orchestrator.core.flow import BackendSpec, Json, Price
from orchestrator.core.model import (
    CHARACTERS_PER_TOKEN,
    Message,
    ModelAnswer,
    ModelRequest,
    Stop,
    Text,
    ToolSpec,
    Usage,
)
from orchestrator.core.ports import (
    BackendServices,
    Checkable,
    Context,
    Estimate,
    HttpAnswer,
    HttpBackendPort,
    HttpRequest,
    ModelBackend,
    Performer,
    Tool,
    ToolAnswer,
    ToolServer,
)
from orchestrator.core.simulation import OK, Ending, Mood, Outcome, error_of, outcome
from orchestrator.templates import Template, TemplateError

__all__ = ["Burns", "CallOfTool", "SimulatedBackend", "SimulatedSettings", "Tokens", "Turn"]

BUSY: Final = outcome("503")
SLOWNESS: Final = 8.0
"""How many times longer everything takes of a backend that was made slow."""


# ── the backend ─────────────────────────────────────────────────────────────────────────────────


class SimulatedBackend(ModelBackend, HttpBackendPort, ToolServer, Checkable, Performer):
    """Answers models' prompts and HTTP requests, has tools, and stands in for whatever else a task would do.

    A script is used up in the order in which calls arrive. All else that chance decides depends on the task and the
    attempt alone.
    """

    name: ClassVar[str] = "simulated"
    settings: ClassVar[type] = SimulatedSettings
    unrendered: ClassVar[frozenset[str]] = frozenset({"answer", "answers", "turns"})
    """These are templates of its own: their names are those of a call, not those of the flow."""

    def __init__(self, spec: BackendSpec, services: BackendServices) -> None:
        self._clock = services.clock
        self._since = services.clock.now()
        self._spec = spec
        self._own = spec.settings if isinstance(spec.settings, SimulatedSettings) else SimulatedSettings()
        self._latency = latency(self._own.latency)
        self._script = [outcome(written) for written in self._own.script]
        self._templates = answer_templates(self._own)
        self._turns = turn_templates(self._own)
        self._calls = 0
        self._dials = services.dials

    @property
    def _mood(self) -> Mood:
        return self._dials.mood(self._spec.name)

    @property
    def _slowness(self) -> float:
        return SLOWNESS if self._mood is Mood.SLOW else 1.0

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    async def aclose(self) -> None:
        """Nothing is open."""

    # ── models ──

    def count(self, request: ModelRequest) -> Estimate:
        if self._own.tokens:
            return Estimate(self._own.tokens.input, self._own.tokens.output, request.model)
        return Estimate(request.tokens, request.max_tokens or 0, request.model)

    def price(self, model: str | None) -> Price | None:
        return self._spec.price_of(model)

    def window(self, model: str | None) -> int | None:
        del model
        return None

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        number = await self._succeeded(context)
        answer = self._answer(request, context, number)
        await self._stream(answer.text, context)
        return self._priced(answer)

    def _priced(self, answer: ModelAnswer) -> ModelAnswer:
        """Return the answer with what its model costs, unless the backend declares a price for all of them."""
        price, used = self._spec.prices.get(answer.model), answer.usage
        if price is None or self._spec.price is not None:
            return answer
        return replace(answer, usage=used._replace(cost_usd=price.of(used.input_tokens, used.output_tokens)))

    def _answer(self, request: ModelRequest, context: Context, number: int) -> ModelAnswer:
        model = request.model or self._own.model
        scope = _scope(request, context, model=model, call=number)

        def speak(turn: int | None) -> str | None:
            return self._text(number, scope) if turn is None else _rendered(self._turns[turn], scope)

        message = next_message(self._own, request, number, speak)
        stop: Stop = "tool_use" if message.calls else "end"
        if self._own.tokens:
            return ModelAnswer(message, model, stop, Usage(self._own.tokens.input, self._own.tokens.output))
        kept = _shortened(message, request.max_tokens)
        usage = Usage(request.tokens, _tokens(kept.text) + _written(kept))
        return ModelAnswer(kept, model, "length" if kept is not message else stop, usage)

    async def _stream(self, text: str, context: Context) -> None:
        """Write the words as they come; without a speed the whole is left to the caller."""
        if self._own.words_per_second is None:
            return
        for word in _WORD.findall(text):
            await context.clock.sleep(self._slowness / self._own.words_per_second)
            self._break_off_in_fire()
            context.write("out", word)

    def _break_off_in_fire(self) -> None:
        """End an answer in its middle if somebody sets the backend on fire."""
        if self._mood is Mood.BURNING and (error := error_of(BUSY)):
            raise error

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
        return _http_answer(request, result, "" if is_error else self._text(number, scope) or "")

    # ── tools ──

    async def tools(self, context: Context) -> Sequence[Tool]:
        del context
        return [Tool(ToolSpec(name, "A simulated tool.", {"type": "object"}), writes=False) for name in self._own.tools]

    async def use(self, tool: str, arguments: Mapping[str, Json], context: Context) -> ToolAnswer:
        await self._succeeded(context)
        return ToolAnswer(f"simulated: {tool} {json.dumps(arguments, ensure_ascii=False)}")

    # ── health ──

    async def check(self, models: Sequence[str] = ()) -> str:
        """Say how it is: during an outage, not well."""
        del models
        outage = self._outage(self._clock.now() - self._since)
        if outage is not None and (error := error_of(outage)):
            raise error
        return "simulated, and well"

    def _outage(self, moment: float) -> Outcome | None:
        """Return how calls end at that second of the run because of an outage."""
        burns = self._own.burns
        if burns is not None and burns.covers(moment):
            return outcome(burns.outcome)
        return BUSY if self._mood is Mood.BURNING else None

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
            await context.clock.sleep((least + (most - least) * context.chance("latency")) * self._slowness)
        return number, result

    def _outcome(self, number: int, context: Context) -> Outcome:
        if number <= len(self._script):
            return self._script[number - 1]
        outage = self._outage(context.clock.now() - context.run.started)
        if outage is not None:
            return outage
        if self._own.failure_rate and context.chance("failure") < self._own.failure_rate:
            return BUSY
        return OK

    def _text(self, number: int, scope: Mapping[str, object]) -> str | None:
        """Return what is declared as the answer; None if nothing is."""
        if not self._templates:
            return None
        return _rendered(self._templates[(number - 1) % len(self._templates)], scope)


# ── answers ─────────────────────────────────────────────────────────────────────────────────────

_WORD: Final = re.compile(r"\s*\S+|\s+$")


def _rendered(template: Template, scope: Mapping[str, object]) -> str:
    try:
        value = template.render(scope)
    except TemplateError as error:
        raise InputError(f"the simulated answer: {error.message}", hint=error.hint) from error
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _scope(request: ModelRequest, context: Context, *, model: str, call: int) -> dict[str, object]:
    return {
        "prompt": request.messages[-1].text if request.messages else "",
        "messages": [{"role": message.role, "content": message.text} for message in request.messages],
        "system": request.system or "",
        **_common(context, model=model, call=call),
    }


def _common(context: Context, *, model: str, call: int) -> dict[str, object]:
    return {"model": model, "task": context.task, "attempt": context.attempt, "call": call}


def _shortened(message: Message, max_tokens: int | None) -> Message:
    """Return the message, or what of its text comes before the limit."""
    longest = None if max_tokens is None else max_tokens * CHARACTERS_PER_TOKEN
    if longest is None or len(message.text) <= longest:
        return message
    return Message(message.role, (Text(message.text[:longest]),))


def _written(message: Message) -> int:
    return sum(_tokens(call.tool + call.written) for call in message.calls)


def _tokens(text: str) -> int:
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def _http_answer(request: HttpRequest, result: Outcome, text: str) -> HttpAnswer:
    body = text.encode("utf-8", "replace")
    kept = body if request.max_size is None else body[: request.max_size]
    headers = {"content-type": "text/plain; charset=utf-8"}
    if result.retry_after is not None:
        headers["retry-after"] = f"{result.retry_after:g}"
    return HttpAnswer(result.status or 200, headers, kept, request.url, truncated=len(kept) < len(body))
