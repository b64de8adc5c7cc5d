"""Stopwatches and time limits alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.moments import MOMENT, seconds_until
from orchestrator.resilience.deadline import Stopwatch, soonest


class Clock:
    def __init__(self, time: float = 0.0) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


def test_a_stopwatch_stands_still_between_stop_and_start() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    clock.time = 5.0
    assert (watch.elapsed, watch.is_running) == (0.0, False)
    watch.start()
    clock.time = 8.0
    assert (watch.elapsed, watch.is_running) == (3.0, True)
    watch.stop()
    clock.time = 100.0
    watch.start()
    clock.time = 101.0
    assert watch.elapsed == 4.0


def test_starting_or_stopping_twice_changes_nothing() -> None:
    clock = Clock()
    watch = Stopwatch(clock)
    watch.start()
    clock.time = 2.0
    watch.start()
    clock.time = 3.0
    watch.stop()
    clock.time = 4.0
    watch.stop()
    assert watch.elapsed == 3.0


@pytest.mark.parametrize(
    ("moments", "first"),
    [((), None), ((None, None), None), ((3.0, None, 1.0), 1.0), ((float("inf"),), None)],
)
def test_the_soonest_of_those_that_there_are(moments: tuple[float | None, ...], first: float | None) -> None:
    assert soonest(*moments) == first


@given(moment=st.floats(-1e8, 1e8), now=st.floats(-1e8, 1e8))
@settings(max_examples=100)
def test_a_wait_is_none_or_long_enough_to_move_a_clock(moment: float, now: float) -> None:
    wait = seconds_until(moment, now)
    assert wait == 0.0 or (wait > MOMENT and now + wait > now)
    assert seconds_until(moment, now + wait) == 0.0
