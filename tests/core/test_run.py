"""How a run's events fold, told event by event."""

from __future__ import annotations

from typing import get_args

import pytest

from orchestrator.core import events as ev
from orchestrator.core import run as folding
from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure, IllegalMove
from orchestrator.core.events import BackendInfo, BudgetInfo, Event, GroupInfo, Record
from orchestrator.core.progress import Attempt, GroupProgress, Question
from orchestrator.core.run import KEPT_ATTEMPTS, TAILS_SIZE, Run, fold
from orchestrator.core.states import BreakerState, Outcome, Reason, RunState, State, Status
from tests.core.stories import BUSY, LATE, then, told

ADDED = ev.TaskAdded("a", "shell", "left", max_attempts=4, backend="model")
OTHER = ev.TaskAdded("b", "shell", "right")
QUEUED = ev.TaskWaiting("a", Reason.SLOT)
BEGUN = ev.AttemptStarted("a", 1, 4, "model")
RUNNING = (ADDED, QUEUED, BEGUN)
DONE = (*RUNNING, ev.AttemptSucceeded("a", 1), ev.TaskSucceeded("a", {"stdout": "x"}))


@pytest.mark.parametrize("event_type", get_args(Event))
def test_every_event_has_a_fold(event_type: type) -> None:
    assert event_type in folding._FOLDS


def test_nothing_else_has_one() -> None:
    assert set(folding._FOLDS) == set(get_args(Event))


# ── the run ──


def test_a_run_knows_from_its_start_what_it_consists_of() -> None:
    run = told()
    assert run.state is RunState.RUNNING
    assert list(run.groups) == list(run.tallies) == list(run.members) == ["left", "right"]
    assert run.backends["model"].breaker is BreakerState.CLOSED
    assert run.budgets["run"].info.tokens == 1000
    assert run.started is not None
    assert run.max_concurrency == run.started.max_concurrency


def test_records_fold_into_a_run_of_their_name_or_go_on_with_one() -> None:
    run = fold([Record("7f3a", 0, 0.0, ev.RunStarted("f", "f.yaml", 0.0, 0))])
    assert run.id == "7f3a"
    assert fold([Record("7f3a", 1, 4.5, ev.RunPaused("me"))], run) is run
    assert (run.seq, run.at, run.paused_by) == (1, 4.5, "me")


def test_a_paused_run_goes_on_when_it_is_unpaused() -> None:
    run = told(ev.RunPaused("me"))
    assert (run.state, run.paused_by) == (RunState.PAUSED, "me")
    then(run, ev.RunUnpaused("you"))
    assert (run.state, run.paused_by) == (RunState.RUNNING, None)


def test_a_held_run_goes_on_with_the_first_task_that_moves() -> None:
    run = told(ADDED, ev.TaskWaiting("a", Reason.APPROVAL), ev.RunHeld(("a: approval",)))
    assert (run.state, run.held_for) == (RunState.HELD, ("a: approval",))
    then(run, BEGUN)
    assert (run.state, run.held_for) == (RunState.RUNNING, ())


def test_a_run_that_ends_as_it_is_held_says_for_what() -> None:
    run = told(ADDED, ev.TaskWaiting("a", Reason.APPROVAL), ev.RunHeld(("a: approval",)), ev.RunFinished(Outcome.HELD))
    assert (run.outcome, run.held_for) == (Outcome.HELD, ("a: approval",))


def test_a_held_run_that_was_paused_is_paused_again() -> None:
    run = told(ADDED, ev.TaskWaiting("a", Reason.PAUSED), ev.RunPaused("me"), ev.RunHeld(("a: paused",)))
    assert then(run, ev.TaskCancelled("a", "me")).state is RunState.PAUSED


def test_a_run_may_be_told_twice_to_stop_and_the_last_word_counts() -> None:
    run = told(ev.RunCancelling("me", until=5.0), ev.RunCancelling("me", until=None))
    assert run.state is RunState.CANCELLING
    assert run.cancelling == ev.RunCancelling("me", until=None)


