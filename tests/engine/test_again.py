"""Retrying what failed, and running again what did not: what starts again, what stays, and what is refused."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelRun, CancelTask, RerunFrom, RetryFailed, RetryTask, SkipTask
from orchestrator.core.errors import WorkError
from orchestrator.core.flow import BackendSpec, Condition, ForEach, Need
from orchestrator.core.ports import Context
from orchestrator.core.states import Outcome, RunState, State
from tests.engine.kit import Free, Setting, Story, flow, task, tell

BROKEN = WorkError("it broke")
LATER = 50.0


def again(*commands: Free, at: float = LATER) -> Setting:
    return Setting([(at + n, command) for n, command in enumerate(commands)], leaves_at=500.0)


def resets(story: Story) -> list[str]:
    return [event.task for event in story.events(ev.TaskReset)]


def once_for(*labels: str) -> Free:
    """Break the first attempt of these instances."""

    def step(context: Context) -> None:
        if context.attempt == 1 and any(f"[{label}]" in context.task for label in labels):
            raise BROKEN

    return step


# ── retry ───────────────────────────────────────────────────────────────────────────────────────


def test_a_retry_starts_the_task_again_and_what_was_skipped_because_of_it() -> None:
    tasks = [task("a", [BROKEN], [1.0]), task("b", needs=["a"]), task("c", needs=["b"]), task("other", [1.0])]
    story = tell(flow(*tasks), again(RetryTask(task="a")))
    assert resets(story) == ["a", "b", "c"]
    assert set(story.states().values()) == {"succeeded"}
    assert story.started("other") == [0.0]
    assert story.started("c") == [LATER + 1.0]


def test_dependants_that_ran_already_stay() -> None:
    tasks = [task("a", [BROKEN], []), task("b", needs=[Need("a", Condition.SETTLED)])]
    story = tell(flow(*tasks), again(RetryTask(task="a")))
    assert story.started("b") == [0.0]


def test_a_run_that_had_ended_is_opened_and_ends_again() -> None:
    story = tell(flow(task("a", [BROKEN], [1.0])), again(RetryTask(task="a", by="ann")))
    assert [event.by for event in story.events(ev.RunReopened)] == ["ann"]
    assert [str(event.outcome) for event in story.events(ev.RunFinished)] == ["failed", "succeeded"]
    assert story.run.state is RunState.FINISHED


def test_a_task_can_be_retried_while_others_run() -> None:
    story = tell(flow(task("a", [BROKEN], [1.0]), task("b", [9.0])), Setting([(5.0, RetryTask(task="a"))]))
    assert story.started("a") == [0.0, 5.0]
    assert story.events(ev.RunReopened) == []


def test_retrying_what_was_skipped_is_refused_while_its_cause_stands() -> None:
    story = tell(flow(task("a", [BROKEN]), task("b", needs=["a"]), task("c", needs=["b"])), again(RetryTask(task="c")))
    assert "retry a" in story.refusal()
    assert resets(story) == []


def test_what_an_operator_skipped_can_be_retried() -> None:
    story = tell(
        flow(task("a", [5.0]), task("b", needs=["a"])), Setting([(1.0, SkipTask(task="b")), (2.0, RetryTask(task="b"))])
    )
    assert story.started("b") == [5.0]


def test_what_was_cancelled_can_be_retried_once_what_it_needs_is_there() -> None:
    commands = [(1.0, CancelRun()), (LATER, RetryTask(task="b")), (LATER + 1, RetryTask(task="a"))]
    story = tell(flow(task("a", [5.0]), task("b", needs=["a"])), Setting(commands, leaves_at=500.0))
    assert "retry a" in story.refusal()
    assert story.state("a") is State.SUCCEEDED


@pytest.mark.parametrize("command", [RetryTask(task="a"), RetryFailed()])
def test_what_went_well_is_not_retried(command: Free) -> None:
    story = tell(flow(task("a")), again(command))
    assert story.events(ev.TaskReset) == []
    assert story.refusal()


def test_retry_failed_starts_all_that_failed_or_was_cancelled() -> None:
    tasks = [task("a", [BROKEN], []), task("b", [9.0]), task("c", needs=["a"]), task("d")]
    story = tell(flow(*tasks), Setting([(1.0, CancelTask(task="b")), (LATER, RetryFailed())], leaves_at=500.0))
    assert sorted(resets(story)) == ["a", "b", "c"]
    assert story.run.outcome is Outcome.SUCCEEDED


def test_what_fails_again_skips_again() -> None:
    story = tell(flow(task("a", [BROKEN]), task("b", needs=["a"])), again(RetryTask(task="a"), RetryTask(task="a")))
    assert story.states() == {"a": "failed", "b": "skipped"}
    assert len(story.events(ev.TaskSkipped)) == 3


def test_while_a_run_is_being_cancelled_nothing_is_retried() -> None:
    async def tidies(context: Context) -> None:
        try:
            await context.clock.sleep(500.0)
        finally:
            await context.clock.sleep(3.0)

    commands = [(1.0, CancelRun()), (2.0, RetryTask(task="a"))]
    story = tell(flow(task("a", [BROKEN]), task("b", [tidies])), Setting(commands))
    assert "being cancelled" in story.refusal()


def test_a_cancelled_run_can_be_taken_up_again() -> None:
    story = tell(
        flow(task("a", [5.0]), task("b", [1.0], needs=["a"])),
        Setting([(1.0, CancelRun()), (LATER, RetryFailed())], leaves_at=500.0),
    )
    assert story.run.outcome is Outcome.SUCCEEDED
    assert story.started("a") == [0.0, LATER]


def test_deadlines_count_anew_in_a_run_that_was_opened_again() -> None:
    story = tell(flow(task("a", [20.0], [1.0]), deadline=10.0), again(RetryTask(task="a")))
    assert story.run.outcome is Outcome.SUCCEEDED


def test_an_engine_that_does_not_linger_takes_nothing_up_again() -> None:
    story = tell(flow(task("a", [1.0, BROKEN])), Setting([(1.0, RetryTask(task="a")), (1.0, RetryFailed())]))
    assert story.events(ev.RunReopened) == []


# ── instances and wholes ────────────────────────────────────────────────────────────────────────


def test_retrying_an_instance_opens_its_whole_and_starts_what_was_skipped_because_of_that() -> None:
    tasks = [task("a", [once_for("p")], fan_out=ForEach(["p", "q"])), task("b", needs=["a"])]
    story = tell(flow(*tasks), again(RetryTask(task="a[p]")))
    assert resets(story) == ["a[p]", "a", "b"]
    assert set(story.states().values()) == {"succeeded"}
    assert story.started("a[q]") == [0.0]


def test_retrying_a_whole_retries_those_of_its_instances_that_failed() -> None:
    fanned = task("a", [once_for("p", "r")], fan_out=ForEach(["p", "q", "r"]))
    story = tell(flow(fanned), again(RetryTask(task="a")))
    assert [len(story.started(f"a[{label}]")) for label in "pqr"] == [2, 1, 2]
    assert story.state("a") is State.SUCCEEDED


def test_retrying_an_instance_starts_the_pair_that_was_skipped_because_of_it() -> None:
    tasks = [
        task("a", [once_for("p")], fan_out=ForEach(["p", "q"])),
        task("b", fan_out=ForEach(each="a"), needs=["a"]),
        task("c", needs=["b"]),
    ]
    story = tell(flow(*tasks), again(RetryTask(task="a[p]")))
    assert set(story.states().values()) == {"succeeded"}
    assert story.started("b[q]") == [0.0]
    assert story.started("b[p]") == [LATER]


def test_retrying_a_pair_is_refused_while_its_partner_has_failed() -> None:
    tasks = [task("a", [BROKEN], fan_out=ForEach(["p"])), task("b", fan_out=ForEach(each="a"), needs=["a"])]
    for name in ("b[p]", "b"):
        assert "retry a[p]" in tell(flow(*tasks), again(RetryTask(task=name))).refusal()


def test_a_whole_that_could_not_be_expanded_is_expanded_by_a_retry() -> None:
    items = task("l", [{"value": "no list"}], [{"value": ["p", "q"]}])
    tasks = [items, task("a", fan_out=ForEach("{{ l }}"), needs=["l"])]
    story = tell(flow(*tasks), again(RerunFrom(task="l")))
    assert story.states() == {"l": "succeeded", "a": "succeeded", "a[p]": "succeeded", "a[q]": "succeeded"}


def test_an_instance_can_be_retried_while_others_of_it_run() -> None:
    fanned = task("a", [once_for("p"), lambda context: context.clock.sleep(9.0)], fan_out=ForEach(["p", "q"]))
    story = tell(flow(fanned), Setting([(2.0, RetryTask(task="a[p]"))]))
    assert story.started("a[p]") == [0.0, 2.0]
    assert story.ended("a") == 11.0
    assert story.state("a") is State.SUCCEEDED


# ── rerun ───────────────────────────────────────────────────────────────────────────────────────


def test_running_again_starts_the_task_and_all_that_follows_from_it() -> None:
    tasks = [task("a"), task("b", needs=["a"]), task("c", needs=["b"]), task("other")]
    story = tell(flow(*tasks), again(RerunFrom(task="b")))
    assert resets(story) == ["b", "c"]
    assert [len(story.started(name)) for name in ("a", "b", "c", "other")] == [1, 2, 2, 1]


def test_running_again_is_refused_while_what_follows_runs_or_the_task_itself() -> None:
    story = tell(flow(task("a"), task("b", [9.0], needs=["a"])), Setting([(1.0, RerunFrom(task="a"))]))
    assert "b follows from a" in story.refusal()
    story = tell(flow(task("a", [9.0])), Setting([(1.0, RerunFrom(task="a"))]))
    assert "has not ended" in story.refusal()


def test_what_waits_for_a_task_that_runs_again_waits_for_its_new_end() -> None:
    tasks = [task("a", [1.0], [5.0]), task("slow", [20.0]), task("b", needs=["a", "slow"])]
    story = tell(flow(*tasks), Setting([(18.0, RerunFrom(task="a"))]))
    assert story.started("b") == [23.0]


def test_running_a_fan_out_again_makes_its_instances_anew() -> None:
    tasks = [task("a", fan_out=ForEach(["p", "q"])), task("b", fan_out=ForEach(each="a"), needs=["a"])]
    story = tell(flow(*tasks), again(RerunFrom(task="a")))
    assert [len(story.started(name)) for name in ("a[p]", "a[q]", "b[p]", "b[q]")] == [2, 2, 2, 2]
    assert set(story.states().values()) == {"succeeded"}


def test_running_an_instance_again_runs_its_pair_alone() -> None:
    tasks = [
        task("a", fan_out=ForEach(["p", "q"])),
        task("b", fan_out=ForEach(each="a"), needs=["a"]),
        task("c", needs=["b"]),
    ]
    story = tell(flow(*tasks), again(RerunFrom(task="a[p]")))
    assert [len(story.started(name)) for name in ("a[p]", "a[q]", "b[p]", "b[q]", "c")] == [2, 1, 2, 1, 2]


def test_pairs_that_need_something_else_that_runs_again_are_made_anew() -> None:
    tasks = [
        task("a", fan_out=ForEach(["p", "q"])),
        task("sum", [1.0], needs=["a"]),
        task("b", fan_out=ForEach(each="a"), needs=["a", "sum"]),
    ]
    story = tell(flow(*tasks), again(RerunFrom(task="a[p]")))
    assert [len(story.started(name)) for name in ("a[q]", "b[p]", "b[q]")] == [1, 2, 2]
    assert story.started("b[p]")[-1] == LATER + 1.0


def test_instances_that_a_new_list_does_not_have_are_left_behind_and_do_not_judge_the_run() -> None:
    items = task("l", [{"value": ["p", "q"]}], [{"value": ["q", "r"]}])
    tasks = [
        items,
        task("a", [once_for("p")], fan_out=ForEach("{{ l }}"), needs=["l"]),
        task("b", text="{{ a | length }}", needs=["a"]),
    ]
    story = tell(flow(*tasks), again(RerunFrom(task="l"), RetryTask(task="a[p]")))
    assert story.run.outcome is Outcome.SUCCEEDED
    assert story.output("b")["text"] == 2
    assert "earlier expansion" in story.refusal()


def test_a_list_that_has_become_empty_leaves_nothing_to_do() -> None:
    items = task("l", [{"value": ["p"]}], [{"value": []}])
    story = tell(flow(items, task("a", fan_out=ForEach("{{ l }}"), needs=["l"])), again(RerunFrom(task="l")))
    assert story.state("a") is State.SUCCEEDED
    assert story.run.outcome is Outcome.SUCCEEDED


def test_what_waits_to_be_expanded_again_is_not_retried_meanwhile() -> None:
    tasks = [
        task("l", [{"value": ["p"]}], [9.0, {"value": ["p"]}]),
        task("a", [BROKEN], [], fan_out=ForEach("{{ l }}"), needs=["l"]),
    ]
    story = tell(flow(*tasks), again(RerunFrom(task="l"), RetryTask(task="a[p]")))
    assert "earlier expansion" in story.refusal()
    assert story.state("a[p]") is State.SUCCEEDED


def test_a_backend_that_answers_again_is_asked_again() -> None:
    spec = BackendSpec("x", "nowhere", None)
    story = tell(flow(task("a", [BROKEN], [1.0], backend="x"), backends=[spec]), again(RetryTask(task="a")))
    assert story.run.backends["x"].calls == 2


def test_dependants_see_all_instances_of_a_whole_that_was_opened_again() -> None:
    tasks = [task("a", [once_for("p")], fan_out=ForEach(["p", "q"])), task("b", text="{{ a | length }}", needs=["a"])]
    story = tell(flow(*tasks), again(RetryTask(task="a[p]")))
    assert story.output("b")["text"] == 2


def test_what_fails_in_a_whole_that_was_opened_again_fails_the_run() -> None:
    story = tell(flow(task("a", [once_for("p", "q")], fan_out=ForEach(["p", "q"]))), again(RetryTask(task="a[p]")))
    assert story.states() == {"a": "failed", "a[p]": "succeeded", "a[q]": "failed"}
    assert story.run.outcome is Outcome.FAILED


def test_what_was_skipped_because_of_another_task_stays_so() -> None:
    tasks = [task("z", [BROKEN]), task("a", [1.0, BROKEN], []), task("b", needs=["z", "a"])]
    story = tell(flow(*tasks), again(RetryTask(task="a")))
    assert resets(story) == ["a"]
    assert story.run.tasks["b"].cause == "z"
