"""When a limit ends, as messages for people say it: in 7m12s, at 3pm (Europe/Warsaw), on 2026-04-01 at 00:00 UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

_LONGEST: Final = 366 * 86_400.0
"""What is further away than a year was not meant."""

_LATE: Final = timedelta(minutes=15)
"""A time of day that passed so little ago was meant for today: the server's clock and ours differ."""

_SOON: Final = 60.0
"""Seconds to wait for what should be over already."""

_AMOUNT: Final = r"\d{1,9}(?:\.\d{1,12})?"
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PART: Final = rf"({_AMOUNT})\s*(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)(?![a-z])"
_PARTS: Final = re.compile(_PART, re.IGNORECASE)
_IN: Final = re.compile(
    rf"\b(?:again|retry|wait|resets?|replenished|available)\s+(?:in|for|after)?\s*((?:{_PART}(?:\s|,|and)*)+)",
    re.IGNORECASE,
)
_IN_CLOCK: Final = re.compile(r"\b(?:again|resets?|replenished)\s+in\s+(\d{1,4}):(\d\d):(\d\d)\b", re.IGNORECASE)
_STAMP: Final = re.compile(r"\|(\d{10})(\d{3})?\b")
_DATE: Final = re.compile(
    r"\b(\d{4}-\d\d-\d\d)(?:(?:T|,?\s+at\s+|\s)(\d\d:\d\d(?::\d\d)?)(?:\.\d+)?\s?(Z|UTC|GMT|[+-]\d\d:\d\d)?)?"
)
_CLOCK: Final = re.compile(
    r"""\b(?:resets?|again|available|renews?)\s+(?:at\s+|on\s+)?
        (?:(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\s+(?P<day>\d{1,2})(?:,|\s+at)?\s+)?
        (?P<hour>\d{1,2})(?::(?P<minute>\d\d))?(?:\s?(?P<half>[ap])\.?m\b\.?)?
        (?P<tomorrow>\s+tomorrow)?(?:\s+\(?(?P<zone>[A-Za-z_]+(?:/[\w+-]+)*)\)?)?""",
    re.IGNORECASE | re.VERBOSE,
)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def said_in(text: str, wall: float, zone: tzinfo = UTC) -> float | None:
    """Return the seconds until the moment that a text names; None where it names none.

    `wall` is in Unix seconds. `zone` is that of times of day without one.
    """
    for seconds in _readings(text, wall, zone):
        if seconds is not None and seconds <= _LONGEST:
            return max(seconds, _SOON if seconds <= 0 else 0.0)
    return None


def _readings(text: str, wall: float, zone: tzinfo) -> Iterator[float | None]:
    yield _in_duration(text)
    yield _at_stamp(text, wall)
    for reading in (_on_date, _at_clock):
        with suppress(ValueError, OverflowError):  # the 99th of March, 25 o'clock
            yield reading(text, wall, zone)


def _in_duration(text: str) -> float | None:
    if clock := _IN_CLOCK.search(text):
        return int(clock[1]) * 3_600.0 + int(clock[2]) * 60 + int(clock[3])
    if span := _IN.search(text):
        return sum(float(amount) * _UNITS[_unit(name)] for amount, name in _PARTS.findall(span[1]))
    return None


def _unit(name: str) -> str:
    lower = name.lower()
    return "ms" if lower in {"ms", "millisecond", "milliseconds"} else lower[0]


def _at_stamp(text: str, wall: float) -> float | None:
    stamp = _STAMP.search(text)
    return float(stamp[1]) - wall if stamp else None


def _on_date(text: str, wall: float, zone: tzinfo) -> float | None:
    found = _DATE.search(text)
    if not found:
        return None
    offset = {"Z": "+00:00", "UTC": "+00:00", "GMT": "+00:00", None: ""}.get(found[3], found[3])
    moment = datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}{offset}")
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() - wall


def _at_clock(text: str, wall: float, zone: tzinfo) -> float | None:
    found = _CLOCK.search(text)
    if not found or not (found["minute"] or found["half"]):
        return None
    now = datetime.fromtimestamp(wall, _zone(found["zone"], zone))
    moment = now.replace(hour=_hour(found), minute=int(found["minute"] or 0), second=0, microsecond=0)
    return (_on_day(found, moment, now) - now).total_seconds()


def _hour(clock: re.Match[str]) -> int:
    hour = int(clock["hour"])
    if not clock["half"]:
        return hour
    return hour % 12 + (12 if clock["half"].lower() == "p" else 0)


def _on_day(clock: re.Match[str], moment: datetime, now: datetime) -> datetime:
    if clock["month"]:
        moment = moment.replace(month=_MONTHS.index(clock["month"].lower()) + 1, day=int(clock["day"]))
        return moment.replace(year=moment.year + 1) if moment < now - timedelta(days=180) else moment
    is_tomorrow = clock["tomorrow"] or moment < now - _LATE
    return moment + timedelta(days=1) if is_tomorrow else moment


def _zone(name: str | None, default: tzinfo) -> tzinfo:
    """Return the zone of that name; a word that happens to follow a time is none."""
    if name is None:
        return default
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return default
