"""What a simulated call can come to: the words for it, and the errors that they stand for."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Final

from orchestrator.core.errors import TRANSIENT_STATUS, Code, UpstreamError
from orchestrator.core.fact import fact
from orchestrator.core.units import seconds


class Ending(StrEnum):
    """How a simulated call ends."""

    OK = "ok"
    STATUS = "status"
    TIMEOUT = "timeout"
    RESET = "reset"
    MALFORMED = "malformed"
    QUOTA = "quota"
    HANG = "hang"


@fact
class Outcome:
    """One simulated outcome; `status` belongs to the ending of that name, `retry_after` to that and to `quota`."""

    ending: Ending
    status: int | None = None
    retry_after: float | None = None


OK: Final = Outcome(Ending.OK)

SCRIPT: Final = "script"
"""The key of a list of outcomes, in a simulated backend as in what a task simulates."""

OUTCOMES: Final = (
    "ok, a status such as 503, 429 retry-after=2, quota, quota resets=30s, timeout, reset, malformed or hang"
)


class Mood(StrEnum):
    """How a person makes a simulated backend behave while a run is on, over what the flow declares of it."""

    WELL = "well"
    SLOW = "slow"
    BURNING = "burning"


class Dials:
    """A dial for each simulated backend, by name. Turned from any thread; the backend reads its own at every call."""

    def __init__(self) -> None:
        self._moods: dict[str, Mood] = {}

    def turn(self, backend: str, mood: Mood) -> None:
        self._moods[backend] = mood

    def mood(self, backend: str) -> Mood:
        return self._moods.get(backend, Mood.WELL)


_STATUS: Final = re.compile(r"([1-5][0-9]{2})(?:\s+retry-after=(\S+))?", re.ASCII)
_QUOTA: Final = re.compile(r"quota\s+resets=(\S+)", re.ASCII)
_WORDS: Final = {ending.value: Outcome(ending) for ending in Ending if ending is not Ending.STATUS}


@cache
def outcome(written: str | int) -> Outcome:
    """Return what one word of a script stands for. Raises ValueError with advice."""
    text = str(written).strip()
    if known := _WORDS.get(text):
        return known
    if status := _STATUS.fullmatch(text):
        after = None if status[2] is None else seconds(status[2])
        return Outcome(Ending.STATUS, int(status[1]), after)
    if quota := _QUOTA.fullmatch(text):
        return Outcome(Ending.QUOTA, retry_after=seconds(quota[1]))
    raise ValueError(f"{written!r} is no outcome; write {OUTCOMES}")


def is_outcome(written: object) -> bool:
    """Tell whether this is a word of a script."""
    if isinstance(written, bool) or not isinstance(written, str | int):
        return False
    try:
        outcome(written)
    except ValueError:
        return False
    return True


def error_of(result: Outcome) -> UpstreamError | None:
    """Return the error that callers of a simulated backend meet; None where it answers, or never does."""
    make = _ERRORS.get(result.ending)
    return make(result) if make else None


def _status(result: Outcome) -> UpstreamError | None:
    status = result.status or 0
    if 200 <= status < 300:
        return None
    return UpstreamError(
        f"simulated: answered {status}",
        transient=status in TRANSIENT_STATUS,
        status=status,
        retry_after=result.retry_after,
    )


def _timeout(_: Outcome) -> UpstreamError:
    return UpstreamError("simulated: no answer in time", code=Code.BACKEND_TIMEOUT)


def _reset(_: Outcome) -> UpstreamError:
    return UpstreamError("simulated: the connection was reset", code=Code.CONNECTION)


def _malformed(_: Outcome) -> UpstreamError:
    return UpstreamError("simulated: the answer cannot be read", code=Code.MALFORMED)


def _quota(result: Outcome) -> UpstreamError:
    why = "simulated: the quota is used up"
    return UpstreamError(why, code=Code.QUOTA, status=429, retry_after=result.retry_after)


_ERRORS: Final[dict[Ending, Callable[[Outcome], UpstreamError | None]]] = {
    Ending.STATUS: _status,
    Ending.TIMEOUT: _timeout,
    Ending.RESET: _reset,
    Ending.MALFORMED: _malformed,
    Ending.QUOTA: _quota,
}
