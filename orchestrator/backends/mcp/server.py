"""One server, asked for as often as it is needed: started at first use, started anew after a crash."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from mcp import MCPError
from mcp.client import Transport
from mcp.shared.dispatcher import ProgressFnT

from orchestrator.backends.mcp.faults import is_answer, is_lost, timed_out, translated
from orchestrator.backends.mcp.line import Line
from orchestrator.backends.mcp.log import ServerLog
from orchestrator.backends.mcp.pipes import over_pipes
from orchestrator.backends.mcp.reading import answer_of
from orchestrator.backends.mcp.settings import McpSettings
from orchestrator.backends.mcp.web import Reply, expect_reply, over_http
from orchestrator.core.errors import AttemptError, Code, InputError, UpstreamError
from orchestrator.core.flow import BackendSpec, Json
from orchestrator.core.ports import BackendServices, Context, Tool, ToolAnswer
from orchestrator.core.secrecy import sounds_secret
from orchestrator.core.units import many
from orchestrator.processes import Command
from orchestrator.templates import text_of

T = TypeVar("T")

CLOSING: Final = 4.0
"""Seconds that a connection gets to be closed in good order, and as many again in bad."""

# The library tells its log what it tells us too; without a handler that would be printed over the screen.
logging.getLogger("mcp").addHandler(logging.NullHandler())


class Server:
    """Has one connection at a time. A crash fails the calls under way; the next call finds a new connection."""

    def __init__(self, spec: BackendSpec, settings: McpSettings, services: BackendServices) -> None:
        self._name = spec.name
        self._settings = settings
        self._services = services
        self._log = ServerLog(services.folder, spec.name, services.redact)
        self._reach = partial(_reach, spec, settings, services, self._log)
        self._line: Line | None = None
        self._lines: set[Line] = set()
        self._is_closed = False

    async def tools(self) -> Mapping[str, Tool]:
        return await self._asked(lambda line, _: line.tools())

    async def use(self, tool: str, arguments: Mapping[str, Json], context: Context) -> ToolAnswer:
        await self._find(tool)
        return await self._asked(partial(_used, tool, arguments, _progress(context)))

    async def check(self) -> str:
        return await self._asked(_described)

    async def aclose(self) -> None:
        """Stop the server, and wait until it is."""
        self._is_closed = True
        for line in self._lines:
            line.leave()
        for line in tuple(self._lines):
            await _closed(line)
        self._log.close()

    # ── asking ──

    async def _find(self, tool: str) -> None:
        """Raise InputError for a tool that the server does not have."""
        tools = await self.tools()
        if tool not in tools:
            tools = await self._asked(lambda line, _: line.tools(fresh=True))
        if tool in tools:
            return
        close = get_close_matches(tool, tools, n=1)
        known = f"it has {', '.join(sorted(tools))}" if tools else "it has none"
        hint = f"did you mean {close[0]!r}?" if close else known
        raise InputError(f"server {self._name} has no tool {tool!r}", code=Code.UNKNOWN_BACKEND, hint=hint)

    async def _asked(self, question: Callable[[Line, Reply], Awaitable[T]]) -> T:
        line = await self._opened()
        reply = expect_reply()
        try:
            async with asyncio.timeout(self._settings.timeout):
                return await question(line, reply)
        except TimeoutError as error:
            raise timed_out(self._name, self._settings.timeout, "timeout") from error
        except Exception as error:
            if is_lost(error, reply):
                line.leave()
            raise self._translated(error, reply, line) from error

    async def _opened(self) -> Line:
        line = self._line
        if line is None or not line.is_usable:
            line = self._line = self._new_line()
        error = await line.opening()
        if isinstance(error, TimeoutError):
            raise timed_out(self._name, self._settings.start_timeout, "start_timeout", self._log.last_words) from error
        if error is not None:
            raise self._translated(error, line.reply, line) from error
        return line

    def _new_line(self) -> Line:
        if self._is_closed:
            raise UpstreamError(f"server {self._name} was stopped with the run", code=Code.CONNECTION, transient=False)
        self._log.forget()
        line = Line(self._name, self._reach, self._log, self._settings.start_timeout)
        self._lines.add(line)
        line.owner.add_done_callback(lambda _: self._lines.discard(line))
        return line

    def _translated(self, error: BaseException, reply: Reply, line: Line) -> AttemptError:
        self._log.finish()
        wall = self._services.clock.wall()
        return translated(self._name, error, reply, end=line.end, last_words=self._log.last_words, wall=wall)


async def _used(
    tool: str, arguments: Mapping[str, Json], progress: ProgressFnT, line: Line, reply: Reply
) -> ToolAnswer:
    """Use a tool. What the server itself says against it is an answer, for who asked can learn from it."""
    try:
        return answer_of(await line.call(tool, arguments, progress))
    except MCPError as error:
        if not is_answer(error, reply):
            raise
        return ToolAnswer(error.message, is_error=True)


async def _described(line: Line, _: Reply) -> str:
    tools = await line.tools(fresh=True)
    return f"{many(len(tools), 'tool')}, {line.description}"


def _progress(context: Context) -> ProgressFnT:
    async def told(progress: float, total: float | None, message: str | None) -> None:
        context.progress(progress, total, message or "")

    return told


async def _closed(line: Line) -> None:
    for _ in range(2):
        await asyncio.wait([line.owner], timeout=CLOSING)
        line.owner.cancel()


# ── the way to it ───────────────────────────────────────────────────────────────────────────────


def _reach(
    spec: BackendSpec, settings: McpSettings, services: BackendServices, log: ServerLog, ended: Callable[[str], None]
) -> Transport:
    if settings.url:
        return over_http(settings.url, _headers(spec, services.api_key), spec.timeouts, settings.timeout)
    folder = Path(services.flow_folder, text_of(settings.cwd or "."))
    return over_pipes(Command(_argv(settings), str(folder), _environment(settings, services)), log, ended)


def _headers(spec: BackendSpec, api_key: str | None) -> Mapping[str, str]:
    is_authorized = any(name.lower() == "authorization" for name in spec.headers)
    extra = {"authorization": f"Bearer {api_key}"} if api_key and not is_authorized else {}
    return {**spec.headers, **extra}


def _argv(settings: McpSettings) -> tuple[str, ...]:
    """Return the command; an element whose template came to a list is as many words."""
    rendered: Sequence[object] = settings.command
    words = (element if isinstance(element, list | tuple) else (element,) for element in rendered)
    return tuple(text_of(word) for group in words for word in group)


def _environment(settings: McpSettings, services: BackendServices) -> Mapping[str, str]:
    inherited = {name: value for name, value in services.environment.items() if not sounds_secret(name)}
    return {**inherited, **{name: text_of(value) for name, value in settings.env.items()}}
