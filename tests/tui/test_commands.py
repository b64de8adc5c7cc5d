"""What each command orders, what it asks first, and when it makes no sense."""

from __future__ import annotations

import pytest

from orchestrator.core import commands as ask
from orchestrator.core import events as ev
from orchestrator.core.states import BreakerState, Reason
from orchestrator.tui.commands import COMMANDS, SORT_KEYS, Command, Place, Section, commands_of, quit_question
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.sorting import By
from tests.tui.desk import PaperDesk, do, on_group, on_task, refusal
from tests.tui.scene import Scene, empty, finished, research


def orders(desk: PaperDesk) -> list[tuple[str, str]]:
    """Return each order's name and what it is about."""
    return [(type(order).__name__, str(_about(order))) for order in desk.sent]


def _about(order: object) -> object:
    fields = ("task", "group", "backend")
    return next((getattr(order, name) for name in fields if hasattr(order, name)), "")


# ── every command ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_every_command_explains_itself(command: Command) -> None:
    assert command.help
    assert len(command.help) < 90
    assert command.label
    assert command.keys
    assert command.section in Section


@pytest.mark.parametrize("place", Place)
def test_no_two_commands_share_a_key_in_a_view(place: Place) -> None:
    keys = [key for command in commands_of(place) for key in command.keys.split(",")]
    assert len(keys) == len(set(keys))


def test_what_holds_everywhere_is_no_letter() -> None:
    assert all(key.startswith("ctrl+") for c in COMMANDS.values() if c.everywhere for key in c.keys.split(","))


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_no_command_stumbles_over_an_empty_run(command: Command) -> None:
    desk = PaperDesk(empty())
    if command.refusal(desk) is None:
        command.do(desk)


@pytest.mark.parametrize("name", ["task.cancel", "group.cancel", "task.rerun", "task.skip", "task.pause", "copy.log"])
def test_without_a_row_there_is_nothing_to_act_on(name: str) -> None:
    assert refusal(PaperDesk(empty()), name)


@pytest.mark.parametrize("command", [c for c in COMMANDS.values() if c.asks], ids=lambda c: c.id)
def test_no_for_an_answer_orders_nothing(command: Command) -> None:
    desk = on_task(research(), "survey-eu")
    desk.reply = "n"
    command.do(desk)
    assert not desk.sent


@pytest.mark.parametrize(
    ("command", "wish"),
    [
        ("cursor.down", "move down"),
        ("cursor.up", "move up"),
        ("cursor.first", "move first"),
        ("cursor.last", "move last"),
        ("cursor.page_down", "move page down"),
        ("cursor.page_up", "move page up"),
        ("cursor.half_down", "move half down"),
        ("cursor.half_up", "move half up"),
        ("row.fold", "fold False"),
        ("row.unfold", "fold True"),
        ("row.open", "open"),
        ("back", "back"),
        ("pane.next", "pane 1"),
        ("pane.previous", "pane -1"),
        ("page.next", "page 1"),
        ("page.previous", "page -1"),
        ("filter", "filter"),
        ("need.list", "needs"),
        ("need.next", "need"),
        ("hide.done", "hide"),
        ("row.mark", "mark"),
        ("palette", "palette"),
        ("help", "help"),
        ("log.follow", "follow"),
        ("copy.line", "copy line"),
        ("copy.log", "copy log"),
        ("task.describe", "describe"),
        ("limit.raise", "adjust 1"),
        ("limit.lower", "adjust -1"),
        ("log.save", "save"),
        ("log.open", "open log"),
        ("mouse", "mouse"),
        ("screen.leave", "leave"),
        ("theme.next", "theme"),
        ("screen.repaint", "repaint"),
        ("run.interrupt", "interrupt"),
        ("quit", "quit"),
        ("quit.everywhere", "quit"),
    ],
)
def test_what_is_the_screens_business_is_asked_of_the_screen(command: str, wish: str) -> None:
    assert do(on_task(research(), "plan"), command).done == [wish]


GOES_ON = "Everything else goes on."


# ── cancel ──────────────────────────────────────────────────────────────────────────────────────


def test_cancelling_a_running_task_asks() -> None:
    desk = do(on_task(research(), "survey-eu"), "task.cancel")
    assert desk.asked[0].title == "Cancel survey-eu?"
    assert "1 attempt will be stopped" in desk.asked[0].body
    assert orders(desk) == [("CancelTask", "survey-eu")]


