"""Agents in tests: servers with a few tools, and what models are told of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.core.model import ModelRequest, ToolCall, ToolResult, ToolSpec
from orchestrator.core.ports import Context, Tool, ToolAnswer
from orchestrator.kinds.agent.kind import AgentKind
from orchestrator.kinds.agent.limits import Limits
from orchestrator.kinds.agent.settings import AgentSettings
from orchestrator.kinds.agent.tools.tool import Room
from orchestrator.net import HttpClient
from tests.kinds.fakes import FakeContext, ScriptedTools, Talker


def call(tool: str, number: int = 1, /, **arguments: object) -> ToolCall:
    given: Mapping[str, Any] = arguments
    return ToolCall(f"call-{number}", tool, given)


def adder(name: str = "math") -> ScriptedTools:
    return ScriptedTools(
        name,
        (tool("double", writes=False), lambda a: ToolAnswer(str(2 * a))),
        (tool("store"), lambda a: ToolAnswer(f"stored {a}")),
    )


def tool(name: str, *, writes: bool = True) -> Tool:
    """A tool of one whole number."""
    schema: Mapping[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    return Tool(ToolSpec(name, f"Does {name}.", schema), writes=writes)


def context_of(model: Talker, *servers: ScriptedTools, folder: Path | str = ".") -> FakeContext:
    context = FakeContext(folder, backend=model)
    context.backends = {server.spec.name: server for server in servers}
    return context


async def run(settings: AgentSettings, context: Context) -> Mapping[str, object]:
    return await AgentKind().run(settings, context)


def results(request: ModelRequest) -> list[ToolResult]:
    return [part for part in request.messages[-1].parts if isinstance(part, ToolResult)]


def room_in(folder: Path, context: Context | None = None) -> Room:
    """Where tools work that are used by themselves."""
    context = context or FakeContext(folder)
    limits = Limits(AgentSettings("x"), context.clock)
    return Room(context, str(folder), HttpClient(), limits.working)
