"""Retry alone: what is repeated, and after what delay."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.flow import REPEATABLE, RetryPolicy
from orchestrator.core.headers import RETRY_AFTER_CAP
from orchestrator.resilience.retry import Again, Stop, decide

MIDDLE = 0.5  # the chance that leaves a delay as it is
BUSY = Failure(Code.HTTP_STATUS, ErrorClass.TRANSIENT, ErrorKind.UPSTREAM, "busy", status=503)
MISSING = Failure(Code.HTTP_STATUS, ErrorClass.PERMANENT, ErrorKind.UPSTREAM, "missing", status=404)
SLOW = Failure(Code.ATTEMPT_TIMEOUT, ErrorClass.TRANSIENT, ErrorKind.TIMEOUT, "slow")
BAD_EXIT = Failure(Code.EXIT_CODE, ErrorClass.PERMANENT, ErrorKind.WORK, "bad", exit_code=75)
SETTLED = [ErrorKind.CANCELLED, ErrorKind.DENIED, ErrorKind.BUDGET, ErrorKind.BREAKER, ErrorKind.INPUT, ErrorKind.BUG]

POLICY = RetryPolicy(max_attempts=4)
policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 100),
    initial_delay=st.floats(0, 1e6),
    max_delay=st.floats(0, 1e6),
    multiplier=st.floats(1, 1e6),
    jitter=st.floats(0, 1),
    max_elapsed=st.none() | st.floats(0, 1e6),
)
chances = st.floats(0, 1, exclude_max=True)


def after(
    failure: Failure, policy: RetryPolicy = POLICY, *, attempts: int = 1, elapsed: float = 0.0, chance: float = MIDDLE
) -> Again | Stop:
    return decide(policy, failure, attempts=attempts, elapsed=elapsed, chance=chance)


def is_repeated(failure: Failure, *retry_on: str) -> bool:
    return isinstance(after(failure, replace(POLICY, retry_on=retry_on)), Again)


def test_the_delay_doubles_with_every_attempt_up_to_its_limit() -> None:
    policy = replace(POLICY, max_attempts=99, initial_delay=1.0, max_delay=60.0)
    delays = [after(BUSY, policy, attempts=attempts) for attempts in range(1, 9)]
    assert delays == [Again(seconds) for seconds in (1, 2, 4, 8, 16, 32, 60, 60)]


@pytest.mark.parametrize(("chance", "delay"), [(0.0, 4.0), (0.25, 6.0), (0.5, 8.0), (0.75, 10.0)])
def test_jitter_takes_away_or_adds_up_to_its_share(chance: float, delay: float) -> None:
    assert after(BUSY, attempts=4, chance=chance, policy=replace(POLICY, max_attempts=5)) == Again(delay)


def test_the_limit_of_the_delay_holds_after_jitter() -> None:
    assert after(BUSY, replace(POLICY, initial_delay=60.0), chance=0.99) == Again(60.0)


def test_what_the_backend_asks_for_is_a_floor_even_above_the_limit() -> None:
    assert after(replace(BUSY, retry_after=90.0)) == Again(90.0)
    assert after(replace(BUSY, retry_after=0.1)) == Again(1.0)


@pytest.mark.parametrize("nonsense", [float("nan"), -5.0])
def test_a_nonsense_wish_is_no_floor(nonsense: float) -> None:
    assert after(replace(BUSY, retry_after=nonsense)) == Again(1.0)


def test_an_endless_wish_is_a_week() -> None:
    assert after(replace(BUSY, retry_after=float("inf"))) == Again(RETRY_AFTER_CAP)


def test_the_last_attempt_is_the_last() -> None:
    assert isinstance(after(BUSY, attempts=3), Again)
    assert after(BUSY, attempts=4) == Stop("attempt 4 of 4 was the last")


def test_a_retry_that_could_not_begin_in_time_is_not_begun() -> None:
    policy = replace(POLICY, max_elapsed=30.0)
    assert after(BUSY, policy, elapsed=29.0) == Again(1.0)
    assert after(BUSY, policy, elapsed=29.1) == Stop("another attempt could not begin within 30 s")
    assert isinstance(after(replace(BUSY, retry_after=60.0), policy), Stop)


def test_thousands_of_attempts_do_not_overflow() -> None:
    policy = RetryPolicy(max_attempts=10**9)
    assert after(BUSY, policy, attempts=10**6) == Again(60.0)
    assert after(BUSY, replace(policy, initial_delay=0.0), attempts=10**6) == Again(0.0)


def test_what_is_retried_unless_a_task_says_otherwise() -> None:
    assert [isinstance(after(end), Again) for end in (BUSY, SLOW, BAD_EXIT, MISSING)] == [True, True, True, False]
    assert isinstance(after(BAD_EXIT, REPEATABLE), Stop)


@pytest.mark.parametrize(
    ("failure", "name"),
    [
        (BUSY, "transient"),
        (BUSY, "http:503"),
        (MISSING, "http:404"),
        (MISSING, "ORC-301"),
        (SLOW, "timeout"),
        (SLOW, "transient"),
        (BAD_EXIT, "work"),
        (BAD_EXIT, "exit:75"),
    ],
)
def test_every_way_to_name_a_failure(failure: Failure, name: str) -> None:
    assert is_repeated(failure, name)
    assert not is_repeated(failure, "http:1", "exit:1", "ORC-999")


def test_a_stop_says_what_was_not_among_what_is_retried() -> None:
    assert after(MISSING) == Stop("ORC-301 (permanent upstream) is not among what is retried")


@pytest.mark.parametrize("kind", SETTLED)
def test_what_was_decided_or_is_wrong_is_repeated_only_by_its_code(kind: ErrorKind) -> None:
    failure = Failure("ORC-999", ErrorClass.TRANSIENT, kind, "no", exit_code=1, status=503)
    assert not is_repeated(failure, "transient", "timeout", "work", "exit:1", "http:503", kind)
    assert is_repeated(failure, "ORC-999")


@pytest.mark.parametrize("code", [Code.TASK_TIMEOUT, Code.DEADLINE])
def test_when_the_time_of_the_whole_task_is_over_nothing_is_repeated(code: Code) -> None:
    assert not is_repeated(replace(SLOW, code=code), "transient", "timeout")


@given(policy=policies, attempts=st.integers(1, 200), elapsed=st.floats(0, 1e6), chance=chances)
@settings(max_examples=100)
def test_every_bound_of_the_policy_holds(policy: RetryPolicy, attempts: int, elapsed: float, chance: float) -> None:
    decision = after(BUSY, policy, attempts=attempts, elapsed=elapsed, chance=chance)
    if isinstance(decision, Again):
        assert attempts < policy.max_attempts
        assert 0 <= decision.delay <= policy.max_delay
        assert policy.max_elapsed is None or elapsed + decision.delay <= policy.max_elapsed


@given(policy=policies, asked=st.floats(0, 1e5), chance=chances)
@settings(max_examples=100)
def test_nobody_comes_back_before_they_may(policy: RetryPolicy, asked: float, chance: float) -> None:
    decision = after(replace(BUSY, retry_after=asked), policy, chance=chance)
    assert isinstance(decision, Stop) or decision.delay >= asked
