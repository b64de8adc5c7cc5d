"""Stopping a task, a group or the run: how soon it ends, and that nothing stays taken."""

import asyncio
from collections.abc import Callable

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelGroup, CancelRun, CancelTask, Drain, KillTask, PauseTask, TripBreaker
from orchestrator.core.flow import Approval, BreakerPolicy, BudgetPolicy, Condition, Flow, ForEach, Need, RateLimit
from orchestrator.core.ports import Context
from orchestrator.core.states import Outcome, State
from tests.engine.kit import Free, Group, Setting, Usage, backend, busy, call, flow, task, tell

FOREVER = 10_000.0


async def stubborn(context: Context) -> None:
    """Take no notice of being asked to stop."""
    while context.clock.now() < FOREVER:
        try:
            await context.clock.sleep(FOREVER)
        except asyncio.CancelledError:
            continue


def tidies(seconds: float) -> Callable[[Context], Free]:
    async def step(context: Context) -> None:
        try:
            await context.clock.sleep(FOREVER)
        finally:
            await context.clock.sleep(seconds)

    return step


def test_cancelling_a_task_stops_it_and_nothing_else() -> None:
    story = tell(
        flow(task("a", [FOREVER]), task("b", [5.0]), task("c", needs=["a"])),
        Setting([(1.0, CancelTask(task="a", by="ann"))]),
    )
    assert story.states() == {"a": "cancelled", "b": "succeeded", "c": "skipped"}
    assert story.ended("a") == 1.0
    assert story.run.tasks["a"].because == "ann"
    assert [event.by for event in story.events(ev.AttemptInterrupted)] == ["ann"]


def test_a_task_that_takes_its_time_to_stop_is_shown_as_stopping() -> None:
    story = tell(flow(task("a", [tidies(2.0)], grace=4.0)), Setting([(1.0, CancelTask(task="a"))]))
    (stopping,) = story.events(ev.TaskStopping)
    assert stopping.until == 5.0
    assert story.ended("a") == 3.0


def test_one_that_stops_at_once_is_not() -> None:
    story = tell(flow(task("a", [FOREVER])), Setting([(1.0, CancelTask(task="a"))]))
    assert story.events(ev.TaskStopping) == []


def test_a_task_that_ignores_being_cancelled_is_left_behind() -> None:
    story = tell(
        flow(task("a", [stubborn], grace=3.0), task("b", [1.0], needs=["c"]), task("c", [9.0]), max_concurrency=2),
        Setting([(1.0, CancelTask(task="a"))]),
    )
    assert story.ended("a") == 6.0
    assert story.state("b") is State.SUCCEEDED


def test_killing_a_task_does_not_wait_for_its_grace() -> None:
    story = tell(flow(task("a", [stubborn], grace=30.0)), Setting([(1.0, KillTask(task="a"))]))
    assert story.ended("a") == 3.0
    story = tell(
        flow(task("a", [stubborn], grace=30.0)), Setting([(1.0, CancelTask(task="a")), (4.0, KillTask(task="a"))])
    )
    assert story.ended("a") == 6.0


def test_killing_asks_a_second_time_which_cleaning_up_does_not_survive() -> None:
    story = tell(
        flow(task("a", [tidies(60.0)], grace=90.0)), Setting([(1.0, CancelTask(task="a")), (4.0, KillTask(task="a"))])
    )
    assert story.ended("a") == 4.0


def test_cancelling_the_run_stops_what_runs_and_what_would_start() -> None:
    story = tell(
        flow(task("a", [FOREVER]), task("b", needs=["a"]), task("c", [0.5])), Setting([(1.0, CancelRun(by="ann"))])
    )
    assert story.states() == {"a": "cancelled", "b": "cancelled", "c": "succeeded"}
    assert story.run.outcome is Outcome.CANCELLED
    assert story.run.at == 1.0


def test_the_run_says_until_when_its_tasks_may_take_to_stop() -> None:
    story = tell(flow(task("a", [FOREVER], grace=7.0), task("b", [FOREVER])), Setting([(1.0, CancelRun())]))
    assert story.events(ev.RunCancelling)[0].until == 8.0


def test_force_kills_what_was_cancelled_before() -> None:
    commands = [(1.0, CancelRun()), (2.0, CancelRun(force=True))]
    story = tell(flow(task("a", [tidies(60.0)], grace=90.0)), Setting(commands))
    assert story.run.at == 2.0


