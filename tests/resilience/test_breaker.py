"""The breaker alone: its moves, its gate, what counts and what does not, and the faults it must not have."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.flow import BreakerPolicy
from orchestrator.core.states import BreakerState
from orchestrator.resilience.breaker import Breaker, BreakerOpenError, Move, Outcome, Permit, outcome_of

CLOSED, OPEN, HALF_OPEN, TRIPPED = BreakerState


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class Scene:
    """A breaker, its clock, and what it told."""

    def __init__(
        self,
        *,
        failures: int = 5,
        timeout: float = 30.0,
        calls: int = 3,
        successes: int = 2,
        on_move: Callable[[Move], None] | None = None,
    ) -> None:
        self.clock = Clock()
        self.moves: list[Move] = []
        policy = BreakerPolicy(failures, timeout, calls, successes)
        self.breaker = Breaker("api", policy, self.clock, on_move or self.moves.append)

    def call(self, *outcomes: Outcome) -> None:
        for outcome in outcomes:
            self.breaker.settle(self.breaker.take(), outcome, "HTTP 503")

    def open(self) -> None:
        while self.breaker.state is CLOSED:
            self.call(Outcome.FAILURE)

    def half_open(self) -> None:
        self.open()
        self.wait_until_due()

    def wait_until_due(self) -> None:
        due = self.breaker.due
        assert due is not None
        self.clock.time = due
        self.breaker.tick()

    @property
    def path(self) -> list[BreakerState]:
        return [move.to for move in self.moves]


# ── the moves ───────────────────────────────────────────────────────────────────────────────────


def test_so_many_failures_in_a_row_open_it_and_say_until_when() -> None:
    scene = Scene()
    scene.call(*[Outcome.FAILURE] * 4)
    assert (scene.breaker.state, scene.breaker.failures) == (CLOSED, 4)
    scene.call(Outcome.FAILURE)
    assert scene.moves == [Move(CLOSED, OPEN, "5 failures in a row, the last: HTTP 503", 130.0)]
    assert (scene.breaker.state, scene.breaker.due, scene.breaker.delay()) == (OPEN, 130.0, 30.0)
    assert scene.breaker.last_error == "HTTP 503"


def test_a_success_breaks_the_row() -> None:
    scene = Scene(failures=2)
    scene.call(Outcome.FAILURE, Outcome.SUCCESS, Outcome.FAILURE)
    assert (scene.breaker.state, scene.breaker.failures) == (CLOSED, 1)


def test_enough_probes_that_succeed_close_it_and_all_is_forgotten() -> None:
    scene = Scene()
    scene.half_open()
    scene.call(Outcome.SUCCESS)
    assert (scene.breaker.state, scene.breaker.successes) == (HALF_OPEN, 1)
    scene.call(Outcome.SUCCESS)
    assert scene.path == [OPEN, HALF_OPEN, CLOSED]
    assert scene.moves[1:] == [
        Move(OPEN, HALF_OPEN, "30 s have passed", None),
        Move(HALF_OPEN, CLOSED, "2 probes succeeded", None),
    ]
    assert (scene.breaker.failures, scene.breaker.failed_probes, scene.breaker.successes) == (0, 0, 0)


def test_one_probe_that_fails_opens_it_again_for_the_whole_time() -> None:
    scene = Scene()
    scene.half_open()
    scene.call(Outcome.SUCCESS, Outcome.FAILURE)
    assert scene.moves[-1] == Move(HALF_OPEN, OPEN, "a probe failed: HTTP 503", 160.0)
    assert scene.breaker.failed_probes == 1


def test_rounds_of_failed_probes_are_counted_until_it_closes() -> None:
    scene = Scene()
    scene.open()
    for _ in range(3):
        scene.wait_until_due()
        scene.call(Outcome.FAILURE)
    assert scene.breaker.failed_probes == 3
    scene.wait_until_due()
    scene.call(Outcome.SUCCESS, Outcome.SUCCESS)
    assert (scene.breaker.state, scene.breaker.failed_probes) == (CLOSED, 0)


def test_the_failed_probe_is_counted_before_the_move_is_told() -> None:
    seen: list[int] = []
    scene = Scene(on_move=lambda _: seen.append(scene.breaker.failed_probes))
    scene.half_open()
    scene.call(Outcome.FAILURE)
    assert seen == [0, 0, 1]


# ── the gate ────────────────────────────────────────────────────────────────────────────────────


def test_half_open_lets_no_more_than_its_probes_through_at_once() -> None:
    scene = Scene(calls=3)
    scene.half_open()
    permits = [scene.breaker.take() for _ in range(20) if scene.breaker.delay() == 0.0]
    assert (len(permits), scene.breaker.probes, scene.breaker.delay()) == (3, 3, None)
    with pytest.raises(BreakerOpenError, match="the breaker of api is half_open"):
        scene.breaker.take()


def test_a_probe_that_succeeds_makes_room_for_the_next() -> None:
    scene = Scene(calls=1, successes=2)
    scene.half_open()
    scene.call(Outcome.SUCCESS, Outcome.SUCCESS)
    assert scene.breaker.state is CLOSED


def test_a_neutral_probe_frees_its_place_and_says_nothing() -> None:
    scene = Scene(calls=1)
    scene.half_open()
    scene.call(*[Outcome.NEUTRAL] * 10)
    assert (scene.breaker.state, scene.breaker.probes, scene.breaker.successes) == (HALF_OPEN, 0, 0)
    assert scene.breaker.delay() == 0.0


def test_a_permit_that_was_not_used_frees_its_place() -> None:
    scene = Scene(calls=1)
    scene.half_open()
    scene.breaker.give_back(scene.breaker.take())
    assert scene.breaker.delay() == 0.0


def test_a_neutral_end_neither_adds_to_the_row_nor_breaks_it() -> None:
    scene = Scene(failures=3)
    scene.call(Outcome.FAILURE, Outcome.FAILURE, Outcome.NEUTRAL)
    assert scene.breaker.failures == 2
    scene.call(Outcome.FAILURE)
    assert scene.breaker.state is OPEN


def test_a_permit_counts_once() -> None:
    scene = Scene(failures=3)
    permit = scene.breaker.take()
    for _ in range(5):
        scene.breaker.settle(permit, Outcome.FAILURE)
    assert scene.breaker.failures == 1


def test_an_open_breaker_refuses_a_permit_and_says_how_long() -> None:
    scene = Scene()
    scene.open()
    with pytest.raises(BreakerOpenError) as refused:
        scene.breaker.take()
    assert (refused.value.delay, refused.value.time_remaining) == (30.0, timedelta(seconds=30))


def test_who_comes_at_the_due_time_before_the_timer_is_the_first_probe() -> None:
    scene = Scene()
    scene.open()
    scene.clock.time += 30.0
    assert scene.breaker.delay() == 0.0
    scene.breaker.take()
    assert (scene.breaker.state, scene.breaker.probes) == (HALF_OPEN, 1)


def test_the_timer_may_come_early_and_late_and_again() -> None:
    scene = Scene()
    scene.breaker.tick()
    scene.open()
    scene.clock.time += 29.9
    scene.breaker.tick()
    assert scene.breaker.state is OPEN
    scene.clock.time += 5.0
    scene.breaker.tick()
    scene.breaker.tick()
    assert scene.path == [OPEN, HALF_OPEN]


# ── by hand ─────────────────────────────────────────────────────────────────────────────────────


def test_a_tripped_breaker_stays_open_until_it_is_reset() -> None:
    scene = Scene()
    scene.breaker.trip("tripped by the operator")
    scene.clock.time += 1e6
    scene.breaker.tick()
    assert (scene.breaker.state, scene.breaker.due, scene.breaker.delay()) == (TRIPPED, None, None)
    with pytest.raises(BreakerOpenError) as refused:
        scene.breaker.take()
    assert refused.value.time_remaining is None
    scene.breaker.reset("reset by the operator")
    assert scene.moves == [
        Move(CLOSED, TRIPPED, "tripped by the operator", None),
        Move(TRIPPED, CLOSED, "reset by the operator", None),
    ]
    assert scene.breaker.delay() == 0.0


def test_an_open_breaker_can_be_tripped_and_a_tripped_one_opens_anew_after_its_reset() -> None:
    scene = Scene()
    scene.open()
    scene.breaker.trip("by hand")
    scene.breaker.reset("by hand")
    scene.open()
    assert scene.path == [OPEN, TRIPPED, CLOSED, OPEN]
    assert scene.breaker.due == 130.0


def test_a_reset_of_a_closed_breaker_forgets_its_failures_and_tells_nobody() -> None:
    scene = Scene()
    scene.call(Outcome.FAILURE)
    scene.breaker.reset("by hand")
    assert (scene.breaker.failures, scene.moves) == (0, [])


def test_tripping_twice_is_told_once() -> None:
    scene = Scene()
    scene.breaker.trip("by hand")
    scene.breaker.trip("by hand")
    assert scene.path == [TRIPPED]


# ── stale outcomes ──────────────────────────────────────────────────────────────────────────────


def test_a_late_success_of_an_old_probe_does_not_close_what_opened_again() -> None:
    scene = Scene(successes=1)
    scene.half_open()
    late, failing = scene.breaker.take(), scene.breaker.take()
    scene.breaker.settle(failing, Outcome.FAILURE)
    scene.breaker.settle(late, Outcome.SUCCESS)
    assert scene.breaker.state is OPEN
    scene.wait_until_due()
    scene.breaker.settle(late, Outcome.SUCCESS)
    assert (scene.breaker.state, scene.breaker.successes, scene.breaker.probes) == (HALF_OPEN, 0, 0)


def test_failures_from_before_it_opened_do_not_make_it_stay_open_longer() -> None:
    """Where each failure restarts the cool-down, a busy backend never reaches half-open."""
    scene = Scene(failures=2)
    late = [scene.breaker.take() for _ in range(10)]
    scene.open()
    for permit in late:
        scene.clock.time += 2.9
        scene.breaker.settle(permit, Outcome.FAILURE)
    assert (scene.breaker.due, scene.breaker.failures) == (130.0, 2)
    scene.wait_until_due()
    assert scene.breaker.state is HALF_OPEN


def test_a_late_success_does_not_break_a_later_row() -> None:
    scene = Scene(failures=2)
    late = scene.breaker.take()
    scene.half_open()
    scene.call(Outcome.SUCCESS, Outcome.SUCCESS, Outcome.FAILURE)
    scene.breaker.settle(late, Outcome.SUCCESS)
    assert scene.breaker.failures == 1


def test_two_probes_of_one_round_that_fail_are_one_failed_round() -> None:
    scene = Scene()
    scene.half_open()
    first, second = scene.breaker.take(), scene.breaker.take()
    scene.breaker.settle(first, Outcome.FAILURE)
    scene.breaker.settle(second, Outcome.FAILURE)
    assert (scene.breaker.failed_probes, scene.path) == (1, [OPEN, HALF_OPEN, OPEN])


# ── what other breakers got wrong ───────────────────────────────────────────────────────────────


def test_the_failure_that_opens_it_is_not_replaced_by_another_error() -> None:
    scene = Scene(failures=1)
    scene.breaker.settle(scene.breaker.take(), Outcome.FAILURE, "HTTP 503")  # raises nothing
    assert (scene.breaker.state, scene.breaker.last_error) == (OPEN, "HTTP 503")


def test_who_is_told_of_a_move_sees_the_new_state() -> None:
    seen: list[tuple[BreakerState, float | None]] = []
    scene = Scene(failures=1, on_move=lambda _: seen.append((scene.breaker.state, scene.breaker.delay())))
    scene.half_open()
    assert seen == [(OPEN, 30.0), (HALF_OPEN, 0.0)]


def test_a_listener_that_raises_does_not_keep_it_from_moving() -> None:
    def broken(_: Move) -> None:
        raise OSError("the listener is broken")

    scene = Scene(failures=1, on_move=broken)
    with pytest.raises(OSError, match="listener"):
        scene.call(Outcome.FAILURE)
    assert (scene.breaker.state, scene.breaker.due) == (OPEN, 130.0)


def test_a_reset_timeout_of_zero_is_zero() -> None:
    scene = Scene(timeout=0.0)
    scene.open()
    assert (scene.breaker.due, scene.breaker.delay()) == (100.0, 0.0)


def test_no_wall_clock_is_read_and_nothing_warns_of_one() -> None:
    scene = Scene()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scene.half_open()
        scene.call(Outcome.FAILURE)
    assert scene.breaker._memory.opened_at is None


def test_a_refused_call_is_no_failed_probe() -> None:
    """Where it counts as one, a queue keeps its own backend shut for days."""
    scene = Scene(calls=1)
    scene.half_open()
    probe = scene.breaker.take()
    for _ in range(1000):
        with pytest.raises(BreakerOpenError):
            scene.breaker.take()
    assert (scene.breaker.failed_probes, scene.breaker.state, scene.breaker.due) == (0, HALF_OPEN, None)
    scene.breaker.settle(probe, Outcome.SUCCESS)
    assert scene.breaker.successes == 1


def test_breakers_that_are_all_open_all_probe_again_although_nobody_calls() -> None:
    scenes = [Scene(timeout=30.0 + number) for number in range(5)]
    for scene in scenes:
        scene.open()
    for scene in scenes:
        scene.wait_until_due()
    assert [scene.breaker.delay() for scene in scenes] == [0.0] * 5


def test_asking_while_it_is_open_changes_nothing() -> None:
    """Where asking counts, the backlog that waits for the breaker is spoilt by waiting."""
    scene = Scene()
    scene.open()
    before = (scene.breaker.failures, scene.breaker.due, len(scene.moves))
    for _ in range(1000):
        scene.breaker.delay()
        with pytest.raises(BreakerOpenError):
            scene.breaker.take()
    assert (scene.breaker.failures, scene.breaker.due, len(scene.moves)) == before


# ── classification ──────────────────────────────────────────────────────────────────────────────


def failure(kind: ErrorKind, code: str = Code.HTTP_STATUS, status: int | None = None) -> Failure:
    return Failure(code, ErrorClass.PERMANENT, kind, "it failed", status=status)


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (None, Outcome.SUCCESS),
        (failure(ErrorKind.UPSTREAM, status=500), Outcome.FAILURE),
        (failure(ErrorKind.UPSTREAM, status=529), Outcome.FAILURE),
        (failure(ErrorKind.UPSTREAM, Code.CONNECTION), Outcome.FAILURE),
        (failure(ErrorKind.UPSTREAM, Code.MALFORMED, status=200), Outcome.FAILURE),
        (failure(ErrorKind.TIMEOUT, Code.ATTEMPT_TIMEOUT), Outcome.FAILURE),
        (failure(ErrorKind.TIMEOUT, Code.IDLE_TIMEOUT), Outcome.FAILURE),
        (failure(ErrorKind.TIMEOUT, Code.TASK_TIMEOUT), Outcome.NEUTRAL),
        (failure(ErrorKind.TIMEOUT, Code.DEADLINE), Outcome.NEUTRAL),
        (failure(ErrorKind.UPSTREAM, Code.TOO_LARGE, status=200), Outcome.NEUTRAL),
        *((failure(ErrorKind.UPSTREAM, status=status), Outcome.NEUTRAL) for status in (400, 401, 404, 408, 425, 429)),
        *(
            (failure(kind), Outcome.NEUTRAL)
            for kind in ErrorKind
            if kind not in {ErrorKind.UPSTREAM, ErrorKind.TIMEOUT}
        ),
    ],
)
def test_what_the_end_of_a_call_says_about_its_backend(end: Failure | None, outcome: Outcome) -> None:
    assert outcome_of(end, resource=False) is outcome


def test_bad_work_accuses_a_resource_and_nobody_else() -> None:
    bad_work = failure(ErrorKind.WORK, Code.EXIT_CODE)
    assert outcome_of(bad_work, resource=True) is Outcome.FAILURE
    assert outcome_of(bad_work, resource=False) is Outcome.NEUTRAL


# ── any history ─────────────────────────────────────────────────────────────────────────────────


class AnyHistory(RuleBasedStateMachine):
    """Calls that begin, end late or never, timers and people, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene(failures=3, timeout=10.0, calls=2, successes=2)
        self.breaker = self.scene.breaker
        self.out: list[tuple[Permit, int]] = []

    @property
    def fresh(self) -> int:
        """How many calls are out that began since the last move."""
        return sum(moves == len(self.scene.moves) for _, moves in self.out)

    @rule()
    def call(self) -> None:
        if self.breaker.delay() == 0.0:
            permit = self.breaker.take()
            self.out.append((permit, len(self.scene.moves)))
        else:
            with pytest.raises(BreakerOpenError):
                self.breaker.take()

    @precondition(lambda self: self.out)
    @rule(data=st.data(), outcome=st.sampled_from(Outcome))
    def end(self, data: st.DataObject, outcome: Outcome) -> None:
        permit, moves = self.out.pop(data.draw(st.integers(0, len(self.out) - 1)))
        before = (self.breaker.state, self.breaker.failures, self.breaker.due, self.breaker.probes)
        is_stale = moves != len(self.scene.moves)
        self.breaker.settle(permit, outcome, "it failed")
        after = (self.breaker.state, self.breaker.failures, self.breaker.due, self.breaker.probes)
        assert before == after or not is_stale

    @rule(seconds=st.floats(0.0, 15.0))
    def wait(self, seconds: float) -> None:
        self.scene.clock.time += seconds
        self.breaker.tick()
        assert self.breaker.due is None or self.breaker.due > self.scene.clock.time

    @rule()
    def trip(self) -> None:
        self.breaker.trip("by hand")
        assert self.breaker.state is TRIPPED

    @rule()
    def reset(self) -> None:
        self.breaker.reset("by hand")
        assert (self.breaker.state, self.breaker.failures) == (CLOSED, 0)

    @invariant()
    def the_gate_holds(self) -> None:
        assert self.breaker.probes == (self.fresh if self.breaker.state is HALF_OPEN else 0)
        assert self.breaker.probes <= 2

    @invariant()
    def each_state_answers_as_it_should(self) -> None:
        delay, state = self.breaker.delay(), self.breaker.state
        assert (delay == 0.0) == (state is CLOSED or (state is HALF_OPEN and self.breaker.probes < 2))
        assert (self.breaker.due is not None) == (state is OPEN)
        assert self.breaker.failures < 3 or state is not CLOSED

    @invariant()
    def every_move_begins_where_the_last_one_ended(self) -> None:
        path = [CLOSED, *self.scene.path]
        assert [move.from_ for move in self.scene.moves] == path[:-1]
        assert path[-1] is self.breaker.state


AnyHistory.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyHistory = AnyHistory.TestCase


@given(start=st.floats(0.0, 1e9), timeout=st.floats(0.0, 1e5))
@settings(max_examples=60)
def test_who_waits_as_long_as_it_says_gets_through(start: float, timeout: float) -> None:
    scene = Scene(failures=1, timeout=timeout)
    scene.clock.time = start
    scene.open()
    scene.clock.time += scene.breaker.delay() or 0.0
    scene.call(Outcome.SUCCESS)
    assert scene.breaker.state is HALF_OPEN
