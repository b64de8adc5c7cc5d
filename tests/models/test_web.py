"""One request to a model server, whatever its API: what is said streams on, and what fails is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from orchestrator.core.errors import Code, InputError, UpstreamError
from orchestrator.core.flow import BackendSpec, NetTimeouts, Price, SecretSource
from orchestrator.core.model import ModelAnswer, ModelRequest, Usage, said
from orchestrator.models.building import Delta, Draft
from orchestrator.models.shapes import count_of, text_of
from orchestrator.models.web import ModelWeb
from tests.kinds.fakes import FakeClock, FakeContext
from tests.models.playback import Act, Reply, begun, playing, sse, stream, whole

ASKED = ModelRequest((said("user", "hi"),))


class Plain:
    """Reads an API that nobody has: `say`, `think`, `end`, `used`."""

    def __init__(self) -> None:
        self.draft = Draft(ASKED, "gpt-4o-mini")

    def whole(self, body: Mapping[str, Any]) -> None:
        for _ in self.event("", body):
            pass

    def event(self, name: str, body: Mapping[str, Any]) -> Iterator[Delta]:
        del name
        if text := text_of(body.get("think")):
            yield self.draft.think("t", text)
        if text := text_of(body.get("say")):
            yield self.draft.say("s", text)
        if used := count_of(body.get("used")):
            self.draft.usage = Usage(used, used)
        if "end" in body:
            self.draft.stop = "end"


async def asked(*replies: Reply, context: FakeContext | None = None, **given: Any) -> ModelAnswer:  # noqa: ANN401 - any
    async with playing(*replies) as player:
        web = ModelWeb(BackendSpec("b", "plain", None, **given), base_url=player.url)
        try:
            return await web.ask("ask", {"q": 1, "model": "gpt"}, Plain(), context or FakeContext())
        finally:
            await web.aclose()


async def failed(*replies: Reply, context: FakeContext | None = None, **given: Any) -> UpstreamError:  # noqa: ANN401 - as above
    with pytest.raises(UpstreamError) as caught:
        await asked(*replies, context=context, **given)
    return caught.value


async def test_thoughts_and_words_are_written_in_their_order() -> None:
    context = FakeContext()
    body = sse({"think": "a"}, {"say": "b"}, {"think": "c"}, {"say": "d", "end": True})
    assert (await asked(stream(body), context=context)).text == "bd"
    assert dict(context.streams) == {"think": ["a", "c"], "out": ["b", "d"]}


async def test_what_came_before_an_error_in_the_same_breath_is_written() -> None:
    context = FakeContext()
    await failed(stream(sse({"say": "Half"}, {"error": {"message": "no"}})), context=context)
    assert context.text("out") == "Half"


async def test_what_was_told_to_be_used_is_told_on_although_the_answer_failed() -> None:
    context = FakeContext()
    await failed(stream(sse({"used": 7}, {"say": "Half"})), context=context)
    assert context.usages == [Usage(7, 7)]


async def test_the_end_may_be_the_last_that_is_heard() -> None:
    assert (await asked([begun(sse({"say": "ok", "end": True})), 0.02, Act.RESET])).text == "ok"


@pytest.mark.parametrize(
    ("source", "hint"),
    [
        (None, "check the key (the backend has no api_key)"),
        (SecretSource(env="X_KEY"), "check the key in the environment variable X_KEY"),
        (SecretSource(command=("pass", "show", "x")), "check the key that the command pass prints"),
    ],
)
async def test_a_bad_key_is_named_by_where_it_comes_from(source: SecretSource | None, hint: str) -> None:
    assert (await failed(whole("", "401 Unauthorized"), api_key=source)).failure.hint == hint


async def test_silence_is_bounded_by_the_backend_s_own_word() -> None:
    error = await failed([begun(sse({"say": "Half"})), Act.HANG], timeouts=NetTimeouts(read=0.1))
    assert error.failure.code == Code.BACKEND_TIMEOUT


async def test_an_answer_of_another_sort_is_read_as_a_whole() -> None:
    assert (await asked(whole({"say": "ok", "end": True}, content_type="text/plain"))).text == "ok"


@pytest.mark.parametrize("status", ["100 Odd", "304 Not Modified"])
async def test_a_status_that_makes_no_sense_is_no_answer(status: str) -> None:
    error = await failed([f"HTTP/1.1 {status}\r\n\r\n".encode(), Act.CLOSE])
    assert error.failure.code in {Code.HTTP_STATUS, Code.CONNECTION}


async def test_a_page_can_be_asked_for_without_a_word_to_a_model() -> None:
    async with playing(whole({"data": []}), whole("[]"), [Act.RESET]) as player:
        web = ModelWeb(BackendSpec("b", "plain", None), base_url=player.url)
        assert await web.get("models", FakeClock()) == {"data": []}
        assert (player.asked[0].method, player.asked[0].path) == ("GET", "/v1/models")
        for _ in range(2):
            with pytest.raises(UpstreamError):
                await web.get("models", FakeClock())
        await web.aclose()


async def test_an_address_that_is_none_is_the_flow_s_own_fault() -> None:
    web = ModelWeb(BackendSpec("b", "plain", None), base_url="http://")
    with pytest.raises(InputError):
        await web.ask("ask", {}, Plain(), FakeContext())


@pytest.mark.parametrize("key", ["sk-top\nsecret", "sk-töp-secret", "sk-\U0001f511-secret", "\x00sk-secret"])
async def test_a_key_that_cannot_be_sent_is_not_told_either(key: str) -> None:
    async with playing(whole({"say": "ok", "end": True})) as player:
        spec = BackendSpec("b", "plain", None)
        web = ModelWeb(spec, base_url=player.url, headers=(("x-api-key", key),), api_key=key)
        with pytest.raises(InputError) as caught:
            await web.ask("ask", {}, Plain(), FakeContext())
        await web.aclose()
    assert key not in str(caught.value.failure)
    assert "secret" not in str(caught.value.failure)


@pytest.mark.parametrize(
    ("prices", "cost"),
    [
        ({"gpt": Price(1e6, 2e6)}, 9.0),
        ({"gpt": Price(1e6, 2e6), "gpt-4o-mini": Price(1e6, 1e6)}, 6.0),
        ({"other": Price(1e6, 2e6)}, None),
    ],
)
async def test_a_price_of_the_model_counts_by_either_of_its_names(prices: dict[str, Price], cost: float | None) -> None:
    reply = whole({"say": "hi", "used": 3, "end": True})
    assert (await asked(reply, prices=prices)).usage.cost_usd == cost
    assert (await asked(reply, prices=prices, price=Price(1, 1))).usage.cost_usd is None
