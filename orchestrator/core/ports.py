"""What the engine asks of others, and what a front end asks of the engine, as protocols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from orchestrator.core.commands import Command
from orchestrator.core.events import Record
from orchestrator.core.flow import BackendSpec
from orchestrator.core.output import Cut, OutputShape
from orchestrator.core.run import Run

# ── time, chance, record ────────────────────────────────────────────────────────────────────────


class Clock(Protocol):
    """Time, handed in. `now` never goes back; `wall` is Unix seconds; only `sleep` waits."""

    def now(self) -> float: ...
    def wall(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Chance(Protocol):
    """Randomness that depends on its key alone, never on the order of asking."""

    def random(self, *key: str | int) -> float: ...


class Journal(Protocol):
    """Where events are kept. `append` never waits for a disk or a reader."""

    def append(self, records: Sequence[Record]) -> None: ...
    def close(self) -> None: ...


class OutputFiles(Protocol):
    """Where the output of tasks is kept whole, under the run's folder. Files come into being with their first byte."""

    def write(self, task: str, attempt: int, stream: str, text: str) -> None: ...
    def path(self, task: str, attempt: int, stream: str) -> str: ...
    def close(self, task: str) -> None: ...


# ── kinds ───────────────────────────────────────────────────────────────────────────────────────

Calls: TypeAlias = Literal["none", "one", "many"]
Stream: TypeAlias = Literal["out", "err", "log", "sys"]


class Estimate(NamedTuple):
    """What one call may use at most: tokens in and out. None where nothing is counted."""

    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class Usage(NamedTuple):
    """What one call did use."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


NO_USAGE: Final = Usage()


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a task may know of its run."""

    id: str
    name: str
    folder: str
    flow_folder: str
    started: float


class Context(Protocol):
    """What an attempt is given. Everything it writes is redacted on the way in.

    `backend` is the one that admission chose. `idempotency_key` stays the same over automatic retries.
    `environment` is what child programs get; `stopping` becomes true when the attempt is to end within `grace` seconds.
    """

    @property
    def run(self) -> RunFacts: ...
    @property
    def task(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def idempotency_key(self) -> str: ...
    @property
    def environment(self) -> Mapping[str, str]: ...
    @property
    def backend(self) -> Backend | None: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def grace(self) -> float: ...
    @property
    def stopping(self) -> bool: ...
    def chance(self, *purpose: str | int) -> float: ...
    def write(self, stream: Stream, data: bytes | str) -> None: ...
    def written(self, stream: Stream) -> str | Cut:
        """Return what this attempt wrote to the stream, redacted; a Cut where memory's limit was passed."""
        ...

    def path(self, stream: Stream) -> str:
        """Return the file that holds all that was written to the stream."""
        ...

    def used(self, usage: Usage) -> None: ...
    def progress(self, done: float, total: float | None = None, message: str = "") -> None: ...
    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        """Run a function on the engine's loop; the one method that other threads may use."""
        ...

    async def call(self, estimate: Estimate, work: Callable[[Backend], Awaitable[Any]]) -> Any:  # noqa: ANN401 - what the work returns
        """Make one call of many: admitted, retried and settled on its own; for kinds with `calls = "many"`."""
        ...


class Scope(Mapping[str, object]):
    """The names that a task's templates may use. `names` are those with a hyphen, which templates must be told.

    `folder` is that of the flow file in which the task is declared; its paths are relative to it.
    """

    names: frozenset[str] = frozenset()
    folder: str = "."


class Kind(Protocol):
    """What a task does. `settings` is a frozen dataclass that declares the kind's keys in a flow.

    `short` is the field that the short form of the kind fills (`shell: true` fills `command`). `output` describes the
    fields of what `run` returns. A `repeatable` setting may be tried again without being asked to. `unrendered` names
    fields that the kind renders itself, or that hold no templates.
    """

    name: ClassVar[str]
    settings: ClassVar[type]
    short: ClassVar[str]
    output: ClassVar[OutputShape]
    calls: ClassVar[Calls]
    unrendered: ClassVar[frozenset[str]]

    def repeatable(self, settings: Any) -> bool: ...  # noqa: ANN401 - each kind has its own settings type
    def prepare(self, settings: Any, scope: Scope) -> Any:  # noqa: ANN401
        """Render the unrendered fields; called once the others are. Raises what templates raise."""
        ...

    def estimate(self, settings: Any, spec: BackendSpec) -> Estimate: ...  # noqa: ANN401
    async def run(self, settings: Any, context: Context) -> Mapping[str, object]:  # noqa: ANN401
        """Do the work once. Raises AttemptError; anything else it raises is a bug of the kind."""
        ...


# ── backends ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class BackendServices:
    """What a backend is built with besides its declaration."""

    clock: Clock
    chance: Chance
    api_key: str | None = None


class Backend(Protocol):
    """What answers calls. `settings` is a frozen dataclass that declares the backend kind's own keys."""

    name: ClassVar[str]
    settings: ClassVar[type]

    @property
    def spec(self) -> BackendSpec: ...
    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One prompt to a model. `messages` are role and text, oldest first."""

    messages: tuple[tuple[str, str], ...]
    system: str | None = None
    model: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What a model answered. `stop` is `end`, `tool_use`, `length` or `filter`."""

    text: str
    model: str
    stop: str = "end"
    usage: Usage = NO_USAGE


@runtime_checkable
class ModelBackend(Backend, Protocol):
    """A backend that answers prompts."""

    def count(self, request: ModelRequest) -> int:
        """Estimate the tokens of the request."""
        ...

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        """Answer; text that streams is written to the context as it comes."""
        ...


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request. `url` may be relative to the backend's."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    body: bytes | None = None
    max_size: int | None = None
    follow_redirects: bool = True


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered. Header names are in lower case; a `truncated` body was longer than `max_size`."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    truncated: bool = False


@runtime_checkable
class HttpBackendPort(Backend, Protocol):
    """A backend that answers HTTP requests."""

    async def send(self, request: HttpRequest, context: Context) -> HttpAnswer: ...


@runtime_checkable
class Performer(Backend, Protocol):
    """A backend that has a part in work that others do: it takes its time, and may fail, before that begins."""

    async def perform(self, context: Context) -> None: ...


# ── front ends ──────────────────────────────────────────────────────────────────────────────────


class Gap(NamedTuple):
    """A viewer fell too far behind; it must attach again."""

    missed: int


class Subscription(Protocol):
    """The events after a copy of the state was made. Safe to use from the viewer's own thread."""

    def drain(self) -> Sequence[Record] | Gap:
        """Return what happened since the last call, at once."""
        ...

    def close(self) -> None: ...


class Session(Protocol):
    """All that a front end knows of an engine. Safe to use from any thread."""

    def attach(self) -> tuple[Run, Subscription]:
        """Return a copy of the state, made between two events, and the events after it."""
        ...

    def send(self, command: Command) -> None:
        """Hand over a command; CommandAccepted or CommandRefused with its id follows."""
        ...

    def now(self) -> float:
        """Return the second on the run's clock, for countdowns."""
        ...