def test_a_task_that_is_stopping_is_not_tried_again() -> None:
    story = tell(flow(task("a", [busy()], retries=9)), Setting([(0.5, CancelRun())]))
    assert story.started("a") == [0.0]
    assert story.ended("a") == 0.5


def test_cancelling_the_run_twice_is_refused_until_it_is_forced() -> None:
    story = tell(flow(task("a", [tidies(5.0)])), Setting([(1.0, CancelRun()), (2.0, CancelRun())]))
    assert "being cancelled already" in story.refusal()


def test_cancelling_a_group_stops_its_tasks_alone() -> None:
    tasks = [task("a", [FOREVER], group="g"), task("b", group="g", needs=["a"]), task("c", [5.0])]
    story = tell(flow(*tasks, groups=[Group("g")]), Setting([(1.0, CancelGroup(group="g", by="ann"))]))
    assert story.states() == {"a": "cancelled", "b": "cancelled", "c": "succeeded"}
    assert [(event.group, event.by) for event in story.events(ev.GroupCancelled)] == [("g", "ann")]


def test_nobody_starts_while_a_line_is_being_cancelled() -> None:
    spec = backend("x", rate_limits=(RateLimit(60.0, tokens=100),))
    heavy, light = (
        task("heavy", tokens=90, backend="x", needs=["wait"]),
        task("light", tokens=5, backend="x", needs=["wait"]),
    )
    first = task("first", [30.0, Usage(50, 0)], tokens=50, backend="x")
    story = tell(flow(first, task("wait", [1.0]), heavy, light, backends=[spec]), Setting([(2.0, CancelRun())]))
    assert story.started("light") == []


# ── draining ────────────────────────────────────────────────────────────────────────────────────


def test_draining_finishes_what_runs_and_starts_nothing() -> None:
    story = tell(
        flow(task("a", [500.0]), task("b", needs=["a"]), task("c", [busy()], retries=3)), Setting([(0.5, Drain())])
    )
    assert story.states() == {"a": "succeeded", "b": "cancelled", "c": "cancelled"}
    assert story.run.at == 500.0
    assert story.run.outcome is Outcome.CANCELLED


def test_a_run_that_was_drained_of_nothing_ends_as_it_would_have() -> None:
    story = tell(flow(task("a", [5.0])), Setting([(1.0, Drain())]))
    assert story.run.outcome is Outcome.SUCCEEDED


def test_draining_lets_an_agent_make_its_calls() -> None:
    agent = task("a", [call(5.0), call(busy()), call(1.0)], kind="agentic", backend="x", retries=1)
    calm = task("b", [call(5.0), call(1.0)], kind="agentic", backend="x")
    story = tell(flow(agent, calm, backends=[backend("x", max_concurrency=1)]), Setting([(1.0, Drain())]))
    assert story.states() == {"a": "failed", "b": "succeeded"}


def test_a_drain_can_become_a_cancel() -> None:
    story = tell(flow(task("a", [FOREVER])), Setting([(1.0, Drain()), (5.0, CancelRun())]))
    assert story.run.at == 5.0
    assert [event.draining for event in story.events(ev.RunCancelling)] == [True, False]


# ── whatever it waits for ───────────────────────────────────────────────────────────────────────

SHUT = BreakerPolicy(failure_threshold=1)


def blocked(waiting: Free, **fields: Free) -> Flow:
    """Return a flow in which `a` waits while others hold what it waits for."""
    return flow(waiting, **{"backends": [backend("x")], **fields})