def test_a_finished_run_keeps_how_it_ended_until_it_is_reopened() -> None:
    run = told(ev.RunCancelling("me"), ev.RunFinished(Outcome.CANCELLED, {"answer": 42}))
    assert (run.state, run.outcome, run.ended) == (RunState.FINISHED, Outcome.CANCELLED, 2.0)
    assert run.outputs is not None
    assert run.outputs.outputs == {"answer": 42}
    then(run, ev.RunReopened("me"))
    assert run.state is RunState.RUNNING
    assert not any((run.outcome, run.outputs, run.ended, run.cancelling))


# ── groups ──


def test_a_group_is_paused_unpaused_and_cancelled() -> None:
    assert told(ev.GroupPaused("left", "me")).groups["left"] == GroupProgress(GroupInfo("left"), paused=True)
    run = told(ev.GroupPaused("left", "me"), ev.GroupUnpaused("left", "me"), ev.GroupCancelled("left", "me"))
    assert run.groups["left"] == GroupProgress(GroupInfo("left"), cancelled=True)


def test_a_group_that_nobody_declared_begins_with_its_first_task() -> None:
    run = told(ev.TaskAdded("sub/a", "shell", "sub/left"))
    assert run.groups["sub/left"].info == GroupInfo("sub/left")
    assert run.members["sub/left"] == ["sub/a"]


def test_bounds_change_where_they_are_shown() -> None:
    run = told(ev.ConcurrencySet("run", 3), ev.ConcurrencySet("group:left", 4), ev.ConcurrencySet("backend:model", 5))
    assert run.max_concurrency == 3
    assert run.groups["left"].info.max_concurrency == 4
    assert run.backends["model"].info == BackendInfo("model", "simulated", max_concurrency=5)


@pytest.mark.parametrize("scope", ["task:fan", "group:elsewhere", "backend:elsewhere"])
def test_a_bound_of_what_is_not_shown_changes_nothing(scope: str) -> None:
    run = then(told(), ev.ConcurrencySet(scope, 9))
    assert (run.groups, run.backends, run.max_concurrency) == (told().groups, told().backends, told().max_concurrency)


# ── the life of a task ──


def test_a_task_cannot_be_added_twice() -> None:
    with pytest.raises(ValueError, match="'a' was added twice"):
        told(ADDED, ADDED)


def test_a_task_that_makes_no_attempts_shows_one() -> None:
    assert told(ev.TaskAdded("a", "flow", "left", max_attempts=None)).tasks["a"].max_attempts == 1


def test_a_task_waits_runs_and_is_done() -> None:
    run = told(*DONE)
    task = run.tasks["a"]
    assert (task.state, task.status, task.is_final) == (State.SUCCEEDED, Status.DONE, True)
    assert (task.started, task.ended, task.waited) == (3.0, 5.0, 1.0)
    assert task.attempts == (Attempt(1, 3.0, "model", 4.0, "succeeded"),)
    assert (task.id, task.group, task.attempt, task.max_attempts, task.backend) == ("a", "left", 1, 4, "model")
    assert run.tally.counts[Status.DONE] == run.tallies["left"].counts[Status.DONE] == run.tally.done == 1


def test_elapsed_counts_from_the_first_attempt_to_the_end_or_to_now() -> None:
    assert told(ADDED).tasks["a"].elapsed(9.0) is None
    assert told(*RUNNING).tasks["a"].elapsed(9.0) == 6.0
    assert told(*DONE).tasks["a"].elapsed(9.0) == 2.0


def test_the_waits_before_the_present_one_are_summed() -> None:
    run = told(ADDED, QUEUED, ev.TaskWaiting("a", Reason.RATE_LIMIT, until=9.0, gate="model"))
    task = run.tasks["a"]
    assert (task.status, task.since, task.waited) == (Status.LIMITED, 3.0, 1.0)
    assert task.wait is not None
    assert (task.wait.reason, task.wait.until, task.wait.gate) == (Reason.RATE_LIMIT, 9.0, "model")


