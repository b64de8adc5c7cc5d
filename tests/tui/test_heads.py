"""The title, the tabs, the health strip and the footer."""

from __future__ import annotations

import pytest

from orchestrator.core import events as ev
from orchestrator.core.events import BackendInfo, BudgetInfo, Gauge, GroupInfo
from orchestrator.core.states import BreakerState, Outcome, Reason
from orchestrator.tui import health
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.heads import (
    Tab,
    percent,
    run_name,
    small_lines,
    stopping_words,
    tab_line,
    title_line,
)
from orchestrator.tui.hints import Hint, key_line, key_name
from orchestrator.tui.lines import plain, width
from tests.tui.scene import Scene, empty, finished, research, started

TABS = (Tab("1", "Tasks", "Tasks", "view.tasks"),)


def title(scene: Scene, cells: int = 120) -> str:
    return plain(title_line(scene.run, scene.at, cells, UNICODE))


@pytest.mark.parametrize("cells", range(60, 240, 7))
def test_no_line_is_wider_than_the_screen(cells: int) -> None:
    for scene in (research(), empty(), finished(well=False)):
        assert width(title_line(scene.run, scene.at, cells, UNICODE)) == cells
        assert width(tab_line(scene.run, TABS, "1", cells, UNICODE)) == cells
        assert width(health.one_line(scene.run, scene.at, cells, UNICODE)) == cells
        if cells >= 100:
            assert [width(line) for line in health.boxes(scene.run, scene.at, cells, UNICODE)] == [cells] * 5


def test_the_title_names_the_flow_the_run_and_where_it_stands() -> None:
    assert title(research()).startswith(" orchestrator market-research.yaml  run 7f3a2c  ► RUNNING  04:12  eta ~06:52")
    assert title(research()).endswith(" 11/29 37%")
    assert title(research(), 80).startswith(" market-research ► RUNNING 04:12")


def test_what_finds_no_room_is_left_out_in_order() -> None:
    assert "eta" not in title(research(), 100)
    assert "orchestrator" in title(research(), 100)


@pytest.mark.parametrize(
    ("scene", "words"),
    [
        (Scene(), "STARTING"),
        (research().tell(ev.RunPaused("operator")), "PAUSED (you)"),
        (research().tell(ev.RunPaused("budget")), "PAUSED (budget)"),
        (research().tell(ev.RunHeld(("approval: legal-check",))), "HELD (approval: legal-check)"),
        (research().tell(ev.RunCancelling("operator", 259.0)), "CANCELLING 7.0s"),
        (research().tell(ev.RunCancelling("operator", draining=True)), "CANCELLING after what runs"),
        (finished(well=True), "DONE"),
        (finished(well=False), "FAILED 1 of 3"),
        (research().tell(ev.RunFinished(Outcome.CANCELLED)), "CANCELED"),
        (research().tell(ev.RunFinished(Outcome.DEGRADED)), "DONE, DEGRADED"),
    ],
)
def test_the_runs_state_in_words(scene: Scene, words: str) -> None:
    assert f"{words}  " in title(scene, 160)


def test_the_clock_stands_still_after_the_end() -> None:
    scene = finished(well=True)
    scene.at = 500.0
    assert "DONE  00:06" in title(scene)
    assert "eta" not in title(scene)


def test_a_screen_that_lags_says_so() -> None:
    assert "(screen 3s behind)" in plain(title_line(research().run, 252.0, 120, UNICODE, 3.2))


def test_no_estimate_before_a_fifth_is_done() -> None:
    scene = empty()
    for number in range(10):
        scene.task(f"t{number}", "build")
    scene.starts("t0", at=1.0).succeeds("t0", at=2.0)
    assert "eta" not in title(scene)
    scene.starts("t1", at=2.0).succeeds("t1", at=3.0)
    assert "eta ~00:12" in title(scene)


def test_a_hundred_percent_means_all() -> None:
    assert percent(9_999, 10_000) == "99%"
    assert percent(3, 3) == "100%"
    assert percent(0, 0) == "0%"


def test_runs_are_called_by_their_end() -> None:
    assert run_name("20261120-093000-7f3a2c") == "7f3a2c"
    assert run_name("short") == "short"


def test_counts_stand_at_the_right_and_a_narrow_screen_shows_the_urgent_ones() -> None:
    assert plain(tab_line(research().run, TABS, "1", 120, UNICODE)).endswith(
        "?1  ►5  ↻1  ≈2  ≠2  ✗2  ◷1  ✓7  »1  ○3  ·4"
    )
    assert plain(tab_line(research().run, TABS, "1", 80, UNICODE)).endswith("?1  ►5 ↻1 ≠2 ✗2 ◷1 ✓7")


def test_a_run_that_is_being_stopped_says_how_long_it_has() -> None:
    scene = research().tell(ev.RunCancelling("operator", 259.0))
    assert (
        stopping_words(scene.run, scene.at) == "CANCELLING  5 tasks stopping, 7.0s of grace left. Ctrl+C again: kill."
    )
    assert not stopping_words(research().run, 0.0)


def test_a_small_terminal_still_tells_how_the_run_is() -> None:
    texts = [plain(line).strip() for line in small_lines(research().run, 50, 12, (60, 16))]
    assert "The run goes on: 11/29, 3 failed." in texts
    assert "q quit" in [plain(line).strip() for line in small_lines(finished(well=True).run, 50, 12, (60, 16))]


# ── health ──────────────────────────────────────────────────────────────────────────────────────


def box(scene: Scene, cells: int = 120) -> list[str]:
    return [plain(line) for line in health.boxes(scene.run, scene.at, cells, UNICODE)]


