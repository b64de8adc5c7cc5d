"""A flow told in a few words, carried out in virtual time with kinds that follow a script."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeAlias

from orchestrator.core import events as ev
from orchestrator.core.errors import TRANSIENT_STATUS, AttemptError, UpstreamError
from orchestrator.core.events import Event, Record
from orchestrator.core.flow import (
    BackendSpec,
    BreakerPolicy,
    Flow,
    ForEach,
    Group,
    Matrix,
    Need,
    RetryPolicy,
    Task,
)
from orchestrator.core.model import Usage
from orchestrator.core.output import OutputShape
from orchestrator.core.ports import Backend, Calls, Context, Estimate, Kind, OutputFiles, Scope
from orchestrator.core.run import Run
from orchestrator.core.states import State
from orchestrator.engine import Engine, EngineOptions, Parts
from orchestrator.engine.clock import Chance, VirtualClock, VirtualLoop
from tests.engine.watch import Watch, judge

Free: TypeAlias = Any
"""What scenarios hand in and look at: values of many types, which the code under test checks, not its tests' types."""

Step: TypeAlias = "float | str | Exception | Usage | Mapping[str, object] | Callable[[Context], Free]"


@dataclass(frozen=True)
class Script:
    """What an attempt does, step by step: sleep so long, write a text, raise, return fields, or call a function.

    Each item of `attempts` is one attempt; the last one repeats.
    """

    attempts: Sequence[Sequence[Free]] = ((),)
    text: str = ""
    tokens: int = 0
    grace: float | None = None


class Scripted(Kind):
    """Does what its script says."""

    name: ClassVar[str] = "scripted"
    settings: ClassVar[type] = Script
    short: ClassVar[str] = "text"
    output: ClassVar[OutputShape] = OutputShape("value", {"value": "", "text": "", "list": ["p", "q"]})
    calls: ClassVar[Calls] = "one"
    unrendered: ClassVar[frozenset[str]] = frozenset({"attempts"})

    def repeatable(self, settings: Free) -> bool:
        return settings is not None

    def prepare(self, settings: Free, scope: Scope) -> Free:
        del scope
        return settings

    def estimate(self, settings: Free, spec: BackendSpec) -> Estimate:
        del spec
        return Estimate(0, settings.tokens)

    async def run(self, settings: Free, context: Context) -> Mapping[str, object]:
        steps = settings.attempts[min(context.attempt, len(settings.attempts)) - 1]
        fields: dict[str, object] = {"value": settings.text or "ok", "text": settings.text}
        for step in steps:
            await self._do(step, context, fields)
        return fields

    async def _do(self, step: Free, context: Context, fields: dict[str, object]) -> None:
        if isinstance(step, int | float):
            await context.clock.sleep(step)
        elif isinstance(step, Usage):
            context.used(step)
        elif isinstance(step, str):
            context.write("out", step)
        elif isinstance(step, BaseException):
            raise step
        elif callable(step):
            answer = step(context)
            if hasattr(answer, "__await__"):
                answer = await answer
            if isinstance(answer, Mapping):
                fields.update(answer)
        else:
            fields.update(step)


class Agentic(Scripted):
    """The same for a kind that makes many calls."""

    name: ClassVar[str] = "agentic"
    calls: ClassVar[Calls] = "many"


class Nowhere(Backend):
    """A backend that nobody talks to: the scripted kind answers by itself."""

    name: ClassVar[str] = "nowhere"
    settings: ClassVar[type] = Script

    def __init__(self, spec: BackendSpec) -> None:
        self._spec = spec
        self.is_closed = False

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    async def aclose(self) -> None:
        self.is_closed = True


