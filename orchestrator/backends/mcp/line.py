"""One connection to a server: a task of its own opens and closes it, and whoever wants uses it in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Final, TypeAlias

from mcp import Client, MCPError
from mcp.client import IncomingMessage, Transport
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.dispatcher import ProgressFnT
from mcp_types import (
    CallToolResult,
    Implementation,
    LoggingMessageNotificationParams,
    ToolListChangedNotification,
)

from orchestrator import __version__
from orchestrator.backends.mcp.log import ServerLog
from orchestrator.backends.mcp.reading import tool_of
from orchestrator.backends.mcp.web import Reply, expect_reply
from orchestrator.core.flow import Json
from orchestrator.core.ports import Tool

MOST_PAGES: Final = 100
"""Pages of a list of tools that are read; one that never ends is no list."""

Reach: TypeAlias = Callable[[Callable[[str], None]], Transport]
"""Makes the way to a server, given what is to be told how it ended."""


class Line:
    """Opens at once. `end` says how the server ended if it did so itself."""

    def __init__(self, name: str, reach: Reach, log: ServerLog, start_timeout: float) -> None:
        loop = asyncio.get_running_loop()
        self.end = ""
        self.reply = Reply()
        self._log = log
        self._start_timeout = start_timeout
        self._client = Client(
            reach(self._ended),
            client_info=Implementation(name="orchestrator", version=__version__),
            message_handler=self._hear,
            logging_callback=self._note,
            cache=None,  # the tools are kept here, for both generations of the protocol
        )
        self._over = asyncio.Event()
        self._opened: asyncio.Future[BaseException | None] = loop.create_future()
        self._tools: Mapping[str, Tool] | None = None
        self._changes = 0
        self.owner = loop.create_task(self._own(), name=f"server {name}")

    # ── for those who use it ──

    @property
    def is_usable(self) -> bool:
        return not self._over.is_set()

    async def opening(self) -> BaseException | None:
        """Wait until it is open; return why it is not."""
        return await asyncio.shield(self._opened)

    def leave(self) -> None:
        """Let it be closed, in good order if it was ever open."""
        self._over.set()
        if not self._opened.done():
            self.owner.cancel()

    async def tools(self, *, fresh: bool = False) -> Mapping[str, Tool]:
        """Return the tools by name, as they are known, or as they are now."""
        if self._tools is not None and not fresh:
            return self._tools
        changes = self._changes
        tools = await self._listed()
        if changes == self._changes:
            self._tools = tools
        return tools

    async def call(self, tool: str, arguments: Mapping[str, Json], progress: ProgressFnT) -> CallToolResult:
        return await self._client.call_tool(tool, dict(arguments), progress_callback=progress)

    @property
    def description(self) -> str:
        """Return who answers, in words."""
        info = self._client.server_info
        who = f"{info.name} {info.version}, " if info is not None else ""
        return f"{who}protocol {self._client.protocol_version}"

    async def _listed(self) -> Mapping[str, Tool]:
        if self._client.server_capabilities.tools is None:
            return {}
        tools: dict[str, Tool] = {}
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._client.list_tools(cursor=cursor)
            tools |= {tool.name: tool_of(tool) for tool in page.tools}
            cursor = page.next_cursor
            if cursor is None:
                break
        return tools

    # ── its owner ──

    async def _own(self) -> None:
        """Open, keep and close it, all in one task: the library's scopes must be left where they were entered."""
        self.reply = expect_reply()
        try:
            await self._live()
        except Exception as error:  # noqa: BLE001 - foreign code, of which any number of things can go wrong at once
            self._settle(error)
        finally:
            self._over.set()
            self._settle(ConnectionError("it was stopped"))

    async def _live(self) -> None:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._start_timeout):
                await stack.enter_async_context(self._client)
            self._settle(None)
            async with asyncio.TaskGroup() as group:
                listening = group.create_task(self._listen())
                await self._over.wait()
                listening.cancel()

    def _settle(self, error: BaseException | None) -> None:
        if not self._opened.done():
            self._opened.set_result(error)

    def _ended(self, how: str) -> None:
        self.end = self.end or how
        self._over.set()

    # ── what the server tells unasked ──

    async def _listen(self) -> None:
        """Hear of changes where the server wants to be asked for them, as the newer ones do."""
        capability = self._client.server_capabilities.tools
        if capability is None or not capability.list_changed:
            return
        with suppress(ListenNotSupportedError, MCPError, SubscriptionLost, TimeoutError):
            async with self._client.listen(tools_list_changed=True) as news:
                async for _ in news:
                    self._forget_tools()
        self._forget_tools()

    async def _hear(self, message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._forget_tools()

    def _forget_tools(self) -> None:
        self._changes += 1
        self._tools = None

    async def _note(self, params: LoggingMessageNotificationParams) -> None:
        self._log.note(f"{params.level}: {params.data}")
