"""Which of the libraries' many errors means what."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import aiohttp
import httpx

from orchestrator.net.errors import NetError, NetErrorKind

# The first row that fits counts. aiohttp's errors are read in place of httpx's: the latter call a connection
# that the server closed a timeout.
KINDS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], NetErrorKind, str], ...]] = (
    (aiohttp.ConnectionTimeoutError, "timeout", "no connection to {server} in time"),
    (TimeoutError, "timeout", "no answer from {server} in time"),
    (ssl.SSLError, "tls", "no secure connection to {server}: {reason}"),
    (aiohttp.ClientConnectorDNSError, "connect", "there is no host {server}"),
    (aiohttp.ClientProxyConnectionError, "connect", "cannot connect to the proxy for {server}: {reason}"),
    (aiohttp.ClientConnectorError, "connect", "cannot connect to {server}: {reason}"),
    (aiohttp.ServerDisconnectedError, "reset", "{server} closed the connection without an answer"),
    (aiohttp.ClientPayloadError, "reset", "the answer from {server} broke off"),
    (httpx.DecodingError, "protocol", "the answer from {server} is packed wrongly: {reason}"),
    (aiohttp.ClientResponseError, "protocol", "the answer from {server} is not readable: {reason}"),
    ((httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError), "invalid_url", "{server} cannot be asked: {reason}"),
    (OSError, "reset", "the connection to {server} broke: {reason}"),
)


@contextmanager
def translated(url: httpx.URL | None) -> Iterator[None]:
    """Turn what the libraries raise into a NetError."""
    try:
        yield
    except NetError:
        raise
    except (httpx.HTTPError, httpx.InvalidURL, aiohttp.ClientError, OSError, ValueError) as error:
        raise _explained(error, server_of(url) if url else "this URL") from error


def server_of(url: httpx.URL) -> str:
    """The server alone: paths and queries may hold secrets."""
    return f"{url.host}:{url.port}" if url.port else url.host


def _explained(error: Exception, server: str) -> NetError:
    cause = error.__cause__ if isinstance(error.__cause__, (aiohttp.ClientError, OSError)) else error
    for types, kind, text in KINDS:
        if isinstance(cause, types):
            return NetError(kind, text.format(server=server, reason=_reason(cause)))
    return NetError("protocol", f"{server} cannot be understood: {_reason(cause)}")


def _reason(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientResponseError):
        return error.message.strip().splitlines()[0] if error.message.strip() else "malformed"
    if isinstance(error, OSError) and error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return str(error)
