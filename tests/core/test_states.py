"""The tables of moves: what they allow, and that nothing else is."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import IllegalMove
from orchestrator.core.states import (
    FINAL,
    MOVES,
    NEEDS_A_PERSON,
    RUN_MOVES,
    STATE_OF,
    WAITING_STATUS,
    Reason,
    RunState,
    State,
    Status,
    check_move,
    check_run_move,
)

PAIRS = list(product(State, State))
RUN_PAIRS = list(product(RunState, RunState))


@pytest.mark.parametrize(("old", "new"), [pair for pair in PAIRS if pair in MOVES])
def test_a_move_of_the_table_is_allowed_and_says_when(old: State, new: State) -> None:
    check_move("build", old, new)
    assert MOVES[old, new]


@pytest.mark.parametrize(("old", "new"), [pair for pair in PAIRS if pair not in MOVES])
def test_any_other_move_is_a_bug_that_names_the_task(old: State, new: State) -> None:
    with pytest.raises(IllegalMove, match=f"task 'build' cannot go from {old} to {new}"):
        check_move("build", old, new)


@pytest.mark.parametrize(("old", "new"), RUN_PAIRS)
def test_a_run_moves_by_its_table_alone(old: RunState, new: RunState) -> None:
    if new in RUN_MOVES[old]:
        check_run_move(old, new)
    else:
        with pytest.raises(IllegalMove, match=f"the run cannot go from {old} to {new}"):
            check_run_move(old, new)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_walk_along_the_table_can_come_to_an_end(data: st.DataObject) -> None:
    state = State.PENDING
    for _ in range(data.draw(st.integers(0, 30))):
        new = data.draw(st.sampled_from([to for old, to in MOVES if old is state]))
        check_move("build", state, new)
        state = new
    assert state in FINAL or _ends_from(state)


def _ends_from(state: State) -> bool:
    return any(to in FINAL for old, to in MOVES if old is state)


def test_what_ended_can_only_begin_again() -> None:
    assert {to for old, to in MOVES if old in FINAL} == {State.PENDING}


def test_a_finished_run_can_only_go_on() -> None:
    assert RUN_MOVES[RunState.FINISHED] == {RunState.RUNNING}
    assert all(RunState.FINISHED in allowed for old, allowed in RUN_MOVES.items() if old is not RunState.FINISHED)


def test_every_state_every_reason_and_every_status_is_in_the_tables() -> None:
    assert set(WAITING_STATUS) == set(Reason)
    assert set(STATE_OF) == set(Status)
    assert set(STATE_OF.values()) == set(State)
    assert set(Reason) >= NEEDS_A_PERSON


def test_a_word_is_its_text_also_as_a_key() -> None:
    assert {"pending": 1}[State.PENDING] == 1
    assert f"{Status.CIRCUIT}" == "circuit"
