"""How many requests and tokens a backend takes in a period: asyncio-throttle's limiter, made to answer, not to wait.

The base class keeps its constructor, its period and its log. Its polling `acquire` gives way to three questions that
never wait: how long until so much fits (`delay`), use it (`take`), it was not used after all (`give_back`).

A limit is held to within a microsecond, by the clock handed in. Who waits exactly as long as `delay` says, and is the
first to take, is never told to wait again.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import Final, NamedTuple, NoReturn

from asyncio_throttle.throttler import Throttler

from orchestrator.core.events import Gauge
from orchestrator.core.flow import Algorithm, RateLimit
from orchestrator.core.moments import MOMENT, seconds_until


class Limiter(Throttler, ABC):
    """One limit of `rate_limit` units in `period` seconds.

    `capacity` is the most that fits at once. `take` does not ask whether there is room, so that what a call used
    beyond its estimate can be counted: the limiter is then in debt, and `delay` waits until it is paid off.
    """

    rate_limit: int
    period: float

    def __init__(self, rate_limit: int, period: float, *, now: Callable[[], float]) -> None:
        if rate_limit < 1 or not 0 < period < math.inf:
            raise ValueError(f"a limit of {rate_limit} in {period} s lets nothing through")
        super().__init__(rate_limit, period)
        self.capacity = rate_limit
        self._now = now

    async def acquire(self) -> NoReturn:
        """Refuse: a limiter does not wait, it is asked."""
        raise TypeError("a limiter does not wait: ask delay(n), then take(n)")

    def fits(self, n: int) -> bool:
        """Return whether so much can ever be taken at once."""
        return n <= self.capacity

    @property
    def next_free(self) -> float | None:
        """When one more unit comes free, by the limiter's clock; None if one is free now."""
        return self._now() + wait if (wait := self.delay(1)) else None

    @property
    @abstractmethod
    def used(self) -> int:
        """Units in use; more than `capacity` while in debt."""

    @abstractmethod
    def delay(self, n: int) -> float:
        """Return the seconds until n units fit: 0.0 for now, infinite for never."""

    @abstractmethod
    def take(self, n: int) -> None:
        """Use n units now."""

    @abstractmethod
    def give_back(self, n: int, taken_at: float) -> None:
        """Return n of the units that were taken then; what no longer counts cannot come back."""


class SlidingWindow(Limiter):
    """Never more than the limit in any `period`: what was taken counts until it is a period old."""

    def __init__(self, rate_limit: int, period: float, *, now: Callable[[], float]) -> None:
        super().__init__(rate_limit, period, now=now)
        self._weights: deque[int] = deque()  # beside each moment of the base's log, how much was taken then
        self._used = 0

    def flush(self) -> None:
        log, now = self._task_logs, self._now()
        while log and log[0] + self.period - now <= MOMENT:
            log.popleft()
            self._used -= self._weights.popleft()

    @property
    def used(self) -> int:
        self.flush()
        return self._used

    def delay(self, n: int) -> float:
        self.flush()
        too_much = self._used + n - self.rate_limit
        if too_much <= 0:
            return 0.0
        return self._delay_until_gone(too_much) if self.fits(n) else math.inf

    def _delay_until_gone(self, n: int) -> float:
        """Return the seconds until at least n units have left the window, of the more that are in it."""
        gone = zip(self._task_logs, accumulate(self._weights), strict=True)
        last = next(moment for moment, units in gone if units >= n)
        return seconds_until(last + self.period, self._now())

    def take(self, n: int) -> None:
        self._task_logs.append(self._now())
        self._weights.append(n)
        self._used += n

    def give_back(self, n: int, taken_at: float) -> None:
        self.flush()
        for place, moment in enumerate(reversed(self._task_logs), start=1):
            if moment <= taken_at and n:  # several may have been taken then; none gives back more than it took
                part = min(self._weights[-place], n)
                self._weights[-place] -= part
                self._used -= part
                n -= part


class FixedWindow(Limiter):
    """Never more than the limit in a window; the first take after a window's end begins the next.

    Two windows can follow each other closely, so across their boundary twice the limit can go through in less than a
    period. Where that matters, use the sliding window.
    """

    _begin = -math.inf
    _taken = 0

    @property
    def _is_over(self) -> bool:
        return self._begin + self.period - self._now() <= MOMENT

    @property
    def used(self) -> int:
        return 0 if self._is_over else self._taken

    def delay(self, n: int) -> float:
        if self.used + n <= self.rate_limit:
            return 0.0
        return seconds_until(self._begin + self.period, self._now()) if self.fits(n) else math.inf

    def take(self, n: int) -> None:
        if self._is_over:
            self._begin, self._taken = self._now(), 0
        self._taken += n

    def give_back(self, n: int, taken_at: float) -> None:
        if taken_at >= self._begin:
            self._taken -= n


