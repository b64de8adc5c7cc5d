"""What holds for every request of one client."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.net.messages import Pairs


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for the connection to stand (its name looked up, TLS agreed), and for each silence of the answer."""

    connect: float | None = 10.0
    read: float | None = None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Of one client: where its requests go and within what bounds.

    `headers` are sent with every request, secret ones only to the server of `base_url` (to all, without one).
    `max_connections` None means as many as there are requests. `proxies` maps schemes to proxies, with exceptions
    under `no`; None takes the usual environment variables. A loopback address is never asked through a proxy.
    """

    base_url: str = ""
    headers: Pairs = ()
    timeouts: Timeouts = Timeouts()
    max_size: int = 10_000_000
    max_redirects: int = 10
    max_connections: int | None = None
    proxies: Mapping[str, str] | None = None
