"""Tasks that are repeated until what they found is what was waited for."""

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelRun, SkipWait
from orchestrator.core.errors import Code, ErrorKind
from orchestrator.core.flow import ForEach, RetryPolicy, Until
from orchestrator.core.ports import Context
from orchestrator.core.states import State
from tests.engine.kit import Free, Setting, busy, flow, task, tell

READY = Until("value == 'ready'", every=5.0, max_rounds=3)


def found(what: str) -> dict[str, object]:
    return {"value": what}


def test_a_task_is_repeated_until_its_output_satisfies() -> None:
    story = tell(flow(task("a", [1.0, found("no")], [found("no")], [found("ready")], until=READY)))
    assert story.started("a") == [0.0, 6.0, 11.0]
    assert [event.satisfied for event in story.events(ev.AttemptSucceeded)] == [False, False, True]
    assert story.output("a")["value"] == "ready"


def test_between_its_rounds_a_task_keeps_its_place() -> None:
    others = [task(name, [4.0]) for name in "bcd"]
    story = tell(flow(task("a", [found("no")], [found("ready")], until=READY), *others, max_concurrency=1))
    assert story.started("a") == [0.0, 8.0]
    assert story.started("d") == [8.0]


def test_a_round_that_does_not_satisfy_is_told_apart_from_a_failure() -> None:
    story = tell(flow(task("a", [found("no")], [found("ready")], until=READY)))
    assert [attempt.result for attempt in story.run.tasks["a"].attempts] == ["unsatisfied", "succeeded"]
    assert story.events(ev.AttemptFailed) == []


def test_when_the_rounds_are_over_the_task_fails_with_what_it_found_last() -> None:
    story = tell(flow(task("a", [found("no")], until=READY)))
    assert len(story.started("a")) == 3
    assert (story.error("a").code, story.error("a").kind) == (Code.UNTIL, ErrorKind.WORK)
    assert story.output("a")["value"] == "no"


def test_a_failed_attempt_within_a_round_is_retried_and_counts_for_the_round_alone() -> None:
    attempts: list[list[Free]] = [[busy()], [found("no")], [busy()], [found("ready")]]
    story = tell(flow(task("a", *attempts, until=READY, retries=2)))
    assert story.state("a") is State.SUCCEEDED
    assert story.started("a") == [0.0, 1.0, 6.0, 7.0]


def test_an_expression_that_cannot_be_answered_fails_the_task() -> None:
    for expression in ("nobody > 1", "value"):
        story = tell(flow(task("a", [found("no")], until=Until(expression), retries=3)))
        assert story.error("a").kind is ErrorKind.INPUT
        assert len(story.started("a")) == 1


def test_a_round_that_could_not_begin_in_time_is_not_begun() -> None:
    story = tell(flow(task("a", [found("no")], until=READY, deadline=4.0)))
    assert story.ended("a") == 0.0
    story = tell(flow(task("a", [found("no")], until=READY, timeout=7.0)))
    assert story.started("a") == [0.0, 5.0]


def test_between_rounds_a_task_holds_no_slot() -> None:
    story = tell(flow(task("a", [found("no")], [found("ready")], until=READY), task("b", [3.0]), max_concurrency=1))
    assert story.started("b") == [0.0]


def test_a_person_can_begin_the_next_round() -> None:
    story = tell(flow(task("a", [found("no")], [found("ready")], until=READY)), Setting([(1.0, SkipWait(task="a"))]))
    assert story.started("a") == [0.0, 1.0]


def test_a_cancelled_run_begins_no_round() -> None:
    story = tell(flow(task("a", [found("no")], until=READY)), Setting([(1.0, CancelRun())]))
    assert story.state("a") is State.CANCELLED


def test_each_instance_is_repeated_on_its_own() -> None:
    def answer(context: Context) -> dict[str, object]:
        return found("ready" if context.attempt == 2 or "q" in context.task else "no")

    story = tell(flow(task("a", [answer], until=READY, fan_out=ForEach(["p", "q"]))))
    assert [len(story.started(f"a[{label}]")) for label in "pq"] == [2, 1]


def test_the_time_for_retries_counts_for_each_round() -> None:
    patient = RetryPolicy(max_attempts=2, initial_delay=1.0, jitter=0.0, max_elapsed=3.0)
    attempts: list[list[Free]] = [[found("no")], [busy()], [found("ready")]]
    story = tell(flow(task("a", *attempts, until=READY, retry=patient)))
    assert story.started("a") == [0.0, 5.0, 6.0]
