"""Limiters alone: never more than the limit, never later than promised, and what was not used comes back."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest
from asyncio_throttle.throttler import Throttler
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.events import Gauge
from orchestrator.core.flow import Algorithm, RateLimit
from orchestrator.core.moments import MOMENT
from orchestrator.resilience.rate_limit import FixedWindow, Limiter, RateLimits, SlidingWindow, TokenBucket

SLACK = 3 * MOMENT  # a limit is held to within a moment, and the sums here lose a little too


class Clock:
    def __init__(self, time: float = 0.0) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


KINDS: list[type[SlidingWindow | FixedWindow | TokenBucket]] = [SlidingWindow, FixedWindow, TokenBucket]
every_kind = pytest.mark.parametrize("kind", KINDS)
Kind = Callable[..., Limiter]


def fill(limiter: Limiter, n: int = 1) -> int:
    """Take n at a time until there is no more room; return how often."""
    times = 0
    while limiter.delay(n) == 0.0:
        limiter.take(n)
        times += 1
    return times


# ── what all of them keep ───────────────────────────────────────────────────────────────────────


@every_kind
def test_so_much_goes_at_once_and_then_one_waits_a_known_time(kind: Kind) -> None:
    limiter = kind(10, 60.0, now=Clock())
    assert fill(limiter) == 10
    assert limiter.used == 10
    assert 0 < limiter.delay(1) <= 60.0
    assert limiter.next_free == limiter.delay(1)


@every_kind
def test_asking_uses_nothing(kind: Kind) -> None:
    limiter = kind(10, 60.0, now=Clock())
    for _ in range(100):
        limiter.delay(10)
    assert (limiter.used, limiter.next_free) == (0, None)


@every_kind
def test_a_heavy_call_uses_its_weight(kind: Kind) -> None:
    limiter = kind(10, 60.0, now=Clock())
    limiter.take(7)
    assert (limiter.used, limiter.delay(3)) == (7, 0.0)
    assert limiter.delay(4) > 0.0


@every_kind
def test_what_never_fits_waits_for_ever(kind: Kind) -> None:
    limiter = kind(10, 60.0, now=Clock())
    assert (limiter.fits(10), limiter.fits(11)) == (True, False)
    assert limiter.delay(11) == math.inf


@every_kind
def test_a_take_that_is_undone_leaves_no_trace(kind: Kind) -> None:
    clock = Clock(5.0)
    limiter = kind(10, 60.0, now=clock)
    limiter.take(4)
    limiter.take(6)
    limiter.give_back(6, clock())
    assert (limiter.used, limiter.delay(6)) == (4, 0.0)


@every_kind
def test_one_computed_wait_replaces_all_polling(kind: Kind) -> None:
    clock = Clock()
    limiter = kind(10, 60.0, now=clock)
    fill(limiter)
    for _ in range(50):
        clock.time += limiter.delay(1)
        assert limiter.delay(1) == 0.0
        limiter.take(1)


@every_kind
def test_what_was_taken_beyond_the_limit_is_a_debt_that_is_waited_off(kind: Kind) -> None:
    clock = Clock()
    limiter = kind(10, 60.0, now=clock)
    limiter.take(15)
    assert limiter.used == 15
    assert limiter.delay(0) > 0.0
    clock.time += limiter.delay(1)
    assert limiter.delay(1) == 0.0


@every_kind
def test_it_is_the_librarys_limiter_but_nobody_waits_inside_it(kind: Kind) -> None:
    limiter = kind(10, 60.0, now=Clock())
    assert isinstance(limiter, Throttler)
    assert (limiter.rate_limit, limiter.period) == (10, 60.0)
    with pytest.raises(TypeError, match="ask delay"):
        asyncio.run(limiter.acquire())


@every_kind
@pytest.mark.parametrize(("limit", "period"), [(0, 60.0), (-1, 60.0), (10, 0.0), (10, math.inf), (10, math.nan)])
def test_a_limit_that_lets_nothing_through_is_refused(kind: Kind, limit: int, period: float) -> None:
    with pytest.raises(ValueError, match="lets nothing through"):
        kind(limit, period, now=Clock())


# ── each of them ────────────────────────────────────────────────────────────────────────────────


def test_a_sliding_window_waits_for_just_as_much_as_is_missing() -> None:
    clock = Clock()
    window = SlidingWindow(10, 60.0, now=clock)
    for clock.time, weight in ((0.0, 2), (10.0, 3), (20.0, 5)):
        window.take(weight)
    assert [window.delay(n) for n in (1, 2, 3, 5, 6, 10)] == [40.0, 40.0, 50.0, 50.0, 60.0, 60.0]


def test_a_sliding_window_forgets_what_is_a_period_old() -> None:
    clock = Clock()
    window = SlidingWindow(10, 60.0, now=clock)
    window.take(4)
    clock.time = 59.0
    window.take(5)
    clock.time = 60.0
    assert window.used == 5


def test_a_late_return_goes_to_its_own_place_in_the_window() -> None:
    clock = Clock()
    window = SlidingWindow(100, 60.0, now=clock)
    window.take(50)
    clock.time = 10.0
    window.take(50)
    clock.time = 20.0
    window.give_back(40, taken_at=0.0)
    assert window.used == 60
    clock.time = 60.0
    assert window.used == 50


def test_what_left_the_window_cannot_come_back() -> None:
    clock = Clock()
    window = SlidingWindow(100, 60.0, now=clock)
    window.take(100)
    clock.time = 60.0
    window.take(100)
    window.give_back(90, taken_at=0.0)
    assert window.used == 100


def test_a_fixed_window_begins_with_its_first_take_and_empties_at_once() -> None:
    clock = Clock(1000.0)
    window = FixedWindow(10, 60.0, now=clock)
    clock.time = 1007.0
    fill(window)
    assert window.delay(1) == 60.0
    clock.time = 1067.0
    assert (window.used, window.delay(10)) == (0, 0.0)


def test_a_fixed_window_lets_twice_its_limit_through_across_a_boundary() -> None:
    clock = Clock()
    window = FixedWindow(10, 60.0, now=clock)
    window.take(1)
    clock.time = 59.0
    assert fill(window) == 9
    clock.time = 60.0
    assert fill(window) == 10


def test_what_was_taken_in_an_earlier_window_cannot_come_back() -> None:
    clock = Clock()
    window = FixedWindow(10, 60.0, now=clock)
    window.take(10)
    clock.time = 60.0
    window.take(10)
    window.give_back(9, taken_at=0.0)
    assert window.used == 10


def test_a_bucket_refills_evenly() -> None:
    clock = Clock()
    bucket = TokenBucket(60, 60.0, now=clock)
    assert fill(bucket) == 60
    assert [bucket.delay(n) for n in (1, 10, 60)] == [1.0, 10.0, 60.0]
    clock.time = 10.0
    assert (bucket.used, fill(bucket)) == (50, 10)


def test_a_burst_bounds_what_a_bucket_saves() -> None:
    clock = Clock()
    bucket = TokenBucket(60, 60.0, now=clock, burst=5)
    assert (bucket.capacity, fill(bucket)) == (5, 5)
    clock.time = 1000.0
    assert fill(bucket) == 5
    assert bucket.delay(6) == math.inf


def test_a_bucket_is_never_more_than_full() -> None:
    bucket = TokenBucket(10, 60.0, now=Clock(), burst=5)
    bucket.give_back(100, taken_at=0.0)
    assert (bucket.used, fill(bucket)) == (0, 5)


# ── any history ─────────────────────────────────────────────────────────────────────────────────

steps = st.lists(st.tuples(st.floats(0, 40) | st.just(0.0), st.integers(0, 12)), max_size=60)
"""A pause, and then a call of a weight, made only if it has room; one of no weight is not made."""


def history(limiter: Limiter, clock: Clock, calls: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Make the calls that have room; return when each was made and its weight."""
    made = []
    for pause, weight in calls:
        clock.time += pause
        if weight and limiter.delay(weight) == 0.0:
            limiter.take(weight)
            made.append((clock.time, weight))
    return made


