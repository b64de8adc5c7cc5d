"""What an attempt is given, without an engine: it remembers what was written, used and reported."""

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

from orchestrator.core.errors import UpstreamError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.output import Cut
from orchestrator.core.ports import (
    Backend,
    Chance,
    Clock,
    Context,
    Estimate,
    HttpAnswer,
    HttpBackendPort,
    HttpRequest,
    ModelAnswer,
    ModelBackend,
    ModelRequest,
    Performer,
    RunFacts,
    Scope,
    Stream,
    Usage,
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

    def used(self, usage: Usage) -> None:
        self.usages.append(usage)

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        self.progressed.append((done, total, message))

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        self._loop.call_soon_threadsafe(function, *args)

    async def call(self, estimate: Estimate, work: Callable[[Backend], Awaitable[Any]]) -> Any:  # noqa: ANN401 - as the port has it
        del estimate
        assert self._backend is not None
        return await work(self._backend)

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

    def count(self, request: ModelRequest) -> int:
        return sum(len(text) for _, text in request.messages)

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        self.asked.append(request)
        if self._streams:
            context.write("out", self._answer.text)
        return self._answer

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
