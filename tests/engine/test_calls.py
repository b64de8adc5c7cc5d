"""Calls that an attempt makes one after the other: each is admitted, repeated and settled on its own."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import RetryTask, SkipWait, TripBreaker
from orchestrator.core.errors import Code, ErrorKind
from orchestrator.core.flow import BreakerPolicy, BudgetPolicy, RateLimit, WhenOpen
from orchestrator.core.ports import Context
from orchestrator.core.states import State
from tests.engine.kit import Free, Setting, Usage, backend, busy, call, flow, task, tell

X = [backend("x")]


def agent(name: str, *steps: Free, **fields: Free) -> Free:
    return task(name, list(steps), kind="agentic", **{"backend": "x", **fields})


def test_an_attempt_makes_as_many_calls_as_it_likes() -> None:
    story = tell(flow(agent("a", call(1.0), 2.0, call(1.0)), backends=X))
    assert story.ended("a") == 4.0
    assert story.run.backends["x"].calls == 2
    assert len(story.events(ev.AttemptStarted)) == 1


def test_a_call_that_failed_for_now_is_repeated_and_the_attempt_goes_on() -> None:
    outcomes = iter([busy(), busy(), None])

    def flaky(_: Context) -> None:
        failure = next(outcomes)
        if failure is not None:
            raise failure

    story = tell(flow(agent("a", call(1.0), call(flaky), retries=3), backends=X))
    assert story.state("a") is State.SUCCEEDED
    assert story.waits("a") == [("backoff", 2.0), ("backoff", 4.0)]
    assert len(story.events(ev.AttemptStarted)) == 1
    assert story.run.backends["x"].calls == 4


def test_what_the_tries_of_a_call_could_not_mend_is_not_begun_from_the_start() -> None:
    story = tell(flow(agent("a", 1.0, call(busy()), retries=3), backends=X))
    assert story.run.backends["x"].calls == 3
    assert len(story.events(ev.AttemptStarted)) == 1


def test_an_attempt_that_failed_for_another_reason_is() -> None:
    story = tell(flow(agent("a", call(1.0), 99.0, attempt_timeout=5.0, retries=2), backends=X))
    assert len(story.events(ev.AttemptStarted)) == 2


def test_what_a_call_waited_for_when_the_deadline_passed_is_told() -> None:
    tripped = Setting([(1.0, TripBreaker(backend="x"))])
    story = tell(flow(agent("a", 2.0, call(1.0), deadline=5.0), backends=X), tripped)
    assert story.error("a").message == "the deadline passed while it waited: breaker of x"
    assert story.ended("a") == 5.0
    working = tell(flow(agent("a", call(1.0), 9.0, deadline=5.0), backends=X))
    assert working.error("a").message == "the deadline passed"


def test_a_call_that_fails_for_good_is_the_attempts_to_deal_with() -> None:
    async def forgives(context: Context) -> dict[str, object]:
        try:
            await call(busy(400))(context)
        except Exception as error:  # noqa: BLE001 - whatever it is
            return {"value": str(error)}
        return {}

    story = tell(flow(agent("a", forgives, call(1.0), retries=3), backends=X))
    assert story.output("a")["value"] == "HTTP 400"


def test_while_a_call_backs_off_its_attempt_holds_no_slot() -> None:
    story = tell(flow(agent("a", call(busy()), retries=2), task("b", [0.5]), backends=X, max_concurrency=1))
    assert story.started("b") == [0.0]


def test_while_a_call_waits_its_attempt_holds_no_slot_and_says_what_for() -> None:
    spec = backend("x", max_concurrency=1)
    tasks = [task("b", [9.0], backend="x"), agent("a", 1.0, call(1.0)), task("c", [1.0])]
    story = tell(flow(*tasks, backends=[spec], max_concurrency=2))
    assert story.waits("a") == [("slot", None)]
    assert story.started("c") == [1.0]
    (resumed,) = story.events(ev.AttemptResumed)
    assert (resumed.task, resumed.attempt, resumed.backend) == ("a", 1, "x")
    assert story.times(ev.AttemptResumed) == [9.0]


def test_who_comes_back_goes_before_newcomers() -> None:
    spec = backend("x", max_concurrency=1)
    newcomers = [task(f"n{n}", [1.0], backend="x") for n in range(3)]
    story = tell(flow(task("b", [5.0], backend="x"), *newcomers, agent("a", 1.0, call(1.0)), backends=[spec]))
    assert story.times(ev.AttemptResumed, "a") == [5.0]
    assert story.started("n0") == [6.0]


def test_who_comes_back_goes_before_newcomers_at_the_slots_too() -> None:
    spec = backend("x", rate_limits=(RateLimit(6.0, requests=1, burst=1),))
    newcomers = [task(f"n{n}", [4.0]) for n in range(3)]
    told = flow(task("b", backend="x"), agent("a", call(1.0)), *newcomers, backends=[spec], max_concurrency=1)
    story = tell(told)
    assert story.times(ev.AttemptResumed, "a") == [8.0]
    assert [story.started(one.id)[0] for one in newcomers] == [0.0, 4.0, 9.0]


def test_a_call_that_need_not_wait_keeps_the_slots() -> None:
    story = tell(flow(agent("a", call(1.0), call(1.0)), backends=X))
    assert story.events(ev.AttemptResumed, ev.TaskWaiting) == []


def test_each_call_settles_what_it_used() -> None:
    told = agent("a", call(Usage(10, 5), tokens=50), call(Usage(20, 5), tokens=50))
    story = tell(flow(told, backends=X, budget=BudgetPolicy(tokens=100)))
    assert [event.tokens for event in story.events(ev.BudgetSettled)] == [15, 25]
    assert story.run.tasks["a"].tokens == 40


def test_a_call_that_was_cut_short_settles_its_reservation() -> None:
    told = agent("a", call(99.0, tokens=50), attempt_timeout=3.0)
    story = tell(flow(told, backends=X, budget=BudgetPolicy(tokens=100)))
    assert story.run.budgets["run"].tokens == 50
    assert story.run.backends["x"].failed == 1


def test_a_call_goes_to_the_fallback_when_its_backend_is_open() -> None:
    specs = [backend("x", breaker=BreakerPolicy(failure_threshold=1), fallback=("y",)), backend("y")]
    story = tell(flow(agent("a", call(busy()), retries=2), backends=specs))
    assert [event.backend for event in story.events(ev.FallbackUsed)] == ["y"]
    assert story.run.backends["y"].calls == 1


def test_a_call_that_is_refused_fails_as_its_backend_says() -> None:
    specs = [backend("x", breaker=BreakerPolicy(failure_threshold=1, when_open=WhenOpen.FAIL))]
    story = tell(flow(task("b", [busy()], backend="x"), agent("a", 1.0, call(1.0), retries=3), backends=specs))
    assert story.error("a").kind is ErrorKind.BREAKER


def test_a_call_that_can_never_fit_fails_for_good() -> None:
    spec = backend("x", rate_limits=(RateLimit(60.0, tokens=10),))
    story = tell(flow(agent("a", call(tokens=11), retries=3), backends=[spec]))
    assert story.error("a").code == Code.NEVER_FITS


def test_who_names_no_backend_cannot_call_one() -> None:
    story = tell(flow(agent("a", call(1.0), backend=None)))
    assert story.error("a").kind is ErrorKind.INPUT


def test_a_bug_in_a_call_says_nothing_about_the_backend() -> None:
    story = tell(
        flow(agent("a", call(KeyError("x"))), backends=[backend("x", breaker=BreakerPolicy(failure_threshold=1))])
    )
    assert story.error("a").kind is ErrorKind.BUG
    assert story.events(ev.BreakerMoved) == []


@pytest.mark.parametrize("command", [SkipWait(task="a"), RetryTask(task="a")])
def test_a_person_can_end_the_backoff_of_a_call(command: Free) -> None:
    story = tell(flow(agent("a", call(busy(503, 60.0)), retries=2), backends=X), Setting([(2.0, command)]))
    assert story.times(ev.AttemptResumed) == [2.0]
    assert story.run.at == 2.0


def test_a_person_can_send_a_waiting_call_ahead() -> None:
    spec = backend("x", rate_limits=(RateLimit(10.0, requests=1, burst=1),))
    tasks = [task("b", backend="x"), agent("a", 1.0, call(1.0)), agent("c", 1.0, call(1.0))]
    story = tell(flow(*tasks, backends=[spec]), Setting([(2.0, SkipWait(task="c"))]))
    assert (story.times(ev.AttemptResumed, "a"), story.times(ev.AttemptResumed, "c")) == ([20.0], [10.0])


def test_a_repeated_call_that_could_not_begin_in_time_is_not_repeated() -> None:
    for limit in ("timeout", "deadline"):
        fields: Free = {limit: 3.0}
        story = tell(flow(agent("a", call(busy(503, 5.0)), retries=3, **fields), backends=X))
        assert story.ended("a") == 0.0
        assert story.error("a").kind is ErrorKind.UPSTREAM


def test_a_backoff_counts_towards_the_timeout_and_not_towards_the_attempts() -> None:
    told = agent("a", call(1.0, busy()), retries=9, timeout=11.0, attempt_timeout=8.0)
    story = tell(flow(told, backends=X))
    assert story.times(ev.AttemptResumed) == [2.0, 5.0, 10.0]
    assert story.ended("a") == 11.0
    assert story.error("a").code == Code.TASK_TIMEOUT
