"""Limits that can be changed while the run goes on."""

from __future__ import annotations

import pytest

from orchestrator.core import commands as ask
from orchestrator.core import events as ev
from orchestrator.core.states import Reason
from orchestrator.tui.limits import Limit, Unit, first_choice, limits
from orchestrator.tui.rows import Kind, Row
from tests.tui.scene import Scene, research


def labels(scene: Scene) -> list[str]:
    return [limit.label for limit in limits(scene.run, scene.at)]


def meant(scene: Scene, row: Row | None) -> str:
    found = limits(scene.run, scene.at)
    return found[first_choice(scene.run, found, row)].label


def on(scene: Scene, task: str) -> Row:
    return Row(Kind.TASK, task, scene.run.tasks[task].group, 1)


def test_every_limit_of_a_run_is_there() -> None:
    assert labels(research()) == [
        "run, at once",
        *(f"group {name}, at once" for name in ("plan", "research", "scrape", "survey", "review")),
        *(f"backend {name}, at once" for name in ("claude/sonnet", "web-fetch", "openai")),
        "budget, cost",
        "budget, tokens",
        "budget, time",
    ]


def test_what_holds_things_up_is_meant_first() -> None:
    scene = research()
    assert meant(scene, on(scene, "research[funding]")) == "group research, at once"
    assert meant(scene, Row(Kind.GROUP, "survey", "survey")) == "group survey, at once"
    assert meant(scene, on(scene, "survey-eu")) == "run, at once"
    assert meant(scene, None) == "run, at once"
    scene.tell(ev.ConcurrencySet("backend:openai", 4))
    assert meant(scene, on(scene, "survey-eu")) == "backend openai, at once"
    scene.waits("publish", Reason.SLOT, gate="run")
    assert meant(scene, on(scene, "publish")) == "run, at once"
    scene.waits("publish", Reason.SLOT, gate="openai")
    assert meant(scene, on(scene, "publish")) == "backend openai, at once"
    scene.waits("publish", Reason.BUDGET, gate="run")
    assert meant(scene, on(scene, "publish")) == "budget, cost"
    scene.tell(ev.BudgetExceeded("run", "plan", "hold", "cost is spent"))
    assert meant(scene, on(scene, "plan")) == "budget, cost"


@pytest.mark.parametrize(
    ("unit", "value", "up", "down"),
    [
        (Unit.TASKS, 3.0, 4.0, 2.0),
        (Unit.TASKS, 1.0, 2.0, 1.0),
        (Unit.TASKS, None, None, 7.0),
        (Unit.COST, 10.0, 12.0, 10.0),
        (Unit.COST, 0.0, 0.01, 0.0),
        (Unit.TOKENS, 1_000_000.0, 1_200_000.0, 1_000_000.0),
        (Unit.TIME, 1800.0, 2200.0, 1800.0),
    ],
)
def test_steps_are_round_and_budgets_are_only_raised(
    unit: Unit, value: float | None, up: float | None, down: float | None
) -> None:
    limit = Limit("run", "", unit, value, 7.0)
    assert limit.stepped(value, 1) == up
    assert limit.stepped(value, -1) == down


def test_a_step_back_from_a_raised_budget_leads_to_where_it_was() -> None:
    limit = Limit("run", "", Unit.COST, 10.0, 3.0)
    assert limit.stepped(limit.stepped(10.0, 1), -1) == 10.0


@pytest.mark.parametrize(
    ("unit", "order"),
    [
        (Unit.TASKS, ask.SetConcurrency(id="", scope="group:a", limit=4)),
        (Unit.COST, ask.RaiseBudget(id="", budget="group:a", cost_usd=4.0)),
        (Unit.TOKENS, ask.RaiseBudget(id="", budget="group:a", tokens=4)),
        (Unit.TIME, ask.RaiseBudget(id="", budget="group:a", time=4.0)),
    ],
)
def test_each_unit_has_its_order(unit: Unit, order: ask.Command) -> None:
    made = Limit("group:a", "", unit, 1.0, 0.0).order(4.0)
    assert type(made)(**{**{name: getattr(made, name) for name in _fields(made)}, "id": ""}) == order


def _fields(order: ask.Command) -> list[str]:
    return [name for name in ("scope", "limit", "budget", "cost_usd", "tokens", "time", "by") if hasattr(order, name)]


def test_values_are_written_as_people_do() -> None:
    found = {limit.label: limit for limit in limits(research().run, 60.0)}
    cost, group = found["budget, cost"], found["group plan, at once"]
    assert (cost.words(cost.value), cost.unit.words(cost.used)) == ("$10.00", "$3.42")
    assert group.words(group.value) == "no bound"
    assert found["budget, time"].words(1800.0) == "30:00"
