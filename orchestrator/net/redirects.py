"""Where a redirect leads, and what may be taken along."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from orchestrator.net.errors import NetError
from orchestrator.net.messages import Pairs

if TYPE_CHECKING:
    import httpx

REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
SECRET: Final = re.compile("auth|cookie|key|token|secret|password|signature", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hop:
    """One request of a chain of redirects."""

    method: str
    url: "httpx.URL"
    headers: Pairs
    body: bytes | None


def next_hop(hop: Hop, status: int, location: str) -> Hop:
    """The request that follows this redirect. Secrets stay with the server that they were meant for."""
    url = checked(hop.url.join(location))
    if hop.url.scheme == "https" and url.scheme != "https":
        raise NetError("tls", f"refused to follow a redirect from https to http://{url.host}")
    headers = hop.headers if is_same_origin(hop.url, url) else without_secrets(hop.headers)
    return _with_method(replace(hop, url=url, headers=headers), status)


def checked(url: "httpx.URL") -> "httpx.URL":
    """The URL, if it can be asked at all."""
    if url.scheme not in ("http", "https") or not url.host:
        raise NetError("invalid_url", f"{str(url)!r} is no http or https URL")
    return url


def is_same_origin(one: "httpx.URL", other: "httpx.URL") -> bool:
    """Whether both lead to the same server; https on the usual port counts as the same as http on its own."""
    if one.host != other.host:
        return False
    return (one.scheme, one.port) == (other.scheme, other.port) or _is_upgrade(one, other)


def without_secrets(headers: Pairs) -> Pairs:
    return tuple((name, value) for name, value in headers if not SECRET.search(name))


def _is_upgrade(one: "httpx.URL", other: "httpx.URL") -> bool:
    return (one.scheme, other.scheme, one.port, other.port) == ("http", "https", None, None)


def keeps_method(method: str, status: int) -> bool:
    """As browsers do it: 303 asks for another document, and so do 301 and 302 after a POST."""
    is_other = status == 303 or (status in (301, 302) and method == "POST")
    return not is_other or method in ("GET", "HEAD")


def _with_method(hop: Hop, status: int) -> Hop:
    if keeps_method(hop.method, status):
        return hop
    headers = tuple((name, value) for name, value in hop.headers if not name.lower().startswith("content-"))
    return replace(hop, method="GET", headers=headers, body=None)
