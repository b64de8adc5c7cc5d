"""Bars: every part that is not nothing is seen, and the width is exact."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.states import Status
from orchestrator.tui.bars import level_bar, progress_bar, shares
from orchestrator.tui.glyphs import ASCII, UNICODE
from orchestrator.tui.lines import plain


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(min_value=0, max_value=10_000), min_size=1, max_size=5), st.integers(min_value=5, max_value=40)
)
def test_parts_fill_the_bar_and_none_is_lost(parts: list[int], cells: int) -> None:
    given_cells = shares(parts, cells)
    assert sum(given_cells) == (cells if sum(parts) else 0)
    assert all(bool(part) == bool(share) for part, share in zip(parts, given_cells, strict=True))


def test_five_kinds_of_cells_differ_without_colours() -> None:
    counts = Counter({Status.DONE: 2, Status.FAILED: 2, Status.SKIPPED: 2, Status.RUNNING: 2, Status.PENDING: 2})
    assert plain(progress_bar(counts, 10, UNICODE)) == "██✗✗──▓▓░░"
    assert plain(progress_bar(counts, 10, ASCII)) == "##xx--==.."


def test_one_failure_in_ten_thousand_is_seen() -> None:
    counts = Counter({Status.DONE: 9_999, Status.TIMEOUT: 1})
    assert plain(progress_bar(counts, 14, UNICODE)) == "█" * 13 + "✗"


def test_nothing_yet_is_an_empty_bar() -> None:
    assert plain(progress_bar(Counter[Status](), 4, UNICODE)) == "░░░░"


def test_levels() -> None:
    assert plain(level_bar(0.0, 4, "done", UNICODE)) == "░░░░"
    assert plain(level_bar(0.01, 4, "done", UNICODE)) == "█░░░"
    assert plain(level_bar(0.5, 4, "done", UNICODE)) == "██░░"
    assert plain(level_bar(7.0, 4, "done", UNICODE)) == "████"
