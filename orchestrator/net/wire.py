"""How a request travels: to where httpx's URLs lead, over aiohttp's connections.

httpx's own pool takes time that grows with the square of its connections, and its requests and answers three times as
long as aiohttp's. What both would do on their own account (cookies, redirects, proxies, a file of passwords) is off
here, and done where it can be seen.
"""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager
from functools import cache, lru_cache
from ssl import SSLContext
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode
from urllib.request import getproxies_environment

import aiohttp
import httpx

from orchestrator import __version__
from orchestrator.net.body import Body, PackedBody
from orchestrator.net.causes import server_of, translated
from orchestrator.net.errors import NetError
from orchestrator.net.messages import Pairs, Request, Response
from orchestrator.net.patience import PatientConnector
from orchestrator.net.proxies import proxy_for
from orchestrator.net.redirects import REDIRECTS, Hop, checked, is_same_origin, keeps_method, next_hop, without_secrets
from orchestrator.net.settings import ClientSettings
from orchestrator.net.streaming import OpenResponse

DEFAULTS: Final[Pairs] = (
    ("accept", "*/*"),
    ("accept-encoding", "gzip, deflate"),
    ("user-agent", f"orchestrator/{__version__}"),
)
DECODED: Final = frozenset({"gzip", "deflate"})  # one of them: packed twice, a few bytes can unfold to gigabytes
LONGEST_LINE: Final = 1 << 16
REMEMBERED: Final = 128
"""Ways that are kept at most: a model's server is asked for the same path all day."""

OnChunk = Callable[[bytes], None]


class Way(NamedTuple):
    """All that is the same whenever a URL is asked with the same headers; of its `hop` all but the body counts.

    `written` is the URL as it is asked, `told` without a password that stands in it.
    """

    hop: Hop
    written: str
    told: str
    headers: dict[str, str]
    by_proxy: dict[str, Any]


