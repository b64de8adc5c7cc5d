"""One call of one tool of an MCP server, as a task of its own."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Final

from orchestrator.core.errors import Code, InputError, WorkError
from orchestrator.core.flow import BackendSpec, Json
from orchestrator.core.output import DEFAULT_MAX_OUTPUT, Cut, OutputShape
from orchestrator.core.ports import Calls, Context, Estimate, Kind, Scope, ToolAnswer, ToolServer

SHOWN: Final = 200
"""Characters of an answer that an error message quotes."""


@dataclass(frozen=True, slots=True)
class McpSettings:
    """The keys of an mcp task."""

    tool: str = field(metadata={"description": "The server and its tool: server.tool."})
    arguments: Mapping[str, Json] = field(
        default_factory=lambda: MappingProxyType({}), metadata={"description": "What the tool is given, by name."}
    )

    def __post_init__(self) -> None:
        server, _, tool = self.tool.partition(".")
        if not server or not tool:
            raise ValueError(f"{self.tool!r} does not name a server and its tool; write server.tool")

    @property
    def name(self) -> str:
        """Return the tool's name at its server, which may hold dots of its own."""
        return self.tool.partition(".")[2]


class McpKind(Kind):
    """Uses a tool of the task's backend, which is the server that its name begins with."""

    name: ClassVar[str] = "mcp"
    settings: ClassVar[type] = McpSettings
    short: ClassVar[str] = "tool"
    output: ClassVar[OutputShape] = OutputShape(
        main="text", fields=MappingProxyType({"text": "", "content": (), "structured": None})
    )
    calls: ClassVar[Calls] = "one"
    unrendered: ClassVar[frozenset[str]] = frozenset()

    def repeatable(self, settings: McpSettings) -> bool:
        del settings
        return False

    def prepare(self, settings: McpSettings, scope: Scope) -> McpSettings:
        del scope
        return settings

    def estimate(self, settings: McpSettings, spec: BackendSpec) -> Estimate:
        del settings, spec
        return Estimate()

    async def run(self, settings: McpSettings, context: Context) -> Mapping[str, object]:
        answer = await _server(settings, context).use(settings.name, settings.arguments, context)
        context.write("out", answer.text)
        output = _output(answer, context)
        if answer.is_error:
            raise _own_error(settings, answer, output)
        return output


def _server(settings: McpSettings, context: Context) -> ToolServer:
    backend = context.backend
    if isinstance(backend, ToolServer):
        return backend
    name = f"the backend {backend.spec.name} has no tools" if backend else f"{settings.tool!r} names no server"
    raise InputError(name, code=Code.UNKNOWN_BACKEND, hint="declare the server under `mcp_servers:`")


# ── what came back ──────────────────────────────────────────────────────────────────────────────


def _output(answer: ToolAnswer, context: Context) -> dict[str, object]:
    text = context.written("out")
    # What is long as text is so as data too, of which the text is the other form.
    structured = text if isinstance(text, Cut) and answer.structured is not None else answer.structured
    return {"text": text, "content": list(_bounded(answer.content)), "structured": structured}


def _bounded(parts: tuple[Mapping[str, Json], ...]) -> Iterator[Mapping[str, Json]]:
    """Yield the parts that memory may hold; of the others it is told what they were, and how large."""
    left = DEFAULT_MAX_OUTPUT
    for part in parts:
        size = len(json.dumps(part))
        if size <= left:
            left -= size
            yield part
        else:
            yield {"type": part.get("type"), "omitted_bytes": size}


def _own_error(settings: McpSettings, answer: ToolAnswer, output: dict[str, object]) -> WorkError:
    said = " ".join(answer.text[: SHOWN * 2].split())[:SHOWN]
    return WorkError(f"{settings.tool}: {said or 'the tool failed and did not say why'}", output=output)
