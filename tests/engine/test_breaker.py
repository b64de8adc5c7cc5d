"""What a backend's breaker means to those who call it."""

from dataclasses import replace

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelTask, ResetBreaker, TripBreaker
from orchestrator.core.errors import ErrorKind, WorkError
from orchestrator.core.flow import BackendSpec, BreakerPolicy, Task, WhenOpen
from orchestrator.core.states import Outcome, RunState, State
from orchestrator.engine import EngineOptions
from tests.engine.kit import Free, Setting, Story, backend, busy, call, flow, task, tell

OPENS_AT_ONE = BreakerPolicy(failure_threshold=1, reset_timeout=10.0, half_open_calls=1, success_threshold=1)


def fragile(name: str = "x", **fields: Free) -> BackendSpec:
    return backend(name, breaker=replace(OPENS_AT_ONE, **fields))


def failing(name: str = "bad", after: float = 0.0, **fields: Free) -> Task:
    return task(name, [after, busy()], backend="x", **fields)


def moves(story: Story, name: str = "x") -> list[tuple[float, str]]:
    return [
        (record.at, str(record.event.to))
        for record in story.records
        if isinstance(record.event, ev.BreakerMoved) and record.event.backend == name
    ]


# ── opening, parking, closing ───────────────────────────────────────────────────────────────────


def test_failures_in_a_row_open_it_and_a_timer_makes_it_half_open() -> None:
    many = [task(f"t{n}", [n / 10, busy()], backend="x") for n in range(5)]
    story = tell(flow(*many, task("patient", [50.0]), backends=[backend("x")]))
    assert [(round(at, 6), to) for at, to in moves(story)] == [(0.4, "open"), (30.4, "half_open")]
    story = tell(flow(*many[:4], backends=[backend("x")]))
    assert moves(story) == []


def test_while_it_is_open_tasks_park_and_spend_no_attempt() -> None:
    story = tell(
        flow(failing(), task("a", [1.0], backend="x", needs=["first"]), task("first", [1.0]), backends=[fragile()])
    )
    assert story.waits("a") == [("breaker", 10.0)]
    assert story.started("a") == [10.0]
    assert story.run.outcome is Outcome.FAILED, "of the one that opened it"


def test_a_parked_task_holds_no_slot() -> None:
    parked = task("a", [1.0], backend="x", needs=["first"])
    story = tell(
        flow(
            failing(),
            task("first", [1.0]),
            parked,
            task("b", [2.0], needs=["first"]),
            backends=[fragile()],
            max_concurrency=1,
        )
    )
    assert story.started("b") == [1.0]


def test_only_so_many_probe_a_half_open_breaker() -> None:
    parked = [task(f"t{n}", [1.0], backend="x", needs=["first"]) for n in range(5)]
    spec = fragile(half_open_calls=2, success_threshold=2)
    story = tell(flow(failing(), task("first", [1.0]), *parked, backends=[spec]))
    assert [story.started(one.id) for one in parked] == [[10.0], [10.0], [11.0], [11.0], [11.0]]
    assert moves(story) == [(0.0, "open"), (10.0, "half_open"), (11.0, "closed")]


def test_after_closing_the_parked_come_back_a_few_at_first_then_two_for_each_success() -> None:
    parked = [task(f"t{n:02}", [1.0], backend="x", needs=["first"]) for n in range(12)]
    story = tell(flow(failing(), task("first", [1.0]), *parked, backends=[fragile()], max_concurrency=20))
    begun = [story.started(one.id)[0] for one in parked]
    assert [begun.count(float(moment)) for moment in range(10, 15)] == [1, 1, 2, 4, 4]


def test_the_release_never_shuts_on_those_who_wait_whatever_becomes_of_those_before() -> None:
    parked = [task(f"t{n}", [1.0, busy(400)], backend="x", needs=["first"]) for n in range(5)]
    good = task("good", [1.0], backend="x", needs=["first"])
    story = tell(flow(failing(), task("first", [0.5]), good, *parked, backends=[fragile()]))
    assert all(story.started(one.id) for one in parked)


def test_one_failed_probe_opens_it_again() -> None:
    probes = [task("a", [busy()], backend="x", needs=["first"]), task("b", [1.0], backend="x", needs=["first"])]
    story = tell(flow(failing(), task("first", [1.0]), *probes, backends=[fragile()]))
    assert moves(story) == [(0.0, "open"), (10.0, "half_open"), (10.0, "open"), (20.0, "half_open"), (21.0, "closed")]
    assert story.started("b") == [20.0]


def test_failing_probes_in_a_row_give_the_parked_up() -> None:
    parked = [task(f"t{n}", [busy()], backend="x", needs=["first"]) for n in range(5)]
    story = tell(flow(failing(), task("first", [1.0]), *parked, backends=[fragile(give_up=2)]))
    kinds = [story.error(one.id).kind for one in parked]
    assert kinds == [ErrorKind.UPSTREAM] * 2 + [ErrorKind.BREAKER] * 3
    assert story.ended("t4") == 20.0
    assert story.started("t4") == []


