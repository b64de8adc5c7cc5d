"""What can go wrong with a server, in our words.

An error that a server answers is its tool's and goes to whoever used it; here are those that are no answer: no server,
no connection, no end, nonsense.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import httpx2
from mcp import MCPError
from mcp_types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    INVALID_REQUEST,
    PARSE_ERROR,
    UNSUPPORTED_PROTOCOL_VERSION,
)

from orchestrator.backends.mcp.web import Reply
from orchestrator.core.errors import TRANSIENT_STATUS, AttemptError, Code, InputError, UpstreamError
from orchestrator.core.headers import retry_after
from orchestrator.processes import NotStarted

SHOWN: Final = 300
"""Characters of a foreign message that ours quotes."""

STATUS_HINTS: Final = {
    401: "check its api_key",
    403: "check that its api_key may do this",
    404: "check its url",
    405: "check its url: something else than an MCP server answers there",
}


def is_lost(error: BaseException, reply: Reply) -> bool:
    """Return whether the connection is of no use any more."""
    return reply.session_is_gone or any(_is_closed(one) for one in leaves(error))


def _is_closed(error: BaseException) -> bool:
    return isinstance(error, MCPError) and error.code == CONNECTION_CLOSED


def is_answer(error: MCPError, reply: Reply) -> bool:
    """Return whether it is the server's own word about what it was asked to do."""
    if reply.trouble is not None or error.code in _NO_ANSWERS:
        return False
    return not reply.is_refused or error.code == INVALID_PARAMS


_NO_ANSWERS: Final = frozenset({CONNECTION_CLOSED, INVALID_REQUEST, PARSE_ERROR, UNSUPPORTED_PROTOCOL_VERSION})


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors themselves that groups of them, and groups of groups, hold."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def translated(
    server: str, error: BaseException, reply: Reply, *, end: str, last_words: str, wall: float
) -> AttemptError:
    """Return what the error means. `end` is how the server ended, `last_words` what it complained of before."""
    cause = next(leaves(error))
    if isinstance(cause, NotStarted):
        return InputError(f"server {server}: {cause.message}", code=Code.NOT_STARTED, hint=cause.hint)
    if reply.trouble is not None:
        return _unreachable(server, reply.trouble)
    if reply.is_refused:
        return _refused(server, reply, wall)
    if end or _is_closed(cause) or isinstance(cause, OSError | httpx2.TransportError):
        return _gone(server, end or f"hung up: {_brief(cause)}", last_words)
    return _nonsense(server, cause)


def timed_out(server: str, seconds: float, what: str, last_words: str = "") -> UpstreamError:
    """Return the error of a server that took longer than it may: `what` names the key that says so."""
    hint = f"raise {what} of the server, or find what hangs"
    return UpstreamError(
        f"server {server} did not answer within {seconds:g} s ({what})",
        code=Code.BACKEND_TIMEOUT,
        hint=_with(hint, last_words),
    )


def _unreachable(server: str, trouble: Exception) -> UpstreamError:
    return UpstreamError(
        f"server {server} cannot be reached: {_brief(trouble)}",
        code=Code.CONNECTION,
        hint="check its url, and that it runs",
    )


def _refused(server: str, reply: Reply, wall: float) -> UpstreamError:
    assert reply.status is not None, "a refusal has a status"
    return UpstreamError(
        f"server {server} answered {reply.status}",
        transient=reply.status in TRANSIENT_STATUS or reply.session_is_gone,
        status=reply.status,
        retry_after=retry_after(reply.headers, wall=wall),
        hint=None if reply.session_is_gone else STATUS_HINTS.get(reply.status),
    )


def _gone(server: str, how: str, last_words: str) -> UpstreamError:
    return UpstreamError(f"server {server} {how}", code=Code.CONNECTION, hint=_with("", last_words))


def _nonsense(server: str, cause: BaseException) -> UpstreamError:
    message = f"server {server} answered what cannot be understood: {_brief(cause)}"
    return UpstreamError(message, code=Code.MALFORMED, transient=False, hint="check that it is an MCP server")


def _with(hint: str, last_words: str) -> str | None:
    said = f"it said: {last_words}" if last_words else ""
    return "; ".join(part for part in (hint, said) if part) or None


def _brief(cause: BaseException) -> str:
    text = " ".join(str(cause).split()) or type(cause).__name__
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"
