"""A hold alone: extended, never shortened, and ended by time, by hand or by one probe."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.resilience.hold import Hold, Probe


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def held(until: float = 60.0) -> tuple[Clock, Hold]:
    clock = Clock()
    hold = Hold(clock)
    hold.hold(until, "usage limit")
    return clock, hold


def probing(hold: Hold) -> Probe:
    hold.probe()
    probe = hold.take()
    assert probe is not None
    return probe


def test_nothing_is_held_at_first() -> None:
    hold = Hold(Clock())
    assert (hold.delay(), hold.until, hold.why, hold.take()) == (0.0, None, "", None)


def test_a_hold_ends_by_itself() -> None:
    clock, hold = held()
    assert (hold.delay(), hold.until, hold.why) == (60.0, 60.0, "usage limit")
    clock.time = 59.0
    assert hold.delay() == 1.0
    clock.time = 60.0
    assert (hold.delay(), hold.until, hold.why) == (0.0, None, "")


def test_a_hold_is_extended_and_never_shortened() -> None:
    _, hold = held()
    assert not hold.hold(30.0, "shorter")
    assert (hold.until, hold.why) == (60.0, "usage limit")
    assert hold.hold(90.0, "longer")
    assert (hold.until, hold.why) == (90.0, "longer")


def test_a_hold_until_a_time_that_has_passed_is_none() -> None:
    clock, hold = held()
    clock.time = 100.0
    assert not hold.hold(100.0, "too late")
    assert hold.delay() == 0.0


def test_a_hold_without_an_end_lasts_until_it_is_released() -> None:
    clock, hold = held(math.inf)
    clock.time = 1e9
    assert hold.delay() == math.inf
    assert not hold.hold(math.inf, "again")
    hold.release()
    assert hold.delay() == 0.0


def test_a_probe_lets_exactly_one_call_through() -> None:
    _, hold = held()
    hold.probe()
    assert hold.delay() == 0.0
    assert hold.take() is not None
    assert (hold.delay(), hold.take()) == (60.0, None)
    hold.probe()
    assert hold.delay() == 60.0


def test_a_probe_that_succeeds_ends_the_hold() -> None:
    _, hold = held()
    hold.succeeded(probing(hold))
    assert (hold.delay(), hold.until) == (0.0, None)


def test_a_probe_that_fails_leaves_the_hold_and_another_may_follow() -> None:
    _, hold = held()
    hold.failed(probing(hold))
    assert hold.delay() == 60.0
    hold.succeeded(probing(hold))
    assert hold.delay() == 0.0


def test_a_probe_that_was_not_used_leaves_its_place() -> None:
    _, hold = held()
    hold.give_back(probing(hold))
    assert hold.delay() == 0.0
    assert hold.take() is not None


def test_what_a_probe_says_of_an_earlier_hold_is_stale() -> None:
    clock, hold = held()
    late = probing(hold)
    clock.time = 100.0
    hold.hold(200.0, "another one")
    for tell in (hold.succeeded, hold.failed, hold.give_back):
        tell(late)
        assert hold.delay() == 100.0


def test_a_place_that_nobody_used_does_not_outlive_its_hold() -> None:
    clock, hold = held()
    hold.probe()
    clock.time = 100.0
    assert hold.take() is None
    hold.probe()
    hold.hold(200.0, "another one")
    assert hold.delay() == 100.0


def test_a_hold_that_is_extended_keeps_its_probe() -> None:
    _, hold = held()
    probe = probing(hold)
    hold.hold(90.0, "longer")
    hold.succeeded(probe)
    assert hold.delay() == 0.0


@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0, 1e6)), max_size=30))
@settings(max_examples=100)
def test_nobody_goes_before_the_latest_time_that_was_asked_for(steps: list[tuple[float, float]]) -> None:
    clock = Clock()
    hold = Hold(clock)
    latest = 0.0
    for pause, until in steps:
        clock.time += pause
        hold.hold(until, "asked")
        latest = max(latest, until)
        assert abs(clock.time + hold.delay() - max(latest, clock.time)) < 1e-5
    clock.time += hold.delay()
    assert hold.delay() == 0.0


@given(st.lists(st.sampled_from(["probe", "take", "failed", "give_back"]), max_size=40))
@settings(max_examples=100)
def test_never_more_than_one_probe_is_out(steps: list[str]) -> None:
    _, hold = held()
    out: list[Probe] = []
    for step in steps:
        if step == "probe":
            hold.probe()
        elif step == "take":
            out += [probe] if (probe := hold.take()) else []
        elif out:
            (hold.failed if step == "failed" else hold.give_back)(out.pop())
        assert len(out) <= 1
