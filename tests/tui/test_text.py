"""Untrusted text, and figures in few cells."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from orchestrator.tui.text import (
    LINE_LIMIT,
    amount,
    bill,
    cash,
    clean,
    clean_lines,
    count,
    countdown,
    duration,
    fit,
    fit_right,
    money,
    plural,
    shorten,
    tenths,
)


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;PWNED\x07title", "title"),
        ("\x1b]52;c;aGFjaw==\x1b\\clip", "clip"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        ("\x1b[2J\x1b[Hgone", "gone"),
        ("\x1b[?1049lalt", "alt"),
        ("\x9b31mc1", "c1"),
        ("\x9d0;t\x9cosc", "osc"),
        ("\x1bcreset", "reset"),
        ("\x1b(0line", "line"),
        ("a\x00b\x07c\x08d\x7fe", "abcde"),
        ("bell\x07", "bell"),
        ("carriage\rreturn", "carriage return"),
        ("tab\there", "tab here"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("a\u2066b\u2069c", "abc"),
        ("zero\u200bwidth\u200d\ufeff", "zerowidth"),
        ("sep\u2028line\u2029end", "sep line end"),
        ("half \ud800 surrogate", "half  surrogate"),
        ("heart \u2764\ufe0f", "heart \u2764"),
        ("tag\U000e0041", "tag"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
        ("plain", "plain"),
        ("größe 東京 ✓", "größe 東京 ✓"),
        ("unfinished \x1b]0;title", "unfinished "),
        ("lonely \x1b", "lonely "),
    ],
)
def test_nothing_that_moves_a_terminal_gets_through(hostile: str, harmless: str) -> None:
    assert clean(hostile) == harmless


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.characters(codec=None), max_size=200))
def test_no_text_at_all_leaves_a_control_behind(text: str) -> None:
    result = clean(text)
    assert result.isprintable() or all(char.isprintable() or char.isspace() for char in result)
    assert "\x1b" not in result
    result.encode()


def test_a_long_line_is_cut() -> None:
    assert len(clean("x" * 100_000)) == LINE_LIMIT
    assert len(clean("ü" * 100_000)) == LINE_LIMIT


def test_lines_are_cleaned_one_by_one() -> None:
    assert clean_lines("a\n\x1b[31mb\r\nc") == ["a", "b", "c"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.integers(min_value=1, max_value=30))
def test_a_fitted_text_has_exactly_its_cells(text: str, cells: int) -> None:
    assert cell_len(fit(clean(text), cells)) == cells


def test_fitting_shortens_at_the_end_and_pads() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert fit("abcdef", 4, "~") == "abc~"
    assert fit("ab", 4) == "ab  "
    assert fit("東京都庁", 6) == "東京 …"
    assert fit("abc", 0) == ""
    assert fit_right("7", 3) == "  7"
    assert fit_right("1234", 3) == "1234"
    assert shorten("abcdef", 4) == "abc…"
    assert shorten("ab", 4) == "ab"


def test_durations() -> None:
    assert [duration(s) for s in (0, 59.9, 61, 3600, 36_061, -1)] == [
        "00:00", "00:59", "01:01", "1:00:00", "10:01:01", "00:00",
    ]  # fmt: skip
    assert tenths(211.34) == "03:31.3"


def test_countdowns_grow_coarser_with_distance() -> None:
    assert [countdown(s) for s in (-3, 0.04, 1.2, 9.96, 12, 89, 90, 125, 3600, 7300)] == [
        "0.0s", "0.0s", "1.2s", "10s", "12s", "89s", "1:30", "2:05", "1h00", "2h01",
    ]  # fmt: skip


def test_counts_have_three_figures() -> None:
    assert [count(n) for n in (0, 905, 999, 1_000, 13_900, 99_949, 99_960, 412_000, 999_600, 1_000_000, 2.5e9)] == [
        "0", "905", "999", "1.0k", "13.9k", "99.9k", "100k", "412k", "1.0M", "1.0M", "2.5G",
    ]  # fmt: skip


def test_money() -> None:
    assert [money(d) for d in (0, 0.0004, 0.042, 0.9996, 3.42, 1234.5)] == [
        "$0", "<$.001", "$0.042", "$1.00", "$3.42", "$1,234.50",
    ]  # fmt: skip
    assert [cash(d) for d in (0, 0.003, 0.672, 10)] == ["$0.00", "$0.003", "$0.67", "$10.00"]
    assert [bill(0.0, 0), bill(0.672, 0), bill(0.672, 5), bill(0.0, 5)] == ["$0.00", "$0.67", "$0.67+", "unpriced"]


def test_amounts_and_plurals() -> None:
    assert [amount(n) for n in (3, 3.25, 1234.5)] == ["3", "3.2", "1234"]
    assert (plural(1, "task"), plural(0, "task"), plural(2, "entry", "entries")) == ("1 task", "0 tasks", "2 entries")
