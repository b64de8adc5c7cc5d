"""Every key, pressed on the real screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.widgets._toast import Toast

from orchestrator.core import commands as ask
from orchestrator.core import events as ev
from orchestrator.core.states import Outcome, Reason
from orchestrator.tui.app import Dashboard
from orchestrator.tui.commands import Place, commands_of
from orchestrator.tui.lines import plain
from orchestrator.tui.options import DashboardExit, Left
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.approval import ApprovalScreen
from orchestrator.tui.screens.dialog import AskScreen
from orchestrator.tui.screens.help import HelpScreen, Key, help_lines
from orchestrator.tui.screens.main import MainScreen
from orchestrator.tui.screens.stop import StopScreen
from orchestrator.tui.widgets.log import LogView
from orchestrator.tui.widgets.painted import Text
from orchestrator.tui.widgets.table import TaskTable
from tests.tui.conftest import THEMES
from tests.tui.eyes import SIZE, Screen
from tests.tui.scene import Scene, empty, finished, research, upstream

Make = Callable[..., Dashboard]


# ── moving ──────────────────────────────────────────────────────────────────────────────────────


MOVES = [
    ("", "plan"),
    ("g j j", "research"),
    ("j", "research[pricing-eu]"),
    ("down down up", "research[pricing-us]"),
    ("G", "publish"),
    ("g", "plan"),
    ("end", "publish"),
    ("home j", "plan"),
    ("ctrl+d", "research[supply-chain]"),
    ("ctrl+u", "plan"),
    ("pagedown", "scrape[site-g]"),
    ("pageup", "plan"),
    ("N", "scrape[site-b]"),
    ("N N", "scrape[site-h]"),
    ("N", "legal-check"),
    ("N", "scrape[site-b]"),
    ("G k k", "synthesis"),
]


async def test_the_cursor_moves(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        for keys, row in MOVES:
            await eyes.press(*keys.split())
            assert eyes.row == row, keys


async def test_the_cursor_stays_on_its_task_when_rows_come_above_it(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("N")
        scene.task("extra", "plan")
        await eyes.pilot.pause(0.2)
        assert eyes.row == "scrape[site-b]"
        assert "extra" in eyes.names


@pytest.mark.parametrize(("number", "row"), [(2, "pages[0]"), (30, "pages")])
async def test_the_cursor_stays_on_a_task_that_becomes_many(dashboard: Make, number: int, row: str) -> None:
    scene = empty().task("first", "build")
    scene.tell(ev.TaskAdded("pages", "llm", "build", whole=True, max_attempts=None))
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("G")
        assert eyes.row == "pages"
        scene.fan("pages", [str(each) for each in range(number)], "build")
        await eyes.pilot.pause(0.3)
        assert eyes.row == row


async def test_left_folds_the_group_and_right_opens_it(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("N", "h")
        assert eyes.row == "scrape"
        await eyes.press("left")
        assert "scrape[site-a]" not in eyes.names
        await eyes.press("l")
        assert "scrape[site-a]" in eyes.names
        await eyes.press("enter")
        assert "scrape[site-a]" not in eyes.names
        await eyes.press("right")
        assert "scrape[site-a]" in eyes.names


async def test_jumping_opens_what_is_folded(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("N", "h", "h", "g", "N")
        assert eyes.row == "scrape[site-b]"


async def test_where_nothing_needs_anybody_it_says_so(dashboard: Make) -> None:
    async with Screen(dashboard(finished(well=True))) as eyes:
        await eyes.press("N")
        assert "Nothing failed, and nobody waits for you." in eyes.toasts


# ── panes ───────────────────────────────────────────────────────────────────────────────────────


async def test_tab_goes_to_the_pane_and_back(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("tab")
        assert eyes.is_in(LogView)
        await eyes.press("shift+tab")
        assert eyes.is_in(TaskTable)


async def test_brackets_turn_the_panes_pages(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        pages = []
        for key in ("right_square_bracket",) * 4 + ("left_square_bracket",):
            await eyes.press(key)
            pages.append(eyes.tasks.page)
        assert pages == ["Attempts", "Info", "Deps", "Output", "Deps"]


async def test_enter_in_the_dependencies_jumps(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("j", "j", "left_square_bracket", "tab")
        assert eyes.is_in(Text)
        await eyes.press("enter")
        assert eyes.row == "plan"
        await eyes.press("tab", "j", "k", "G", "enter")
        assert eyes.row == "research[partners]"


async def test_enter_shows_the_pane_in_full_and_escape_goes_back(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("enter")
        assert not eyes.app.main.query_one("#main").display
        assert eyes.is_in(LogView)
        await eyes.press("escape")
        assert eyes.app.main.query_one("#main").display
        assert eyes.is_in(TaskTable)


async def test_scrolling_up_holds_the_log_and_counts_what_it_misses(dashboard: Make) -> None:
    scene = empty().task("t", "build", backend=None).starts("t", at=1.0)
    scene.says("t", "\n".join(f"line {number} {'wide ' * 60}" for number in range(100)))
    async with Screen(dashboard(scene)) as eyes:
        assert "FOLLOW" in eyes.bar("pane-title")
        await eyes.press("tab", "k", "k")
        scene.says("t", "one\ntwo")
        await eyes.pilot.pause(0.3)
        assert "PAUSED +2" in eyes.bar("pane-title")
        await eyes.press("G")
        assert "FOLLOW" in eyes.bar("pane-title")
        await eyes.press("f")
        assert "PAUSED" in eyes.bar("pane-title")
        await eyes.press("f", "l", "l", "h")
        assert eyes.log._left > 0


async def test_clicks_choose_rows_pages_and_keys(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.pilot.click(eyes.table, offset=(20, 3))
        assert eyes.row == "research[pricing-eu]"
        await eyes.pilot.click(eyes.table, offset=(20, 2), times=2)
        assert "research[pricing-eu]" not in eyes.names
        await eyes.pilot.click("#pane-title", offset=(1, 0))
        await eyes.press("j", "j")
        x = eyes.bar("pane-title").index("Attempts")
        await eyes.pilot.click("#pane-title", offset=(x, 0))
        assert eyes.tasks.page == "Attempts"
        await eyes.pilot.click("#keys", offset=(eyes.bar("keys").index("Help"), 0))
        assert eyes.sees(HelpScreen)


# ── finding ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_filter_is_live_and_escape_takes_it_away(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("slash", *"pricing")
        await eyes.pilot.pause(0.2)
        assert eyes.names == ["plan", "plan", "research", "research[pricing-eu]", "research[pricing-us]"]
        await eyes.press("enter")
        assert eyes.row == "research[pricing-eu]"
        assert eyes.names == ["research", "research[pricing-eu]", "research[pricing-us]"]
        assert "filter: pricing (2 of 29)" in eyes.bar("tasks-head")
        await eyes.press("escape")
        assert len(eyes.names) > 30


async def test_what_a_filter_finds_in_a_folded_fan_out_is_seen_until_the_filter_goes(dashboard: Make) -> None:
    scene = empty().task("x", "build").fan("w", [f"i{number}" for number in range(30)], "build")
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("slash", *"i17")
        await eyes.pilot.pause(0.2)
        assert eyes.names == ["build", "x", "w", "w[i17]"]
        await eyes.press("enter")
        assert eyes.row == "w[i17]"
        await eyes.press("escape")
        assert eyes.names == ["build", "x", "w"]
        assert eyes.row == "w"


async def test_what_cannot_be_read_leaves_the_last_good_filter(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("slash", *"state:failed")
        await eyes.pilot.pause(0.2)
        good = eyes.names
        await eyes.press(*"xx")
        await eyes.pilot.pause(0.2)
        assert eyes.names == good
        assert "no state 'failedxx'; did you mean failed?" in eyes.bar("filter-note")
        assert eyes.input.has_class("-bad")
        await eyes.press("escape")
        assert len(eyes.names) > 30


async def test_letters_in_the_filter_are_no_commands(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("slash", *"xqPbLR?")
        assert eyes.input.value == "xqPbLR?"
        assert not scene.sent
        assert eyes.sees(MainScreen)


@pytest.mark.parametrize("view", ["5", "6"])
async def test_a_filter_typed_where_nothing_is_listed_is_that_of_the_tasks(dashboard: Make, view: str) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press(view, "slash", *"xqpricing", "home", "delete", "delete", "enter")
        assert eyes.app.main.place is Place.TASKS
        assert "filter: pricing (2 of 29)" in eyes.bar("tasks-head")
        assert not scene.sent


async def test_a_row_that_leaves_the_filter_stays_until_the_cursor_goes(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("slash", *"state:running", "enter")
        assert eyes.row == "research[channel-mix]"
        scene.succeeds("research[channel-mix]", at=254.0)
        await eyes.pilot.pause(0.3)
        assert eyes.row == "research[channel-mix]"
        await eyes.press("j")
        assert "research[channel-mix]" not in eyes.names
        assert eyes.row == "research[user-reviews]"


async def test_v_hides_what_ended_well(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("G", "v")
        assert "research[pricing-eu]" not in eyes.names
        assert "scrape[site-b]" in eyes.names
        await eyes.press("v")
        assert "research[pricing-eu]" in eyes.names


async def test_the_help_names_every_binding(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        shown = {key.command for key in eyes.app.main.help_keys()}
        assert shown == {command.id for command in commands_of(Place.TASKS) if not command.guided}
        for key in ("question_mark", "f1"):
            await eyes.press(key)
            assert eyes.sees(HelpScreen)
            await eyes.press("j", "pagedown", "k", "G", "g", "escape")
            assert eyes.sees(MainScreen)


def test_the_help_says_as_much_of_a_command_as_finds_room() -> None:
    keys = [Key(name, ("x",)) for name in ("task.cancel", "help", "task.rerun", "limit.raise")]
    paint = Paint(THEMES[0])
    narrow, wide = ([plain(line) for line in help_lines(keys, cells, paint)] for cells in (113, 240))
    shown = "\n".join(narrow)
    for words in ("Cancel the task *", "Show this help", "Rerun from here *", "Raise a limit *"):
        assert words in shown
    assert "Cancel the task, or the marked ones; asks if one runs" in "\n".join(wide)


# ── acting ──────────────────────────────────────────────────────────────────────────────────────


ORDERS = [
    ("u y", ask.RerunFrom(id="", task="plan")),
    ("B y", ask.TripBreaker(id="", backend="claude/sonnet")),
    ("G x", ask.CancelTask(id="", task="publish")),
    ("S y", ask.SkipTask(id="", task="publish")),
    ("p", ask.PauseTask(id="", task="publish")),
    ("P", ask.PauseRun(id="")),
    ("R y", ask.RetryFailed(id="")),
    ("g N r", ask.RetryTask(id="", task="scrape[site-b]")),
    ("b", ask.ResetBreaker(id="", backend="web-fetch")),
    ("X y", ask.CancelGroup(id="", group="scrape")),
    ("h p", ask.PauseGroup(id="", group="scrape")),
    ("g N N N N a a", ask.Approve(id="", task="legal-check")),
    ("a d n o enter", ask.Deny(id="", task="legal-check", reason="no")),
    ("a d enter", ask.Deny(id="", task="legal-check")),
]


async def test_keys_order(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        for keys, order in ORDERS:
            scene.sent.clear()
            await eyes.press(*keys.split())
            assert [_without_id(sent) for sent in scene.sent] == [order], keys


def _without_id(order: ask.Command) -> ask.Command:
    fields = {
        name: getattr(order, name) for name in ("task", "group", "backend", "reason", "force") if hasattr(order, name)
    }
    return type(order)(id="", **fields)


async def test_a_no_orders_nothing(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        for keys in ("N X n", "X escape", "X enter", "R n", "u escape", "N N N a escape", "a d x escape escape"):
            await eyes.press(*keys.split())
            assert not scene.sent, keys
            assert eyes.sees(MainScreen), keys


async def test_the_focus_of_a_dialog_walks_over_its_answers(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("N", "X", "left", "enter")
        assert isinstance(scene.sent[0], ask.CancelGroup)


async def test_answers_can_be_clicked(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("N", "X")
        await eyes.pilot.click("#choices", offset=(3, 0))
        assert isinstance(scene.sent[0], ask.CancelGroup)
        await eyes.press("G", "k", "k", "k", "a")
        assert eyes.sees(ApprovalScreen)
        await eyes.pilot.click("#choices", offset=(3, 0))
        assert isinstance(scene.sent[1], ask.Approve)


async def test_marks_are_set_walked_over_and_used(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("G", "k", "k", "space", "space", "x", "y")
        assert [_without_id(order) for order in scene.sent] == [
            ask.CancelTask(id="", task="fact-check"),
            ask.CancelTask(id="", task="synthesis"),
        ]
        assert not eyes.app.main.marks


async def test_a_group_is_marked_as_a_whole_and_escape_unmarks(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("N", "h", "space")
        assert len(eyes.app.main.marks) == 9
        await eyes.press("escape")
        assert not eyes.app.main.marks


async def test_a_key_that_makes_no_sense_says_why(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        for key, why in (
            ("x", "What is here has ended already."),
            ("a", "Nothing is asked here; n lists 1 question."),
            ("S", "Only a task that has not started can be skipped."),
        ):
            await eyes.press(key)
            assert eyes.toasts == [why]
        assert not scene.sent


async def test_the_footer_offers_what_makes_sense_here(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        assert "Approve" not in eyes.bar("keys")
        assert "Cancel" not in eyes.bar("keys")
        await eyes.press(*"NNNN")
        assert "a Approve" in eyes.bar("keys")
        assert "x Cancel" in eyes.bar("keys")


async def test_the_footer_follows_what_happens_to_the_row(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("G", *"kkkkkkk")
        assert eyes.row == "survey-eu"
        assert "x Cancel" in eyes.bar("keys")
        scene.succeeds("survey-eu", at=253.0)
        await eyes.pilot.pause(0.3)
        assert "x Cancel" not in eyes.bar("keys")
        scene.tell(ev.RunCancelling("operator", 260.0))
        await eyes.pilot.pause(0.3)
        assert eyes.bar("keys").startswith(" CANCELLING")
        scene.tell(ev.RunFinished(Outcome.CANCELLED))
        await eyes.pilot.pause(0.3)
        assert "q Quit" in eyes.bar("keys")


async def test_a_refusal_of_the_engine_is_told(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        scene.tell(ev.CommandRefused("c1", "RetryTask", "its cause stands: scrape[site-b]"))
        await eyes.pilot.pause(0.3)
        assert "its cause stands: scrape[site-b]" in eyes.toasts


async def test_a_questions_toast_goes_with_the_question(dashboard: Make) -> None:
    scene = empty().task("one", "build").task("two", "build")
    async with Screen(dashboard(scene)) as eyes:
        for task in ("one", "two"):
            scene.waits(task, Reason.APPROVAL).tell(ev.ApprovalRequested(task, f"{task}?"))
        await eyes.pilot.pause(0.3)
        assert eyes.toasts == ["2 tasks ask you.  (n lists what needs you)"]
        scene.tell(ev.ApprovalGiven("one", "ada"))
        await eyes.pilot.pause(0.3)
        assert eyes.toasts == ["two: two?  (n lists what needs you)"]
        scene.tell(ev.ApprovalGiven("two", "ada"))
        await eyes.pilot.pause(0.3)
        assert eyes.toasts == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_what_happens_at_once_is_told_once_and_leaves_nothing_of_before(
    dashboard: Make, size: tuple[int, int]
) -> None:
    scene = empty().task("one", "build")
    async with Screen(dashboard(scene), size) as eyes:
        scene.waits("one", Reason.APPROVAL).tell(ev.ApprovalRequested("one", "one?"))
        await eyes.pilot.pause(0.3)
        scene.tell(ev.TaskFailed("one", upstream()), ev.RunFinished(Outcome.FAILED), at=2.0)
        await eyes.pilot.pause(0.3)
        assert "1 failed" in eyes.toasts[-1]
        assert len(eyes.toasts) == len(set(eyes.toasts)) == len(eyes.app.screen.query(Toast))
        assert not any("one?" in toast for toast in eyes.toasts)


async def test_what_a_key_is_answered_stays_when_a_question_comes_or_goes(dashboard: Make) -> None:
    scene = empty().task("one", "build").task("two", "build")
    scene.waits("one", Reason.APPROVAL).waits("two", Reason.APPROVAL)
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("R")
        assert eyes.toasts == ["Nothing failed."]
        scene.tell(ev.ApprovalRequested("one", "one?"))
        await eyes.pilot.pause(0.3)
        scene.tell(ev.ApprovalRequested("two", "two?"))
        await eyes.pilot.pause(0.3)
        assert eyes.toasts == ["Nothing failed.", "2 tasks ask you.  (n lists what needs you)"]
        scene.tell(ev.ApprovalGiven("one", "ada"), ev.ApprovalGiven("two", "ada"))
        await eyes.pilot.pause(0.3)
        assert eyes.toasts == ["Nothing failed."]


async def test_the_last_toast_stands_above_the_footer_however_the_words_of_another_break(dashboard: Make) -> None:
    async with Screen(dashboard(empty()), (100, 30)) as eyes:
        await eyes.press("5")
        eyes.app.notify("x" * 47, timeout=9)
        eyes.app.notify("the last", timeout=9)
        await eyes.pilot.pause(0.3)
        assert max(toast.region.bottom for toast in eyes.app.screen.query(Toast)) == 29


# ── output ──────────────────────────────────────────────────────────────────────────────────────


async def test_copying_a_row_a_line_and_a_log(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("j", "j", "y")
        assert eyes.app.clipboard.startswith("✓ done")
        assert "pricing-eu" in eyes.app.clipboard
        await eyes.press("Y")
        assert "14 sources, 3 tables" in eyes.app.clipboard
        assert "Copied 3 lines" in eyes.toasts
        await eyes.press("tab", "y")
        assert eyes.app.clipboard.endswith("attempt 1/3 succeeded after 68s")


async def test_selected_text_is_copied_by_ctrl_c_without_asking(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        await eyes.press("j", "j")
        await eyes.pilot.mouse_down(LogView, offset=(14, 1))
        await eyes.pilot.hover(LogView, offset=(24, 1))
        await eyes.pilot.mouse_up(LogView, offset=(24, 1))
        await eyes.press("ctrl+c")
        assert eyes.sees(MainScreen)
        assert eyes.app.clipboard == "14 sources,"


# ── themes ──────────────────────────────────────────────────────────────────────────────────────


async def test_ctrl_t_goes_through_the_themes_also_in_a_dialog(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        seen = [eyes.app.theme]
        for _ in range(3):
            await eyes.press("ctrl+t")
            seen.append(eyes.app.theme)
        assert seen == ["orchestra-dark", "orchestra-contrast", "orchestra-light", "orchestra-dark"]
        await eyes.press("ctrl+l", "question_mark", "ctrl+t")
        assert eyes.app.theme == "orchestra-contrast"
        assert eyes.table.paint.spec.name == "orchestra-contrast"


async def test_textuals_own_themes_work_too(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        for theme in ("nord", "textual-light", "ansi-dark", "dracula"):
            eyes.app.theme = theme
            await eyes.pilot.pause()
            assert eyes.table.paint.spec.name == theme


# ── stopping and leaving ────────────────────────────────────────────────────────────────────────


async def test_ctrl_c_asks_cancels_kills_and_leaves(dashboard: Make) -> None:
    scene = research()
    app = dashboard(scene)
    async with Screen(app) as eyes:
        await eyes.press("ctrl+c", "ctrl+c")
        assert eyes.sees(StopScreen)
        assert not scene.sent
        scene.at += 1
        await eyes.press("ctrl+c")
        assert eyes.sees(MainScreen)
        assert _kinds(scene) == [("CancelRun", False)]
        scene.at += 1
        await eyes.press("ctrl+c")
        assert _kinds(scene) == [("CancelRun", False), ("CancelRun", True)]
        scene.at += 1
        await eyes.press("ctrl+c")
    assert app.return_value == DashboardExit(Left.FORCED, cancelled=True)


def _kinds(scene: Scene) -> list[tuple[str, bool | None]]:
    return [(type(order).__name__, getattr(order, "force", None)) for order in scene.sent]


ANSWERS: list[tuple[str, list[tuple[str, bool | None]]]] = [
    ("escape", []),
    ("j", []),
    ("t", [("CancelTask", None)]),
    ("g", [("CancelGroup", None)]),
    ("y", [("CancelRun", False)]),
]


async def test_the_question_after_ctrl_c_has_answers(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("G")
        for key, orders in ANSWERS:
            scene.sent.clear()
            scene.at += 1
            await eyes.press("ctrl+c")
            assert eyes.sees(StopScreen), key
            await eyes.press(key)
            assert eyes.sees(MainScreen), key
            assert _kinds(scene) == orders, key


async def test_ctrl_c_and_ctrl_q_ask_from_everywhere(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press(*"NNNN")
        for keys in ("slash", "question_mark", "X", "a", "a d", "colon"):
            scene.at += 10
            await eyes.press(*keys.split(), "ctrl+c")
            assert eyes.sees(StopScreen), keys
            await eyes.press("escape", "ctrl+q", "ctrl+q")
            assert eyes.sees(AskScreen), keys
            assert eyes.bar("title") == "The run is still on. Quit?", keys
            await eyes.press("n", *["escape"] * len(keys.split()))
            assert eyes.sees(MainScreen), keys


@pytest.mark.parametrize("key", ["q", "ctrl+q", "ctrl+c"])
async def test_after_the_end_quitting_asks_nothing(dashboard: Make, key: str) -> None:
    app = dashboard(finished(well=key == "q"))
    async with Screen(app) as eyes:
        await eyes.press(key)
    assert app.return_value == DashboardExit(Left.QUIT)


async def test_leaving_keeps_the_run_going(dashboard: Make) -> None:
    scene = research()
    for keys in ("L", "q l"):
        app = dashboard(scene)
        async with Screen(app) as eyes:
            await eyes.press(*keys.split())
        assert app.return_value == DashboardExit(Left.LEFT)
    assert not scene.sent
    assert all(subscription.closed for subscription in scene.subscriptions)


async def test_quitting_waits_for_the_cancelled_run(dashboard: Make) -> None:
    scene = research()
    app = dashboard(scene)
    async with Screen(app) as eyes:
        await eyes.press("q", "y")
        assert _kinds(scene) == [("CancelRun", False)]
        await eyes.pilot.pause(0.2)
        assert app.is_running
        scene.tell(ev.RunCancelling("operator", 260.0), ev.RunFinished(Outcome.CANCELLED))
        await eyes.pilot.pause(0.3)
    assert app.return_value == DashboardExit(Left.QUIT, cancelled=True)


async def test_draining_lets_finish_what_runs_then_quits(dashboard: Make) -> None:
    scene = research()
    app = dashboard(scene)
    async with Screen(app) as eyes:
        await eyes.press("q", "d")
        assert isinstance(scene.sent[0], ask.Drain)
        scene.tell(ev.RunCancelling("operator", draining=True), ev.RunFinished(Outcome.CANCELLED))
        await eyes.pilot.pause(0.3)
    assert app.return_value == DashboardExit(Left.QUIT)


async def test_a_screen_that_is_to_go_at_the_end_goes(dashboard: Make) -> None:
    scene = research()
    app = dashboard(scene, exit_when_done=True)
    async with Screen(app) as eyes:
        scene.tell(ev.RunFinished(Outcome.FAILED))
        await eyes.pilot.pause(0.3)
    assert app.return_value == DashboardExit(Left.QUIT)


async def test_when_the_engine_is_dead_quitting_asks_nothing(dashboard: Make) -> None:
    scene = research()
    scene.error = RuntimeError("gone")
    app = dashboard(scene)
    async with Screen(app) as eyes:
        await eyes.press("q")
    assert app.return_value == DashboardExit(Left.QUIT)


async def test_a_signal_ends_the_screen(dashboard: Make) -> None:
    app = dashboard(research())
    async with Screen(app) as eyes:
        eyes.app.leave(Left.TERMINATED)
        await eyes.pilot.pause()
    assert app.return_value == DashboardExit(Left.TERMINATED)
    assert Left.TERMINATED.status == 143


# ── size ────────────────────────────────────────────────────────────────────────────────────────


async def test_the_screen_follows_the_terminals_size(dashboard: Make) -> None:
    async with Screen(dashboard(research())) as eyes:
        for size, strip in (((80, 24), 1), (SIZE, 5), ((200, 60), 5), ((120, 24), 1)):
            await eyes.pilot.resize_terminal(*size)
            await eyes.pilot.pause(0.1)
            assert eyes.app.main.query_one("#strip").size.height == strip
        await eyes.pilot.resize_terminal(40, 10)
        await eyes.pilot.pause(0.1)
        assert "Terminal 40x10 is too small." in eyes.bar("small")
        await eyes.pilot.resize_terminal(*SIZE)
        await eyes.pilot.pause(0.1)
        assert not eyes.app.main.has_class("-small")


async def test_a_viewer_that_fell_behind_attaches_again(dashboard: Make) -> None:
    scene = research()
    async with Screen(dashboard(scene)) as eyes:
        await eyes.press("N")
        scene.subscriptions[-1].gap = True
        scene.succeeds("survey-eu", at=255.0)
        await eyes.pilot.pause(0.3)
        assert eyes.app.main.run.tasks["survey-eu"].is_final
        assert eyes.row == "scrape[site-b]"
        assert len(scene.subscriptions) == 2
