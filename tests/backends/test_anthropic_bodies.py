"""What is posted to the messages API is what it takes: conversations, tools, files, and nothing that it refuses."""

import base64
from typing import Any

import pytest

from orchestrator.backends.anthropic.bodies import Manner, body, seal
from orchestrator.backends.anthropic.schemas import Form
from orchestrator.core.errors import InputError
from orchestrator.core.model import (
    Media,
    Message,
    ModelRequest,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    ToolSpec,
    said,
)

HELLO = (said("user", "Hello"),)
LOOK = ToolSpec("look", "Looks.", {"type": "object", "properties": {"city": {"type": "string"}}})


def asked(*messages: Message, manner: Manner | None = None, form: Form | None = None, **given: Any) -> dict[str, Any]:  # noqa: ANN401 - any field
    request = ModelRequest(messages or HELLO, **given)
    return body(request, "claude", 1_000, manner or Manner(), form or Form())


def turns(*messages: Message) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = asked(*messages)["messages"]
    return found


def blocks(*parts: Part) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = turns(Message("user", parts))[0]["content"]
    return found


# ── the least and the most ──────────────────────────────────────────────────────────────────────


def test_the_least_that_is_asked_is_a_model_a_limit_and_a_message() -> None:
    assert asked(manner=Manner(streams=False)) == {
        "model": "claude",
        "max_tokens": 1_000,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    }


def test_everything_that_is_asked_for_has_its_field() -> None:
    manner = Manner(streams=True, effort="low", extra={"service_tier": "auto", "top_p": 0.5})
    whole = asked(
        manner=manner,
        system="Be brief.",
        temperature=0.2,
        top_p=0.9,
        stop=("END", "  "),
        tools=(LOOK,),
        extra={"service_tier": "standard_only", "temperature": None},
    )
    assert whole["system"] == "Be brief."
    assert whole["stop_sequences"] == ["END"]
    assert whole["output_config"] == {"effort": "low"}
    assert whole["stream"] is True
    assert whole["tools"] == [{"name": "look", "description": "Looks.", "input_schema": LOOK.schema}]
    assert (whole["service_tier"], whole["top_p"]) == ("standard_only", 0.5)
    assert not {"temperature", "tool_choice", "thinking"} & whole.keys()


@pytest.mark.parametrize("thinking", [2_000, True])
def test_of_a_model_that_thinks_no_sampling_is_asked_that_it_would_refuse(*, thinking: int | bool) -> None:
    manner = Manner(thinking=thinking)
    whole = body(ModelRequest(HELLO, temperature=0.2, top_p=0.9), "claude", 4_000, manner)
    assert not {"temperature", "top_p"} & whole.keys()
    whole = body(ModelRequest(HELLO, temperature=1.0, top_p=0.95), "claude", 4_000, manner)
    assert (whole["temperature"], whole["top_p"]) == (1.0, 0.95)


def test_a_schema_of_arguments_is_an_object_without_alternatives_at_its_top() -> None:
    odd = ToolSpec("odd", "", {"anyOf": [{"required": ["a"]}], "properties": {"a": {}}})
    assert asked(tools=(odd,))["tools"][0]["input_schema"] == {"type": "object", "properties": {"a": {}}}


def test_tools_that_were_used_are_told_of_where_none_may_be_used_any_more() -> None:
    used = (
        Message("assistant", (ToolCall("a", "look", {}), ToolCall("b", "look", {}), ToolCall("c", "git.show", {}))),
    )
    whole = asked(*HELLO, *used, Message("user", (ToolResult("a", "one"),)))
    assert [tool["name"] for tool in whole["tools"]] == ["look", "git__show"]
    assert whole["tools"][0]["input_schema"] == {"type": "object"}
    assert whole["tool_choice"] == {"type": "none"}
    assert "tool_choice" not in asked(*HELLO, *used, tools=(LOOK,))


# ── conversations ───────────────────────────────────────────────────────────────────────────────


def test_results_come_first_and_together_whoever_told_them() -> None:
    conversation = turns(
        said("user", "Look at both"),
        Message("assistant", (ToolCall("a", "look", {"n": 1}), ToolCall("b", "look", {"n": 2}))),
        Message("user", (ToolResult("a", "one"), Text("And be quick."))),
        Message("user", (ToolResult("b", "", is_error=True),)),
    )
    assert [turn["role"] for turn in conversation] == ["user", "assistant", "user"]
    assert conversation[1]["content"] == [
        {"type": "tool_use", "id": "a", "name": "look", "input": {"n": 1}},
        {"type": "tool_use", "id": "b", "name": "look", "input": {"n": 2}},
    ]
    assert conversation[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "one"},
        {"type": "tool_result", "tool_use_id": "b", "content": "error", "is_error": True},
        {"type": "text", "text": "And be quick."},
    ]