def test_a_result_that_was_taken_over_counts_as_cached() -> None:
    run = told(ADDED, ev.TaskSucceeded("a", cached=True))
    assert (run.tasks["a"].status, run.tally.done) == (Status.CACHED, 1)


def test_a_failure_that_a_retry_mends_is_forgotten_when_the_task_succeeds() -> None:
    again = (ev.TaskWaiting("a", Reason.BACKOFF, until=6.0), ev.AttemptStarted("a", 2, 4))
    run = told(*RUNNING, ev.AttemptFailed("a", 1, BUSY, retry_in=1.0), *again)
    assert run.tasks["a"].error == BUSY
    assert [attempt.result for attempt in run.tasks["a"].attempts] == ["failed", "running"]
    assert run.tasks["a"].attempts[0].retry_in == 1.0
    mended = then(run, ev.AttemptSucceeded("a", 2), ev.TaskSucceeded("a")).tasks["a"]
    assert mended.error is None
    assert run.tally.attempts == run.tallies["left"].attempts == 2


@pytest.mark.parametrize(("error", "status"), [(BUSY, Status.FAILED), (LATE, Status.TIMEOUT)])
def test_a_task_that_ran_out_of_time_is_told_apart(error: Failure, status: Status) -> None:
    run = told(ADDED, ev.TaskFailed("a", error))
    assert (run.tasks["a"].status, run.tasks["a"].error) == (status, error)
    assert run.tally.failed == 1


def test_an_attempt_that_asks_for_another_round_did_not_fail() -> None:
    run = told(*RUNNING, ev.AttemptSucceeded("a", 1, satisfied=False))
    assert run.tasks["a"].attempts[-1].result == "unsatisfied"
    assert run.tasks["a"].error is None


def test_an_interrupted_attempt_says_so() -> None:
    run = told(*RUNNING, ev.AttemptInterrupted("a", 1, "me"), ev.TaskCancelled("a", "me"))
    assert run.tasks["a"].attempts[-1].result == "interrupted"
    assert (run.tasks["a"].status, run.tasks["a"].because) == (Status.CANCELED, "me")


def test_stopping_is_a_flag_that_ends_with_the_task() -> None:
    run = told(*RUNNING, ev.TaskStopping("a", 8.0, "me"))
    assert (run.tasks["a"].status, run.tasks["a"].stopping_until) == (Status.STOPPING, 8.0)
    assert run.tally.counts[Status.STOPPING] == 1
    then(run, ev.AttemptInterrupted("a", 1, "me"), ev.TaskCancelled("a", "me"))
    assert (run.tasks["a"].stopping, run.tasks["a"].stopping_until) == (False, None)


def test_a_task_that_is_to_stop_while_its_call_waits_shows_the_wait_and_then_that_it_stops() -> None:
    run = told(*RUNNING, ev.TaskWaiting("a", Reason.RATE_LIMIT), ev.TaskStopping("a", 8.0, "me"))
    assert run.tasks["a"].status is Status.LIMITED
    assert then(run, ev.AttemptResumed("a", 1, "spare")).tasks["a"].status is Status.STOPPING
    assert run.tasks["a"].backend == "spare"


def test_pausing_a_task_is_a_flag() -> None:
    run = told(ADDED, ev.TaskPaused("a", "me"))
    assert run.tasks["a"].paused
    assert not then(run, ev.TaskUnpaused("a", "me")).tasks["a"].paused


def test_a_reset_keeps_the_attempts_and_forgets_the_rest() -> None:
    run = told(*RUNNING, ev.AttemptFailed("a", 1, BUSY), ev.TaskFailed("a", BUSY), ev.TaskReset("a", "retry"))
    task = run.tasks["a"]
    assert (task.state, task.status, task.resets, task.attempt) == (State.PENDING, Status.PENDING, 1, 1)
    assert (task.error, task.started, task.ended) == (None, None, None)
    assert (run.tally.failed, run.tally.counts[Status.PENDING]) == (0, 1)


def test_a_fallback_is_shown_before_the_attempt_begins() -> None:
    run = told(ADDED, QUEUED, ev.FallbackUsed("a", "spare", "model", "its breaker is open"))
    assert run.tasks["a"].backend == "spare"


