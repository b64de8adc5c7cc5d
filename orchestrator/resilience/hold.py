"""A backend, or the credential behind several, that asked its callers to stay away until a certain time."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.core.moments import seconds_until


class Probe:
    """The one call that goes out although the hold stands."""

    __slots__ = ()


class Hold:
    """A pause that calls can extend and never shorten, and that a single probe can end.

    `probe()` opens one place; the call that `take()`s it ends the hold with `succeeded`, or leaves it standing with
    `failed`. A probe that was never used, or that ended without an answer, is given back and the place is free again.
    What a probe says about an older hold than the one that stands is stale and counts for nothing.
    """

    __slots__ = ("_now", "_place_open", "_probe", "_until", "_why")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._until: float | None = None
        self._why = ""
        self._place_open = False
        self._probe: Probe | None = None

    def hold(self, until: float, why: str) -> bool:
        """Stay away until then; return whether that changed anything. An infinite time ends by a probe or by hand."""
        standing = self.until
        if not seconds_until(until, self._now() if standing is None else standing):
            return False
        if standing is None:
            self.release()
        self._until, self._why = until, why
        return True

    def release(self) -> None:
        """End the hold; a probe under way has nothing to decide any more."""
        self._until, self._why = None, ""
        self._place_open, self._probe = False, None

    @property
    def until(self) -> float | None:
        """When the hold ends by itself, None if nothing is held."""
        if self._until is None or not seconds_until(self._until, self._now()):
            return None
        return self._until

    @property
    def why(self) -> str:
        return self._why if self.until is not None else ""

    def delay(self) -> float:
        """Return the seconds until a call may go; 0.0 when one may go now, as a probe or because nothing is held."""
        if self._until is None or self._place_open:
            return 0.0
        return seconds_until(self._until, self._now())

    def probe(self) -> None:
        """Let one call through, unless nothing is held or one is on its way."""
        self._place_open = self.until is not None and self._probe is None

    def take(self) -> Probe | None:
        """Let a call go; return what it has to report if it is the probe."""
        if not self._place_open:
            return None
        self._place_open = False
        if self.until is None:
            return None
        self._probe = Probe()
        return self._probe

    def succeeded(self, probe: Probe) -> None:
        if probe is self._probe:
            self.release()

    def failed(self, probe: Probe) -> None:
        if probe is self._probe:
            self._probe = None

    def give_back(self, probe: Probe) -> None:
        if probe is self._probe:
            self._probe = None
            self.probe()