def sums_within(made: list[tuple[float, int]], seconds: float) -> list[int]:
    return [sum(weight for time, weight in made if begin <= time < begin + seconds) for begin, _ in made]


@given(calls=steps, start=st.floats(0, 1e8))
@settings(max_examples=100)
def test_no_window_however_it_slides_holds_more_than_the_limit(calls: list[tuple[float, int]], start: float) -> None:
    clock = Clock(start)
    made = history(SlidingWindow(10, 60.0, now=clock), clock, calls)
    assert max(sums_within(made, 60.0 - SLACK), default=0) <= 10


@given(calls=steps, start=st.floats(0, 1e8))
@settings(max_examples=100)
def test_no_fixed_window_holds_more_than_its_limit(calls: list[tuple[float, int]], start: float) -> None:
    clock = Clock(start)
    made = history(FixedWindow(10, 60.0, now=clock), clock, calls)
    begin, used = -math.inf, 0
    for time, weight in made:
        if begin + 60.0 - time <= MOMENT:
            begin, used = time, 0
        used += weight
        assert used <= 10


@given(calls=steps, start=st.floats(0, 1e8), burst=st.integers(1, 30))
@settings(max_examples=100)
def test_a_bucket_never_gives_more_than_burst_and_rate(
    calls: list[tuple[float, int]], start: float, burst: int
) -> None:
    clock = Clock(start)
    made = history(TokenBucket(10, 60.0, now=clock, burst=burst), clock, calls)
    for begin, _ in made:
        for end, _ in made:
            taken = sum(weight for time, weight in made if begin <= time <= end)
            assert taken <= burst + 10 / 60 * max(end - begin, 0) + 1e-3 or end < begin


