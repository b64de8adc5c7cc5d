"""What needs a person."""

from __future__ import annotations

from orchestrator.core import events as ev
from orchestrator.core.events import BackendInfo, BudgetInfo, GroupInfo
from orchestrator.core.states import BreakerState, Outcome, Reason
from orchestrator.tui.desktop import notice
from orchestrator.tui.needs import Want, count, needs
from tests.tui.scene import Scene, finished, research, started, upstream


def scene() -> Scene:
    told = Scene().tell(
        started([GroupInfo("a")], [BackendInfo("web", "http"), BackendInfo("model", "http")], [BudgetInfo("run", 100)])
    )
    for name in ("x", "y", "z", "w"):
        told.task(name, "a", backend="web")
    return told


def test_where_nothing_waits_nothing_is_needed() -> None:
    assert needs(scene().run) == []
    assert count(scene().run) == 0


def test_all_that_waits_for_a_person_is_listed_in_the_order_in_which_it_began() -> None:
    told = scene()
    told.at = 1.0
    told.waits("x", Reason.APPROVAL).tell(ev.ApprovalRequested("x", "Ship it?"))
    told.at = 2.0
    told.waits("y", Reason.BUDGET, gate="run").tell(ev.BudgetExceeded("run", "y", "hold", "all is spent"))
    told.at = 3.0
    told.tell(ev.BreakerMoved("web", BreakerState.CLOSED, BreakerState.TRIPPED, "operator"))
    told.waits("z", Reason.ANSWER).tell(ev.QuestionAsked("z", "Which?"))
    told.tell(ev.BackendHeld("model", None, "usage limit", Reason.QUOTA))
    told.waits("w", Reason.QUOTA, gate="model")
    found = needs(told.run)
    assert [(need.want, need.name) for need in found] == [
        (Want.APPROVAL, "x"),
        (Want.BUDGET, "run"),
        (Want.ANSWER, "z"),
        (Want.BREAKER, "web"),
        (Want.QUOTA, "model"),
    ]
    assert found[1].text == "1 waiting: all is spent"
    assert found[-1].task == "w"
    assert count(told.run) == 5


def test_what_failed_is_listed_after_it_and_not_counted() -> None:
    run = research().run
    assert [need.want for need in needs(run)] == [Want.APPROVAL, *[Want.FAILURE] * 3]
    assert count(run) == 1


def test_a_hold_with_an_end_and_an_open_breaker_need_nobody() -> None:
    told = scene().tell(ev.BackendHeld("web", 30.0, "slow down", Reason.RATE_LIMIT))
    told.tell(ev.BreakerMoved("model", BreakerState.CLOSED, BreakerState.OPEN, "x", 30.0))
    assert count(told.run) == 0


def test_after_the_end_only_failures_are_left() -> None:
    run = finished(well=False).run
    assert [need.name for need in needs(run)] == ["compile"]
    told = scene().tell(ev.BackendHeld("web", None, "usage limit", Reason.QUOTA), ev.RunFinished(Outcome.CANCELLED))
    assert needs(told.run) == []
    assert count(told.run) == 0


def test_failures_stand_in_the_order_in_which_they_ended() -> None:
    told = scene()
    for second, name in ((1.0, "z"), (2.0, "x")):
        told.starts(name, at=second).fails(name, upstream(f"{name} is bad"), at=second + 0.5)
    assert [need.text for need in needs(told.run)] == ["z is bad", "x is bad"]


# ── the desktop ─────────────────────────────────────────────────────────────────────────────────


def test_a_notice_is_one_sequence_that_the_terminal_takes() -> None:
    assert notice("Done", "3 of 3", {"TERM": "xterm-256color"}) == "\x1b]9;Done: 3 of 3\x07"
    assert notice("Done", "3; all", {"TERM": "foot"}) == "\x1b]777;notify;Done;3, all\x1b\\"


def test_a_multiplexer_is_asked_to_hand_the_notice_on() -> None:
    text = notice("Done", "x", {"TERM": "tmux-256color", "TMUX": "yes"})
    assert text == "\x1bPtmux;\x1b\x1b]9;Done: x\x07\x1b\\"


def test_nothing_hostile_gets_into_a_notice() -> None:
    assert notice("a\x07b", "c\x1b]0;PWNED\x07d", {}) == "\x1b]9;ab: cd\x07"
