"""Logs, Health, Summary and the list of what needs a person, on the real screen: every key of theirs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual import events
from textual.geometry import Region

from orchestrator.core import commands as ask
from orchestrator.core import events as ev
from orchestrator.core.events import BackendInfo, BudgetInfo, GroupInfo
from orchestrator.core.states import BreakerState, Outcome, Reason
from orchestrator.tui.app import Dashboard
from orchestrator.tui.commands import Place
from orchestrator.tui.options import DashboardOptions
from orchestrator.tui.screens.adjust import AdjustScreen
from orchestrator.tui.screens.answer import AnswerScreen
from orchestrator.tui.screens.approval import ApprovalScreen
from orchestrator.tui.screens.attention import AttentionScreen
from orchestrator.tui.screens.dialog import AskScreen
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.views.logs import LogsView
from orchestrator.tui.widgets.painted import Bar
from orchestrator.tui.widgets.stream import StreamView
from tests.tui.eyes import Eyes, Screen
from tests.tui.scene import Scene, empty, finished, research, started

Make = Callable[..., Dashboard]


def stream(eyes: Eyes) -> StreamView:
    return eyes.app.main.query_one(StreamView)


def shown(eyes: Eyes) -> str:
    """Return all lines of the log that pass its filter."""
    return stream(eyes).whole()


def page(eyes: Eyes) -> str:
    return eyes.app.main.view.log_text()


def subject(eyes: Eyes) -> str:
    found = eyes.app.main.subject
    return "" if found is None else " ".join(part for part in found if part)


# ── logs ────────────────────────────────────────────────────────────────────────────────────────


async def test_the_log_follows_until_somebody_goes_up(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("4")
        assert eyes.bar("stream-head").endswith("FOLLOW ")
        await eyes.press("k")
        assert eyes.bar("stream-head").endswith("PAUSED ")
        for number in range(12):
            scene.says("survey-eu", f"answer {number}")
        await eyes.pilot.pause(0.3)
        assert eyes.bar("stream-head").endswith("PAUSED +12 ")
        assert "breaker openai closed" in stream(eyes).line_text()
        await eyes.press("G")
        assert "answer 11" in stream(eyes).line_text()
        await eyes.press("f")
        assert eyes.bar("stream-head").endswith("PAUSED ")
        await eyes.press("f")
        assert eyes.bar("stream-head").endswith("FOLLOW ")


async def test_the_log_goes_on_while_it_is_not_shown(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("4", "1")
        scene.says("survey-eu", "meanwhile")
        await eyes.pilot.pause(0.3)
        await eyes.press("4")
        assert "meanwhile" in stream(eyes).line_text()


async def test_keys_move_through_the_log(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("4", "g")
        assert "attempt 1/3 started" in stream(eyes).line_text()
        await eyes.press("j", "j", "k")
        assert "attempt 1/3 succeeded after 20s" in stream(eyes).line_text()
        await eyes.press("pagedown", "ctrl+d", "ctrl+u", "pageup")
        assert stream(eyes).top == 0


async def test_the_next_that_needs_one_is_found_in_the_log_or_among_the_tasks(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("4", "g", "N")
        assert (eyes.app.main.place, eyes.app.main.row and eyes.app.main.row.name) == (Place.LOGS, "scrape[site-b]")
        await eyes.press("6", "N")
        assert (eyes.app.main.place, eyes.row) == (Place.TASKS, "scrape[site-b]")


async def test_enter_goes_from_a_line_to_its_task(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("4", "g", "enter")
        assert eyes.app.main.place is Place.TASKS
        assert eyes.row == "plan"


async def test_the_filter_chooses_lines_by_task_and_text_and_escape_clears_it(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("4", "slash", *"503 g:scrape tag:err", "enter")
        assert shown(eyes).endswith("err 503 Service Unavailable (retry-after: 16)")
        assert shown(eyes).count("\n") == 0
        assert eyes.bar("stream-head").startswith(" 503 g:scrape tag:err  1 of 51 lines  Esc clears")
        await eyes.press("escape")
        assert stream(eyes).lines_shown == 51
        await eyes.press("slash", *"nobody says this", "enter")
        assert stream(eyes).lines_shown == 0
        await eyes.press("j", "enter", "y")
        assert eyes.app.is_running


async def test_a_filter_that_cannot_be_read_leaves_the_log_as_it_was(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("4", "slash", "slash", "x", "enter")  # no beginning of it is a filter
        assert stream(eyes).lines_shown == 51
        note = eyes.app.main.query_one(LogsView).query_one("#filter-note", Bar)
        assert "a regular expression ends with /" in note.lines[0][0].text


async def test_levels_times_wrapping_and_markers(dashboard: Make) -> None:
    async with Screen(dashboard(research()), size=(80, 24)) as eyes:
        await eyes.press("4", "i")
        assert "warnings and errors" in eyes.bar("stream-head")
        assert stream(eyes).lines_shown == 11
        await eyes.press("i")
        assert "errors" in eyes.bar("stream-head")
        assert stream(eyes).lines_shown == 3
        await eyes.press("i", "w")
        assert stream(eyes).lines_shown == 51
        assert stream(eyes).count > 51
        await eyes.press("k", "k", "l", "w", "t")
        assert "time clock" in eyes.bar("stream-head")
        await eyes.press("t", "t", "G", "m")
        assert shown(eyes).endswith("---- 04:12 ----")


async def test_wrapped_lines_grow_and_stay_in_order(dashboard: Make) -> None:
    scene = empty().task("a", "build").task("b", "build").starts("a", at=1.0).starts("b", at=1.0)
    async with Screen(dashboard(scene), size=(80, 24)) as eyes:
        await eyes.press("4", "w")
        scene.tell(ev.OutputProduced("a", 1, "out", "x" * 30), at=2.0).says("b", "between", at=3.0)
        await eyes.pilot.pause(0.3)
        before = stream(eyes).count
        scene.tell(ev.OutputProduced("a", 1, "out", "y" * 60), at=4.0)
        await eyes.pilot.pause(0.3)
        assert stream(eyes).count == before + 2
        assert shown(eyes).endswith("between")


async def test_lines_are_copied_one_by_one_and_all_at_once(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("4", "g", "y")
        assert eyes.app.clipboard == "00:01.0 ✓ plan                     sys attempt 1/3 started · claude/sonnet"
        await eyes.press("Y")
        assert "Copied 51 lines" in eyes.toasts


async def test_a_log_without_lines_says_so(dashboard: Make) -> None:
    async with Screen(dashboard(empty())) as eyes:
        await eyes.press("4", "k", "enter", "h", "l")
        assert stream(eyes).empty[0].text == " Nothing written yet."


async def test_a_viewer_that_fell_behind_reads_the_log_anew(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("4")
        scene.says("survey-eu", "in the gap")
        scene.subscriptions[-1].records.clear()
        scene.subscriptions[-1].gap = True
        await eyes.pilot.pause(0.3)
        assert stream(eyes).lines_shown == 52
        assert "in the gap" in shown(eyes)


async def test_the_mouse_scrolls_and_opens(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("4")
        top = stream(eyes).top
        await eyes.pilot._post_mouse_events([events.MouseScrollUp], widget=StreamView)
        await eyes.pilot.pause()
        assert stream(eyes).top == top - 3
        assert not stream(eyes).following
        await eyes.pilot.click(StreamView, offset=(20, 2), times=2)
        await eyes.pilot.pause()
        assert eyes.app.main.place is Place.TASKS


# ── health ──────────────────────────────────────────────────────────────────────────────────────


async def test_backends_unfold_and_their_breakers_obey(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("5")
        assert subject(eyes) == "backend claude/sonnet"
        await eyes.press("b")
        assert "The breaker of claude/sonnet is closed." in eyes.toasts
        await eyes.press("j", "enter")
        assert "5 failures in a row, probe at 04:35.0" in page(eyes)
        await eyes.press("b", "c", "B")
        assert eyes.sees(AskScreen)
        await eyes.press("y")
        assert [type(sent) for sent in scene.sent] == [ask.ResetBreaker, ask.CheckHealth, ask.TripBreaker]
        assert {getattr(sent, "backend", "") for sent in scene.sent} == {"web-fetch"}
        await eyes.press("h")
        assert "probe at 04:35.0" not in page(eyes)
        await eyes.press("l", "escape")
        assert "probe at 04:35.0" not in page(eyes)


async def test_limits_and_budgets_change_from_their_lines(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("5", "j", "j", "j")
        assert subject(eyes) == "slots run"
        await eyes.press("plus", "enter", "minus", "enter")
        await eyes.press("j", "j", "j", "j")
        assert subject(eyes) == "budget run cost_usd"
        await eyes.press("enter")
        assert eyes.sees(AdjustScreen)
        await eyes.press("enter")
        first, second, third = scene.sent
        assert (getattr(first, "scope", ""), getattr(first, "limit", 0)) == ("run", 11)
        assert (getattr(second, "scope", ""), getattr(second, "limit", 0)) == ("run", 9)
        assert isinstance(third, ask.RaiseBudget)
        assert third.cost_usd is not None
        assert third.cost_usd > 10
        await eyes.press("c")
        assert "Move to a backend." in eyes.toasts


async def test_a_groups_line_takes_the_keys_of_groups(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("5", "G")
        assert subject(eyes) == "group review"
        await eyes.press("k", "k", "enter", "p")
        assert "✗ scrape[site-b]" in page(eyes)
        assert [getattr(sent, "group", "") for sent in scene.sent] == ["scrape"]


async def test_a_held_backend_is_tried_from_its_line(dashboard: Make) -> None:
    scene = research()
    scene.waits("research[funding]", Reason.QUOTA, gate="claude/sonnet")
    scene.tell(ev.BackendHeld("claude/sonnet", None, "usage limit", Reason.QUOTA))
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("5", "r", "j", "r")
        assert [(type(sent), getattr(sent, "task", "")) for sent in scene.sent] == [
            (ask.SkipWait, "research[supply-chain]")
        ]


async def test_health_follows_what_happens(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("5")
        scene.tell(ev.BreakerMoved("web-fetch", BreakerState.OPEN, BreakerState.HALF_OPEN, "cool-down over"))
        await eyes.pilot.pause(0.4)
        assert "◐ half-open web-fetch" in page(eyes)


# ── summary ─────────────────────────────────────────────────────────────────────────────────────


async def test_the_summary_leads_to_tasks_groups_and_backends(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("6", "j", "j", "enter")
        assert (eyes.app.main.place, subject(eyes)) == (Place.HEALTH, "group scrape")
        assert "✗ scrape[site-b]" in page(eyes)
        await eyes.press("6", "j", "j", "j", "enter")
        assert eyes.app.main.place is Place.TASKS
        assert eyes.row == "scrape[site-b]"
        await eyes.press("6", "G", "enter")
        assert subject(eyes) == "backend openai"


async def test_the_summary_is_copied_line_by_line_and_whole(dashboard: Make) -> None:
    scene = finished(well=False)
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("6", "Y")
        assert "FAILED 1 of 3" in eyes.app.clipboard
        await eyes.press("y")
        assert eyes.app.clipboard.startswith("build")


async def test_the_end_shows_the_summary_to_whom_does_nothing(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        scene.tell(ev.RunFinished(Outcome.FAILED), at=300.0)
        await eyes.pilot.pause(0.3)
        assert eyes.app.main.place is Place.SUMMARY


@pytest.mark.parametrize("keys", ["j", "question_mark"])
async def test_the_end_surprises_nobody_who_is_at_work(dashboard: Make, keys: str) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press(keys)
        scene.tell(ev.RunFinished(Outcome.FAILED), at=254.0)
        await eyes.pilot.pause(0.3)
        assert eyes.app.main.place is Place.TASKS
        assert any("6 shows the summary" in toast for toast in eyes.toasts)


# ── what needs a person ─────────────────────────────────────────────────────────────────────────


def asking() -> Scene:
    """A run that asks twice and has a failure."""
    scene = Scene().tell(started([GroupInfo("g")], [BackendInfo("web", "http")], [BudgetInfo("run", 100)]))
    for name in ("pick", "say", "ship", "bad"):
        scene.task(name, "g", backend="web", tries=1)
    scene.starts("pick", at=1.0).starts("say", at=1.0).starts("bad", at=1.0)
    scene.tell(ev.AttemptFailed("bad", 1, finished(well=False).run.tasks["compile"].error))  # type: ignore[arg-type]  # it has one
    scene.tell(ev.TaskFailed("bad", finished(well=False).run.tasks["compile"].error))  # type: ignore[arg-type]  # it has one
    scene.at = 2.0
    scene.waits("pick", Reason.ANSWER).tell(ev.QuestionAsked("pick", "Which town?", ("Rome", "Paris", "Oslo")))
    scene.at = 3.0
    scene.waits("say", Reason.ANSWER).tell(ev.QuestionAsked("say", "What shall it say?"))
    scene.at = 4.0
    return scene.waits("ship", Reason.APPROVAL).tell(ev.ApprovalRequested("ship", "Ship it?", "3 files"))


async def test_the_list_shows_what_needs_a_person_and_closes(dashboard: Make) -> None:
    async with Screen(dashboard(asking())) as eyes:
        assert "?3" in eyes.bar("tabs")
        await eyes.press("n")
        assert eyes.sees(AttentionScreen)
        assert eyes.bar("title") == "Needs you   3 waiting for you, 1 failed"
        await eyes.press("j", "n", "k", "N", "G", "g", "escape")
        assert eyes.sees(MainScreen)


async def test_choices_are_taken_with_the_cursor_or_their_number_and_the_list_comes_back(dashboard: Make) -> None:
    scene = asking()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("n", "enter")
        assert eyes.sees(AnswerScreen)
        await eyes.press("j", "down", "k", "enter")
        assert isinstance(scene.sent[-1], ask.Answer)
        assert (scene.sent[-1].task, scene.sent[-1].text) == ("pick", "Paris")
        assert eyes.sees(AttentionScreen)
        await eyes.press("escape", "n", "enter", "3")
        assert (getattr(scene.sent[-1], "task", ""), getattr(scene.sent[-1], "text", "")) == ("pick", "Oslo")


async def test_a_text_is_typed_and_its_letters_are_no_keys(dashboard: Make) -> None:
    scene = asking()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("n", "j", "enter", "enter", *"q? n", "enter")
        assert isinstance(scene.sent[-1], ask.Answer)
        assert (scene.sent[-1].task, scene.sent[-1].text) == ("say", "q? n")


@pytest.mark.parametrize("moves", [[], ["j"]])
async def test_a_question_may_be_left_for_later_or_without_an_answer(dashboard: Make, moves: list[str]) -> None:
    scene = asking()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("n", *moves, "enter", "escape")
        assert not scene.sent
        assert eyes.sees(AttentionScreen)
        await eyes.press("enter", "ctrl+r")
        assert isinstance(scene.sent[-1], ask.Deny)


async def test_an_approval_is_given_in_its_dialog(dashboard: Make) -> None:
    scene = asking()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("n", "j", "j", "enter")
        assert eyes.sees(ApprovalScreen)
        await eyes.press("a")
        assert isinstance(scene.sent[-1], ask.Approve)


async def test_from_the_list_one_goes_to_the_task(dashboard: Make) -> None:
    async with Screen(dashboard(asking())) as eyes:
        await eyes.press("n", "t")
        assert (eyes.sees(MainScreen), eyes.row) == (True, "pick")
        await eyes.press("4", "n", "G", "enter")
        assert (eyes.app.main.place, eyes.row) == (Place.TASKS, "bad")


async def test_what_helps_is_done_from_the_list(dashboard: Make) -> None:
    scene = asking()
    scene.tell(ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.TRIPPED, "operator"))
    scene.task("held", "g", backend="web").waits("held", Reason.QUOTA, gate="web")
    scene.tell(ev.BackendHeld("web", None, "usage limit", Reason.QUOTA))
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("n", *"jjj", "a", "G", "a", "escape", "n", *"jjjj", "a")
        found = [(type(sent), getattr(sent, "task", getattr(sent, "backend", ""))) for sent in scene.sent]
        assert found == [(ask.ResetBreaker, "web"), (ask.RetryTask, "bad"), (ask.SkipWait, "held")]


async def test_a_spent_budget_is_raised_from_the_list(dashboard: Make) -> None:
    scene = asking()
    scene.task("poor", "g").waits("poor", Reason.BUDGET, gate="run")
    scene.tell(ev.BudgetSettled("run", "x", 100), ev.BudgetExceeded("run", "poor", "hold", "all is spent"))
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("n", *"jjj", "a", "enter")
        assert isinstance(scene.sent[-1], ask.RaiseBudget)
        assert scene.sent[-1].tokens is not None
        assert scene.sent[-1].tokens > 100


async def test_the_list_follows_what_happens_and_a_dialog_closes_with_its_question(dashboard: Make) -> None:
    scene = asking()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("n")
        scene.tell(ev.QuestionWithdrawn("pick"))
        await eyes.pilot.pause(0.4)
        assert eyes.bar("title") == "Needs you   2 waiting for you, 1 failed"
        await eyes.press("enter")
        assert eyes.sees(AnswerScreen)
        scene.tell(ev.QuestionAnswered("say", "x", "somebody else"))
        await eyes.pilot.pause(0.4)
        assert not eyes.sees(AnswerScreen)


async def test_the_badge_opens_the_list(dashboard: Make) -> None:
    async with Screen(dashboard(asking())) as eyes:
        await eyes.pilot.click("#tabs", offset=(eyes.bar("tabs").index("?3"), 0))
        await eyes.pilot.pause()
        assert eyes.sees(AttentionScreen)


# ── being told ──────────────────────────────────────────────────────────────────────────────────


def quiet_dashboard(scene: Scene, *ways: str) -> Dashboard:
    return Dashboard(scene, DashboardOptions(notifications=frozenset(ways)), engine_error=scene.engine_error)


async def test_who_wants_no_toasts_gets_none() -> None:
    scene = empty().task("one", "build")
    async with Screen(quiet_dashboard(scene)) as eyes:
        scene.waits("one", Reason.APPROVAL).tell(ev.ApprovalRequested("one", "Go?"))
        await eyes.pilot.pause(0.3)
        assert eyes.toasts == []


async def test_what_the_mouse_selects_in_the_log_is_copied(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("4")
        text = stream(eyes).render_line(3).text
        start = text.index("out")
        await eyes.pilot.mouse_down(StreamView, offset=(start, 3))
        await eyes.pilot.hover(StreamView, offset=(start + 9, 3))
        await eyes.pilot.mouse_up(StreamView, offset=(start + 9, 3))
        await eyes.press("ctrl+c")
        assert eyes.app.clipboard == text[start : start + 10]


async def test_a_line_is_painted_anew_once_its_task_stands_otherwise_not_for_each_word_that_it_writes(
    dashboard: Make,
) -> None:
    scene = Scene().task("one").starts("one", at=1.0).says("one", "hello")
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("4", "g")
        await eyes.pilot.pause(0.3)
        first = stream(eyes)._drawn[0]
        scene.says("one", "more")
        await eyes.pilot.pause(0.3)
        assert stream(eyes)._drawn[0] is first
        scene.succeeds("one", at=2.0)
        await eyes.pilot.pause(0.3)
        assert stream(eyes)._drawn[0] is not first
        assert "✓" in stream(eyes).render_line(0).text


def standing(eyes: Eyes) -> list[Region]:
    return [toast.region for toast in eyes.app.main.query("Toast")]


async def test_on_a_short_screen_a_toast_is_one_line_above_the_rows_and_hides_no_output(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene), (80, 24)) as eyes:
        head = eyes.tasks.head.region.y
        for percent in (75, 90, 100):
            scene.tell(ev.BudgetThreshold("run", "tokens", percent))
            await eyes.pilot.pause(0.3)
            [toast] = standing(eyes)
            assert (toast.y, toast.height, toast.right) == (head, 1, 78)
        scene.tell(ev.CommandRefused("c7", "RetryTask", "x runs"))
        await eyes.pilot.pause(0.3)
        assert len(standing(eyes)) == 1


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_without_unicode_a_toast_is_ascii_too(dashboard: Make, size: tuple[int, int]) -> None:
    scene = empty().task("one", "build").waits("one", Reason.APPROVAL)
    async with Screen(dashboard(scene, ascii_only=True), size) as eyes:
        scene.tell(ev.ApprovalRequested("one", "Is this all that there is to be done? " * 8))
        await eyes.pilot.pause(0.3)
        [toast] = eyes.toasts
        assert "~" in toast
        assert toast.isascii()


async def test_a_toast_that_stands_takes_the_form_of_the_screen_that_became_short(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        scene.tell(ev.BudgetThreshold("run", "tokens", 75))
        await eyes.pilot.pause(0.3)
        assert eyes.toasts == ["run: 75% of tokens is spent."]
        await eyes.pilot.resize_terminal(80, 24)
        await eyes.pilot.pause(0.3)
        assert eyes.toasts == ["Budget: run: 75% of tokens is spent."]


async def test_on_a_high_screen_toasts_stand_at_the_bottom_and_leave_no_gaps(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("5")
        places = []
        for percent in (75, 90, 100):
            scene.tell(ev.BudgetThreshold("run", "tokens", percent))
            await eyes.pilot.pause(0.3)
            places += [toast.bottom for toast in standing(eyes)]
        assert places == [39, 39, 39]


@pytest.mark.parametrize("size", [(120, 40), (80, 40), (200, 60)])
async def test_toasts_stand_over_the_table_and_hide_no_output(dashboard: Make, size: tuple[int, int]) -> None:
    scene = research()
    async with Screen(dashboard(scene), size) as eyes:
        await eyes.press("N")
        eyes.app.main.tell("What a key is answered is told in as many words as that takes, so that it has two lines.")
        await eyes.pilot.pause(0.3)
        table, [toast] = eyes.table.region, standing(eyes)
        assert table.contains_region(toast)
        assert (toast.right, toast.bottom) == (table.right - 2, table.bottom)
        await eyes.press("enter")
        scene.at += 1.0
        await eyes.pilot.pause(0.4)
        [toast] = standing(eyes)
        assert (toast.right, toast.bottom) == (size[0] - 2, size[1] - 1)


async def test_nothing_pops_up_over_a_dialog(dashboard: Make) -> None:
    scene = asking()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("n")
        scene.tell(ev.BudgetThreshold("run", "tokens", 90))
        await eyes.pilot.pause(0.3)
        assert eyes.toasts == ["run: 90% of tokens is spent."]
        assert eyes.sees(AttentionScreen)
        assert "is spent" not in eyes.app.export_screenshot().replace("&#160;", " ")
