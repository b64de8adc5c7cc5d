"""What becomes ready and what is doomed, beside a model that looks at everything anew each time."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.dependencies import Dependencies, Doomed, Ready, Settled
from orchestrator.core.flow import Condition, Need
from orchestrator.core.states import FINAL, State

OK = Settled(State.SUCCEEDED)
BAD = Settled(State.FAILED)


def chain(*tasks: str) -> Dependencies:
    """Return dependencies in which each task needs the one before it."""
    dependencies = Dependencies()
    for before, task in zip((None, *tasks), tasks, strict=False):
        dependencies.add(task, () if before is None else (Need(before),))
        dependencies.verdict(task)
    return dependencies


def test_a_task_without_needs_is_ready_at_once() -> None:
    dependencies = Dependencies()
    dependencies.add("a", ())
    assert dependencies.verdict("a") == Ready("a")


def test_a_task_is_ready_with_the_last_of_its_needs() -> None:
    dependencies = Dependencies()
    dependencies.add("c", (Need("a"), Need("b")))
    assert dependencies.verdict("c") is None
    assert dependencies.settle("a", OK) == []
    assert dependencies.settle("b", OK) == [Ready("c")]


def test_a_task_that_comes_late_finds_what_has_settled() -> None:
    dependencies = Dependencies()
    dependencies.settle("a", OK)
    dependencies.settle("b", BAD)
    dependencies.add("c", (Need("a"),))
    dependencies.add("d", (Need("a"), Need("b")))
    assert dependencies.verdict("c") == Ready("c")
    assert dependencies.verdict("d") == Doomed("d", "b", "b", "b failed")


def test_a_failed_need_dooms_at_once_whatever_else_is_open() -> None:
    dependencies = Dependencies()
    dependencies.add("c", (Need("a"), Need("b")))
    dependencies.verdict("c")
    assert dependencies.settle("b", BAD) == [Doomed("c", "b", "b", "b failed")]
    assert dependencies.settle("a", OK) == []


def test_a_chain_of_skips_names_where_it_began() -> None:
    dependencies = chain("a", "b", "c")
    dependencies.settle("a", BAD)
    assert dependencies.settle("b", Settled(State.SKIPPED, root="a")) == [Doomed("c", "b", "a", "b was skipped")]


def test_two_conditions_on_one_task_must_both_be_met() -> None:
    dependencies = Dependencies()
    for task, second in (("b", Condition.SETTLED), ("c", Condition.FAILED)):
        dependencies.add(task, (Need("a"), Need("a", second)))
        assert dependencies.verdict(task) is None
    assert dependencies.settle("a", OK) == [Ready("b"), Doomed("c", "a", "a", "a succeeded")]
    assert dependencies.dependants("a") == ("b", "c")


def test_dependants_are_those_directly_after() -> None:
    dependencies = chain("a", "b", "c")
    assert dependencies.dependants("a") == ("b",)
    assert dependencies.dependants("c") == ()


def test_a_reset_task_is_waited_for_again() -> None:
    dependencies = Dependencies()
    dependencies.add("c", (Need("a"), Need("b")))
    dependencies.verdict("c")
    dependencies.settle("a", OK)
    dependencies.reset(["a"])
    assert dependencies.settle("b", OK) == []
    assert dependencies.settle("a", OK) == [Ready("c")]


def test_what_keeps_a_task_from_starting_can_be_asked_at_any_time() -> None:
    dependencies = chain("a", "b")
    assert dependencies.doomed("b") is None
    assert not dependencies.is_settled("a")
    dependencies.settle("a", BAD)
    assert dependencies.is_settled("a")
    assert dependencies.doomed("b") == Doomed("b", "a", "a", "a failed")


@pytest.mark.parametrize("condition", Condition)
@pytest.mark.parametrize("state", sorted(FINAL))
def test_a_condition_is_met_by_what_it_says(condition: Condition, state: State) -> None:
    said = {
        Condition.SETTLED: True,
        Condition.NOT_SUCCEEDED: state is not State.SUCCEEDED,
    }.get(condition, state.value == condition.value)
    assert Settled(state).meets(condition) is said


def test_an_optional_failure_passes_for_a_success_and_is_still_a_failure() -> None:
    assert Settled(State.FAILED, optional=True).meets(Condition.SUCCEEDED)
    assert Settled(State.FAILED, optional=True).meets(Condition.FAILED)
    assert not Settled(State.CANCELLED, optional=True).meets(Condition.SUCCEEDED)


def test_those_who_need_what_was_left_out_go_on() -> None:
    assert Settled(State.SKIPPED, left_out=True).meets(Condition.SUCCEEDED)
    assert not Settled(State.SKIPPED, left_out=True).meets(Condition.FAILED)


# ── any schedule ──


@dataclass
class Model:
    """Knows all needs and all that has settled, and looks at everything each time."""

    needs: dict[str, tuple[Need, ...]]
    settled: dict[str, Settled] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)

    def word(self, task: str) -> str | None:
        found = [self.settled.get(need.task) for need in self.needs[task]]
        pairs = [(need, how) for need, how in zip(self.needs[task], found, strict=True) if how is not None]
        if not all(how.meets(need.condition) for need, how in pairs):
            return "doomed"
        return "ready" if len(pairs) == len(found) else None

    def judge(self, task: str) -> str | None:
        word = self.word(task)
        self.waiting -= {task}
        self.waiting |= {task} if word is None else set()
        return word

    def settle(self, task: str, how: Settled) -> dict[str, str]:
        self.settled[task] = how
        words = {other: self.word(other) for other in sorted(self.waiting)}
        told = {other: word for other, word in words.items() if word is not None}
        self.waiting -= set(told)
        return told

    def reset(self, tasks: list[str]) -> None:
        for task in tasks:
            self.settled.pop(task, None)
            self.waiting -= {task}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[Need, ...]]:
    """Draw who needs whom, and how; needs point back only."""
    graph: dict[str, tuple[Need, ...]] = {}
    for number in range(draw(st.integers(1, 7))):
        need = st.builds(Need, st.integers(0, max(0, number - 1)).map("t{}".format), st.sampled_from(Condition))
        graph[f"t{number}"] = tuple(draw(st.lists(need, max_size=4 if number else 0)))
    return graph


HOW = st.builds(Settled, st.sampled_from(sorted(FINAL)), st.booleans())


@settings(max_examples=100, deadline=None)
@given(graphs(), st.data())
def test_any_schedule_goes_as_the_model_says(graph: dict[str, tuple[Need, ...]], data: st.DataObject) -> None:
    dependencies, model = Dependencies(), Model(graph)
    for task, needs in graph.items():
        dependencies.add(task, needs)
        assert word_of(dependencies.verdict(task)) == model.judge(task)
    for _ in range(data.draw(st.integers(0, 20))):
        open_tasks = sorted(set(graph) - set(model.settled))
        settles = data.draw(st.booleans())
        if settles and open_tasks:
            settle(dependencies, model, data.draw(st.sampled_from(open_tasks)), data.draw(HOW))
        else:
            reset(dependencies, model, data.draw(st.lists(st.sampled_from(sorted(graph)), unique=True)))


def settle(dependencies: Dependencies, model: Model, task: str, how: Settled) -> None:
    told = {verdict.task: word_of(verdict) for verdict in dependencies.settle(task, how)}
    assert told == model.settle(task, how)


def reset(dependencies: Dependencies, model: Model, tasks: list[str]) -> None:
    dependencies.reset(tasks)
    model.reset(tasks)
    for task in tasks:
        assert word_of(dependencies.verdict(task)) == model.judge(task)


def word_of(verdict: Ready | Doomed | None) -> str | None:
    return None if verdict is None else type(verdict).__name__.lower()