def test_three_boxes_of_health() -> None:
    breakers, limiters, budgets = ([line.strip("│ ") for line in part] for part in zip(*_parts(), strict=True))
    assert breakers == [
        "≠ web-fetch     OPEN          in 23s",
        "◐ openai        half-open  probe 1/2",
        "✓ claude/sonnet closed     0/5 fails",
    ]
    assert limiters == [
        "task slots        ██░░░ 5/10     50%",
        "claude/sonnet rpm █████ 49/49   FULL",
        "claude/sonnet tpm ████░ 61k/80k  76%",
    ]
    assert budgets == [
        "cost   ███░░░░░░░ $3.42/$10.00   34%",
        "tokens ████░░░░░░ 412k/1.0M      41%",
        "time   █░░░░░░░░░ 04:12/30:00    14%",
    ]


def _parts() -> list[list[str]]:
    return [line.split("││") for line in box(research())[1:4]]


def test_what_is_in_trouble_comes_first_and_the_rest_is_counted() -> None:
    backends = [BackendInfo(f"b{number}", "http") for number in range(5)]
    scene = Scene().tell(started([GroupInfo("a")], backends, []))
    scene.tell(ev.BreakerMoved("b4", BreakerState.CLOSED, BreakerState.OPEN, "x", 9.0))
    text = box(scene)
    assert "3 of 5" in text[0]
    assert "b4" in text[1]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.TRIPPED, "operator"), "! web    TRIPPED"),
        (ev.BackendHeld("web", 12.0, "429", Reason.RATE_LIMIT), "held 12s"),
        (ev.BackendHeld("web", None, "usage limit", Reason.QUOTA), "needs you"),
        (ev.BackendHeld("web", None, "the hold ended"), "0/5 fails"),
        (ev.BackendGauge("web", 3, 9, 3, 1), "3/5 fails"),
    ],
)
def test_a_backends_line(event: ev.Event, words: str) -> None:
    scene = Scene().tell(started([], [BackendInfo("web", "http")], []), event)
    assert words in box(scene)[1]


def test_budgets_turn_amber_red_and_over() -> None:
    scene = Scene().tell(
        started([], [], [BudgetInfo("run", 100), BudgetInfo("group:a", None, 1.0), BudgetInfo("task:t", 10)])
    )
    scene.tell(
        ev.BudgetSettled("run", "t", 120), ev.BudgetSettled("group:a", "t", 0, 0.8), ev.BudgetSettled("task:t", "t", 9)
    )
    levels = health.budgets(scene.run, 0.0)
    assert [(level.name, level.role, level.note) for level in levels] == [
        ("tokens", "failed", "OVER"),
        ("a cost", "retry", "80%"),
        ("t tokens", "failed", "90%"),
    ]


def test_without_budgets_what_was_spent_is_told() -> None:
    scene = empty().task("t", "build").starts("t", at=1.0).uses("t", 900, 100, 0.5)
    assert "no budget  1.0k tok  $0.50" in box(scene)[1]
    assert "no backends" in box(scene)[1]


def test_one_line_of_health_for_narrow_screens() -> None:
    text = plain(health.one_line(research().run, 252.0, 80, UNICODE))
    assert text.startswith(" ≠ web-fetch OPEN 23s  ◐ openai 1/2 │ rpm 49/49 FULL │ $3.42 ██░░░ 34%")
    assert plain(health.one_line(empty().run, 0.0, 80, UNICODE)) == " task slots 0/10"
    calm = Scene().tell(started([], [BackendInfo("web", "http")], []))
    assert plain(health.one_line(calm.run, 0.0, 80, UNICODE)).startswith(" ✓ breakers closed │ task slots")


def test_ascii_heads_are_ascii() -> None:
    scene = research()
    lines = [
        title_line(scene.run, scene.at, 120, ASCII),
        tab_line(scene.run, TABS, "1", 120, ASCII),
        *health.boxes(scene.run, scene.at, 120, ASCII),
        health.one_line(scene.run, scene.at, 80, ASCII),
    ]
    assert all(plain(line).isascii() for line in lines)


def test_hostile_names_in_the_heads_are_harmless() -> None:
    scene = Scene("\x1b]0;x\x07run")
    evil = "\x1b[31mevil\u202e[/]"
    backends, budgets = (BackendInfo(evil, "x"),), (BudgetInfo(f"group:{evil}", 5),)
    scene.tell(
        ev.RunStarted(evil, evil, 0.0, 1, groups=(GroupInfo(evil),), backends=backends, budgets=budgets),
        ev.BackendGauge(evil, 0, 0, 0, 0, (Gauge(evil, 1, 2),)),
    )
    for line in [title_line(scene.run, 0.0, 160, UNICODE), *health.boxes(scene.run, 0.0, 160, UNICODE)]:
        assert "\x1b" not in plain(line)
        assert "\u202e" not in plain(line)


# ── the footer ──────────────────────────────────────────────────────────────────────────────────


def test_the_footer_cuts_no_key() -> None:
    hints = [Hint("enter", "Open", "row.open"), Hint("question_mark", "Help", "help"), Hint("ctrl+t", "Theme", "theme")]
    assert plain(key_line(hints, 80)) == "enter Open ? Help ^T Theme"
    assert plain(key_line(hints, 18)) == "enter Open ? Help"
    assert plain(key_line(hints, 17)) == "enter Open ? Help"
    assert plain(key_line(hints, 16)) == "enter Open"


def test_keys_are_called_as_people_write_them() -> None:
    names = [key_name(key) for key in ("slash", "ctrl+c", "pagedown", "G", "left_square_bracket", "f1")]
    assert names == ["/", "^C", "PgDn", "G", "[", "F1"]
