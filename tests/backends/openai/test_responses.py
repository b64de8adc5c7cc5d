"""How responses are asked for, and how their answers are read: without any server."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.backends.openai.responses import Reader, body
from orchestrator.backends.openai.writing import Manner
from orchestrator.core.errors import Code, InputError, UpstreamError
from orchestrator.core.model import (
    Media,
    Message,
    ModelAnswer,
    ModelRequest,
    Stop,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    said,
)
from tests.backends.openai.shapes import ASKED, SAID, SPENT, THOUGHT, WISHED, event, response

PLAIN = Manner(streams=False)
SEAL = '{"id": "rs_1", "encrypted_content": "gAAAA=="}'


def asked(*messages: Message, manner: Manner = PLAIN, **fields: object) -> dict[str, Any]:
    return body(ModelRequest(messages or (said("user", "hi"),), model="m", **fields), manner)  # type: ignore[arg-type]  # any field


def told(*events: dict[str, Any]) -> ModelAnswer:
    reader = Reader(ASKED, "m")
    for one in events:
        for _ in reader.event(one["type"], one):
            pass
    return reader.draft.answer()


def whole(answer: dict[str, Any]) -> ModelAnswer:
    reader = Reader(ASKED, "m")
    reader.draft.is_whole = True
    reader.whole(answer)
    return reader.draft.answer()


# ── asking ──


def test_a_plain_question_leaves_nothing_on_the_server() -> None:
    assert asked() == {
        "model": "m",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "store": False,
    }


def test_everything_has_its_own_word_here() -> None:
    schema = {"type": "object"}
    written = asked(
        system="Be brief.",
        max_tokens=10,
        temperature=0.5,
        top_p=0.9,
        schema=schema,
        tools=(ToolSpec("look", "Looks.", {"type": "object"}),),
        manner=Manner(),
    )
    assert (written["instructions"], written["max_output_tokens"], written["stream"]) == ("Be brief.", 10, True)
    assert (written["temperature"], written["top_p"]) == (0.5, 0.9)
    assert written["text"] == {"format": {"type": "json_schema", "name": "answer", "schema": schema, "strict": False}}
    assert written["tools"] == [
        {"type": "function", "name": "look", "description": "Looks.", "parameters": schema, "strict": False}
    ]


def test_stop_texts_are_refused_rather_than_forgotten() -> None:
    with pytest.raises(InputError, match="no stop texts"):
        asked(stop=("END",))


def test_thoughts_are_asked_for_sealed_where_a_model_is_told_to_think() -> None:
    assert "include" not in asked()
    assert asked(extra={"reasoning": {"effort": "low"}})["include"] == ["reasoning.encrypted_content"]
    assert asked(manner=Manner(extra={"reasoning": {}, "include": None})).get("include") is None


def test_files_are_sent_each_in_its_way() -> None:
    message = Message(
        "user",
        (
            Text("See"),
            Media("image/png", "AA=="),
            Media("application/pdf", "AA==", "a.pdf"),
            Media("text/plain", "aGk="),
        ),
    )
    assert asked(message)["input"][0]["content"] == [
        {"type": "input_text", "text": "See"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA=="},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
        {"type": "input_text", "text": "hi"},
    ]


def test_a_conversation_with_tools_becomes_items_in_its_order() -> None:
    answered = Message(
        "assistant", (Thinking("Hm.", SEAL), Text("Look:"), ToolCall("c1", "look", {"a": 1}), Thinking("?", "sig"))
    )
    results = Message("user", (ToolResult("c1", "no", is_error=True), Text("Go on.")))
    assert asked(answered, results)["input"] == [
        {
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "id": "rs_1",
            "encrypted_content": "gAAAA==",
        },
        {"role": "assistant", "content": [{"type": "output_text", "text": "Look:"}]},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"a": 1}'},
        {"type": "function_call_output", "call_id": "c1", "output": "Error: no"},
        {"role": "user", "content": [{"type": "input_text", "text": "Go on."}]},
    ]


def test_a_name_that_no_tool_can_have_goes_back_as_one_that_the_server_takes() -> None:
    assert asked(Message("assistant", (ToolCall("c1", "git.show it", {}),)))["input"][0]["name"] == "git__show_it"


# ── reading ──

ANSWERED = (
    Thinking("Look it up.", SEAL),
    Text("It is sunny."),
    ToolCall("call_1", "get_weather", {"city": "Oslo"}, '{"city":"Oslo"}'),
)


def test_a_whole_answer_is_read_item_by_item() -> None:
    thought = {**THOUGHT, "summary": [{"type": "summary_text", "text": "Look it up."}]}
    answer = whole(response(thought, SAID, WISHED))
    assert answer.message.parts == ANSWERED
    assert (answer.model, answer.stop, answer.usage) == (
        "o3-mini-2025-01-31",
        "tool_use",
        Usage(40, 30, cached_tokens=8, reasoning_tokens=12),
    )


def test_what_did_not_stream_is_taken_from_the_end() -> None:
    assert told(event("completed", response=response(SAID, WISHED))).message.parts == ANSWERED[1:]
    done = event("output_item.done", output_index=0, item=SAID)
    assert told(done, event("completed", response=response(SAID))).text == "It is sunny."


def test_open_thoughts_stream_too() -> None:
    answer = told(
        event("reasoning_text.delta", output_index=0, content_index=0, delta="Hm"),
        event("output_text.delta", output_index=1, content_index=0, delta="ok"),
        event("completed", response=response()),
    )
    assert answer.message.parts == (Thinking("Hm"), Text("ok"))


@pytest.mark.parametrize(
    ("status", "details", "stop"),
    [
        ("completed", None, "end"),
        ("incomplete", {"reason": "max_output_tokens"}, "length"),
        ("incomplete", {"reason": "content_filter"}, "filter"),
        ("incomplete", None, "length"),
    ],
)
def test_an_answer_says_how_it_ended(status: str, details: object, stop: Stop) -> None:
    ended = response(SAID, status=status, incomplete_details=details)
    assert whole(ended).stop == stop
    assert told(event(status, response=ended)).stop == stop


def test_a_refusal_is_a_filter_s() -> None:
    refused = {**SAID, "content": [{"type": "refusal", "refusal": "I cannot."}]}
    assert (whole(response(refused)).text, whole(response(refused)).stop) == ("I cannot.", "filter")
    answer = told(
        event("refusal.delta", output_index=0, content_index=0, delta="I can"),
        event("refusal.delta", output_index=0, content_index=0, delta="not."),
        event("completed", response=response(refused)),
    )
    assert (answer.text, answer.stop) == ("I cannot.", "filter")


def test_a_stream_that_never_ended_is_no_answer() -> None:
    with pytest.raises(UpstreamError) as caught:
        told(event("output_text.delta", output_index=0, content_index=0, delta="Half"))
    assert caught.value.failure.code == Code.TRUNCATED


@pytest.mark.parametrize("output", [None, "x", {}])
def test_an_answer_without_output_is_unreadable(output: object) -> None:
    with pytest.raises(UpstreamError, match="no output"):
        whole({**response(), "output": output})


def test_items_of_other_kinds_tell_nothing() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    assert whole(response(search, SAID, usage=None)).text == "It is sunny."
    assert (
        told(event("web_search_call.searching"), event("completed", response=response(SAID))).usage.input_tokens == 40
    )
    assert SPENT["input_tokens"] == 40
