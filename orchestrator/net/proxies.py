"""Which requests go through a proxy."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

OWN_NAMES: Final = ("localhost", "::1")


def proxy_for(url: "httpx.URL", proxies: Mapping[str, str]) -> str | None:
    """The proxy for this URL. None for the machine itself, and for hosts and domains under `no`."""
    is_own = url.host in OWN_NAMES or url.host.startswith("127.")
    if is_own or _is_excepted(url.host, proxies.get("no", "")):
        return None
    return proxies.get(url.scheme) or proxies.get("all")


def _is_excepted(host: str, exceptions: str) -> bool:
    names = [name.strip().lstrip(".") for name in exceptions.lower().split(",")]
    return any(name in ("*", host) or host.endswith(f".{name}") for name in names if name)
