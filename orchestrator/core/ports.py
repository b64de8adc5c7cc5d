"""What the engine asks of others, and what a front end asks of the engine, as protocols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from orchestrator.core.commands import Command
from orchestrator.core.errors import Failure
from orchestrator.core.events import Record
from orchestrator.core.fact import fact
from orchestrator.core.flow import EMPTY, BackendSpec, Json, Price
from orchestrator.core.model import Allowance, Message, ModelAnswer, ModelRequest, ToolCall, ToolResult, ToolSpec, Usage
from orchestrator.core.output import Cut, OutputShape
from orchestrator.core.run import Run
from orchestrator.core.simulation import Dials, Mood

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
    """Where the output of tasks is kept whole, under the run's folder. Files come into being with their first byte.

    `log` adds to what a task wrote in all its attempts, `write` to a file of one attempt's alone, which may be empty.
    """

    def log(self, task: str, text: str) -> None: ...
    def write(self, task: str, attempt: int, stream: str, text: str) -> None: ...
    def path(self, task: str, attempt: int, stream: str) -> str: ...
    def close(self, task: str) -> None: ...


class Kept(NamedTuple):
    """An answer that was kept, and how many seconds ago."""

    age: float
    output: Mapping[str, object]


class Cache(Protocol):
    """Where answers are kept from run to run, by what was asked. One that cannot be read is not there."""

    def get(self, key: str) -> Kept | None: ...
    def put(self, key: str, output: Mapping[str, object]) -> None: ...


# ── kinds ───────────────────────────────────────────────────────────────────────────────────────

Calls: TypeAlias = Literal["none", "one", "many"]
Stream: TypeAlias = Literal["out", "err", "log", "sys", "think"]


class Estimate(NamedTuple):
    """What one call may use at most: tokens in and out. `model` is whom it asks, None for the backend's own."""

    input_tokens: int = 0
    output_tokens: int = 0
    model: str | None = None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


@fact
class RunFacts:
    """What a task may know of its run. A `rehearsal` touches nothing in the world."""

    id: str
    name: str
    folder: str
    flow_folder: str
    started: float
    rehearsal: bool = False


class Work(NamedTuple):
    """What a task is to do that another task starts: its name there, its kind, and that kind's rendered settings."""

    name: str
    kind: str
    settings: object
    backend: str | None = None


class Handed(NamedTuple):
    """What came of a work: its output, or why there is none, and the tokens that it and all that it started used."""

    back: Mapping[str, object] | Failure
    tokens: int = 0


class Context(Protocol):
    """What an attempt is given. Everything it writes is redacted on the way in.

    `backend` is the one that admission chose, or the task's own where each call is admitted by itself.
    `idempotency_key` stays the same over automatic retries.
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

    def used(self, usage: Usage, model: str | None = None, window: int | None = None) -> None:
        """Tell what the present call used; of a model, which it was and how much it can read."""
        ...

    def model(self, own: str | None) -> str | None:
        """Return the model that the present call asks: the task's `own` is a name at its own backend alone."""
        ...

    def progress(self, done: float, total: float | None = None, message: str = "") -> None: ...
    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        """Run a function on the engine's loop; the one method that other threads may use."""
        ...

    async def call(
        self, estimate: Estimate, work: Callable[[Backend], Awaitable[Any]], *, backend: str | None = None
    ) -> Any:  # noqa: ANN401 - what the work returns
        """Make one call of many: admitted, retried and settled on its own; for kinds with `calls = "many"`.

        Without a name it goes to the task's own backend, and one is made at a time. A call to a `backend` that is named
        is a call beside those: any number are made at once, none is repeated, and an open breaker refuses it.
        """
        ...

    def say(self, part: Message | ToolCall | ToolResult) -> None:
        """Tell a part of the conversation."""
        ...

    async def ask(self, message: str, choices: Sequence[str] = ()) -> str:
        """Ask a person, and wait for the answer. Raises DeniedError where nobody can answer or nobody wants to."""
        ...

    async def confirm(self, message: str, show: str) -> None:
        """Ask a person for leave, showing what it is about, and wait. Raises DeniedError where it is not given."""
        ...

    async def delegate(self, works: Sequence[Work]) -> Sequence[Handed]:
        """Let tasks of their own do these works, and wait for all."""
        ...

    def recall(self, conversation: str) -> tuple[Message, ...]:
        """Return what was said so far in a conversation that tasks of a group share."""
        ...

    def remember(self, conversation: str, messages: Sequence[Message]) -> None:
        """Add to what was said in a conversation that tasks of a group share."""
        ...

    def allowed(self, allowances: Sequence[Allowance]) -> None:
        """Tell what the backend of the present call said is left of its limits."""
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

    def calls_of(self, settings: Any) -> Calls:  # noqa: ANN401 - each kind has its own settings type
        """Return how many calls an attempt with these settings makes, where that depends on them."""
        del settings
        return self.calls

    def fingerprint(self, settings: Any) -> object:  # noqa: ANN401 - as above
        """Return what tells one question from another: the settings, and what they name that may change."""
        return settings

    def repeatable(self, settings: Any) -> bool: ...  # noqa: ANN401 - as above
    def prepare(self, settings: Any, scope: Scope) -> Any:  # noqa: ANN401
        """Render the unrendered fields; called once the others are. Raises what templates raise."""
        ...

    def estimate(self, settings: Any, spec: BackendSpec) -> Estimate: ...  # noqa: ANN401
    async def run(self, settings: Any, context: Context) -> Mapping[str, object]:  # noqa: ANN401
        """Do the work once. Raises AttemptError; anything else it raises is a bug of the kind."""
        ...


