"""The tools of one MCP server, wherever it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from orchestrator.backends.mcp.settings import McpSettings
from orchestrator.core.flow import BackendSpec, Json
from orchestrator.core.ports import BackendServices, Checkable, Context, Tool, ToolAnswer, ToolServer

if TYPE_CHECKING:
    from orchestrator.backends.mcp.server import Server


class McpBackend(ToolServer, Checkable):
    """Starts its server, or connects to it, when it is first asked something, and stops it when it is closed."""

    name: ClassVar[str] = "mcp"
    settings: ClassVar[type] = McpSettings

    def __init__(self, spec: BackendSpec, services: BackendServices) -> None:
        assert isinstance(spec.settings, McpSettings), "an mcp backend has settings of its own"
        self._spec = spec
        self._settings = spec.settings
        self._services = services
        self._server: Server | None = None

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    async def tools(self, context: Context) -> Sequence[Tool]:
        del context
        return tuple((await (await self._opened()).tools()).values())

    async def use(self, tool: str, arguments: Mapping[str, Json], context: Context) -> ToolAnswer:
        return await (await self._opened()).use(tool, arguments, context)

    async def check(self, models: Sequence[str] = ()) -> str:
        del models
        return await (await self._opened()).check()

    async def aclose(self) -> None:
        if self._server is not None:
            await self._server.aclose()

    async def _opened(self) -> Server:
        if self._server is None:
            await asyncio.to_thread(_load)  # the loop must not stand still for so long
        return self._made()

    def _made(self) -> Server:
        """Return the server, the same to all who waited for the library."""
        if self._server is None:
            self._server = _load()(self._spec, self._settings, self._services)
        return self._server


def _load() -> type[Server]:
    from orchestrator.backends.mcp.server import Server  # noqa: PLC0415 - the library takes 0.6 s to import

    return Server