class Wire:
    """The open connections of one client."""

    def __init__(self, settings: ClientSettings) -> None:
        self._settings = settings
        with translated(None):
            self._home = httpx.URL(settings.base_url) if settings.base_url else None
        self._proxies = getproxies_environment() if settings.proxies is None else settings.proxies
        self._timeout = _timeout(settings)
        self._first_way = lru_cache(REMEMBERED)(self._way_of)
        self._session: aiohttp.ClientSession | None = None

    async def exchange(self, request: Request, on_chunk: OnChunk | None, limit: int, redirects: int | None) -> Response:
        """One request and its answer, behind so many redirects at most; with None, redirects are answers too."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with Exchange(self, request, limit, redirects, asks_the_same=False) as answer:
            body, truncated = await answer.read(limit, on_chunk)
            return Response(answer.status, answer.headers, body, truncated, answer.url, loop.time() - began)

    def stream(self, request: Request, limit: int, redirects: int) -> AbstractAsyncContextManager[OpenResponse]:
        """One request and its answer while it comes; a redirect that would ask for something else is an answer too."""
        return Exchange(self, request, limit, redirects, asks_the_same=True)

    async def answered(
        self, request: Request, redirects: int | None, *, asks_the_same: bool
    ) -> tuple[aiohttp.ClientResponse, Way]:
        """Ask, behind so many redirects at most, and return the head of the answer and the way to it."""
        way = self._first_way(request.method, request.url, request.query, request.headers)
        body = request.body
        for _ in range((redirects or 0) + 1):
            answer = await self._asked(way, body)
            location = _location(answer) if redirects is not None else None
            if location is None or (asks_the_same and not keeps_method(way.hop.method, answer.status)):
                return answer, way
            answer.release()
            with translated(way.hop.url):
                hop = next_hop(Hop(way.hop.method, way.hop.url, way.hop.headers, body), answer.status, location)
                way, body = self._way(hop), hop.body
        server = server_of(way.hop.url)
        raise NetError("too_many_redirects", f"{server} redirects more than {redirects} times")

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _asked(self, way: Way, body: bytes | None) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = self._opened()
        with translated(way.hop.url):
            return await self._session.request(
                way.hop.method,
                way.written,
                headers=way.headers,
                data=body or None,
                allow_redirects=False,
                timeout=self._timeout,
                **way.by_proxy,
            )

    # ── ways ──

    def _way_of(self, method: str, url: str, query: Pairs, headers: Pairs) -> Way:
        target = _url(self._settings.base_url, url, query)
        is_home = self._home is None or is_same_origin(self._home, target)
        own = self._settings.headers if is_home else without_secrets(self._settings.headers)
        return self._way(Hop(method.upper(), target, _override(_override(DEFAULTS, own), headers), None))

    def _way(self, hop: Hop) -> Way:
        with translated(hop.url):
            by_proxy = _by_proxy(proxy_for(hop.url, self._proxies))
            return Way(hop, str(hop.url), _told(hop.url), _written(hop.headers), by_proxy)

    def _opened(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=PatientConnector(limit=self._settings.max_connections or 0, ssl=_trusted()),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=LONGEST_LINE,
            max_field_size=LONGEST_LINE,
        )


class Exchange(AbstractAsyncContextManager[OpenResponse]):
    """One request and its answer, while it is open. Leaving it frees the connection, or closes it within an answer."""

    __slots__ = ("_answer", "_asks_the_same", "_limit", "_redirects", "_request", "_url", "_wire")

    def __init__(self, wire: Wire, request: Request, limit: int, redirects: int | None, *, asks_the_same: bool) -> None:
        self._wire = wire
        self._request = request
        self._limit = limit
        self._redirects = redirects
        self._asks_the_same = asks_the_same

    async def __aenter__(self) -> OpenResponse:
        answer, way = await self._wire.answered(self._request, self._redirects, asks_the_same=self._asks_the_same)
        self._answer, self._url = answer, way.hop.url
        headers = _headers(answer)
        encoding = headers.get("content-encoding", "").lower()
        body = PackedBody(answer, self._url, encoding) if encoding in DECODED else Body(answer, self._url)
        return OpenResponse(answer.status, headers, way.told, body, self._limit)

    async def __aexit__(self, *_: object) -> None:
        with translated(self._url):
            self._answer.release()
            await self._answer.wait_for_close()


@cache
def _trusted() -> SSLContext:
    return httpx.create_ssl_context()


def _timeout(settings: ClientSettings) -> aiohttp.ClientTimeout:
    connect = settings.timeouts.connect
    # Where nobody waits for a free connection, the whole of getting one can be bounded, looking up the name included.
    whole = connect if settings.max_connections is None else None
    return aiohttp.ClientTimeout(sock_connect=connect, connect=whole, sock_read=settings.timeouts.read)


def _url(base: str, written: str, query: Pairs) -> httpx.URL:
    with translated(None):
        url = httpx.URL(written)
        if base and not url.scheme:
            url = httpx.URL(f"{base.rstrip('/')}/{written.lstrip('/')}")
    target = checked(url)
    with translated(target):
        return _with_query(target, query)


def _with_query(url: httpx.URL, pairs: Pairs) -> httpx.URL:
    if not pairs and not url.fragment:
        return url
    query = b"&".join(filter(None, (url.query, urlencode(pairs).encode("ascii"))))
    return url.copy_with(query=query or None, fragment=None)


def _override(weak: Pairs, strong: Pairs) -> Pairs:
    """Both lists of headers; a name in the stronger one takes the place of the weaker's."""
    names = {name.lower() for name, _ in strong}
    return (*(pair for pair in weak if pair[0].lower() not in names), *strong)


def _written(headers: Pairs) -> dict[str, str]:
    """The headers as they are sent: those of one name as one. What is no ASCII raises ValueError."""
    "".join(map("".join, headers)).encode("ascii")
    return _merged(headers)


def _merged(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    merged: dict[str, str] = {}
    for given, value in headers:
        name = given.lower()
        merged[name] = f"{merged[name]}, {value}" if name in merged else value
    return merged


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    headers = _merged(answer.headers.items())
    if "".join(headers.values()).isascii():
        return headers
    return {name: _legible(value) for name, value in headers.items()}


def _legible(value: str) -> str:
    """The value of a header; bytes that are no UTF-8 are taken for Latin-1."""
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _location(answer: aiohttp.ClientResponse) -> str | None:
    location = answer.headers.get("location") if answer.status in REDIRECTS else None
    return None if location is None else _legible(location)


def _by_proxy(url: str | None) -> dict[str, Any]:
    if url is None:
        return {}
    proxy = httpx.Proxy(url)
    return {"proxy": str(proxy.url), "proxy_auth": aiohttp.BasicAuth(*proxy.auth) if proxy.auth else None}


def _told(url: httpx.URL) -> str:
    """The URL without a password that stands in it."""
    return str(url.copy_with(userinfo=b"") if url.userinfo else url)
