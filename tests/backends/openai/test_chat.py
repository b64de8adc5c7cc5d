"""How chat completions are asked for, and how their answers are read: without any server."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from orchestrator.backends.openai.chat import Reader, body, usage_of
from orchestrator.backends.openai.writing import Manner, is_original
from orchestrator.core.errors import Code, UpstreamError
from orchestrator.core.model import (
    Media,
    Message,
    ModelAnswer,
    ModelRequest,
    Part,
    Stop,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    said,
)
from tests.backends.openai.shapes import ASKED, MODEL, TEXT, USAGE, WORDS, call, completion, delta, used

FIELD = '{"field": "reasoning_content"}'
ORIGINAL = Manner(is_original=True)
PLAIN = Manner(streams=False)
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


def asked(*parts: Part, manner: Manner = PLAIN, **fields: object) -> dict[str, Any]:
    request = ModelRequest((Message("user", parts or (Text("hi"),)),), model="m", **fields)  # type: ignore[arg-type]  # any
    return body(request, manner)


def content(part: Part) -> dict[str, Any]:
    written: dict[str, Any] = asked(part)["messages"][0]["content"][0]
    return written


def told(*events: dict[str, Any]) -> ModelAnswer:
    reader = Reader(ASKED, "gpt-4o-mini")
    for one in events:
        for _ in reader.event("", one):
            pass
    return reader.draft.answer()


def whole(answer: dict[str, Any]) -> ModelAnswer:
    reader = Reader(ASKED, "gpt-4o-mini")
    reader.draft.is_whole = True
    reader.whole(answer)
    return reader.draft.answer()


# ── asking ──


def test_a_plain_question_has_no_field_too_many() -> None:
    assert asked() == {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def test_a_stream_is_asked_to_tell_what_it_used() -> None:
    written = asked(manner=Manner())
    assert (written["stream"], written["stream_options"]) == (True, {"include_usage": True})


def test_sampling_and_bounds_are_passed_on() -> None:
    written = asked(temperature=0.0, top_p=0.9, max_tokens=10, stop=("END",))
    assert {name: written[name] for name in ("temperature", "top_p", "max_tokens", "stop")} == {
        "temperature": 0.0,
        "top_p": 0.9,
        "max_tokens": 10,
        "stop": ["END"],
    }


def test_openai_itself_has_another_word_for_the_longest_answer() -> None:
    written = asked(manner=ORIGINAL, max_tokens=10)
    assert written["max_completion_tokens"] == 10
    assert "max_tokens" not in written


@pytest.mark.parametrize(
    ("url", "original"),
    [
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("https://mine.openai.azure.com/openai/v1", True),
        ("http://localhost:11434/v1", False),
        ("https://openrouter.ai/api/v1", False),
        ("https://api.openai.com.example.org/v1", False),
        ("", False),
    ],
)
def test_who_is_openai_is_known_by_the_address(url: str, *, original: bool) -> None:
    assert is_original(url) is original


def test_a_flow_s_own_fields_go_into_the_body_and_null_takes_one_out() -> None:
    manner = Manner(extra=MappingProxyType({"reasoning_effort": "low", "stream_options": None, "seed": 1}))
    written = asked(manner=manner, extra={"seed": 2})
    assert (written["reasoning_effort"], written["seed"]) == ("low", 2)
    assert "stream_options" not in written


def test_the_system_speaks_first() -> None:
    assert asked(system="Be brief.")["messages"][0] == {"role": "system", "content": "Be brief."}


def test_tools_are_described() -> None:
    written = asked(tools=(ToolSpec("look", "Looks.", SCHEMA),))["tools"]
    function = {"name": "look", "description": "Looks.", "parameters": SCHEMA}
    assert written == [{"type": "function", "function": function}]


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (SCHEMA, True),
        ({**SCHEMA, "required": []}, False),
        ({**SCHEMA, "additionalProperties": True}, False),
        ({"type": "array", "items": SCHEMA}, True),
        ({"type": "array", "items": {"type": "object"}}, False),
        ({"anyOf": [SCHEMA, {"type": "null"}]}, True),
        ({"anyOf": [SCHEMA, {"type": "object", "properties": {"b": {}}}]}, False),
        ({"type": "object", "properties": 3}, False),
    ],
)
def test_a_form_that_leaves_nothing_open_is_asked_for_strictly(schema: dict[str, Any], *, strict: bool) -> None:
    written = asked(schema=schema)["response_format"]
    assert written == {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": strict}}


def test_pictures_sounds_and_documents_are_sent_each_in_its_way() -> None:
    assert content(Media("image/png", "AA==")) == {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,AA=="},
    }
    assert content(Media("audio/x-wav", "AA==")) == {
        "type": "input_audio",
        "input_audio": {"data": "AA==", "format": "wav"},
    }
    assert content(Media("application/pdf", "AA==", "a.pdf")) == {
        "type": "file",
        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="},
    }
    assert content(Media("application/pdf", "AA=="))["file"]["filename"] == "file.pdf"


def test_files_of_text_are_sent_as_text() -> None:
    data = base64.b64encode("Grüße".encode()).decode()
    assert content(Media("text/plain", data, "a.txt")) == {"type": "text", "text": "a.txt:\nGrüße"}
    assert content(Media("text/csv", data)) == {"type": "text", "text": "Grüße"}
    assert content(Media("text/plain", "no base64!"))["type"] == "file"


def test_a_question_about_a_picture_keeps_the_order_of_its_parts() -> None:
    parts = asked(Text("What is"), Media("image/png", "AA=="), Text("this?"))["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url", "text"]


CALLED = Message("assistant", (Text("Let me look."), ToolCall("c1", "look", {"at": "ü"}, '{"at": "ü"}')))


def test_a_conversation_with_tools_goes_back_as_it_was() -> None:
    results = Message("user", (ToolResult("c1", "a tree"), ToolResult("c2", "no", is_error=True), Text("Go on.")))
    messages = body(ModelRequest((said("user", "hi"), CALLED, results), model="m"), PLAIN)["messages"]
    function = {"name": "look", "arguments": '{"at": "ü"}'}
    assert messages[1:] == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [{"id": "c1", "type": "function", "function": function}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "a tree"},
        {"role": "tool", "tool_call_id": "c2", "content": "Error: no"},
        {"role": "user", "content": "Go on."},
    ]


def test_arguments_that_were_no_json_do_not_go_back_to_who_would_choke_on_them() -> None:
    broken = Message("assistant", (ToolCall("c1", "look", None, '{"at": '),))
    message = body(ModelRequest((broken,), model="m"), PLAIN)["messages"][0]
    assert (message["content"], message["tool_calls"][0]["function"]["arguments"]) == (None, "{}")


def test_a_name_that_no_tool_can_have_goes_back_as_one_that_servers_take() -> None:
    called = Message(
        "assistant", (ToolCall("c1", "git.show it", {}), ToolCall("c2", "", {}), ToolCall("c3", "x" * 99, {}))
    )
    calls = body(ModelRequest((called,), model="m"), PLAIN)["messages"][0]["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["git__show_it", "_", "x" * 64]


def goes_back(answer: Message, manner: Manner = PLAIN) -> dict[str, Any]:
    message: dict[str, Any] = body(ModelRequest((answer,)), manner)["messages"][0]
    return message


def test_thoughts_go_back_to_servers_that_told_them_and_to_no_other() -> None:
    message = replace(CALLED, parts=(Thinking("Hm.", FIELD), *CALLED.parts))
    assert goes_back(message)["reasoning_content"] == "Hm."
    assert set(goes_back(message, ORIGINAL)) == {"role", "content", "tool_calls"}
    for seal in ("EqQBCkgIAR", '{"id": "rs_1", "encrypted_content": "x"}', '{"field": "evil"}', "[1]"):
        sealed = replace(CALLED, parts=(Thinking("Hm.", seal), *CALLED.parts))
        assert set(goes_back(sealed)) == {"role", "content", "tool_calls"}


def test_a_thought_without_words_goes_back_too_where_its_field_was_there() -> None:
    answer = told(delta(reasoning_content="", tool_calls=[call(0, "a", "f")]), delta("tool_calls"))
    assert goes_back(answer.message)["reasoning_content"] == ""
    plain = told(delta(reasoning_content=None, content="ok"), delta("stop"))
    assert goes_back(plain.message) == {"role": "assistant", "content": "ok"}


def test_details_of_reasoning_come_in_bits_and_go_back_whole() -> None:
    def detail(**more: object) -> dict[str, Any]:
        return {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", **more}

    sealed = {"type": "reasoning.encrypted", "index": 1, "data": "Zm9v"}
    answer = told(
        delta(reasoning="Let me", reasoning_details=[detail(text="Let me")]),
        delta(reasoning=" see.", reasoning_details=[detail(text=" see.", signature=None)]),
        delta(reasoning_details=[detail(signature="c2ln"), sealed]),
        delta(content="ok"),
        delta("stop"),
    )
    assert goes_back(answer.message) == {
        "role": "assistant",
        "content": "ok",
        "reasoning": "Let me see.",
        "reasoning_details": [detail(text="Let me see.", signature="c2ln"), sealed],
    }


def test_what_a_server_adds_to_a_tool_call_goes_back_with_it() -> None:
    extra = {"google": {"thought_signature": "CpcH"}}
    bits = [{**call(None, "a", "f", "{}"), "extra_content": extra}, call(None, "b", "g", "{}")]
    answer = told(delta(tool_calls=bits), delta("stop"))
    first, second = goes_back(answer.message)["tool_calls"]
    assert (first["extra_content"], first["id"]) == (extra, "a")
    assert "extra_content" not in second
    at_once = whole(completion(content=None, tool_calls=bits))
    assert goes_back(at_once.message)["tool_calls"][0]["extra_content"] == extra


def test_what_was_kept_of_calls_that_are_gone_stays_away() -> None:
    kept = '{"extra_content": {"7": {"a": 1}, "x": 2}}'
    message = replace(CALLED, parts=(*CALLED.parts, Thinking("", kept)))
    assert goes_back(message) == goes_back(CALLED)


# ── streams ──


def test_words_add_up_to_an_answer() -> None:
    answer = told(delta(role="assistant", content=""), *(delta(content=word) for word in WORDS), delta("stop"), used())
    assert answer == ModelAnswer(said("assistant", TEXT), MODEL, "end", Usage(78, 9, None, 64, 0, 3))


def test_each_word_is_told_as_it_comes() -> None:
    reader = Reader(ASKED, "m")
    deltas = [*reader.event("", delta(reasoning_content="Hm")), *reader.event("", delta(content="Hi"))]
    assert [(one.voice, one.text) for one in deltas] == [("think", "Hm"), ("out", "Hi")]


def test_tool_calls_are_put_together_from_their_bits() -> None:
    answer = told(
        delta(role="assistant", content=None, tool_calls=[call(0, "a", "look")]),
        delta(tool_calls=[call(0, arguments='{"at":')]),
        delta(tool_calls=[call(1, "b", "touch")]),
        delta(tool_calls=[call(0, arguments=" 1}"), call(1, arguments="{}")]),
        delta("tool_calls"),
    )
    assert answer.stop == "tool_use"
    assert answer.message.calls == (ToolCall("a", "look", {"at": 1}, '{"at": 1}'), ToolCall("b", "touch", {}, "{}"))


@pytest.mark.parametrize(
    "bits",
    [
        [call(None, "a", "f", "{}"), call(None, "b", "g", "{}")],
        [call(0, "a", "f", "{}"), call(0, "b", "g", "{}")],
        [call(0, "a", "f"), call(0, arguments="{}"), call(0, "b", "g"), call(0, arguments="{}")],
        [call(None, "a", "f"), call(None, arguments="{}"), call(None, "b", "g", "{}")],
        [call(0, "a", "f", "{}"), call(0, "b", "g", {})],
        [call(0, "a", "f", "{}"), call(0, "a", "f", ""), call(1, "b", "g", "{}")],
    ],
    ids=["no index", "one index", "one index, in bits", "no index, in bits", "read already", "told twice"],
)
def test_parallel_calls_stay_apart_whatever_servers_number_them(bits: list[dict[str, Any]]) -> None:
    answer = told(*(delta(tool_calls=[bit]) for bit in bits), delta("tool_calls"))
    assert [(one.id, one.tool, one.arguments) for one in answer.message.calls] == [("a", "f", {}), ("b", "g", {})]


def test_calls_without_ids_get_some_that_the_conversation_does_not_have() -> None:
    answer = told(
        delta(tool_calls=[call(0, "", "f", '{"a":1}')]), delta(tool_calls=[call(0, "", "f", '{"a":2}')]), delta("stop")
    )
    assert [one.id for one in answer.message.calls] == ["call_1_0", "call_1_1"]
    assert [one.arguments for one in answer.message.calls] == [{"a": 1}, {"a": 2}]


def test_a_call_counts_although_the_server_says_stop() -> None:
    assert told(delta(content="ok", tool_calls=[call(0, "a", "f")]), delta("stop")).stop == "tool_use"


@pytest.mark.parametrize("arguments", ['{"a": ', "[1]", "no", '"text"', "[" * 100_000])
def test_arguments_that_are_no_object_are_kept_as_they_were_written(arguments: str) -> None:
    answer = told(delta(tool_calls=[call(0, "a", "f", arguments)]), delta("tool_calls"))
    assert answer.message.calls == (ToolCall("a", "f", None, arguments),)


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("stop", "end"),
        ("eos", "end"),
        ("STOP", "end"),
        ("length", "length"),
        ("content_filter", "filter"),
        ("tool_calls", "end"),
    ],
)
def test_an_answer_says_how_it_ended(reason: str, stop: Stop) -> None:
    assert told(delta(content="ok"), delta(reason)).stop == stop


def test_a_refusal_is_a_filter_s_whatever_the_server_calls_its_end() -> None:
    answer = told(delta(refusal="I cannot"), delta(refusal=" help."), delta("stop"))
    assert (answer.text, answer.stop) == ("I cannot help.", "filter")


def test_a_filter_may_leave_nothing() -> None:
    assert told(delta("content_filter")).text == ""


def test_thoughts_may_use_up_all_there_is() -> None:
    answer = told(delta(reasoning="Hm"), delta("length"))
    assert (answer.text, answer.message.thinking, answer.stop) == ("", "Hm", "length")


@pytest.mark.parametrize("reason", ["error", "abort", "network_error"])
def test_an_end_that_is_none_is_an_error(reason: str) -> None:
    with pytest.raises(UpstreamError, match="gave up") as caught:
        told(delta(content="Hal"), delta(reason))
    assert caught.value.failure.is_transient


def test_the_same_thought_under_two_names_counts_once() -> None:
    answer = told(delta(reasoning="Hm", reasoning_content="Hm"), delta(content="ok"), delta("stop"))
    assert answer.message.parts == (Thinking("Hm", FIELD), Text("ok"))


def test_thoughts_within_the_content_are_thoughts() -> None:
    thought = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]
    answer = told(delta(content=thought), delta(content=[{"type": "text", "text": "ok"}]), delta("stop"))
    assert answer.message.parts == (Thinking("Hm"), Text("ok"))


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": None},
        {"choices": []},
        {},
        {"choices": [None]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"content": None, "tool_calls": None}, "finish_reason": None}]},
        {"choices": [{"delta": {"content": 3, "tool_calls": [None, {"function": None}][:1]}}]},
        {"usage": 3},
    ],
)
def test_what_a_chunk_leaves_out_is_not_missed(odd: dict[str, Any]) -> None:
    assert told(odd, delta(content="ok"), odd, delta("stop"), odd).text == "ok"


# ── whole answers ──


def test_an_answer_may_come_at_once() -> None:
    assert whole(completion(content="Hi")) == ModelAnswer(said("assistant", "Hi"), MODEL, "end", usage_of(USAGE))


def test_a_whole_answer_needs_no_reason_for_its_end() -> None:
    answer = completion(content="Hi")
    answer["choices"][0]["finish_reason"] = None
    assert whole(answer).stop == "end"


def test_a_whole_answer_may_want_tools() -> None:
    calls = [{"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}]
    answer = whole(completion(content=None, tool_calls=calls))
    assert (answer.stop, answer.message.calls) == ("tool_use", (ToolCall("a", "f", {"x": 1}, '{"x": 1}'),))


@pytest.mark.parametrize("choices", [None, [], "x", [None]])
def test_an_answer_without_choices_is_unreadable(choices: object) -> None:
    with pytest.raises(UpstreamError, match="no choices") as caught:
        whole({**completion(content="x"), "choices": choices})
    assert (caught.value.failure.code, caught.value.failure.is_transient) == (Code.MALFORMED, True)


def nothing(make: Callable[[], ModelAnswer]) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        make()
    return caught.value


@pytest.mark.parametrize("empty", ["", None, "  \n", []])
def test_nothing_at_all_is_no_answer(empty: object) -> None:
    for error in (
        nothing(lambda: whole(completion(content=empty))),
        nothing(lambda: told(delta(content=empty), delta("stop"))),
        nothing(lambda: told(delta(reasoning="Hm"), delta(content=empty), delta("stop"))),
    ):
        assert (error.failure.code, error.failure.is_transient) == (Code.MALFORMED, True)


def test_a_stream_that_never_said_how_it_ended_is_no_answer() -> None:
    error = nothing(lambda: told(delta(content="Half")))
    assert (error.failure.code, error.failure.is_transient) == (Code.TRUNCATED, True)
    assert error.output == {"text": "Half"}
    assert nothing(lambda: told(used())).output is None


# ── usage ──


@pytest.mark.parametrize(
    ("told_", "usage"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2}, Usage(5, 2)),
        ({"prompt_tokens": 5, "completion_tokens": None, "total_tokens": None}, Usage(5, 0)),
        ({"prompt_tokens": -3, "completion_tokens": "7"}, Usage(0, 0)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(5, 2)),
        ({"prompt_tokens": 9, "completion_tokens": 2, "prompt_cache_hit_tokens": 4}, Usage(9, 2, cached_tokens=4)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "total_tokens": 17,
                "completion_tokens_details": {"reasoning_tokens": 10},
            },
            Usage(5, 12, reasoning_tokens=10),
        ),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 2,
                "cost": 0.003,
                "prompt_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 6},
            },
            Usage(9, 2, 0.003, 1, 6),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 2, "cost": {"total_cost": 1}}, Usage(9, 2)),
    ],
)
def test_usage_is_read_as_servers_tell_it(told_: dict[str, Any], usage: Usage) -> None:
    assert usage_of(told_) == usage


def test_usage_that_nobody_tells_is_estimated() -> None:
    answer = told(delta(content="x" * 40), delta("stop"))
    assert answer.usage == Usage(ASKED.tokens, 10)


def test_bodies_are_json() -> None:
    schema: MappingProxyType[str, Any] = MappingProxyType({"type": "object", "properties": MappingProxyType({})})
    written = asked(tools=(ToolSpec("f", "", schema),), schema=SCHEMA)
    assert json.loads(json.dumps(written, default=dict))["tools"][0]["function"]["parameters"]["type"] == "object"
