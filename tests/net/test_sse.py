"""Server-sent events come out of a stream whole, however it is cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.net import ServerEvent
from orchestrator.net.sse import EventDecoder


def decoded(*chunks: bytes) -> list[ServerEvent]:
    decoder = EventDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def plain(*datas: str) -> list[ServerEvent]:
    return [ServerEvent("", data) for data in datas]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_end_with_either_sign_or_both(end: bytes) -> None:
    assert decoded(end.join([b"event: one", b"data: 1", b"", b"data: 2", b"", b""])) == [
        ServerEvent("one", "1"),
        ServerEvent("", "2"),
    ]


def test_nothing_else_ends_a_line() -> None:
    text = "a\u2028b\u2029c\x0bd\x0ce\x1cf\u0085g"
    assert decoded(f"data: {text}\n\n".encode()) == plain(text)


def test_a_line_end_that_is_cut_in_two_is_one() -> None:
    assert decoded(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == plain("a\nb")
    assert decoded(b"data: a\r", b"", b"\n\r", b"data: b\r\r") == plain("a", "b")


def test_several_lines_of_data_are_one_text() -> None:
    assert decoded(b"data: a\ndata:\ndata: b\n\n") == plain("a\n\nb")


def test_one_space_after_the_colon_is_none_of_the_value_s() -> None:
    assert decoded(b"data:a\n\ndata: b\n\ndata:  c\n\n") == plain("a", "b", " c")


def test_comments_ids_and_unknown_fields_tell_nothing() -> None:
    assert decoded(b": ping\n\nid: 7\nretry: 10\nwhat: x\ndata\n\ndata: a\n\n") == plain("", "a")


def test_an_event_without_data_is_none_and_its_name_is_forgotten() -> None:
    assert decoded(b"event: ping\n\ndata: a\n\n") == plain("a")


def test_more_empty_lines_than_one_end_nothing_more() -> None:
    assert decoded(b"data: a\n\n\ndata: b\n\n\n\n\nevent: e\ndata: c\n\n\n") == [
        *plain("a", "b"),
        ServerEvent("e", "c"),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert decoded(b"\xef", b"\xbb", b"\xbfdata: a\n\ndata: \xef\xbb\xbfb\n\n") == plain("a", "\ufeffb")


def test_what_ends_without_an_empty_line_is_no_event() -> None:
    assert decoded(b"data: a\n\ndata: b\n") == plain("a")


def test_what_is_no_utf_8_is_told_as_far_as_it_is() -> None:
    assert decoded(b"data: a\xffb\n\n") == plain("a\ufffdb")


LINES = st.sampled_from(["data: ä\u2028", "data:", "data: {}", ": c", "event: e", "", "", "id: 1"])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(LINES, max_size=12),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.lists(st.integers(0, 200), max_size=8),
)
def test_where_the_bytes_are_cut_makes_no_difference(lines: list[str], end: str, cuts: list[int]) -> None:
    text = "".join(line + end for line in lines).encode()
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert decoded(*pieces) == decoded(text)
