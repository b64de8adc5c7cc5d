"""How parked tasks come back after a breaker closed: a few at first, then more with every success."""

from __future__ import annotations

from typing import Final

_PLACES_PER_SUCCESS: Final = 2


class Release:
    """A door that opens wider as long as the calls through it succeed.

    `take()` uses a place that `allowance` shows. Whoever took one says how it went: `success()` brings two places,
    `give_back()`, for every other end, its own place again: so whatever happens the door never shuts on those who wait.
    """

    __slots__ = ("allowance",)

    def __init__(self, first: int) -> None:
        self.allowance = max(first, 1)

    def take(self) -> None:
        self.allowance -= 1

    def success(self) -> None:
        self.allowance += _PLACES_PER_SUCCESS

    def give_back(self) -> None:
        self.allowance += 1

    def is_over(self, parked: int) -> bool:
        """Return whether all that still wait may go."""
        return parked <= self.allowance
