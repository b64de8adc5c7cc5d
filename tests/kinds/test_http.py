"""An http task sends what its keys say, and knows a good answer from a bad one."""

import pytest

from orchestrator.core.errors import AttemptError, Code, InputError, UpstreamError
from orchestrator.core.output import Cut, Output
from orchestrator.core.ports import HttpAnswer
from orchestrator.kinds.http import HttpKind, HttpSettings
from tests.kinds.fakes import FakeContext, Resource, ScriptedServer

JSON = {"content-type": "application/json"}


def answer(body: str = "", status: int = 200, headers: dict[str, str] | None = None) -> HttpAnswer:
    return HttpAnswer(status, headers or {}, body.encode(), "http://server/", truncated=False)


async def run(settings: HttpSettings, *answers: HttpAnswer, context: FakeContext | None = None) -> dict[str, object]:
    context = context or FakeContext(backend=ScriptedServer(*answers))
    return dict(await HttpKind().run(settings, context))


async def failed(settings: HttpSettings, given: HttpAnswer) -> AttemptError:
    with pytest.raises(AttemptError) as caught:
        await run(settings, given)
    return caught.value


# ── what is sent ────────────────────────────────────────────────────────────────────────────────


async def sent(settings: HttpSettings) -> tuple[bytes | None, str | None]:
    server = ScriptedServer(answer())
    await run(settings, context=FakeContext(backend=server))
    request = server.asked[0]
    return request.body, request.headers.get("content-type")


async def test_a_request_is_as_its_keys_say() -> None:
    server = ScriptedServer(answer())
    settings = HttpSettings(
        "/x", method="delete", headers={"a": "b"}, query={"q": [1]}, max_size="1KB", follow_redirects=False
    )
    await run(settings, context=FakeContext(backend=server))
    request = server.asked[0]
    assert (request.method, request.url, request.headers, request.query) == ("DELETE", "/x", {"a": "b"}, {"q": [1]})
    assert (request.body, request.max_size, request.follow_redirects) == (None, 1000, False)


async def test_json_is_sent_as_such_and_outputs_stand_for_their_text() -> None:
    output = Output("llm", "text", {"text": "ü", "model": "m"})
    body, content_type = await sent(HttpSettings("/", json={"all": [output]}))  # type: ignore[list-item]  # as rendered
    assert (body, content_type) == ('{"all":["ü"]}'.encode(), "application/json")


async def test_a_form_is_sent_as_browsers_do() -> None:
    body, content_type = await sent(HttpSettings("/", form={"a": "b c", "n": [1, True]}))
    assert (body, content_type) == (b"a=b+c&n=1&n=true", "application/x-www-form-urlencoded")


async def test_a_body_is_sent_as_it_is() -> None:
    assert await sent(HttpSettings("/", body="plain")) == (b"plain", None)


async def test_a_content_type_of_one_s_own_is_kept() -> None:
    _, content_type = await sent(HttpSettings("/", json={}, headers={"Content-Type": "application/ld+json"}))
    assert content_type is None


async def test_a_size_that_is_none_is_the_flow_s_fault() -> None:
    assert isinstance(await failed(HttpSettings("/", max_size="big"), answer()), InputError)


def test_there_is_but_one_body() -> None:
    with pytest.raises(ValueError, match="json and body exclude each other"):
        HttpSettings("/", json={}, body="")


@pytest.mark.parametrize(("method", "repeatable"), [("get", True), ("PUT", True), ("POST", False), ("PATCH", False)])
def test_only_methods_that_change_nothing_twice_are_repeated(method: str, *, repeatable: bool) -> None:
    assert HttpKind().repeatable(HttpSettings("/", method=method)) is repeatable


# ── what comes back ─────────────────────────────────────────────────────────────────────────────


async def test_an_answer_is_read_as_text_and_as_json_if_it_is_some() -> None:
    context = FakeContext(backend=ScriptedServer(answer('{"a": [1]}', 201, {"x": "y"})))
    assert await run(HttpSettings("/"), context=context) == {
        "status": 201,
        "headers": {"x": "y"},
        "text": '{"a": [1]}',
        "json": {"a": [1]},
        "path": context.path("out"),
    }


@pytest.mark.parametrize("body", ["", "<html>", "NaN", '{"a": NaN}', "[" * 100_000])
async def test_what_is_no_json_is_null(body: str) -> None:
    assert (await run(HttpSettings("/"), answer(body, headers=JSON)))["json"] is None


async def test_line_separators_inside_an_answer_stay() -> None:
    body = '{"a": "x\u2028y\u0085"}'
    assert (await run(HttpSettings("/"), answer(body)))["json"] == {"a": "x\u2028y\u0085"}


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("text/plain; charset=latin-1", b"\xfc", "ü"),
        ('text/plain; Charset="UTF-8"', "ü".encode(), "ü"),
        ("text/plain; charset=klingon", "ü".encode(), "ü"),
        ("text/plain; charset=rot13", b"a", "a"),
        ("text/plain", b"\xff", "\ufffd"),
    ],
)
async def test_the_text_is_decoded_as_its_type_says(content_type: str, body: bytes, text: str) -> None:
    given = HttpAnswer(200, {"content-type": content_type}, body, "", truncated=False)
    assert (await run(HttpSettings("/"), given))["text"] == text


async def test_an_answer_longer_than_memory_allows_is_cut_in_both_forms() -> None:
    context = FakeContext(backend=ScriptedServer(answer("[1, 2, 3]")), limit=4)
    output = await run(HttpSettings("/"), context=context)
    assert output["text"] == output["json"] == Cut("[1, ", 4, context.path("out"))


async def test_an_answer_longer_than_the_task_allows_is_refused() -> None:
    given = HttpAnswer(200, {}, b"0123", "", truncated=True)
    error = await failed(HttpSettings("/big", max_size=4), given)
    assert (error.failure.code, error.failure.is_transient) == (Code.TOO_LARGE, False)
    assert error.failure.message == "GET /big answered more than 4 bytes"


# ── statuses ────────────────────────────────────────────────────────────────────────────────────


async def test_a_server_that_is_busy_says_when_to_come_back() -> None:
    error = await failed(HttpSettings("/"), answer("slow\n down", 429, {"retry-after": "7"}))
    assert isinstance(error, UpstreamError)
    assert error.failure.message == "GET / answered 429 Too Many Requests: slow down"
    assert (error.failure.status, error.failure.retry_after, error.failure.is_transient) == (429, 7.0, True)
    assert error.output is not None
    assert error.output["text"] == "slow\n down"


@pytest.mark.parametrize("status", [400, 401, 404, 302, 418, 599])
async def test_what_will_not_change_is_permanent(status: int) -> None:
    error = await failed(HttpSettings("/"), answer(status=status))
    assert not error.failure.is_transient
    assert error.failure.status == status


async def test_the_flow_may_expect_any_status() -> None:
    assert (await run(HttpSettings("/", expect=(404,)), answer(status=404)))["status"] == 404
    error = await failed(HttpSettings("/", expect=(404,)), answer(status=200))
    assert error.failure.hint == "add the status to `expect`"


async def test_an_error_does_not_quote_what_may_be_secret() -> None:
    error = await failed(HttpSettings("https://me:pass@host/x?key=k3y#f"), answer(status=404))
    assert error.failure.message == "GET https://host/x answered 404 Not Found"


async def test_a_backend_that_is_no_server_is_named() -> None:
    with pytest.raises(InputError, match="the backend database does not answer HTTP"):
        await run(HttpSettings("/"), context=FakeContext(backend=Resource()))
