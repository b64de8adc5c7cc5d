"""Answers of the messages API are read for what they are, at once or as they grow."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.backends.anthropic.bodies import unsealed
from orchestrator.backends.anthropic.reader import Reader
from orchestrator.core.errors import UpstreamError
from orchestrator.core.model import ModelAnswer, ModelRequest, Text, Thinking, ToolCall, Usage, said
from orchestrator.models.building import Delta
from orchestrator.models.shapes import parsed
from orchestrator.net.sse import EventDecoder
from tests.backends import anthropic_wire as wire

REQUEST = ModelRequest((said("user", "Hello"),))


def read(events: list[dict[str, Any]], answer_tool: str | None = None) -> tuple[ModelAnswer, list[Delta]]:
    reader = Reader(REQUEST, "asked", answer_tool)
    deltas = [delta for body in events for delta in reader.event(body["type"], body)]
    return reader.draft.answer(), deltas


def whole(body: dict[str, Any], answer_tool: str | None = None) -> ModelAnswer:
    reader = Reader(REQUEST, "asked", answer_tool)
    reader.draft.is_whole = True
    reader.whole(body)
    return reader.draft.answer()


# ── streams ─────────────────────────────────────────────────────────────────────────────────────


def test_words_are_read_as_they_come() -> None:
    answer, deltas = read(wire.HELLO)
    assert answer.text == "Hello!"
    assert [delta.text for delta in deltas if delta.text] == ["Hello", "!"]
    assert (answer.stop, answer.model) == ("end", "claude-sonnet-4-5-20250929")
    assert answer.usage == Usage(25, 15)


def test_thoughts_words_and_parallel_calls_stand_in_their_order() -> None:
    answer, _ = read(wire.WORK)
    thought, redacted, words, first, second = answer.message.parts
    assert isinstance(thought, Thinking)
    assert thought.text == "Two cities, two calls."
    assert unsealed(thought.seal) == {"type": "thinking", "signature": wire.SIGNATURE}
    assert isinstance(redacted, Thinking)
    assert unsealed(redacted.seal) == {"type": "redacted_thinking", "data": wire.REDACTED}
    assert words == Text("Okay, checking.")
    assert first == ToolCall("toolu_01", "get_weather", {"city": "Zürich"}, '{"city": "Zürich"}')
    assert second == ToolCall("toolu_02", "get_weather", {"city": "Kyōto"}, '{"city": "Kyōto"}')
    assert answer.stop == "tool_use"


def test_what_the_beginning_counted_is_not_counted_again_at_the_end() -> None:
    answer, _ = read(wire.WORK)
    assert answer.usage == Usage(2_572, 89, None, cached_tokens=2_000, stored_tokens=100, reasoning_tokens=30)


def test_a_count_that_is_missing_at_the_end_is_that_of_the_beginning() -> None:
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    assert read([wire.started(output_tokens=7), *wire.text(0, "Hi"), end])[0].usage == Usage(25, 7)


def test_counts_at_the_end_stand_for_those_of_the_beginning() -> None:
    end = wire.ended("end_turn", input_tokens=40, cache_read_input_tokens=10, output_tokens=15)
    assert read([wire.started(), *wire.text(0, "Hi"), end])[0].usage == Usage(50, 15, None, cached_tokens=10)


@given(st.lists(st.integers(1, 2_000), max_size=30))
@settings(max_examples=50)
def test_however_the_bytes_are_cut_the_answer_is_the_same(cuts: list[int]) -> None:
    data = wire.stream(wire.WORK)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    decoder = EventDecoder()
    chunks = [data[start:end] for start, end in pairwise(edges)]
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    assert read([parsed(event.data) for event in events]) == read(wire.WORK)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("end_turn", "end"),
        ("stop_sequence", "end"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "filter"),
        ("something_new", "end"),
    ],
)
def test_why_an_answer_ended_is_told(reason: str, expected: str) -> None:
    assert read([wire.started(), *wire.text(0, "Hi"), wire.ended(reason), wire.OVER])[0].stop == expected


def test_a_refusal_without_a_word_is_an_answer_that_was_held_back() -> None:
    answer, _ = read([wire.started(), wire.ended("refusal"), wire.OVER])
    assert (answer.stop, answer.text) == ("filter", "")


@pytest.mark.parametrize(
    "events",
    [
        [],
        wire.HELLO[:-2],
        [wire.started(), *wire.text(0, "Hello"), wire.OVER],
        [wire.started(), *wire.text(0, "Hello"), wire.ended(None)],
        wire.WORK[:15],
    ],
)
def test_an_answer_that_never_says_how_it_ended_is_none(events: list[dict[str, Any]]) -> None:
    with pytest.raises(UpstreamError, match="broke off") as caught:
        read(events)
    assert caught.value.failure.is_transient


def test_what_an_answer_that_broke_off_has_used_is_estimated_beyond_what_was_told() -> None:
    reader = Reader(REQUEST, "asked")
    for body in [wire.started(), *wire.text(0, "x" * 400)]:
        list(reader.event("", body))
    assert reader.draft.spent() == Usage(25, 100)


def test_an_empty_answer_is_none() -> None:
    with pytest.raises(UpstreamError, match="answered with nothing"):
        read([wire.started(), wire.ended("end_turn"), wire.OVER])


def test_arguments_that_are_no_json_object_are_kept_as_they_were_written() -> None:
    events = [wire.started(), *wire.call(0, "look", '{"city": "Z'), wire.ended("max_tokens"), wire.OVER]
    (call,) = read(events)[0].message.calls
    assert (call.arguments, call.written) == (None, '{"city": "Z')


def test_a_call_without_arguments_has_none() -> None:
    (call,) = read([wire.started(), *wire.call(0, "look"), wire.ended("tool_use")])[0].message.calls
    assert call.arguments == {}


def test_arguments_may_come_all_at_once_with_the_call() -> None:
    start = wire.begins(0, type="tool_use", id="call_1", name="look", input={"city": "Bern"})
    for end in ([wire.stops(0)], []):
        (call,) = read([wire.started(), start, *end, wire.ended("tool_use")])[0].message.calls
        assert call.arguments == {"city": "Bern"}


def test_arguments_that_come_twice_count_once() -> None:
    start = wire.begins(0, type="tool_use", id="call_1", name="look", input={"city": "Bern"})
    grown = wire.grows(0, "input_json_delta", partial_json='{"city": "Basel"}')
    (call,) = read([wire.started(), start, grown, wire.stops(0), wire.ended("tool_use")])[0].message.calls
    assert call.arguments == {"city": "Basel"}


def test_a_thought_that_is_not_shown_keeps_its_seal() -> None:
    (thought, _) = read([wire.started(), *wire.thinking(0, ""), *wire.text(1, "Hi"), wire.ended("end_turn")])[
        0
    ].message.parts
    assert isinstance(thought, Thinking)
    assert (thought.text, bool(thought.seal)) == ("", True)


def test_a_block_may_begin_with_words_and_end_without_being_told() -> None:
    events = [
        wire.started(),
        wire.begins(0, type="thinking", thinking="Hm. ", signature=wire.SIGNATURE),
        wire.begins(1, type="text", text="Hel"),
        wire.grows(1, "text_delta", text="lo"),
        wire.ended("end_turn"),
    ]
    thought, words = read(events)[0].message.parts
    assert words == Text("Hello")
    assert isinstance(thought, Thinking)
    assert unsealed(thought.seal)["signature"] == wire.SIGNATURE


def test_what_is_not_known_yet_is_passed_over() -> None:
    odd: list[dict[str, Any]] = [
        {"type": "message_hint", "hint": 1},
        {},
        wire.begins(7, type="server_tool_use", id="srv", name="web_search", input={}),
        wire.grows(0, "citations_delta", citation={}),
        wire.grows(0, "text_delta", text=None),
        {"type": "content_block_delta", "index": None, "delta": None},
        {"type": "content_block_start"},
        {"type": "message_delta", "delta": None, "usage": "many"},
    ]
    reader = Reader(REQUEST, "asked")
    for body in [wire.started(), *odd, *wire.text(0, "Hi"), *odd, wire.ended("end_turn")]:
        list(reader.event("", body))
    assert reader.draft.answer().text == "Hi"


def test_the_name_of_an_event_says_what_it_is_where_its_body_does_not() -> None:
    reader = Reader(REQUEST, "asked")
    for body in wire.HELLO:
        list(reader.event(body["type"], {key: value for key, value in body.items() if key != "type"}))
    assert reader.draft.answer().text == "Hello!"


# ── answers that come at once ───────────────────────────────────────────────────────────────────


def test_an_answer_at_once_is_the_same_as_one_that_streamed() -> None:
    body = wire.message(
        {"type": "thinking", "thinking": "Two cities, two calls.", "signature": wire.SIGNATURE},
        {"type": "redacted_thinking", "data": wire.REDACTED},
        {"type": "text", "text": "Okay, checking."},
        {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Zürich"}},
        {"type": "tool_use", "id": "toolu_02", "name": "get_weather", "input": {"city": "Kyōto"}},
        reason="tool_use",
        input_tokens=472,
        cache_creation_input_tokens=100,
        cache_read_input_tokens=2_000,
        output_tokens=89,
        output_tokens_details={"thinking_tokens": 30},
    )
    assert whole(body) == read(wire.WORK)[0]


def test_an_answer_without_counts_is_estimated() -> None:
    body = {"content": [{"type": "text", "text": "x" * 40}], "stop_reason": "end_turn", "usage": None}
    answer = whole(body)
    assert (answer.model, answer.usage) == ("asked", Usage(2, 10))


@pytest.mark.parametrize("body", [{}, {"content": None}, {"content": "Hi"}, {"content": [{"type": "text"}, 7]}])
def test_an_answer_with_nothing_in_it_is_none(body: dict[str, Any]) -> None:
    with pytest.raises(UpstreamError, match="answered with nothing"):
        whole(body)


# ── answers with a form ─────────────────────────────────────────────────────────────────────────


def test_what_the_answer_tool_was_given_is_the_answer() -> None:
    events = [wire.started(), *wire.call(0, "give_answer", '{"n":', " 1}"), wire.ended("tool_use"), wire.OVER]
    answer, deltas = read(events, "give_answer")
    assert (answer.text, answer.stop, answer.message.calls) == ('{"n": 1}', "end", ())
    assert {delta.voice for delta in deltas} == {"out"}
    block = {"type": "tool_use", "id": "toolu_01", "name": "give_answer", "input": {"n": 1}}
    assert whole(wire.message(block, reason="tool_use"), "give_answer").text == '{"n": 1}'


def test_other_tools_beside_the_answer_are_still_wanted() -> None:
    events = [wire.started(), *wire.call(0, "give_answer", "{}"), *wire.call(1, "look"), wire.ended("tool_use")]
    answer, _ = read(events, "give_answer")
    assert answer.stop == "tool_use"
    assert [call.tool for call in answer.message.calls] == ["look"]