def test_a_move_that_the_table_does_not_have_is_a_bug() -> None:
    with pytest.raises(IllegalMove, match="task 'a' cannot go from succeeded to waiting"):
        told(*DONE, QUEUED)


# ── fan-outs and skips ──


def test_a_whole_counts_until_its_instances_do() -> None:
    whole = ev.TaskAdded("fan", "shell", "left", whole=True)
    run = told(whole)
    assert run.tally.total == 1
    then(run, ev.TaskExpanded("fan", ("fan[0]",)), ev.TaskAdded("fan[0]", "shell", "left", of="fan"))
    assert (run.tally.total, run.tallies["left"].total) == (1, 1)
    assert (run.tasks["fan"].state, run.instances["fan"]) == (State.RUNNING, ("fan[0]",))
    then(run, ev.TaskSucceeded("fan", {"items": []}))
    assert run.tally.counts[Status.DONE] == 0


def test_a_whole_that_expands_again_is_not_taken_out_twice() -> None:
    run = told(ev.TaskAdded("fan", "shell", "left", whole=True), ev.TaskExpanded("fan", ("fan[0]",)))
    then(run, ev.TaskSucceeded("fan"), ev.TaskReset("fan", "rerun"), ev.TaskExpanded("fan", ("fan[0]", "fan[1]")))
    assert run.tally.total == 0
    assert run.instances["fan"] == ("fan[0]", "fan[1]")


def test_membership_grows_with_every_task() -> None:
    assert told(ADDED, OTHER).membership == 2


def test_skips_count_with_the_group_that_is_to_blame() -> None:
    third = ev.TaskAdded("c", "shell", "left")
    skips = (ev.TaskSkipped("b", "a failed", "a"), ev.TaskSkipped("c", "a failed", "a"))
    run = told(ADDED, OTHER, third, ev.TaskFailed("a", BUSY), *skips)
    assert (run.tallies["left"].skipped_inside, run.tallies["left"].skipped_outside) == (1, 1)
    assert (run.tallies["right"].skipped_inside, run.tallies["right"].skipped_outside) == (0, 0)
    assert (run.tasks["b"].because, run.tasks["b"].cause) == ("a failed", "a")
    then(run, ev.TaskReset("b", "retry"), ev.TaskReset("c", "retry"))
    assert (run.tallies["left"].skipped_inside, run.tallies["left"].skipped_outside) == (0, 0)


@pytest.mark.parametrize("cause", [None, "no such task"])
def test_a_skip_without_a_known_cause_blames_nobody(cause: str | None) -> None:
    run = told(ADDED, ev.TaskSkipped("a", "when: false", cause))
    assert (run.tallies["left"].skipped_inside, run.tallies["left"].skipped_outside) == (0, 0)


# ── attempts ──


def test_the_last_attempts_are_kept_and_the_number_of_all() -> None:
    run = told(ADDED, QUEUED)
    for number in range(1, KEPT_ATTEMPTS + 51):
        then(run, ev.AttemptStarted("a", number, number), ev.AttemptSucceeded("a", number, satisfied=False), QUEUED)
    task = run.tasks["a"]
    assert (len(task.attempts), task.attempt, run.tally.attempts) == (KEPT_ATTEMPTS, 150, 150)
    assert [attempt.number for attempt in task.attempts] == list(range(51, 151))


def test_progress_is_shown_until_its_attempt_ends() -> None:
    step = ev.ProgressReported("a", 1, 2.0, 8.0, "reading")
    run = told(*RUNNING, step)
    assert run.tasks["a"].progress == step
    assert then(run, ev.AttemptSucceeded("a", 1)).tasks["a"].progress is None


