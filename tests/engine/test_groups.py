"""What a failed task does to those in its group, and to nobody else."""

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelGroup, CancelRun, RetryFailed
from orchestrator.core.errors import WorkError
from orchestrator.core.flow import Condition, FlowCall, ForEach, OnFailure
from orchestrator.core.states import Outcome, State
from tests.engine.kit import Group, Need, Setting, flow, task, tell

BROKEN = WorkError("it broke")
FOREVER = 10_000.0
CANCELS = Group("g", on_failure=OnFailure.CANCEL_GROUP)


def test_a_failed_task_stops_nobody_who_does_not_need_it() -> None:
    tasks = [task("a", [BROKEN], group="g"), task("b", [5.0], group="g"), task("c", [5.0])]
    story = tell(flow(*tasks, groups=[Group("g")]))
    assert story.states() == {"a": "failed", "b": "succeeded", "c": "succeeded"}


def test_cancel_group_stops_the_rest_of_the_group_alone() -> None:
    tasks = [
        task("a", [2.0, BROKEN], group="g"),
        task("runs", [FOREVER], group="g"),
        task("waits", group="g", needs=["other"]),
        task("other", [5.0]),
    ]
    story = tell(flow(*tasks, groups=[CANCELS]))
    assert story.states() == {"a": "failed", "runs": "cancelled", "waits": "cancelled", "other": "succeeded"}
    assert story.run.tasks["runs"].because == "a failed (on_failure: cancel_group)"
    assert story.times(ev.GroupCancelled) == [2.0]
    assert story.run.outcome is Outcome.FAILED


def test_nobody_starts_in_a_group_that_is_being_cancelled() -> None:
    queued = [task(f"t{n}", group="g") for n in range(5)]
    story = tell(flow(task("a", [1.0, BROKEN], group="g"), *queued, groups=[CANCELS], max_concurrency=1))
    assert {str(story.state(one.id)) for one in queued} == {"cancelled"}
    assert story.events(ev.AttemptStarted)[1:] == []


def test_what_needs_a_cancelled_task_is_skipped() -> None:
    tasks = [task("a", [BROKEN], group="g"), task("b", [9.0], group="g"), task("c", needs=["b"])]
    story = tell(flow(*tasks, groups=[CANCELS]))
    assert story.run.tasks["c"].because == "b was cancelled"


def test_cancel_run_stops_everything_and_the_run_has_failed() -> None:
    group = Group("g", on_failure=OnFailure.CANCEL_RUN)
    story = tell(
        flow(task("a", [1.0, BROKEN], group="g"), task("b", [FOREVER]), task("c", needs=["b"]), groups=[group])
    )
    assert story.states() == {"a": "failed", "b": "cancelled", "c": "cancelled"}
    assert story.run.outcome is Outcome.FAILED
    assert len(story.events(ev.RunCancelling)) == 1


def test_an_optional_task_cancels_nobody() -> None:
    tasks = [task("a", [BROKEN], group="g", optional=True), task("b", [5.0], group="g")]
    assert tell(flow(*tasks, groups=[CANCELS])).state("b") is State.SUCCEEDED


def test_a_task_that_may_be_tried_again_cancels_nobody_yet() -> None:
    tasks = [task("a", [BROKEN], [], group="g", retries=2), task("b", [5.0], group="g")]
    assert tell(flow(*tasks, groups=[CANCELS])).state("b") is State.SUCCEEDED


def test_a_fan_out_that_cannot_be_expanded_is_a_failure_of_its_group() -> None:
    tasks = [task("a", fan_out=ForEach("no list"), group="g"), task("b", [5.0], group="g")]
    assert tell(flow(*tasks, groups=[CANCELS])).state("b") is State.CANCELLED


def test_the_tasks_of_a_sub_flow_belong_to_its_group_unless_they_name_their_own() -> None:
    inner = flow(
        task("x", [BROKEN]), task("y", [9.0]), task("z", [9.0], group="own"), groups=[Group("own")], name="inner"
    )
    outer = task("sub", kind="flow", settings=FlowCall("inner.yaml"), group="g")
    story = tell(flow(outer, flows={"sub": inner}, groups=[CANCELS]))
    assert story.run.tasks["sub/x"].group == "g"
    assert story.run.tasks["sub/z"].group == "sub/own"
    assert story.states() == {"sub": "failed", "sub/x": "failed", "sub/y": "cancelled", "sub/z": "succeeded"}


