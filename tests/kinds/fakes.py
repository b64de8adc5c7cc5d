"""What an attempt is given, without an engine: it remembers what was written, used and reported."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from orchestrator.core.errors import DeniedError, Failure, UpstreamError
from orchestrator.core.flow import BackendSpec, Json, Price
from orchestrator.core.model import (
    Allowance,
    Message,
    ModelAnswer,
    ModelRequest,
    Stop,
    ToolCall,
    ToolResult,
    Usage,
    said,
)
from orchestrator.core.output import Cut
from orchestrator.core.ports import (
    Backend,
    Chance,
    Clock,
    Context,
    Estimate,
    Handed,
    HttpAnswer,
    HttpBackendPort,
    HttpRequest,
    ModelBackend,
    Performer,
    RunFacts,
    Scope,
    Stream,
    Tool,
    ToolAnswer,
    ToolServer,
    Work,
)


class Names(dict[str, object], Scope):
    """The names that templates may use, as a plain dictionary."""


class FakeClock(Clock):
    """Time that passes at once when somebody sleeps, and remembers for how long."""

    def __init__(self, now: float = 0.0) -> None:
        self.time = now
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def wall(self) -> float:
        return 1_767_225_600.0 + self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class FakeChance(Chance):
    """Always the same for the same seed and key."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def random(self, *key: str | int) -> float:
        return Random(repr((self._seed, *key))).random()  # noqa: S311 - no secrets here


