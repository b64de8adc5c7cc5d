"""What may be spent: reserved before a call, settled after it, and what happens when it is not enough."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelTask, RaiseBudget, TripBreaker
from orchestrator.core.errors import Code, ErrorKind
from orchestrator.core.flow import BudgetPolicy, FlowCall, ForEach, Group, OnExceeded, Price, Task
from orchestrator.core.states import Outcome, State
from orchestrator.engine import EngineOptions
from tests.engine.kit import Free, Setting, Usage, backend, busy, call, flow, task, tell

X = [backend("x")]
FAIL = OnExceeded.FAIL


def spends(name: str, asked: int, used: int, seconds: float = 1.0, **fields: Free) -> Task:
    return task(name, [seconds, Usage(used, 0)], tokens=asked, backend="x", **fields)


def test_a_call_reserves_what_it_may_use_and_settles_what_it_used() -> None:
    story = tell(flow(spends("a", 50, 20), backends=X, budget=BudgetPolicy(tokens=100)))
    (reserved,), (settled,) = story.events(ev.BudgetReserved), story.events(ev.BudgetSettled)
    assert (reserved.budget, reserved.tokens) == ("run", 50)
    assert (settled.tokens, settled.reserved_tokens) == (20, 50)
    assert story.run.budgets["run"].tokens == 20
    assert story.run.budgets["run"].reserved_tokens == 0


def test_what_does_not_fit_beside_calls_under_way_waits_for_them_to_settle() -> None:
    story = tell(flow(spends("a", 60, 10), spends("b", 60, 10), backends=X, budget=BudgetPolicy(tokens=100)))
    assert story.waits("b") == [("budget", None)]
    assert story.started("b") == [1.0]
    assert story.events(ev.BudgetExceeded) == []


def test_what_does_not_fit_beside_what_is_spent_is_held() -> None:
    held = flow(spends("a", 60, 60), spends("b", 60, 60, needs=["a"]), backends=X, budget=BudgetPolicy(tokens=100))
    story = tell(held, Setting(options=EngineOptions(stops_when_held=True)))
    assert story.run.outcome is Outcome.HELD
    assert story.state("b") is State.WAITING
    (exceeded,) = story.events(ev.BudgetExceeded)
    assert (exceeded.budget, exceeded.task, exceeded.rule) == ("run", "b", "hold")


def test_a_held_task_goes_on_when_its_budget_is_raised() -> None:
    held = flow(spends("a", 60, 60), spends("b", 60, 60, needs=["a"]), backends=X, budget=BudgetPolicy(tokens=100))
    story = tell(held, Setting([(50.0, RaiseBudget(budget="run", tokens=200))]))
    assert story.times(ev.RunHeld) == [1.0]
    assert story.started("b") == [50.0]
    assert story.run.budgets["run"].info.tokens == 200


def test_who_asks_for_too_much_holds_up_nobody_who_asks_for_less() -> None:
    tasks = [spends("a", 60, 60), spends("b", 60, 60, needs=["a"]), spends("c", 30, 30, needs=["a"])]
    story = tell(
        flow(*tasks, backends=X, budget=BudgetPolicy(tokens=100)),
        Setting([(50.0, RaiseBudget(budget="run", tokens=200))]),
    )
    assert story.started("c") == [1.0]


def test_who_asks_for_nothing_waits_for_nobody() -> None:
    tasks = [spends("a", 60, 0, 9.0), spends("b", 60, 0), task("c")]
    story = tell(flow(*tasks, backends=X, budget=BudgetPolicy(tokens=100)))
    assert story.started("c") == [0.0]


@pytest.mark.parametrize("rule", [OnExceeded.HOLD, FAIL])
def test_a_spent_budget_stops_nobody_who_spends_nothing(rule: OnExceeded) -> None:
    tasks = [spends("a", 60, 120), task("b", needs=["a"]), task("c", backend="x", needs=["a"])]
    story = tell(flow(*tasks, backends=X, budget=BudgetPolicy(tokens=100, cost_usd=1.0, on_exceeded=rule)))
    assert set(story.states().values()) == {"succeeded"}
    assert story.events(ev.BudgetExceeded, ev.RunHeld) == []


def test_an_agent_starts_under_a_spent_budget_and_is_held_at_its_first_call() -> None:
    agent = task("b", [2.0, call(Usage(10, 0), tokens=50)], kind="agentic", backend="x", needs=["a"])
    told = flow(spends("a", 60, 120), agent, backends=X, budget=BudgetPolicy(tokens=100))
    story = tell(told, Setting([(50.0, RaiseBudget(budget="run", tokens=200))]))
    assert (story.started("b"), story.times(ev.RunHeld), story.ended("b")) == ([1.0], [3.0], 50.0)


def test_when_the_time_is_over_those_are_held_too_who_spend_nothing_else() -> None:
    told = flow(task("a", [12.0]), task("b", needs=["a"]), budget=BudgetPolicy(time=10.0))
    story = tell(told, Setting([(50.0, RaiseBudget(budget="run", time=100.0))]))
    assert story.started("b") == [50.0]


def test_a_budget_that_says_fail_fails_the_task() -> None:
    policy = BudgetPolicy(tokens=100, on_exceeded=FAIL)
    story = tell(flow(spends("a", 60, 60), spends("b", 60, 60, needs=["a"], retries=5), backends=X, budget=policy))
    assert story.error("b").kind is ErrorKind.BUDGET
    assert story.error("b").code == Code.BUDGET
    assert story.started("b") == []


def test_a_budget_that_warns_lets_the_task_go() -> None:
    policy = BudgetPolicy(tokens=100, on_exceeded=OnExceeded.WARN)
    story = tell(flow(spends("a", 60, 60), spends("b", 60, 60, needs=["a"]), backends=X, budget=policy))
    assert story.state("b") is State.SUCCEEDED
    assert len(story.events(ev.BudgetExceeded)) == 1


def test_thresholds_are_told_once_each() -> None:
    tasks = [spends("a", 76, 76), spends("b", 16, 16, needs=["a"]), spends("c", 8, 8, needs=["b"])]
    story = tell(flow(*tasks, backends=X, budget=BudgetPolicy(tokens=100)))
    assert [event.percent for event in story.events(ev.BudgetThreshold)] == [75, 90, 100]


@pytest.mark.parametrize("outcome", ["timeout", "cancel"])
def test_a_call_of_which_nobody_knows_what_it_used_settles_its_reservation(outcome: str) -> None:
    hangs = task("a", [99.0], tokens=50, backend="x", attempt_timeout=5.0 if outcome == "timeout" else None)
    story = tell(flow(hangs, backends=X, budget=BudgetPolicy(tokens=100)), Setting([(6.0, CancelTask(task="a"))]))
    assert story.run.budgets["run"].tokens == 50


@pytest.mark.parametrize("outcome", ["timeout", "cancel"])
def test_a_call_that_told_what_it_used_before_it_was_stopped_settles_that(outcome: str) -> None:
    hangs = task(
        "a", [Usage(7, 0), 99.0], tokens=50, backend="x", attempt_timeout=5.0 if outcome == "timeout" else None
    )
    story = tell(flow(hangs, backends=X, budget=BudgetPolicy(tokens=100)), Setting([(6.0, CancelTask(task="a"))]))
    assert story.run.budgets["run"].tokens == 7


def test_a_call_that_failed_upstream_has_used_nothing_unless_it_says_so() -> None:
    story = tell(flow(task("a", [busy()], tokens=50, backend="x"), backends=X, budget=BudgetPolicy(tokens=100)))
    assert story.run.budgets["run"].tokens == 0


def test_dollars_are_counted_where_there_is_a_price() -> None:
    priced = [backend("x", price=Price(1_000_000.0, 2_000_000.0))]
    spender = task("a", [Usage(2, 3)], tokens=5, backend="x")
    story = tell(flow(spender, backends=priced, budget=BudgetPolicy(cost_usd=100.0)))
    assert story.run.budgets["run"].cost_usd == 8.0
    assert story.run.tally.cost_usd == 8.0


def test_what_cannot_be_priced_is_told_as_unpriced() -> None:
    story = tell(flow(task("a", [Usage(2, 3)], tokens=5, backend="x"), backends=X, budget=BudgetPolicy(tokens=100)))
    assert story.run.budgets["run"].unpriced_tokens == 5
    assert story.run.tally.unpriced_tokens == 5


def test_a_task_spends_from_its_own_budget_its_groups_and_the_runs() -> None:
    group = Group("g", budget=BudgetPolicy(tokens=200))
    spender = spends("a", 50, 20, group="g", budget=BudgetPolicy(tokens=100))
    story = tell(flow(spender, backends=X, groups=[group], budget=BudgetPolicy(tokens=300)))
    assert {name: budget.tokens for name, budget in story.run.budgets.items()} == {
        "task:a": 20,
        "group:g": 20,
        "run": 20,
    }


def test_the_tightest_budget_decides() -> None:
    group = Group("g", budget=BudgetPolicy(tokens=30, on_exceeded=FAIL))
    story = tell(
        flow(
            spends("a", 50, 20, group="g"),
            spends("b", 50, 20),
            backends=X,
            groups=[group],
            budget=BudgetPolicy(tokens=300),
        )
    )
    assert story.states() == {"a": "failed", "b": "succeeded"}


def test_instances_share_the_budget_of_their_fan_out() -> None:
    fanned = spends("a", 60, 10, fan_out=ForEach(["p", "q"]), budget=BudgetPolicy(tokens=100))
    story = tell(flow(fanned, backends=X))
    assert story.started("a[q]") == [1.0]


def test_the_tasks_of_a_sub_flow_spend_from_its_budget_too() -> None:
    inner = flow(spends("a", 60, 60), name="inner", budget=BudgetPolicy(tokens=100))
    outer = flow(
        task("sub", kind="flow", settings=FlowCall("inner.yaml")),
        flows={"sub": inner},
        backends=X,
        budget=BudgetPolicy(tokens=300),
    )
    story = tell(outer)
    assert {name: budget.tokens for name, budget in story.run.budgets.items()} == {"run": 60, "flow:sub": 60}


def test_time_is_a_budget_too() -> None:
    policy = BudgetPolicy(time=10.0, on_exceeded=FAIL)
    story = tell(flow(task("a", [12.0]), task("b", needs=["a"]), budget=policy))
    assert story.states() == {"a": "succeeded", "b": "failed"}
    assert [(event.unit, event.percent) for event in story.events(ev.BudgetThreshold)] == [
        ("time", 75),
        ("time", 90),
        ("time", 100),
    ]
    assert story.times(ev.BudgetThreshold) == [7.5, 9.0, 10.0]


def test_when_the_time_is_over_its_rule_is_for_those_too_who_wait_for_a_reservation() -> None:
    policy = BudgetPolicy(tokens=100, time=5.0, on_exceeded=FAIL)
    story = tell(flow(spends("a", 60, 60, 9.0), spends("b", 60, 60), backends=X, budget=policy))
    assert story.ended("b") == 5.0
    assert story.error("b").kind is ErrorKind.BUDGET


def test_a_budget_that_refuses_one_backend_leads_to_a_cheaper_one() -> None:
    dear, cheap = backend("x", price=Price(1e6, 1e6), fallback=("y",)), backend("y", price=Price(1.0, 1.0))
    story = tell(flow(spends("a", 50, 50), backends=[dear, cheap], budget=BudgetPolicy(cost_usd=1.0)))
    assert story.run.tasks["a"].backend == "y"


def test_raising_a_budget_lets_those_go_too_who_wait_elsewhere_for_want_of_it() -> None:
    specs = [backend("x", fallback=("y",), price=Price(0.0, 0.0)), backend("y", price=Price(1e6, 1e6))]
    commands = [(0.5, TripBreaker(backend="x")), (60.0, RaiseBudget(budget="run", cost_usd=1_000.0))]
    tasks = [task("wait", [1.0]), task("a", tokens=50, backend="x", needs=["wait"])]
    story = tell(flow(*tasks, backends=specs, budget=BudgetPolicy(cost_usd=1.0)), Setting(commands))
    assert story.times(ev.RunHeld) == [1.0]
    assert story.started("a") == [60.0]


def test_each_call_of_an_agent_reserves_and_settles_on_its_own() -> None:
    agent = task("a", [call(Usage(10, 0), tokens=50), call(Usage(20, 0), tokens=50)], kind="agentic", backend="x")
    story = tell(flow(agent, backends=X, budget=BudgetPolicy(tokens=100)))
    assert [event.tokens for event in story.events(ev.BudgetSettled)] == [10, 20]


def test_when_the_head_of_the_line_leaves_the_next_has_its_turn() -> None:
    tasks = [spends("a", 60, 0, 30.0), spends("b", 60, 0), spends("c", 30, 0)]
    told = flow(*tasks, backends=X, budget=BudgetPolicy(tokens=100))
    story = tell(told, Setting([(2.0, CancelTask(task="b"))]))
    assert story.waits("c") == [("budget", None)]
    assert story.started("c") == [2.0]
