"""A run is held when nothing runs and every wait needs a person: a wait with an end is never held."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import (
    Approve,
    CancelRun,
    Drain,
    PauseRun,
    PauseTask,
    RaiseBudget,
    UnpauseRun,
    UnpauseTask,
)
from orchestrator.core.flow import Approval, BudgetPolicy, Condition, FlowCall, ForEach, Need, RateLimit
from orchestrator.core.states import Outcome, State
from orchestrator.engine import EngineOptions
from tests.engine.kit import Free, Setting, Usage, backend, busy, call, flow, task, tell

GO = Approval("Go?")
UNWATCHED = EngineOptions(stops_when_held=True)
LATE = 60.0


def test_a_run_that_only_waits_for_an_answer_is_held_and_says_so() -> None:
    story = tell(flow(task("a", approval=GO), task("b", [3.0])), Setting([(LATE, Approve(task="a"))]))
    (held,) = story.events(ev.RunHeld)
    assert held.waits == ("a: approval",)
    assert story.times(ev.RunHeld) == [3.0]
    assert story.run.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    "other",
    [
        task("b", [busy()], [], retries=2),
        task("b", approval=Approval("Go?", timeout=9.0)),
        task("b", [9.0]),
    ],
)
def test_a_run_in_which_anything_goes_on_by_itself_is_not_held_yet(other: Free) -> None:
    story = tell(flow(task("a", approval=GO), other), Setting(options=UNWATCHED))
    assert story.run.tasks["b"].is_final
    assert story.times(ev.RunHeld) == [story.ended("b")]


def test_waiting_for_a_rate_is_no_hold() -> None:
    spec = backend("x", rate_limits=(RateLimit(50.0, requests=1, burst=1),))
    story = tell(flow(task("a", backend="x"), task("b", backend="x"), backends=[spec]), Setting(options=UNWATCHED))
    assert story.run.outcome is Outcome.SUCCEEDED


def test_a_run_is_held_again_when_it_waits_for_somebody_again() -> None:
    tasks = [task("a", approval=GO), task("b", approval=GO, needs=["a"])]
    story = tell(flow(*tasks), Setting([(5.0, Approve(task="a")), (9.0, Approve(task="b"))]))
    assert story.times(ev.RunHeld) == [0.0, 5.0]


def test_a_paused_run_is_held_and_paused_still_when_something_moves() -> None:
    tasks = [task("a", approval=GO), task("b", approval=Approval("Go?"), needs=["a"])]
    commands = [(1.0, PauseRun()), (2.0, Approve(task="a")), (LATE, UnpauseRun()), (LATE + 1, Approve(task="b"))]
    story = tell(flow(*tasks), Setting(commands))
    assert story.waits("a") == [("approval", None), ("paused", None)]
    assert story.started("a") == [LATE]


def test_a_budget_that_only_a_person_can_raise_holds() -> None:
    spends = [Usage(60, 0)]
    tasks = [task("a", spends, tokens=60, backend="x"), task("b", spends, tokens=60, backend="x", needs=["a"])]
    told = flow(*tasks, backends=[backend("x")], budget=BudgetPolicy(tokens=100))
    story = tell(told, Setting([(LATE, RaiseBudget(budget="run", tokens=200))]))
    assert story.events(ev.RunHeld)[0].waits == ("b: budget",)


def test_an_agent_that_waits_for_a_person_holds_the_run() -> None:
    agent = task("a", [call(Usage(60, 0), tokens=60), call(tokens=60)], kind="agentic", backend="x")
    told = flow(agent, backends=[backend("x")], budget=BudgetPolicy(tokens=100))
    story = tell(told, Setting([(LATE, RaiseBudget(budget="run", tokens=200))]))
    assert story.times(ev.RunHeld) == [0.0]
    assert story.ended("a") == LATE
    unwatched = tell(told, Setting(options=UNWATCHED))
    assert unwatched.run.outcome is Outcome.HELD


def test_who_waits_for_a_place_that_a_held_sub_flow_has_does_not_keep_the_run_going() -> None:
    inner = flow(task("ask", approval=GO), name="inner")
    fanned = task("sub", kind="flow", settings=FlowCall("inner.yaml"), fan_out=ForEach(["p", "q"], max_concurrency=1))
    story = tell(flow(fanned, flows={"sub": inner}), Setting(options=UNWATCHED))
    assert story.run.outcome is Outcome.HELD
    assert story.waits("sub[q]") == [("slot", None)]


def test_a_paused_task_holds_the_run_that_waits_for_it() -> None:
    commands = [(0.5, PauseTask(task="b")), (LATE, UnpauseTask(task="b"))]
    story = tell(flow(task("a", [1.0]), task("b", needs=["a"])), Setting(commands))
    assert story.times(ev.RunHeld) == [1.0]


def test_a_run_that_is_being_cancelled_is_not_held() -> None:
    tidy = task("tidy", approval=GO, always=True, needs=[Need("a", Condition.SETTLED)])
    story = tell(flow(task("a", [99.0]), tidy), Setting([(1.0, CancelRun())], EngineOptions()))
    assert story.events(ev.RunHeld) == []
    assert story.ended("tidy") == 61.0


def test_unwatched_a_drained_run_does_not_wait_for_answers() -> None:
    tidy = task("tidy", approval=GO, always=True, needs=[Need("a", Condition.SETTLED)])
    story = tell(flow(task("a", [5.0]), tidy), Setting([(1.0, Drain())], UNWATCHED))
    assert story.state("tidy") is State.CANCELLED
    assert story.run.at == 5.0


def test_a_run_that_ends_held_leaves_the_outputs_of_what_finished() -> None:
    told = flow(task("a", [{"value": 1}]), task("b", approval=GO), outputs={"a": "{{ a }}", "b": "{{ b }}"})
    (finished,) = tell(told, Setting(options=UNWATCHED)).events(ev.RunFinished)
    assert (finished.outcome, finished.outputs) == (Outcome.HELD, {"a": 1, "b": None})


def test_a_held_run_can_be_cancelled() -> None:
    story = tell(flow(task("a", approval=GO)), Setting([(LATE, CancelRun())]))
    assert story.run.outcome is Outcome.CANCELLED