def test_a_group_bounds_how_many_of_its_tasks_run() -> None:
    tasks = [task(f"g{n}", [1.0], group="g") for n in range(4)] + [task("other", [1.0])]
    story = tell(flow(*tasks, groups=[Group("g", max_concurrency=2)]))
    assert [story.started(one.id) for one in tasks] == [[0.0], [0.0], [1.0], [1.0], [0.0]]


# ── always ──────────────────────────────────────────────────────────────────────────────────────

SETTLED = Need("work", Condition.SETTLED)


def test_what_runs_always_runs_after_the_run_was_cancelled() -> None:
    story = tell(
        flow(task("work", [FOREVER]), task("tidy", [3.0], always=True, needs=[SETTLED]), task("more", needs=["tidy"])),
        Setting([(2.0, CancelRun())]),
    )
    assert story.states() == {"work": "cancelled", "tidy": "succeeded", "more": "cancelled"}
    assert story.run.at == 5.0
    assert story.run.outcome is Outcome.CANCELLED


def test_what_runs_always_gets_a_minute() -> None:
    story = tell(
        flow(task("work", [FOREVER]), task("tidy", [FOREVER], always=True, needs=[SETTLED])),
        Setting([(2.0, CancelRun())]),
    )
    assert story.ended("tidy") == 62.0
    assert story.state("tidy") is State.CANCELLED


def test_what_runs_always_is_tried_again_after_a_cancel() -> None:
    tidy = task("tidy", [BROKEN], [1.0], always=True, needs=[SETTLED], retries=2)
    story = tell(flow(task("work", [FOREVER]), tidy), Setting([(2.0, CancelRun())]))
    assert story.state("tidy") is State.SUCCEEDED


def test_what_runs_always_runs_after_its_group_was_cancelled_too() -> None:
    tidy = task("tidy", [3.0], group="g", always=True, needs=[SETTLED])
    story = tell(
        flow(task("work", [FOREVER], group="g"), tidy, groups=[Group("g")]), Setting([(2.0, CancelGroup(group="g"))])
    )
    assert story.states() == {"work": "cancelled", "tidy": "succeeded"}
    tasks = [task("work", [FOREVER], group="g"), task("bad", [2.0, BROKEN], group="g"), tidy]
    story = tell(flow(*tasks, groups=[CANCELS]))
    assert story.states() == {"work": "cancelled", "bad": "failed", "tidy": "succeeded"}


def test_after_its_group_was_cancelled_it_gets_a_minute_as_well() -> None:
    tidy = task("tidy", [FOREVER], group="g", always=True, needs=[SETTLED])
    story = tell(
        flow(task("work", [FOREVER], group="g"), tidy, groups=[Group("g")]), Setting([(2.0, CancelGroup(group="g"))])
    )
    assert story.ended("tidy") == 62.0


def test_force_stops_what_runs_always() -> None:
    story = tell(
        flow(task("work", [FOREVER]), task("tidy", [FOREVER], always=True)), Setting([(2.0, CancelRun(force=True))])
    )
    assert story.run.at == 2.0


def test_the_tasks_of_a_sub_flow_that_runs_always_do_so_too() -> None:
    inner = flow(task("x", [1.0]), task("y", [1.0], needs=["x"]), name="inner")
    outer = task("sub", kind="flow", settings=FlowCall("inner.yaml"), always=True, needs=[SETTLED])
    story = tell(flow(task("work", [FOREVER]), outer, flows={"sub": inner}), Setting([(2.0, CancelRun())]))
    assert story.state("sub/y") is State.SUCCEEDED


def test_a_task_that_runs_always_inside_a_cancelled_sub_flow_runs() -> None:
    inner = flow(task("work", [FOREVER]), task("tidy", [1.0], always=True, needs=[SETTLED]), name="inner")
    outer = task("sub", kind="flow", settings=FlowCall("inner.yaml"))
    story = tell(flow(outer, flows={"sub": inner}), Setting([(2.0, CancelRun())]))
    assert story.states() == {"sub": "cancelled", "sub/work": "cancelled", "sub/tidy": "succeeded"}


def test_the_minute_of_a_run_that_was_cancelled_ends_with_the_run() -> None:
    story = tell(
        flow(task("work", [30.0]), task("tidy", [1.0], always=True, needs=[SETTLED])),
        Setting([(2.0, CancelRun()), (50.0, RetryFailed())], leaves_at=500.0),
    )
    assert story.state("work") is State.SUCCEEDED
    assert story.ended("work") == 80.0
