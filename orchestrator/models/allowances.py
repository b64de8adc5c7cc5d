"""What headers of an answer say is left of a server's limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, TypeAlias

from orchestrator.core.headers import RETRY_AFTER_CAP
from orchestrator.core.model import Allowance
from orchestrator.core.units import seconds

Unit: TypeAlias = Literal["requests", "tokens"]


class _Family(NamedTuple):
    """Three headers that belong together."""

    unit: Unit
    limit: str
    remaining: str
    reset: str


def _family(unit: Unit, names: str) -> _Family:
    return _Family(unit, names.format("limit"), names.format("remaining"), names.format("reset"))


_COMMON: Final = "ratelimit"
"""What all their names have in common; most answers have none of them."""

_FAMILIES: Final = (
    _family("requests", "x-ratelimit-{}-requests"),
    _family("tokens", "x-ratelimit-{}-tokens"),
    _family("requests", "x-ratelimit-{}-requests-minute"),
    _family("tokens", "x-ratelimit-{}-tokens-minute"),
    _family("requests", "x-ratelimit-{}-requests-day"),
    _family("tokens", "x-ratelimit-{}-tokens-day"),
    _family("requests", "x-ratelimit-{}"),
    _family("requests", "ratelimit-{}"),
    _family("requests", "anthropic-ratelimit-requests-{}"),
    _family("tokens", "anthropic-ratelimit-tokens-{}"),
    _family("tokens", "anthropic-ratelimit-input-tokens-{}"),
    _family("tokens", "anthropic-ratelimit-output-tokens-{}"),
)

_AMOUNT: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
_EPOCH: Final = 1e9
"""A reset of more seconds than this, which are thirty years, is a moment in Unix time; a thousand times as many are
milliseconds of it."""


def read(headers: Mapping[str, str], wall: float) -> tuple[Allowance, ...]:
    """Return what is left, at most once for each unit: that of which the least is left. `wall` is in Unix seconds.

    What is not legible, such as the -1 of servers that do not count, says nothing.
    """
    if _COMMON not in " ".join(headers).lower():
        return ()
    named = ((name.lower(), text) for name, text in headers.items())
    lower = {name: text.strip() for name, text in named if _COMMON in name}
    tightest: dict[Unit, Allowance] = {}
    for allowance in _allowances(lower, wall):
        known = tightest.get(allowance.unit)
        if known is None or _tightness(allowance) < _tightness(known):
            tightest[allowance.unit] = allowance
    return tuple(tightest.values())


def seconds_until_reset(text: str, wall: float) -> float | None:
    """Return the seconds until a moment that is told as a duration, in Unix time or as a date; None if illegible."""
    for reading in (_after_duration, _until_date):
        found = reading(text.strip(), wall)
        if found is not None:
            return min(max(found, 0.0), RETRY_AFTER_CAP)
    return None


def _allowances(headers: Mapping[str, str], wall: float) -> Iterator[Allowance]:
    for family in _FAMILIES if headers else ():
        left = _amount(headers.get(family.remaining, ""))
        if left is not None:
            limit = _amount(headers.get(family.limit, ""))
            yield Allowance(family.unit, limit, left, seconds_until_reset(headers.get(family.reset, ""), wall))


def _tightness(allowance: Allowance) -> tuple[float, float]:
    return allowance.left, -(allowance.reset or 0.0)


def _amount(text: str) -> float | None:
    return float(text) if _AMOUNT.fullmatch(text) else None


def _after_duration(text: str, wall: float) -> float | None:
    try:
        amount = seconds(text)
    except ValueError:
        return None
    if amount < _EPOCH:
        return amount
    return (amount / 1_000 if amount >= _EPOCH * 1_000 else amount) - wall


def _until_date(text: str, wall: float) -> float | None:
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - wall
