"""Which errors say that a credential has used up what it may use, and until when.

A limit per second, minute or hour is none of these: it ends before anyone would want to know of it. Nor is a server
that is overloaded. What is recognised holds the credential for all that use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from orchestrator.core.headers import retry_after
from orchestrator.models.allowances import seconds_until_reset
from orchestrator.models.errorbodies import Told, data_in, take_apart
from orchestrator.models.resets import said_in

CREDIT: Final = "there is no credit left"
QUOTA: Final = "the quota is used up"
USAGE: Final = "the usage limit is reached"
SPENDING: Final = "the spending limit is reached"
PERIOD: Final = "the limit of a day or more is reached"


@dataclass(frozen=True, slots=True)
class UsageLimit:
    """What is used up, for people, and the seconds until it is not any more; None where that is not known."""

    why: str
    resets_in: float | None = None


# ── the table ───────────────────────────────────────────────────────────────────────────────────

_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "insufficient_quota": QUOTA,
        "exceeded_current_quota_error": QUOTA,
        "insufficient_user_quota": QUOTA,
        "billing_hard_limit_reached": SPENDING,
        "budget_exceeded": SPENDING,
        "contract_spend_limit_reached": SPENDING,
        "enforced_spend_limit_reached": SPENDING,
        "linked_organization_spend_limit_reached": SPENDING,
        "billing_not_active": CREDIT,
        "billing_error": CREDIT,
        "insufficient_balance": CREDIT,
        "insufficient_credits": CREDIT,
        "credit_balance_too_low": CREDIT,
        "usage_limit_reached": USAGE,
        "usage_limit_exceeded": USAGE,
    }
)
"""Codes and types of errors that mean it, whatever else is said."""


class _Sign(NamedTuple):
    pattern: re.Pattern[str]
    why: str


def _sign(pattern: str, why: str) -> _Sign:
    return _Sign(re.compile(pattern, re.IGNORECASE), why)


_SIGNS: Final = (
    _sign(r"credit balance is too low", CREDIT),
    _sign(r"insufficient (?:\w+ )?(?:credits?|balance|funds)\b", CREDIT),
    _sign(r"requires more credits|used all available credits|credit limit exceeded", CREDIT),
    _sign(r"(?:billing hard|spending|spend) limit|budget has been exceeded", SPENDING),
    _sign(r"reached your specified (?:\w+ )?usage limits|you will regain access on", USAGE),
    _sign(r"usage limit (?:has been )?(?:reached|exceeded)", USAGE),
    _sign(r"(?:hit|reached|exceeded) your (?:(?!per-|rate )[\w-]+ ){0,3}limit\b", USAGE),
    _sign(r"\d-hour limit reached|(?:weekly|session) limit reached", USAGE),
    _sign(r"exceeded your (?:current|monthly) (?:\w+ )?(?:quota|credits)|out of call volume quota", QUOTA),
    _sign(r"insufficient[_ ]quota|quota will be replenished", QUOTA),
)
"""What messages say that mean it, where the status is one of those below."""

_STATUSES: Final = frozenset({200, 400, 402, 403, 429})
_PAYMENT_REQUIRED: Final = 402
_TOO_MANY: Final = 429
_LONG_PERIODS: Final = frozenset({"day", "week", "month", "daily", "weekly", "monthly", "tpd", "rpd", "86400s"})
_PERIOD: Final = re.compile(
    r"(?:per[ -]?|by)(second|minute|min|hour|day|week|month|86400s)"
    r"|\b(daily|weekly|monthly|tpd|rpd|tpm|rpm)\b",
    re.IGNORECASE,
)
_LONGEST_ERROR: Final = 4_000
_ERROR_BODY: Final = frozenset({"type", "error", "request_id", "user_id"})


# ── errors ──────────────────────────────────────────────────────────────────────────────────────


def recognise(
    status: int, headers: Mapping[str, str], error: object, wall: float, zone: tzinfo = UTC
) -> UsageLimit | None:
    """Return which usage limit an error tells of, None for every other error.

    `error` is what the server sent, as data or as text; an error that stands within another is found there. `wall` is
    in Unix seconds, `zone` that of times of day without one.
    """
    said = take_apart(error)
    lower = {name.lower(): text for name, text in headers.items()}
    why = _why(said.status or status, lower, said)
    if why is None:
        return None
    return UsageLimit(why, next(_ends(lower, said, wall, zone), None))


def said_delay(error: object, wall: float) -> float | None:
    """Return after how many seconds an error says to come back, in its fields or its message."""
    said = take_apart(error)
    return next((end for end in (*_field_ends(said, wall), said_in(said.text, wall)) if end is not None), None)


# ── what it is ──────────────────────────────────────────────────────────────────────────────────


def _why(status: int, headers: Mapping[str, str], said: Told) -> str | None:
    if status not in _STATUSES:
        return None
    if status == _PAYMENT_REQUIRED:
        return CREDIT
    if status == _TOO_MANY and headers.get("anthropic-ratelimit-unified-status") == "rejected":
        return USAGE
    if "resource_exhausted" in said.codes:
        return _exhausted(said)
    return _by_code(said) or _by_message(said) or (_by_period(said.text) if status != 400 else None)


def _by_code(said: Told) -> str | None:
    return next((_CODES[code] for code in sorted(said.codes) if code in _CODES), None)


def _by_message(said: Told) -> str | None:
    return next((sign.why for sign in _SIGNS if sign.pattern.search(said.text)), None)


def _by_period(text: str) -> str | None:
    """Tell a limit per day from one per minute by the period that is named first."""
    named = _PERIOD.search(text)
    return PERIOD if named and (named[1] or named[2]).lower() in _LONG_PERIODS else None


def _exhausted(said: Told) -> str | None:
    """Judge an error that says the same of every limit: what was violated tells more, and a delay means a short one."""
    ids = [str(violation.get("quotaId", "")) for violation in _details(said, "violations")]
    if ids:
        return QUOTA if any(_by_period(name) for name in ids) else None
    is_short = any(True for _ in _details(said, "retryDelay"))
    return None if is_short else _by_message(said)


def _details(said: Told, key: str) -> Iterator[Any]:
    """Yield what the details of an error hold under a key, the items of lists one by one."""
    details = said.fields.get("details")
    for detail in details if isinstance(details, list) else ():
        value = detail.get(key) if isinstance(detail, Mapping) else None
        if isinstance(value, list):
            yield from (item for item in value if isinstance(item, Mapping))
        elif value is not None:
            yield value


# ── until when ──────────────────────────────────────────────────────────────────────────────────


def _ends(headers: Mapping[str, str], said: Told, wall: float, zone: tzinfo) -> Iterator[float]:
    unified = seconds_until_reset(headers.get("anthropic-ratelimit-unified-reset", ""), wall)
    ends = (*_field_ends(said, wall), unified, said_in(said.text, wall, zone), retry_after(headers, wall=wall))
    return (end for end in ends if end is not None)


def _field_ends(said: Told, wall: float) -> Iterator[float]:
    for key in ("resets_in_seconds", "resets_at"):
        yield from _seconds(said.fields.get(key), wall)
    for delay in _details(said, "retryDelay"):
        yield from _seconds(delay, wall)
    metadata = said.fields.get("metadata")
    inner = metadata.get("headers") if isinstance(metadata, Mapping) else None
    for name, value in inner.items() if isinstance(inner, Mapping) else ():
        if str(name).lower() in {"x-ratelimit-reset", "retry-after"}:
            yield from _seconds(value, wall)


def _seconds(value: object, wall: float) -> Iterator[float]:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        seconds = seconds_until_reset(str(value), wall)
        if seconds is not None:
            yield seconds


# ── answers that are none ───────────────────────────────────────────────────────────────────────

_ANSWER: Final = 400
"""Characters that such a message has at most."""

_OPENINGS: Final = (
    (r"claude (?:ai )?usage limit reached", USAGE),
    (r"you have reached your specified (?:\w+ )?usage limits", USAGE),
    (r"your credit balance is too low to access the \w+ api", CREDIT),
    (r"you exceeded your current quota, please check your plan and billing details", QUOTA),
)
"""How messages begin that say nothing else."""

_VAGUE_OPENINGS: Final = (
    (r"(?:[\w-]+ ){0,2}limit reached", USAGE),
    (r"you['\u2019]ve (?:hit|reached) your (?:[\w-]+ ){0,2}limit(?: for [\w ]{1,30})?", USAGE),
    (r"you['\u2019]re out of (?:extra )?usage", USAGE),
    (r"(?:your )?credit balance is too low", CREDIT),
    (r"insufficient (?:credits|balance)", CREDIT),
)
"""How messages begin that could as well be somebody's words: these have to go on as messages do."""

