"""What the parts of the engine share: time, chance, the bus, the files, and who is told what."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import field, replace
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import Event
from orchestrator.core.fact import fact
from orchestrator.core.flow import BackendSpec, Flow, Json
from orchestrator.core.output import DEFAULT_MAX_OUTPUT, Cut, OutputShape
from orchestrator.core.ports import Backend, Cache, Chance, Clock, Context, Kind, OutputFiles, RunFacts
from orchestrator.engine.admission import Admission
from orchestrator.engine.bus import Bus
from orchestrator.engine.conversations import Conversations
from orchestrator.engine.redact import Redactor
from orchestrator.engine.timers import Timers

if TYPE_CHECKING:
    from orchestrator.engine.attempt import Attempt, End
    from orchestrator.engine.node import Node
    from orchestrator.engine.scheduler import Scheduler

DEFAULT_MAX_TASKS: Final = 10_000


@fact
class EngineOptions:
    """How a run is to go, besides what its flow says.

    `stops_when_held` ends a run that waits for a person, as one without an operator must; where somebody
    `answers_questions`, one that waits for nothing but answers goes on. A run that lingers has an operator. `approved`
    holds the tasks whose question is answered with yes beforehand. A `simulated` run uses what tasks say that they
    would answer; one that is a `rehearsal` touches nothing in the world.
    """

    stops_when_held: bool = False
    answers_questions: bool = False
    approved: frozenset[str] = frozenset()
    approve_all: bool = False
    max_tasks: int = DEFAULT_MAX_TASKS
    max_output: int = DEFAULT_MAX_OUTPUT
    simulated: bool = False
    rehearsal: bool = False


StandIn: TypeAlias = Callable[[OutputShape, object, Json, Context], Awaitable[Mapping[str, object]]]
"""Answers for a kind whose work must not be done: given its output's shape, settings and what the flow simulates."""


@fact
class Parts:
    """What the engine is put together with.

    `kinds` and `backends` make what a name or a declaration stands for. `inputs` are typed and complete, `secrets` by
    name; a sub-flow sees those that `inner_secrets` tells, and adds `inner_environment`. `resolve_inputs` checks what a
    sub-flow is given. `bug` writes a report of an error that is ours or a kind's and returns its path. `stand_in` names
    what does a kind's work in its place, in a simulated run. `save` writes a file whole or not at all.
    """

    kinds: Callable[[str], Kind]
    backends: Callable[[BackendSpec], Backend]
    clock: Clock
    chance: Chance
    files: OutputFiles
    run_id: str
    folder: str = ""
    seed: int = 0
    inputs: Mapping[str, Json] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    inner_secrets: Callable[[Flow], Mapping[str, str]] = lambda _: MappingProxyType({})
    inner_environment: Callable[[Flow, Mapping[str, Json]], Mapping[str, str]] = lambda flow, _: flow.env
    hidden: frozenset[str] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)
    resolve_inputs: Callable[[Flow, Mapping[str, Json]], Mapping[str, Json]] = lambda _, values: values
    bug: Callable[[str], str] = lambda report: ""  # noqa: ARG005 - where nobody keeps reports
    stand_in: Callable[[str, Json], StandIn | None] = lambda kind, simulate: None  # noqa: ARG005 - kinds do their own work
    save: Callable[[Path, str | Cut], None] | None = None
    cache: Cache | None = None


class Hub:
    """One run's shared services. The scheduler hooks itself in."""

    scheduler: Scheduler

    def __init__(self, flow: Flow, parts: Parts, options: EngineOptions) -> None:
        self.flow = flow
        self.parts = parts
        self.options = options
        self.clock = parts.clock
        self.chance = parts.chance
        self.files = parts.files
        self.redactor = Redactor(parts.hidden)
        self.bus = Bus(parts.run_id)
        self.run = self.bus.run
        self.now = self.bus.now
        self.emit: Callable[[Event], None] = self.bus.emit
        self.timers = Timers()
        self.conversations = Conversations(self)
        self.runners: set[asyncio.Task[None]] = set()
        self.facts = RunFacts(parts.run_id, flow.name, parts.folder, flow.folder, 0.0, options.rehearsal)
        self.admission: Admission
        self.attempt_ended: Callable[[Attempt, End], None] = _nobody
        self._plain: dict[str, Backend] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = Lock()
        self._calls_from_outside: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        self._is_woken = False

    def open(self, loop: asyncio.AbstractEventLoop, ended: Callable[[Attempt, End], None]) -> None:
        """Start the run's clock; from here on attempts tell `ended` how they ended."""
        self._loop = loop
        self.attempt_ended = ended
        self.bus.open(loop)
        self.timers.open(loop, self.bus.origin)
        self.facts = replace(self.facts, started=self.clock.now())

        self._make_calls()

    @property
    def loop_or_none(self) -> asyncio.AbstractEventLoop | None:
        return self._loop

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None, "the engine does not run"
        return self._loop

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        """Run a function on the loop, as soon as it runs; from any thread. After the run there is nothing to do.

        The loop is woken once for all that comes before it looks: waking it is a system call.
        """
        with self._lock:
            self._calls_from_outside.append((function, args))
            if self._is_woken or self._loop is None:
                return
            self._is_woken = True
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._make_calls)

    def _make_calls(self) -> None:
        with self._lock:
            calls, self._calls_from_outside = self._calls_from_outside, []
            self._is_woken = False
        for function, args in calls:
            self.loop.call_soon(function, *args)

    def default_backend(self, node: Node) -> Backend | None:
        """Return what a kind that needs a backend gets where its task names none: one without policies."""
        if node.task.kind not in _HAVE_A_PLAIN_BACKEND:
            return None
        kind = node.task.kind
        if kind not in self._plain:
            self._plain[kind] = self.parts.backends(BackendSpec("", kind, None))
        return self._plain[kind]

    def bug(self, node: Node, error: BaseException) -> Failure:
        """Return the failure that a bug in a kind is; its traceback goes into a report."""
        report = "".join(traceback.format_exception(error))
        path = self.parts.bug(self.redactor.text(f"task {node.id}, kind {node.task.kind}\n{report}"))
        hint = f"this is a bug, not your flow's fault; the report is in {path}" if path else "this is a bug"
        message = f"{type(error).__name__}: {error}"
        return Failure(Code.BUG, ErrorClass.PERMANENT, ErrorKind.BUG, message, hint=hint)

    async def aclose(self) -> None:
        for backend in self._plain.values():
            await backend.aclose()


_HAVE_A_PLAIN_BACKEND: Final = frozenset({"http"})


def _nobody(_attempt: Any, _end: Any) -> None:  # noqa: ANN401 - nobody is told before the run is open
    return None
