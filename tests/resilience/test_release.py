"""The staged release alone."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.resilience.release import Release


def test_a_few_go_first_then_two_more_with_every_success() -> None:
    release = Release(3)
    for _ in range(3):
        release.take()
    assert release.allowance == 0
    release.success()
    release.success()
    assert release.allowance == 4


def test_a_call_that_did_not_succeed_leaves_its_place_to_another() -> None:
    release = Release(1)
    release.take()
    release.give_back()
    assert release.allowance == 1


def test_it_is_over_when_all_who_wait_may_go() -> None:
    release = Release(3)
    assert [release.is_over(parked) for parked in (0, 3, 4)] == [True, True, False]


def test_it_lets_at_least_one_go() -> None:
    assert Release(0).allowance == 1


@given(first=st.integers(1, 10), parked=st.integers(0, 200), ends=st.lists(st.booleans(), min_size=400, max_size=400))
@settings(max_examples=50)
def test_everyone_gets_away_however_the_calls_end(first: int, parked: int, ends: list[bool]) -> None:
    release, out = Release(first), 0
    for succeeded in ends:
        if parked and release.allowance:
            release.take()
            parked, out = parked - 1, out + 1
        elif out:
            out -= 1
            (release.success if succeeded else release.give_back)()
        assert release.allowance + out >= first
    assert parked == 0
