"""Ctrl+C in stages."""

from __future__ import annotations

from orchestrator.tui.stopping import Step, Stopping


def presses(*times: float, cancelling: bool = False) -> list[Step]:
    stopping = Stopping()
    return [stopping.press(at, ended=False, cancelling=cancelling) for at in times]


def test_it_asks_cancels_kills_and_leaves() -> None:
    assert presses(0, 1, 2, 3) == [Step.ASK, Step.CANCEL, Step.KILL, Step.FORCE]


def test_a_second_press_within_half_a_second_does_nothing() -> None:
    assert presses(0, 0.4, 0.6) == [Step.ASK, Step.TOO_SOON, Step.CANCEL]


def test_a_held_key_never_gets_beyond_the_question() -> None:
    steps = presses(*(number / 30 for number in range(120)))
    assert steps[0] is Step.ASK
    assert set(steps[1:]) == {Step.TOO_SOON}


def test_a_held_key_after_the_cancel_never_kills() -> None:
    steps = presses(0, 1, *(1 + number / 30 for number in range(1, 120)))
    assert steps[:2] == [Step.ASK, Step.CANCEL]
    assert set(steps[2:]) == {Step.TOO_SOON}


def test_a_question_that_went_away_is_asked_again() -> None:
    assert presses(0, 6) == [Step.ASK, Step.ASK]


def test_an_answer_of_no_begins_anew() -> None:
    stopping = Stopping()
    assert stopping.press(0, ended=False, cancelling=False) is Step.ASK
    stopping.went_on()
    assert stopping.press(1, ended=False, cancelling=False) is Step.ASK


def test_a_run_that_is_being_stopped_is_killed_at_once() -> None:
    assert presses(0, 1, cancelling=True) == [Step.KILL, Step.FORCE]


def test_cancelling_in_another_way_counts_as_the_second_stage() -> None:
    stopping = Stopping()
    stopping.cancelled(0)
    assert stopping.press(1, ended=False, cancelling=False) is Step.KILL


def test_saying_no_to_the_question_does_not_undo_a_cancel() -> None:
    stopping = Stopping()
    stopping.cancelled(0)
    stopping.went_on()
    assert stopping.press(1, ended=False, cancelling=False) is Step.KILL


def test_after_the_end_it_quits() -> None:
    assert Stopping().press(0, ended=True, cancelling=False) is Step.QUIT