def test_what_a_call_used_counts_for_its_attempt_its_task_its_group_and_the_run() -> None:
    run = told(*RUNNING, ev.UsageReported("a", 1, "model", 10, 5, 0.25), ev.UsageReported("a", 1, "model", 2, 1, 0.5))
    for spender in (run.tasks["a"].attempts[-1], run.tasks["a"], run.tally, run.tallies["left"]):
        assert (spender.input_tokens, spender.output_tokens, spender.cost_usd) == (12, 6, 0.75)
    assert run.tasks["a"].tokens == run.tally.tokens == 18
    assert run.tallies["right"].tokens == 0


def test_what_cannot_be_priced_is_unpriced_and_not_free() -> None:
    run = told(*RUNNING, ev.UsageReported("a", 1, "model", 10, 5))
    assert run.tasks["a"].cost_usd is None
    assert run.tally.unpriced_tokens == 15


# ── output ──


def test_the_last_line_of_a_task_is_what_it_wrote_itself() -> None:
    run = told(*RUNNING, ev.OutputProduced("a", 1, "out", "one\ntwo\n"), ev.OutputProduced("a", 1, "sys", "exit 0\n"))
    assert run.tasks["a"].last_line == "two"
    assert [line.text for line in run.tails["a"].lines] == ["one", "two", "exit 0"]


def test_output_that_changes_no_row_leaves_the_value_as_it_is() -> None:
    run = told(*RUNNING, ev.OutputProduced("a", 1, "out", "one\n"))
    before = run.tasks["a"]
    assert then(run, ev.OutputProduced("a", 1, "out", "\n")).tasks["a"] is before


