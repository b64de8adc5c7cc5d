"""The order of tasks within their groups."""

from __future__ import annotations

import pytest

from orchestrator.tui.board import Board
from orchestrator.tui.feed import Feed
from orchestrator.tui.sorting import By, Sort
from tests.tui.scene import Scene, empty, research


def names(board: Board, now: float, group: str = "research") -> list[str]:
    return [row.name for row in board.rows(now) if row.group == group and row.task]


def sorted_by(by: By, group: str, *, turned: bool = False, scene: Scene | None = None) -> list[str]:
    told = scene or research()
    board = Board(Feed(told))
    board.sort = Sort(by, turned)
    return names(board, told.at, group)


@pytest.mark.parametrize(
    ("by", "group", "first"),
    [
        (By.STATE, "scrape", ["scrape[site-b]", "scrape[site-c]", "scrape[site-h]", "scrape[site-e]"]),
        (By.TIME, "scrape", ["scrape[site-b]", "scrape[site-c]", "scrape[site-d]"]),
        (By.TOKENS, "research", ["research[patents]", "research[user-reviews]", "research[regulation]"]),
        (By.COST, "research", ["research[pricing-us]", "research[patents]", "research[competitors]"]),
        (By.TRIES, "scrape", ["scrape[site-d]"]),
        (By.NAME, "review", ["fact-check", "legal-check", "publish", "synthesis"]),
        (By.FLOW, "review", ["legal-check", "synthesis", "fact-check", "publish"]),
    ],
)
def test_orders(by: By, group: str, first: list[str]) -> None:
    assert sorted_by(by, group)[: len(first)] == first


def test_turned_round_the_last_is_first() -> None:
    assert sorted_by(By.NAME, "review", turned=True) == ["synthesis", "publish", "legal-check", "fact-check"]


def test_the_same_choice_again_turns_it_round_and_another_begins_anew() -> None:
    once = Sort().again(By.COST)
    assert (once, once.again(By.COST), once.again(By.COST).again(By.COST)) == (
        Sort(By.COST),
        Sort(By.COST, turned=True),
        Sort(By.COST),
    )
    assert once.again(By.NAME) == Sort(By.NAME)
    assert Sort().again(By.FLOW) == Sort()
    assert (Sort(By.COST).falls, Sort(By.COST, turned=True).falls, Sort(By.NAME).falls) == (True, False, False)


def test_groups_keep_their_order_and_instances_are_sorted_in_their_fan_out() -> None:
    scene = empty().fan("w", [f"i{n:02d}" for n in range(30)], "build")
    scene.task("alone", "build")
    board = Board(Feed(scene))
    board.sort = Sort(By.NAME, turned=True)
    assert names(board, 0.0, "build") == ["w", "alone"]
    board.reveal("w[i00]")
    assert names(board, 0.0, "build")[:3] == ["w", "w[i29]", "w[i28]"]


def test_rows_keep_their_places_for_a_while_and_while_keys_are_pressed() -> None:
    scene = empty().task("a", "build").task("b", "build")
    scene.starts("a", at=0.0).starts("b", at=0.0)
    board = Board(Feed(scene))
    board.sort = Sort(By.TOKENS)
    assert names(board, 0.0, "build") == ["a", "b"]
    scene.uses("b", 1000, 0, None)
    board.feed.poll()
    assert names(board, 1.0, "build") == ["a", "b"]
    assert not board.is_stale(1.0)
    board.pressed = 1.5
    assert not board.is_stale(2.1)
    assert board.is_stale(2.6)
    assert names(board, 2.6, "build") == ["b", "a"]


def test_what_comes_between_two_sortings_stands_at_the_end() -> None:
    scene = empty().task("a", "build").task("c", "build")
    board = Board(Feed(scene))
    board.sort = Sort(By.STATE)
    assert names(board, 0.0, "build") == ["a", "c"]
    scene.task("b", "build")
    board.feed.poll()
    assert names(board, 0.5, "build") == ["a", "c", "b"]
