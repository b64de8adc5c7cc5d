"""How a request travels: httpx's URLs and answers over aiohttp's connections.

httpx's own pool takes time that grows with the square of its connections; aiohttp's does not. What both would do on
their own account (cookies, redirects, proxies, a file of passwords) is off here, and done where it can be seen.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from functools import cache
from ssl import SSLContext
from typing import Final
from urllib.parse import urlencode
from urllib.request import getproxies_environment

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from orchestrator import __version__
from orchestrator.net.causes import server_of, translated
from orchestrator.net.errors import NetError
from orchestrator.net.messages import Pairs, Request, Response
from orchestrator.net.proxies import proxy_for
from orchestrator.net.redirects import REDIRECTS, Hop, checked, is_same_origin, next_hop, without_secrets
from orchestrator.net.settings import ClientSettings

DEFAULTS: Final[Pairs] = (
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate"),
    ("user-agent", f"orchestrator/{__version__}"),
)
DECODED: Final = frozenset({"gzip", "deflate"})  # one of them: packed twice, a few bytes can unfold to gigabytes
LONGEST_LINE: Final = 1 << 16

OnChunk = Callable[[bytes], None]


class Wire:
    """The open connections of one client."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        with translated(None):
            self._home = httpx.URL(settings.base_url) if settings.base_url else None
        self._proxies = getproxies_environment() if settings.proxies is None else settings.proxies
        self._transports: dict[str | None, AiohttpTransport] = {}
        self._timeout = _timeout(settings)

    async def exchange(self, request: Request, on_chunk: OnChunk | None, limit: int, redirects: int | None) -> Response:
        """One request and its answer, behind so many redirects at most; with None, redirects are answers too."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        hop = self._first_hop(request)
        for _ in range((redirects or 0) + 1):
            async with self._answer(hop) as answer:
                location = _location(answer) if redirects is not None else None
                if location is None:
                    body, truncated = await _read(answer, hop, on_chunk, limit)
                    return _response(hop, answer, body, truncated=truncated, elapsed=loop.time() - began)
            with translated(hop.url):
                hop = next_hop(hop, answer.status_code, location)
        raise NetError("too_many_redirects", f"{server_of(hop.url)} redirects more than {redirects} times")

    async def aclose(self) -> None:
        for transport in self._transports.values():
            await transport.aclose()

    def _first_hop(self, request: Request) -> Hop:
        url = _url(self._settings.base_url, request)
        is_home = self._home is None or is_same_origin(self._home, url)
        own = self._settings.headers if is_home else without_secrets(self._settings.headers)
        headers = _override(_override(DEFAULTS, own), request.headers)
        return Hop(request.method.upper(), url, headers, request.body)

    @contextlib.asynccontextmanager
    async def _answer(self, hop: Hop) -> AsyncIterator[httpx.Response]:
        with translated(hop.url):
            request = httpx.Request(
                hop.method, hop.url, headers=hop.headers, content=hop.body, extensions={"timeout": self._timeout}
            )
            response = await self._transport(hop.url).handle_async_request(request)
        try:
            yield response
        finally:
            with translated(hop.url):
                await response.aclose()

    def _transport(self, url: httpx.URL) -> AiohttpTransport:
        proxy = proxy_for(url, self._proxies)
        if proxy not in self._transports:
            self._transports[proxy] = AiohttpTransport(
                verify=_trusted(), proxy=httpx.Proxy(proxy) if proxy else None, client=self._session
            )
        return self._transports[proxy]

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._settings.max_connections or 0, ssl=_trusted()),
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )


@cache
def _trusted() -> SSLContext:
    return httpx.create_ssl_context()


def _timeout(settings: ClientSettings) -> dict[str, float | None]:
    connect = settings.timeouts.connect
    # Where nobody waits for a free connection, "pool" bounds what "connect" does not: looking up the name.
    pool = connect if settings.max_connections is None else None
    return {"connect": connect, "pool": pool, "read": settings.timeouts.read}


def _url(base: str, request: Request) -> httpx.URL:
    with translated(None):
        url = httpx.URL(request.url)
        if base and not url.scheme:
            url = httpx.URL(f"{base.rstrip('/')}/{request.url.lstrip('/')}")
    return _with_query(checked(url), request.query)


def _with_query(url: httpx.URL, pairs: Pairs) -> httpx.URL:
    if not pairs and not url.fragment:
        return url
    query = b"&".join(filter(None, (url.query, urlencode(pairs).encode("ascii"))))
    return url.copy_with(query=query or None, fragment=None)


def _override(weak: Pairs, strong: Pairs) -> Pairs:
    """Both lists of headers; a name in the stronger one takes the place of the weaker's."""
    names = {name.lower() for name, _ in strong}
    return (*(pair for pair in weak if pair[0].lower() not in names), *strong)


def _location(answer: httpx.Response) -> str | None:
    return answer.headers.get("location") if answer.status_code in REDIRECTS else None


async def _read(answer: httpx.Response, hop: Hop, on_chunk: OnChunk | None, limit: int) -> tuple[bytes, bool]:
    """The body up to the limit, and whether there was more."""
    body = bytearray()
    async with contextlib.aclosing(_chunks(answer, hop)) as chunks:
        async for chunk in chunks:
            kept = chunk[: limit - len(body)]
            body += kept
            if on_chunk and kept:
                on_chunk(kept)
            if len(kept) < len(chunk):
                return bytes(body), True
    return bytes(body), False


async def _chunks(answer: httpx.Response, hop: Hop) -> AsyncGenerator[bytes, None]:
    is_packed = answer.headers.get("content-encoding", "").lower() in DECODED
    with translated(hop.url):
        async for chunk in answer.aiter_bytes() if is_packed else answer.aiter_raw():
            yield chunk


def _response(hop: Hop, answer: httpx.Response, body: bytes, *, truncated: bool, elapsed: float) -> Response:
    url = hop.url.copy_with(userinfo=b"") if hop.url.userinfo else hop.url
    return Response(answer.status_code, dict(answer.headers.items()), body, truncated, str(url), elapsed)
