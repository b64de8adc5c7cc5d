"""Tasks that a running task starts: they are seen, bounded and stopped as others are, and only their starter hears."""

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelTask, RetryTask
from orchestrator.core.errors import Failure
from orchestrator.core.flow import BudgetPolicy, Group, OnFailure
from orchestrator.core.ports import Context, Work
from orchestrator.core.states import Outcome, State
from orchestrator.engine import EngineOptions
from tests.engine.kit import Free, Script, Setting, Usage, busy, flow, task, tell
from tests.engine.test_calls import X, agent


def work(name: str, *steps: Free, text: str = "", tokens: int = 0) -> Work:
    return Work(name, "scripted", Script((steps,), text, tokens))


def starting(*works: Work) -> Free:
    async def delegate(context: Context) -> dict[str, object]:
        handed = await context.delegate(works)
        backs = [back.message if isinstance(back, Failure) else back["value"] for back, _ in handed]
        return {"list": backs, "n": sum(tokens for _, tokens in handed)}

    return delegate


def test_each_work_is_a_task_of_its_own_and_its_output_comes_back() -> None:
    story = tell(flow(agent("a", starting(work("x", 2.0, text="one"), work("y", 3.0, text="two")), 1.0), backends=X))
    assert story.output("a")["list"] == ["one", "two"]
    assert story.states() == {"a": "succeeded", "a/x": "succeeded", "a/y": "succeeded"}
    assert story.waits("a") == [("subagent", None)]
    assert story.ended("a") == 4.0


def test_works_of_one_name_are_told_apart() -> None:
    story = tell(flow(agent("a", starting(work("x", text="one"), work("x", text="two"))), backends=X))
    assert set(story.run.tasks) == {"a", "a/x", "a/x-2"}
    assert story.output("a")["list"] == ["one", "two"]


def test_who_waits_for_others_gives_them_its_slot() -> None:
    story = tell(flow(agent("a", starting(work("x", 2.0))), backends=X, max_concurrency=1))
    assert story.run.outcome is Outcome.SUCCEEDED
    assert story.times(ev.AttemptResumed, "a") == [2.0]


def test_what_one_fails_at_is_told_to_the_starter_and_to_nobody_else() -> None:
    strict = Group("strict", on_failure=OnFailure.CANCEL_GROUP)
    starter = agent("a", starting(work("x", busy(400)), work("y", 2.0, text="two")), group="strict")
    story = tell(flow(starter, task("b", [9.0], group="strict"), backends=X, groups=[strict]))
    assert story.output("a")["list"] == ["HTTP 400", "two"]
    assert story.state("a/x") is State.FAILED
    assert story.run.outcome is Outcome.SUCCEEDED


def test_they_spend_what_their_starter_may_spend() -> None:
    starter = agent("a", starting(work("x", Usage(60, 0), tokens=60)), budget=BudgetPolicy(tokens=100))
    story = tell(flow(starter, backends=X))
    assert story.run.budgets["task:a"].tokens == 60


def test_what_they_used_is_told_to_the_starter_failed_or_not_and_below_them_too() -> None:
    lead = Work("lead", "agentic", Script(((starting(work("hand", Usage(8, 2), busy(400))), busy(400)),)))
    starter = agent("a", starting(work("x", Usage(60, 0)), work("y", Usage(30, 0), busy(400)), lead))
    assert tell(flow(starter, backends=X)).output("a")["n"] == 100


def test_they_are_stopped_with_their_starter() -> None:
    story = tell(flow(agent("a", starting(work("x", 99.0))), backends=X), Setting([(5.0, CancelTask(task="a"))]))
    assert story.states() == {"a": "cancelled", "a/x": "cancelled"}
    assert story.run.at == 5.0


def test_a_deadline_of_the_starter_is_theirs() -> None:
    story = tell(flow(agent("a", starting(work("x", 99.0)), deadline=5.0), backends=X))
    assert story.state("a") is State.FAILED
    assert story.run.at == 5.0


def test_one_of_them_can_be_stopped_alone() -> None:
    starter = agent("a", starting(work("x", 99.0), work("y", 9.0, text="two")))
    story = tell(flow(starter, backends=X), Setting([(5.0, CancelTask(task="a/x"))]))
    assert story.output("a")["list"] == ["a/x was cancelled", "two"]


def test_what_was_heard_is_not_retried_alone() -> None:
    setting = Setting([(5.0, RetryTask(task="a/x"))], leaves_at=9.0)
    story = tell(flow(agent("a", starting(work("x", busy(400)))), backends=X), setting)
    assert "no part of the run any more" in story.refusal()


def test_a_retried_starter_starts_others_of_the_same_name() -> None:
    setting = Setting([(5.0, RetryTask(task="a"))], leaves_at=9.0)
    story = tell(flow(agent("a", starting(work("x", text="one")), busy(400)), backends=X), setting)
    assert set(story.run.tasks) == {"a", "a/x", "a/x-2"}


def test_they_can_start_others_until_it_is_too_deep() -> None:
    def nested(depth: int) -> Free:
        return starting(Work("deeper", "agentic", Script(((nested(depth - 1),),)))) if depth else 1.0

    story = tell(flow(agent("a", nested(6)), backends=X))
    assert max(name.count("/") for name in story.run.tasks) == 5
    assert story.run.outcome is Outcome.SUCCEEDED


def test_those_whom_they_started_are_stopped_with_the_first_and_spend_what_it_may() -> None:
    lead = Work("lead", "agentic", Script(((starting(work("hand", Usage(60, 0), 99.0, tokens=60)),),)))
    starter = agent("a", starting(lead), budget=BudgetPolicy(tokens=100))
    story = tell(flow(starter, backends=X), Setting([(5.0, CancelTask(task="a"))]))
    assert story.states() == dict.fromkeys(("a", "a/lead", "a/lead/hand"), "cancelled")
    assert (story.run.at, story.run.budgets["task:a"].tokens) == (5.0, 60)


def test_too_many_of_them_are_too_many_tasks() -> None:
    works = [work(f"w{number}") for number in range(5)]
    story = tell(flow(agent("a", starting(*works)), backends=X), Setting(options=EngineOptions(max_tasks=4)))
    assert "more than 4 tasks" in story.error("a").message
    assert set(story.states().values()) <= {"failed", "cancelled", "succeeded"}


def test_what_a_work_says_is_never_read_as_a_template() -> None:
    story = tell(flow(agent("a", starting(work("x", text="{{ secrets.KEY }}"))), backends=X))
    assert story.output("a")["list"] == ["{{ secrets.KEY }}"]