def test_cancelling_what_neither_runs_nor_asks_nor_is_needed_needs_no_question() -> None:
    desk = do(on_task(research(), "publish"), "task.cancel")
    assert not desk.asked
    assert orders(desk) == [("CancelTask", "publish")]


def test_cancelling_what_asks_a_person_asks_though_nothing_runs() -> None:
    scene = empty().task("ship", "build").waits("ship", Reason.APPROVAL).tell(ev.ApprovalRequested("ship", "Ship it?"))
    desk = do(on_task(scene, "ship"), "task.cancel")
    assert desk.asked[0].body == "1 question will not be answered. Everything else goes on."


def test_cancelling_what_others_need_says_how_many_are_skipped() -> None:
    scene = empty().task("a", "build").task("b", "build", needs=["a"]).task("c", "build", needs=["a"])
    assert do(on_task(scene, "a"), "task.cancel").asked[0].body == "2 tasks that need it are skipped. " + GOES_ON
    both = PaperDesk(scene, marks=frozenset({"a", "b"}))
    assert do(both, "task.cancel").asked[0].body == "1 task that needs them is skipped. " + GOES_ON


def test_who_needs_a_fan_out_needs_each_of_its_instances() -> None:
    scene = empty().fan("w", ["de", "fr"], "build").task("sum", "build", needs=["w"])
    assert do(on_task(scene, "w[de]"), "task.cancel").asked[0].body == "1 task that needs it is skipped. " + GOES_ON


def test_what_has_ended_cannot_be_cancelled() -> None:
    assert refusal(on_task(research(), "plan"), "task.cancel") == "What is here has ended already."


def test_cancelling_on_a_groups_row_is_cancelling_the_group() -> None:
    desk = do(on_group(research(), "survey"), "task.cancel")
    assert desk.asked[0].title == "Cancel group survey?"
    assert desk.asked[0].body == "3 tasks will be stopped, 0 results kept. Other groups go on."
    assert orders(desk) == [("CancelGroup", "survey")]


def test_a_group_is_cancelled_from_any_of_its_rows() -> None:
    assert orders(do(on_task(research(), "survey-eu"), "group.cancel")) == [("CancelGroup", "survey")]
    assert refusal(on_task(research(), "plan"), "group.cancel") == "All of group plan has ended."


def test_marks_go_before_the_cursor() -> None:
    scene = research()
    marks = frozenset({"survey-eu", "survey-us", "plan"})
    desk = PaperDesk(scene, Row(Kind.TASK, "publish", "review", 1), marks)
    assert orders(do(desk, "task.cancel")) == [("CancelTask", "survey-eu"), ("CancelTask", "survey-us")]
    assert desk.asked[0].title == "Cancel 2 tasks?"


def test_a_fan_outs_row_cancels_the_whole() -> None:
    scene = empty().fan("w", [f"i{n}" for n in range(30)], "build")
    desk = do(PaperDesk(scene, Row(Kind.FAN, "w", "build", 1)), "task.cancel")
    assert orders(desk) == [("CancelTask", "w")]


# ── retry, rerun, skip ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("task", "order"),
    [
        ("scrape[site-b]", ("RetryTask", "scrape[site-b]")),
        ("scrape-merge", ("RetryTask", "scrape-merge")),
        ("scrape[site-d]", ("SkipWait", "scrape[site-d]")),
        ("research[funding]", ("SkipWait", "research[funding]")),
    ],
)
def test_retry_begins_again_or_ends_a_wait(task: str, order: tuple[str, str]) -> None:
    assert orders(do(on_task(research(), task), "task.retry")) == [order]


@pytest.mark.parametrize("task", ["plan", "survey-eu", "publish"])
def test_what_neither_failed_nor_waits_is_not_retried(task: str) -> None:
    assert refusal(on_task(research(), task), "task.retry") == "Nothing here failed or waits."


@pytest.mark.parametrize("task", ["scrape[site-e]", "legal-check"])
def test_a_wait_that_a_person_ends_otherwise_is_not_skipped(task: str) -> None:
    assert "cannot be skipped" in (refusal(on_task(research(), task), "task.retry") or "")