@given(
    kind=st.sampled_from(KINDS),
    start=st.floats(0, 1e8),
    limit=st.integers(1, 50),
    period=st.floats(0.01, 1e5),
    weights=st.lists(st.integers(0, 50), max_size=40),
    parts=st.integers(1, 7),
)
@settings(max_examples=100)
def test_who_waits_exactly_as_long_as_it_says_gets_through(
    kind: Kind, start: float, limit: int, period: float, weights: list[int], parts: int
) -> None:
    clock = Clock(start)
    limiter = kind(limit, period, now=clock)
    for weight in weights:
        wait = limiter.delay(min(weight, limit))
        for _ in range(parts):  # in parts, so that the errors of floats add up
            clock.time += wait / parts
        assert limiter.delay(min(weight, limit)) == 0.0
        limiter.take(min(weight, limit))


@given(kind=st.sampled_from(KINDS), calls=steps)
@settings(max_examples=100)
def test_undoing_every_take_at_once_is_as_if_nothing_was_taken(kind: Kind, calls: list[tuple[float, int]]) -> None:
    clock = Clock()
    limiter = kind(10, 60.0, now=clock)
    for pause, weight in calls:
        clock.time += pause
        limiter.take(weight)
        limiter.give_back(weight, clock())
    assert (limiter.used, limiter.delay(10)) == (0, 0.0)


def test_of_several_taken_at_one_moment_none_gives_back_more_than_it_took() -> None:
    clock = Clock()
    window = SlidingWindow(10, 60.0, now=clock)
    window.take(2)
    window.take(1)
    clock.time = 1.0
    window.take(2)
    window.give_back(2, 0.0)
    assert (window.used, window.delay(9)) == (3, 60.0)


@given(data=st.data(), weights=st.lists(st.integers(1, 10), min_size=1, max_size=30))
@settings(max_examples=100)
def test_what_was_really_used_never_passes_the_limit_of_a_sliding_window(
    data: st.DataObject, weights: list[int]
) -> None:
    """Calls settle late, in any order, for less than they took; even so no window holds more than the limit."""
    clock = Clock()
    limits = RateLimits((RateLimit(60.0, tokens=10, algorithm=Algorithm.SLIDING_WINDOW),), clock)
    used: list[tuple[float, int]] = []
    out = []
    for weight in weights:
        clock.time += limits.delay(weight)
        out.append((limits.take(weight), clock.time))
        clock.time += data.draw(st.floats(0, 80))
        if data.draw(st.booleans()):
            taken, time = out.pop(data.draw(st.integers(0, len(out) - 1)))
            actual = data.draw(st.integers(0, taken.tokens))
            limits.settle(taken, actual)
            used.append((time, actual))
    used += [(time, taken.tokens) for taken, time in out]
    assert max(sums_within(sorted(used), 60.0 - SLACK)) <= 10


# ── all the limits of a backend ─────────────────────────────────────────────────────────────────

MINUTE = RateLimit(60.0, requests=50, tokens=40_000, algorithm=Algorithm.SLIDING_WINDOW)
DAY = RateLimit(86_400.0, requests=60, algorithm=Algorithm.FIXED_WINDOW)


def test_without_limits_everything_goes() -> None:
    limits = RateLimits((), Clock())
    limits.settle(limits.take(10**9), 10**9)
    limits.give_back(limits.take(10**9))
    assert (limits.delay(10**9), limits.gauges(), limits.why_never(10**9)) == (0.0, (), None)


