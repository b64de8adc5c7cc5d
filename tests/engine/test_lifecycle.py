"""From declared to ended: what follows what, and how a run is judged."""

from collections.abc import Mapping
from typing import ClassVar

import pytest

from orchestrator.core import events as ev
from orchestrator.core.errors import ErrorKind, FlowError, WorkError
from orchestrator.core.flow import BackendSpec, Condition, RateLimit
from orchestrator.core.ports import Context, Estimate, Scope
from orchestrator.core.states import Outcome, State
from orchestrator.engine import EngineOptions
from tests.engine.kit import KINDS, Free, Need, Scripted, Setting, backend, busy, flow, task, tell

BROKEN = WorkError("it broke")


def test_a_task_starts_the_moment_what_it_needs_has_succeeded() -> None:
    story = tell(flow(task("short", [1.0]), task("long", [3.0]), task("after", needs=["short"])))
    assert story.started("after") == [1.0]


def test_tasks_that_need_nothing_run_side_by_side() -> None:
    story = tell(flow(*(task(name, [5.0]) for name in "abc")))
    assert story.run.at == 5.0


def test_a_task_that_needs_several_waits_for_the_last() -> None:
    story = tell(flow(task("a", [1.0]), task("b", [4.0]), task("c", needs=["a", "b"])))
    assert story.started("c") == [4.0]


def test_a_task_may_be_declared_before_what_it_needs() -> None:
    story = tell(flow(task("after", needs=["before"]), task("before", [2.0])))
    assert story.started("after") == [2.0]


def test_what_a_failed_task_fed_is_skipped_and_knows_where_that_began() -> None:
    story = tell(flow(task("a", [BROKEN]), task("b", needs=["a"]), task("c", needs=["b"]), task("other")))
    assert story.states() == {"a": "failed", "b": "skipped", "c": "skipped", "other": "succeeded"}
    assert [event.cause for event in story.events(ev.TaskSkipped)] == ["a", "a"]
    assert [event.because for event in story.events(ev.TaskSkipped)] == ["a failed", "b was skipped"]


def test_a_chain_of_a_thousand_skips_costs_no_recursion() -> None:
    links = [task(f"t{n}", needs=[f"t{n - 1}"]) for n in range(1, 1500)]
    story = tell(flow(task("t0", [BROKEN]), *links))
    assert story.run.tasks["t1499"].cause == "t0"


@pytest.mark.parametrize(
    ("condition", "after_success", "after_failure", "after_skip"),
    [
        (Condition.SUCCEEDED, "succeeded", "skipped", "skipped"),
        (Condition.FAILED, "skipped", "succeeded", "skipped"),
        (Condition.SKIPPED, "skipped", "skipped", "succeeded"),
        (Condition.SETTLED, "succeeded", "succeeded", "succeeded"),
        (Condition.NOT_SUCCEEDED, "skipped", "succeeded", "succeeded"),
    ],
)
def test_a_need_says_how_a_task_must_have_settled(
    condition: Condition, after_success: str, after_failure: str, after_skip: str
) -> None:
    story = tell(
        flow(
            task("well"),
            task("badly", [BROKEN]),
            task("not_at_all", when="1 > 2"),
            *(task(f"after_{name}", needs=[Need(name, condition)]) for name in ("well", "badly", "not_at_all")),
        )
    )
    found = [str(story.state(f"after_{name}")) for name in ("well", "badly", "not_at_all")]
    assert found == [after_success, after_failure, after_skip]


def test_when_that_is_false_skips_the_task_and_what_needs_it() -> None:
    story = tell(flow(task("a", when="1 > 2"), task("b", needs=["a"])))
    assert story.states() == {"a": "skipped", "b": "skipped"}
    assert story.run.outcome is Outcome.SUCCEEDED


def test_when_is_asked_once_what_the_task_needs_has_settled() -> None:
    story = tell(flow(task("a", [{"value": 7}]), task("b", needs=["a"], when="a == 7")))
    assert story.state("b") is State.SUCCEEDED


def test_when_that_is_no_boolean_fails_the_task() -> None:
    story = tell(flow(task("a", when="'yes'")))
    assert story.error("a").kind is ErrorKind.INPUT
    assert "no boolean" in story.error("a").message


def test_a_task_that_cannot_be_rendered_fails_alone() -> None:
    story = tell(flow(task("a", text="{{ nobody }}"), task("b"), task("c", needs=["a"])))
    assert story.states() == {"a": "failed", "b": "succeeded", "c": "skipped"}
    assert story.error("a").kind is ErrorKind.INPUT
    assert story.error("a").message == "unknown name 'nobody'"


def test_what_a_task_leaves_behind_is_seen_by_those_after_it() -> None:
    story = tell(flow(task("a", [{"value": "hello"}]), task("b", text="{{ a }} and {{ a.state }}", needs=["a"])))
    assert story.output("b")["text"] == "hello and succeeded"


