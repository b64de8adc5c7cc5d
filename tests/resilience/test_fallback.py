"""The choice among backends alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.resilience.fallback import Choice, choose


def test_the_first_that_nothing_stands_in_the_way_of_takes_the_call() -> None:
    obstacles = {"writer": "its breaker is open", "local": "held until 12:40"}
    choice = choose(("writer", "local", "spare", "last"), obstacles.get)
    assert choice == Choice("spare", (("writer", "its breaker is open"), ("local", "held until 12:40")))


def test_without_an_obstacle_nothing_is_passed_over() -> None:
    assert choose(("writer", "local"), lambda _: None) == Choice("writer")


def test_if_none_remains_there_is_no_choice() -> None:
    assert choose(("writer", "local"), lambda _: "open") is None


def test_nobody_behind_the_chosen_one_is_asked() -> None:
    asked: list[str] = []
    choose(("writer", "local"), asked.append)  # it returns None: no obstacle
    assert asked == ["writer"]


@given(st.lists(st.booleans(), max_size=20))
def test_the_choice_and_those_passed_over_are_the_candidates_in_their_order(is_usable: list[bool]) -> None:
    choice = choose(range(len(is_usable)), lambda index: None if is_usable[index] else "no")
    if choice is None:
        assert True not in is_usable
    else:
        assert choice.candidate == is_usable.index(True)
        assert [candidate for candidate, _ in choice.passed_over] == list(range(choice.candidate))
