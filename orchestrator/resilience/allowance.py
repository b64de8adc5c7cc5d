"""What a server says is left of its own limits, believed until it says more; its windows are taken to go on alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from orchestrator.core.events import Gauge
from orchestrator.core.model import Allowance
from orchestrator.core.moments import seconds_until


class _Known(NamedTuple):
    """One limit as it was told: what is left of it until a moment, and how long its windows are at least."""

    limit: float | None
    left: float
    until: float
    span: float = 0.0

    def renewed(self, now: float) -> _Known | None:
        """Return the limit in its next window, where as many as before may go; None where that is not known."""
        return _Known(self.limit, self.limit, now + self.span, self.span) if self.limit else None


class Allowances:
    """Counts down what a server said. Nothing is known before it speaks.

    When a window has ended and the whole limit is known, the next one is taken to be as long and as wide until the
    server says otherwise: all who waited for its end would else go at once. A call that needs more than the whole
    limit goes when nothing was used: whether it fits is for the server to say.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._known: dict[str, _Known] = {}

    def learn(self, allowance: Allowance, *, under_way: int = 0) -> None:
        """Believe what the server says; without the end of a window there is nothing to wait for.

        Of requests, those `under_way` are counted as if the server had not seen them yet.
        """
        if allowance.reset is None:
            return
        known = self._known.get(allowance.unit)
        span = max(known.span, allowance.reset) if known and known.limit == allowance.limit else allowance.reset
        left = allowance.left - (under_way if allowance.unit == "requests" else 0)
        self._known[allowance.unit] = _Known(allowance.limit, max(left, 0.0), self._now() + allowance.reset, span)

    def delay(self, tokens: int) -> float:
        """Return the seconds until a call of that weight has room: 0.0 for now."""
        return max(self._delay("requests", 1), self._delay("tokens", tokens))

    def take(self, tokens: int) -> None:
        """Let a call go, after `delay()` said 0.0."""
        for unit, amount in (("requests", 1), ("tokens", tokens)):
            known = self._standing(unit)
            if known is not None:
                self._known[unit] = known._replace(left=max(known.left - amount, 0.0))

    def _standing(self, unit: str) -> _Known | None:
        """Return what holds now of the limit."""
        known = self._known.get(unit)
        if known is None:
            return None
        now = self._now()
        return known if seconds_until(known.until, now) else known.renewed(now)

    def _delay(self, unit: str, amount: float) -> float:
        known = self._standing(unit)
        if known is None or amount <= known.left or (known.limit is not None and known.left >= known.limit):
            return 0.0
        return seconds_until(known.until, self._now())

    def gauges(self) -> tuple[Gauge, ...]:
        """Return what is used of each limit that is known whole."""
        return tuple(
            Gauge(f"server {unit}", known.limit - known.left, known.limit, known.until)
            for unit, known in self._known.items()
            if known.limit is not None and seconds_until(known.until, self._now())
        )
