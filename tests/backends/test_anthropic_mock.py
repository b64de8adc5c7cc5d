"""The anthropic backend against a mock of the API that somebody else wrote."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.backends.anthropic import AnthropicBackend, AnthropicSettings
from orchestrator.core.errors import UpstreamError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.model import Message, ModelRequest, Thinking, ToolResult, ToolSpec, said
from orchestrator.core.ports import BackendServices
from tests.kinds.fakes import FakeChance, FakeClock, FakeContext
from tests.models.aimock import mocking

FIXTURES: list[dict[str, Any]] = [
    {"match": {"userMessage": "hello"}, "response": {"content": "Hi there, how are you today?"}},
    {"match": {"userMessage": "ponder"}, "response": {"content": "42", "reasoning": "Let me see."}},
    {
        "match": {"userMessage": "weather", "hasToolResult": False},
        "response": {
            "blocks": [
                {"type": "text", "text": "Looking."},
                {"type": "toolCall", "name": "get_weather", "arguments": {"city": "Bern"}},
                {"type": "toolCall", "name": "get_weather", "arguments": {"city": "Basel"}},
            ]
        },
    },
    {"match": {"userMessage": "weather", "hasToolResult": True}, "response": {"content": "Rain in both."}},
    {
        "match": {"userMessage": "busy"},
        "response": {"error": {"message": "Overloaded", "type": "overloaded_error"}, "status": 529},
    },
    {"match": {"userMessage": "form"}, "response": {"toolCalls": [{"name": "give_answer", "arguments": {"n": 1}}]}},
]
WEATHER = ToolSpec("get_weather", "Tells the weather.", {"type": "object", "properties": {"city": {"type": "string"}}})


@asynccontextmanager
async def backend(folder: Path, *, stream: bool = True) -> AsyncIterator[AnthropicBackend]:
    async with mocking(folder, FIXTURES) as address:
        settings = AnthropicSettings("claude-sonnet-4-5", base_url=address, stream=stream, schema_mode="tool")
        services = BackendServices(FakeClock(), FakeChance(), "sk-test")
        made = AnthropicBackend(BackendSpec("mock", "anthropic", settings), services)
        try:
            yield made
        finally:
            await made.aclose()


def prompt(text: str) -> ModelRequest:
    return ModelRequest((said("user", text),), system="Be brief.", max_tokens=100, tools=(WEATHER,))


@pytest.mark.parametrize("stream", [True, False])
async def test_it_answers_thinks_and_uses_tools_streamed_and_at_once(tmp_path: Path, *, stream: bool) -> None:
    async with backend(tmp_path, stream=stream) as model:
        context = FakeContext()
        answer = await model.complete(prompt("hello"), context)
        assert (answer.text, answer.stop) == ("Hi there, how are you today?", "end")
        assert answer.usage.input_tokens > 0
        assert context.text("out") == (answer.text if stream else "")

        answer = await model.complete(prompt("ponder"), FakeContext())
        thought, _ = answer.message.parts
        assert isinstance(thought, Thinking)
        assert (thought.text, bool(thought.seal), answer.text) == ("Let me see.", True, "42")

        request = prompt("weather")
        answer = await model.complete(request, FakeContext())
        assert (answer.text, answer.stop) == ("Looking.", "tool_use")
        assert [call.arguments for call in answer.message.calls] == [{"city": "Bern"}, {"city": "Basel"}]
        results = Message("user", tuple(ToolResult(call.id, "rain") for call in answer.message.calls))
        told = ModelRequest((*request.messages, answer.message, results), tools=(WEATHER,))
        assert (await model.complete(told, FakeContext())).text == "Rain in both."


async def test_an_answer_with_a_form_comes_by_the_answer_tool_and_a_busy_server_may_be_asked_again(
    tmp_path: Path,
) -> None:
    async with backend(tmp_path) as model:
        request = ModelRequest((said("user", "form"),), schema={"type": "object"})
        answer = await model.complete(request, FakeContext())
        assert (answer.text, answer.stop) == ('{"n":1}', "end")

        with pytest.raises(UpstreamError) as caught:
            await model.complete(prompt("busy"), FakeContext())
        assert (caught.value.failure.status, caught.value.failure.is_transient) == (529, True)
