"""What the palette, the limits, the menus and a searched log look like. Looked at by a person before they were kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.tui.scene import research

Compare = Callable[..., bool]
Make = Callable[..., Any]


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_palette(snap_compare: Compare, dashboard: Make, size: tuple[int, int]) -> None:
    assert snap_compare(dashboard(research()), press=["colon", "r", "f"], terminal_size=size)


def test_limits(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["j", "j", "h", "plus"], terminal_size=(100, 30))


def test_sort_menu(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["o", "c", "o"], terminal_size=(100, 30))


def test_sorted(snap_compare: Compare, dashboard: Make) -> None:
    assert snap_compare(dashboard(research()), press=["o", "s", "G"], terminal_size=(120, 30))


def test_a_searched_log(snap_compare: Compare, dashboard: Make) -> None:
    keys = ["tab", "slash", *"attempt", "enter"]
    assert snap_compare(dashboard(research()), press=keys, terminal_size=(100, 24))


def test_marks_and_a_confirm_that_counts_them(snap_compare: Compare, dashboard: Make) -> None:
    keys = ["G", "k", "k", "space", "space", "S"]
    assert snap_compare(dashboard(research()), press=keys, terminal_size=(100, 30))
