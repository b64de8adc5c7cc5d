"""Answers in the making, whatever the API."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from orchestrator.core.errors import Code, UpstreamError
from orchestrator.core.model import (
    Media,
    Message,
    ModelRequest,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    said,
)
from orchestrator.models.building import Draft, arguments_of, instructed, written
from orchestrator.models.counting import IMAGE, tokens_of

ASKED = ModelRequest((said("user", "x" * 40), said("assistant", "y"), said("user", "z")))


def draft() -> Draft:
    return Draft(ASKED, "m")


def test_parts_stand_in_the_order_of_their_first_word() -> None:
    one = draft()
    one.think(0, "Hm", "seal")
    one.say(1, "a")
    one.call(2, id="c", tool="f")
    one.say(3, "b")
    one.say(1, "A")
    one.call(2, written='{"x": 1}')
    one.stop = "end"
    answer = one.answer()
    assert answer.message.parts == (
        Thinking("Hm", "seal"),
        Text("aA"),
        ToolCall("c", "f", {"x": 1}, '{"x": 1}'),
        Text("b"),
    )
    assert (answer.text, answer.stop, answer.model) == ("aAb", "tool_use", "m")


def test_what_stays_empty_is_no_part() -> None:
    one = draft()
    one.think(0, "")
    one.say(1, "")
    one.say(2, "a")
    one.stop = "end"
    assert one.answer().message.parts == (Text("a"),)


def test_a_sealed_thought_without_words_is_kept() -> None:
    one = draft()
    one.think(0, "", "seal")
    one.call(1, id="c", tool="f")
    one.stop = "tool_use"
    assert one.answer().message.parts[0] == Thinking("", "seal")


def test_ids_that_are_missing_differ_from_those_of_other_turns() -> None:
    ids = set()
    for turns in (1, 3, 5):
        one = Draft(ModelRequest((said("user", "x"),) * turns), "m")
        one.call("a", tool="f")
        one.call("b", tool="f")
        one.stop = "tool_use"
        ids |= {call.id for call in one.answer().message.calls}
    assert len(ids) == 6


def test_usage_is_what_was_told_else_what_was_said_else_nothing() -> None:
    one = draft()
    assert one.spent() is None
    one.say(0, "x" * 9)
    assert one.spent() == Usage(ASKED.tokens, 3)
    one.usage = Usage(1, 2)
    assert one.spent() == Usage(1, 2)
    one.usage = Usage(0, 0)
    assert one.spent() == Usage(ASKED.tokens, 3)


def test_a_filter_that_leaves_nothing_has_read_at_least() -> None:
    one = draft()
    one.stop = "filter"
    assert one.answer().usage == Usage(ASKED.tokens)


def test_what_came_whole_need_not_say_how_it_ended_and_what_streamed_must() -> None:
    one = draft()
    one.say(0, "a")
    with pytest.raises(UpstreamError, match="broke off after 1 characters") as caught:
        one.answer()
    assert caught.value.failure.code == Code.TRUNCATED
    one.is_whole = True
    assert one.answer().stop == "end"


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        ("  ", {}),
        ("{}", {}),
        ('{"a": [1]}', {"a": [1]}),
        ("null", None),
        ("[]", None),
        ("{a: 1}", None),
        ("{" * 100_000, None),
    ],
)
def test_arguments_are_an_object_or_none(text: str, arguments: dict[str, Any] | None) -> None:
    assert arguments_of(text) == arguments


def test_arguments_that_a_server_read_already_are_written_again() -> None:
    assert (written({"ä": 1}), written('{"a"'), written(None)) == ('{"ä": 1}', '{"a"', "")


def test_a_form_can_be_asked_for_in_words() -> None:
    asked = instructed(ModelRequest(ASKED.messages, schema={"type": "object"}))
    assert asked.schema is None
    assert str(asked.system).endswith('{"type": "object"}')
    assert instructed(ASKED) is ASKED


# ── counting ──


def test_words_count_by_their_letters() -> None:
    tools = (ToolSpec("f", "d" * 8, {}),)
    parts = (ToolResult("c", "x" * 40), ToolCall("c", "name", {}, "{}"))
    request = ModelRequest((Message("user", parts),), system="s" * 4, tools=tools)
    assert tokens_of(request) == request.tokens


def test_files_count_for_what_is_in_them() -> None:
    text = base64.b64encode(b"x" * 4_000).decode()

    def tokens(media: Media) -> int:
        return tokens_of(ModelRequest((Message("user", (media,)),)))

    assert tokens(Media("image/png", "A" * 4_000_000)) == IMAGE
    assert tokens(Media("text/plain", text)) == 1_000
    assert tokens(Media("application/pdf", "A" * 1_000_000)) == 40_000
