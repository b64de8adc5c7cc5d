"""What may be spent, what calls under way may still spend, and what is spent: tokens, dollars and time, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

from orchestrator.core.flow import BudgetPolicy
from orchestrator.core.moments import MOMENT, seconds_until

THRESHOLDS: Final = (75, 90, 100)
"""Percent of a limit."""

_NANO: Final = 1_000_000_000
"""Dollars and seconds are counted in whole billionths: sums are exact, and what is given back leaves no rest."""


class Verdict(IntEnum):
    """Whether an amount may be reserved; the more stands in its way, the higher."""

    FITS = 0
    WAIT = 1  # it fits if the calls under way settle for less than they reserved
    EXCEEDED = 2  # it does not fit beside what is already spent


class Amount(NamedTuple):
    """Tokens and US dollars; None where there is no price."""

    tokens: int = 0
    cost_usd: float | None = None


class Crossed(NamedTuple):
    """What is spent of one unit (`tokens`, `cost_usd` or `time`) has reached so many percent of its limit."""

    unit: str
    percent: int


class Reservation:
    """What one call may spend, until it is settled or given back."""

    __slots__ = ("amount", "is_open")

    def __init__(self, amount: Amount) -> None:
        self.amount = amount
        self.is_open = True


class Budget:
    """A limit on what a run, a group or a task spends. Its time counts from when the budget was made.

    A call reserves before it goes and settles what it used; in between nobody else can have it. Each threshold is
    reported once: by `settle` as soon as spend reaches it, those of time by `tick` when it is `due`.
    """

    def __init__(self, name: str, policy: BudgetPolicy, now: Callable[[], float]) -> None:
        self.name = name
        self._now = now
        self._began = now()
        self._tokens = _Meter("tokens", policy.tokens)
        self._cost = _Meter("cost_usd", _nano(policy.cost_usd))
        self._time = _Meter("time", _nano(policy.time))

    # ── asking ──

    @property
    def settled(self) -> Amount:
        return Amount(self._tokens.settled, self._cost.settled / _NANO)

    @property
    def reserved(self) -> Amount:
        return Amount(self._tokens.reserved, self._cost.reserved / _NANO)

    def verdict(self, amount: Amount) -> Verdict:
        """Return whether so much may be reserved now. Who is told to wait waits for a reservation that exists.

        Whoever asks for nothing of a unit is refused nothing of it, however much is spent; but everybody needs time.
        """
        return max(meter.verdict(n) for meter, n in self._asked(amount))

    def why_exceeded(self, amount: Amount) -> str:
        """Return which limit so much would pass, for people; empty if it would pass none."""
        return "; ".join(meter.complaint(n) for meter, n in self._asked(amount) if meter.verdict(n) is Verdict.EXCEEDED)

    def time_left(self) -> float | None:
        """Return the seconds left, 0.0 when the time has passed, None if time is not limited."""
        if self._time.limit is None:
            return None
        return seconds_until(self._began + self._time.limit / _NANO, self._now())

    @property
    def due(self) -> float | None:
        """When time reaches its next threshold, by the budget's clock; None if none is ahead."""
        ahead = (percent for percent in THRESHOLDS if percent > self._time.told)
        percent = next(ahead, None)
        if percent is None or self._time.limit is None:
            return None
        return self._began + self._time.limit * percent / 100 / _NANO

    # ── spending ──

    def reserve(self, amount: Amount) -> Reservation:
        """Set so much aside. `verdict` is not asked again: a budget that only warns is overdrawn."""
        self._tokens.reserved += amount.tokens
        self._cost.reserved += _nano(amount.cost_usd) or 0
        return Reservation(amount)

    def settle(self, reservation: Reservation, used: Amount) -> tuple[Crossed, ...]:
        """Put what was used in the reservation's place, once, and return the thresholds that this reached."""
        if not reservation.is_open:
            return ()
        self.give_back(reservation)
        self._tokens.settled += used.tokens
        self._cost.settled += _nano(used.cost_usd) or 0
        return (*self._tokens.crossed(), *self._cost.crossed())

    def give_back(self, reservation: Reservation) -> None:
        """Give up a reservation of which nothing was used; one that is settled stays so."""
        if reservation.is_open:
            reservation.is_open = False
            self._tokens.reserved -= reservation.amount.tokens
            self._cost.reserved -= _nano(reservation.amount.cost_usd) or 0

    # ── time and people ──

    def tick(self) -> tuple[Crossed, ...]:
        """Return the thresholds that time has reached since the last tick."""
        self._read_clock()
        return tuple(self._time.crossed())

    def raise_to(self, *, tokens: int | None = None, cost_usd: float | None = None, time: float | None = None) -> None:
        """Set higher limits. What is None stays, and so does a limit that would be lowered or that there is not."""
        self._read_clock()
        self._tokens.raise_to(tokens)
        self._cost.raise_to(_nano(cost_usd))
        self._time.raise_to(_nano(time))

    def _asked(self, amount: Amount) -> Iterator[tuple[_Meter, int]]:
        self._read_clock()
        tokens, cost = amount
        if tokens:
            yield self._tokens, tokens
        if cost or (tokens and cost is None):  # what nobody can price is not free
            yield self._cost, _nano(cost) or 0
        # the least bit of time: a call that could only begin when the time is up does not fit
        yield self._time, 1

    def _read_clock(self) -> None:
        if self._time.limit is not None:
            self._time.settled = round((self._now() - self._began + MOMENT) * _NANO)


@dataclass(slots=True)
class _Meter:
    """One unit's limit and spend, in whole numbers. `told` is the highest threshold that was reported."""

    unit: str
    limit: int | None
    settled: int = 0
    reserved: int = 0
    told: int = 0

    def verdict(self, n: int) -> Verdict:
        if self.limit is None or self.settled + self.reserved + n <= self.limit:
            return Verdict.FITS
        return Verdict.WAIT if self.settled + n <= self.limit else Verdict.EXCEEDED

    def crossed(self) -> Iterator[Crossed]:
        """Yield the thresholds reached that were not told, and take them as told."""
        for percent in self._reached():
            if percent > self.told:
                self.told = percent
                yield Crossed(self.unit, percent)

    def raise_to(self, limit: int | None) -> None:
        """Set a higher limit; the thresholds that are then ahead will be told when they are reached again."""
        if limit is not None and self.limit is not None:
            self.limit = max(self.limit, limit)
            self.told = min(self.told, max(self._reached(), default=0))

    def complaint(self, n: int) -> str:
        limit, settled = self.limit or 0, self.settled
        match self.unit:
            case "tokens":
                return f"{settled:,} of {limit:,} tokens are spent, {n:,} more are asked for"
            case "cost_usd":
                return f"{_dollars(settled)} of {_dollars(limit)} are spent, {_dollars(n)} more are asked for"
            case _:
                return f"its {limit / _NANO:g} s have passed"

    def _reached(self) -> Iterator[int]:
        if self.limit is not None:
            yield from (percent for percent in THRESHOLDS if self.settled * 100 >= percent * self.limit)


def _nano(amount: float | None) -> int | None:
    return None if amount is None else round(amount * _NANO)


def _dollars(n: int) -> str:
    return f"${n / _NANO:.4f}"