# ── backends ────────────────────────────────────────────────────────────────────────────────────


@fact
class BackendServices:
    """What a backend is built with besides its declaration.

    `folder` is the run's, for what the backend keeps there, `flow_folder` that of the flow file. `environment` is what
    child programs get. `redact` takes secrets out of a text: all that a backend writes itself goes through it. `dials`
    are what a person turns to break a simulated backend and to mend it.
    """

    clock: Clock
    chance: Chance
    api_key: str | None = None
    folder: str = ""
    flow_folder: str = "."
    environment: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    redact: Callable[[str], str] = str
    dials: Dials = field(default_factory=Dials)


class Backend(Protocol):
    """What answers calls. `settings` is a frozen dataclass that declares the backend kind's own keys."""

    name: ClassVar[str]
    settings: ClassVar[type]

    @property
    def spec(self) -> BackendSpec: ...
    async def aclose(self) -> None: ...


@runtime_checkable
class ModelBackend(Backend, Protocol):
    """A backend that answers prompts."""

    def count(self, request: ModelRequest) -> Estimate:
        """Estimate the tokens of the request, and of its longest answer."""
        ...

    def price(self, model: str | None) -> Price | None:
        """Return what the model costs, or the backend's own where none is named; None where nobody knows."""
        ...

    def window(self, model: str | None) -> int | None:
        """Return how many tokens the model can read, None where nobody knows."""
        ...

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        """Answer; text that streams is written to the context as it comes, thoughts to its stream `think`."""
        ...


class Tool(NamedTuple):
    """A tool of a server. One that `writes` may change something."""

    spec: ToolSpec
    writes: bool = True


@runtime_checkable
class ToolServer(Backend, Protocol):
    """A backend that has tools."""

    async def tools(self, context: Context) -> Sequence[Tool]:
        """Return the tools that it has now."""
        ...

    async def use(self, tool: str, arguments: Mapping[str, Json], context: Context) -> ToolAnswer:
        """Use a tool. An error of the tool's own is an answer; raises AttemptError where there is none."""
        ...


@fact
class ToolAnswer:
    """What a tool answered: as text, as the parts that the server sent, and as data where there is some."""

    text: str
    content: tuple[Mapping[str, Json], ...] = ()
    structured: Mapping[str, Json] | None = None
    is_error: bool = False


@runtime_checkable
class Checkable(Backend, Protocol):
    """A backend that can say how it is, without spending anything."""

    async def check(self, models: Sequence[str] = ()) -> str:
        """Return what was found, for people: `12 models`. Raises AttemptError where calls would fail.

        `models` are the names that a flow uses; one that is not known there is an error.
        """
        ...


@fact
class HttpRequest:
    """One request. `url` may be relative to the backend's."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, Any]
    body: bytes | None = None
    max_size: int | None = None
    follow_redirects: bool = True


@fact
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


class Caption(NamedTuple):
    """What a guide says at a moment: what goes on, why, and where to look.

    `group` is the one that it is about. `step` counts up to `steps`. Once the run has ended, `affected` says how many
    tasks were hurt that should not be.
    """

    moment: str
    group: str
    heading: str
    why: str
    look: str
    step: int
    steps: int
    affected: int | None = None


class Guide(Protocol):
    """Leads a person through a run, and breaks and mends simulated backends for them. Asked from one thread."""

    @property
    def moods(self) -> Mapping[str, Mood]:
        """Return how each backend is made to behave."""
        ...

    def look(self) -> Caption:
        """Take in what happened, do what is due, and return what is to be said now. Ask ten times a second or so."""
        ...

    def turn(self, backend: str, mood: Mood) -> None:
        """Make a backend behave so from its next call on."""
        ...
