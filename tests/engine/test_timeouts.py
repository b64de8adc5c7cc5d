"""Four limits of time: what each counts, and what becomes of a task when it is over."""

import asyncio

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import Approve, PauseRun, UnpauseRun
from orchestrator.core.errors import Code, ErrorClass, ErrorKind
from orchestrator.core.flow import Approval, Condition, FlowCall, ForEach, Group, Need
from orchestrator.core.ports import Context
from orchestrator.core.states import State
from tests.engine.kit import Free, Setting, backend, busy, call, flow, task, tell

FOREVER = 10_000.0


def test_attempt_timeout_bounds_one_attempt_and_may_be_retried() -> None:
    story = tell(flow(task("a", [FOREVER], [1.0], attempt_timeout=3.0, retries=2)))
    assert story.started("a") == [0.0, 4.0]
    (failed,) = story.events(ev.AttemptFailed)
    assert (failed.error.code, failed.error.error_class) == (Code.ATTEMPT_TIMEOUT, ErrorClass.TRANSIENT)


def test_timeout_bounds_attempts_and_backoffs_together() -> None:
    story = tell(flow(task("a", [2.0, busy()], retries=9, timeout=7.0)))
    assert story.started("a") == [0.0, 3.0]
    assert story.ended("a") == 5.0, "the third would begin two seconds later, when the time is over"
    story = tell(flow(task("a", [2.0, busy()], [FOREVER], retries=9, timeout=7.0)))
    assert story.ended("a") == 7.0
    assert story.error("a").code == Code.TASK_TIMEOUT


def test_the_time_of_a_task_is_not_retried() -> None:
    story = tell(flow(task("a", [FOREVER], retries=9, timeout=7.0)))
    assert story.started("a") == [0.0]


def test_timeout_stands_still_while_a_task_waits_for_a_slot() -> None:
    story = tell(flow(task("a", [5.0]), task("b", [3.0], timeout=4.0), max_concurrency=1))
    assert story.state("b") is State.SUCCEEDED


def test_timeout_stands_still_in_a_wait_between_two_attempts() -> None:
    slow = task("a", [1.0, busy()], [2.0], retries=2, timeout=5.0)
    story = tell(flow(slow), Setting([(1.5, PauseRun()), (60.0, UnpauseRun())]))
    assert story.started("a") == [0.0, 60.0]
    assert story.state("a") is State.SUCCEEDED


def test_idle_timeout_bounds_the_silence() -> None:
    story = tell(flow(task("a", [2.0, "x", 2.0, "y", 2.0], idle_timeout=3.0)))
    assert story.state("a") is State.SUCCEEDED
    story = tell(flow(task("a", [2.0, "x", FOREVER], idle_timeout=3.0)))
    assert story.ended("a") == 5.0
    assert story.error("a").code == Code.IDLE_TIMEOUT


def test_telling_of_progress_is_no_silence() -> None:
    def half_way(context: Context) -> None:
        context.progress(1, 2, "half way")

    story = tell(flow(task("a", [2.0, half_way, 2.0], idle_timeout=3.0)))
    assert story.state("a") is State.SUCCEEDED


def test_a_deadline_counts_waiting_too() -> None:
    story = tell(flow(task("a", [5.0]), task("b", [1.0], deadline=4.0), max_concurrency=1))
    assert story.error("b").message == "the deadline passed while it waited: slot of run"
    assert story.ended("b") == 4.0
    assert story.error("b").code == Code.DEADLINE


def test_a_deadline_counts_from_when_the_task_could_start() -> None:
    story = tell(flow(task("a", [5.0]), task("b", [1.0], deadline=4.0, needs=["a"])))
    assert story.state("b") is State.SUCCEEDED


def test_a_deadline_ends_an_attempt() -> None:
    story = tell(flow(task("a", [FOREVER], deadline=4.0, retries=3)))
    assert story.ended("a") == 4.0
    assert len(story.started("a")) == 1


def test_a_deadline_ends_a_backoff_and_a_question() -> None:
    story = tell(flow(task("a", [busy(503, 3.0)], [FOREVER], retries=2, deadline=4.0)))
    assert story.ended("a") == 4.0
    story = tell(flow(task("a", approval=Approval("go?"), deadline=4.0)))
    assert story.ended("a") == 4.0
    assert story.error("a").message == "the deadline passed while it waited: approval"
    assert story.run.questions == {}


def test_the_deadline_of_a_group_counts_from_its_first_task() -> None:
    late = Group("g", deadline=6.0)
    tasks = (task("a", [2.0]), task("b", [3.0], group="g", needs=["a"]), task("c", [FOREVER], group="g", needs=["b"]))
    story = tell(flow(*tasks, task("d", [10.0]), groups=[late]))
    assert story.ended("c") == 8.0
    assert story.state("d") is State.SUCCEEDED


