import asyncio
import gzip
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from orchestrator.net import ClientSettings, HttpClient, NetError, Request, Timeouts

Handler = Callable[["Asked", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Asked:
    """A request as the server saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Server:
    """A small HTTP server that answers as its handler says, and remembers what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0


async def read_request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, body)


@asynccontextmanager
async def serving(handler: Handler, host: str = "127.0.0.1") -> AsyncIterator[Server]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            while not writer.is_closing():
                asked = await read_request(reader)
                server.asked.append(asked)
                await handler(asked, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    listener = await asyncio.start_server(serve, host, 0)
    server = Server(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    async with listener:
        yield server


@asynccontextmanager
async def asking(**settings: object) -> AsyncIterator[HttpClient]:
    client = HttpClient(ClientSettings(**settings))  # type: ignore[arg-type]  # each test names the one it is about
    try:
        yield client
    finally:
        await client.aclose()


def answer(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def always(reply: bytes, *, close: bool = False) -> Handler:
    async def handler(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(reply)
        if close:
            await writer.drain()
            writer.close()

    return handler


def by_path(**replies: bytes) -> Handler:
    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(replies[asked.target.partition("?")[0].strip("/")])

    return handler


def get(url: str, *headers: tuple[str, str]) -> Request:
    return Request("GET", url, headers)


# ── asking and answering ──


async def test_an_answer_is_told_whole() -> None:
    async with serving(always(answer(b"hello", X_Answer="yes"))) as server, asking() as client:
        response = await client.send(get(f"{server.url}/path"))
    assert (response.status, response.body, response.truncated) == (200, b"hello", False)
    assert response.headers["x-answer"] == "yes"
    assert response.url == f"{server.url}/path"
    assert 0 < response.elapsed < 5


async def test_a_bad_status_is_an_answer_too() -> None:
    async with serving(always(answer(b"busy", "503 Busy", Retry_After="2"))) as server, asking() as client:
        response = await client.send(get(server.url))
    assert (response.status, response.body, response.headers["retry-after"]) == (503, b"busy", "2")


async def test_method_headers_query_and_body_arrive() -> None:
    async with serving(always(answer())) as server, asking() as client:
        await client.send(
            Request("put", f"{server.url}/a?x=1#part", (("X-Me", "here"),), (("q", "ä &"), ("q", "2")), b"body")
        )
    (asked,) = server.asked
    assert (asked.method, asked.target, asked.body) == ("PUT", "/a?x=1&q=%C3%A4+%26&q=2", b"body")
    assert asked.headers["x-me"] == "here"
    assert asked.headers["user-agent"].startswith("orchestrator/")


async def test_json_and_forms_are_encoded_and_named() -> None:
    async with serving(always(answer())) as server, asking() as client:
        await client.send(Request("POST", server.url).with_json({"text": "grüße\u2028"}))
        await client.send(Request("POST", server.url, (("Content-Type", "application/x+json"),)).with_json([1]))
        await client.send(Request("POST", server.url).with_form({"a": "1 2", "b": "ß"}))
    one, two, three = server.asked
    assert (one.body.decode(), one.headers["content-type"]) == ('{"text": "grüße\u2028"}', "application/json")
    assert (two.body, two.headers["content-type"]) == (b"[1]", "application/x+json")
    assert (three.body, three.headers["content-type"]) == (b"a=1+2&b=%C3%9F", "application/x-www-form-urlencoded")


def test_half_a_surrogate_pair_does_not_break_json() -> None:
    assert Request("POST", "/").with_json("\ud800").body == b'"?"'


async def test_relative_urls_stand_on_the_base() -> None:
    async with (
        serving(always(answer())) as server,
        asking(base_url=f"{server.url}/v1/", headers=(("authorization", "Bearer x"), ("x-team", "a"))) as client,
    ):
        for url in ("/chat", "chat", "", f"{server.url}/other"):
            await client.send(get(url, ("X-Team", "b")))
    assert [asked.target for asked in server.asked] == ["/v1/chat", "/v1/chat", "/v1/", "/other"]
    assert {asked.headers["authorization"] for asked in server.asked} == {"Bearer x"}
    assert {asked.headers["x-team"] for asked in server.asked} == {"b"}


async def test_a_clients_secrets_do_not_go_to_other_servers() -> None:
    headers = (("authorization", "Bearer x"), ("x-api-key", "y"), ("x-team", "a"))
    async with (
        serving(always(answer())) as home,
        serving(always(answer())) as other,
        asking(base_url=home.url, headers=headers) as client,
    ):
        await client.send(get(other.url))
    (asked,) = other.asked
    assert "authorization" not in asked.headers
    assert "x-api-key" not in asked.headers
    assert asked.headers["x-team"] == "a"


async def test_bodies_pass_unchanged() -> None:
    body = "line\u2028separator\u0085next\r\nend".encode() + bytes(range(256))
    async with serving(always(answer(body))) as server, asking() as client:
        assert (await client.send(get(server.url))).body == body


async def test_chunks_are_given_as_they_come() -> None:
    async def slowly(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n")
        await asyncio.wait_for(heard.wait(), 5)
        writer.write(b"3\r\ntwo\r\n0\r\n\r\n")

    heard, chunks = asyncio.Event(), list[bytes]()

    def hear(chunk: bytes) -> None:
        chunks.append(chunk)
        heard.set()

    async with serving(slowly) as server, asking() as client:
        response = await client.send(get(server.url), on_chunk=hear)
    assert chunks == [b"one", b"two"]
    assert response.body == b"onetwo"


async def test_packed_answers_are_unpacked() -> None:
    packed = answer(gzip.compress(b"hello" * 100), Content_Encoding="gzip")
    async with serving(always(packed)) as server, asking() as client:
        assert (await client.send(get(server.url))).body == b"hello" * 100


async def test_no_cookie_passes_from_one_request_to_the_next() -> None:
    async with serving(always(answer(Set_Cookie="session=secret; Path=/"))) as server, asking() as client:
        await client.send(get(server.url))
        await client.send(get(server.url))
    assert "cookie" not in server.asked[1].headers
    assert server.connections == 1


async def test_a_bug_of_whoever_listens_is_not_called_an_error_of_the_net() -> None:
    def hear(_: bytes) -> None:
        raise ValueError("mine")

    async with serving(always(answer(b"hello"))) as server, asking() as client:
        with pytest.raises(ValueError, match="mine"):
            await client.send(get(server.url), on_chunk=hear)


async def test_a_closed_client_opens_again() -> None:
    async with serving(always(answer())) as server, asking() as client:
        await client.send(get(server.url))
        await client.aclose()
        assert (await client.send(get(server.url))).status == 200


# ── bounds ──


@pytest.mark.parametrize(("limit", "truncated"), [(0, True), (4, True), (5, False), (6, False)])
async def test_no_more_is_read_than_allowed(limit: int, *, truncated: bool) -> None:
    heard = list[bytes]()
    async with serving(always(answer(b"hello"))) as server, asking() as client:
        response = await client.send(get(server.url), max_size=limit, on_chunk=heard.append)
    assert (response.body, response.truncated) == (b"hello"[:limit], truncated)
    assert b"".join(heard) == response.body


async def test_an_endless_answer_is_left() -> None:
    async def endless(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 10_000)
            await writer.drain()

    async with serving(endless) as server, asking(max_size=1_000_000) as client:
        response = await asyncio.wait_for(client.send(get(server.url)), 5)
    assert (len(response.body), response.truncated) == (1_000_000, True)


async def test_what_unfolds_without_end_is_left() -> None:
    bomb = answer(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")
    async with serving(always(bomb)) as server, asking() as client:
        response = await client.send(get(server.url), max_size=1000)
        assert (response.body, response.truncated) == (bytes(1000), True)
    twice = gzip.compress(gzip.compress(bytes(50_000_000)))
    async with serving(always(answer(twice, Content_Encoding="gzip, gzip"))) as server, asking() as client:
        assert (await client.send(get(server.url))).body == twice


async def test_silence_ends_in_a_timeout() -> None:
    async def silent(_: Asked, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(5)
        writer.close()

    async with serving(silent) as server, asking(timeouts=Timeouts(read=0.1)) as client:
        with pytest.raises(NetError, match="was silent for too long") as caught:
            await client.send(get(server.url))
    assert caught.value.kind == "timeout"
    assert caught.value.is_transient


async def test_silence_within_an_answer_ends_in_a_timeout() -> None:
    async def stalling(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
        await writer.drain()
        await asyncio.sleep(5)

    async with serving(stalling) as server, asking(timeouts=Timeouts(read=0.1)) as client:
        with pytest.raises(NetError) as caught:
            await client.send(get(server.url))
    assert caught.value.kind == "timeout"


async def test_a_hundred_at_once_need_not_wait_for_each_other() -> None:
    waiting = asyncio.Barrier(100)

    async def together(_: Asked, writer: asyncio.StreamWriter) -> None:
        await waiting.wait()
        writer.write(answer(b"all here"))

    async with serving(together) as server, asking() as client, asyncio.timeout(10), asyncio.TaskGroup() as group:
        sent = [group.create_task(client.send(get(server.url))) for _ in range(100)]
    assert {task.result().body for task in sent} == {b"all here"}


async def test_connections_can_be_bounded() -> None:
    async with (
        serving(always(answer())) as server,
        asking(max_connections=2) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(20):
            group.create_task(client.send(get(server.url)))
    assert server.connections == 2


async def test_a_cancelled_request_closes_its_connection() -> None:
    closed = asyncio.Event()

    async def silent(_: Asked, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while not writer.is_closing():
                writer.write(b"more")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            closed.set()

    async with serving(silent) as server, asking() as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.send(get(server.url)), 0.1)
        await asyncio.wait_for(closed.wait(), 5)


# ── redirects ──


def to(location: str, status: str = "302 Found") -> bytes:
    return answer(b"elsewhere", status, Location=location)


async def test_redirects_are_followed() -> None:
    async with serving(by_path(a=to("/b?x=1"), b=to("c"), c=answer(b"here"))) as server, asking() as client:
        response = await client.send(get(f"{server.url}/a"))
    assert (response.body, response.url) == (b"here", f"{server.url}/c")
    assert [asked.target for asked in server.asked] == ["/a", "/b?x=1", "/c"]


async def test_redirects_can_be_left_to_the_caller() -> None:
    async with serving(by_path(a=to("/b"))) as server, asking() as client:
        response = await client.send(get(f"{server.url}/a"), follow_redirects=False)
    assert (response.status, response.headers["location"], response.body) == (302, "/b", b"elsewhere")


async def test_a_redirect_to_nowhere_is_an_answer() -> None:
    async with serving(always(answer(b"?", "302 Found"))) as server, asking() as client:
        assert (await client.send(get(server.url))).status == 302


async def test_a_loop_of_redirects_ends() -> None:
    async with serving(by_path(a=to("/b"), b=to("/a"))) as server, asking() as client:
        with pytest.raises(NetError, match="more than 10 times") as caught:
            await client.send(get(f"{server.url}/a"))
    assert caught.value.kind == "too_many_redirects"
    assert not caught.value.is_transient
    assert len(server.asked) == 11


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        ("301 Moved", "POST", ("GET", b"")),
        ("302 Found", "POST", ("GET", b"")),
        ("303 See Other", "PUT", ("GET", b"")),
        ("303 See Other", "HEAD", ("HEAD", b"")),
        ("301 Moved", "PUT", ("PUT", b"body")),
        ("307 Again", "POST", ("POST", b"body")),
        ("308 Again", "POST", ("POST", b"body")),
    ],
)
async def test_the_method_after_a_redirect_is_that_of_browsers(
    status: str, method: str, then: tuple[str, bytes]
) -> None:
    async def handler(asked: Asked, writer: asyncio.StreamWriter) -> None:
        reply = to("/b", status) if asked.target == "/a" else answer()
        writer.write(reply.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if asked.method == "HEAD" else reply)

    body = None if method == "HEAD" else b"body"
    async with serving(handler) as server, asking() as client:
        await client.send(Request(method, f"{server.url}/a", (("content-type", "text/x"),), body=body))
    last = server.asked[-1]
    assert (last.method, last.body) == then
    assert ("content-type" in last.headers) == (then[0] == method)


async def test_secrets_do_not_follow_a_redirect_to_another_server() -> None:
    secrets = (("Authorization", "Bearer x"), ("Cookie", "a=b"), ("X-Api-Key", "k"), ("X-Team", "a"))
    async with (
        serving(always(answer(b"got it"))) as other,
        serving(by_path(away=to(f"{other.url}/x"), near=to("/end"), end=answer())) as home,
        asking() as client,
    ):
        await client.send(get(f"{home.url}/away", *secrets))
        await client.send(get(f"{home.url}/near", *secrets))
    assert {"authorization", "cookie", "x-api-key", "x-team"} & set(other.asked[0].headers) == {"x-team"}
    assert home.asked[-1].target == "/end"
    assert {"authorization", "cookie", "x-api-key"} <= set(home.asked[-1].headers)


async def test_a_redirect_to_something_that_is_no_web_address_is_refused() -> None:
    async with serving(by_path(a=to("file:///etc/passwd"))) as server, asking() as client:
        with pytest.raises(NetError) as caught:
            await client.send(get(f"{server.url}/a"))
    assert caught.value.kind == "invalid_url"


# ── what goes wrong ──


async def closed_port() -> int:
    async with await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0) as listener:
        port: int = listener.sockets[0].getsockname()[1]
    return port


async def failure(url: str, *headers: tuple[str, str], **settings: object) -> NetError:
    async with asking(**settings) as client:
        with pytest.raises(NetError) as caught:
            await client.send(get(url, *headers))
    assert caught.value.hint in str(caught.value)
    return caught.value


async def test_a_refused_connection_says_so() -> None:
    error = await failure(f"http://127.0.0.1:{await closed_port()}/secret")
    assert (error.kind, error.is_transient) == ("connect", True)
    assert "Connection refused" in str(error)
    assert "secret" not in str(error)


async def test_an_unknown_host_says_so() -> None:
    error = await failure("http://host.invalid/", proxies={})
    assert (error.kind, error.message) == ("connect", "there is no host host.invalid")


async def test_a_connection_that_never_stands_is_a_timeout() -> None:
    # The queue of a listener that accepts nobody fills up, and then nothing more is answered.
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        filling = [socket.socket() for _ in range(3)]
        for one in filling:
            one.setblocking(False)  # noqa: FBT003 - the standard library's own signature
            one.connect_ex(address)
        error = await failure(f"http://127.0.0.1:{address[1]}", timeouts=Timeouts(connect=0.2))
        for one in filling:
            one.close()
    assert (error.kind, error.message) == ("timeout", f"no connection to 127.0.0.1:{address[1]} in time")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"", "reset"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this", "reset"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel", "reset"),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nhello", "protocol"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "protocol"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n", "protocol"),
        (answer(b"this is not packed", Content_Encoding="gzip"), "protocol"),
    ],
    ids=["nothing", "short", "half a chunk", "bad chunk", "ssh", "status", "header", "length", "long line", "packing"],
)
async def test_a_broken_answer_is_told_by_what_broke(reply: bytes, kind: str) -> None:
    async with serving(always(reply, close=True)) as server:
        error = await failure(server.url)
    assert error.kind == kind, str(error)


async def test_a_reset_within_the_body_says_so() -> None:
    async def reset(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhello")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    async with serving(reset) as server:
        error = await failure(server.url)
    assert (error.kind, error.is_transient) == ("reset", True)


async def test_a_large_header_that_still_is_sane_is_read() -> None:
    async with serving(always(answer(X_Large="y" * 30_000))) as server, asking() as client:
        assert len((await client.send(get(server.url))).headers["x-large"]) == 30_000


async def test_https_from_a_server_that_does_not_speak_it_says_so() -> None:
    async def speak_first(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer())
        writer.close()

    async with await asyncio.start_server(speak_first, "127.0.0.1", 0) as listener:
        error = await failure(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    assert (error.kind, error.is_transient) == ("tls", False)


@pytest.mark.parametrize(
    "url",
    ["", "/relative", "example.org", "ftp://example.org/x", "http://", "http://[::1", "http://\0/"],
)
async def test_what_is_no_address_is_refused(url: str) -> None:
    assert (await failure(url)).kind == "invalid_url"


async def test_a_port_that_cannot_be_is_the_reason_and_not_the_whole_address() -> None:
    error = await failure("http://127.0.0.1:99999/hidden?key=hidden")
    assert error.kind == "invalid_url"
    assert error.message == "127.0.0.1:99999 cannot be asked: Port out of range 0-65535"


async def test_a_query_that_is_no_text_is_refused() -> None:
    async with asking() as client:
        with pytest.raises(NetError) as caught:
            await client.send(Request("GET", "http://127.0.0.1:1/", query=(("a", "\udcff"),)))
    assert caught.value.kind == "invalid_url"


async def test_a_header_with_a_line_break_is_refused() -> None:
    async with serving(always(answer())) as server:
        error = await failure(server.url, ("X-Me", "a\r\nX-Evil: b"))
    assert error.kind == "invalid_url"
    assert server.asked == []


# ── proxies, and what it costs ──


async def test_a_proxy_is_asked_for_other_hosts_but_not_for_this_machine() -> None:
    async with (
        serving(always(answer(b"by proxy"))) as proxy,
        serving(always(answer(b"direct"))) as server,
        asking(proxies={"http": proxy.url, "no": "direct.invalid"}) as client,
    ):
        assert (await client.send(get("http://far.invalid/x"))).body == b"by proxy"
        assert (await client.send(get(server.url))).body == b"direct"
        with pytest.raises(NetError):
            await client.send(get("http://www.direct.invalid/"))
    assert [asked.target for asked in proxy.asked] == ["http://far.invalid/x"]


def test_importing_net_imports_no_http_library() -> None:
    program = "import orchestrator.net, sys; sys.exit(bool({'httpx', 'aiohttp', 'ssl'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


async def test_many_small_requests_use_each_connection_often() -> None:
    async with serving(always(answer(b"{}"))) as server, asking() as client:

        async def worker() -> None:
            for _ in range(5):
                await client.send(get(server.url))

        async with asyncio.TaskGroup() as group:
            for _ in range(100):
                group.create_task(worker())
    assert server.connections == 100