@pytest.mark.parametrize(
    ("task", "label", "told"),
    [
        ("scrape[site-d]", "Skip wait", "Skipping the wait of 1 task"),
        ("scrape[site-b]", "Retry", "Retrying 1 task"),
    ],
)
def test_retry_is_called_what_it_does_here(task: str, label: str, told: str) -> None:
    desk = on_task(research(), task)
    assert COMMANDS["task.retry"].label_at(desk) == label
    assert do(desk, "task.retry").done == [told]


def test_retry_on_a_groups_row_retries_what_failed_in_it() -> None:
    desk = do(on_group(research(), "scrape"), "task.retry")
    assert {order[0] for order in orders(desk)} == {"RetryTask"}
    assert len(desk.sent) == 3
    assert refusal(on_group(research(), "plan"), "task.retry") == "Nothing here failed."


def test_retrying_all_that_failed_asks() -> None:
    desk = do(on_task(research(), "plan"), "run.retry_failed")
    assert desk.asked[0].title == "Retry 3 failed tasks?"
    assert isinstance(desk.sent[0], ask.RetryFailed)
    assert refusal(on_task(finished(well=True), "lint"), "run.retry_failed") == "Nothing failed."


def test_rerun_asks_and_orders() -> None:
    desk = do(on_task(research(), "plan"), "task.rerun")
    assert desk.asked[0].title == "Rerun plan and what follows?"
    assert orders(desk) == [("RerunFrom", "plan")]


def test_what_has_not_ended_is_not_offered_to_run_again() -> None:
    scene = research()
    assert refusal(on_task(scene, "publish"), "task.rerun") == "Only what has ended can run again."
    assert refusal(on_task(scene, "research[patents]"), "task.rerun") == "Only what has ended can run again."
    desk = PaperDesk(scene, marks=frozenset({"plan", "publish"}))
    assert orders(do(desk, "task.rerun")) == [("RerunFrom", "plan")]


def test_only_what_has_not_started_can_be_skipped() -> None:
    assert orders(do(on_task(research(), "publish"), "task.skip")) == [("SkipTask", "publish")]
    assert refusal(on_task(research(), "plan"), "task.skip") == "Only a task that has not started can be skipped."


def test_a_group_or_a_fan_out_is_skipped_and_tried_again_as_far_as_it_makes_sense() -> None:
    scene = research()
    assert {order[0] for order in orders(do(on_group(scene, "review"), "task.skip"))} == {"SkipTask"}
    assert len(do(on_group(scene, "review"), "task.skip").sent) == 4
    fan = empty().fan("w", [f"i{n}" for n in range(30)], "build")
    assert len(do(PaperDesk(fan, Row(Kind.FAN, "w", "build", 1)), "task.skip").sent) == 30
    scene.tell(ev.TaskCancelled("scrape[site-g]", "operator"))
    assert ("RetryTask", "scrape[site-g]") in orders(do(on_group(scene, "scrape"), "task.retry"))


def test_draining_asks_and_is_refused_once_the_run_ends() -> None:
    desk = do(PaperDesk(research()), "run.drain")
    assert desk.asked[0].title == "Let the run end after what runs?"
    assert isinstance(desk.sent[0], ask.Drain)
    assert refusal(PaperDesk(finished(well=True)), "run.drain") == "The run has ended."
    ending = research().tell(ev.RunCancelling("operator"))
    assert refusal(PaperDesk(ending), "run.drain") == "The run is ending already."


@pytest.mark.parametrize(("key", "by"), SORT_KEYS.items())
def test_the_menu_has_a_letter_for_each_order(key: str, by: By) -> None:
    desk = PaperDesk(research())
    desk.reply = key
    assert do(desk, "sort").done == [f"sort {by}"]
    assert {choice.key for choice in desk.asked[0].choices} == SORT_KEYS.keys()
    assert set(SORT_KEYS.values()) == set(By)


# ── pause ───────────────────────────────────────────────────────────────────────────────────────


def test_pause_is_a_toggle() -> None:
    scene = research()
    assert orders(do(on_task(scene, "publish"), "task.pause")) == [("PauseTask", "publish")]
    scene.tell(ev.TaskPaused("publish", "operator"))
    assert orders(do(on_task(scene, "publish"), "task.pause")) == [("UnpauseTask", "publish")]


def test_a_group_is_paused_on_its_row() -> None:
    scene = research()
    assert orders(do(on_group(scene, "survey"), "task.pause")) == [("PauseGroup", "survey")]
    scene.tell(ev.GroupPaused("survey", "operator"))
    assert orders(do(on_group(scene, "survey"), "task.pause")) == [("UnpauseGroup", "survey")]


