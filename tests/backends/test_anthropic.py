"""The anthropic backend against what servers really send, byte for byte."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from orchestrator.backends.anthropic import AnthropicBackend, AnthropicSettings
from orchestrator.core.errors import AttemptError, Code, Failure
from orchestrator.core.flow import BackendSpec, Json, Price
from orchestrator.core.model import (
    Allowance,
    Message,
    ModelAnswer,
    ModelRequest,
    ToolResult,
    ToolSpec,
    Usage,
    said,
)
from orchestrator.core.ports import BackendServices, Checkable, ModelBackend
from orchestrator.models.prompting import PromptSettings
from tests.backends import anthropic_wire as wire
from tests.kinds.fakes import FakeChance, FakeClock, FakeContext
from tests.models.playback import Act, Player, Reply, begun, named, playing, stream, whole

KEY = "sk-ant-planted"
HELLO = ModelRequest((said("user", "Hello"),), max_tokens=1_000)
MODEL = "claude-sonnet-4-5"


def declared(url: str, *, price: Price | None = None, max_tokens: int | None = None, **own: Any) -> BackendSpec:  # noqa: ANN401 - any setting
    settings = AnthropicSettings(**{"model": MODEL, "base_url": url, **own})
    return BackendSpec("writer", "anthropic", settings, price=price, max_tokens=max_tokens)


@asynccontextmanager
async def backend(*replies: Reply, **own: Any) -> AsyncIterator[tuple[AnthropicBackend, Player]]:  # noqa: ANN401 - any setting
    async with playing(*replies) as player:
        made = AnthropicBackend(declared(player.url, **own), BackendServices(FakeClock(), FakeChance(), KEY))
        try:
            yield made, player
        finally:
            await made.aclose()


async def failure(*replies: Reply, **own: Any) -> tuple[AttemptError, FakeContext]:  # noqa: ANN401 - any setting
    async with backend(*replies, **own) as (model, _):
        context = FakeContext()
        with pytest.raises(AttemptError) as caught:
            await model.complete(HELLO, context)
        assert KEY not in repr((caught.value.failure, caught.value.output))
        return caught.value, context


async def answered(
    *replies: Reply,
    request: ModelRequest = HELLO,
    **own: Any,  # noqa: ANN401 - any setting
) -> tuple[ModelAnswer, FakeContext, Player]:
    async with backend(*replies, **own) as (model, player):
        context = FakeContext()
        return await model.complete(request, context), context, player


# ── asking ──────────────────────────────────────────────────────────────────────────────────────


async def test_the_key_goes_in_its_own_header_to_the_messages() -> None:
    _, _, player = await answered(stream(named(*wire.HELLO)))
    (asked,) = player.asked
    assert (asked.method, asked.path) == ("POST", "/v1/messages")
    assert asked.headers["x-api-key"] == KEY
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in asked.headers
    assert (asked.body["model"], asked.body["max_tokens"], asked.body["stream"]) == (MODEL, 1_000, True)


async def test_many_calls_share_their_connections() -> None:
    async with backend(stream(named(*wire.HELLO))) as (model, player):
        for _ in range(5):
            await model.complete(HELLO, FakeContext())
        assert (len(player.asked), player.connections) == (5, 1)


async def test_a_conversation_with_tools_goes_on_where_it_stopped() -> None:
    look = ToolSpec("get_weather", "Tells the weather.", {"type": "object"})
    first = ModelRequest(HELLO.messages, tools=(look,))
    async with backend(stream(named(*wire.WORK)), whole(wire.message({"type": "text", "text": "Rain."}))) as (
        model,
        player,
    ):
        answer = await model.complete(first, FakeContext())
        results = tuple(ToolResult(call.id, "rain") for call in answer.message.calls)
        told = (*first.messages, answer.message, Message("user", results))
        last = await model.complete(ModelRequest(told, tools=(look,)), FakeContext())
    assert last.text == "Rain."
    _, assistant, user = player.asked[1].body["messages"]
    assert [block["type"] for block in assistant["content"]] == [
        "thinking", "redacted_thinking", "text", "tool_use", "tool_use",
    ]  # fmt: skip
    assert assistant["content"][0]["signature"] == wire.SIGNATURE
    assert [block["tool_use_id"] for block in user["content"]] == ["toolu_01", "toolu_02"]


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("cuts", [(), (1, 2, 3), tuple(range(1, 4_000)), (977, 978)])
async def test_an_answer_streams_however_it_is_cut(cuts: tuple[int, ...]) -> None:
    answer, context, _ = await answered(stream(wire.stream(wire.WORK), *cuts))
    assert answer.text == context.text("out") == "Okay, checking."
    assert context.text("think") == answer.message.thinking == "Two cities, two calls."
    assert [call.arguments for call in answer.message.calls] == [{"city": "Zürich"}, {"city": "Kyōto"}]
    assert context.progressed
    assert answer.usage == Usage(2_572, 89, cached_tokens=2_000, stored_tokens=100, reasoning_tokens=30)


@pytest.mark.parametrize("streams", [True, False])
async def test_an_answer_at_once_is_taken_whether_asked_for_or_not(*, streams: bool) -> None:
    answer, _, player = await answered(whole(wire.message({"type": "text", "text": "Hello!"})), stream=streams)
    assert (answer.text, answer.stop, answer.usage[:2]) == ("Hello!", "end", (25, 15))
    assert player.asked[0].body.get("stream", False) is streams


async def test_a_form_is_kept_by_the_apis_own_means_or_by_a_tool() -> None:
    schema: Json = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert isinstance(schema, dict)
    request = ModelRequest(HELLO.messages, schema=schema)
    called = [wire.started(), *wire.call(0, "give_answer", '{"n": 1}'), wire.ended("tool_use"), wire.OVER]
    answer, context, player = await answered(stream(named(*called)), request=request, schema_mode="tool")
    assert answer.text == context.text("out") == '{"n": 1}'
    assert answer.stop == "end"
    assert player.asked[0].body["tool_choice"] == {"type": "tool", "name": "give_answer"}
    said_so = [wire.started(), *wire.text(0, '{"n": 1}'), wire.ended("end_turn"), wire.OVER]
    answer, _, player = await answered(stream(named(*said_so)), request=request)
    assert answer.text == '{"n": 1}'
    assert player.asked[0].body["output_config"]["format"]["schema"]["additionalProperties"] is False


async def test_what_is_left_of_the_limits_is_told() -> None:
    headers = (
        "anthropic-ratelimit-requests-limit: 50\r\nanthropic-ratelimit-requests-remaining: 49\r\n"
        "anthropic-ratelimit-requests-reset: 2026-01-01T00:00:30Z\r\n"
    )
    _, context, _ = await answered(stream(named(*wire.HELLO), headers=headers))
    assert context.allowances == [Allowance("requests", 50, 49, 30.0)]


async def test_a_refusal_is_an_answer_that_was_held_back() -> None:
    answer, _, _ = await answered(
        stream(named(wire.started(), *wire.text(0, "I can"), wire.ended("refusal"), wire.OVER))
    )
    assert (answer.text, answer.stop) == ("I can", "filter")


# ── errors ──────────────────────────────────────────────────────────────────────────────────────


def error(kind: str, message: str, status: int = 200, headers: str = "") -> Reply:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_01"}
    return whole(body, f"{status} ", headers)


def is_transient(failure: Failure) -> bool:
    return failure.is_transient


def is_permanent(failure: Failure) -> bool:
    return not failure.is_transient


REGAIN = "You have reached your specified API usage limits. You will regain access on 2026-01-02 at 00:00 UTC."
TOO_LOW = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing."
TOO_FAST = "Number of request tokens has exceeded your per-minute rate limit"
USED_UP = "anthropic-ratelimit-unified-status: rejected\r\nanthropic-ratelimit-unified-reset: 1767229200\r\n"


@pytest.mark.parametrize(
    ("reply", "judged", "code", "retry_after"),
    [
        (error("overloaded_error", "Overloaded", 529), is_transient, Code.HTTP_STATUS, None),
        (error("overloaded_error", "Overloaded"), is_transient, Code.HTTP_STATUS, None),
        (error("api_error", "Internal server error", 500), is_transient, Code.HTTP_STATUS, None),
        (error("rate_limit_error", TOO_FAST, 429, "retry-after: 12\r\n"), is_transient, Code.HTTP_STATUS, 12.0),
        (error("rate_limit_error", "This would exceed it.", 429, USED_UP), is_transient, Code.QUOTA, 3_600.0),
        (error("invalid_request_error", REGAIN, 400), is_transient, Code.QUOTA, 86_400.0),
        (error("invalid_request_error", TOO_LOW, 400), is_transient, Code.QUOTA, None),
        (error("invalid_request_error", "prompt is too long: 2 > 1", 400), is_permanent, Code.CONTEXT_LENGTH, None),
        (error("authentication_error", f"invalid x-api-key {KEY}", 401), is_permanent, Code.HTTP_STATUS, None),
        (error("not_found_error", "model: claude-none", 404), is_permanent, Code.HTTP_STATUS, None),
        (error("request_too_large", "Request is too large", 413), is_permanent, Code.TOO_LARGE, None),
        (whole("<title>502</title>", "502 ", content_type="text/html"), is_transient, Code.HTTP_STATUS, None),
        (whole('{"content": ['), is_transient, Code.MALFORMED, None),
        (whole({"type": "message"}), is_transient, Code.MALFORMED, None),
        ([Act.RESET], is_transient, Code.CONNECTION, None),
    ],
)
async def test_an_error_is_told_for_what_it_is(
    reply: Reply, judged: Callable[[Failure], bool], code: Code, retry_after: float | None
) -> None:
    raised, _ = await failure(reply)
    assert judged(raised.failure)
    assert (raised.failure.code, raised.failure.retry_after) == (code, retry_after)


async def test_an_error_in_the_middle_of_a_stream_is_no_answer_and_what_was_used_is_told() -> None:
    events = [wire.started(input_tokens=400), *wire.text(0, "x" * 400), wire.OVERLOADED]
    raised, context = await failure(stream(named(*events)))
    assert (raised.failure.status, raised.failure.is_transient) == (529, True)
    assert [usage[:2] for usage in context.usages] == [(400, 100)]
    assert context.text("out") == "x" * 400


@pytest.mark.parametrize(
    "reply",
    [
        stream(named(*wire.HELLO[:-2])),
        stream(named(wire.started(), *wire.text(0, "Hello"))),
        [begun(named(wire.started(), *wire.text(0, "Hello"))), Act.CLOSE],
        [begun(named(wire.started(), *wire.text(0, "Hello"))), Act.RESET],
    ],
)
async def test_a_stream_that_breaks_off_is_no_answer_and_its_words_are_kept(reply: Reply) -> None:
    raised, context = await failure(reply)
    assert raised.failure.is_transient
    assert context.text("out").startswith("Hello")


async def test_what_breaks_off_after_the_end_was_said_is_an_answer() -> None:
    answer, _, _ = await answered([begun(named(*wire.HELLO[:-1])), Act.RESET])
    assert answer.text == "Hello!"


async def test_a_usage_limit_that_comes_as_an_answer_is_none() -> None:
    notice = "Claude AI usage limit reached|1767229200"
    raised, _ = await failure(stream(named(wire.started(), *wire.text(0, notice), wire.ended("end_turn"), wire.OVER)))
    assert (raised.failure.code, raised.failure.retry_after) == (Code.QUOTA, 3_600.0)


# ── what it knows of itself ─────────────────────────────────────────────────────────────────────


def made(url: str = "https://api.anthropic.com", **own: Any) -> AnthropicBackend:  # noqa: ANN401 - any setting
    return AnthropicBackend(declared(url, **own), BackendServices(FakeClock(), FakeChance()))


def test_it_is_a_model_that_can_be_checked() -> None:
    model = made()
    assert isinstance(model, ModelBackend)
    assert isinstance(model, Checkable)


def test_it_counts_what_it_sends() -> None:
    assert made().count(HELLO) == (2, 1_000, MODEL)
    request = ModelRequest(HELLO.messages, model="claude-opus-4-5")
    assert made(max_tokens=7).count(request) == (2, 7, "claude-opus-4-5")
    assert made().count(request).output_tokens == 4_096


def test_its_price_is_the_declared_one_or_that_of_the_list() -> None:
    assert made().price(None) == Price(3.0, 15.0, 0.3, 3.75)
    assert made().price("claude-opus-4-5") == Price(5.0, 25.0, 0.5, 6.25)
    assert made(price=Price(1, 2)).price(None) == Price(1, 2)
    assert made().price("nobody") is None
    assert made("http://127.0.0.1:8080").price(None) is None
    assert made().window(None) == 200_000


async def test_what_an_answer_cost_is_told_unless_the_flow_declares_a_price() -> None:
    reply = whole(wire.message({"type": "text", "text": "Hello!"}))
    answer, _, _ = await answered(reply)
    assert answer.usage.cost_usd is None  # a server of one's own has no price in any list
    answer, _, _ = await answered(reply, price=Price(1, 2))
    assert answer.usage.cost_usd is None


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"base_url": "api.anthropic.com"}, "http"),
        ({"thinking": 500}, "1,024"),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_advice(own: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AnthropicSettings(model=MODEL, **own)


@pytest.mark.parametrize(
    ("thinking", "asked", "key"),
    [
        (2_000, {"temperature": 0.2}, "temperature"),
        (True, {"temperature": 0}, "temperature"),
        (True, {"top_p": 0.9}, "top_p"),
        (2_000, {"temperature": 1, "top_p": 0.95}, None),
        (2_000, {"temperature": "{{ inputs.warm }}"}, None),
        (False, {"temperature": 0.2, "top_p": 0.5}, None),
    ],
)
def test_sampling_that_thinking_forbids_is_refused_beforehand(
    thinking: int | bool,  # noqa: FBT001 - a case
    asked: dict[str, Any],
    key: str | None,
) -> None:
    refused = AnthropicBackend.refuses(AnthropicSettings(model=MODEL, thinking=thinking), PromptSettings("x", **asked))
    assert (refused and refused[0]) == key


# ── checking ────────────────────────────────────────────────────────────────────────────────────

LISTED = whole({"data": [{"id": f"{MODEL}-20250929"}, {"id": "claude-opus-4-5"}], "has_more": False})


async def test_a_check_lists_models_and_spends_nothing() -> None:
    async with backend(LISTED, model="claude-opus-4-5") as (model, player):
        assert await model.check() == "2 models"
    assert [(asked.method, asked.path) for asked in player.asked] == [("GET", "/v1/models?limit=1000")]


async def test_a_check_that_finds_one_model_says_so() -> None:
    async with backend(whole({"data": [{"id": "claude-opus-4-5"}]}), model="claude-opus-4-5") as (model, _):
        assert await model.check() == "1 model"


async def test_a_model_may_be_known_by_another_name() -> None:
    async with backend(LISTED, whole({"type": "model", "id": f"{MODEL}-20250929"})) as (model, player):
        assert await model.check(["claude-opus-4-5"]) == "2 models"
    assert player.asked[1].path == f"/v1/models/{MODEL}"


async def test_a_model_that_is_not_there_is_named() -> None:
    missing = error("not_found_error", "model: a/b", 404)
    async with backend(LISTED, missing, model="claude-opus-4-5") as (model, player):
        with pytest.raises(AttemptError, match="no model 'a/b'"):
            await model.check(["a/b"])
    assert player.asked[1].path == "/v1/models/a%2Fb"


async def test_a_server_without_a_list_is_there_all_the_same() -> None:
    async with backend(whole({"detail": "Not Found"}, "404 ")) as (model, _):
        assert await model.check() == "it answers, and lists no models"


async def test_a_bad_key_is_found_out() -> None:
    async with backend(error("authentication_error", "invalid x-api-key", 401)) as (model, _):
        with pytest.raises(AttemptError) as caught:
            await model.check()
    assert not caught.value.failure.is_transient
