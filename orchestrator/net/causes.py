"""Which of the libraries' many errors means what."""

import os
import ssl
import zlib
from types import TracebackType
from typing import Final

import aiohttp
import httpx

from orchestrator.net.errors import NetError, NetErrorKind

# The first row that fits counts.
KINDS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], NetErrorKind, str], ...]] = (
    (aiohttp.ConnectionTimeoutError, "timeout", "no connection to {server} in time"),
    (TimeoutError, "timeout", "{server} was silent for too long"),
    (ssl.SSLError, "tls", "no secure connection to {server}: {reason}"),
    (aiohttp.ClientConnectorDNSError, "connect", "there is no host {server}"),
    (aiohttp.ClientProxyConnectionError, "connect", "cannot connect to the proxy for {server}: {reason}"),
    (aiohttp.ClientConnectorError, "connect", "cannot connect to {server}: {reason}"),
    (aiohttp.ServerDisconnectedError, "reset", "{server} closed the connection without an answer"),
    (aiohttp.ClientPayloadError, "reset", "the answer from {server} broke off"),
    (zlib.error, "protocol", "the answer from {server} is packed wrongly: {reason}"),
    (aiohttp.ClientResponseError, "protocol", "the answer from {server} is not readable: {reason}"),
    ((httpx.InvalidURL, ValueError), "invalid_url", "{server} cannot be asked: {reason}"),
    (OSError, "reset", "the connection to {server} broke: {reason}"),
)

FOREIGN: Final = (aiohttp.ClientError, OSError, ValueError)
"""What the libraries raise while an answer is read."""


class translated:  # noqa: N801 - it is used like a function, and as one it would cost ten times as much
    """Turns what the libraries raise within it into a NetError."""

    __slots__ = ("_url",)

    def __init__(self, url: httpx.URL | None) -> None:
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None and isinstance(error, (*FOREIGN, httpx.InvalidURL)):
            raise explained(error, self._url) from error


def explained(error: Exception, url: httpx.URL | None) -> NetError:
    """Return what an error of the libraries means."""
    server = server_of(url) if url else "this URL"
    for types, kind, text in KINDS:
        if isinstance(error, types):
            return NetError(kind, text.format(server=server, reason=_reason(error)))
    return NetError("protocol", f"{server} cannot be understood: {_reason(error)}")


def server_of(url: httpx.URL) -> str:
    """The server alone: paths and queries may hold secrets."""
    return f"{url.host}:{url.port}" if url.port else url.host


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.InvalidURL):  # its own text is the URL, whose path and query may hold secrets
        return str(error.description or error.__cause__ or "it is no URL")
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message.strip().splitlines()[0] if error.message.strip() else "malformed"
    if isinstance(error, OSError) and error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return str(error)
