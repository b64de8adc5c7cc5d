"""Answers that are read while they come."""

from __future__ import annotations

import asyncio
import gzip
import time
import zlib
from collections.abc import Sequence

import pytest

from orchestrator.net import NetError, Request, ServerEvent, Timeouts
from tests.net.test_http import Asked, Handler, always, answer, asking, by_path, get, serving, to

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def played(*pieces: bytes | float) -> Handler:
    """A handler that writes the bytes one after the other, and waits where a number stands."""

    async def handler(_: Asked, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            if isinstance(piece, float):
                await asyncio.sleep(piece)
                continue
            writer.write(piece)
            await writer.drain()

    return handler


async def events_of(pieces: Sequence[bytes | float], **settings: object) -> list[ServerEvent]:
    async with (
        serving(played(*pieces)) as server,
        asking(**settings) as client,
        client.stream(get(server.url)) as open_,
    ):
        return [event async for batch in open_.events() for event in batch]


async def test_events_come_as_they_are_sent() -> None:
    pieces = (STREAM, chunk(b"data: 1\n"), chunk(b"\nevent: end\ndata: 2\n\n"), END)
    assert await events_of(pieces) == [ServerEvent("", "1"), ServerEvent("end", "2")]


async def test_events_that_come_together_are_told_together() -> None:
    whole = STREAM + chunk(b"data: 1\n\ndata: 2\n\ndata: ") + END
    async with serving(always(whole)) as server, asking() as client, client.stream(get(server.url)) as open_:
        assert [[event.data for event in batch] async for batch in open_.events()] == [["1", "2"]]


async def test_the_first_event_does_not_wait_for_the_last() -> None:
    heard = asyncio.Event()

    async def patient(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM + chunk(b"data: 1\n\n"))
        await heard.wait()
        writer.write(chunk(b"data: 2\n\n") + END)

    async with serving(patient) as server, asking() as client, client.stream(get(server.url)) as open_:
        told = []
        async for batch in open_.events():
            heard.set()
            told += [event.data for event in batch]
    assert told == ["1", "2"]


async def test_the_head_is_known_before_the_body_comes() -> None:
    async with (
        serving(played(STREAM, 5.0)) as server,
        asking() as client,
        asyncio.timeout(2),
        client.stream(get(f"{server.url}/a")) as open_,
    ):
        assert (open_.status, open_.url) == (200, f"{server.url}/a")
        assert open_.headers["content-type"] == "text/event-stream"


async def test_a_packed_stream_unfolds_as_it_comes() -> None:
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(b"data: 1\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    second = packer.compress(b"data: 2\n\n") + packer.flush()
    head = STREAM.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")
    assert await events_of((head, chunk(first), chunk(second), END)) == [ServerEvent("", "1"), ServerEvent("", "2")]


async def test_a_stream_is_left_where_it_is_too_long() -> None:
    endless = (STREAM, *(chunk(b"data: " + b"x" * 1_000 + b"\n\n"),) * 100)
    with pytest.raises(NetError, match="longer than 20,000 bytes") as caught:
        await events_of(endless, max_size=20_000)
    assert (caught.value.kind, caught.value.is_transient) == ("too_large", False)


async def test_the_size_of_one_stream_can_be_its_own() -> None:
    async with serving(always(answer(b"12345"))) as server, asking() as client:
        async with client.stream(get(server.url), max_size=4) as open_:
            with pytest.raises(NetError):
                [piece async for piece in open_.chunks()]
        async with client.stream(get(server.url), max_size=5) as open_:
            assert b"".join([piece async for piece in open_.chunks()]) == b"12345"


async def test_a_body_can_be_read_as_a_whole() -> None:
    async with serving(always(answer(gzip.compress(b"hello"), Content_Encoding="gzip"))) as server, asking() as client:
        async with client.stream(get(server.url)) as open_:
            assert await open_.read(100) == (b"hello", False)
        async with client.stream(get(server.url)) as open_:
            assert await open_.read(2) == (b"he", True)


async def test_a_stream_that_falls_silent_is_a_timeout() -> None:
    with pytest.raises(NetError) as caught:
        await events_of((STREAM, chunk(b"data: 1\n\n"), 5.0), timeouts=Timeouts(read=0.1))
    assert caught.value.kind == "timeout"


async def test_a_stream_may_last_longer_than_its_silences() -> None:
    piece = chunk(b"data: 1\n\n")
    slowly = [part for _ in range(6) for part in (0.1, piece)]
    assert len(await events_of((STREAM, *slowly, END), timeouts=Timeouts(read=0.5))) == 6


async def test_silence_is_counted_from_the_last_piece() -> None:
    piece = chunk(b"data: 1\n\n")
    began = time.perf_counter()
    with pytest.raises(NetError):
        await events_of((STREAM, piece, 0.3, piece, 60.0), timeouts=Timeouts(read=0.6))
    assert time.perf_counter() - began >= 0.9


async def test_what_a_connection_did_before_does_not_shorten_its_patience() -> None:
    async def late(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1 if asked.target == "/late" else 0)
        writer.write(answer(b"here"))

    async with serving(late) as server, asking(timeouts=Timeouts(read=0.15)) as client:
        for path, rest in (("/", 0.08), ("/late", 0.0), ("/late", 0.0)):
            async with client.stream(get(f"{server.url}{path}")) as open_:
                assert await open_.read(10) == (b"here", False)
            await asyncio.sleep(rest)
    assert server.connections == 1


@pytest.mark.parametrize("cut", [b"", b"5\r\nda"])
async def test_a_stream_that_breaks_off_is_a_reset(cut: bytes) -> None:
    with pytest.raises(NetError) as caught:
        async with (
            serving(always(STREAM + chunk(b"data: 1\n\n") + cut, close=True)) as server,
            asking() as client,
            client.stream(get(server.url)) as open_,
        ):
            [batch async for batch in open_.events()]
    assert (caught.value.kind, caught.value.is_transient) == ("reset", True)


async def test_a_connection_serves_again_once_its_stream_has_ended() -> None:
    whole = STREAM + chunk(b"data: 1\n\n") + END
    async with serving(always(whole)) as server, asking() as client:
        for _ in range(3):
            async with client.stream(get(server.url)) as open_:
                assert [event.data async for batch in open_.events() for event in batch] == ["1"]
    assert server.connections == 1


async def test_a_stream_that_is_left_early_can_be_finished_so_that_its_connection_serves_again() -> None:
    pieces = (STREAM + chunk(b"data: 1\n\n"), 0.05, chunk(b": bye\n\n") + END)
    async with serving(played(*pieces)) as server, asking() as client:
        for _ in range(2):
            async with client.stream(get(server.url)) as open_:
                async for _ in open_.events():
                    break
                await open_.finish()
    assert server.connections == 1


async def test_nobody_waits_long_for_a_stream_to_finish() -> None:
    async with (
        serving(played(STREAM + chunk(b"data: 1\n\n"), 3600.0)) as server,
        asking() as client,
        client.stream(get(server.url)) as open_,
    ):
        async for _ in open_.events():
            break
        await open_.finish()
    assert server.connections == 1


async def test_leaving_a_stream_closes_its_connection_at_once() -> None:
    closed = asyncio.Event()

    async def endless(_: Asked, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(STREAM)
            while not writer.is_closing():
                writer.write(chunk(b"data: x\n\n"))
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            closed.set()

    async with serving(endless) as server, asking() as client:

        async def listen() -> None:
            async with client.stream(get(server.url)) as open_:
                async for _ in open_.events():
                    heard.set()

        heard = asyncio.Event()
        task = asyncio.get_running_loop().create_task(listen())
        await asyncio.wait_for(heard.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(closed.wait(), 5)


@pytest.mark.parametrize(("status", "follows"), [("307 T", True), ("308 P", True), ("301 M", False), ("303 S", False)])
async def test_a_redirect_is_followed_where_it_asks_for_the_same_again(status: str, *, follows: bool) -> None:
    async with serving(by_path(a=to("/b", status), b=answer(b"here"))) as server, asking() as client:
        async with client.stream(Request("POST", f"{server.url}/a", body=b"x")) as open_:
            assert open_.status == (200 if follows else int(status[:3]))
        assert [asked.method for asked in server.asked] == (["POST", "POST"] if follows else ["POST"])


async def test_a_stream_from_nowhere_says_so() -> None:
    async with asking() as client:
        with pytest.raises(NetError) as caught:
            async with client.stream(get("http://")):
                pass
    assert caught.value.kind == "invalid_url"