def test_a_call_waits_for_the_slowest_of_its_limits() -> None:
    clock = Clock()
    limits = RateLimits((MINUTE, DAY), clock)
    for _ in range(50):
        limits.take(100)
    assert limits.delay(100) == 60.0
    clock.time = 60.0
    for _ in range(10):
        limits.take(100)
    assert limits.delay(100) == 86_400.0 - 60.0


def test_tokens_weigh_and_requests_count() -> None:
    limits = RateLimits((MINUTE,), Clock())
    limits.take(39_000)
    assert limits.delay(1_000) == 0.0
    assert limits.delay(1_001) == 60.0


def test_what_a_call_did_not_use_makes_room_again() -> None:
    limits = RateLimits((MINUTE,), Clock())
    limits.settle(limits.take(40_000), used=500)
    assert limits.delay(39_500) == 0.0
    assert [gauge.used for gauge in limits.gauges()] == [1, 500]


def test_what_a_call_used_beyond_its_estimate_counts_from_now() -> None:
    clock = Clock()
    limits = RateLimits((MINUTE,), clock)
    taken = limits.take(10_000)
    clock.time = 30.0
    limits.settle(taken, used=70_000)
    assert limits.gauges()[1].used == 70_000
    assert limits.delay(1) == 60.0


def test_a_call_that_was_never_made_gives_everything_back() -> None:
    limits = RateLimits((MINUTE, DAY), Clock())
    limits.give_back(limits.take(40_000))
    assert [gauge.used for gauge in limits.gauges()] == [0, 0, 0]
    assert limits.delay(40_000) == 0.0


def test_a_call_that_can_never_fit_is_told_why() -> None:
    limits = RateLimits((MINUTE,), Clock())
    assert limits.why_never(40_000) is None
    assert limits.why_never(40_001) == "the call needs 40,001 tokens, and the limit is 40,000 in 1m"


def test_a_burst_is_in_requests_and_leaves_tokens_alone() -> None:
    limits = RateLimits((RateLimit(60.0, requests=50, tokens=40_000, burst=5),), Clock())
    for _ in range(5):
        limits.take(8_000)
    assert limits.delay(0) == pytest.approx(1.2)
    assert [gauge.limit for gauge in limits.gauges()] == [5, 40_000]


@pytest.mark.parametrize("limit", [RateLimit(60.0, requests=0), RateLimit(60.0, tokens=0)])
def test_a_limit_of_nothing_is_not_taken_for_no_limit(limit: RateLimit) -> None:
    with pytest.raises(ValueError, match="lets nothing through"):
        RateLimits((limit,), Clock())


def test_the_gauges_say_how_full_each_limit_is_and_when_it_frees() -> None:
    clock = Clock(7.0)
    limits = RateLimits((MINUTE, DAY), clock)
    for _ in range(50):
        limits.take(100)
    assert limits.gauges() == (
        Gauge("rpm", 50, 50, 67.0),
        Gauge("rpd", 50, 60, None),
        Gauge("tpm", 5_000, 40_000, None),
    )


@pytest.mark.parametrize(
    ("limit", "label"),
    [
        (RateLimit(1.0, requests=5), "rps"),
        (RateLimit(3_600.0, tokens=5), "tph"),
        (RateLimit(10.0, requests=50), "50/10s"),
        (RateLimit(0.5, requests=50), "50/0.5s"),
        (RateLimit(120.0, tokens=50), "50t/2m"),
        (RateLimit(7_200.0, requests=50), "50/2h"),
        (RateLimit(604_800.0, requests=50), "50/7d"),
        (RateLimit(90.0, requests=50), "50/90s"),
    ],
)
def test_a_gauge_has_a_short_name(limit: RateLimit, label: str) -> None:
    assert [gauge.label for gauge in RateLimits((limit,), Clock()).gauges()] == [label]


@given(data=st.data(), algorithm=st.sampled_from(Algorithm), tokens=st.lists(st.integers(0, 100), max_size=20))
@settings(max_examples=100)
def test_one_wait_is_enough_for_all_the_limits_together(
    data: st.DataObject, algorithm: Algorithm, tokens: list[int]
) -> None:
    clock = Clock(data.draw(st.floats(0, 1e8)))
    periods = data.draw(st.lists(st.floats(0.1, 1e4), min_size=1, max_size=3))
    limits = RateLimits(tuple(RateLimit(per, 3, 100, algorithm=algorithm) for per in periods), clock)
    for weight in tokens:
        clock.time += limits.delay(weight)
        assert limits.delay(weight) == 0.0
        limits.take(weight)
