"""The last lines that a task wrote."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.progress import LINE_COST, TAIL_SIZE, Tail

WRITES = st.lists(st.tuples(st.sampled_from(["out", "err"]), st.text("ab\r\n", max_size=12)), max_size=20)


def written(*texts: str) -> Tail:
    tail = Tail()
    for text in texts:
        tail.write(1.0, "out", text)
    return tail


def lines(tail: Tail) -> list[str]:
    return [line.text for line in tail.lines]


def test_text_becomes_lines_and_an_open_one_goes_on() -> None:
    assert lines(written("one\ntw", "o\nthree")) == ["one", "two", "three"]


def test_a_line_keeps_the_time_of_its_beginning() -> None:
    tail = Tail()
    tail.write(1.0, "out", "be")
    tail.write(2.0, "out", "gun\nnext")
    assert [(line.at, line.text) for line in tail.lines] == [(1.0, "begun"), (2.0, "next")]


def test_blank_lines_are_lines() -> None:
    assert lines(written("\n\none\n")) == ["", "", "one"]


def test_a_write_of_nothing_adds_nothing() -> None:
    assert lines(written("", "one", "")) == ["one"]


def test_streams_do_not_run_into_each_other() -> None:
    tail = Tail()
    tail.write(1.0, "out", "half")
    tail.write(1.0, "err", "warning\n")
    tail.write(1.0, "out", "rest")
    assert [(line.stream, line.text) for line in tail.lines] == [("out", "half"), ("err", "warning"), ("out", "rest")]


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["10%\r20%\r30%"], ["30%"]),
        (["10%\r", "20%\r", "30%\r", "\n"], ["30%"]),
        (["10%\r", "done\n"], ["done"]),
        (["\r10%", "\r20%"], ["20%"]),
        (["one\r\ntwo\r\n"], ["one", "two"]),
        (["one\r", "\ntwo"], ["one", "two"]),
        (["one\r\r\n"], ["one"]),
        (["a\rb\nc\rd\n"], ["b", "d"]),
    ],
)
def test_a_carriage_return_begins_the_line_again(texts: list[str], shown: list[str]) -> None:
    assert lines(written(*texts)) == shown


@settings(max_examples=100, deadline=None)
@given(st.text("ab\r\n", max_size=60), st.data())
def test_it_makes_no_difference_where_a_stream_is_cut(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert lines(written(*pieces)) == lines(written(text)) == terminal(text)


def terminal(text: str) -> list[str]:
    """Return what a line-wise terminal would show, one that clears a line when it begins it again."""
    shown = [re.split("\r+", line.rstrip("\r"))[-1] for line in text.split("\n")]
    return shown if text.rpartition("\n")[2] else shown[:-1]


@settings(max_examples=100, deadline=None)
@given(WRITES)
def test_the_size_adds_up_and_the_version_grows(writes: list[tuple[str, str]]) -> None:
    tail = Tail()
    for number, (stream, text) in enumerate(writes, 1):
        tail.write(float(number), stream, text)
        assert tail.size == sum(len(line.text) + LINE_COST for line in tail.lines)
        assert tail.version == number


def test_old_lines_are_let_go_and_counted() -> None:
    tail = written(*(f"line {number}\n" for number in range(3000)))
    assert tail.size <= TAIL_SIZE
    assert lines(tail)[-1] == "line 2999"
    assert tail.dropped + len(tail.lines) == 3000


def test_empty_lines_are_not_free() -> None:
    assert len(written("\n" * 100_000).lines) <= TAIL_SIZE // LINE_COST


def test_it_makes_no_difference_whether_many_lines_come_at_once() -> None:
    many = [f"{number}" for number in range(5000)]
    at_once, one_by_one = written("be", "gun\n" + "\n".join(many)), written("begun\n", *(f"{line}\n" for line in many))
    assert lines(at_once) == lines(one_by_one)
    assert at_once.dropped == one_by_one.dropped == 5001 - len(at_once.lines)


def test_of_an_endless_line_the_end_is_kept() -> None:
    tail = written("x" * 10_000_000 + "the end")
    assert tail.size <= TAIL_SIZE
    assert lines(tail)[0].endswith("xthe end")
    assert tail.dropped == 0


def test_an_endless_line_that_comes_bit_by_bit_stays_bounded() -> None:
    tail = Tail()
    for number in range(700):
        tail.write(1.0, "out", f"{number % 10}" * 16_000)
        assert tail.size <= TAIL_SIZE
    assert lines(tail)[0].endswith("9" * 16_000)


def test_the_last_text_is_not_blank_not_ours_and_not_endless() -> None:
    tail = written("one\n", "two" + "!" * 500 + "\n", "  \n\n")
    tail.write(1.0, "sys", "exit 0\n")
    assert tail.last_text() == "two" + "!" * 397
    assert Tail().last_text() == ""


def test_a_copy_goes_its_own_way() -> None:
    tail = written("one")
    other = tail.copy()
    other.write(2.0, "out", " more")
    assert (lines(tail), lines(other)) == (["one"], ["one more"])
    assert (tail.version, other.version) == (1, 2)
