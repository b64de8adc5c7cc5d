"""Whether a failed attempt is made again, and after what delay: pure functions that know a policy and a failure."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from typing import Final

from orchestrator.core.errors import Code, ErrorKind, Failure
from orchestrator.core.fact import fact
from orchestrator.core.flow import RetryPolicy
from orchestrator.core.headers import RETRY_AFTER_CAP

_SETTLED_KINDS: Final = frozenset(
    {ErrorKind.CANCELLED, ErrorKind.DENIED, ErrorKind.BUDGET, ErrorKind.BREAKER, ErrorKind.INPUT, ErrorKind.BUG}
)
_SETTLED_CODES: Final = frozenset({Code.TASK_TIMEOUT, Code.DEADLINE})
"""The time of the whole task is over, and with it the time for another attempt."""


@fact
class Again:
    """Make another attempt, so many seconds from now."""

    delay: float


@fact
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
