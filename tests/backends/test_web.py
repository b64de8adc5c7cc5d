"""Backends that send requests send what they should, and say in our words what went wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import MappingProxyType

import pytest

from orchestrator.backends.http import HttpBackend, HttpBackendSettings
from orchestrator.backends.resource import ResourceBackend, ResourceSettings
from orchestrator.core.errors import AttemptError, Code, InputError, UpstreamError
from orchestrator.core.flow import BackendSpec, NetTimeouts
from orchestrator.core.ports import BackendServices, HttpAnswer, HttpBackendPort, HttpRequest
from tests.kinds.fakes import FakeChance, FakeClock, FakeContext

Reply = Callable[[str], bytes]


@asynccontextmanager
async def server(reply: Reply) -> AsyncIterator[str]:
    """A server that gives each request, head and body as one text, an answer and hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line.split(":")[1]) for line in head.lower().split("\r\n") if "content-length:" in line), 0)
        body = (await reader.readexactly(length)).decode()
        writer.write(reply(head + body))
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


def said(body: str, status: str = "200 OK", headers: str = "") -> bytes:
    data = body.encode()
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(data)}\r\nconnection: close\r\n{headers}\r\n".encode() + data


def services(api_key: str | None = None) -> BackendServices:
    return BackendServices(FakeClock(), FakeChance(), api_key)


def http(base_url: str = "", *, api_key: str | None = None, **spec: object) -> HttpBackend:
    declared = BackendSpec("site", "http", HttpBackendSettings(base_url), **spec)  # type: ignore[arg-type]  # any policy
    return HttpBackend(declared, services(api_key))


def get(url: str, **given: object) -> HttpRequest:
    return HttpRequest("GET", url, {}, given.pop("query", {}), **given)  # type: ignore[arg-type]  # any field


async def asked(backend: HttpBackendPort, request: HttpRequest) -> HttpAnswer:
    try:
        return await backend.send(request, FakeContext())
    finally:
        await backend.aclose()


async def failed(backend: HttpBackendPort, request: HttpRequest) -> AttemptError:
    with pytest.raises(AttemptError) as caught:
        await asked(backend, request)
    return caught.value


async def test_a_request_carries_what_the_backend_and_the_task_say() -> None:
    async with server(said) as address:
        backend = http(f"{address}/api", api_key="k3y", headers=MappingProxyType({"x-team": "docs"}))
        request = HttpRequest(
            "POST", "notes", {"x-task": "one"}, {"tag": ["a", "b c"], "deep": True, "n": 1}, "Grüße".encode()
        )
        text = (await asked(backend, request)).body.decode()
    assert text.startswith("POST /api/notes?tag=a&tag=b")
    assert "deep=true&n=1" in text
    assert {"x-team: docs", "x-task: one", "authorization: bearer k3y"} <= set(text.lower().split("\r\n"))
    assert text.endswith("Grüße")


async def test_a_header_of_the_backend_s_own_goes_before_the_key() -> None:
    async with server(said) as address:
        text = (await asked(http(address, api_key="k3y", headers={"Authorization": "Basic x"}), get("/"))).body.decode()
    assert "Basic x" in text
    assert "k3y" not in text


async def test_any_status_is_an_answer() -> None:
    async with server(lambda _: said("no", "404 Not Found", "x-why: gone\r\n")) as address:
        answer = await asked(http(address), get("/"))
    assert (answer.status, answer.headers["x-why"], answer.body, answer.truncated) == (404, "gone", b"no", False)


async def test_a_body_is_read_no_further_than_allowed() -> None:
    async with server(lambda _: said("0123456789")) as address:
        answer = await asked(http(address), get("/", max_size=4))
    assert (answer.body, answer.truncated) == (b"0123", True)


async def test_a_redirect_is_followed_unless_told_otherwise() -> None:
    def reply(request: str) -> bytes:
        return said("here") if " /new " in request else said("", "302 Found", "location: /new\r\n")

    async with server(reply) as address:
        assert (await asked(http(address), get("/old"))).body == b"here"
        assert (await asked(http(address), get("/old", follow_redirects=False))).status == 302


async def test_a_long_answer_tells_how_far_it_is() -> None:
    context = FakeContext()
    async with server(lambda _: said("x" * 3_000_000)) as address:
        backend = http(address)
        await backend.send(get("/"), context)
        await backend.aclose()
    assert context.progressed[-1] == (3_000_000, None, "bytes read")


async def test_nobody_there_is_worth_another_try() -> None:
    async with server(said) as address:
        pass
    error = await failed(http(address), get("/"))
    assert isinstance(error, UpstreamError)
    assert (error.failure.code, error.failure.is_transient) == (Code.CONNECTION, True)
    assert error.failure.hint is not None


async def test_half_an_answer_is_none() -> None:
    async with server(lambda _: b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab") as address:
        error = await failed(http(address), get("/"))
    assert (error.failure.code, error.failure.is_transient) == (Code.CONNECTION, True)


async def test_silence_is_a_timeout() -> None:
    async def hold(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    held = asyncio.Event()
    listening = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with listening:
        address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        error = await failed(http(address, timeouts=NetTimeouts(read=0.05)), get("/"))
        held.set()
    assert (error.failure.code, error.failure.is_transient) == (Code.BACKEND_TIMEOUT, True)


async def test_what_is_no_http_is_malformed() -> None:
    async with server(lambda _: b"220 mail ready\r\n\r\n") as address:
        error = await failed(http(address), get("/"))
    assert error.failure.code == Code.MALFORMED


async def test_what_is_no_address_is_the_flow_s_own_fault() -> None:
    for url in ("/relative", "ftp://example.org/", "http://"):
        assert isinstance(await failed(http(), get(url)), InputError)


async def test_a_resource_asks_whatever_host_a_task_names() -> None:
    async with server(lambda _: said("42")) as address:
        backend = ResourceBackend(BackendSpec("database", "resource", ResourceSettings()), services())
        assert (await asked(backend, get(address))).body == b"42"


async def test_a_backend_without_settings_of_its_own_asks_any_host() -> None:
    async with server(lambda _: said("42")) as address:
        backend = HttpBackend(BackendSpec("", "http", None), services())
        assert backend.spec.name == ""
        assert (await asked(backend, get(address))).body == b"42"


def test_a_base_url_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin with http"):
        HttpBackendSettings("example.org")
