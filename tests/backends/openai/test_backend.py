"""A backend that speaks OpenAI's APIs, against what real servers put on the wire."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.backends.openai import OpenAIBackend, OpenAISettings
from orchestrator.core.errors import AttemptError, Code, InputError, UpstreamError
from orchestrator.core.flow import BackendSpec, NetTimeouts, Price, SecretSource
from orchestrator.core.model import Allowance, ModelAnswer, ModelRequest, Text, Thinking, ToolCall, Usage, said
from orchestrator.core.ports import BackendServices, Checkable, Context, Estimate, ModelBackend
from tests.backends.openai.shapes import CALLS, CHAT, MODEL, RESPONSES, TEXT, WORDS, call, completion, delta, used
from tests.kinds.fakes import FakeChance, FakeClock, FakeContext
from tests.models.playback import Act, Player, Reply, begun, chunk, playing, sse, stream, whole

KEY = "sk-very-secret-key"
HELLO = ModelRequest((said("user", "What is the capital of the UK?"),))


def backend(
    base_url: str = "http://127.0.0.1:9/v1", *, own: dict[str, Any] | None = None, **spec: object
) -> OpenAIBackend:
    given = OpenAISettings("gpt-4o-mini", base_url, **(own or {}))
    source = SecretSource(env="MY_KEY")
    declared = BackendSpec("gpt", "openai", given, api_key=source, **spec)  # type: ignore[arg-type]  # any policy
    return OpenAIBackend(declared, BackendServices(FakeClock(), FakeChance(), KEY))


@asynccontextmanager
async def talking(
    *replies: Reply, own: dict[str, Any] | None = None, **spec: object
) -> AsyncIterator[tuple[OpenAIBackend, Player]]:
    async with playing(*replies) as player:
        one = backend(player.url, own=own, **spec)
        try:
            yield one, player
        finally:
            await one.aclose()


async def answered(
    *replies: Reply, context: Context | None = None, own: dict[str, Any] | None = None, **spec: object
) -> ModelAnswer:
    async with talking(*replies, own=own, **spec) as (one, _):
        return await one.complete(HELLO, context or FakeContext())


async def failed(*replies: Reply, context: Context | None = None, **spec: Any) -> AttemptError:  # noqa: ANN401 - any policy
    with pytest.raises(AttemptError) as caught:
        await answered(*replies, context=context, **spec)
    assert KEY not in str(caught.value.failure)
    return caught.value


# ── answers ──


async def test_an_answer_streams_and_comes_whole() -> None:
    context = FakeContext()
    ends = [place + 2 for place in range(len(CHAT)) if CHAT[place : place + 2] == b"\n\n"]
    head, *pieces = stream(CHAT, *ends)
    slowly: Reply = [head, *(part for piece in pieces for part in (piece, 0.01))]
    answer = await answered(slowly, context=context)
    assert answer == ModelAnswer(said("assistant", TEXT), MODEL, "end", Usage(78, 9, None, 64, 0, 3))
    assert context.streams["out"] == list(WORDS)


async def test_what_comes_together_is_written_together() -> None:
    context = FakeContext()
    body = sse(delta(reasoning="H"), delta(reasoning="m"), delta(content="o"), delta(content="k"), delta("stop"))
    await answered(stream(body), context=context)
    assert dict(context.streams) == {"think": ["Hm"], "out": ["ok"]}


async def test_what_goes_out_is_one_request_with_the_key_in_its_place() -> None:
    own = {"organization": "org-1", "project": "p-1"}
    async with talking(stream(CHAT), own=own, headers={"x-team": "docs"}, max_tokens=50) as (one, player):
        await one.complete(HELLO, FakeContext())
    asked = player.asked[0]
    assert (asked.method, asked.path) == ("POST", "/v1/chat/completions")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert (asked.headers["openai-organization"], asked.headers["openai-project"]) == ("org-1", "p-1")
    assert asked.headers["x-team"] == "docs"
    assert (asked.body["model"], asked.body["max_tokens"], asked.body["stream"]) == ("gpt-4o-mini", 50, True)


async def test_a_header_of_the_backend_s_own_goes_before_the_key() -> None:
    async with talking(stream(CHAT), headers={"Authorization": "Basic x"}) as (one, player):
        await one.complete(HELLO, FakeContext())
    assert player.asked[0].headers["authorization"] == "Basic x"


async def test_a_task_may_name_another_model() -> None:
    async with talking(stream(CHAT)) as (one, player):
        await one.complete(ModelRequest(HELLO.messages, model="o3", max_tokens=5), FakeContext())
    assert (player.asked[0].body["model"], player.asked[0].body["max_tokens"]) == ("o3", 5)


async def test_an_answer_may_come_at_once() -> None:
    async with talking(whole(completion(content="Hi")), own={"stream": False}) as (one, player):
        context = FakeContext()
        assert (await one.complete(HELLO, context)).text == "Hi"
    assert "stream" not in player.asked[0].body
    assert context.streams == {}


async def test_a_server_that_does_not_stream_is_understood_all_the_same() -> None:
    assert (await answered(whole(completion(content="Hi")))).text == "Hi"


async def test_tools_may_be_asked_for_several_at_once() -> None:
    context = FakeContext()
    answer = await answered(stream(CALLS), context=context)
    assert answer.stop == "tool_use"
    assert [one.arguments for one in answer.message.calls] == [{"country": "UK"}, {"country": "France"}]
    assert context.progressed[-1][2] == "characters written"


async def test_thoughts_have_a_stream_of_their_own() -> None:
    context = FakeContext()
    body = sse(delta(reasoning_content="Hm"), delta(content="ok"), delta("stop"), "[DONE]")
    answer = await answered(stream(body), context=context)
    assert answer.message.parts == (Thinking("Hm", '{"field": "reasoning_content"}'), Text("ok"))
    assert (context.text("think"), context.text("out")) == ("Hm", "ok")


async def test_the_api_of_responses_streams() -> None:
    context = FakeContext()
    async with talking(stream(RESPONSES), own={"api": "responses"}) as (one, player):
        answer = await one.complete(HELLO, context)
    assert player.asked[0].path == "/v1/responses"
    assert answer.message.parts == (
        Thinking("Look it up.\n\nDone.", '{"id": "rs_1", "encrypted_content": "gAAAA=="}'),
        Text("It is sunny."),
        ToolCall("call_1", "get_weather", {"city": "Oslo"}, '{"city":"Oslo"}'),
    )
    assert answer.usage == Usage(40, 30, None, 8, 0, 12)
    assert (context.text("think"), context.text("out")) == ("Look it up.\n\nDone.", "It is sunny.")


async def test_a_schema_can_be_asked_for_in_words() -> None:
    async with talking(stream(CHAT), own={"schema_mode": "instruct"}) as (one, player):
        request = ModelRequest(HELLO.messages, system="Be brief.", schema={"type": "object"})
        await one.complete(request, FakeContext())
    body = player.asked[0].body
    assert "response_format" not in body
    assert body["messages"][0]["content"].startswith("Be brief.\n\nAnswer with JSON alone")
    assert '{"type": "object"}' in body["messages"][0]["content"]


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, len(CHAT)), max_size=6), thinks=st.booleans())
def test_where_a_stream_is_cut_makes_no_difference(cuts: list[int], *, thinks: bool) -> None:
    body = sse(delta(reasoning="Hm\u2028ü"), delta(content="ä\u2028€")) + CHAT if thinks else CALLS
    answer = asyncio.run(answered(stream(body, *cuts)))
    parts = (Thinking("Hm\u2028ü", '{"field": "reasoning"}'), Text(f"ä\u2028€{TEXT}"))
    calls = tuple(ToolCall(one.id, one.tool, one.arguments, one.written) for one in answer.message.calls)
    assert answer.message.parts == (parts if thinks else calls)
    assert answer.usage == Usage(78, 9, None, 64, 0, 3)


async def test_packed_answers_are_unpacked() -> None:
    packed = stream(gzip.compress(CHAT), 30, 100, headers="content-encoding: gzip\r\n")
    assert (await answered(packed)).text == TEXT
    at_once = whole(gzip.compress(json.dumps(completion(content="Hi")).encode()), headers="content-encoding: gzip\r\n")
    assert (await answered(at_once)).text == "Hi"


async def test_comments_keep_a_slow_stream_alive() -> None:
    head, *pieces, end = stream(CHAT, 200)
    waits: list[bytes | float | Act] = [chunk(b": OPENROUTER PROCESSING\n\n"), 0.2]
    reply = [head, *waits * 3, *pieces, end]
    assert (await answered(reply, timeouts=NetTimeouts(read=0.5))).text == TEXT


async def test_calls_share_their_connections() -> None:
    async with talking(stream(CHAT)) as (one, player):
        for _ in range(3):
            await one.complete(HELLO, FakeContext())
    assert player.connections == 1


async def test_a_stream_need_not_be_ended_once_all_is_said() -> None:
    assert (await answered([begun(CHAT), Act.HANG])).text == TEXT


async def test_a_connection_that_breaks_after_the_end_broke_nothing() -> None:
    body = sse(delta(content="ok"), delta("stop"))
    answer = await answered([begun(body), 0.02, Act.RESET])
    assert (answer.text, answer.stop) == ("ok", "end")


async def test_what_is_left_of_the_limits_is_told() -> None:
    context = FakeContext()
    headers = (
        "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 59\r\nx-ratelimit-reset-requests: 1s\r\n"
    )
    await answered(stream(CHAT, headers=headers), context=context)
    assert context.allowances == [Allowance("requests", 60, 59, 1.0)]


async def test_a_redirect_that_asks_for_the_same_is_followed() -> None:
    elsewhere = [b"HTTP/1.1 308 Moved\r\nlocation: /v2/chat/completions\r\ncontent-length: 0\r\n\r\n"]
    async with talking(elsewhere, stream(CHAT)) as (one, player):
        assert (await one.complete(HELLO, FakeContext())).text == TEXT
    assert [(asked.method, asked.path) for asked in player.asked] == [
        ("POST", "/v1/chat/completions"),
        ("POST", "/v2/chat/completions"),
    ]


# ── filters and lengths ──


async def test_what_a_filter_held_back_is_told_as_that() -> None:
    answer = await answered(stream(sse(delta(content="Half"), delta("content_filter"), "[DONE]")))
    assert (answer.text, answer.stop) == ("Half", "filter")


async def test_an_answer_that_became_too_long_is_told_as_that() -> None:
    assert (await answered(stream(sse(delta(content="Half"), delta("length"), "[DONE]")))).stop == "length"


# ── what goes wrong ──


async def test_nobody_there_is_worth_another_try() -> None:
    one = backend()
    with pytest.raises(UpstreamError) as caught:
        await one.complete(HELLO, FakeContext())
    await one.aclose()
    assert (caught.value.failure.code, caught.value.failure.is_transient) == (Code.CONNECTION, True)


@pytest.mark.parametrize(
    ("reply", "code", "transient"),
    [
        ([Act.RESET], Code.CONNECTION, True),
        ([Act.CLOSE], Code.CONNECTION, True),
        ([begun(sse(delta(content="Half"))), 0.02, Act.RESET], Code.CONNECTION, True),
        ([begun(sse(delta(content="Half"))), Act.CLOSE], Code.CONNECTION, True),
        ([Act.HANG], Code.BACKEND_TIMEOUT, True),
        ([begun(sse(delta(content="Half"))), Act.HANG], Code.BACKEND_TIMEOUT, True),
        (stream(sse(delta(content="Half"))), Code.TRUNCATED, True),
        (stream(sse(delta(content="Half"), "[DONE]")), Code.TRUNCATED, True),
        (stream(b""), Code.TRUNCATED, True),
        (stream(b"data: [DONE]\n\n"), Code.TRUNCATED, True),
        (stream(sse(delta(content="Half"), '{"choices": [')), Code.MALFORMED, True),
        (stream(sse(delta(content="Half"), "[1]")), Code.MALFORMED, True),
        (stream(sse("[" * 100_000)), Code.MALFORMED, True),
        (stream(sse(delta(content=""), delta("stop"), "[DONE]")), Code.MALFORMED, True),
        (whole('{"choices": ['), Code.MALFORMED, True),
        (whole("[]"), Code.MALFORMED, True),
        (whole(b"\xff\xfe\x00"), Code.MALFORMED, True),
        (whole(""), Code.MALFORMED, True),
        (whole({"id": "x", "choices": None}), Code.MALFORMED, True),
        (whole("<!DOCTYPE html><title>Sign in</title>", content_type="text/html"), Code.MALFORMED, False),
        (whole({"error": {"message": "Provider returned error", "code": 502}}), Code.HTTP_STATUS, True),
        (whole({"error": {"message": "no", "type": "invalid_request_error"}}), Code.HTTP_STATUS, False),
        (whole({"error": {"message": "slow"}}, "429 Too Many Requests"), Code.HTTP_STATUS, True),
        (whole("<title>502 Bad Gateway</title>", "502 Bad Gateway", content_type="text/html"), Code.HTTP_STATUS, True),
        (whole({"error": {"message": "Overloaded"}}, "529 Overloaded"), Code.HTTP_STATUS, True),
        (whole("", "408 Request Timeout"), Code.HTTP_STATUS, True),
        (whole("", "425 Too Early"), Code.HTTP_STATUS, True),
        (whole("", "301 Moved", "location: /elsewhere\r\n"), Code.HTTP_STATUS, False),
        (whole("x" * 10_000_001), Code.TOO_LARGE, False),
        (stream(b"data: " + b"x" * 100_000, 50_000), Code.TRUNCATED, True),
        ([b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"], Code.MALFORMED, False),
        (stream(CHAT, headers="content-encoding: gzip\r\n"), Code.MALFORMED, False),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, list) else None,
)
async def test_what_goes_wrong_is_told_in_our_words(reply: Reply, code: str, *, transient: bool) -> None:
    failure = (await failed(reply, timeouts=NetTimeouts(read=0.2))).failure
    assert (failure.code, failure.is_transient) == (code, transient), failure.message
    assert len(failure.message) < 500


@pytest.mark.parametrize("code", [502, "server_error"])
async def test_an_error_in_the_middle_of_a_stream_ends_it(code: object) -> None:
    context = FakeContext()
    error = {**delta("error", content=""), "error": {"code": code, "message": "Provider disconnected"}}
    failure = (await failed(stream(sse(delta(content="Half"), error)), context=context)).failure
    assert failure.is_transient
    assert "Provider disconnected" in failure.message
    assert context.text("out") == "Half"


async def test_an_error_event_of_the_api_of_responses_ends_it() -> None:
    body = b'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"Slow down","param":null}\n\n'
    failure = (await failed(stream(body), own={"api": "responses"})).failure
    assert (failure.status, failure.is_transient) == (429, True)


async def test_a_response_that_failed_says_why() -> None:
    error = {"code": "context_length_exceeded", "message": "Your input exceeds the context window of this model."}
    body = sse({"type": "response.failed", "response": {"status": "failed", "error": error}})
    failure = (await failed(stream(body), own={"api": "responses"})).failure
    assert (failure.code, failure.is_transient) == (Code.CONTEXT_LENGTH, False)


async def test_what_was_said_before_it_broke_off_stays_and_is_paid_for() -> None:
    context = FakeContext()
    error = await failed(stream(sse(delta(content="Half of it"))), context=context)
    assert context.text("out") == "Half of it"
    assert error.output == {"text": "Half of it"}
    assert context.usages == [Usage(HELLO.tokens, 3)]


async def test_nothing_is_paid_for_what_never_began() -> None:
    context = FakeContext()
    await failed(whole({"error": {"message": "slow"}}, "429 Too Many Requests"), context=context)
    assert context.usages == []


async def test_when_to_come_back_is_told() -> None:
    reply = whole({"error": {"message": "slow"}}, "429 Too Many Requests", "retry-after-ms: 1500\r\n")
    assert (await failed(reply)).failure.retry_after == 1.5


async def test_a_usage_limit_is_told_as_one() -> None:
    body = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    failure = (await failed(whole(body, "429 Too Many Requests"))).failure
    assert (failure.code, failure.is_transient) == (Code.QUOTA, True)


async def test_a_usage_limit_that_comes_as_an_answer_is_none() -> None:
    notice = "You've hit your usage limit. Try again at 3:00 PM."
    failure = (await failed(stream(sse(delta(content=notice), delta("stop"), "[DONE]")))).failure
    assert (failure.code, failure.is_transient) == (Code.QUOTA, True)


async def test_a_bad_key_is_named_by_its_source_and_never_told() -> None:
    body = {"error": {"message": f"Incorrect API key provided: {KEY}."}}
    failure = (await failed(whole(body, "401 Unauthorized"))).failure
    assert failure.hint == "check the key in the environment variable MY_KEY"
    assert "Incorrect API key provided: ***." in failure.message


async def test_a_page_where_the_api_should_be_is_called_by_its_title() -> None:
    failure = (await failed(whole("<html><title>Open WebUI</title></html>", content_type="text/html"))).failure
    assert "Open WebUI (a web page)" in failure.message
    assert "base_url" in str(failure.hint)


async def test_an_endless_answer_is_left() -> None:
    endless: Reply = [begun(*(sse(delta(content="x" * 1_000_000)),) * 12), Act.HANG]
    failure = (await failed(endless)).failure
    assert (failure.code, failure.is_transient) == (Code.TOO_LARGE, False)


async def test_a_request_that_is_no_json_is_never_sent() -> None:
    async with talking(stream(CHAT), own={"extra": {"temperature": float("nan")}}) as (one, player):
        with pytest.raises(InputError, match="no JSON"):
            await one.complete(HELLO, FakeContext())
    assert player.asked == []


async def test_whoever_stops_waiting_hangs_up() -> None:
    async with talking([begun(sse(delta(content="Half"))), Act.HANG]) as (one, player):
        context = FakeContext()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(one.complete(HELLO, context), 0.2)
        assert context.text("out") == "Half"
        for _ in range(100):
            if player.closed:
                break
            await asyncio.sleep(0.02)


# ── what it says of itself ──


def test_it_is_a_model_that_can_be_checked_and_knows_prices() -> None:
    one = backend()
    assert isinstance(one, ModelBackend)
    assert isinstance(one, Checkable)
    assert (one.name, one.knows_prices, one.spec.name) == ("openai", True, "gpt")


def test_an_estimate_counts_what_is_asked_and_the_longest_answer() -> None:
    assert backend().count(HELLO) == Estimate(HELLO.tokens, 0, "gpt-4o-mini")
    assert backend(max_tokens=50).count(HELLO) == Estimate(HELLO.tokens, 50, "gpt-4o-mini")
    asked = ModelRequest(HELLO.messages, model="o3", max_tokens=9)
    assert backend(max_tokens=50).count(asked) == Estimate(HELLO.tokens, 9, "o3")


def test_prices_and_windows_are_those_of_the_address() -> None:
    known = backend("https://api.openai.com/v1")
    price = known.price(None)
    assert price is not None
    assert (price.input, price.output) == (0.15, 0.6)
    assert known.window("gpt-4o-mini") == 128_000
    assert backend().price("gpt-4o-mini") is None
    assert backend(price=Price(1.0, 2.0)).price(None) == Price(1.0, 2.0)
    listed = backend("https://api.openai.com/v1", prices={"gpt-4o-mini": Price(3.0, 4.0)})
    assert listed.price(None) == Price(3.0, 4.0)
    assert listed.price("gpt-4o") == known.price("gpt-4o")


async def test_what_a_router_says_it_cost_is_what_it_cost() -> None:
    body = sse(delta(content="ok"), delta("stop"), used(prompt_tokens=5, completion_tokens=2, cost=0.01), "[DONE]")
    assert (await answered(stream(body))).usage == Usage(5, 2, 0.01)
    assert (await answered(stream(body), price=Price(1.0, 2.0))).usage.cost_usd is None


def listed(*names: str) -> Reply:
    return whole({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


async def test_a_check_asks_for_the_models_and_spends_nothing() -> None:
    async with talking(listed("gpt-4o-mini", "o3")) as (one, player):
        assert await one.check(["o3"]) == "2 models"
    assert (player.asked[0].method, player.asked[0].path) == ("GET", "/v1/models")


@pytest.mark.parametrize(
    ("names", "hint"),
    [
        (("gpt-4o", "whisper-1"), "did you mean 'gpt-4o'?"),
        (("a", "b", "c", "d", "e", "f"), "it has a, b, c, d, e, …"),
    ],
)
async def test_a_model_that_is_not_there_is_told(names: tuple[str, ...], hint: str) -> None:
    async with talking(listed(*names)) as (one, _):
        with pytest.raises(UpstreamError, match="there is no model 'gpt-4o-mini'") as caught:
            await one.check()
    assert (caught.value.failure.hint, caught.value.failure.is_transient) == (hint, False)


async def test_tags_and_variants_are_the_model_s() -> None:
    async with talking(listed("gpt-4o-mini:latest", "meta/llama")) as (one, _):
        assert await one.check(["meta/llama:free"]) == "2 models"


async def test_a_server_without_a_list_is_there_all_the_same() -> None:
    async with talking(whole("404 page not found", "404 Not Found")) as (one, _):
        assert await one.check() == "it answers, and lists no models"
    async with talking(whole({"data": []})) as (one, _):
        assert await one.check() == "0 models"


async def test_an_address_without_a_path_at_which_nothing_is_lacks_its_end() -> None:
    async with playing(whole("404 page not found", "404 Not Found")) as player:
        one = backend(player.url.removesuffix("/v1"))
        with pytest.raises(AttemptError) as caught:
            await one.check()
        await one.aclose()
    assert "most end in /v1" in (caught.value.failure.hint or "")


async def test_a_check_with_a_bad_key_fails_as_calls_would() -> None:
    async with talking(whole({"error": {"message": "no"}}, "401 Unauthorized")) as (one, _):
        with pytest.raises(UpstreamError) as caught:
            await one.check()
    assert caught.value.failure.status == 401


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="must begin with http"):
        OpenAISettings("m", "localhost:11434")


async def test_many_calls_at_once_keep_their_order() -> None:
    bits = [delta(tool_calls=[call(number, f"c{number}", "f", "{}")]) for number in range(20)]
    answer = await answered(stream(sse(*bits, delta("tool_calls"), "[DONE]")))
    assert [one.id for one in answer.message.calls] == [f"c{number}" for number in range(20)]
