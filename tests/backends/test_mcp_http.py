"""Servers of tools that are asked over HTTP: what they are sent, what they answer, and what it means if they do not."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from orchestrator.backends.mcp import McpBackend, McpSettings
from orchestrator.core.errors import Code, ErrorKind
from orchestrator.core.flow import BackendSpec
from orchestrator.core.ports import BackendServices
from orchestrator.processes import Command, start
from tests.backends.mcp_servers.kit import BY_LIBRARY, ENVIRONMENT, eventually, failure, said, serving
from tests.kinds.fakes import FakeChance, FakeClock, FakeContext

pytestmark = pytest.mark.asyncio(loop_scope="module")


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


# ── a real one, of the newer protocol ──


@asynccontextmanager
async def running(port: int) -> AsyncIterator[str]:
    command = Command((*BY_LIBRARY, str(port)), "/", ENVIRONMENT)
    child = await start(command, on_output=lambda _, __: None)
    try:
        await eventually(lambda: answers(port))
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        await child.stop(1.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def address() -> AsyncIterator[str]:
    async with running(free_port()) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(address: str) -> AsyncIterator[McpBackend]:
    async with serving(url=address) as made:
        yield made


async def test_it_answers_as_over_pipes(server: McpBackend) -> None:
    assert (await server.check()).endswith(", protocol 2026-07-28")
    answer = await server.use("add", {"a": 2, "b": 3}, FakeContext())
    assert (answer.text, answer.structured) == ("5", {"result": 5})
    assert (await server.use("fail", {}, FakeContext())).is_error


async def test_progress_comes_over_http_too(server: McpBackend) -> None:
    context = FakeContext()
    await said(server, "slow", context, steps=3)
    assert [step for step, _, _ in context.progressed] == [1, 2, 3]


async def test_a_cancel_reaches_the_other_machine(server: McpBackend, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(server.use("hang", {"mark": str(mark)}, FakeContext()), 0.3)
    await eventually(mark.exists)


async def test_two_hundred_calls_at_once_are_answered(server: McpBackend) -> None:
    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(said(server, "add", a=number, b=1)) for number in range(200)]
    assert [call.result() for call in calls] == [str(number + 1) for number in range(200)]


async def test_a_server_that_was_started_anew_is_found_again() -> None:
    port = free_port()
    async with running(port) as url, serving(url=url) as server:
        assert await said(server, "add", a=1, b=1) == "2"
        await failure(server, "crash")
        why = await failure(server, "add", a=1, b=1)
        assert (why.code, why.is_transient, why.kind) == (Code.CONNECTION, True, ErrorKind.UPSTREAM)
        assert why.message.startswith("server tools cannot be reached: ")
        async with running(port):
            assert await said(server, "add", a=1, b=2) == "3"


# ── one by hand, of the older protocol ──

Reply = Callable[[dict[str, Any], dict[str, str]], bytes | None]


def http(status: str, body: object = None, **headers: str) -> bytes:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    kind = [] if "content_type" in headers else ["content-type: application/json"]
    head = [f"HTTP/1.1 {status}", f"content-length: {len(data)}", "connection: close", *kind, *lines, "", ""]
    return "\r\n".join(head).encode() + data


class ByHand:
    """Answers as the older protocol wants it, unless it is told otherwise; keeps what it was asked."""

    def __init__(self, call: Reply | None = None, first: bytes | None = None) -> None:
        self.call = call or (lambda _, __: b"")
        self.first = first
        self.session = "one"
        self.asked: list[dict[str, str]] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with listening:
            yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/mcp"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:-2])
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append(headers)
        reply = self._reply(head.split()[0], json.loads(body or b"{}"), headers)
        if reply is None:
            writer.transport.abort()
            return
        writer.write(reply)
        await writer.drain()
        writer.close()

    def _reply(self, verb: str, asked: dict[str, Any], headers: dict[str, str]) -> bytes | None:
        method = asked.get("method", "")
        if self.first is not None:
            return None if self.first == HANG_UP else self.first
        if verb != "POST" or method.startswith("notifications/"):
            return http("405 Not Allowed") if verb == "GET" else http("202 Accepted")
        if method == "initialize":
            return self._result(asked, INITIALIZED, mcp_session_id=self.session)
        if method == "server/discover":
            return http("400 Bad Request")
        if headers.get("mcp-session-id") != self.session:
            return http("404 Not Found")
        if method == "tools/list":
            return self._result(asked, {"tools": [{"name": "echo", "inputSchema": {"type": "object"}}]})
        reply = self.call(asked, headers)
        return self._result(asked, HELLO) if reply == b"" else reply

    def _result(self, asked: dict[str, Any], result: object, **headers: str) -> bytes:
        return http("200 OK", {"jsonrpc": "2.0", "id": asked["id"], "result": result}, **headers)


HANG_UP = b"hang up"
INITIALIZED = {
    "protocolVersion": "2025-11-25",
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "by-hand", "version": "1"},
}
HELLO = {"content": [{"type": "text", "text": "hello"}]}


async def test_the_older_protocol_is_spoken_where_the_newer_is_not_understood() -> None:
    async with ByHand().open() as url, serving(url=url) as server:
        assert await server.check() == "1 tool, by-hand 1, protocol 2025-11-25"
        assert await said(server, "echo") == "hello"


async def test_every_request_carries_the_key_and_the_headers() -> None:
    by_hand = ByHand()
    async with by_hand.open() as url:
        spec = BackendSpec("tools", "mcp", McpSettings(url=url), headers={"x-team": "docs"})
        server = McpBackend(spec, BackendServices(FakeClock(), FakeChance(), "k3y"))
        await said(server, "echo")
        await server.aclose()
    assert all(headers["authorization"] == "bearer k3y" and headers["x-team"] == "docs" for headers in by_hand.asked)


@pytest.mark.parametrize(
    ("reply", "code", "transient", "retry_after"),
    [
        (http("401 Unauthorized"), Code.HTTP_STATUS, False, None),
        (http("429 Too Many Requests", retry_after="7"), Code.HTTP_STATUS, True, 7.0),
        (http("503 Service Unavailable", b"<html>busy</html>", content_type="text/html"), Code.HTTP_STATUS, True, None),
        (http("200 OK", b"<html>hello</html>", content_type="text/html"), Code.MALFORMED, False, None),
        (http("200 OK", b"{", content_type="application/json"), Code.MALFORMED, False, None),
        (http("301 Moved", location="https://example.org/mcp"), Code.MALFORMED, False, None),
        (
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
            Code.CONNECTION,
            True,
            None,
        ),
        (None, Code.CONNECTION, True, None),
    ],
)
@pytest.mark.parametrize("when", ["first", "call"])
async def test_what_is_no_answer_is_told_as_what_it_is(
    reply: bytes | None, code: Code, *, transient: bool, retry_after: float | None, when: str
) -> None:
    by_hand = ByHand(call=lambda _, __: reply) if when == "call" else ByHand(first=reply or HANG_UP)
    async with by_hand.open() as url, serving(url=url, api_key="k3y-1234") as server:
        why = await failure(server)
    assert (why.code, why.is_transient, why.retry_after) == (code, transient, retry_after)
    assert "k3y-1234" not in f"{why.message} {why.hint}"


async def test_nobody_there_is_worth_another_try() -> None:
    async with serving(url=f"http://127.0.0.1:{free_port()}/mcp") as server:
        why = await failure(server)
    assert (why.code, why.is_transient, why.hint) == (Code.CONNECTION, True, "check its url, and that it runs")


async def test_a_session_that_the_server_forgot_is_begun_anew() -> None:
    by_hand = ByHand()
    async with by_hand.open() as url, serving(url=url) as server:
        await said(server, "echo")
        by_hand.session = "two"
        why = await failure(server)
        assert (why.status, why.is_transient) == (404, True)
        assert await said(server, "echo") == "hello"


async def test_a_request_that_fails_ends_alone() -> None:
    """Where the library is left to itself, one connection that breaks ends all calls of its client."""
    broken = ByHand(call=lambda asked, _: None if asked["params"]["arguments"].get("fail") else b"")
    async with broken.open() as url, serving(url=url) as by_hand:
        await by_hand.check()
        async with asyncio.TaskGroup() as group:
            good = [group.create_task(said(by_hand, "echo")) for _ in range(5)]
            bad = group.create_task(failure(by_hand, "echo", fail=True))
            good += [group.create_task(said(by_hand, "echo")) for _ in range(5)]
    assert bad.result().code == Code.CONNECTION
    assert [one.result() for one in good] == ["hello"] * 10


async def test_an_error_in_the_protocol_s_way_is_an_answer_whatever_its_status() -> None:
    def refuse(asked: dict[str, Any], _: dict[str, str]) -> bytes:
        return http(
            "400 Bad Request", {"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32602, "message": "no"}}
        )

    async with ByHand(call=refuse).open() as url, serving(url=url) as server:
        answer = await server.use("echo", {}, FakeContext())
    assert (answer.is_error, answer.text) == (True, "no")
