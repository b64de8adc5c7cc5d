"""Servers that run elsewhere: how they are asked over HTTP, and what the library keeps to itself of how they answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
from mcp.client import Transport
from mcp.client.streamable_http import MCP_SESSION_ID, streamable_http_client

from orchestrator.core.flow import EMPTY, NetTimeouts

LARGEST: Final = 64 << 20
"""Bytes of one message."""

LONGEST_SILENCE: Final = 300.0
"""Seconds without a byte after which a stream is given up where nothing is known of it."""

UNREACHABLE: Final = -32_098
"""The code of an error that stands for an answer that never came; codes near it are free for such uses."""

_ON_THIS_MACHINE: Final = ("all://localhost", "all://127.0.0.1", "all://[::1]")


@dataclass(slots=True)
class Reply:
    """What the head of the last answer said to whoever asked; `trouble` is why there was none."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    had_session: bool = False
    trouble: Exception | None = None

    @property
    def is_refused(self) -> bool:
        return self.status is not None and self.status >= 400

    @property
    def session_is_gone(self) -> bool:
        """Return whether the server has forgotten the session: it was started anew meanwhile."""
        return self.status == 404 and self.had_session

    def note(self, response: httpx2.Response) -> None:
        self.status, self.headers, self.trouble = response.status_code, dict(response.headers), None
        self.had_session = MCP_SESSION_ID in response.request.headers


_reply: ContextVar[Reply | None] = ContextVar("reply", default=None)
"""The library sends each message in the context of who asked for it, so this finds its way to the very request."""


def expect_reply() -> Reply:
    """Return what will hold the heads of the answers to what is asked from here on."""
    reply = Reply()
    _reply.set(reply)
    return reply


@asynccontextmanager
async def _over_http(url: str, headers: Mapping[str, str], timeouts: NetTimeouts, longest: float) -> AsyncIterator[Any]:
    silence = max(longest, LONGEST_SILENCE)
    client = _Client(
        headers=dict(headers),
        timeout=httpx2.Timeout(silence, connect=timeouts.connect, read=timeouts.read or silence, pool=None),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
        mounts=dict.fromkeys(_ON_THIS_MACHINE),  # no proxy leads to ourselves
    )
    async with client, streamable_http_client(url, http_client=client, max_sse_event_size=LARGEST) as streams:
        yield streams


def over_http(url: str, headers: Mapping[str, str], timeouts: NetTimeouts, longest: float) -> Transport:
    """Return the way to a server elsewhere, whose calls take `longest` seconds at most."""
    return _over_http(url, headers, timeouts, longest)


class _Client(httpx2.AsyncClient):
    """Tells who asked how it went. A request that fails ends alone: the library would end all that are under way."""

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:  # noqa: ANN401 - handed on
        reply = _reply.get() or Reply()
        try:
            response = await super().send(request, **options)
        except httpx2.TransportError as error:
            reply.trouble = error
            return _no_answer(request)
        reply.note(response)
        return response


def _no_answer(request: httpx2.Request) -> httpx2.Response:
    error = {"code": UNREACHABLE, "message": "unreachable"}
    return httpx2.Response(503, json={"jsonrpc": "2.0", "id": None, "error": error}, request=request)
