"""Flows inside flows: what they are called, what they share, and what becomes of the task that stands for them."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelTask, PauseTask, RerunFrom, RetryTask, SetConcurrency, UnpauseTask
from orchestrator.core.errors import Code, FlowError, Problem, WorkError
from orchestrator.core.flow import (
    BreakerPolicy,
    BudgetPolicy,
    Condition,
    Flow,
    FlowCall,
    ForEach,
    Need,
    OnExceeded,
    RateLimit,
    Task,
)
from orchestrator.core.states import Outcome, State
from orchestrator.engine import EngineOptions
from tests.engine.kit import Free, Setting, backend, busy, flow, task, tell

BROKEN = WorkError("it broke")
FOREVER = 10_000.0


def sub(name: str = "sub", **fields: Free) -> Task:
    settings = FlowCall("inner.yaml", fields.pop("inputs", {}))
    return task(name, kind="flow", settings=settings, **fields)


def inner(*tasks: Task, **fields: Free) -> Flow:
    return flow(*tasks, **{"name": "inner", **fields})


def test_the_tasks_of_a_sub_flow_are_named_after_its_task() -> None:
    story = tell(flow(sub(), flows={"sub": inner(task("a"), task("b", needs=["a"]))}))
    assert story.states() == {"sub": "succeeded", "sub/a": "succeeded", "sub/b": "succeeded"}
    assert story.events(ev.TaskExpanded)[0].instances == ("sub/a", "sub/b")


def test_sub_flows_nest() -> None:
    deepest = inner(task("x", text="{{ inputs.word }}"), outputs={"word": "{{ x.text }}!"})
    middle = inner(
        sub("deep", inputs={"word": "{{ inputs.word }}?"}), flows={"deep": deepest}, outputs={"word": "{{ deep.word }}"}
    )
    outer = flow(sub(inputs={"word": "hm"}), flows={"sub": middle}, outputs={"word": "{{ sub.word }}"})
    story = tell(outer)
    assert "sub/deep/x" in story.states()
    assert story.events(ev.RunFinished)[0].outputs == {"word": "hm?!"}


def test_a_sub_flow_starts_when_what_its_task_needs_has_succeeded() -> None:
    story = tell(
        flow(
            task("first", [2.0]),
            sub(needs=["first"]),
            task("last", needs=["sub"]),
            flows={"sub": inner(task("a", [3.0]))},
        )
    )
    assert story.started("sub/a") == [2.0]
    assert story.started("last") == [5.0]


def test_a_sub_flow_gets_what_its_inputs_render_to() -> None:
    given = sub(inputs={"word": "{{ first }}"}, needs=["first"])
    story = tell(
        flow(task("first", [{"value": "hello"}]), given, flows={"sub": inner(task("a", text="{{ inputs.word }}"))})
    )
    assert story.output("sub/a")["text"] == "hello"


def test_inputs_that_do_not_render_or_are_refused_fail_its_task_alone() -> None:
    def refuse(_flow: Flow, _values: object) -> dict[str, object]:
        raise FlowError(Problem("input 'word' is missing"))

    story = tell(flow(sub(inputs={"word": "{{ nobody }}"}), task("b"), flows={"sub": inner(task("a"))}))
    assert story.states() == {"sub": "failed", "b": "succeeded"}
    story = tell(flow(sub(), task("b"), flows={"sub": inner(task("a"))}), Setting(parts={"resolve_inputs": refuse}))
    assert story.error("sub").code == Code.INPUT_VALUE


def test_its_outputs_are_those_of_its_file_and_null_where_a_task_did_not_finish() -> None:
    tasks = task("a", [{"value": 1}]), task("b", [BROKEN], optional=True)
    outputs = {"one": "{{ a }}", "two": "{{ b.nothing }}"}
    after = task("after", text="{{ sub.one }} {{ sub.two is none }}", needs=["sub"])
    story = tell(flow(sub(), after, flows={"sub": inner(*tasks, outputs=outputs)}))
    assert story.output("after")["text"] == "1 true"


def test_an_output_of_its_that_cannot_be_rendered_is_told_of_by_its_task() -> None:
    story = tell(flow(sub(), flows={"sub": inner(task("a"), outputs={"one": "{{ 1/0 }}"})}))
    assert story.events(ev.RunFinished)[0].unrendered.keys() == {"sub/one"}


def test_its_bare_name_stands_for_all_its_outputs() -> None:
    after = task("after", text="{{ sub | json }}", needs=["sub"])
    outer = flow(
        sub(),
        after,
        flows={"sub": inner(task("a", [{"value": 1}]), outputs={"one": "{{ a }}"})},
        outputs={"all": "{{ sub }}"},
    )
    story = tell(outer)
    assert story.output("after")["text"] == '{"one":1}'
    assert story.events(ev.RunFinished)[0].outputs == {"all": {"one": 1}}


@pytest.mark.parametrize("template", ["{{ sub.all }}", "{{ sub.more }}", "{{ sub }}", "{{ sub | json }}"])
def test_an_output_that_memory_cut_inside_cannot_be_used_outside(template: str) -> None:
    inside = inner(task("big", [{"value": "x" * 50}]), outputs={"all": "{{ big }}", "more": "so: {{ big }}", "n": 1})
    after = task("after", text=template, needs=["sub"]), task("n", text="{{ sub.n }}", needs=["sub"])
    outer = flow(sub(), *after, flows={"sub": inside}, outputs={"again": "{{ sub.all }}"})
    story = tell(outer, Setting(options=EngineOptions(max_output=12)))
    assert story.states() == {"sub": "succeeded", "after": "failed", "n": "succeeded", "sub/big": "succeeded"}
    assert "all of it is in sub/big.1.value" in story.error("after").message
    assert "all of it is in sub/big.1.value" in story.events(ev.RunFinished)[0].outputs["again"]


def test_its_bare_name_is_null_when_it_did_not_finish() -> None:
    after = task("after", text="{{ sub is none }}", needs=[Need("sub", Condition.SETTLED)])
    story = tell(flow(sub(), after, flows={"sub": inner(task("a", [BROKEN]), outputs={"one": "{{ a }}"})}))
    assert story.output("after")["text"] is True


def test_its_outputs_hold_no_secrets() -> None:
    secrets = {"T": "hunter2-hunter2"}
    story = tell(
        flow(sub(), flows={"sub": inner(task("a"), outputs={"t": "{{ secrets.T }}"})}),
        Setting(parts={"inner_secrets": lambda _: secrets, "hidden": frozenset(secrets.values())}),
    )
    assert story.output("sub") == {"t": "***"}


def test_a_failed_task_inside_fails_its_task_when_all_have_ended() -> None:
    story = tell(flow(sub(), task("after", needs=["sub"]), flows={"sub": inner(task("a", [BROKEN]), task("b", [3.0]))}))
    assert story.states() == {"sub": "failed", "after": "skipped", "sub/a": "failed", "sub/b": "succeeded"}
    assert story.ended("sub") == 3.0


def test_what_happens_in_an_optional_sub_flow_only_degrades_the_run() -> None:
    story = tell(flow(sub(optional=True), task("after", needs=["sub"]), flows={"sub": inner(task("a", [BROKEN]))}))
    assert story.state("after") is State.SUCCEEDED
    assert story.run.outcome is Outcome.DEGRADED


def test_too_many_tasks_fail_the_task_alone() -> None:
    story = tell(
        flow(sub(), task("b"), flows={"sub": inner(*(task(f"t{n}") for n in range(9)))}),
        Setting(options=EngineOptions(max_tasks=10)),
    )
    assert story.states() == {"sub": "failed", "b": "succeeded"}


def test_a_sub_flow_of_which_nothing_had_to_run_succeeds() -> None:
    story = tell(flow(sub(), flows={"sub": inner(task("a", when="1 > 2"), task("b", needs=["a"]))}))
    assert story.state("sub") is State.SUCCEEDED


# ── what is shared ──────────────────────────────────────────────────────────────────────────────


def test_its_tasks_count_in_the_concurrency_of_the_run() -> None:
    story = tell(flow(sub(), task("b", [1.0]), flows={"sub": inner(task("a", [1.0]))}, max_concurrency=1))
    assert sorted([*story.started("b"), *story.started("sub/a")]) == [0.0, 1.0]


def test_a_backend_of_its_own_has_its_own_breaker() -> None:
    own = backend("x", breaker=BreakerPolicy(failure_threshold=1))
    story = tell(flow(sub(), flows={"sub": inner(task("a", [busy()], backend="x"), backends=[own])}))
    assert list(story.run.backends) == ["sub/x"]
    assert str(story.run.backends["sub/x"].breaker) == "open"


def test_a_backend_that_the_outer_flow_declares_is_shared() -> None:
    spec = backend("x", rate_limits=(RateLimit(10.0, requests=1, burst=1),))
    inside = inner(task("a", backend="x"), backends=[backend("x")])
    story = tell(flow(sub(), task("b", backend="x"), flows={"sub": inside}, backends=[spec]))
    assert list(story.run.backends) == ["x"]
    assert sorted([*story.started("b"), *story.started("sub/a")]) == [0.0, 10.0]


# ── fan-outs of sub-flows ───────────────────────────────────────────────────────────────────────


def test_a_fan_out_of_sub_flows_makes_one_for_each_item() -> None:
    fanned = sub(fan_out=ForEach(["p", "q"]), inputs={"word": "{{ item }}"})
    inside = inner(task("a", text="{{ inputs.word }}"), outputs={"word": "{{ a.text }}"})
    after = task("after", text="{{ sub | map(attribute='word') | join }}", needs=["sub"])
    story = tell(flow(fanned, after, flows={"sub": inside}))
    assert story.output("sub[q]/a")["text"] == "q"
    assert story.output("after")["text"] == "pq"


def test_no_more_sub_flows_go_on_at_once_than_the_fan_out_says() -> None:
    fanned = sub(fan_out=ForEach(["p", "q"], max_concurrency=1))
    story = tell(flow(fanned, flows={"sub": inner(task("a", [2.0]), task("b", [2.0], needs=["a"]))}))
    assert story.started("sub[q]/a") == [4.0]


def test_a_person_can_let_more_go_on_at_once() -> None:
    fanned = sub(fan_out=ForEach(["p", "q", "r"], max_concurrency=1))
    story = tell(
        flow(fanned, flows={"sub": inner(task("a", [5.0]))}),
        Setting([(1.0, SetConcurrency(scope="task:sub", limit=2))]),
    )
    assert [story.started(f"sub[{name}]/a") for name in "pqr"] == [[0.0], [1.0], [5.0]]


def test_instances_share_a_sub_flows_own_backend() -> None:
    own = backend("x", max_concurrency=1)
    story = tell(
        flow(sub(fan_out=ForEach(["p", "q"])), flows={"sub": inner(task("a", [1.0], backend="x"), backends=[own])})
    )
    assert list(story.run.backends) == ["sub/x"]
    assert [story.started(f"sub[{name}]/a") for name in "pq"] == [[0.0], [1.0]]


def test_a_fan_out_inside_a_sub_flow_has_its_own_names() -> None:
    story = tell(flow(sub(), flows={"sub": inner(task("a", fan_out=ForEach(["p", "q"])))}))
    assert "sub/a[q]" in story.states()


# ── commands ────────────────────────────────────────────────────────────────────────────────────


def test_cancelling_its_task_stops_all_of_it() -> None:
    inside = inner(task("a", [FOREVER]), task("b", needs=["a"]))
    story = tell(flow(sub(), task("c", [5.0]), flows={"sub": inside}), Setting([(1.0, CancelTask(task="sub"))]))
    assert story.states() == {"sub": "cancelled", "c": "succeeded", "sub/a": "cancelled", "sub/b": "cancelled"}


def test_pausing_its_task_pauses_what_would_start_in_it() -> None:
    inside = inner(task("a", [2.0]), task("b", [1.0], needs=["a"]))
    story = tell(
        flow(sub(), flows={"sub": inside}), Setting([(1.0, PauseTask(task="sub")), (9.0, UnpauseTask(task="sub"))])
    )
    assert story.waits("sub/b") == [("paused", None)]
    assert story.started("sub/b") == [9.0]


def test_retrying_its_task_retries_what_failed_in_it() -> None:
    inside = inner(task("a", [2.0]), task("b", [BROKEN], [1.0], needs=["a"]), task("c", needs=["b"]))
    story = tell(flow(sub(), flows={"sub": inside}), Setting([(9.0, RetryTask(task="sub"))], leaves_at=20.0))
    assert story.started("sub/a") == [0.0]
    assert story.started("sub/b") == [2.0, 9.0]
    assert set(story.states().values()) == {"succeeded"}


def test_retrying_a_task_inside_opens_its_task_again() -> None:
    inside = inner(task("a", [BROKEN], [1.0]))
    outer = flow(sub(), task("after", needs=["sub"]), flows={"sub": inside})
    story = tell(outer, Setting([(9.0, RetryTask(task="sub/a"))], leaves_at=20.0))
    assert story.states() == {"sub": "succeeded", "after": "succeeded", "sub/a": "succeeded"}


def test_rerunning_its_task_runs_all_of_it_again() -> None:
    inside = inner(task("a", [1.0]), task("b", [1.0], needs=["a"], fan_out=ForEach(["p"])))
    story = tell(flow(sub(), flows={"sub": inside}), Setting([(9.0, RerunFrom(task="sub"))], leaves_at=20.0))
    assert story.started("sub/a") == [0.0, 9.0]
    assert story.started("sub/b[p]") == [1.0, 10.0]
    assert set(story.states().values()) == {"succeeded"}


def test_rerunning_what_feeds_a_sub_flow_gives_it_the_new_inputs() -> None:
    first = task("first", [{"value": "old"}], [{"value": "new"}])
    outer = flow(
        first,
        sub(inputs={"word": "{{ first }}"}, needs=["first"]),
        flows={"sub": inner(task("a", text="{{ inputs.word }}"))},
    )
    story = tell(outer, Setting([(9.0, RerunFrom(task="first"))], leaves_at=20.0))
    assert [event.output["text"] for event in story.events(ev.TaskSucceeded, task="sub/a")] == ["old", "new"]


def test_running_one_of_a_fan_out_of_sub_flows_again_takes_one_place() -> None:
    fanned = sub(fan_out=ForEach(["p", "q"], max_concurrency=1))
    inside = inner(task("a", [1.0]))
    for command in (RerunFrom(task="sub[p]"), RerunFrom(task="sub[p]/a")):
        story = tell(flow(fanned, flows={"sub": inside}), Setting([(9.0, command)], leaves_at=20.0))
        assert story.started("sub[p]/a") == [0.0, 9.0]
        assert set(story.states().values()) == {"succeeded"}


def test_the_budget_of_a_sub_flows_task_bounds_what_its_tasks_spend() -> None:
    spender = inner(task("spend", [1.0], tokens=30, backend="b"), backends=[backend("b")])
    bounded = sub(budget=BudgetPolicy(tokens=10, on_exceeded=OnExceeded.FAIL))
    story = tell(flow(bounded, flows={"sub": spender}))
    assert story.error("sub/spend").code == Code.BUDGET
