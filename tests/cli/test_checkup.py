"""What the doctor finds of the backends that a flow uses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from orchestrator.cli.checkup import check_backends
from orchestrator.cli.findings import Finding, Level
from orchestrator.core.errors import Code, FlowError, Problem, UpstreamError
from orchestrator.core.flow import BackendSpec, DegradeLevel, Flow, Json, Price, SecretSource, Task
from orchestrator.core.model import ModelAnswer, ModelRequest, ToolSpec
from orchestrator.core.ports import Backend, Checkable, Context, Estimate, ModelBackend, Tool, ToolAnswer, ToolServer


@dataclass(frozen=True)
class Own:
    model: str = "m"


@dataclass(frozen=True)
class AgentSettings:
    model: str | None = None
    tools: tuple[str, ...] = ()
    backend: str | None = None
    subagents: tuple[str, ...] = ()
    team: Mapping[str, AgentSettings] = field(default_factory=dict)
    tool: str = ""


class Plain(Backend):
    name: ClassVar[str] = "plain"
    settings: ClassVar[type] = Own

    def __init__(self, spec: BackendSpec) -> None:
        self._spec = spec
        self.closed = 0

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    async def aclose(self) -> None:
        self.closed += 1


class Model(Plain, ModelBackend, Checkable):
    """Knows some models and some prices; it may be down, or silent."""

    def __init__(self, spec: BackendSpec, *, is_down: bool = False, is_silent: bool = False) -> None:
        super().__init__(spec)
        self._is_down = is_down
        self._is_silent = is_silent
        self.asked: list[Sequence[str]] = []

    def count(self, request: ModelRequest) -> Estimate:
        raise NotImplementedError

    def price(self, model: str | None) -> Price | None:
        return Price(3.0, 15.0) if model == "m" else None

    def window(self, model: str | None) -> int | None:
        raise NotImplementedError

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        del request, context
        raise AssertionError("nothing that costs a token")

    async def check(self, models: Sequence[str] = ()) -> str:
        self.asked.append(models)
        if self._is_silent:
            await asyncio.Event().wait()
        if self._is_down:
            raise UpstreamError("HTTP 401: invalid key", hint="check the key")
        return "3 models"


class Server(Plain, ToolServer, Checkable):
    async def tools(self, context: Context) -> Sequence[Tool]:
        del context
        return [Tool(ToolSpec(name, "", {})) for name in ("git_log", "git_show")]

    async def use(self, tool: str, arguments: Mapping[str, Json], context: Context) -> ToolAnswer:
        del tool, arguments, context
        raise AssertionError("nothing is used")

    async def check(self, models: Sequence[str] = ()) -> str:
        del models
        return "2 tools"


def spec(name: str, kind: str = "model", **more: Any) -> BackendSpec:  # noqa: ANN401 - any field
    return BackendSpec(name, kind, Own(), **more)


def flow(*specs: BackendSpec, tasks: Sequence[Task] = (), **more: Any) -> Flow:  # noqa: ANN401 - any field
    return Flow("f", {task.id: task for task in tasks}, backends={one.name: one for one in specs}, **more)


def asks(backend: str, kind: str = "llm", **settings: Any) -> Task:  # noqa: ANN401 - any field
    return Task("a", kind, AgentSettings(**settings), backend=backend)


def found(given: Flow, *backends: Backend, limit: float = 5.0) -> list[tuple[Level, str]]:
    known = {one.spec.name: one for one in backends}
    return [(finding.level, finding.text) for finding in check_backends(given, lambda one: known[one.name], limit)]


def test_a_backend_that_answers_is_well_and_its_price_is_told() -> None:
    writer = Model(spec("writer"))
    assert found(flow(writer.spec, tasks=[asks("writer")]), writer) == [
        (Level.GOOD, "writer: 3 models"),
        (Level.GOOD, "writer: m costs $3.00 in and $15.00 out for a million tokens"),
    ]
    assert writer.closed == 1


def test_the_models_of_tasks_teams_and_levels_are_asked_for() -> None:
    writer = Model(spec("writer"))
    team = {
        "one": AgentSettings(model="small"),
        "two": AgentSettings(model="foreign", backend="elsewhere", subagents=("three",)),
        "three": AgentSettings(model="strange"),
    }
    given = flow(
        writer.spec,
        tasks=[asks("writer", "agent", model="big", subagents=("one", "two"), team=team)],
        degrade=(DegradeLevel("reduced", ("writer",), models={"writer": "tiny"}),),
    )
    said = found(given, writer)
    assert writer.asked == [["big", "small", "tiny"]]
    assert (Level.NOTE, "writer: nobody knows what big costs, so no budget in dollars can be kept") in said


def test_what_refuses_or_is_silent_fails_with_a_remedy_and_is_closed() -> None:
    refused, silent = Model(spec("refused"), is_down=True), Model(spec("silent"), is_silent=True)
    given = flow(
        refused.spec, silent.spec, tasks=[asks("refused"), Task("b", "llm", AgentSettings(), backend="silent")]
    )
    findings = check_backends(given, lambda one: {"refused": refused, "silent": silent}[one.name], 0.05)
    assert findings == [
        Finding(Level.MISSING, "backend", "refused: HTTP 401: invalid key", "check the key"),
        Finding(
            Level.MISSING,
            "backend",
            "silent: no answer within 0.05 s",
            "check its address, the network, and whether it runs",
        ),
    ]
    assert (refused.closed, silent.closed) == (1, 1)


@pytest.mark.parametrize(
    ("source", "level", "text"),
    [
        (SecretSource(env="K"), Level.NOTE, "keyless: not asked, for want of its key"),
        (SecretSource(command=("pass", "k")), Level.MISSING, "secret keyless: exit code 1; run it by hand"),
    ],
)
def test_what_has_no_key_is_told_of_and_the_others_are_asked(source: SecretSource, level: Level, text: str) -> None:
    writer, keyless = Model(spec("writer")), spec("keyless", api_key=source)
    given = flow(keyless, writer.spec, tasks=[asks("writer"), Task("b", "llm", None, backend="keyless")])

    def build(one: BackendSpec) -> Backend:
        if one.name == "keyless":
            raise FlowError(Problem("secret keyless: exit code 1", hint="run it by hand", code=Code.SECRET))
        return writer

    first, second, _ = check_backends(given, build)
    assert (first.level, first.text) == (level, text)
    assert second.level is Level.GOOD


def test_a_template_without_its_value_is_told_of() -> None:
    def build(one: BackendSpec) -> Backend:
        raise FlowError(Problem(f"mcp {one.name!r}: 'inputs.x' is not there", code=Code.TEMPLATE))

    [found] = check_backends(flow(spec("git", "mcp"), tasks=[asks("git", "mcp", tool="git.x")]), build)
    assert (found.level, found.name) == (Level.MISSING, "server")


def test_a_server_has_the_tools_that_are_named_or_not() -> None:
    git = Server(spec("git", "mcp"))
    offline = spec("offline", "simulated")
    given = flow(git.spec, offline, tasks=[asks("offline", "agent", tools=("git.git_l*", "git.git_shw", "shell"))])
    findings = check_backends(given, lambda _: git)
    assert [(one.level, one.name, one.text, one.advice) for one in findings] == [
        (Level.GOOD, "server", "git: 2 tools", ""),
        (Level.MISSING, "tool", "git has no tool 'git_shw'", "did you mean 'git_show'?"),
    ]
    given = flow(git.spec, tasks=[asks("git", "mcp", tool="git.git_log")])
    assert found(given, git)[-1] == (Level.GOOD, "git has git_log")


def test_what_is_simulated_or_not_used_is_not_asked() -> None:
    def build(one: BackendSpec) -> Backend:
        raise AssertionError(one.name)

    assert not check_backends(flow(spec("idle"), spec("offline", "simulated"), tasks=[asks("offline")]), build)


def test_fallbacks_and_what_a_template_may_name_are_used() -> None:
    one, two, three = Model(spec("one", fallback=("two",))), Model(spec("two")), Model(spec("three"))
    given = flow(one.spec, two.spec, three.spec, tasks=[asks("one")])
    assert {text.partition(":")[0] for _, text in found(given, one, two, three)} == {"one", "two"}
    given = flow(one.spec, two.spec, three.spec, tasks=[asks("{{ inputs.backend }}")])
    assert {text.partition(":")[0] for _, text in found(given, one, two, three)} == {"one", "two", "three"}


def test_the_backends_of_sub_flows_are_theirs_unless_the_flow_above_has_the_name() -> None:
    outer, inner = Model(spec("shared")), Model(spec("own"))
    called = flow(spec("shared"), inner.spec, tasks=[asks("shared", model="x"), Task("b", "llm", None, backend="own")])
    given = flow(outer.spec, tasks=[Task("sub", "flow", None)], flows={"sub": called})
    said = [text for _, text in found(given, outer, inner)]
    assert [text for text in said if text.endswith(" 3 models")] == ["shared: 3 models", "sub/own: 3 models"]
    assert outer.asked == [["x"]]