CASES: dict[str, tuple[Flow, list[tuple[float, Free]]]] = {
    "slot": (flow(task("b", [9.0]), task("a"), max_concurrency=1), []),
    "backend slot": (
        flow(task("b", [9.0], backend="x"), task("a", backend="x"), backends=[backend("x", max_concurrency=1)]),
        [],
    ),
    "rate": (
        flow(
            task("b", backend="x"), task("a", backend="x"), backends=[backend("x", rate_limits=(RateLimit(50.0, 1),))]
        ),
        [],
    ),
    "hold": (
        flow(
            task("b", [busy(429, 50.0)], backend="x"),
            task("c", [1.0]),
            task("a", backend="x", needs=["c"]),
            backends=[backend("x")],
        ),
        [],
    ),
    "breaker": (
        flow(
            task("b", [busy()], backend="x"),
            task("c", [1.0]),
            task("a", backend="x", needs=["c"]),
            backends=[backend("x", breaker=SHUT)],
        ),
        [],
    ),
    "tripped": (
        flow(task("c", [1.0]), task("a", backend="x", needs=["c"]), backends=[backend("x")]),
        [(0.5, TripBreaker(backend="x"))],
    ),
    "budget": (
        flow(
            task("b", [9.0], tokens=60, backend="x"),
            task("a", tokens=60, backend="x"),
            backends=[backend("x")],
            budget=BudgetPolicy(tokens=100),
        ),
        [],
    ),
    "spent": (
        flow(
            task("b", [Usage(60, 0)], tokens=60, backend="x"),
            task("a", tokens=60, backend="x"),
            backends=[backend("x")],
            budget=BudgetPolicy(tokens=100),
        ),
        [],
    ),
    "approval": (flow(task("a", approval=Approval("go?", timeout=60.0))), []),
    "backoff": (flow(task("a", [busy()], retry=task("x", retries=9).retry)), []),
    "pause": (flow(task("c", [1.0]), task("a", needs=["c"])), [(0.5, PauseTask(task="a"))]),
    "dependency": (flow(task("b", [9.0]), task("a", needs=["b"])), []),
    "running": (flow(task("a", [9.0])), []),
    "call": (
        flow(
            task("b", [9.0], backend="x"),
            task("a", [call(1.0)], kind="agentic", backend="x"),
            backends=[backend("x", max_concurrency=1)],
        ),
        [],
    ),
    "call backoff": (
        flow(task("a", [call(busy())], kind="agentic", backend="x", retries=9), backends=[backend("x")]),
        [],
    ),
    "in call": (flow(task("a", [call(9.0)], kind="agentic", backend="x"), backends=[backend("x")]), []),
    "fan-out": (flow(task("a", [9.0], fan_out=ForEach(["p", "q"], max_concurrency=1))), []),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "command", [CancelTask(task="a"), KillTask(task="a"), CancelGroup(group="default"), CancelRun()]
)
def test_a_task_is_cancelled_at_once_whatever_it_waits_for(case: str, command: Free) -> None:
    told, commands = CASES[case]
    story = tell(told, Setting([*commands, (2.5, command)], leaves_at=200.0))
    assert story.state("a") is State.CANCELLED
    assert story.ended("a") == 2.5
    assert story.run.questions == {}


def test_a_task_that_is_cancelled_in_the_moment_in_which_its_turn_comes_takes_nothing() -> None:
    agent = task("a", [call(1.0)], kind="agentic", backend="x")
    spec = backend("x", max_concurrency=1)
    for command in (CancelTask(task="a"), KillTask(task="a")):
        story = tell(
            flow(task("b", [5.0], backend="x"), agent, backends=[spec], max_concurrency=2), Setting([(5.0, command)])
        )
        assert story.states() == {"a": "cancelled", "b": "succeeded"}


def test_a_task_that_is_cancelled_before_its_first_step_ends_at_once() -> None:
    story = tell(flow(task("a", [5.0]), task("b", [FOREVER], needs=["a"])), Setting([(5.0, CancelTask(task="b"))]))
    assert story.ended("b") == 5.0
    assert story.state("b") is State.CANCELLED


def test_a_call_that_is_made_after_its_attempt_was_stopped_takes_nothing_and_keeps_nobody_busy() -> None:
    asked: list[float] = []

    async def never_gives_up(context: Context) -> None:
        while len(asked) < 4:
            try:
                await call(FOREVER)(context)
            except asyncio.CancelledError:
                asked.append(context.clock.now())

    agent = task("a", [never_gives_up], kind="agentic", backend="x", grace=1.0)
    others = [task("b", [20.0], backend="x"), task("c", [1.0], needs=["a"])]
    story = tell(flow(agent, *others, backends=[backend("x")]), Setting([(2.0, CancelTask(task="a"))]))
    assert story.ended("a") == 5.0
    assert story.run.backends["x"].in_use == 0
    assert asked[:2] == [2.0, 2.0]


def test_draining_gives_all_the_time_it_takes_to_what_runs_and_to_what_runs_always() -> None:
    tidy = task("tidy", [100.0], always=True, needs=[Need("a", Condition.SETTLED)])
    story = tell(flow(task("a", [500.0]), tidy), Setting([(0.5, Drain())]))
    assert story.states() == {"a": "succeeded", "tidy": "succeeded"}