def test_the_longest_untouched_tail_goes_first() -> None:
    names = [f"t{number}" for number in range(TAILS_SIZE // 60_000 + 2)]
    run = Run("r")
    then(run, ev.RunStarted("f", "f", 0.0, 0), *(ev.TaskAdded(name, "shell", "left") for name in names))
    long = "x" * 60_000
    then(run, *(ev.OutputProduced(name, 1, "out", long) for name in names[:1000]))
    then(run, ev.OutputProduced(names[0], 1, "out", "y"))
    then(run, *(ev.OutputProduced(name, 1, "out", long) for name in names[1000:]))
    assert run._tails_size <= TAILS_SIZE
    assert set(names) - set(run.tails) == set(names[1:4])


def test_what_is_passed_over_counts_and_changes_nothing() -> None:
    run = told(*RUNNING)
    before = run.tasks["a"]
    run.pass_over(Record("r", run.seq + 1, 9.0, ev.OutputProduced("a", 1, "out", "one\n")))
    assert (run.tasks["a"], run.tails, run.at) == (before, {}, 9.0)
    assert then(run, ev.AttemptSucceeded("a", 1)).tasks["a"] is not before


def test_no_event_can_be_left_out_by_passing_over_another() -> None:
    run = told(*RUNNING)
    with pytest.raises(ValueError, match="follows"):
        run.pass_over(Record("r", run.seq + 2, 9.0, ev.OutputProduced("a", 1, "out", "one\n")))


# ── backends ──


def test_a_breakers_moves_are_kept_with_their_times() -> None:
    opened = ev.BreakerMoved("model", BreakerState.CLOSED, BreakerState.OPEN, "5 failures in a row", 31.0)
    run = told(ev.BackendGauge("model", 5, 9, 6, 2, probes=1), opened)
    model = run.backends["model"]
    assert (model.breaker, model.until, model.why) == (BreakerState.OPEN, 31.0, "5 failures in a row")
    assert (model.failures, model.probes, model.calls, model.failed, model.in_use) == (5, 0, 9, 6, 2)
    assert model.moves == ((2.0, opened),)
    then(run, ev.BreakerMoved("model", BreakerState.HALF_OPEN, BreakerState.CLOSED, "2 probes went well"))
    assert run.backends["model"].failures == 0


def test_only_the_last_moves_of_a_breaker_are_kept() -> None:
    tripped = ev.BreakerMoved("model", BreakerState.CLOSED, BreakerState.TRIPPED, "me")
    assert len(told(*[tripped] * 80).backends["model"].moves) == 50


def test_a_hold_is_shown_until_it_ends() -> None:
    run = told(ev.BackendHeld("model", 60.0, "429, retry after 58 s"))
    assert (run.backends["model"].held_until, run.backends["model"].held_why) == (60.0, "429, retry after 58 s")
    assert then(run, ev.BackendHeld("model", None, "")).backends["model"].held_until is None


def test_the_last_error_of_a_backend_is_one_that_it_gave() -> None:
    wrong = Failure(Code.EXIT_CODE, ErrorClass.PERMANENT, ErrorKind.WORK, "exit 1")
    assert told(*RUNNING, ev.AttemptFailed("a", 1, wrong)).backends["model"].last_error == ""
    assert told(*RUNNING, ev.AttemptFailed("a", 1, BUSY)).backends["model"].last_error == "HTTP 503"


def test_a_failed_attempt_without_a_backend_blames_none() -> None:
    run = told(OTHER, ev.TaskWaiting("b", Reason.SLOT), ev.AttemptStarted("b", 1, 1), ev.AttemptFailed("b", 1, BUSY))
    assert run.backends == told().backends


# ── budgets ──


def test_a_budget_reserves_settles_and_says_what_is_unpriced() -> None:
    run = told(ev.BudgetReserved("run", "a", 100, 0.5), ev.BudgetReserved("run", "a", 50))
    assert (run.budgets["run"].reserved_tokens, run.budgets["run"].reserved_cost_usd) == (150, 0.5)
    then(run, ev.BudgetSettled("run", "a", 80, 0.25, 100, 0.5), ev.BudgetSettled("run", "a", 7, None, 50))
    budget = run.budgets["run"]
    assert (budget.tokens, budget.cost_usd, budget.unpriced_tokens) == (87, 0.25, 7)
    assert (budget.reserved_tokens, budget.reserved_cost_usd) == (0, 0.0)


def test_a_budget_that_was_exceeded_is_whole_again_when_it_is_raised() -> None:
    run = told(ev.BudgetThreshold("run", "tokens", 100), ev.BudgetExceeded("run", "a", "hold", "1,200 of 1,000 tokens"))
    assert run.budgets["run"].exceeded == "1,200 of 1,000 tokens"
    then(run, ev.BudgetRaised("run", 2000, 1.0, None, "me"))
    assert run.budgets["run"].info == BudgetInfo("run", 2000, 1.0)
    assert run.budgets["run"].exceeded == ""


# ── persons ──


@pytest.mark.parametrize("answer", [ev.ApprovalGiven("a", "me"), ev.ApprovalDenied("a", "me", "too dear")])
def test_a_question_stands_until_it_is_answered(answer: Event) -> None:
    run = told(ADDED, ev.TaskWaiting("a", Reason.APPROVAL), ev.ApprovalRequested("a", "Deploy?", "the diff", 60.0))
    assert run.tasks["a"].question == run.questions["a"] == Question("Deploy?", "the diff", 60.0)
    answered = then(run, answer).tasks["a"]
    assert answered.question is None
    assert not run.questions


def test_nobody_is_asked_about_a_task_that_has_ended() -> None:
    run = told(ADDED, ev.TaskWaiting("a", Reason.APPROVAL), ev.ApprovalRequested("a", "Deploy?"))
    then(run, ev.TaskCancelled("a", "me"))
    assert run.tasks["a"].question is None
    assert not run.questions


def test_the_last_refusals_are_kept_with_their_reasons() -> None:
    run = told(ev.CommandAccepted("c0", "PauseRun", "me"))
    then(run, *(ev.CommandRefused(f"c{number}", "RetryTask", f"why {number}") for number in range(1, 151)))
    assert len(run.refusals) == 100
    assert run.refusals["c150"] == "why 150"
    assert "c50" not in run.refusals


def test_a_group_is_not_cancelled_any_more_once_one_of_its_tasks_starts_again() -> None:
    run = told(ADDED, ev.GroupCancelled(ADDED.group, "me"), ev.TaskCancelled("a", "me"))
    assert run.groups[ADDED.group].cancelled
    assert not then(run, ev.TaskReset("a", "retried")).groups[ADDED.group].cancelled