def test_the_outputs_of_a_flow_are_null_where_a_task_did_not_finish() -> None:
    story = tell(flow(task("a", [{"value": 1}]), task("b", [BROKEN]), outputs={"a": "{{ a }}", "b": "{{ b.nothing }}"}))
    (finished,) = story.events(ev.RunFinished)
    assert finished.outputs == {"a": 1, "b": None}
    assert finished.unrendered == {}


def test_an_output_that_cannot_be_rendered_is_null_and_its_reason_told() -> None:
    outputs = {"a": "{{ a }}", "b": "{{ 1/0 }}", "c": "{{ a.value[9] }}"}
    (finished,) = tell(flow(task("a", [{"value": [1]}]), outputs=outputs)).events(ev.RunFinished)
    assert finished.outputs == {"a": [1], "b": None, "c": None}
    assert finished.unrendered.keys() == {"b", "c"}
    assert "division by zero" in finished.unrendered["b"]


def test_a_flow_without_tasks_ends_at_once() -> None:
    assert tell(flow()).run.outcome is Outcome.SUCCEEDED


# ── how a run is judged ─────────────────────────────────────────────────────────────────────────


def test_a_run_in_which_only_optional_tasks_failed_is_degraded() -> None:
    story = tell(flow(task("a", [BROKEN], optional=True), task("b", needs=["a"])))
    assert story.states() == {"a": "failed", "b": "succeeded"}
    assert story.run.outcome is Outcome.DEGRADED


def test_a_run_in_which_a_task_failed_has_failed() -> None:
    story = tell(flow(task("a", [BROKEN], optional=True), task("b", [BROKEN])))
    assert story.run.outcome is Outcome.FAILED


def test_dependants_of_a_failed_optional_task_go_on_with_what_recovers_it() -> None:
    story = tell(
        flow(task("a", [BROKEN], optional=True, recover="plan {{ 'b' }}"), task("b", text="{{ a }}", needs=["a"]))
    )
    assert story.output("b")["text"] == "plan b"


def test_without_a_recovery_they_go_on_with_null() -> None:
    story = tell(flow(task("a", [BROKEN], optional=True), task("b", needs=["a"], when="a is none")))
    assert story.state("b") is State.SUCCEEDED


# ── bugs of kinds ───────────────────────────────────────────────────────────────────────────────


class Buggy(Scripted):
    """Raises where it is told to."""

    name: ClassVar[str] = "buggy"

    def prepare(self, settings: Free, scope: Scope) -> Free:
        del scope
        return self._unless(settings, "prepare")

    def estimate(self, settings: Free, spec: BackendSpec) -> Estimate:
        del spec
        self._unless(settings, "estimate")
        return Estimate()

    async def run(self, settings: Free, context: Context) -> Mapping[str, object]:
        del context
        self._unless(settings, "run")
        return "no fields"  # type: ignore[return-value]  # the very bug

    @staticmethod
    def _unless(settings: Free, where: str) -> Free:
        if settings.text == where:
            raise LookupError(where)
        return settings


@pytest.mark.parametrize("where", ["prepare", "estimate", "run", "nowhere"])
def test_a_bug_in_a_kind_fails_its_task_and_nothing_else(where: str) -> None:
    kinds = {**KINDS, "buggy": Buggy()}
    spec = backend("x", rate_limits=(RateLimit(1.0, requests=100, tokens=1000),))
    story = tell(
        flow(task("a", kind="buggy", text=where, backend="x"), task("b", backend="x"), backends=[spec]),
        Setting(parts={"kinds": kinds.__getitem__}),
    )
    assert story.states() == {"a": "failed", "b": "succeeded"}
    assert story.error("a").kind is ErrorKind.BUG


def test_the_report_of_a_bug_is_named_in_the_hint() -> None:
    reports: list[str] = []

    def keep(report: str) -> str:
        reports.append(report)
        return "/reports/1"

    story = tell(flow(task("a", [KeyError("x")])), Setting(parts={"bug": keep}))
    assert "/reports/1" in story.error("a").hint
    assert "KeyError" in reports[0]
    assert "task a" in reports[0]


def test_a_flow_with_too_many_tasks_is_refused_before_any_starts() -> None:
    with pytest.raises(FlowError, match="more than 2 tasks"):
        tell(flow(task("a"), task("b"), task("c")), Setting(options=EngineOptions(max_tasks=2)))


def test_an_upstream_error_says_whom_it_happened_to() -> None:
    story = tell(flow(task("a", [busy()])))
    assert story.error("a").correlation_id == "r1/a/1"


class Broken:
    """Chance that is out of order."""

    def random(self, *key: str | int) -> float:
        raise ArithmeticError(str(key))


def test_a_bug_of_ours_ends_the_run_with_it_instead_of_standing_still() -> None:
    with pytest.raises(ArithmeticError, match="retry"):
        tell(flow(task("a", [busy()], retries=2), task("b", [9.0])), Setting(parts={"chance": Broken()}))
