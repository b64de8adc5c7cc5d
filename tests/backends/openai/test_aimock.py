"""The backend against a server of the same APIs that others wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.backends.openai import OpenAIBackend, OpenAISettings
from orchestrator.core.errors import AttemptError, Code, UpstreamError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.model import Media, Message, ModelRequest, Text, ToolCall, ToolResult, ToolSpec, Usage, said
from orchestrator.core.ports import BackendServices
from tests.kinds.fakes import FakeChance, FakeClock, FakeContext
from tests.models.aimock import mocking

WEATHER = ToolSpec("get_weather", "Tells the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
COUNTED = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
ANSWER = "Cold in Oslo, warm in Rome – 12 °C."

FIXTURES: list[dict[str, Any]] = [
    {
        "match": {"userMessage": "weather", "hasToolResult": False},
        "response": {
            "toolCalls": [
                {"id": "call_a", "name": "get_weather", "arguments": {"city": "Oslo"}},
                {"id": "call_b", "name": "get_weather", "arguments": {"city": "Rome"}},
            ],
            "usage": COUNTED,
        },
    },
    {"match": {"userMessage": "weather", "hasToolResult": True}, "response": {"content": ANSWER}},
    {"match": {"userMessage": "think"}, "response": {"content": "42.", "reasoning": "Let me see."}},
    {"match": {"userMessage": "long"}, "response": {"content": "Half", "finishReason": "length"}},
    {"match": {"userMessage": "see"}, "response": {"content": "A cat."}},
    {"match": {"userMessage": "form"}, "response": {"content": '{"name": "Ann"}'}},
    {
        "match": {"userMessage": "busy"},
        "response": {"error": {"message": "Rate limit reached", "type": "rate_limit_error"}, "status": 429},
    },
    {
        "match": {"userMessage": "key"},
        "response": {"error": {"message": "Incorrect API key", "type": "invalid_request_error"}, "status": 401},
    },
    {
        "match": {"userMessage": "broken"},
        "response": {"content": "This breaks off in the middle of it."},
        "truncateAfterChunks": 3,
    },
]

WAYS = [
    pytest.param({"api": "chat"}, id="chat"),
    pytest.param({"api": "chat", "stream": False}, id="chat, at once"),
    pytest.param({"api": "responses"}, id="responses"),
    pytest.param({"api": "responses", "stream": False}, id="responses, at once"),
]


@asynccontextmanager
async def talking(folder: Path, own: dict[str, Any], *options: str) -> AsyncIterator[OpenAIBackend]:
    async with mocking(folder, FIXTURES, *options) as address:
        spec = BackendSpec("mock", "openai", OpenAISettings("gpt-4o", f"{address}/v1", **own))
        one = OpenAIBackend(spec, BackendServices(FakeClock(), FakeChance(), "sk-x"))
        try:
            yield one
        finally:
            await one.aclose()


async def failure(one: OpenAIBackend, prompt: str) -> AttemptError:
    with pytest.raises(AttemptError) as caught:
        await one.complete(ModelRequest((said("user", prompt),)), FakeContext())
    return caught.value


@pytest.mark.parametrize("own", WAYS)
async def test_a_conversation_with_tools_goes_all_the_way(tmp_path: Path, own: dict[str, Any]) -> None:
    async with talking(tmp_path, own) as one:
        asked = ModelRequest(
            (said("user", "How is the weather?"),), system="Be brief.", tools=(WEATHER,), max_tokens=50
        )
        first = await one.complete(asked, FakeContext())
        assert first.stop == "tool_use"
        assert first.message.calls == (
            ToolCall("call_a", "get_weather", {"city": "Oslo"}, '{"city":"Oslo"}'),
            ToolCall("call_b", "get_weather", {"city": "Rome"}, '{"city":"Rome"}'),
        )
        assert first.usage == Usage(11, 7)
        results = Message("user", (ToolResult("call_a", "3 °C"), ToolResult("call_b", "no wind", is_error=True)))
        context = FakeContext()
        request = ModelRequest((*asked.messages, first.message, results), tools=(WEATHER,))
        last = await one.complete(request, context)
    assert (last.text, last.stop) == (ANSWER, "end")
    if own.get("stream", True):
        assert context.text("out") == ANSWER


@pytest.mark.parametrize("own", WAYS)
async def test_what_else_an_answer_can_be(tmp_path: Path, own: dict[str, Any]) -> None:
    async with talking(tmp_path, own) as one:
        long = await one.complete(ModelRequest((said("user", "long"),)), FakeContext())
        assert (long.text, long.stop) == ("Half", "length")
        picture = Message("user", (Text("see this"), Media("image/png", "iVBORw0KGgo=")))
        assert (await one.complete(ModelRequest((picture,)), FakeContext())).text == "A cat."
        form: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}}
        formed = await one.complete(ModelRequest((said("user", "form"),), schema=form), FakeContext())
        assert formed.text == '{"name": "Ann"}'
        busy = (await failure(one, "busy")).failure
        assert (busy.status, busy.is_transient, busy.retry_after) == (429, True, 1.0)
        key = (await failure(one, "key")).failure
        assert (key.status, key.is_transient) == (401, False)
        assert (await failure(one, "nobody has a fixture for this")).failure.status is not None


@pytest.mark.parametrize("own", WAYS)
async def test_thoughts_are_told_apart_from_what_is_said(tmp_path: Path, own: dict[str, Any]) -> None:
    context = FakeContext()
    async with talking(tmp_path, own) as one:
        answer = await one.complete(ModelRequest((said("user", "think"),), model="o3-mini"), context)
    assert (answer.text, answer.message.thinking) == ("42.", "Let me see.")
    if own.get("stream", True):
        assert (context.text("out"), context.text("think")) == ("42.", "Let me see.")


@pytest.mark.parametrize("own", [WAYS[0], WAYS[2]])
async def test_a_stream_that_breaks_off_is_no_answer(tmp_path: Path, own: dict[str, Any]) -> None:
    async with talking(tmp_path, own) as one:
        error = await failure(one, "broken")
    assert (error.failure.code, error.failure.is_transient) == (Code.CONNECTION, True)


async def test_the_models_are_listed(tmp_path: Path) -> None:
    async with talking(tmp_path, {}) as one:
        assert (await one.check(["gpt-4o"])).endswith(" models")
        with pytest.raises(UpstreamError, match="there is no model 'gpt-99'"):
            await one.check(["gpt-99"])


@pytest.mark.parametrize(
    ("chaos", "code"),
    [
        ("--chaos-drop", Code.HTTP_STATUS),
        ("--chaos-malformed", Code.MALFORMED),
        ("--chaos-disconnect", Code.CONNECTION),
        ("--chaos-ratelimit", Code.HTTP_STATUS),
    ],
)
async def test_chaos_is_worth_another_try(tmp_path: Path, chaos: str, code: Code) -> None:
    async with talking(tmp_path, {}, chaos, "1") as one:
        error = (await failure(one, "long")).failure
    assert (error.code, error.is_transient) == (code, True)
