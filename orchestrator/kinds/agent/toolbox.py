"""The tools that one agent has: those that its task names, ours and those of servers, as the model knows them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Literal, NamedTuple, TypeAlias

from orchestrator.core.errors import AttemptError, Code, InputError
from orchestrator.core.model import LONGEST_TOOL_NAME, ToolSpec, usable_name
from orchestrator.core.ports import Backend, Context, Estimate, Tool, ToolAnswer, ToolServer
from orchestrator.kinds.agent.patterns import fits, fits_one, meant
from orchestrator.kinds.agent.settings import AgentSettings
from orchestrator.kinds.agent.tools.commands import SHELL
from orchestrator.kinds.agent.tools.files import LIST_FILES, READ_FILE, WRITE_FILE
from orchestrator.kinds.agent.tools.people import ASK_OPERATOR, START_SUBAGENT, start_subagent
from orchestrator.kinds.agent.tools.searching import SEARCH_FILES
from orchestrator.kinds.agent.tools.tool import Arguments, BuiltIn, Room
from orchestrator.kinds.agent.tools.web import HTTP_GET
from orchestrator.models.structured import SchemaError, canonical, violations

BUILT_IN: Final[Mapping[str, BuiltIn]] = {
    tool.spec.name: tool for tool in (READ_FILE, WRITE_FILE, LIST_FILES, SEARCH_FILES, SHELL, HTTP_GET)
}

Turn: TypeAlias = Literal["together", "question", "delegation"]


class Came(NamedTuple):
    """What a use of a tool came to."""

    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool as an agent has it: its name in flows, what the model is told, and what using it does.

    `turn` says when in a round it is used. What asks a person or starts an agent does nothing by itself.
    """

    name: str
    spec: ToolSpec
    writes: bool = False
    turn: Turn = "together"
    use: Callable[[Arguments], Awaitable[Came]] | None = None

    def violations(self, arguments: Arguments) -> tuple[str, ...]:
        """Return what is wrong with arguments. Where a server's schema is none, the server itself will say."""
        try:
            return violations(self.spec.schema, arguments)
        except SchemaError:
            return ()


class Toolbox:
    """Finds tools by the names that models use for them, and by those of the flow, which some models prefer."""

    def __init__(self, tools: Iterable[Offered]) -> None:
        self._by_name = {tool.spec.name: tool for tool in _told_apart(tools)}
        self._by_flow = {tool.name: tool for tool in self._by_name.values()}

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        return tuple(tool.spec for tool in self._by_name.values())

    def find(self, name: str) -> Offered | None:
        return self._by_name.get(name) or self._by_flow.get(name)

    def advice(self, name: str) -> str:
        return f"There is no tool {name!r}; {meant(name, self._by_name)}"


def _told_apart(tools: Iterable[Offered]) -> Iterable[Offered]:
    """Yield the tools with names that models can use, no two alike."""
    taken: set[str] = set()
    for tool in tools:
        safe = usable_name(tool.name)
        name, number = safe, 1
        while name in taken:
            number += 1
            name = f"{safe[: LONGEST_TOOL_NAME - 4]}_{number}"
        taken.add(name)
        yield replace(tool, spec=replace(tool.spec, name=name))


# ── opening ─────────────────────────────────────────────────────────────────────────────────────


async def open_toolbox(settings: AgentSettings, room: Room) -> Toolbox:
    """Gather what the task names; servers are asked what they have. Raises AttemptError where they do not say."""
    found = [*_built_in(settings, room), *await _of_servers(settings, room)]
    if settings.allowed_tools is not None:
        found = [tool for tool in found if fits_one(tool.name, settings.allowed_tools)]
    return Toolbox(found)