def test_a_breaker_that_says_fail_fails_tasks_at_once() -> None:
    spec = fragile(when_open=WhenOpen.FAIL)
    story = tell(
        flow(failing(), task("first", [1.0]), task("a", backend="x", needs=["first"], retries=5), backends=[spec])
    )
    assert story.ended("a") == 1.0
    assert story.error("a").kind is ErrorKind.BREAKER
    assert story.started("a") == []


def test_a_task_that_failed_parks_for_its_next_attempt() -> None:
    story = tell(flow(task("a", [busy()], [1.0], backend="x", retries=2), backends=[fragile()]))
    assert story.started("a") == [0.0, 10.0]
    assert story.waits("a") == [("backoff", 1.0), ("breaker", 10.0)]


# ── what counts ─────────────────────────────────────────────────────────────────────────────────


def test_a_success_in_between_ends_the_row() -> None:
    spec = fragile(failure_threshold=2)
    outcomes = [
        task("a", [1.0, busy()], backend="x"),
        task("b", [2.0], backend="x"),
        task("c", [3.0, busy()], backend="x"),
    ]
    assert moves(tell(flow(*outcomes, backends=[spec]))) == []


@pytest.mark.parametrize("neutral", [busy(400), busy(404), busy(429), WorkError("bad"), KeyError("bug")])
def test_what_says_nothing_about_the_backend_is_neutral(neutral: Exception) -> None:
    assert moves(tell(flow(task("a", [neutral], backend="x"), backends=[fragile()]))) == []


def test_bad_work_counts_where_the_work_is_all_that_shows_how_the_resource_is() -> None:
    resource = BackendSpec("x", "resource", None, breaker=OPENS_AT_ONE)
    assert moves(tell(flow(task("a", [WorkError("bad")], backend="x"), backends=[resource]))) == [(0.0, "open")]


def test_a_cancelled_call_is_neutral() -> None:
    story = tell(flow(task("a", [9.0], backend="x"), backends=[fragile()]), Setting([(1.0, CancelTask(task="a"))]))
    assert moves(story) == []


def test_a_neutral_probe_frees_its_place() -> None:
    probes = [task("a", [1.0, busy(400)], backend="x", needs=["first"]), task("b", [1.0], backend="x", needs=["first"])]
    story = tell(flow(failing(), task("first", [1.0]), *probes, backends=[fragile()]))
    assert story.started("b") == [11.0]
    assert moves(story)[-1] == (12.0, "closed")


def test_a_cancelled_probe_frees_its_place() -> None:
    probes = [task("a", [99.0], backend="x", needs=["first"]), task("b", [1.0], backend="x", needs=["first"])]
    story = tell(
        flow(failing(), task("first", [1.0]), *probes, backends=[fragile()]), Setting([(13.0, CancelTask(task="a"))])
    )
    assert story.started("b") == [13.0]
    assert story.state("b") is State.SUCCEEDED


def test_an_outcome_from_before_the_last_move_counts_for_nothing() -> None:
    late = task("late", [15.0, busy()], backend="x")
    story = tell(
        flow(
            late, failing(), task("first", [1.0]), task("a", [20.0], backend="x", needs=["first"]), backends=[fragile()]
        )
    )
    assert moves(story) == [(0.0, "open"), (10.0, "half_open"), (30.0, "closed")]


# ── by hand ─────────────────────────────────────────────────────────────────────────────────────


def test_a_tripped_breaker_stays_until_a_person_resets_it() -> None:
    commands = [(0.5, TripBreaker(backend="x")), (500.0, ResetBreaker(backend="x"))]
    story = tell(
        flow(task("first", [1.0]), task("a", backend="x", needs=["first"]), backends=[fragile()]), Setting(commands)
    )
    assert story.waits("a") == [("breaker", None)]
    assert story.started("a") == [500.0]
    assert story.times(ev.RunHeld) == [1.0]


def test_tripping_an_open_breaker_stops_its_timer() -> None:
    commands = [(5.0, TripBreaker(backend="x")), (500.0, ResetBreaker(backend="x"))]
    parked = [task(name, backend="x", needs=["first"]) for name in "ab"]
    story = tell(flow(failing(), task("first", [1.0]), *parked, backends=[fragile()]), Setting(commands))
    assert story.started("a") == story.started("b") == [500.0]
    assert story.times(ev.RunHeld) == [5.0]


def test_a_breaker_that_was_reset_opens_for_as_long_as_any_other() -> None:
    again = [failing("again", needs=["wait"]), task("wait", [4.0]), task("a", [1.0], backend="x", needs=["wait2"])]
    story = tell(
        flow(failing(), *again, task("wait2", [5.0]), backends=[fragile()]), Setting([(2.0, ResetBreaker(backend="x"))])
    )
    assert moves(story)[:4] == [(0.0, "open"), (2.0, "closed"), (4.0, "open"), (14.0, "half_open")]
    assert story.started("a") == [14.0]