def test_the_deadline_of_the_run_ends_what_runs_and_what_would_start() -> None:
    story = tell(flow(task("a", [FOREVER]), task("b", [2.0], needs=["a"]), deadline=9.0))
    assert story.run.at == 9.0
    assert story.states() == {"a": "failed", "b": "skipped"}


def test_the_deadline_of_a_fan_out_is_that_of_its_instances() -> None:
    story = tell(flow(task("a", [3.0], fan_out=ForEach(["p", "q"], max_concurrency=1), deadline=4.0)))
    assert story.states() == {"a": "failed", "a[p]": "succeeded", "a[q]": "failed"}
    assert story.run.at == 4.0


def test_the_deadline_of_a_sub_flow_is_that_of_its_tasks() -> None:
    inner = flow(task("x", [3.0]), task("y", [3.0], needs=["x"]), name="inner")
    outer = task("sub", kind="flow", settings=FlowCall("inner.yaml"), deadline=4.0)
    story = tell(flow(outer, flows={"sub": inner}))
    assert story.states() == {"sub": "failed", "sub/x": "succeeded", "sub/y": "failed"}
    assert story.run.at == 4.0


def test_an_attempt_timeout_counts_against_the_backend_and_a_deadline_does_not() -> None:
    spec = backend("x")
    story = tell(flow(task("a", [FOREVER], attempt_timeout=1.0, backend="x"), backends=[spec]))
    assert story.run.backends["x"].failed == 1
    story = tell(flow(task("a", [FOREVER], deadline=1.0, backend="x"), backends=[spec]))
    assert story.run.backends["x"].failed == 0


def test_a_task_that_cleans_up_ends_as_late_as_that_takes() -> None:
    async def tidy(context: Context) -> None:
        try:
            await context.clock.sleep(FOREVER)
        finally:
            await context.clock.sleep(0.5)

    story = tell(flow(task("a", [tidy], attempt_timeout=2.0)))
    assert story.ended("a") == 2.5
    assert story.error("a").code == Code.ATTEMPT_TIMEOUT
    assert story.times(ev.TaskStopping) == [2.03]


def test_what_comes_after_the_time_limit_counts_for_nothing() -> None:
    async def too_late(context: Context) -> dict[str, object]:
        try:
            await context.clock.sleep(FOREVER)
        except asyncio.CancelledError:
            return {"value": "I was just about to finish"}
        return {}

    story = tell(flow(task("a", [too_late], attempt_timeout=2.0)))
    assert story.error("a").kind is ErrorKind.TIMEOUT


def _limit(name: str, seconds: float) -> Free:
    return {name: seconds}


# ── calls ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("limit", ["attempt_timeout", "idle_timeout", "timeout"])
def test_clocks_stand_still_while_a_call_waits(limit: str) -> None:
    one_at_a_time = backend("x", max_concurrency=1)
    agent = task("a", [1.0, call(2.0), 1.0], kind="agentic", backend="x", **_limit(limit, 4.5))
    story = tell(flow(task("b", [20.0], backend="x"), agent, backends=[one_at_a_time]))
    assert story.state("a") is State.SUCCEEDED
    assert story.ended("a") == 23.0


@pytest.mark.parametrize("limit", ["attempt_timeout", "idle_timeout", "timeout"])
def test_clocks_go_on_where_they_stood_when_the_call_begins(limit: str) -> None:
    one_at_a_time = backend("x", max_concurrency=1)
    agent = task("a", [1.0, call(FOREVER)], kind="agentic", backend="x", **_limit(limit, 3.0))
    story = tell(flow(task("b", [20.0], backend="x"), agent, backends=[one_at_a_time]))
    assert story.ended("a") == 22.0


def test_a_deadline_does_not_stand_still_while_a_call_waits() -> None:
    one_at_a_time = backend("x", max_concurrency=1)
    agent = task("a", [1.0, call(2.0)], kind="agentic", backend="x", deadline=5.0)
    story = tell(flow(task("b", [20.0], backend="x"), agent, backends=[one_at_a_time]))
    assert story.ended("a") == 5.0
    assert story.error("a").code == Code.DEADLINE


def test_a_question_is_no_part_of_the_timeout() -> None:
    asked = task("a", [2.0], timeout=3.0, approval=Approval("go?"))
    story = tell(flow(asked), Setting([(100.0, Approve(task="a"))]))
    assert story.state("a") is State.SUCCEEDED


def test_an_always_task_has_a_minute_after_the_deadline_of_the_run() -> None:
    clean_up = task("clean_up", [50.0], needs=[Need("work", Condition.SETTLED)], always=True)
    told = tell(flow(task("work", [100.0]), clean_up, deadline=5.0))
    assert (told.state("work"), told.state("clean_up")) == (State.FAILED, State.SUCCEEDED)


def test_what_was_written_before_a_time_limit_is_not_lost() -> None:
    told = tell(flow(task("work", ["as far as this", 100.0], attempt_timeout=5.0)))
    assert told.output("work") == {"value": "as far as this"}
