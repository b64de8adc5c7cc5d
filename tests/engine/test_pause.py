"""A pause is a flag: nothing that runs stops, nothing that would start does."""

from orchestrator.core import events as ev
from orchestrator.core.commands import (
    CancelRun,
    PauseGroup,
    PauseRun,
    PauseTask,
    RetryFailed,
    UnpauseGroup,
    UnpauseRun,
    UnpauseTask,
)
from orchestrator.core.errors import WorkError
from orchestrator.core.flow import Condition, ForEach
from orchestrator.core.ports import Context
from orchestrator.core.states import RunState, State
from tests.engine.kit import Group, Need, Setting, backend, busy, call, flow, task, tell

LATE = 60.0


def test_a_paused_run_starts_nothing_and_finishes_what_runs() -> None:
    story = tell(
        flow(task("a", [5.0]), task("b", needs=["a"])),
        Setting([(1.0, PauseRun(by="ann")), (LATE, UnpauseRun(by="ann"))]),
    )
    assert story.ended("a") == 5.0
    assert story.waits("b") == [("paused", None)]
    assert story.started("b") == [LATE]
    assert [event.by for event in story.events(ev.RunPaused, ev.RunUnpaused)] == ["ann", "ann"]


def test_a_task_is_told_to_be_paused_only_when_it_would_start() -> None:
    story = tell(
        flow(task("a", [5.0]), task("b", needs=["a"])),
        Setting([(1.0, PauseTask(task="b")), (LATE, UnpauseTask(task="b"))]),
    )
    assert story.times(ev.TaskPaused) == [1.0]
    assert story.times(ev.TaskWaiting, "b") == [5.0]


def test_a_paused_task_that_waits_for_something_else_is_paused_when_its_turn_comes() -> None:
    story = tell(
        flow(task("a", [5.0]), task("b", [1.0]), task("c", [1.0]), max_concurrency=1),
        Setting([(1.0, PauseTask(task="b")), (LATE, UnpauseTask(task="b"))]),
    )
    assert story.waits("b") == [("slot", None), ("paused", None)]
    assert story.started("c") == [5.0], "nobody waits behind who is paused"
    assert story.started("b") == [LATE]


def test_pausing_a_group_pauses_its_tasks_alone() -> None:
    tasks = [task("a", [1.0]), task("b", group="g", needs=["a"]), task("c", needs=["a"])]
    story = tell(
        flow(*tasks, groups=[Group("g")]), Setting([(0.5, PauseGroup(group="g")), (LATE, UnpauseGroup(group="g"))])
    )
    assert (story.started("b"), story.started("c")) == ([LATE], [1.0])


def test_pausing_a_fan_out_pauses_its_instances() -> None:
    fanned = task("a", [2.0], fan_out=ForEach(["p", "q"], max_concurrency=1))
    story = tell(flow(fanned), Setting([(1.0, PauseTask(task="a")), (LATE, UnpauseTask(task="a"))]))
    assert story.started("a[q]") == [LATE]


def test_a_backoff_goes_on_during_a_pause() -> None:
    story = tell(
        flow(task("a", [busy()], [], retries=2)), Setting([(0.5, PauseTask(task="a")), (LATE, UnpauseTask(task="a"))])
    )
    assert story.waits("a") == [("backoff", 1.0), ("paused", None)]


def test_several_pauses_have_to_end_all() -> None:
    commands = [(0.5, PauseTask(task="b")), (0.6, PauseRun()), (20.0, UnpauseRun()), (LATE, UnpauseTask(task="b"))]
    story = tell(flow(task("a", [1.0]), task("b", needs=["a"])), Setting(commands))
    assert story.started("b") == [LATE]


def test_a_call_of_an_agent_waits_for_the_end_of_a_pause() -> None:
    agent = task("a", [1.0, call(1.0), 2.0, call(1.0)], kind="agentic", backend="x", attempt_timeout=10.0)
    story = tell(flow(agent, backends=[backend("x")]), Setting([(2.5, PauseRun()), (LATE, UnpauseRun())]))
    assert story.waits("a") == [("paused", None)]
    assert story.ended("a") == LATE + 1.0


def test_a_run_in_which_all_is_paused_is_held() -> None:
    story = tell(flow(task("a", [1.0]), task("b", needs=["a"])), Setting([(0.5, PauseRun()), (LATE, UnpauseRun())]))
    assert story.times(ev.RunHeld) == [1.0]


def test_a_pause_ends_with_the_run_that_is_cancelled() -> None:
    tidy = task("tidy", always=True, needs=[Need("a", Condition.SETTLED)])
    story = tell(flow(task("a", [LATE]), tidy), Setting([(0.5, PauseRun()), (2.0, CancelRun())]))
    assert story.started("tidy") == [2.0]


def test_what_is_retried_after_the_end_of_a_paused_run_starts() -> None:
    broken = task("a", [1.0, WorkError("x")], [1.0])
    story = tell(flow(broken), Setting([(0.5, PauseRun()), (9.0, RetryFailed())], leaves_at=LATE))
    assert story.started("a") == [0.0, 9.0]
    assert story.run.state is RunState.FINISHED
    assert story.state("a") is State.SUCCEEDED


def test_what_is_paused_already_or_not_at_all_is_refused() -> None:
    for command, why in [
        (UnpauseRun(), "the run is not paused"),
        (UnpauseTask(task="a"), "a is not paused"),
        (UnpauseGroup(group="default"), "group default is not paused"),
    ]:
        assert tell(flow(task("a", [5.0])), Setting([(1.0, command)])).refusal() == why
    for first, second in [(PauseRun(), PauseRun()), (PauseTask(task="a"), PauseTask(task="a"))]:
        story = tell(flow(task("a", [5.0])), Setting([(1.0, first), (2.0, second)]))
        assert "paused" in story.refusal()


def test_a_run_that_is_being_cancelled_is_not_paused_any_more() -> None:
    async def tidies(context: Context) -> None:
        try:
            await context.clock.sleep(LATE)
        finally:
            await context.clock.sleep(1.0)

    story = tell(flow(task("a", [tidies])), Setting([(1.0, PauseRun()), (2.0, CancelRun()), (2.5, UnpauseRun())]))
    assert story.refusal() == "the run is not paused"
