"""A server that plays back what real ones sent, byte for byte, cut where a test wants it, and hangs up when told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise
from typing import Any, Final, TypeAlias


class Act(Enum):
    """What a server does besides sending bytes."""

    HANG = "says nothing more"
    CLOSE = "closes the connection"
    RESET = "breaks the connection"


Reply: TypeAlias = "Sequence[bytes | float | Act]"
"""One answer: bytes, seconds to wait, acts."""


@dataclass
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Player:
    """The server: what it was asked, and over how many connections."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    closed: int = 0


@asynccontextmanager
async def playing(*replies: Reply) -> AsyncIterator[Player]:
    """Answer with the replies in their order, and with the last one ever after."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        player.connections += 1
        try:
            while not writer.is_closing():
                player.asked.append(await _request(reader))
                await _play(replies[min(len(player.asked), len(replies)) - 1], writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            player.closed += 1
            writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    player = Player(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/v1")
    async with listener:
        yield player


async def _request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, path, headers, json.loads(body) if body else None)


async def _play(reply: Reply, writer: asyncio.StreamWriter) -> None:
    for piece in reply:
        match piece:
            case bytes():
                writer.write(piece)
                await writer.drain()
            case float():
                await asyncio.sleep(piece)
            case Act.HANG:
                await asyncio.sleep(60)
            case Act.CLOSE:
                writer.close()
            case _:
                writer.transport.abort()


# ── bytes ───────────────────────────────────────────────────────────────────────────────────────

STREAM: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n"
END: Final = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def sse(*events: object) -> bytes:
    """Events without names, each with JSON or with a text."""
    texts = [event if isinstance(event, str) else json.dumps(event, ensure_ascii=False) for event in events]
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def named(*events: dict[str, Any]) -> bytes:
    """Events that are named by their types."""
    return b"".join(b"event: %s\n%s" % (str(event["type"]).encode(), sse(event)) for event in events)


def stream(body: bytes, *cuts: int, headers: str = "") -> Reply:
    """A stream that comes in chunks, cut at these places, each sent on its own."""
    places = [0, *sorted(cut for cut in cuts if 0 < cut < len(body)), len(body)]
    head = STREAM + headers.encode() + b"\r\n"
    return [head, *(chunk(body[a:b]) for a, b in pairwise(places)), END]


def begun(*pieces: bytes) -> bytes:
    """A stream that has begun and not ended."""
    return STREAM + b"\r\n" + b"".join(map(chunk, pieces))


def whole(body: object, status: str = "200 OK", headers: str = "", content_type: str = "application/json") -> Reply:
    """An answer that comes at once; what is neither bytes nor text is sent as JSON."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    data = text.encode() if isinstance(text, str) else text
    head = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(data)}\r\n{headers}\r\n"
    return [head.encode() + data]
