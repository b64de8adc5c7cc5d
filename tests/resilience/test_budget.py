"""A budget alone: what is promised and spent never gets lost, and every threshold is told once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.flow import BudgetPolicy
from orchestrator.resilience.budget import Amount, Budget, Crossed, Reservation, Verdict


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def budget(
    tokens: int | None = None, cost_usd: float | None = None, time: float | None = None, clock: Clock | None = None
) -> Budget:
    return Budget("run", BudgetPolicy(tokens, cost_usd, time), clock or Clock())


def spend(purse: Budget, tokens: int = 0, cost_usd: float | None = None) -> tuple[Crossed, ...]:
    amount = Amount(tokens, cost_usd)
    return purse.settle(purse.reserve(amount), amount)


def test_without_a_limit_everything_fits_and_is_still_counted() -> None:
    purse = budget()
    assert purse.verdict(Amount(10**12, 1e9)) is Verdict.FITS
    assert spend(purse, 100, 0.5) == ()
    assert (purse.settled, purse.time_left(), purse.due) == (Amount(100, 0.5), None, None)


def test_what_is_reserved_nobody_else_can_have() -> None:
    purse = budget(tokens=100)
    purse.reserve(Amount(60))
    assert [purse.verdict(Amount(tokens)) for tokens in (40, 41, 100, 101)] == [
        Verdict.FITS,
        Verdict.WAIT,
        Verdict.WAIT,
        Verdict.EXCEEDED,
    ]


def test_what_was_not_used_is_free_again() -> None:
    purse = budget(tokens=100, cost_usd=1.0)
    reservation = purse.reserve(Amount(90, 0.9))
    purse.settle(reservation, Amount(10, 0.1))
    assert (purse.settled, purse.reserved) == (Amount(10, 0.1), Amount(0, 0.0))
    assert purse.verdict(Amount(90, 0.9)) is Verdict.FITS


def test_what_is_spent_does_not_come_back_by_waiting() -> None:
    purse = budget(tokens=100)
    spend(purse, 60)
    assert purse.verdict(Amount(41)) is Verdict.EXCEEDED


def test_each_unit_is_asked() -> None:
    purse = budget(tokens=100, cost_usd=1.0)
    assert purse.verdict(Amount(1, 1.01)) is Verdict.EXCEEDED
    assert purse.verdict(Amount(101, 0.0)) is Verdict.EXCEEDED
    purse.reserve(Amount(0, 0.9))
    assert purse.verdict(Amount(1, 0.2)) is Verdict.WAIT
    assert purse.verdict(Amount(101, 0.2)) is Verdict.EXCEEDED


def test_what_has_no_price_costs_nothing_here() -> None:
    purse = budget(cost_usd=0.0)
    assert purse.verdict(Amount(10**9)) is Verdict.FITS


def test_dollars_are_added_exactly() -> None:
    purse = budget(cost_usd=0.3)
    spend(purse, cost_usd=0.1)
    assert purse.verdict(Amount(0, 0.2)) is Verdict.FITS
    spend(purse, cost_usd=0.2)
    assert purse.settled.cost_usd == 0.3


def test_a_reservation_ends_once() -> None:
    purse = budget(tokens=100)
    settled, returned = purse.reserve(Amount(10)), purse.reserve(Amount(10))
    purse.settle(settled, Amount(5))
    purse.settle(settled, Amount(5))
    purse.give_back(settled)
    purse.give_back(returned)
    purse.settle(returned, Amount(10))
    assert (purse.settled.tokens, purse.reserved.tokens) == (5, 0)


def test_a_call_may_turn_out_dearer_than_it_reserved() -> None:
    purse = budget(tokens=100)
    crossed = purse.settle(purse.reserve(Amount(10)), Amount(120))
    assert crossed == (Crossed("tokens", 75), Crossed("tokens", 90), Crossed("tokens", 100))
    assert purse.verdict(Amount(1)) is Verdict.EXCEEDED


def test_whoever_asks_for_nothing_is_refused_nothing_but_time() -> None:
    clock = Clock()
    purse = budget(tokens=100, cost_usd=1.0, time=60.0, clock=clock)
    purse.settle(purse.reserve(Amount(10, 0.1)), Amount(120, 1.2))
    assert purse.verdict(Amount()) is purse.verdict(Amount(0, 0.0)) is Verdict.FITS
    purse.raise_to(tokens=1_000)
    assert purse.verdict(Amount(5, 0.0)) is Verdict.FITS
    assert purse.verdict(Amount(5, None)) is Verdict.EXCEEDED
    clock.time += 60.0
    assert purse.verdict(Amount()) is Verdict.EXCEEDED


def test_each_threshold_is_told_once_for_each_unit() -> None:
    purse = budget(tokens=100, cost_usd=1.0)
    assert spend(purse, 74, 0.5) == ()
    assert spend(purse, 1, 0.25) == (Crossed("tokens", 75), Crossed("cost_usd", 75))
    assert spend(purse, 1) == ()
    assert spend(purse, 24) == (Crossed("tokens", 90), Crossed("tokens", 100))
    assert spend(purse, 100) == ()


def test_after_a_raise_what_is_ahead_again_is_told_again() -> None:
    purse = budget(tokens=100)
    spend(purse, 90)
    purse.raise_to(tokens=110)
    assert spend(purse, 1) == ()
    assert spend(purse, 9) == (Crossed("tokens", 90),)
    purse.raise_to(tokens=1000)
    assert spend(purse, 650) == (Crossed("tokens", 75),)


def test_a_raise_makes_room_and_lowers_nothing() -> None:
    purse = budget(tokens=100, cost_usd=1.0)
    spend(purse, 100, 1.0)
    purse.raise_to(tokens=50, cost_usd=2.0)
    assert purse.verdict(Amount(0, 1.0)) is Verdict.FITS
    assert purse.verdict(Amount(1)) is Verdict.EXCEEDED
    purse.raise_to(tokens=101)
    assert purse.verdict(Amount(1)) is Verdict.FITS


def test_a_raise_sets_no_limit_where_there_was_none() -> None:
    purse = budget()
    purse.raise_to(tokens=1, cost_usd=1.0, time=1.0)
    assert purse.verdict(Amount(100, 100.0)) is Verdict.FITS


def test_time_counts_from_the_start_and_ends_everything() -> None:
    clock = Clock()
    purse = budget(time=60.0, clock=clock)
    assert (purse.time_left(), purse.verdict(Amount())) == (60.0, Verdict.FITS)
    clock.time += 59.9
    assert purse.verdict(Amount()) is Verdict.FITS
    clock.time += 0.1
    assert (purse.time_left(), purse.verdict(Amount())) == (0.0, Verdict.EXCEEDED)
    purse.raise_to(time=90.0)
    assert purse.time_left() == pytest.approx(30.0)
    assert purse.verdict(Amount()) is Verdict.FITS


def test_time_says_when_its_next_threshold_is_due() -> None:
    clock = Clock()
    purse = budget(time=60.0, clock=clock)
    told = []
    while (due := purse.due) is not None:
        assert purse.tick() == ()
        clock.time = due
        told += [(clock.time - 1000.0, crossed.percent) for crossed in purse.tick()]
    assert told == [(45.0, 75), (54.0, 90), (60.0, 100)]


def test_time_that_is_raised_is_told_again() -> None:
    clock = Clock()
    purse = budget(time=60.0, clock=clock)
    clock.time += 60.0
    assert len(purse.tick()) == 3
    purse.raise_to(time=600.0)
    assert (purse.tick(), purse.due) == ((), 1450.0)


def test_who_is_refused_is_told_by_which_limit() -> None:
    clock = Clock()
    purse = budget(tokens=5_000, cost_usd=1.0, time=60.0, clock=clock)
    spend(purse, 4_000, 0.75)
    assert purse.why_exceeded(Amount(1_000, 0.25)) == ""
    assert purse.why_exceeded(Amount(1_001)) == "4,000 of 5,000 tokens are spent, 1,001 more are asked for"
    assert purse.why_exceeded(Amount(0, 0.5)) == "$0.7500 of $1.0000 are spent, $0.5000 more are asked for"
    clock.time += 60.0
    assert purse.why_exceeded(Amount()) == "its 60 s have passed"


def test_a_budget_of_nothing_lets_nothing_through_but_what_is_free() -> None:
    purse = budget(tokens=0)
    assert (purse.verdict(Amount(1)), purse.verdict(Amount(0))) == (Verdict.EXCEEDED, Verdict.FITS)


amounts = st.builds(Amount, st.integers(0, 60), st.none() | st.floats(0, 0.6))


@given(data=st.data(), calls=st.lists(amounts, max_size=40))
@settings(max_examples=100)
def test_settled_and_reserved_never_pass_the_limit_if_no_call_uses_more_than_it_reserved(
    data: st.DataObject, calls: list[Amount]
) -> None:
    purse = budget(tokens=100, cost_usd=1.0)
    out: list[Reservation] = []
    for amount in calls:
        verdict = purse.verdict(amount)
        assert verdict is not Verdict.WAIT or out, "who waits, waits for somebody"
        if verdict is Verdict.FITS:
            out.append(purse.reserve(amount))
        if data.draw(st.booleans()) and out:
            reservation = out.pop(data.draw(st.integers(0, len(out) - 1)))
            used = data.draw(st.integers(0, reservation.amount.tokens))
            purse.settle(reservation, Amount(used, reservation.amount.cost_usd))
        assert purse.settled.tokens + purse.reserved.tokens <= 100
        assert (purse.settled.cost_usd or 0) + (purse.reserved.cost_usd or 0) <= 1.0 + 1e-12
    for reservation in out:
        purse.give_back(reservation)
    assert purse.reserved == Amount(0, 0.0)


@given(st.lists(st.integers(0, 30), max_size=40))
@settings(max_examples=100)
def test_the_thresholds_are_told_in_order_and_none_twice(spent: list[int]) -> None:
    purse = budget(tokens=100)
    told = [crossed.percent for tokens in spent for crossed in spend(purse, tokens)]
    assert told == [percent for percent in (75, 90, 100) if sum(spent) >= percent]


@given(start=st.floats(0, 1e8), limit=st.floats(0.01, 1e6), parts=st.integers(1, 7))
@settings(max_examples=100)
def test_who_waits_for_the_time_to_pass_finds_it_passed(start: float, limit: float, parts: int) -> None:
    clock = Clock()
    clock.time = start
    purse = budget(time=limit, clock=clock)
    while (due := purse.due) is not None:
        part = (due - clock.time) / parts
        for _ in range(parts):  # in parts, so that the errors of floats add up
            clock.time += part
        assert purse.tick()
    clock.time += purse.time_left() or 0.0
    assert purse.verdict(Amount()) is Verdict.EXCEEDED
