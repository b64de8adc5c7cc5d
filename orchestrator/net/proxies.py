"""Which requests go through a proxy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

LOOPBACK: Final = ("127.", "localhost", "::1")


def proxy_for(url: "httpx.URL", proxies: Mapping[str, str]) -> str | None:
    """The proxy for this URL. None for the machine itself, and for hosts and domains under `no`."""
    if url.host.startswith(LOOPBACK) or _is_excepted(url.host, proxies.get("no", "")):
        return None
    return proxies.get(url.scheme) or proxies.get("all")


def _is_excepted(host: str, exceptions: str) -> bool:
    names = [name.strip().lstrip(".") for name in exceptions.lower().split(",")]
    return any(name in ("*", host) or host.endswith(f".{name}") for name in names if name)