def test_thoughts_are_given_back_as_they_were_sealed_and_those_of_others_not_at_all() -> None:
    thoughts = (
        Thinking("Hm.", seal(type="thinking", signature="Ev+/=")),
        Thinking("", seal(type="redacted_thinking", data="Em==")),
        Thinking("A thought of another model"),
        Thinking("One of another API", '{"type": "reasoning", "encrypted_content": "x"}'),
        Thinking("One that was cut", '{"type": "thinking"'),
        Text("So."),
    )
    assert turns(*HELLO, Message("assistant", thoughts), *HELLO)[1]["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "Ev+/="},
        {"type": "redacted_thinking", "data": "Em=="},
        {"type": "text", "text": "So."},
    ]


def test_arguments_that_were_no_json_are_given_back_as_they_were_written() -> None:
    call = ToolCall("a", "look", None, '{"city": "Z')
    assert turns(*HELLO, Message("assistant", (call,)))[1]["content"][0]["input"] == {"INVALID_JSON": '{"city": "Z'}


def test_a_name_that_no_tool_can_have_is_given_back_as_one_that_the_api_takes() -> None:
    call = ToolCall("a", "functions.look at", {})
    assert turns(*HELLO, Message("assistant", (call,)))[1]["content"][0]["name"] == "functions__look_at"


def test_ids_of_another_api_fit_and_still_belong_together() -> None:
    call, result = ToolCall("call.1|x", "look", {}), ToolResult("call.1|x", "")
    _, assistant, user = turns(*HELLO, Message("assistant", (call,)), Message("user", (result,)))
    assert assistant["content"][0]["id"] == user["content"][0]["tool_use_id"] == "call_1_x"


def test_what_says_nothing_is_left_out() -> None:
    assert turns(Message("user", (Text("  \n"), Text("Hi"))), Message("assistant", (Text(""),))) == [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]}
    ]
    assert "system" not in asked(system=" ")


def test_an_answer_to_be_continued_does_not_end_in_white_space() -> None:
    assert turns(*HELLO, said("assistant", "The answer is: \n"))[1]["content"][0]["text"] == "The answer is:"


# ── files ───────────────────────────────────────────────────────────────────────────────────────


def test_images_documents_and_texts_are_sent_as_what_they_are() -> None:
    plain = base64.b64encode("Grüße".encode()).decode()
    assert blocks(
        Media("image/png", "iVBO"), Media("application/pdf", "JVBE", "a.pdf"), Media("text/csv; charset=utf-8", plain)
    ) == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
            "title": "a.pdf",
        },
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}},
    ]


@pytest.mark.parametrize("media", [Media("audio/wav", "UklG", "a.wav"), Media("text/plain", "abc", "a.txt")])
def test_a_file_that_cannot_be_sent_is_refused_by_name(media: Media) -> None:
    with pytest.raises(InputError, match=media.name):
        blocks(media)


# ── thinking, caching, forms ────────────────────────────────────────────────────────────────────


def test_thinking_has_a_budget_or_is_the_models_own_choice() -> None:
    assert "thinking" not in asked()
    assert body(ModelRequest(HELLO), "claude", 8_000, Manner(thinking=2_000))["thinking"] == {
        "type": "enabled",
        "budget_tokens": 2_000,
    }
    assert asked(manner=Manner(thinking=True))["thinking"]["type"] == "adaptive"


def test_thinking_that_leaves_nothing_for_the_answer_is_refused_with_advice() -> None:
    with pytest.raises(InputError, match=r"1,000 are allowed") as caught:
        asked(manner=Manner(thinking=1_024))
    assert "max_tokens" in str(caught.value.failure.hint)


def test_what_stays_the_same_is_cached() -> None:
    whole = asked(
        said("user", "one"), said("assistant", "two"), said("user", "three"),
        manner=Manner(caches=True), system="Be brief.", tools=(LOOK, LOOK),
    )  # fmt: skip
    marked = {"cache_control": {"type": "ephemeral"}}
    assert whole["system"] == [{"type": "text", "text": "Be brief.", **marked}]
    assert [tool.keys() & marked.keys() for tool in whole["tools"]] == [set(), {"cache_control"}]
    assert [turn["content"][-1].keys() & marked.keys() for turn in whole["messages"]] == [
        set(),
        set(),
        {"cache_control"},
    ]


def test_a_form_is_asked_for_in_the_apis_own_way() -> None:
    form = Form(format={"type": "json_schema", "schema": {}})
    assert asked(form=form, manner=Manner(effort="high"))["output_config"] == {
        "format": {"type": "json_schema", "schema": {}},
        "effort": "high",
    }


def test_an_answer_tool_is_forced_where_nothing_else_is_to_do_and_nobody_thinks() -> None:
    form = Form(tool="give_answer")
    answer = ToolSpec("give_answer", "", {"type": "object"})
    assert asked(form=form, tools=(answer,))["tool_choice"] == {"type": "tool", "name": "give_answer"}
    assert "tool_choice" not in asked(form=form, tools=(LOOK, answer))
    assert "tool_choice" not in asked(form=form, tools=(answer,), manner=Manner(thinking=True))
