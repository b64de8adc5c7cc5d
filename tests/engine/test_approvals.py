"""Questions before a task starts: who is asked what, and what each answer does."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import Approve, CancelTask, Deny, PauseTask, RerunFrom, RetryTask, SkipTask, UnpauseTask
from orchestrator.core.errors import Code, ErrorKind
from orchestrator.core.flow import Approval, FlowCall, ForEach, OnTimeout, Task
from orchestrator.core.states import Outcome, State
from orchestrator.engine import EngineOptions
from tests.engine.kit import Free, Setting, flow, task, tell

GO = Approval("Go?")


def gate(name: str = "gate", **fields: Free) -> Task:
    return task(name, kind="gate", **{"approval": GO, **fields})


def test_a_task_asks_when_it_could_start_and_starts_when_it_is_approved() -> None:
    asked = task("a", [1.0], approval=Approval("Publish {{ first }}?", show="{{ first.text }}"), needs=["first"])
    first = task("first", [2.0, {"value": "v1", "text": "the notes"}])
    story = tell(flow(first, asked), Setting([(7.0, Approve(task="a", by="ann", reason="fine"))]))
    (question,) = story.events(ev.ApprovalRequested)
    assert (question.message, question.show, question.until) == ("Publish v1?", "the notes", None)
    assert story.times(ev.ApprovalRequested) == [2.0]
    assert story.started("a") == [7.0]
    (given,) = story.events(ev.ApprovalGiven)
    assert (given.by, given.reason) == ("ann", "fine")
    assert story.run.questions == {}


def test_a_task_that_waits_for_an_answer_holds_no_slot() -> None:
    story = tell(flow(task("a", approval=GO), task("b", [1.0]), max_concurrency=1), Setting([(7.0, Approve(task="a"))]))
    assert story.started("b") == [0.0]


def test_denied_a_task_fails_and_says_why() -> None:
    story = tell(
        flow(task("a", approval=GO), task("b", needs=["a"])),
        Setting([(7.0, Deny(task="a", by="ann", reason="not yet"))]),
    )
    assert story.states() == {"a": "failed", "b": "skipped"}
    error = story.error("a")
    assert (error.kind, error.code, error.message) == (ErrorKind.DENIED, Code.DENIED, "denied by ann: not yet")


@pytest.mark.parametrize(("rule", "state"), [(OnTimeout.APPROVE, State.SUCCEEDED), (OnTimeout.DENY, State.FAILED)])
def test_a_question_can_answer_itself(rule: OnTimeout, state: State) -> None:
    story = tell(flow(task("a", approval=Approval("Go?", timeout=5.0, on_timeout=rule))))
    assert story.state("a") is state
    assert story.run.at == 5.0
    assert story.waits("a") == [("approval", 5.0)]
    assert story.events(ev.RunHeld) == []


def test_the_time_for_an_answer_counts_from_the_question() -> None:
    asked = task("a", approval=Approval("Go?", timeout=5.0))
    commands = [(0.0, PauseTask(task="a")), (60.0, UnpauseTask(task="a"))]
    story = tell(flow(task("first", [1.0]), asked, task("b", needs=["first"])), Setting([(0.0, PauseTask(task="a"))]))
    assert story.ended("a") == 5.0, "it was asked before the pause"
    later = task("a", approval=Approval("Go?", timeout=5.0), needs=["first"])
    story = tell(flow(task("first", [1.0]), later), Setting(commands))
    assert story.times(ev.ApprovalRequested) == [60.0]
    assert story.ended("a") == 65.0


def test_an_answer_in_time_is_the_only_one() -> None:
    asked = task("a", [20.0], approval=Approval("Go?", timeout=5.0))
    story = tell(flow(asked), Setting([(1.0, Approve(task="a"))]))
    assert len(story.events(ev.ApprovalGiven, ev.ApprovalDenied)) == 1
    assert story.state("a") is State.SUCCEEDED


def test_a_gate_is_a_question_and_nothing_else() -> None:
    story = tell(flow(gate(), task("b", needs=["gate"])), Setting([(7.0, Approve(task="gate"))]))
    assert story.started("b") == [7.0]


def test_what_is_approved_beforehand_asks_nobody() -> None:
    for options in (EngineOptions(approved=frozenset({"a"})), EngineOptions(approve_all=True)):
        story = tell(flow(task("a", approval=GO)), Setting(options=options))
        assert story.state("a") is State.SUCCEEDED
        assert story.events(ev.ApprovalRequested) == []
        assert [event.by for event in story.events(ev.ApprovalGiven)] == ["the command line"]


def test_approving_a_fan_out_beforehand_approves_its_instances() -> None:
    fanned = task("a", approval=GO, fan_out=ForEach(["p", "q"]))
    story = tell(flow(fanned), Setting(options=EngineOptions(approved=frozenset({"a"}))))
    assert set(story.states().values()) == {"succeeded"}


@pytest.mark.parametrize(
    ("approved", "asks"),
    [
        ("sub/a", set()),
        ("sub[p]/a", {"sub[q]/a"}),
        ("a", {"sub[p]/a", "sub[q]/a"}),
    ],
)
def test_a_task_of_a_sub_flow_is_approved_beforehand_by_its_whole_name(approved: str, asks: set[str]) -> None:
    sub = task("sub", kind="flow", settings=FlowCall("inner.yaml", {}), fan_out=ForEach(["p", "q"]))
    outer = flow(sub, flows={"sub": flow(task("a", approval=GO), name="inner")})
    options = EngineOptions(approved=frozenset({approved}), stops_when_held=True)
    story = tell(outer, Setting(options=options))
    assert {event.task for event in story.events(ev.ApprovalRequested)} == asks


def test_unwatched_a_run_that_asks_ends_held() -> None:
    story = tell(flow(task("a", approval=GO), task("b", [3.0])), Setting(options=EngineOptions(stops_when_held=True)))
    assert story.run.outcome is Outcome.HELD
    assert story.run.at == 3.0


def test_a_question_that_cannot_be_rendered_fails_the_task() -> None:
    story = tell(flow(task("a", approval=Approval("{{ nobody }}")), task("b")))
    assert story.states() == {"a": "failed", "b": "succeeded"}


def test_what_asks_nothing_cannot_be_answered() -> None:
    for command in (Approve(task="a"), Deny(task="a")):
        story = tell(flow(task("a", [5.0])), Setting([(1.0, command)]))
        assert "asks nothing" in story.refusal()


def test_a_question_ends_with_its_task_and_is_asked_anew_when_that_is_reset() -> None:
    asked = task("a", [1.0], approval=Approval("Go?", timeout=50.0))
    commands = [(5.0, CancelTask(task="a")), (10.0, RetryTask(task="a")), (20.0, Approve(task="a"))]
    story = tell(flow(asked), Setting(commands, leaves_at=500.0))
    assert story.times(ev.ApprovalRequested) == [0.0, 10.0]
    assert story.started("a") == [20.0]
    assert story.events(ev.ApprovalDenied) == []


def test_what_is_run_again_is_asked_again() -> None:
    commands = [(1.0, Approve(task="a")), (5.0, RerunFrom(task="a")), (6.0, Approve(task="a"))]
    story = tell(flow(task("a", approval=GO)), Setting(commands, leaves_at=50.0))
    assert story.started("a") == [1.0, 6.0]


# ── once for all ────────────────────────────────────────────────────────────────────────────────

ONCE = Approval("All?", once=True)


def fanned(**fields: Free) -> Task:
    return task("a", [9.0], fan_out=ForEach(["p", "q", "r"]), **{"approval": ONCE, **fields})


def test_denied_once_all_are_denied() -> None:
    story = tell(flow(fanned()), Setting([(1.0, Deny(task="a[p]"))]))
    assert story.states() == {"a": "failed", "a[p]": "failed", "a[q]": "failed", "a[r]": "failed"}
    assert len(story.events(ev.ApprovalDenied)) == 1


@pytest.mark.parametrize("command", [SkipTask(task="a[p]"), CancelTask(task="a[p]")])
def test_when_who_asked_for_all_ends_another_asks(command: SkipTask | CancelTask) -> None:
    story = tell(flow(fanned()), Setting([(1.0, command), (3.0, Approve(task="a[q]"))]))
    assert [event.task for event in story.events(ev.ApprovalRequested)] == ["a[p]", "a[q]"]
    assert story.started("a[r]") == [3.0]


def test_who_asks_again_after_a_retry_does_not_speak_for_those_who_run() -> None:
    commands = [
        (1.0, Approve(task="a[p]")),
        (2.0, CancelTask(task="a[p]")),
        (3.0, RetryTask(task="a[p]")),
        (4.0, Deny(task="a[p]")),
    ]
    story = tell(flow(fanned()), Setting(commands))
    assert story.states() == {"a": "failed", "a[p]": "failed", "a[q]": "succeeded", "a[r]": "succeeded"}


def test_one_answer_is_also_for_those_who_are_not_ready_yet() -> None:
    story = tell(
        flow(
            task(
                "l",
                [lambda context: context.clock.sleep(9.0 if "q" in context.task else 0.0)],
                fan_out=ForEach(["p", "q"]),
            ),
            task("a", [1.0], fan_out=ForEach(each="l"), needs=["l"], approval=ONCE),
        ),
        Setting([(1.0, Approve(task="a[p]"))]),
    )
    assert story.started("a[q]") == [9.0]
    assert len(story.events(ev.ApprovalRequested)) == 1
