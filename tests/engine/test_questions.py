"""What a task may ask while it runs, who answers, and what waits meanwhile."""

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import Answer, Approve, CancelTask, Command, Deny, SkipWait
from orchestrator.core.errors import DeniedError, ErrorKind
from orchestrator.core.ports import Context
from orchestrator.core.states import Outcome, State
from orchestrator.engine import EngineOptions
from tests.engine.kit import Free, Setting, call, flow, task, tell
from tests.engine.test_calls import X, agent

SOMEBODY = EngineOptions(answers_questions=True, stops_when_held=True)


def asking(*choices: str) -> Free:
    async def ask(context: Context) -> dict[str, object]:
        return {"value": await context.ask("Which one?", choices)}

    return ask


async def confirming(context: Context) -> dict[str, object]:
    try:
        await context.confirm("May I?", "rm -rf build")
    except DeniedError as error:
        return {"value": f"no: {error.failure.message}"}
    return {"value": "yes"}


def told(step: Free, *commands: tuple[float, Command], **fields: Free) -> Free:
    setting = Setting(commands, options=fields.pop("options", SOMEBODY))
    return tell(flow(agent("a", 1.0, step, 1.0, **fields), task("b", [5.0]), backends=X, max_concurrency=1), setting)


def test_an_answer_is_what_the_task_goes_on_with() -> None:
    story = told(asking(), (9.0, Answer(task="a", text="the left one", by="ann")))
    assert story.output("a")["value"] == "the left one"
    (asked,) = story.events(ev.QuestionAsked)
    assert (asked.message, asked.choices) == ("Which one?", ())
    (answered,) = story.events(ev.QuestionAnswered)
    assert (answered.answer, answered.by) == ("the left one", "ann")
    assert story.run.questions == {}


def test_who_waits_for_an_answer_holds_nothing_and_comes_back() -> None:
    story = told(asking(), (9.0, Answer(task="a", text="left")))
    assert story.started("b") == [1.0]
    assert story.waits("a") == [("answer", None)]
    assert story.times(ev.AttemptResumed, "a") == [9.0]
    assert story.ended("a") == 10.0


def test_the_time_for_an_answer_is_nobodys() -> None:
    story = told(asking(), (99.0, Answer(task="a", text="left")), attempt_timeout=5.0, timeout=5.0)
    assert story.state("a") is State.SUCCEEDED


def test_a_question_may_be_left_without_an_answer() -> None:
    story = told(asking(), (7.0, Deny(task="a", by="ann", reason="end of input")))
    assert story.times(ev.QuestionWithdrawn) == [7.0]
    error = story.run.tasks["a"].error
    assert error is not None
    assert error.message == "ann gave none: end of input"


def test_only_a_choice_is_an_answer_where_there_are_choices() -> None:
    story = told(asking("left", "right"), (7.0, Answer(task="a", text="up")), (9.0, Answer(task="a", text="right")))
    assert story.refusal() == "'up' is no answer; choose one of left, right"
    assert story.output("a")["value"] == "right"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (Approve(task="a"), "a wants an answer, not an approval"),
        (Answer(task="b", text="x"), "b asks nothing now"),
        (SkipWait(task="a"), "a waits for nothing that can be skipped"),
    ],
)
def test_what_is_no_answer_is_refused(command: Command, why: str) -> None:
    assert told(asking(), (7.0, command), (9.0, Answer(task="a", text="left"))).refusal() == why


@pytest.mark.parametrize(
    ("command", "value"),
    [
        (Approve(task="a"), "yes"),
        (Deny(task="a", by="ann", reason="too much"), "no: denied by ann: too much"),
    ],
)
def test_leave_is_given_or_not_and_the_task_goes_on(command: Command, value: str) -> None:
    story = told(confirming, (9.0, command))
    assert story.output("a")["value"] == value
    assert story.waits("a") == [("approval", None)]
    (asked,) = story.events(ev.ApprovalRequested)
    assert (asked.message, asked.show) == ("May I?", "rm -rf build")


def test_leave_can_be_given_beforehand() -> None:
    story = told(confirming, options=EngineOptions(approved=frozenset({"a"})))
    assert story.output("a")["value"] == "yes"
    assert story.events(ev.ApprovalRequested) == []


def test_where_nobody_is_there_nobody_is_asked() -> None:
    story = told(confirming, options=EngineOptions())
    assert story.output("a")["value"] == "no: May I? Nobody is there to be asked"
    story = told(asking(), options=EngineOptions())
    assert story.error("a").kind is ErrorKind.DENIED


def test_a_task_that_asks_can_be_cancelled() -> None:
    story = told(asking(), (9.0, CancelTask(task="a")))
    assert story.state("a") is State.CANCELLED
    assert story.run.questions == {}


def test_a_run_that_only_waits_for_an_answer_is_held_and_goes_on() -> None:
    story = told(asking(), (20.0, Answer(task="a", text="left")))
    assert story.times(ev.RunHeld) == [6.0]
    assert story.run.outcome is Outcome.SUCCEEDED


def test_an_answer_that_finds_no_free_slot_waits_for_one() -> None:
    busy_meanwhile = task("c", [9.0], needs=["b"])
    story = tell(
        flow(agent("a", asking(), call(1.0)), task("b", [1.0]), busy_meanwhile, backends=X, max_concurrency=1),
        Setting([(3.0, Answer(task="a", text="left"))], options=SOMEBODY),
    )
    assert story.times(ev.AttemptResumed, "a") == [10.0]
