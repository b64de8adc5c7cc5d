"""What an operator may ask: each once, and either accepted or refused with the reason."""

import pytest

from orchestrator.core import commands as cmd
from orchestrator.core import events as ev
from orchestrator.core.errors import WorkError
from orchestrator.core.flow import Approval, BreakerPolicy, BudgetPolicy, Condition, ForEach, Need, RateLimit
from orchestrator.core.states import Outcome, State
from tests.engine.kit import Free, Group, Setting, backend, busy, flow, task, tell

BROKEN = WorkError("it broke")
TIGHT = RateLimit(50.0, requests=1, burst=1)


def test_what_a_command_does_follows_its_acceptance() -> None:
    story = tell(flow(task("a", [9.0])), Setting([(1.0, cmd.CancelTask(task="a", id="c7", by="ann"))]))
    names = [type(record.event).__name__ for record in story.records if record.at == 1.0]
    assert names[0] == "CommandAccepted"
    (accepted,) = story.events(ev.CommandAccepted)
    assert (accepted.id, accepted.command, accepted.by) == ("c7", "CancelTask", "ann")


def test_a_command_that_comes_twice_is_carried_out_once() -> None:
    twice = cmd.RetryTask(task="a", id="same")
    story = tell(flow(task("a", [BROKEN]), task("b", [9.0])), Setting([(1.0, twice), (2.0, twice)]))
    assert story.started("a") == [0.0, 1.0]
    assert len(story.events(ev.CommandAccepted)) == 1


