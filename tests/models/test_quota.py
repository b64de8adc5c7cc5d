"""Usage limits are recognised in errors as servers send them, and nothing else is taken for one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models.quota import CREDIT, PERIOD, QUOTA, SPENDING, USAGE, UsageLimit, in_text, recognise, said_delay

NOON = 1_767_268_800.0
"""The first of January 2026, 12:00 UTC."""
HOUR = 3_600.0
QUOTA_TEXT = "You exceeded your current quota, please check your plan and billing details. For more, read the docs."
GOOGLE = "type.googleapis.com/google.rpc."


def error(message: str, **fields: object) -> dict[str, Any]:
    return {"error": {"message": message, **fields}}


def anthropic(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CZL"}


def google(message: str, *details: dict[str, Any]) -> dict[str, Any]:
    return error(message, code=429, status="RESOURCE_EXHAUSTED", details=list(details))


def violation(name: str) -> dict[str, Any]:
    return {"@type": f"{GOOGLE}QuotaFailure", "violations": [{"quotaId": name, "quotaValue": "10"}]}


def delay(text: str) -> dict[str, Any]:
    return {"@type": f"{GOOGLE}RetryInfo", "retryDelay": text}


# ── what is one ─────────────────────────────────────────────────────────────────────────────────

OPENAI_QUOTA = error(QUOTA_TEXT, type="insufficient_quota", param=None, code="insufficient_quota")
GROQ_DAY = error(
    "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_01` service tier `on_demand` on tokens"
    " per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 7m12s. Need more tokens? Upgrade to"
    " Dev Tier today at https://console.example/settings/billing",
    type="tokens",
    code="rate_limit_exceeded",
)
FREE_DAY = error(
    "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
    code=429,
    metadata={
        "headers": {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1767272400000"}
    },
)
REGAIN = "You have reached your specified API usage limits. You will regain access on 2026-01-02 at 00:00 UTC."
TOO_LOW = "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade."
MORE_CREDITS = (
    "This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can only afford 0."
)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, OPENAI_QUOTA, UsageLimit(QUOTA)),
        (429, json.dumps(OPENAI_QUOTA), UsageLimit(QUOTA)),
        (429, OPENAI_QUOTA["error"], UsageLimit(QUOTA)),
        (200, OPENAI_QUOTA, UsageLimit(QUOTA)),
        (400, error("Billing hard limit has been reached", code="billing_hard_limit_reached"), UsageLimit(SPENDING)),
        (400, anthropic("invalid_request_error", TOO_LOW), UsageLimit(CREDIT)),
        (400, anthropic("invalid_request_error", REGAIN), UsageLimit(USAGE, 12 * HOUR)),
        (402, anthropic("billing_error", "There is an issue with your payment method."), UsageLimit(CREDIT)),
        (429, anthropic("rate_limit_error", "Claude AI usage limit reached|1767272400"), UsageLimit(USAGE, HOUR)),
        (429, anthropic("rate_limit_error", "You've hit your limit · resets at 15:00"), UsageLimit(USAGE, 3 * HOUR)),
        (429, anthropic("rate_limit_error", "5-hour limit reached ∙ resets 3pm"), UsageLimit(USAGE, 3 * HOUR)),
        (429, "You've hit your usage limit. Try again in 20m0s.", UsageLimit(USAGE, 1_200.0)),
        (
            429,
            error("The usage limit has been reached", type="usage_limit_reached", resets_in_seconds=7200),
            UsageLimit(USAGE, 2 * HOUR),
        ),
        (429, error("Wait", type="usage_limit_reached", resets_at=1767272400), UsageLimit(USAGE, HOUR)),
        (402, error("Insufficient credits. Add more", code=402), UsageLimit(CREDIT)),
        (200, error("Insufficient credits. Add more", code=402), UsageLimit(CREDIT)),
        (402, error(MORE_CREDITS, code=402, metadata={"provider_name": None}), UsageLimit(CREDIT)),
        (402, error("Insufficient Balance", type="unknown_error", code="invalid_request_error"), UsageLimit(CREDIT)),
        (402, "", UsageLimit(CREDIT)),
        (
            429,
            error("Too much", type="rate_limit_error", details={"error_code": "enforced_spend_limit_reached"}),
            UsageLimit(SPENDING),
        ),
        (429, FREE_DAY, UsageLimit(PERIOD, HOUR)),
        (429, GROQ_DAY, UsageLimit(PERIOD, 432.0)),
        (
            429,
            error("Rate limit reached on requests per day (RPD): Limit 200, Used 200. Please try again in 7m12s."),
            UsageLimit(PERIOD, 432.0),
        ),
        (429, anthropic("rate_limit_error", "Tokens have exceeded your daily rate limit"), UsageLimit(PERIOD)),
        (
            429,
            error("Rate limit of 50 per 86400s exceeded for UserByModelByDay. Please wait 36000 seconds."),
            UsageLimit(PERIOD, 10 * HOUR),
        ),
        (
            429,
            google(QUOTA_TEXT, violation("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), delay("47s")),
            UsageLimit(QUOTA, 47.0),
        ),
        (429, google(QUOTA_TEXT), UsageLimit(QUOTA)),
        (429, json.dumps([google(QUOTA_TEXT)]), UsageLimit(QUOTA)),
        (429, error(json.dumps(google(QUOTA_TEXT)), code=429, status="Too Many Requests"), UsageLimit(QUOTA)),
        (403, {"message": "Out of call volume quota. It will be replenished in 01:00:00."}, UsageLimit(QUOTA, HOUR)),
        (403, {"error": "Your team has used all available credits", "code": "forbidden"}, UsageLimit(CREDIT)),
        (400, error("Budget has been exceeded!", type="budget_exceeded", code="400"), UsageLimit(SPENDING)),
    ],
)
def test_a_usage_limit_is_recognised_with_its_end(status: int, body: object, expected: UsageLimit) -> None:
    assert recognise(status, {}, body, NOON) == expected


def test_headers_tell_of_a_subscription_that_is_used_up() -> None:
    headers = {
        "Anthropic-RateLimit-Unified-Status": "rejected",
        "Anthropic-RateLimit-Unified-Reset": "1767272400",
        "Retry-After": "60",
    }
    body = anthropic("rate_limit_error", "This request would exceed your account's rate limit. Please try again later.")
    assert recognise(429, headers, body, NOON) == UsageLimit(USAGE, HOUR)


def test_retry_after_is_the_end_where_nothing_else_tells_it() -> None:
    assert recognise(429, {"retry-after": "7999"}, OPENAI_QUOTA, NOON) == UsageLimit(QUOTA, 7_999.0)


# ── what is none ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, error("Rate limit reached on tokens per min (TPM): Limit 30000. Please try again in 6s.")),
        (429, error("tokens per minute (TPM): Limit 6000. Please try again in 4.77s. 14400 requests per day")),
        (429, anthropic("rate_limit_error", "Number of request tokens has exceeded your per-minute rate limit")),
        (429, anthropic("rate_limit_error", "This request would exceed your account's rate limit.")),
        (429, error("Rate limit exceeded: free-models-per-min. ", code=429)),
        (429, google(QUOTA_TEXT, violation("GenerateContentInputTokensPerModelPerMinute-FreeTier"), delay("26s"))),
        (429, google(f"{QUOTA_TEXT} Please retry in 53.016342224s.", delay("53s"))),
        (429, google("Resource exhausted. Please try again later.")),
        (429, error("Rate limit is exceeded. Try again in 13 seconds.")),
        (429, ""),
        (429, "<html><body>Too many requests</body></html>"),
        (400, anthropic("invalid_request_error", "messages: at least one message is required")),
        (400, error("This model's maximum context length is 8192 tokens, with 30 requests per day in it")),
        (401, error("Insufficient credits to see whether your key is right")),
        (500, error("usage limit reached")),
        (529, anthropic("overloaded_error", "Overloaded")),
        (403, error("You have insufficient permissions for this operation.")),
        (429, None),
        (429, 17),
        (429, []),
        (429, {"error": {"error": {"error": {"error": {"error": {"error": {}}}}}}}),
    ],
)
def test_other_errors_are_none(status: int, body: object) -> None:
    assert recognise(status, {}, body, NOON) is None


FIELDS = ["error", "message", "code", "details", "metadata", "headers", "violations", "retryDelay", "resets_at"]
BODIES: st.SearchStrategy[object] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
)


@given(BODIES)
def test_whatever_a_server_sends_is_judged(body: object) -> None:
    assert recognise(429, {}, body, NOON) in {None, recognise(429, {}, json.dumps(body), NOON)}


# ── when to come back ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (google(QUOTA_TEXT, delay("53s")), 53.0),
        (error("tokens per min (TPM). Please try again in 6s."), 6.0),
        (error("Rate limit is exceeded. Try again in 13 seconds."), 13.0),
        (error("Too many requests"), None),
    ],
)
def test_an_error_may_say_when_to_come_back(body: object, expected: float | None) -> None:
    assert said_delay(body, NOON) == expected


# ── answers that are none ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Claude AI usage limit reached|1767272400", UsageLimit(USAGE, HOUR)),
        ("Claude usage limit reached. Your limit will reset at 3pm (Europe/Warsaw).", UsageLimit(USAGE, 2 * HOUR)),
        ("Claude usage limit reached. Your limit will reset \n at Jan 1, 3pm.", UsageLimit(USAGE, 3 * HOUR)),
        ("5-hour limit reached ∙ resets 3pm\n  /upgrade to increase your usage limit.", UsageLimit(USAGE, 3 * HOUR)),
        ("You've hit your session limit · resets 1pm (UTC)", UsageLimit(USAGE, HOUR)),
        ("You’ve hit your limit for Claude messages. Limits will reset at 9:30 PM.", UsageLimit(USAGE, 9.5 * HOUR)),  # noqa: RUF001 - as it is sent
        (
            "You've hit your usage limit. Upgrade to Pro (https://example.com/) or try again in 2 hours 30 minutes.",
            UsageLimit(USAGE, 2.5 * HOUR),
        ),
        (REGAIN, UsageLimit(USAGE, 12 * HOUR)),
        (f"API Error: 400 {json.dumps(anthropic('invalid_request_error', REGAIN))}", UsageLimit(USAGE, 12 * HOUR)),
        (TOO_LOW, UsageLimit(CREDIT)),
        ("Credit balance is too low. Add funds to go on", UsageLimit(CREDIT)),
        (QUOTA_TEXT, None),
        ("You exceeded your current quota, please check your plan and billing details.", UsageLimit(QUOTA)),
        (json.dumps(OPENAI_QUOTA), UsageLimit(QUOTA)),
    ],
)
def test_a_usage_limit_that_comes_as_an_answer_is_none(text: str, expected: UsageLimit | None) -> None:
    assert in_text(text, NOON) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Rate limit reached.",
        "The usage limit is reached when the counter is at 5. It resets at 15:00.",
        "You've hit your limit.",
        "You've hit your limit for today, so rest and start again tomorrow with the second chapter.",
        "Your function raises an error with the text: Claude usage limit reached. I have added a test for it.",
        "Claude usage limit reached is the message that the program prints; it is parsed in limits.py.",
        "Insufficient credits: the student has 20 of the 30 that are needed to finish.",
        "Here are the error messages:\n- You exceeded your current quota, please check your plan and billing details.",
        '{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}, "fixed": true}',
        '{"error": "insufficient_quota", "explanation": "what the server sent"}',
        '{"answer": 42}',
        "API Error: 500 {}",
        "Limit reached",
        "x" * 5_000,
    ],
)
def test_an_answer_that_speaks_of_limits_is_an_answer(text: str) -> None:
    assert in_text(text, NOON) is None


@pytest.mark.parametrize(
    "text",
    ["You've hit your " + "a " * 190, "limit reached" + " ." * 190, "Limit reached." + " it will resets " * 24],
)
def test_a_text_that_almost_is_one_is_none(text: str) -> None:
    assert in_text(text, NOON) is None
