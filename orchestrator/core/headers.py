"""What headers of an answer say about when to come back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

RETRY_AFTER_CAP: Final = 7 * 86_400.0
"""A backend that asks for more than a week is taken to mean a week, so that a nonsense header is no hang for ever."""

_NUMBER: Final = re.compile(r"[0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300}")


def retry_after(headers: Mapping[str, str], *, wall: float) -> float | None:
    """Return the seconds that a backend asks callers to stay away, None if it does not say so or not legibly.

    `wall` is the time in Unix seconds. Understood are `retry-after-ms`, which is finer and wins, and `retry-after` in
    seconds, whole or not, or as a date; a date that has passed is 0. More than a week is a week.
    """
    lower = {name.lower(): text.strip() for name, text in headers.items()}
    for asked in _asked(lower, wall):
        if asked is not None:
            return min(asked, RETRY_AFTER_CAP)
    return None


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
