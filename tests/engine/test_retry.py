"""When a failed attempt is made again, and when no more."""

from orchestrator.core import events as ev
from orchestrator.core.commands import RetryTask, SkipWait
from orchestrator.core.errors import Code, ErrorKind, WorkError
from orchestrator.core.flow import RateLimit, RetryPolicy
from orchestrator.core.states import Outcome
from tests.engine.kit import Free, Setting, backend, busy, flow, task, tell

BROKEN = WorkError("it broke", exit_code=3)


def policy(**fields: Free) -> RetryPolicy:
    return RetryPolicy(**{"max_attempts": 3, "initial_delay": 1.0, "jitter": 0.0, **fields})


def test_an_attempt_that_failed_for_now_is_made_again_after_growing_delays() -> None:
    story = tell(flow(task("a", [busy()], [busy()], ["done"], retries=3)))
    assert story.started("a") == [0.0, 1.0, 3.0]
    assert story.run.outcome is Outcome.SUCCEEDED


def test_each_failure_says_when_the_next_attempt_begins() -> None:
    story = tell(flow(task("a", [busy()], retries=3)))
    assert [event.retry_in for event in story.events(ev.AttemptFailed)] == [1.0, 2.0, None]
    assert story.waits("a") == [("backoff", 1.0), ("backoff", 3.0)]


def test_max_attempts_is_the_total() -> None:
    story = tell(flow(task("a", [busy()], retries=3)))
    assert len(story.started("a")) == 3
    assert [(event.attempt, event.of) for event in story.events(ev.AttemptStarted)] == [(1, 3), (2, 3), (3, 3)]


def test_the_last_failure_is_that_of_the_task() -> None:
    story = tell(flow(task("a", [busy()], [BROKEN], retries=2)))
    assert story.error("a").exit_code == 3


def test_what_will_not_help_is_not_tried_again() -> None:
    story = tell(flow(task("a", [busy(400)], retry=policy(retry_on=("transient",)))))
    assert len(story.started("a")) == 1


def test_retry_on_names_exit_codes_statuses_and_error_codes() -> None:
    for name in ("exit:3", "work", Code.RAISED):
        story = tell(flow(task("a", [BROKEN], [], retry=policy(retry_on=(name,)))))
        assert len(story.started("a")) == 2
    story = tell(flow(task("a", [BROKEN], [], retry=policy(retry_on=("exit:4", "transient")))))
    assert len(story.started("a")) == 1


def test_retry_after_is_a_floor_of_the_delay() -> None:
    story = tell(flow(task("a", [busy(503, retry_after=7.0)], [], retries=2)))
    assert story.started("a") == [0.0, 7.0]
    story = tell(flow(task("a", [busy(503, retry_after=0.2)], [], retries=2)))
    assert story.started("a") == [0.0, 1.0]


def test_a_retry_that_could_not_begin_within_max_elapsed_is_not_begun() -> None:
    story = tell(flow(task("a", [4.0, busy()], retry=policy(max_elapsed=10.0))))
    assert story.started("a") == [0.0, 5.0]


def test_a_retry_that_could_not_begin_within_the_timeout_is_not_begun() -> None:
    story = tell(flow(task("a", [4.0, busy()], retries=9, timeout=6.5)))
    assert story.started("a") == [0.0, 5.0]
    assert story.error("a").code == Code.TASK_TIMEOUT
    story = tell(flow(task("a", [4.0, busy()], retries=9, timeout=5.0)))
    assert story.started("a") == [0.0]
    assert story.ended("a") == 4.0
    assert story.error("a").kind is ErrorKind.UPSTREAM


def test_a_retry_that_could_not_begin_before_the_deadline_is_not_begun() -> None:
    story = tell(flow(task("a", [4.0, busy()], retries=9, deadline=5.0)))
    assert story.ended("a") == 4.0


def test_while_it_backs_off_a_task_holds_no_slot() -> None:
    story = tell(flow(task("a", [busy()], [], retries=2), task("b", [0.5]), max_concurrency=1))
    assert story.started("b") == [0.0]
    assert story.started("a") == [0.0, 1.0]


def test_who_comes_back_from_a_backoff_has_kept_its_place() -> None:
    tasks = [task(name, [2.0]) for name in "bcd"]
    story = tell(flow(task("a", [busy()], [], retries=2), *tasks, max_concurrency=1))
    assert story.started("a") == [0.0, 2.0]
    assert story.started("c") == [2.0]


def test_who_is_retried_by_a_person_has_lost_its_place() -> None:
    tasks = [task(name, [2.0]) for name in "bcd"]
    story = tell(flow(task("a", [busy()], []), *tasks, max_concurrency=1), Setting([(1.0, RetryTask(task="a"))]))
    assert story.started("a") == [0.0, 6.0]


def test_a_person_can_end_a_backoff() -> None:
    for command in (SkipWait(task="a"), RetryTask(task="a")):
        story = tell(flow(task("a", [busy(503, 60.0)], [], retries=2)), Setting([(2.0, command)]))
        assert story.started("a") == [0.0, 2.0]
        assert story.run.at < 60.0


def test_numbers_never_restart_and_attempts_count_from_the_reset() -> None:
    story = tell(
        flow(task("a", [busy()], [busy()], [busy()], [], retries=2)),
        Setting([(9.0, RetryTask(task="a"))], leaves_at=20.0),
    )
    assert [(event.attempt, event.of) for event in story.events(ev.AttemptStarted)] == [(1, 2), (2, 2), (3, 4), (4, 4)]
    assert story.run.outcome is Outcome.SUCCEEDED


def test_the_idempotency_key_is_the_same_for_all_automatic_retries_and_new_after_a_reset() -> None:
    keys: list[str] = []
    note = task("a", *[[lambda context: keys.append(context.idempotency_key), busy()]] * 3, retries=2)
    tell(flow(note), Setting([(9.0, RetryTask(task="a"))], leaves_at=20.0))
    assert keys == ["r1/a/0", "r1/a/0", "r1/a/1", "r1/a/1"]


def test_jitter_depends_on_seed_task_and_attempt_alone() -> None:
    jittery = task("a", [busy()], retry=policy(jitter=0.5))
    alone = tell(flow(jittery), Setting(seed=5)).started("a")
    beside = tell(flow(task("z", [busy()], retry=policy(jitter=0.5)), jittery), Setting(seed=5)).started("a")
    other = tell(flow(jittery), Setting(seed=6)).started("a")
    assert alone == beside != other


def test_a_rejected_task_has_made_no_attempt() -> None:
    tight = backend("x", rate_limits=(RateLimit(60.0, tokens=10),))
    story = tell(flow(task("a", tokens=11, retries=5, backend="x"), backends=[tight]))
    assert story.started("a") == []
    assert story.error("a").code == Code.NEVER_FITS
