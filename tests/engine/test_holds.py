"""Usage limits hold a credential for all; a server's own limits are believed."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import SkipWait
from orchestrator.core.errors import AttemptError, Code, UpstreamError
from orchestrator.core.flow import RateLimit, SecretSource
from orchestrator.core.model import Allowance
from orchestrator.core.ports import Context
from orchestrator.core.states import Outcome, State
from tests.engine.kit import Free, Setting, backend, call, flow, task, tell
from tests.engine.test_calls import agent

KEY = SecretSource(env="KEY")
LOOSE = (RateLimit(1.0, tokens=1_000_000),)


def spent(resets_in: float | None = None) -> AttemptError:
    return UpstreamError("the quota is used up", code=Code.QUOTA, status=429, retry_after=resets_in)


def test_a_usage_limit_costs_no_attempt_and_wakes_by_itself() -> None:
    story = tell(flow(task("a", [1.0, spent(60.0)], [1.0], backend="x"), backends=[backend("x")]))
    assert story.state("a") is State.SUCCEEDED
    assert story.waits("a")[-1] == ("quota", 61.0)
    (first, _) = story.events(ev.BackendHeld)
    assert (first.until, first.reason, first.why) == (61.0, "quota", "the quota is used up")
    assert story.started("a") == [0.0, 61.0]


def test_all_who_use_the_credential_wait_and_nobody_else() -> None:
    backends = [backend("x", api_key=KEY), backend("y", api_key=KEY), backend("z")]
    late = [task(name, [1.0], needs=["first"], backend=name) for name in "yz"]
    story = tell(flow(task("first", [1.0]), task("a", [spent(60.0)], [1.0], backend="x"), *late, backends=backends))
    assert story.started("y") == [60.0]
    assert story.started("z") == [1.0]


def test_one_without_an_end_needs_a_person_and_a_probe_ends_it() -> None:
    told = flow(task("a", [1.0, spent()], [1.0], backend="x"), backends=[backend("x")])
    story = tell(told, Setting([(500.0, SkipWait(task="a"))]))
    assert story.times(ev.RunHeld) == [1.0]
    assert story.started("a") == [0.0, 500.0]
    assert story.run.outcome is Outcome.SUCCEEDED


def test_a_probe_that_gets_through_ends_the_hold_for_all_who_use_the_credential() -> None:
    backends = [backend("x", api_key=KEY), backend("y", api_key=KEY)]
    late = task("b", [1.0], needs=["first"], backend="y")
    told = flow(task("first", [2.0]), task("a", [1.0, spent()], [1.0], backend="x"), late, backends=backends)
    story = tell(told, Setting([(500.0, SkipWait(task="a"))]))
    assert story.started("b") == [501.0]
    assert [event.backend for event in story.events(ev.BackendHeld)] == ["x", "y", "x", "y"]


def test_a_hold_that_lasts_hardly_longer_is_told_once() -> None:
    def refused(after: float) -> list[Free]:
        return [after, spent(60.0)]

    tasks = [task(name, refused(after), [1.0], backend="x") for name, after in (("a", 1.0), ("b", 1.2), ("c", 9.0))]
    story = tell(flow(*tasks, backends=[backend("x")]))
    assert [event.until for event in story.events(ev.BackendHeld)] == [61.0, 69.0, None]
    assert story.started("a")[-1] == 69.0


def test_a_call_of_an_agent_waits_and_is_made_again() -> None:
    outcomes = iter([spent(60.0), None])

    def once(_: Context) -> None:
        if (failure := next(outcomes)) is not None:
            raise failure

    story = tell(flow(agent("a", call(1.0), call(once)), backends=[backend("x")]))
    assert story.state("a") is State.SUCCEEDED
    assert story.waits("a") == [("quota", 61.0)]


def test_a_usage_limit_is_no_fault_of_the_backend() -> None:
    story = tell(flow(task("a", [spent(1.0)], [1.0], backend="x"), backends=[backend("x")]))
    assert story.run.backends["x"].failed == 0


# ── what a server says is left ──────────────────────────────────────────────────────────────────


def learning(*allowances: Allowance) -> Free:
    return lambda context: context.allowed(allowances)


def test_when_nothing_is_left_the_next_waits_for_the_window() -> None:
    learned = learning(Allowance("requests", 50, 0, 20.0))
    tasks = [task("a", [1.0, learned], backend="x"), task("b", [1.0], needs=["a"], backend="x")]
    story = tell(flow(*tasks, backends=[backend("x")]))
    assert story.waits("b") == [("rate_limit", 21.0)]
    assert story.started("b") == [21.0]


def test_what_is_left_is_counted_down() -> None:
    learned = learning(Allowance("requests", 50, 2, 20.0))
    later = [task(f"b{number}", [1.0], needs=["a"], backend="x") for number in range(3)]
    story = tell(flow(task("a", [learned], backend="x"), *later, backends=[backend("x")]))
    assert [story.started(one.id)[0] for one in later] == [0.0, 0.0, 20.0]
    labels = {one.label for event in story.events(ev.BackendGauge) for one in event.gauges}
    assert "server requests" in labels


def test_after_the_end_of_a_window_no_more_go_than_before() -> None:
    learned = learning(Allowance("requests", 2, 0, 20.0))
    later = [task(f"b{number}", [1.0], needs=["a"], backend="x") for number in range(5)]
    story = tell(flow(task("a", [learned], backend="x"), *later, backends=[backend("x")]))
    assert [story.started(one.id)[0] for one in later] == [20.0, 20.0, 40.0, 40.0, 60.0]


def test_of_a_limit_that_was_not_told_whole_nothing_is_known_after_its_window() -> None:
    learned = learning(Allowance("requests", None, 0, 20.0))
    later = [task(f"b{number}", [1.0], needs=["a"], backend="x") for number in range(3)]
    story = tell(flow(task("a", [learned], backend="x"), *later, backends=[backend("x")]))
    assert [story.started(one.id)[0] for one in later] == [20.0, 20.0, 20.0]


def test_calls_under_way_use_up_what_is_left() -> None:
    learned = learning(Allowance("requests", 4, 3, 20.0))
    busy = [task(f"b{number}", [5.0], backend="x") for number in range(2)]
    later = [task(f"c{number}", [1.0], needs=["a"], backend="x") for number in range(2)]
    story = tell(flow(*busy, task("a", [learned], backend="x"), *later, backends=[backend("x")]))
    assert [story.started(one.id)[0] for one in later] == [0.0, 20.0]


def test_a_limit_with_other_bounds_has_windows_of_its_own() -> None:
    def learned(context: Context) -> None:
        for allowance in (Allowance("requests", 100, 0, 3600.0), Allowance("requests", 1, 0, 10.0)):
            context.allowed((allowance,))

    later = [task(f"b{number}", [1.0], needs=["a"], backend="x") for number in range(2)]
    story = tell(flow(task("a", [learned], backend="x"), *later, backends=[backend("x")]))
    assert [story.started(one.id)[0] for one in later] == [10.0, 20.0]


def test_an_allowance_of_tokens_weighs_calls() -> None:
    learned = learning(Allowance("tokens", 1000, 100, 20.0))
    heavy = task("heavy", [1.0], needs=["a"], backend="x", tokens=200, budget=None)
    story = tell(flow(task("a", [learned], backend="x"), heavy, backends=[backend("x", rate_limits=LOOSE)]))
    assert story.started("heavy") == [20.0]


@pytest.mark.parametrize("reset", [None, 0.0])
def test_without_the_end_of_a_window_there_is_nothing_to_wait_for(reset: float | None) -> None:
    learned = learning(Allowance("requests", 50, 0, reset))
    tasks = [task("a", [learned], backend="x"), task("b", [1.0], needs=["a"], backend="x")]
    assert tell(flow(*tasks, backends=[backend("x")])).started("b") == [0.0]