_BETWEEN: Final = r"[\s.,!|\u00b7\u2219\u2022\u2013\u2014-]{1,5}"
_RESET: Final = r"(?:it |your limits? |limits? )?(?:will )?(?:resets? |try again )[^.!?]{1,60}|\d{10,13}"
_ADVICE: Final = (
    r"(?:please |upgrade |visit |view |add |purchase |to (?:increase|continue|get) |you will regain |need more |"
    r"contact |run |/[a-z]+).{0,250}"
)
_END: Final = rf"(?:{_BETWEEN}(?:{_RESET}))?(?:{_BETWEEN}(?:{_ADVICE}))?"
_MESSAGES: Final = (
    *(_sign(rf"(?:api )?(?:error:? )?{opening}{_END}[.!]?", why) for opening, why in _OPENINGS),
    *(_sign(rf"(?:api )?(?:error:? )?{opening}(?={_BETWEEN}.){_END}[.!]?", why) for opening, why in _VAGUE_OPENINGS),
)
"""Whole messages: an answer that goes on otherwise is an answer, whatever it is about."""

_PROGRAM_ERROR: Final = re.compile(r"(?:api )?error:? (\d{3})[:\s]+(?=[{\[])", re.IGNORECASE)


def in_text(text: str, wall: float, zone: tzinfo = UTC) -> UsageLimit | None:
    """Return which usage limit a text tells of that came as an ordinary answer.

    Only a text that is nothing but such a message is one: an answer that speaks of limits stays an answer.
    """
    short = text.strip()
    if not short or len(short) > _LONGEST_ERROR:
        return None
    if told := _PROGRAM_ERROR.match(short):
        return recognise(int(told[1]), {}, short[told.end() :], wall, zone)
    if _is_error(short):
        return recognise(_TOO_MANY, {}, short, wall, zone)
    return _in_message(" ".join(short.split()), wall, zone)


def _is_error(text: str) -> bool:
    """Return whether an answer is the body of an error: what a model is asked for looks otherwise."""
    data = data_in(text)
    return isinstance(data, dict) and isinstance(data.get("error"), dict) and data.keys() <= _ERROR_BODY


def _in_message(text: str, wall: float, zone: tzinfo) -> UsageLimit | None:
    if len(text) > _ANSWER:
        return None
    why = next((sign.why for sign in _MESSAGES if sign.pattern.fullmatch(text)), None)
    return None if why is None else UsageLimit(why, said_in(text, wall, zone))