class FakeContext(Context):
    """One attempt of one task, with nothing behind it. Make it inside a running loop."""

    def __init__(
        self,
        folder: Path | str = ".",
        *,
        backend: Backend | None = None,
        clock: Clock | None = None,
        task: str = "task",
        attempt: int = 1,
        seed: int = 0,
        grace: float = 5.0,
        started: float = 0.0,
        limit: int = 1 << 20,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._run = RunFacts("run-1", "fake", str(folder), str(folder), started)
        self._backend = backend
        self._clock = clock or FakeClock()
        self.slept = self._clock.slept if isinstance(self._clock, FakeClock) else []
        self._chance = FakeChance(seed)
        self._task = task
        self._attempt = attempt
        self._grace = grace
        self._limit = limit
        self._environment = {"PATH": os.environ["PATH"]} if environment is None else environment
        self._loop = asyncio.get_running_loop()
        self.is_stopping = False
        self.streams: defaultdict[str, list[str]] = defaultdict(list)
        self.usages: list[Usage] = []
        self.progressed: list[tuple[float, float | None, str]] = []
        self.backends: dict[str, Backend] = {}
        self.estimates: list[Estimate] = []
        self.falls_back_to: Backend | None = None
        self.waits = 0.0
        self.said: list[Message | ToolCall | ToolResult] = []
        self.asked: list[str] = []
        self.replies: list[str | None] = []
        self.works: list[Work] = []
        self.outcomes: list[Mapping[str, object] | Failure] = []
        self.conversations: dict[str, tuple[Message, ...]] = {}
        self.allowances: list[Allowance] = []

    @property
    def run(self) -> RunFacts:
        return self._run

    @property
    def task(self) -> str:
        return self._task

    @property
    def attempt(self) -> int:
        return self._attempt

    @property
    def idempotency_key(self) -> str:
        return f"{self._run.id}/{self._task}/0"

    @property
    def environment(self) -> Mapping[str, str]:
        return self._environment

    @property
    def backend(self) -> Backend | None:
        return self._backend

    @property
    def clock(self) -> Clock:
        return self._clock

    @property
    def grace(self) -> float:
        return self._grace

    @property
    def stopping(self) -> bool:
        return self.is_stopping

    def chance(self, *purpose: str | int) -> float:
        return self._chance.random(self._task, self._attempt, *purpose)

    def write(self, stream: Stream, data: bytes | str) -> None:
        self.streams[stream].append(data if isinstance(data, str) else data.decode("utf-8", "replace"))

    def written(self, stream: Stream) -> str | Cut:
        text = "".join(self.streams[stream])
        return text if len(text) <= self._limit else Cut(text[: self._limit], self._limit, self.path(stream))

    def path(self, stream: Stream) -> str:
        return f"{self._run.folder}/{self._task}.{stream}"

    def used(self, usage: Usage, model: str | None = None, window: int | None = None) -> None:
        del model, window
        self.usages.append(usage)

    def model(self, own: str | None) -> str | None:
        return own

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        self.progressed.append((done, total, message))

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        self._loop.call_soon_threadsafe(function, *args)

    async def call(
        self, estimate: Estimate, work: Callable[[Backend], Awaitable[Any]], *, backend: str | None = None
    ) -> Any:  # noqa: ANN401 - as the port has it
        self.estimates.append(estimate)
        if self.waits:
            await self._clock.sleep(self.waits)
        own = self.falls_back_to or self._backend
        chosen = own if backend is None else self.backends[backend]
        assert chosen is not None
        return await work(chosen)

    def say(self, part: Message | ToolCall | ToolResult) -> None:
        self.said.append(part)

    async def ask(self, message: str, choices: Sequence[str] = ()) -> str:
        del choices
        self.asked.append(message)
        return self._reply()

    async def confirm(self, message: str, show: str) -> None:
        self.asked.append(f"{message}: {show}")
        self._reply()

    def _reply(self) -> str:
        """Give the next of `replies`; None, or none left, is a refusal."""
        reply = self.replies.pop(0) if self.replies else None
        if reply is None:
            raise DeniedError("denied by nobody")
        return reply

    async def delegate(self, works: Sequence[Work]) -> Sequence[Handed]:
        self.works += works
        return [Handed(self.outcomes.pop(0)) for _ in works]

    def recall(self, conversation: str) -> tuple[Message, ...]:
        return self.conversations.get(conversation, ())

    def remember(self, conversation: str, messages: Sequence[Message]) -> None:
        self.conversations[conversation] = (*self.recall(conversation), *messages)

    def allowed(self, allowances: Sequence[Allowance]) -> None:
        self.allowances += allowances

    def text(self, stream: Stream) -> str:
        """All that was written to the stream."""
        return "".join(self.streams[stream])


class ScriptedServer(HttpBackendPort):
    """Answers what it was given, in order, and remembers what it was asked."""

    name = "scripted"
    settings = object

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self.asked: list[HttpRequest] = []
        self._answers = list(answers)

    @property
    def spec(self) -> BackendSpec:
        return BackendSpec("scripted", "http", None)

    async def send(self, request: HttpRequest, context: Context) -> HttpAnswer:
        del context
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        """Nothing is open."""


class ScriptedModel(ModelBackend):
    """Answers the same to every prompt, streamed if it is told to, and remembers what it was asked."""

    name = "scripted"
    settings = object

    def __init__(self, answer: ModelAnswer, *, streams: bool = False, spec: BackendSpec | None = None) -> None:
        self.asked: list[ModelRequest] = []
        self._answer = answer
        self._streams = streams
        self._spec = spec or BackendSpec("scripted", "scripted", None)

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    def count(self, request: ModelRequest) -> Estimate:
        return Estimate(request.tokens, request.max_tokens or 0, request.model)

    def price(self, model: str | None) -> Price | None:
        del model
        return self._spec.price

    def window(self, model: str | None) -> int | None:
        del model
        return None

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        self.asked.append(request)
        if self._streams:
            context.write("out", self._answer.text)
        return self._answer

    async def aclose(self) -> None:
        """Nothing is open."""


Turn: TypeAlias = str | ToolCall | Sequence[ToolCall] | ModelAnswer


class Talker(ScriptedModel):
    """Answers one after the other as it is told: with words, calls of tools, whole answers, or errors."""

    def __init__(self, *turns: Turn | Exception, streams: bool = False) -> None:
        super().__init__(answered(""), streams=streams)
        self.turns = list(turns)

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            self.asked.append(request)
            raise turn
        self._answer = turn if isinstance(turn, ModelAnswer) else answered(turn)
        return await super().complete(request, context)


def answered(turn: str | ToolCall | Sequence[ToolCall], stop: Stop | None = None) -> ModelAnswer:
    """What a model answers with words, or with calls of tools."""
    if isinstance(turn, str):
        return ModelAnswer(said("assistant", turn), "small", stop or "end", Usage(10, 5))
    calls = (turn,) if isinstance(turn, ToolCall) else tuple(turn)
    return ModelAnswer(Message("assistant", calls), "small", stop or "tool_use", Usage(10, 5))


class ScriptedTools(ToolServer):
    """A server of tools, each of which is a function of its arguments; what one raises is raised."""

    name = "scripted"
    settings = object

    def __init__(self, name: str, *tools: tuple[Tool, Callable[..., ToolAnswer]]) -> None:
        self._spec = BackendSpec(name, "scripted", None)
        self._tools = tools
        self.listed = 0
        self.used: list[tuple[str, Mapping[str, Any]]] = []

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    async def tools(self, context: Context) -> Sequence[Tool]:
        del context
        self.listed += 1
        return [known for known, _ in self._tools]

    async def use(self, tool: str, arguments: Mapping[str, Json], context: Context) -> ToolAnswer:
        del context
        self.used.append((tool, arguments))
        return next(function for known, function in self._tools if known.spec.name == tool)(**arguments)

    async def aclose(self) -> None:
        """Nothing is open."""


class Resource(Backend):
    """A backend that answers nothing."""

    name = "resource"
    settings = object

    @property
    def spec(self) -> BackendSpec:
        return BackendSpec("database", "resource", None)

    async def aclose(self) -> None:
        """Nothing is open."""


class Flaky(Resource, Performer):
    """A resource that fails before the work begins."""

    async def perform(self, context: Context) -> None:
        raise UpstreamError(f"no connection for {context.task}")
