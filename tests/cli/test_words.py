from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.cli.words import amount, cells, clean, clip, clock, money, one_line, pad, plain, span, wrap


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0ms"),
        (0.08, "80ms"),
        (1.24, "1.2s"),
        (3, "3s"),
        (45, "45s"),
        (59.7, "1m"),
        (90, "1m30s"),
        (7500, "2h05m"),
        (3600, "1h"),
        (200_000, "2d7h"),
        (172_800, "2d"),
    ],
)
def test_a_span_reads_as_a_flow_would_write_it(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "00:00"), (252.9, "04:12"), (3852, "1:04:12")])
def test_a_moment_of_a_run_reads_as_a_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (950, "950"), (48_900, "48.9k"), (489_123, "489k"), (1.2e6, "1.2M")]
)
def test_an_amount_takes_few_figures(number: float, text: str) -> None:
    assert amount(number) == text


@pytest.mark.parametrize(
    ("dollars", "text"), [(0, "$0.00"), (4.157, "$4.16"), (0.0042, "$0.0042"), (1234, "$1,234.00")]
)
def test_money_never_reads_as_nothing_when_it_is_something(dollars: float, text: str) -> None:
    assert money(dollars) == text


@pytest.mark.parametrize(
    "hostile",
    [
        "a\x1b[31mb",
        "a\x1b]0;title\x07b",
        "a\x1b]52;c;aGk=\x1b\\b",
        "a\x9b2Jb",
        "a\u202eb",
        "a\x07b",
        "a\x1bcb",
        "a\x00b",
    ],
)
def test_foreign_text_cannot_steer_the_terminal(hostile: str) -> None:
    assert clean(hostile) == "ab"


def test_lines_stay_lines_and_tabs_become_spaces() -> None:
    assert clean("a\n\tb") == "a\n    b"
    assert one_line(" a\n\tb\r\n c ") == "a b c"


@settings(max_examples=100)
@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_clipped_text_never_takes_more_columns(text: str, width: int) -> None:
    assert cells(clip(clean(text), width)) <= width


@settings(max_examples=100)
@given(st.text())
def test_clean_text_holds_no_controls(text: str) -> None:
    assert not {character for character in clean(text) if ord(character) < 32 or 127 <= ord(character) < 160} - {"\n"}


def test_wide_characters_count_twice() -> None:
    assert cells("日本") == 4
    assert clip("日本語", 5) == "日本…"
    assert pad("日本", 6) == "日本  "


def test_long_lines_break_between_words() -> None:
    assert wrap("short enough", 40) == "short enough"
    assert wrap("one two three four five six", 20) == "one two three four\n      five six"


def test_our_signs_have_ascii_forms() -> None:
    assert plain("✓ ✗ … — →").isascii()