def test_the_run_is_paused_and_goes_on() -> None:
    scene = research()
    assert isinstance(do(PaperDesk(scene), "run.pause").sent[0], ask.PauseRun)
    scene.tell(ev.RunPaused("operator"))
    assert isinstance(do(PaperDesk(scene), "run.pause").sent[0], ask.UnpauseRun)
    assert refusal(PaperDesk(finished(well=True)), "run.pause") == "The run has ended."


# ── approve ─────────────────────────────────────────────────────────────────────────────────────


def test_a_question_is_opened_from_its_task_its_group_or_marks() -> None:
    scene = research()
    assert do(on_task(scene, "legal-check"), "task.approve").done == ["answer legal-check"]
    assert do(on_group(scene, "review"), "task.approve").done == ["answer legal-check"]
    marked = PaperDesk(scene, None, frozenset({"plan", "legal-check"}))
    assert do(marked, "task.approve").done == ["answer legal-check"]


def test_where_nothing_is_asked_it_says_where_something_is() -> None:
    assert refusal(on_task(research(), "plan"), "task.approve") == "Nothing is asked here; n lists 1 question."
    assert refusal(on_task(finished(well=True), "lint"), "task.approve") == "Nothing is asked."


def test_where_a_budget_is_waited_for_it_says_what_raises_it() -> None:
    scene = research().waits("legal-check", Reason.BUDGET, gate="run")
    scene.tell(ev.ApprovalGiven("legal-check", "somebody"))
    assert refusal(on_task(scene, "legal-check"), "task.approve") == (
        "Nothing is asked: it waits for a budget, which + raises."
    )


# ── breakers ────────────────────────────────────────────────────────────────────────────────────


def test_reset_takes_the_breaker_of_the_row() -> None:
    assert orders(do(on_task(research(), "scrape[site-e]"), "breaker.reset")) == [("ResetBreaker", "web-fetch")]
    assert orders(do(on_group(research(), "survey"), "breaker.reset")) == [("ResetBreaker", "openai")]


def test_of_two_open_breakers_neither_is_guessed() -> None:
    answer = refusal(on_task(research(), "plan"), "breaker.reset")
    assert answer == "This row's breaker is closed; go to a row that is held."


def test_the_only_open_breaker_is_meant_from_anywhere() -> None:
    scene = research()
    scene.tell(ev.BreakerMoved("openai", BreakerState.HALF_OPEN, BreakerState.CLOSED, "probes"))
    assert orders(do(on_task(scene, "plan"), "breaker.reset")) == [("ResetBreaker", "web-fetch")]


def test_closed_breakers_need_no_reset() -> None:
    assert refusal(on_task(finished(well=True), "lint"), "breaker.reset") == "Every breaker is closed."


def test_tripping_asks_and_says_what_runs() -> None:
    desk = do(on_task(research(), "research[patents]"), "breaker.trip")
    assert desk.asked[0].title == "Trip claude/sonnet?"
    assert desk.asked[0].body == "3 running calls will finish; new calls wait or fail until you reset it."
    assert orders(desk) == [("TripBreaker", "claude/sonnet")]


def test_what_has_no_backend_has_nothing_to_trip() -> None:
    scene = research()
    assert refusal(on_task(scene, "legal-check"), "breaker.trip") == "Move to a backend, or to a task that has one."
    scene.tell(ev.BreakerMoved("claude/sonnet", BreakerState.CLOSED, BreakerState.TRIPPED, "operator"))
    assert refusal(on_task(scene, "plan"), "breaker.trip") == "claude/sonnet is tripped already; b resets it."


# ── quit ────────────────────────────────────────────────────────────────────────────────────────


def test_quitting_a_run_that_is_on_offers_four_ways_and_staying_is_the_safe_one() -> None:
    question = quit_question(research().run)
    assert [choice.key for choice in question.choices] == ["y", "d", "l", "n"]
    assert [choice.key for choice in question.choices if choice.safe] == ["n"]
    assert question.body == "5 tasks running, 18 of 29 not ended."


def test_a_wait_that_is_paused_too_is_still_a_wait() -> None:
    scene: Scene = research().waits("publish", Reason.PAUSED)
    assert orders(do(on_task(scene, "publish"), "task.retry")) == [("SkipWait", "publish")]