class TokenBucket(Limiter):
    """Up to `burst` units saved, refilled evenly at `rate_limit` a `period`: at most burst + rate x t go in any t.

    The whole state is the moment at which the bucket will be full if nothing more is taken, so no refill is ever
    summed up. What is given back is there from then on, up to a full bucket.
    """

    def __init__(self, rate_limit: int, period: float, *, now: Callable[[], float], burst: int | None = None) -> None:
        super().__init__(rate_limit, period, now=now)
        self.capacity = rate_limit if burst is None else max(burst, 1)
        self._seconds_each = period / rate_limit
        self._full_at = -math.inf

    @property
    def used(self) -> int:
        missing = max(self._full_at - self._now(), 0.0) / self._seconds_each
        return math.ceil(missing - 0.001)  # a thousandth of a unit: more than floats lose, less than anyone sees

    def delay(self, n: int) -> float:
        if n > self.capacity:
            return math.inf
        return seconds_until(self._full_at - (self.capacity - n) * self._seconds_each, self._now())

    def take(self, n: int) -> None:
        self._full_at = max(self._full_at, self._now()) + n * self._seconds_each

    def give_back(self, n: int, taken_at: float) -> None:  # noqa: ARG002 - a bucket does not care when
        self._full_at -= n * self._seconds_each


class Taken(NamedTuple):
    """What one call took of a backend's limits, and when."""

    at: float
    tokens: int


class RateLimits:
    """All the limits of one backend. A call is one request and a weight in tokens, and needs room in each of them."""

    def __init__(self, limits: tuple[RateLimit, ...], now: Callable[[], float]) -> None:
        self._now = now
        self._requests = tuple(
            _limiter(limit, limit.requests, now, limit.burst) for limit in limits if limit.requests is not None
        )
        self._tokens = tuple(_limiter(limit, limit.tokens, now) for limit in limits if limit.tokens is not None)
        self._labels = tuple(_labels(limits))

    def delay(self, tokens: int) -> float:
        """Return the seconds until a call of that weight has room in every limit: 0.0 for now, infinite for never."""
        wait = 0.0
        for limiter in self._requests:
            wait = max(wait, limiter.delay(1))
        for limiter in self._tokens:
            wait = max(wait, limiter.delay(tokens))
        return wait

    def take(self, tokens: int) -> Taken:
        """Let a call go, after `delay()` said 0.0."""
        for limiter in self._requests:
            limiter.take(1)
        for limiter in self._tokens:
            limiter.take(tokens)
        return Taken(self._now(), tokens)

    def give_back(self, taken: Taken) -> None:
        """Undo a take: the call was never made."""
        for limiter in self._requests:
            limiter.give_back(1, taken.at)
        for limiter in self._tokens:
            limiter.give_back(taken.tokens, taken.at)

    def settle(self, taken: Taken, used: int) -> None:
        """Put the tokens that a call used in the place of those it took; what it used beyond them counts from now."""
        unused = taken.tokens - used
        for limiter in self._tokens:
            if unused > 0:
                limiter.give_back(unused, taken.at)
            else:
                limiter.take(-unused)

    def why_never(self, tokens: int) -> str | None:
        """Return why a call of that weight can never go, None if it can."""
        for limiter in self._tokens:
            if not limiter.fits(tokens):
                span = _span(limiter.period)
                return f"the call needs {tokens:,} tokens, and the limit is {limiter.capacity:,} in {span}"
        return None

    def gauges(self) -> tuple[Gauge, ...]:
        limiters = (*self._requests, *self._tokens)
        return tuple(
            Gauge(label, limiter.used, limiter.capacity, limiter.next_free)
            for label, limiter in zip(self._labels, limiters, strict=True)
        )


_WINDOWS: Final = {Algorithm.SLIDING_WINDOW: SlidingWindow, Algorithm.FIXED_WINDOW: FixedWindow}


def _limiter(limit: RateLimit, units: int, now: Callable[[], float], burst: int | None = None) -> Limiter:
    if limit.algorithm is Algorithm.TOKEN_BUCKET:
        return TokenBucket(units, limit.per, now=now, burst=burst)
    return _WINDOWS[limit.algorithm](units, limit.per, now=now)


_SHORT: Final = {1: "s", 60: "m", 3_600: "h", 86_400: "d"}


def _labels(limits: tuple[RateLimit, ...]) -> Iterator[str]:
    """Yield a short name for each limit: `rpm`, `tpd`; `50/10s` where the period has no letter."""
    for limit in limits:
        if limit.requests is not None:
            yield _label("r", limit.requests, limit.per)
    for limit in limits:
        if limit.tokens is not None:
            yield _label("t", limit.tokens, limit.per)


def _label(unit: str, units: int, period: float) -> str:
    letter = _SHORT.get(int(period)) if period == int(period) else None
    return f"{unit}p{letter}" if letter else f"{units}{'' if unit == 'r' else 't'}/{_span(period)}"


def _span(seconds: float) -> str:
    """Return `1m`, `2h`, `90s`: the largest unit that divides it."""
    for size in (86_400, 3_600, 60):
        if seconds % size == 0:
            return f"{seconds / size:g}{_SHORT[size]}"
    return f"{seconds:g}s"