def test_a_command_is_either_accepted_or_refused() -> None:
    commands = [(1.0, cmd.RetryTask(task="a", id="c1")), (1.5, cmd.SkipTask(task="b", id="c2"))]
    story = tell(flow(task("a", [9.0]), task("b", [9.0])), Setting(commands))
    assert story.events(ev.CommandAccepted) == []
    assert [event.id for event in story.events(ev.CommandRefused)] == ["c1", "c2"]
    assert set(story.run.refusals) == {"c1", "c2"}


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (cmd.CancelTask(task="nobody"), "there is no task 'nobody'"),
        (cmd.PauseGroup(group="nowhere"), "there is no group 'nowhere'"),
        (cmd.TripBreaker(backend="none"), "there is no backend 'none'"),
        (cmd.CancelTask(task="done"), "done has ended (succeeded) and cannot be cancelled; retry it?"),
        (cmd.KillTask(task="done"), "done has ended (succeeded) and cannot be killed; retry it?"),
        (cmd.PauseTask(task="done"), "done has ended (succeeded) and cannot be paused; retry it?"),
        (cmd.RetryTask(task="done"), "done is succeeded; only a failed, skipped or cancelled task is retried"),
        (cmd.RetryTask(task="runs"), "runs is running; only a failed, skipped or cancelled task is retried"),
        (cmd.RetryFailed(), "no task has failed or was cancelled"),
        (cmd.SkipTask(task="runs"), "runs is running; only a task that has not started is skipped"),
        (cmd.SkipTask(task="done"), "done is succeeded; only a task that has not started is skipped"),
        (cmd.SkipWait(task="runs"), "runs waits for nothing that can be skipped"),
        (cmd.SkipWait(task="asks"), "asks waits for an approval: approve or deny it"),
        (cmd.SkipWait(task="shut"), "shut waits for a breaker: reset it"),
        (cmd.SetConcurrency(scope="run", limit=0), "a concurrency is at least 1"),
        (cmd.SetConcurrency(scope="group:nowhere", limit=1), None),
        (cmd.SetConcurrency(scope="nonsense", limit=1), None),
        (cmd.RaiseBudget(budget="task:a", tokens=1), "there is no budget 'task:a' (there are: run)"),
        (cmd.RaiseBudget(budget="run", tokens=50), "that raises nothing of budget run"),
        (cmd.RaiseBudget(budget="run", cost_usd=50.0), "that raises nothing of budget run"),
        (cmd.CancelGroup(group="g"), "every task of group g has ended, but for those that run always"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(command: Free, why: str | None) -> None:
    tasks = [
        task("done", group="g"),
        task("runs", [9.0]),
        task("asks", approval=Approval("go?", timeout=5.0)),
        task("breaks", [0.5, busy()], backend="x", group="g", optional=True),
        task("wait", [0.6], group="g"),
        task("shut", backend="x", needs=["wait"], deadline=3.0),
        task("later", needs=["runs"]),
    ]
    told = flow(
        *tasks[:3],
        *(one for one in tasks[3:] if not isinstance(command, cmd.RetryFailed)),
        backends=[backend("x", breaker=BreakerPolicy(failure_threshold=1))],
        groups=[Group("g")],
        budget=BudgetPolicy(tokens=100),
    )
    refusal = tell(told, Setting([(2.0, command)])).refusal()
    assert refusal == why if why is not None else refusal


def test_after_the_end_only_what_brings_the_run_back_makes_sense() -> None:
    for command in (
        cmd.CancelRun(),
        cmd.Drain(),
        cmd.PauseRun(),
        cmd.CancelTask(task="a"),
        cmd.PauseGroup(group="default"),
    ):
        story = tell(flow(task("a", [BROKEN])), Setting([(5.0, command)], leaves_at=9.0))
        assert "the run has ended" in story.refusal()
    story = tell(
        flow(task("a", [BROKEN], [1.0]), task("b", [1.0], fan_out=ForEach(["p", "q"]))),
        Setting([(5.0, cmd.SetConcurrency(scope="run", limit=1)), (6.0, cmd.RetryTask(task="a"))], leaves_at=9.0),
    )
    assert story.run.outcome is Outcome.SUCCEEDED
    assert story.run.max_concurrency == 1


# ── skipping ────────────────────────────────────────────────────────────────────────────────────


def test_a_task_that_has_not_started_can_be_skipped() -> None:
    tasks = [
        task("a", [5.0]),
        task("b", needs=["a"]),
        task("c", needs=["b"]),
        task("d", needs=[Need("b", Condition.SKIPPED)]),
    ]
    story = tell(flow(*tasks), Setting([(1.0, cmd.SkipTask(task="b", by="ann"))]))
    assert story.states() == {"a": "succeeded", "b": "skipped", "c": "skipped", "d": "succeeded"}
    assert story.run.tasks["b"].because == "skipped by ann"
    assert story.run.tasks["c"].cause == "b"


@pytest.mark.parametrize("waiting", ["approval", "slot", "backoff"])
def test_a_task_that_waits_can_be_skipped(waiting: str) -> None:
    cases: dict[str, Free] = {
        "approval": [task("a", approval=Approval("go?"))],
        "slot": [task("b", [5.0]), task("a")],
        "backoff": [task("a", [busy()], retries=2)],
    }
    story = tell(flow(*cases[waiting], max_concurrency=1), Setting([(0.5, cmd.SkipTask(task="a"))]))
    assert story.state("a") is State.SKIPPED
    assert story.ended("a") == 0.5


# ── going first ─────────────────────────────────────────────────────────────────────────────────


def test_a_task_is_sent_to_the_head_of_the_line_for_a_slot() -> None:
    tasks = [task(name, [5.0]) for name in "abcd"]
    commands = [(1.0, cmd.SkipWait(task="d")), (2.0, cmd.SkipWait(task="c"))]
    story = tell(flow(*tasks, max_concurrency=1), Setting(commands))
    assert [story.started(name)[0] for name in "abcd"] == [0.0, 15.0, 5.0, 10.0]


# ── bounds ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scope", ["run", "group:g", "backend:x", "task:a"])
def test_a_bound_can_be_raised_while_tasks_wait_for_it(scope: str) -> None:
    told = flow(
        task("a", [5.0], backend="x", group="g", fan_out=ForEach(["p", "q", "r"], max_concurrency=1)),
        backends=[backend("x", max_concurrency=1)],
        groups=[Group("g", max_concurrency=1)],
        max_concurrency=1,
    )
    others = [other for other in ("run", "group:g", "backend:x", "task:a") if other != scope]
    commands = [(0.0, cmd.SetConcurrency(scope=other, limit=9)) for other in others]
    story = tell(told, Setting([*commands, (1.0, cmd.SetConcurrency(scope=scope, limit=2))]))
    assert [story.started(f"a[{label}]")[0] for label in "pqr"] == [0.0, 1.0, 5.0]


def test_a_bound_that_is_lowered_stops_nobody() -> None:
    tasks = [task(name, [5.0]) for name in "abcd"]
    story = tell(flow(*tasks, max_concurrency=3), Setting([(1.0, cmd.SetConcurrency(scope="run", limit=1))]))
    assert [story.started(name)[0] for name in "abcd"] == [0.0, 0.0, 0.0, 5.0]
    assert story.run.max_concurrency == 1


def test_commands_that_come_before_the_start_wait_for_it() -> None:
    story = tell(
        flow(task("a", [5.0]), task("b")),
        Setting(probe=lambda engine: engine.session.send(cmd.CancelTask(task="a"))),
    )
    assert story.states() == {"a": "cancelled", "b": "succeeded"}