class Memory(OutputFiles):
    """Files that are kept in memory."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def log(self, task: str, text: str) -> None:
        self.texts[f"{task}.log"] = self.texts.get(f"{task}.log", "") + text

    def write(self, task: str, attempt: int, stream: str, text: str) -> None:
        path = self.path(task, attempt, stream)
        self.texts[path] = self.texts.get(path, "") + text

    def path(self, task: str, attempt: int, stream: str) -> str:
        return f"{task}.{attempt}.{stream}"

    def close(self, task: str) -> None:
        """Keep what is there."""


KINDS: dict[str, Kind] = {"scripted": Scripted(), "agentic": Agentic()}


def task(
    name: str,
    *attempts: Sequence[Free],
    needs: Sequence[str | Need] = (),
    text: str = "",
    tokens: int = 0,
    grace: float | None = None,
    kind: str = "scripted",
    retries: int = 1,
    **fields: Free,
) -> Task:
    """Declare a task; each of `attempts` is what one attempt does."""
    fields.setdefault(
        "retry",
        RetryPolicy(max_attempts=retries, initial_delay=1.0, jitter=0.0, retry_on=("transient", "timeout", "work")),
    )
    return Task(
        id=name,
        kind=kind,
        settings=fields.pop("settings", Script(attempts or ((),), text, tokens, grace)),
        needs=tuple(need if isinstance(need, Need) else Need(need) for need in needs),
        **fields,
    )


def backend(name: str, **fields: Free) -> BackendSpec:
    return BackendSpec(name, "nowhere", None, **fields)


def flow(*tasks: Task, backends: Sequence[BackendSpec] = (), groups: Sequence[Group] = (), **fields: Free) -> Flow:
    return Flow(
        name=fields.pop("name", "story"),
        tasks={one.id: one for one in tasks},
        backends={one.name: one for one in backends},
        groups={one.name: one for one in groups},
        **fields,
    )


@dataclass
class Story:
    """A run that has ended, with all that happened."""

    run: Run
    records: list[Record]
    files: Memory

    def state(self, name: str) -> State:
        return self.run.tasks[name].state

    def states(self) -> dict[str, str]:
        return {name: str(progress.state) for name, progress in self.run.tasks.items()}

    def events(self, *types: type, task: str | None = None) -> list[Free]:
        found = [record.event for record in self.records if not types or isinstance(record.event, types)]
        return [event for event in found if task is None or getattr(event, "task", None) == task]

    def times(self, event_type: type, task: str | None = None) -> list[float]:
        return [
            record.at
            for record in self.records
            if isinstance(record.event, event_type) and (task is None or getattr(record.event, "task", None) == task)
        ]

    def waits(self, name: str) -> list[tuple[str, float | None]]:
        """Return what the task waited for, and until when."""
        return [(str(event.reason), event.until) for event in self.events(ev.TaskWaiting, task=name)]

    def started(self, name: str) -> list[float]:
        return self.times(ev.AttemptStarted, name)

    def ended(self, name: str) -> float:
        ended = self.run.tasks[name].ended
        assert ended is not None, f"{name} has not ended"
        return ended

    def refusal(self) -> str:
        """Return why the one command that was refused was refused."""
        (refused,) = self.events(ev.CommandRefused)
        why: str = refused.why
        return why

    def output(self, name: str) -> Free:
        return self.events(ev.TaskSucceeded, ev.TaskFailed, task=name)[-1].output

    def error(self, name: str) -> Free:
        return self.run.tasks[name].error


@dataclass
class Setting:
    """How a story is to be told: commands at moments, options, seeds.

    `leaves_at` makes a run linger until then; `start` is what the loop's clock shows when the run's shows 0.
    """

    commands: Sequence[tuple[float, Free]] = ()
    options: EngineOptions = field(default_factory=EngineOptions)
    seed: int = 1
    parts: Mapping[str, Free] = field(default_factory=dict)
    probe: Callable[[Engine], None] | None = None
    leaves_at: float | None = None
    start: float = 0.0


class WatchedLoop(VirtualLoop):
    """Virtual time in which somebody looks whenever a round of callbacks is over."""

    def __init__(self, looks: list[Callable[[], None]], start: float) -> None:
        super().__init__(start)
        self._looks = looks

    def select(self, timeout: float | None) -> tuple[()]:
        for look in self._looks:
            look()
        return super().select(timeout)


def tell(story_flow: Flow, setting: Setting | None = None) -> Story:
    """Carry out the flow in virtual time and return what happened. Whatever must not happen is an error."""
    setting = setting or Setting()
    files = Memory()
    broken: list[object] = []
    looks: list[Callable[[], None]] = []

    async def main() -> tuple[Run, Watch]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: broken.append(context))
        given: dict[str, Free] = {
            "kinds": KINDS.__getitem__,
            "backends": Nowhere,
            "clock": VirtualClock(),
            "chance": Chance(setting.seed),
            "files": files,
            "run_id": "r1",
            "seed": setting.seed,
        }
        parts = Parts(**{**given, **setting.parts})
        engine = Engine(story_flow, parts, setting.options)
        for moment, command in setting.commands:
            loop.call_at(setting.start + moment, engine.session.send, command)
        if setting.probe is not None:
            setting.probe(engine)
        if setting.leaves_at is not None:
            loop.call_at(setting.start + setting.leaves_at, engine.leave)
        watch = Watch(engine)
        looks.append(watch.look)
        return await engine.run([watch], lingers=setting.leaves_at is not None), watch

    with asyncio.Runner(loop_factory=lambda: WatchedLoop(looks, setting.start)) as runner:
        run, watch = runner.run(main())
    assert not broken, broken
    assert not watch.problems, watch.problems
    assert not (wrong := list(judge(story_flow, watch.records, run))), wrong
    return Story(run, watch.records, files)


def call(*steps: Free, tokens: int = 0) -> Callable[[Context], Free]:
    """Return a step of an `agentic` task: one call that does the steps."""

    def make(context: Context) -> Free:
        async def work(_: Backend) -> None:
            for step in steps:
                await Scripted()._do(step, context, {})

        return context.call(Estimate(0, tokens), work)

    return make


def busy(status: int = 503, retry_after: float | None = None) -> AttemptError:
    transient = status in TRANSIENT_STATUS
    return UpstreamError(f"HTTP {status}", status=status, retry_after=retry_after, transient=transient)


__all__ = [
    "Agentic",
    "BreakerPolicy",
    "Event",
    "ForEach",
    "Free",
    "Group",
    "Matrix",
    "Need",
    "Script",
    "Setting",
    "Story",
    "Usage",
    "backend",
    "busy",
    "call",
    "flow",
    "task",
    "tell",
]
