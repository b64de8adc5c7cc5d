"""A model server for benchmarks: it speaks enough of the chat completions API, and costs as little as it can.

What is asked decides how it answers: with `"stream": true` in 50 pieces, each written on its own; where tools are
offered with a call of one, until there were enough of them; otherwise at once.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

PIECES = 50
WORD = "wonderful "
TOOL = "tools__echo"
"""What a model is told that the tool `echo` of the server `tools` is called."""

TOOL_CALLS = 10
MODEL = "local-model"


def _json(said: dict[str, object], **fields: object) -> bytes:
    head = {"id": "chatcmpl-1a2b3c", "created": 1_760_000_000, "model": MODEL, "system_fingerprint": "fp_1"}
    return json.dumps(head | fields | said).encode()


USAGE: dict[str, object] = {"prompt_tokens": 12, "completion_tokens": PIECES, "total_tokens": 12 + PIECES}


def _choice(kind: str, said: object, why: str | None = None) -> dict[str, object]:
    return {"choices": [{"index": 0, kind: said, "logprobs": None, "finish_reason": why}]}


def _at_once(said: object, why: str = "stop") -> bytes:
    body = _json(_choice("message", said, why), object="chat.completion", usage=USAGE)
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def _pieces() -> Iterator[bytes]:
    deltas = [_choice("delta", {"content": WORD}) for _ in range(PIECES)]
    deltas[0] = _choice("delta", {"role": "assistant", "content": WORD})
    deltas += [_choice("delta", {}, "stop"), {"choices": [], "usage": USAGE}]
    for delta in deltas:
        yield b"data: %s\n\n" % _json(delta, object="chat.completion.chunk")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
CHUNKS = [*map(_chunk, _pieces()), _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"]
ANSWER = _at_once({"role": "assistant", "content": WORD * PIECES, "refusal": None})


def _wish(number: int) -> bytes:
    written = json.dumps({"text": f"step {number}"})
    call = {"id": f"call_{number}", "type": "function", "function": {"name": TOOL, "arguments": written}}
    return _at_once({"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls")


WISHES = [_wish(number) for number in range(TOOL_CALLS)]


async def _stream(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    for chunk in CHUNKS:
        writer.write(chunk)
        await asyncio.sleep(0)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    _, _, rest = head.partition(b"content-length:")
    return await reader.readexactly(int(rest.partition(b"\r\n")[0]))


async def _converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        body = (await _request(reader)).replace(b": ", b":")
        if b'"stream":true' in body:
            await _stream(writer)
            continue
        used = body.count(b'"tool_call_id"')
        writer.write(WISHES[used] if b'"tools":' in body and used < TOOL_CALLS else ANSWER)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await _converse(reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve(told: Connection) -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=1_000)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


def _process(told: Connection) -> None:
    asyncio.run(_serve(told))


@contextmanager
def serving() -> Iterator[str]:
    """Run the server in a process of its own; give the address of its API."""
    mine, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_process, args=(theirs,), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{mine.recv()}/v1"
    finally:
        server.kill()
        server.join()