def _built_in(settings: AgentSettings, room: Room) -> list[Offered]:
    found = [_ours(BUILT_IN[name], room) for name in dict.fromkeys(settings.tools) if name in BUILT_IN]
    if ASK_OPERATOR.name in settings.tools:
        found.append(Offered(ASK_OPERATOR.name, ASK_OPERATOR, turn="question"))
    if settings.subagents:
        spec = start_subagent({role: settings.team[role].description for role in settings.subagents})
        found.append(Offered(START_SUBAGENT, spec, turn="delegation"))
    elif START_SUBAGENT in settings.tools:
        raise InputError("start_subagent has nobody to start", hint="name their roles under `subagents`")
    return found


def _ours(tool: BuiltIn, room: Room) -> Offered:
    async def use(arguments: Arguments) -> Came:
        if room.context.run.rehearsal:
            return Came(f"[simulated: {tool.spec.name} was not used]")
        async with room.working():
            return Came(await tool.work(arguments, room))

    return Offered(tool.spec.name, tool.spec, tool.writes, use=use)


# ── servers ─────────────────────────────────────────────────────────────────────────────────────


async def _of_servers(settings: AgentSettings, room: Room) -> list[Offered]:
    """Return the tools of servers that are named; a server is asked once, however many patterns name it."""
    wanted: dict[str, list[str]] = {}
    for name in settings.tools:
        if name not in BUILT_IN and name not in {ASK_OPERATOR.name, START_SUBAGENT}:
            server, dot, pattern = name.partition(".")
            wanted.setdefault(server, []).append(pattern if dot else "*")
    listed = await _all_listed(list(wanted), room.context)
    return [tool for server, patterns in wanted.items() for tool in _chosen(server, patterns, listed[server], room)]


async def _all_listed(servers: list[str], context: Context) -> Mapping[str, list[Tool]]:
    """Ask all servers at once: each may have to be started first. Raises what the first raised that has none."""
    try:
        async with asyncio.TaskGroup() as group:
            asked = {server: group.create_task(_listed(server, context)) for server in servers}
    except* AttemptError as errors:
        raise _first(errors) from None
    return {server: task.result() for server, task in asked.items()}


def _first(errors: BaseExceptionGroup[AttemptError]) -> AttemptError:
    first = errors.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first


async def _listed(server: str, context: Context) -> list[Tool]:
    async def work(backend: Backend) -> list[Tool]:
        return list(await _tools_of(backend, server).tools(context))

    listed: list[Tool] = await context.call(Estimate(), work, backend=server)
    return listed


def _tools_of(backend: Backend, server: str) -> ToolServer:
    if isinstance(backend, ToolServer):
        return backend
    raise InputError(f"{server} has no tools", code=Code.UNKNOWN_BACKEND, hint="name a server of `mcp_servers:`")


def _chosen(server: str, patterns: list[str], listed: list[Tool], room: Room) -> list[Offered]:
    for pattern in patterns:
        if pattern != "*" and not any(fits(f"{server}.{tool.spec.name}", f"{server}.{pattern}") for tool in listed):
            advice = meant(pattern, (tool.spec.name for tool in listed))
            raise InputError(f"tools: {server} has no tool {pattern!r}", code=Code.UNKNOWN_NAME, hint=advice)
    full = [f"{server}.{pattern}" for pattern in patterns]
    return [_theirs(server, tool, room) for tool in listed if fits_one(f"{server}.{tool.spec.name}", full)]


def _theirs(server: str, tool: Tool, room: Room) -> Offered:
    use = partial(_used, server, tool.spec.name, room)
    return Offered(f"{server}.{tool.spec.name}", tool.spec, tool.writes, use=use)


async def _used(server: str, tool: str, room: Room, arguments: Arguments) -> Came:
    async def work(backend: Backend) -> ToolAnswer:
        async with room.working():
            return await _tools_of(backend, server).use(tool, arguments, room.context)

    answer: ToolAnswer = await room.context.call(Estimate(), work, backend=server)
    text = answer.text or ("" if answer.structured is None else canonical(answer.structured))
    return Came(text, answer.is_error)
