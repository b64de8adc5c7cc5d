"""The text of a page is read, within bounds, and what is no text is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from orchestrator.kinds.agent.tools.tool import ToolFault
from orchestrator.kinds.agent.tools.web import HTTP_GET
from tests.kinds.agent.scene import room_in

PAGE = b"""<html><head><title>News</title><style>p {}</style></head>
<body><script>alert("<p>no</p>")</script>
<h1>Hello &amp; welcome</h1><p>Read   <a href="/more">more</a>.</p></body></html>"""


@asynccontextmanager
async def serving(answer: bytes) -> AsyncIterator[str]:
    """A server that answers everything with the same bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def http(body: bytes, kind: str = "text/plain", status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


async def read(answer: bytes) -> str:
    room = room_in(Path())
    try:
        async with serving(answer) as url:
            return await HTTP_GET.work({"url": url}, room)
    finally:
        await room.web.aclose()


async def test_text_is_read_as_its_server_says_that_it_is_written() -> None:
    assert await read(http("grün".encode())) == "grün"
    assert await read(http("grün".encode("latin-1"), "text/plain; charset=iso-8859-1")) == "grün"
    assert await read(http(b'{"a": 1}', "application/json")) == '{"a": 1}'
    assert await read(http(b"x", "text/plain; charset=nonsense")) == "x"


async def test_of_a_page_the_words_and_the_links_are_read() -> None:
    assert await read(http(PAGE, "text/html")) == "News\n\nHello & welcome\n\nRead more (/more)."


async def test_what_is_no_text_is_told() -> None:
    assert await read(http(b"\x89PNG", "image/png")) == "[no text: image/png of 4 bytes]"
    assert await read(http(b"a\0b", "text/plain")) == "[no text: text/plain of 3 bytes]"


async def test_a_page_that_is_too_long_is_cut() -> None:
    assert (await read(http(b"x" * 2_000_001))).endswith("[only the first 2,000,000 bytes were read]")


async def test_an_error_of_the_server_is_told() -> None:
    with pytest.raises(ToolFault, match="answered 404: not here"):
        await read(http(b"not here", status="404 Not Found"))


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/", "/etc/passwd", "javascript:1"])
async def test_only_the_web_is_read(url: str) -> None:
    with pytest.raises(ToolFault, match="http://"):
        await HTTP_GET.work({"url": url}, room_in(Path()))


async def test_a_server_that_says_nothing_is_told() -> None:
    with pytest.raises(ToolFault, match="server"):
        await read(b"")
