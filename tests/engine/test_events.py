"""What is told, and in which order: for each task, for the run, and of causes before effects."""

from orchestrator.core import events as ev
from orchestrator.core.errors import WorkError
from orchestrator.core.flow import BreakerPolicy, BudgetPolicy, ForEach, OnFailure, RateLimit, RetryPolicy
from orchestrator.core.run import fold
from tests.engine.kit import Group, Setting, Story, Usage, backend, busy, flow, task, tell

BROKEN = WorkError("it broke")


def names(story: Story, name: str) -> list[str]:
    return [type(event).__name__ for event in story.events() if getattr(event, "task", None) == name]


def order(story: Story, *types: type) -> list[str]:
    return [type(event).__name__ for event in story.events(*types)]


def test_the_events_of_a_task_come_in_one_order() -> None:
    story = tell(flow(task("a", ["one", Usage(1, 1), busy()], ["two"], retries=2)))
    assert names(story, "a") == [
        *("TaskAdded", "AttemptStarted", "UsageReported", "OutputProduced", "AttemptFailed", "TaskWaiting"),
        *("AttemptStarted", "OutputProduced", "AttemptSucceeded", "TaskSucceeded"),
    ]


def test_the_run_begins_before_all_else_and_finishes_after_it() -> None:
    story = tell(flow(task("a", backend="x"), backends=[backend("x")]))
    assert isinstance(story.records[0].event, ev.RunStarted)
    assert isinstance(story.records[-1].event, ev.RunFinished)


def test_the_run_says_at_its_start_what_it_consists_of() -> None:
    story = tell(
        flow(
            task("a", group="g"),
            backends=[backend("x", rate_limits=(RateLimit(60.0, 50, tokens=40_000),), max_concurrency=3)],
            groups=[Group("g", max_concurrency=2, on_failure=OnFailure.CANCEL_GROUP)],
            budget=BudgetPolicy(tokens=9),
            max_concurrency=7,
            deadline=99.0,
        )
    )
    started = story.run.started
    assert started is not None
    assert (started.max_concurrency, started.deadline, started.seed) == (7, 99.0, 1)
    assert [(group.name, group.max_concurrency, group.on_failure) for group in started.groups] == [
        ("g", 2, "cancel_group")
    ]
    assert [(one.name, one.limits, one.max_concurrency) for one in started.backends] == [
        ("x", ("50 requests and 40,000 tokens in 60 s",), 3)
    ]
    assert [(one.name, one.tokens) for one in started.budgets] == [("run", 9)]


def test_every_task_of_a_flow_is_added_before_the_first_starts() -> None:
    story = tell(flow(task("a"), task("b"), task("c", needs=["a"])))
    assert order(story, ev.TaskAdded, ev.AttemptStarted)[:4] == [
        "TaskAdded",
        "TaskAdded",
        "TaskAdded",
        "AttemptStarted",
    ]


def test_a_failure_is_told_before_what_it_does_to_others() -> None:
    tasks = [task("a", [1.0, BROKEN], group="g"), task("b", [9.0], group="g"), task("c", needs=["a"])]
    story = tell(flow(*tasks, groups=[Group("g", on_failure=OnFailure.CANCEL_GROUP)]))
    told = order(
        story,
        ev.AttemptFailed,
        ev.TaskFailed,
        ev.GroupCancelled,
        ev.TaskSkipped,
        ev.AttemptInterrupted,
        ev.TaskCancelled,
    )
    assert told == [
        "AttemptFailed",
        "TaskFailed",
        "TaskSkipped",
        "GroupCancelled",
        "AttemptInterrupted",
        "TaskCancelled",
    ]


def test_who_takes_the_place_of_a_task_starts_after_its_end() -> None:
    story = tell(flow(task("a", [1.0]), task("b", [1.0]), max_concurrency=1))
    last_of_a = next(record.seq for record in story.records if record.event == ev.TaskSucceeded("a", story.output("a")))
    first_of_b = next(
        record.seq
        for record in story.records
        if isinstance(record.event, ev.AttemptStarted) and record.event.task == "b"
    )
    assert last_of_a < first_of_b


def test_a_breakers_move_is_told_after_the_failure_and_before_who_waits_for_it() -> None:
    spec = backend("x", breaker=BreakerPolicy(failure_threshold=1))
    story = tell(flow(task("a", [busy()], backend="x"), task("b", backend="x"), backends=[spec], max_concurrency=1))
    told = order(story, ev.AttemptFailed, ev.BreakerMoved, ev.TaskWaiting)
    assert told[:4] == ["TaskWaiting", "AttemptFailed", "BreakerMoved", "TaskWaiting"]


def test_an_expansion_is_told_before_what_it_adds() -> None:
    story = tell(flow(task("a", fan_out=ForEach(["p", "q"]))))
    assert order(story, ev.TaskExpanded, ev.TaskAdded) == ["TaskAdded", "TaskExpanded", "TaskAdded", "TaskAdded"]


def test_gauges_are_told_at_most_four_times_a_second_and_once_at_the_end() -> None:
    story = tell(
        flow(*(task(f"t{n}", [0.1 * n], backend="x") for n in range(20)), backends=[backend("x")], max_concurrency=30)
    )
    moments = story.times(ev.BackendGauge)
    assert len(moments) <= 2 + 4 * story.run.at
    assert moments[-1] == story.run.at
    assert story.run.backends["x"].calls == 20


def test_how_a_backend_stands_in_the_end_is_told_however_short_the_run() -> None:
    story = tell(flow(task("a", [busy()], backend="x"), backends=[backend("x")]))
    assert story.run.at == 0.0
    assert (story.run.backends["x"].calls, story.run.backends["x"].failed) == (1, 1)


def test_usage_is_told_as_it_is_reported_and_summed_for_task_and_run() -> None:
    story = tell(flow(task("a", [Usage(3, 4), Usage(1, 2, 0.5)], backend="x"), backends=[backend("x")]))
    assert story.run.tasks["a"].tokens == 10
    assert (story.run.tally.input_tokens, story.run.tally.cost_usd, story.run.tally.unpriced_tokens) == (4, 0.5, 7)


def test_the_fold_of_what_was_told_is_the_run() -> None:
    story = tell(flow(task("a", [1.0, busy()], ["x"], retries=2), task("b", [BROKEN], needs=["a"], optional=True)))
    again = fold(story.records)
    assert (again.tasks, again.state, again.outcome) == (story.run.tasks, story.run.state, story.run.outcome)


def test_the_same_seed_tells_the_same_story_and_another_seed_another() -> None:
    told = flow(*(task(f"t{n}", [busy()], retry=RetryPolicy(3, jitter=0.5)) for n in range(3)))
    one, two, three = (tell(told, Setting(seed=seed)) for seed in (1, 1, 2))
    assert one.records == two.records
    assert [record.at for record in one.records] != [record.at for record in three.records]
