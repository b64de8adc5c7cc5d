"""What model servers really say when something is wrong, and what each of it means: every row of the table."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from email.utils import formatdate

import pytest

from orchestrator.core.errors import Code, UpstreamError
from orchestrator.models.faults import LONGEST, TABLE, error_in, failure, from_answer, from_status, row_of

WALL = 1_790_000_000.0


@dataclass(frozen=True)
class Case:
    """What a server sent, and the row that it belongs to."""

    row: str
    status: int
    body: object
    retry_after: float | None = None
    headers: dict[str, str] = field(default_factory=dict)
    says: str = ""

    def __str__(self) -> str:
        return f"{self.row} {self.status} {str(self.body)[:40]}"


def openai(message: str, code: str | None = None, type_: str = "invalid_request_error") -> dict[str, object]:
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


def anthropic(message: str, type_: str = "invalid_request_error") -> dict[str, object]:
    return {"type": "error", "error": {"type": type_, "message": message}, "request_id": "req_011"}


CLOUDFLARE = (
    "<!DOCTYPE html>\n<html>\n<head>\n<title>api.example.com | 502: Bad gateway</title>\n"
    "<style>body{margin:0}</style></head><body><h1>Bad gateway</h1></body></html>"
)
NGINX = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>"

CASES = [
    # ── usage limits ──
    Case(
        "usage limit",
        429,
        openai(
            "You exceeded your current quota, please check your plan and billing details. For more information on "
            "this error, read the docs.",
            "insufficient_quota",
            "insufficient_quota",
        ),
        says="quota",
    ),
    Case("usage limit", 400, anthropic("Your credit balance is too low to access the Anthropic API."), says="credit"),
    Case("usage limit", 402, {"error": {"message": "Insufficient credits", "code": 402}}, says="credit"),
    # ── more than a limit allows ──
    Case(
        "more than a limit allows at once",
        429,
        openai(
            "Request too large for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Requested "
            "42118. The input or output tokens must be reduced in order to run successfully.",
            "rate_limit_exceeded",
            "tokens",
        ),
    ),
    Case(
        "more than a limit allows at once",
        413,
        openai(
            "Request too large for model `llama-3.1-8b-instant` in organization `org_x` service tier `on_demand` on "
            "tokens per minute (TPM): Limit 6000, Requested 9301, please reduce your message size and try again.",
            "rate_limit_exceeded",
            "tokens",
        ),
    ),
    # ── context length ──
    Case(
        "context length",
        400,
        openai(
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 8227 tokens. "
            "Please reduce the length of the messages.",
            "context_length_exceeded",
        ),
    ),
    Case(
        "context length",
        400,
        openai("Your input exceeds the context window of this model. Please adjust your input and try again."),
    ),
    Case(
        "context length",
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 4096 tokens. However, you requested 5012 tokens",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
    ),
    Case(
        "context length",
        400,
        {
            "error": {
                "code": 400,
                "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error",
                "n_prompt_tokens": 5012,
                "n_ctx": 4096,
            }
        },
    ),
    Case("context length", 400, anthropic("prompt is too long: 208310 tokens > 200000 maximum")),
    Case(
        "context length",
        400,
        anthropic("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length"),
    ),
    Case(
        "context length",
        400,
        [{"error": {"code": 400, "message": "The input token count (1200000) exceeds the maximum number of tokens"}}],
    ),
    Case(
        "context length",
        400,
        {
            "object": "error",
            "message": "Prompt contains 40001 tokens and 0 draft tokens, too large for model with 32768 tokens",
            "type": "invalid_request_error",
            "code": 3051,
        },
    ),
    # ── content filter ──
    Case(
        "content filter",
        400,
        {
            "error": {
                "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management "
                "policy. Please modify your prompt and retry.",
                "code": "content_filter",
                "status": 400,
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            }
        },
    ),
    Case("content filter", 400, anthropic("Output blocked by content filtering policy")),
    # ── what a model, or its server, cannot do ──
    Case(
        "no schemas",
        400,
        openai("Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model."),
        says="not supported with this model",
    ),
    Case("no tools", 400, openai("registry.ollama.ai/library/gemma3:4b does not support tools", None, "api_error")),
    Case("no tools", 404, {"error": {"message": "No endpoints found that support tool use.", "code": 404}}),
    Case(
        "no tools",
        400,
        openai('"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    ),
    # ── model ──
    Case(
        "unknown model",
        404,
        openai("The model `gpt-9` does not exist or you do not have access to it.", "model_not_found"),
    ),
    Case("unknown model", 404, openai('model "llama9" not found, try pulling it first', None, "api_error")),
    Case("unknown model", 404, anthropic("model: claude-9", "not_found_error")),
    Case("unknown model", 400, {"error": {"message": "gpt-9 is not a valid model ID", "code": 400}}),
    Case("unknown model", 400, openai("Model Not Exist")),
    # ── keys ──
    Case(
        "bad key",
        401,
        openai("Incorrect API key provided: sk-abc****xyz. You can find your API key at ...", "invalid_api_key"),
        says="Incorrect API key",
    ),
    Case("bad key", 401, anthropic("invalid x-api-key", "authentication_error")),
    Case("bad key", 401, {"detail": "Invalid token"}, says="Invalid token"),
    Case(
        "not allowed",
        403,
        openai("Country, region, or territory not supported", "unsupported_country_region_territory"),
    ),
    # ── address ──
    Case("not found", 404, "404 page not found", says="404 page not found"),
    Case("not found", 404, {"detail": "Not Found"}, says="Not Found"),
    Case("not found", 405, {"detail": "Method Not Allowed"}),
    Case("redirect", 301, "<html><head><title>301 Moved Permanently</title></head></html>", says="301 Moved"),
    # ── size ──
    Case(
        "request too large",
        413,
        anthropic("Request exceeds the maximum allowed number of bytes.", "request_too_large"),
    ),
    Case("request too large", 413, NGINX.replace("502 Bad Gateway", "413 Request Entity Too Large")),
    # ── come again ──
    Case("busy", 408, openai("Request timed out.", None, "timeout")),
    Case("busy", 409, openai("The resource is being modified by another request", None, "conflict_error")),
    Case("busy", 425, ""),
    Case(
        "busy",
        429,
        openai(
            "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29500, "
            "Requested 1200. Please try again in 1.4s.",
            "rate_limit_exceeded",
            "tokens",
        ),
        retry_after=1.4,
    ),
    Case("busy", 429, openai("slow down"), 3.0, {"retry-after": "3"}),
    Case("busy", 429, openai("slow down"), 0.25, {"retry-after-ms": "250", "retry-after": "1"}),
    Case("busy", 429, openai("slow down"), 60.0, {"retry-after": formatdate(WALL + 60, usegmt=True)}),
    Case("busy", 500, openai("The server had an error while processing your request.", None, "server_error")),
    Case("busy", 502, CLOUDFLARE, says="api.example.com | 502: Bad gateway (a web page)"),
    Case("busy", 502, NGINX, says="502 Bad Gateway (a web page)"),
    Case("busy", 503, "upstream connect error or disconnect/reset before headers", says="upstream connect error"),
    Case("busy", 503, openai("Service overloaded"), 30.0, {"retry-after": "30"}),
    Case("busy", 504, ""),
    Case("busy", 524, "error code: 524", says="error code: 524"),
    Case("busy", 529, anthropic("Overloaded", "overloaded_error"), says="Overloaded"),
    # ── the rest ──
    Case(
        "anything else",
        400,
        openai("Unsupported parameter: 'max_tokens' is not supported with this model.", "unsupported_parameter"),
    ),
    Case(
        "anything else",
        422,
        {"detail": [{"loc": ["body", "messages"], "msg": "field required", "type": "value_error.missing"}]},
        says="field required",
    ),
    Case("anything else", 418, ""),
]

CODES = {
    "usage limit": (Code.QUOTA, True),
    "more than a limit allows at once": (Code.NEVER_FITS, False),
    "context length": (Code.CONTEXT_LENGTH, False),
    "content filter": (Code.FILTERED, False),
    "no schemas": (Code.HTTP_STATUS, False),
    "no tools": (Code.HTTP_STATUS, False),
    "unknown model": (Code.HTTP_STATUS, False),
    "bad key": (Code.HTTP_STATUS, False),
    "not allowed": (Code.HTTP_STATUS, False),
    "not found": (Code.HTTP_STATUS, False),
    "redirect": (Code.HTTP_STATUS, False),
    "request too large": (Code.TOO_LARGE, False),
    "busy": (Code.HTTP_STATUS, True),
    "anything else": (Code.HTTP_STATUS, False),
}


def sent(body: object) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def failed(case: Case) -> UpstreamError:
    told = from_status(case.status, case.headers, sent(case.body), WALL)
    return failure(told, server="api.example.com", key="the key in X_KEY", wall=WALL)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_a_server_says_falls_into_its_row(case: Case) -> None:
    assert row_of(from_status(case.status, case.headers, sent(case.body), WALL)).name == case.row


@pytest.mark.parametrize("case", CASES, ids=str)
def test_each_row_has_its_meaning(case: Case) -> None:
    error = failed(case).failure
    assert (error.code, error.is_transient) == CODES[case.row]
    assert error.status == case.status
    assert error.message.startswith(f"api.example.com answered {case.status}: ")
    assert case.says in error.message
    if case.row == "busy":
        assert error.retry_after == pytest.approx(case.retry_after)
    if not error.is_transient and case.row != "anything else":
        assert error.hint


def test_every_row_is_tested() -> None:
    assert {case.row for case in CASES} == {row.name for row in TABLE} == set(CODES)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"error": {"code": 502, "message": "Provider returned error"}}, 502),
        ({"error": {"code": "429", "message": "slow down"}}, 429),
        ({"error": {"message": "The server had an error", "type": "server_error"}}, 500),
        ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, 429),
        ({"error": "something broke"}, 500),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, 529),
        ({"type": "error", "code": "invalid_prompt", "message": "no", "param": None}, 400),
        ({"object": "error", "message": "no", "type": "BadRequestError", "code": 400}, 400),
        (
            {"type": "response.failed", "response": {"error": {"code": "rate_limit_exceeded", "message": "slow"}}},
            429,
        ),
        ({"choices": [{"delta": {}, "error": {"code": 503, "message": "no instances"}}]}, 503),
        ({"error": {"code": 200, "message": "odd"}}, 500),
    ],
)
def test_an_error_in_a_good_answer_has_the_status_that_it_names(body: dict[str, object], status: int) -> None:
    error = error_in(body)
    assert error is not None
    assert from_answer({}, error, WALL).status == status


@pytest.mark.parametrize(
    "body",
    [
        {"id": "resp_1", "object": "response", "error": None, "output": []},
        {"object": "chat.completion.chunk", "choices": [{"delta": {"content": "error"}}]},
        {"type": "message_start", "message": {}},
        {"error": {}},
        {"choices": [None]},
        [],
        "error",
        None,
    ],
)
def test_what_is_no_error_is_none(body: object) -> None:
    assert error_in(body) is None


def test_a_usage_limit_tells_when_it_ends() -> None:
    case = Case("usage limit", 429, openai("Usage limit reached. Try again in 2h."), headers={"retry-after": "7200"})
    error = failed(case).failure
    assert (error.code, error.retry_after) == (Code.QUOTA, 7_200.0)


def test_a_long_story_is_told_in_short_and_on_one_line() -> None:
    error = failed(Case("anything else", 400, openai("a\n\tb\x1b[31m " + "x" * 100_000))).failure
    assert error.message.startswith("api.example.com answered 400: a b [31m xxx")
    assert len(error.message) < LONGEST + 50


def test_hints_name_where_the_key_comes_from() -> None:
    assert failed(Case("bad key", 401, "")).failure.hint == "check the key in X_KEY"


@pytest.mark.parametrize(
    "body", ["[" * 100_000, "{" * 1_000, "null", "3", '{"error": [1, 2]}', '{"error": {"message": {}}}', "\x00\xff"]
)
def test_whatever_a_server_says_has_a_row(body: str) -> None:
    assert failed(Case("busy", 500, body)).failure.is_transient
