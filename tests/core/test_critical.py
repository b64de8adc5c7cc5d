"""Which chain decides the end, and why a task does not run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings

from orchestrator.core import events as ev
from orchestrator.core.critical import critical_chain, why_not_running
from orchestrator.core.events import BackendInfo, BudgetInfo, Event, GroupInfo, Record
from orchestrator.core.flow import Need
from orchestrator.core.run import Run, fold
from orchestrator.core.states import BreakerState, Outcome, Reason
from tests.core.stories import BUSY, stories

STARTED = ev.RunStarted(
    "flow",
    "flow.yaml",
    1_700_000_000.0,
    7,
    groups=(GroupInfo("main", 2),),
    backends=(BackendInfo("web", "http"),),
    budgets=(BudgetInfo("run", cost_usd=1.0),),
)


def told(*moments: tuple[float, Event]) -> Run:
    """Return the run of which these events were told at these seconds."""
    moments = ((0.0, STARTED), *moments)
    return fold(Record("r", seq, at, event) for seq, (at, event) in enumerate(moments))


def added(task: str, *needs: str, of: str | None = None, kind: str = "shell", whole: bool = False) -> Event:
    return ev.TaskAdded(task, kind, "main", tuple(Need(need) for need in needs), of=of, whole=whole, max_attempts=3)


def ran(task: str, begun: float, ended: float) -> Sequence[tuple[float, Event]]:
    return (
        (begun, ev.TaskWaiting(task, Reason.SLOT)),
        (begun, ev.AttemptStarted(task, 1, 3)),
        (ended, ev.AttemptSucceeded(task, 1)),
        (ended, ev.TaskSucceeded(task)),
    )


def begun(task: str, at: float) -> Sequence[tuple[float, Event]]:
    return ran(task, at, at)[:2]


# ── the chain ───────────────────────────────────────────────────────────────────────────────────


def test_a_run_that_is_over_was_decided_by_what_ended_last_and_what_that_waited_for() -> None:
    run = told(
        *((0.0, task) for task in (added("a"), added("b"), added("c", "a", "b"), added("d", "a"))),
        *ran("a", 1, 2),
        *ran("b", 1, 5),
        *ran("d", 5, 6),
        *ran("c", 6, 9),
        (9.0, ev.RunFinished(Outcome.SUCCEEDED)),
    )
    assert critical_chain(run, 9.0) == ("b", "c")


def test_what_waits_is_thought_to_take_what_its_like_took() -> None:
    run = told(
        *((0.0, added(name, kind="llm")) for name in ("slow", "next")),
        *((0.0, added(name, kind="shell")) for name in ("quick", "other")),
        (0.0, added("join", "next", "other")),
        *ran("quick", 0, 1),
        *ran("slow", 1, 21),
        *begun("next", 21),
        *begun("other", 21),
    )
    assert critical_chain(run, 22.0) == ("next", "join")


def test_a_whole_ends_with_the_last_of_its_instances_which_waited_for_what_the_whole_needs() -> None:
    run = told(
        (0.0, added("plan")),
        (0.0, added("part", "plan", whole=True)),
        (0.0, added("sum", "part")),
        *ran("plan", 1, 2),
        (2.0, ev.TaskExpanded("part", ("part[a]", "part[b]"))),
        (2.0, added("part[a]", of="part")),
        (2.0, added("part[b]", of="part")),
        *ran("part[a]", 2, 3),
        *begun("part[b]", 3),
    )
    assert critical_chain(run, 3.5) == ("plan", "part[b]", "sum")


def test_a_wait_whose_end_is_known_counts() -> None:
    run = told(
        (0.0, added("a")),
        (0.0, added("b")),
        (1.0, ev.TaskWaiting("a", Reason.SLOT)),
        (1.0, ev.TaskWaiting("b", Reason.RATE_LIMIT, 30.0, "web")),
    )
    assert critical_chain(run, 1.0) == ("b",)


def test_a_run_without_tasks_has_no_chain() -> None:
    assert critical_chain(Run("r"), 0.0) == ()


def test_needs_in_a_ring_end_nowhere_but_end() -> None:
    run = told((0.0, added("a", "b")), (0.0, added("b", "a")))
    assert set(critical_chain(run, 1.0)) == {"a", "b"}


@settings(max_examples=60, deadline=None)
@given(stories())
def test_whatever_happens_there_is_a_chain_and_a_reason_for_everything_that_does_not_run(records: list[Record]) -> None:
    run = fold(records)
    chain = critical_chain(run, run.at + 1.0)
    assert len(chain) == len(set(chain))
    assert set(chain) <= set(run.tasks)
    for task in run.tasks.values():
        runs = task.is_final or task.state.value == "running"
        assert bool(why_not_running(run, task, run.at + 1.0)) is not runs


# ── why ─────────────────────────────────────────────────────────────────────────────────────────


def why(*events: Event, task: str = "t", now: float = 10.0) -> str:
    run = told((0.0, added("t")), *((10.0, event) for event in events))
    return why_not_running(run, run.tasks[task], now)


def test_what_runs_or_has_ended_has_no_reason_not_to() -> None:
    run = told((0.0, added("a")), (0.0, added("b")), *ran("a", 1, 2), *begun("b", 2))
    assert [why_not_running(run, task, 3.0) for task in run.tasks.values()] == ["", ""]


def test_a_pending_task_names_what_it_waits_for_and_how_that_stands() -> None:
    run = told(
        (0.0, added("build")),
        (0.0, added("check")),
        (0.0, added("ship", "check", "build")),
        *begun("build", 8),
    )
    assert why_not_running(run, run.tasks["ship"], 20.0) == "waits for build (running 12 s) and 1 more"
    assert why_not_running(run, run.tasks["ship"], 200.0) == "waits for build (running 3:12) and 1 more"
    assert why_not_running(run, run.tasks["check"], 20.0) == "starts at once"


def test_a_whole_that_is_waited_for_says_how_much_of_it_is_done() -> None:
    run = told(
        (0.0, added("part", whole=True)),
        (0.0, added("sum", "part")),
        (1.0, ev.TaskExpanded("part", ("part[a]", "part[b]"))),
        (1.0, added("part[a]", of="part")),
        (1.0, added("part[b]", of="part")),
        *ran("part[a]", 2, 3),
    )
    assert why_not_running(run, run.tasks["sum"], 3.0) == "waits for part (1 of 2 done)"


@pytest.mark.parametrize(
    ("gate", "where"),
    [
        ("group:main", "in group main"),
        ("task:word", "in word"),
        ("web", "at web"),
        ("run", "in the run"),
        (None, "in the run"),
    ],
)
def test_whoever_waits_for_a_slot_is_told_how_many_are_before_it(gate: str | None, where: str) -> None:
    run = told(
        *((0.0, added(name)) for name in "abct"),
        (1.0, ev.TaskWaiting("b", Reason.SLOT, None, gate)),
        (2.0, ev.TaskWaiting("t", Reason.SLOT, None, gate)),
        (3.0, ev.TaskWaiting("c", Reason.SLOT, None, gate)),
        (3.0, ev.TaskWaiting("a", Reason.SLOT, None, "elsewhere")),
    )
    reasons = [why_not_running(run, run.tasks[name], 3.0) for name in "btc"]
    assert reasons == [f"waits for a slot {where}, {rest}" for rest in ("it is next", "1 before it", "2 before it")]


WAITS = [
    (ev.TaskWaiting("t", Reason.RATE_LIMIT, 11.24, "web"), "the rate limit of web lets its call through in 1.2 s"),
    (ev.TaskWaiting("t", Reason.RATE_LIMIT), "the rate limit lets its call through soon"),
    (ev.TaskWaiting("t", Reason.QUOTA, 3_800.0, "web"), "the usage limit of web lets it go on in 1:03:10"),
    (ev.TaskWaiting("t", Reason.QUOTA), "the usage limit lets it go on once it is renewed"),
    (ev.TaskWaiting("t", Reason.BACKOFF, 33.0), "try 1 of 3 starts in 0:23"),
    (ev.TaskWaiting("t", Reason.BACKOFF), "try 1 of 3 starts soon"),
    (ev.TaskWaiting("t", Reason.BREAKER, 33.0), "a breaker is open in 0:23"),
    (ev.TaskWaiting("t", Reason.BUDGET, None, "run"), "budget run has no room until calls under way are settled"),
    (ev.TaskWaiting("t", Reason.APPROVAL), "waits for your approval"),
    (ev.TaskWaiting("t", Reason.ANSWER), "waits for your answer"),
    (ev.TaskWaiting("t", Reason.SUBAGENT), "waits for a subagent"),
    (ev.TaskWaiting("t", Reason.PAUSED), "is paused until somebody lets it go on"),
]


@pytest.mark.parametrize(
    ("wait", "reason"), WAITS, ids=[f"{wait.reason}-{wait.gate}-{wait.until}" for wait, _ in WAITS]
)
def test_every_wait_says_what_for_and_until_when(wait: Event, reason: str) -> None:
    assert why(wait) == reason


def test_a_retry_tells_what_went_wrong() -> None:
    failed = (ev.AttemptStarted("t", 1, 3), ev.AttemptFailed("t", 1, BUSY, 12.0))
    told_of = why(ev.TaskWaiting("t", Reason.SLOT), *failed, ev.TaskWaiting("t", Reason.BACKOFF, 22.0))
    assert told_of == "try 2 of 3 starts in 0:12, after HTTP 503"


def test_a_breaker_says_when_its_probe_goes_out() -> None:
    waits = ev.TaskWaiting("t", Reason.BREAKER, 33.0, "web")
    opened = ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.OPEN, "5 failures", 33.0)
    half = ev.BreakerMoved("web", BreakerState.OPEN, BreakerState.HALF_OPEN, "cool-down over")
    closed = ev.BreakerMoved("web", BreakerState.HALF_OPEN, BreakerState.CLOSED, "2 successes")
    tripped = ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.TRIPPED, "operator")
    assert why(opened, waits) == "breaker web opens its probe in 0:23"
    assert why(opened, half, waits) == "breaker web is being probed, 0 of 2 calls have succeeded"
    assert why(opened, half, closed, waits) == (
        "breaker web is closed again and lets the waiting through, a few at a time"
    )
    assert why(tripped, waits) == "breaker web was opened by hand, until somebody resets it"


def test_a_spent_budget_waits_for_a_person() -> None:
    spent = ev.BudgetExceeded("run", "t", "hold", "$1.02 of $1.00")
    told_of = why(spent, ev.TaskWaiting("t", Reason.BUDGET, None, "run"))
    assert told_of == "budget run is spent ($1.02 of $1.00), until somebody raises it"


def test_a_question_says_how_long_it_waits() -> None:
    asked = ev.ApprovalRequested("t", "Go?", None, 33.0)
    assert why(ev.TaskWaiting("t", Reason.APPROVAL), asked) == "waits for your approval, 0:23 left"


def test_a_subagent_that_is_waited_for_is_named() -> None:
    run = told((0.0, added("t")), (0.0, added("sub")), (1.0, ev.TaskWaiting("t", Reason.SUBAGENT, None, "sub")))
    assert why_not_running(run, run.tasks["t"], 2.0) == "waits for sub (pending)"


HELD = [
    (ev.TaskPaused("t", "operator"), "is paused until somebody lets it go on"),
    (ev.GroupPaused("main", "operator"), "group main is paused until somebody lets it go on"),
    (ev.RunPaused("operator"), "the run is paused (operator) until somebody lets it go on"),
    (ev.RunCancelling("operator"), "will not start: the run is being stopped"),
    (ev.TaskStopping("t", None, "operator"), "will not start: it is being cancelled"),
]


@pytest.mark.parametrize(("event", "reason"), HELD, ids=[type(event).__name__ for event, _ in HELD])
def test_what_holds_a_task_goes_before_what_it_waits_for(event: Event, reason: str) -> None:
    assert why(event) == reason