def test_unwatched_a_run_that_waits_for_a_tripped_breaker_ends_held() -> None:
    flow_ = flow(task("first", [1.0]), task("a", backend="x", needs=["first"]), backends=[fragile()])
    story = tell(flow_, Setting([(0.5, TripBreaker(backend="x"))], EngineOptions(stops_when_held=True)))
    assert story.run.outcome is Outcome.HELD


# ── fallback ────────────────────────────────────────────────────────────────────────────────────


def with_fallback(**fields: Free) -> list[BackendSpec]:
    first = BackendSpec("x", "nowhere", None, breaker=OPENS_AT_ONE, fallback=("y",))
    return [first, fragile("y", **fields)]


def test_an_open_breaker_sends_calls_to_the_fallback() -> None:
    story = tell(
        flow(failing(), task("first", [1.0]), task("a", backend="x", needs=["first"]), backends=with_fallback())
    )
    assert story.started("a") == [1.0]
    assert story.run.tasks["a"].backend == "y"
    (used,) = story.events(ev.FallbackUsed)
    assert (used.backend, used.instead_of) == ("y", "x")
    assert "open" in used.why


def test_a_busy_backend_is_no_reason_for_the_fallback() -> None:
    backends = [backend("x", max_concurrency=1, fallback=("y",)), backend("y")]
    story = tell(flow(task("a", [2.0], backend="x"), task("b", [1.0], backend="x"), backends=backends))
    assert story.started("b") == [2.0]
    assert story.events(ev.FallbackUsed) == []


def test_if_none_remains_the_first_one_decides() -> None:
    both = [failing(), task("bad2", [0.5, busy()], backend="y")]
    story = tell(flow(*both, task("first", [1.0]), task("a", backend="x", needs=["first"]), backends=with_fallback()))
    assert story.waits("a") == [("breaker", 10.0)]
    assert story.started("a") == [10.0]


def test_whoever_waits_for_the_first_goes_as_soon_as_the_fallback_recovers() -> None:
    both = [failing(), task("bad2", [0.5, busy()], backend="y")]
    specs = with_fallback(reset_timeout=3.0)
    story = tell(flow(*both, task("first", [1.0]), task("a", backend="x", needs=["first"]), backends=specs))
    assert story.started("a") == [3.5]
    assert story.run.tasks["a"].backend == "y"


def test_whoever_waits_for_the_first_goes_when_a_place_at_the_fallback_comes_free() -> None:
    commands = [(0.2, TripBreaker(backend="x"))]
    both = [task("bad2", [0.5, busy()], backend="y"), task("probe", [5.0, busy(400)], backend="y", needs=["first"])]
    story = tell(
        flow(*both, task("first", [1.0]), task("a", backend="x", needs=["first"]), backends=with_fallback()),
        Setting(commands),
    )
    assert story.started("probe") == [10.5]
    assert story.started("a") == [15.5]


def test_a_held_backend_sends_calls_to_the_fallback_and_one_whose_hold_ends_takes_them() -> None:
    both = [task("slow", [busy(429, 5.0)], backend="y"), task("first", [1.0])]
    story = tell(
        flow(*both, task("a", backend="x", needs=["first"]), backends=with_fallback()),
        Setting([(0.2, TripBreaker(backend="x"))]),
    )
    assert story.started("a") == [5.0]


def test_fallbacks_are_not_transitive() -> None:
    backends = [
        BackendSpec("x", "nowhere", None, breaker=OPENS_AT_ONE, fallback=("y",)),
        BackendSpec("y", "nowhere", None, breaker=OPENS_AT_ONE, fallback=("z",)),
        backend("z"),
    ]
    both = [failing(), task("bad2", [0.5, busy()], backend="y")]
    story = tell(flow(*both, task("first", [1.0]), task("a", backend="x", needs=["first"]), backends=backends))
    assert story.run.tasks["a"].backend == "x"


def test_a_tasks_own_fallback_takes_the_place_of_its_backends() -> None:
    backends = [*with_fallback(), backend("z")]
    story = tell(
        flow(
            failing(), task("first", [1.0]), task("a", backend="x", needs=["first"], fallback=("z",)), backends=backends
        )
    )
    assert story.run.tasks["a"].backend == "z"


# ── calls ───────────────────────────────────────────────────────────────────────────────────────


def test_an_agents_call_parks_and_the_attempt_goes_on() -> None:
    agent = task("a", [1.0, call(1.0), call(1.0)], kind="agentic", backend="x")
    story = tell(flow(failing(after=0.5), agent, backends=[fragile()]))
    assert story.started("a") == [0.0]
    assert story.waits("a") == [("breaker", 10.5)]
    assert story.ended("a") == 12.5


def test_a_run_whose_only_agent_waits_at_a_tripped_breaker_is_held() -> None:
    agent = task("a", [1.0, call(1.0)], kind="agentic", backend="x")
    story = tell(
        flow(agent, backends=[fragile()]),
        Setting([(0.5, TripBreaker(backend="x")), (60.0, ResetBreaker(backend="x"))]),
    )
    assert story.times(ev.RunHeld) == [1.0]
    assert story.run.state is RunState.FINISHED
    assert story.ended("a") == 61.0
