"""Whether a failed attempt is made again, and after what delay: pure functions that know a policy and a failure."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from orchestrator.core.errors import Code, ErrorKind, Failure
from orchestrator.core.flow import RetryPolicy

RETRY_AFTER_CAP: Final = 7 * 86_400.0
"""A backend that asks for more than a week is taken to mean a week, so that a nonsense header is no hang for ever."""

_SETTLED_KINDS: Final = frozenset(
    {ErrorKind.CANCELLED, ErrorKind.DENIED, ErrorKind.BUDGET, ErrorKind.BREAKER, ErrorKind.INPUT, ErrorKind.BUG}
)
_SETTLED_CODES: Final = frozenset({Code.TASK_TIMEOUT, Code.DEADLINE})
"""The time of the whole task is over, and with it the time for another attempt."""

_NUMBER: Final = re.compile(r"[0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300}")


@dataclass(frozen=True, slots=True)
class Again:
    """Make another attempt, so many seconds from now."""

    delay: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Make no more attempts."""

    why: str


def decide(policy: RetryPolicy, failure: Failure, *, attempts: int, elapsed: float, chance: float) -> Again | Stop:
    """Decide what follows a failed attempt.

    `attempts` counts those made since the reset, `elapsed` the seconds since the first of them began; `chance` is
    drawn from [0, 1). What a person, a budget or a breaker decided, what was given wrong and what is our own bug is
    repeated only where `retry_on` names its code.
    """
    if not _is_named(policy, failure):
        return Stop(f"{failure.code} ({failure.error_class} {failure.kind}) is not among what is retried")
    if attempts >= policy.max_attempts:
        return Stop(f"attempt {attempts} of {policy.max_attempts} was the last")
    delay = max(_backoff(policy, attempts, chance), _floor(failure))
    if policy.max_elapsed is not None and elapsed + delay > policy.max_elapsed:
        return Stop(f"another attempt could not begin within {policy.max_elapsed:g} s")
    return Again(delay)


def retry_after(headers: Mapping[str, str], *, wall: float) -> float | None:
    """Return the seconds that a backend asks callers to stay away, None if it does not say so or not legibly.

    `wall` is the time in Unix seconds. Understood are `retry-after-ms`, which is finer and wins, and `retry-after` in
    seconds, whole or not, or as a date; a date that has passed is 0. More than a week is a week.
    """
    lower = {name.lower(): text.strip() for name, text in headers.items()}
    for seconds in _asked(lower, wall):
        if seconds is not None:
            return min(seconds, RETRY_AFTER_CAP)
    return None


def _is_named(policy: RetryPolicy, failure: Failure) -> bool:
    return any(name in policy.retry_on for name in _names(failure))


def _names(failure: Failure) -> Iterator[str]:
    """Yield all that `retry_on` can call this failure."""
    yield failure.code
    if failure.kind in _SETTLED_KINDS or failure.code in _SETTLED_CODES:
        return
    if failure.is_transient:
        yield "transient"
    yield failure.kind
    yield f"exit:{failure.exit_code}"
    yield f"http:{failure.status}"


def _backoff(policy: RetryPolicy, attempts: int, chance: float) -> float:
    grown = min(policy.initial_delay * _growth(policy.multiplier, attempts - 1), policy.max_delay)
    jittered = grown * (1 + policy.jitter * (2 * chance - 1))
    return min(max(jittered, 0.0), policy.max_delay)


def _growth(multiplier: float, steps: int) -> float:
    try:
        return multiplier**steps
    except OverflowError:
        return sys.float_info.max


def _floor(failure: Failure) -> float:
    asked = failure.retry_after
    return 0.0 if asked is None or math.isnan(asked) else min(asked, RETRY_AFTER_CAP)


def _asked(headers: Mapping[str, str], wall: float) -> Iterator[float | None]:
    milliseconds = _number(headers.get("retry-after-ms", ""))
    yield None if milliseconds is None else milliseconds / 1000
    text = headers.get("retry-after", "")
    yield _number(text)
    yield _seconds_to_date(text, wall)


def _number(text: str) -> float | None:
    # float() alone would also take "nan", "-1", "1_0" and digits of other scripts
    return float(text) if _NUMBER.fullmatch(text) else None


def _seconds_to_date(text: str, wall: float) -> float | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(_as_utc(date).timestamp() - wall, 0.0)


def _as_utc(date: datetime) -> datetime:
    """Return the date with the zone that HTTP dates have when they do not say so."""
    return date if date.tzinfo else date.replace(tzinfo=UTC)
