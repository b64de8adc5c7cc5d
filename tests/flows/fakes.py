"""Kinds and backends that do nothing, as a registry for tests of the loader. They declare what real ones declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Literal

from orchestrator.core.errors import OrchestratorError
from orchestrator.core.flow import BackendSpec, Flow, Json
from orchestrator.core.output import OutputShape
from orchestrator.core.ports import Calls, Context, Estimate
from orchestrator.core.units import Count, Duration, FilePath, Size
from orchestrator.flows import Registry, load_flow


def doc(text: str, **more: object) -> dict[str, object]:
    return {"description": text, **more}


@dataclass(frozen=True, slots=True)
class ShellSettings:
    command: str | tuple[str, ...] = field(metadata=doc("The command."))
    with_: str | tuple[str, ...] | None = field(default=None, metadata=doc("What runs it.", key="with"))
    cwd: str | None = field(default=None, metadata=doc("Where it runs."))
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), metadata=doc("Its environment."))
    stdin: str | None = field(default=None, metadata=doc("What it reads."))
    accept: tuple[int, ...] = field(default=(0,), metadata=doc("Good exit codes."))
    parse: Literal["json", "jsonl", "lines"] | None = field(default=None, metadata=doc("How stdout is read."))
    templates: bool = field(default=True, metadata=doc("Whether it holds templates."))
    grace: Duration = field(default=5.0, metadata=doc("How long it may take to end."))

    def __post_init__(self) -> None:
        if self.with_ == "nothing":
            raise ValueError("nothing runs no command; write `sh -c`")


@dataclass(frozen=True, slots=True)
class HttpSettings:
    url: str = field(metadata=doc("Where to."))
    method: str = field(default="GET", metadata=doc("How."))
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), metadata=doc("Headers."))
    json: Json = field(default=None, metadata=doc("What is sent as JSON."))
    body: str | None = field(default=None, metadata=doc("What is sent as text."))
    expect: tuple[int, ...] = field(default=(), metadata=doc("Good answers."))
    max_size: Size | str = field(default=1_000_000, metadata=doc("How much."))

    def __post_init__(self) -> None:
        if self.json is not None and self.body is not None:
            raise ValueError("json and body exclude each other; write one of them")


@dataclass(frozen=True, slots=True)
class PromptFile:
    file: FilePath = field(metadata=doc("The file."))


@dataclass(frozen=True, slots=True)
class Message:
    role: Literal["system", "user", "assistant"] = field(metadata=doc("Who."))
    content: str = field(metadata=doc("What."))


@dataclass(frozen=True, slots=True)
class LlmSettings:
    prompt: str | PromptFile | None = field(default=None, metadata=doc("The prompt."))
    messages: tuple[Message, ...] = field(default=(), metadata=doc("A conversation."))
    system: str | None = field(default=None, metadata=doc("What it is told to be."))
    model: str | None = field(default=None, metadata=doc("The model."))
    temperature: float | str | None = field(default=None, metadata=doc("How freely."))
    max_tokens: Count | str | None = field(default=None, metadata=doc("How long."))

    def __post_init__(self) -> None:
        if self.prompt is None and not self.messages:
            raise ValueError("a prompt is missing; write prompt or messages")


@dataclass(frozen=True, slots=True)
class AgentSettings:
    prompt: str | PromptFile | None = field(default=None, metadata=doc("The prompt."))
    messages: tuple[Message, ...] = field(default=(), metadata=doc("A conversation."))
    role: str | None = field(default=None, metadata=doc("The role."))
    system: str | None = field(default=None, metadata=doc("What it is told to be."))
    model: str | None = field(default=None, metadata=doc("The model."))
    tools: tuple[str, ...] = field(default=(), metadata=doc("The tools."))
    allowed_tools: tuple[str, ...] = field(default=(), metadata=doc("Those it may use."))
    confirm: Literal["never", "always", "on_write"] | tuple[str, ...] = field(
        default="never", metadata=doc("What a person must allow.")
    )
    subagents: tuple[str, ...] = field(default=(), metadata=doc("The roles of those it may start."))
    temperature: float | str | None = field(default=None, metadata=doc("How freely."))
    max_tokens: Count | str | None = field(default=None, metadata=doc("How long."))
    max_turns: Count | str = field(default=20, metadata=doc("How many answers."))
    token_budget: Count | str | None = field(default=None, metadata=doc("How many tokens."))
    time_budget: Duration | str | None = field(default=None, metadata=doc("How long it may take."))
    extra: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}), metadata=doc("More fields."))
    description: str = field(default="", metadata=doc("What it is good for.", hidden=True))
    backend: str | None = field(default=None, metadata=doc("Whom it asks.", hidden=True))
    team: Mapping[str, AgentSettings] = field(
        default_factory=lambda: MappingProxyType({}), metadata=doc("Those it may start.", hidden=True)
    )

    def __post_init__(self) -> None:
        if self.prompt is None and not self.messages:
            raise ValueError("a prompt is missing; write prompt or messages")


@dataclass(frozen=True, slots=True)
class McpTaskSettings:
    tool: str = field(metadata=doc("server.tool"))
    arguments: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}), metadata=doc("Arguments."))


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    call: str = field(metadata=doc("module:callable"))
    args: tuple[Json, ...] = field(default=(), metadata=doc("Arguments."))
    kwargs: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}), metadata=doc("More arguments."))


class FakeKind:
    name: ClassVar[str]
    settings: ClassVar[type]
    short: ClassVar[str]
    output: ClassVar[OutputShape]
    calls: ClassVar[Calls] = "one"
    unrendered: ClassVar[frozenset[str]] = frozenset()

    def repeatable(self, settings: object) -> bool:
        return self.name in {"llm", "agent", "subagent"} or getattr(settings, "method", "") == "GET"

    def prepare(self, settings: object, scope: Mapping[str, object]) -> object:
        del scope
        return settings

    def estimate(self, settings: object, spec: BackendSpec) -> Estimate:
        if not isinstance(settings, LlmSettings | AgentSettings):
            return Estimate()
        longest = int(settings.max_tokens or spec.max_tokens or 4096)
        return Estimate(len(str(settings.prompt)) // 4, longest)

    async def run(self, settings: object, context: Context) -> Mapping[str, object]:
        del context
        return {"settings": settings}


class Shell(FakeKind):
    name = "shell"
    settings = ShellSettings
    short = "command"
    output = OutputShape("stdout", {"stdout": "", "stderr": "", "exit_code": 0, "parsed": None, "stdout_path": ""})
    unrendered = frozenset({"command"})


class Http(FakeKind):
    name = "http"
    settings = HttpSettings
    short = "url"
    output = OutputShape("text", {"status": 0, "headers": {}, "text": "", "json": None, "path": ""})


class Llm(FakeKind):
    name = "llm"
    settings = LlmSettings
    short = "prompt"
    output = OutputShape("text", {"text": "", "model": "", "stop": "end", "data": None})


class Agent(FakeKind):
    name = "agent"
    settings = AgentSettings
    short = "prompt"
    output = OutputShape("text", {"text": "", "model": "", "stop": "end", "data": None})
    calls = "many"


class Subagent(Agent):
    name = "subagent"


class Mcp(FakeKind):
    name = "mcp"
    settings = McpTaskSettings
    short = "tool"
    output = OutputShape("text", {"text": "", "content": [], "structured": None})


class Function(FakeKind):
    name = "function"
    settings = FunctionSettings
    short = "call"
    output = OutputShape("value", {"value": None})


@dataclass(frozen=True, slots=True)
class NoSettings:
    pass


@dataclass(frozen=True, slots=True)
class ModelSettings:
    model: str = field(metadata=doc("The model."))
    base_url: str | None = field(default=None, metadata=doc("Where it is."))


@dataclass(frozen=True, slots=True)
class SiteSettings:
    base_url: str | None = field(default=None, metadata=doc("Where it is."))


@dataclass(frozen=True, slots=True)
class ServerSettings:
    command: tuple[str, ...] = field(default=(), metadata=doc("The program."))
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), metadata=doc("Its environment."))
    cwd: str | None = field(default=None, metadata=doc("Where it runs."))
    url: str = field(default="", metadata=doc("Where it is."))

    def __post_init__(self) -> None:
        if bool(self.command) == bool(self.url):
            raise ValueError("exactly one of command and url is needed; write one of them")


@dataclass(frozen=True, slots=True)
class SimulatedSettings:
    latency: float | str = field(default=0.0, metadata=doc("How long."))
    failure_rate: float = field(default=0.0, metadata=doc("The share of failures."))
    answer: str | None = field(default=None, metadata=doc("What it answers."))
    script: tuple[str | int, ...] = field(default=(), metadata=doc("How calls end."))

    def __post_init__(self) -> None:
        if not 0 <= self.failure_rate <= 1:
            raise ValueError(f"failure_rate is {self.failure_rate:g}; it is a share, from 0 to 1")


class FakeBackend:
    name: ClassVar[str]
    settings: ClassVar[type] = NoSettings

    def __init__(self, spec: BackendSpec) -> None:
        self.spec = spec

    async def aclose(self) -> None:
        """Nothing is open."""


class Answers:
    async def complete(self) -> None:
        """Only its name counts here."""


class Sends:
    async def send(self) -> None:
        """Only its name counts here."""


class Model(FakeBackend, Answers):
    name = "model"
    settings = ModelSettings

    @staticmethod
    def refuses(own: ModelSettings, asked: LlmSettings | AgentSettings) -> tuple[str, str, str] | None:
        if own.model == "thinker" and isinstance(asked.temperature, float):
            return "temperature", f"is {asked.temperature:g}, and a model that thinks takes none", "leave it out"
        return None


class Site(FakeBackend, Sends):
    name = "http"
    settings = SiteSettings


class Server(FakeBackend):
    name = "mcp"
    settings = ServerSettings


class Resource(FakeBackend):
    name = "resource"


class Simulated(FakeBackend, Answers, Sends):
    name = "simulated"
    settings = SimulatedSettings
    unrendered: ClassVar[frozenset[str]] = frozenset({"answer"})


KINDS: dict[str, type] = {kind.name: kind for kind in (Shell, Http, Llm, Agent, Subagent, Mcp, Function)}
BACKENDS: dict[str, type] = {backend.name: backend for backend in (Model, Site, Resource, Server, Simulated)}


class Loads:
    """Hands out classes by name, and remembers what it was asked for."""

    def __init__(self, classes: Mapping[str, type], broken: frozenset[str] = frozenset()) -> None:
        self.classes = classes
        self.broken = broken
        self.asked: list[str] = []

    def names(self) -> list[str]:
        return [*self.classes, *self.broken]

    def load(self, name: str) -> type:
        self.asked.append(name)
        if name in self.broken:
            raise OrchestratorError(f"{name!r} cannot be loaded from nowhere: No module named 'nowhere'")
        return self.classes[name]


def registry(kinds: Loads | None = None, backends: Loads | None = None) -> Registry:
    kinds, backends = kinds or Loads(KINDS), backends or Loads(BACKENDS)
    return Registry(kinds.names, kinds.load, backends.names, backends.load)


def flow_of(folder: Path, text: str, environ: Mapping[str, str] = MappingProxyType({})) -> Flow:
    """Write a flow file into the folder and load it."""
    path = folder / "flow.yaml"
    path.write_text(text, encoding="utf-8")
    return load_flow(str(path), registry(), environ=environ).flow
