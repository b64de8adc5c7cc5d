"""Durations, sizes and counts: how people write them, and what settings say that they are.

A setting is annotated with one of the aliases; whoever reads a flow sees the marker and takes both forms, `30s` and 30.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Final, TypeAlias

Duration: TypeAlias = Annotated[float, "duration"]
"""Seconds, or a text such as `100ms`, `30s`, `5m`, `1h30m`, `7d`."""

Size: TypeAlias = Annotated[int, "size"]
"""Bytes, or a text such as `100KB`, `1MB`."""

Count: TypeAlias = Annotated[int, "count"]
"""A whole number, or a text such as `200_000`, `200k`."""

FilePath: TypeAlias = Annotated[str, "path"]
"""A file's path, relative to the flow file in which it is written."""

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_BYTES: Final = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_TIMES: Final = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}

_ROUNDING: Final = 1e-6
_DIGITS: Final = r"[0-9][0-9_]{0,30}(?:\.[0-9]{1,30})?"
_NUMBER: Final = re.compile(_DIGITS)
_PART: Final = re.compile(rf"({_DIGITS})\s*(ms|s|m|h|d)\s*", re.ASCII)
_AMOUNT: Final = re.compile(rf"({_DIGITS})\s*([A-Za-z]*)", re.ASCII)


def seconds(written: float | str) -> float:
    """Return a duration in seconds. Raises ValueError with advice."""
    if not isinstance(written, str):
        return _not_negative(written, "a duration")
    text = written.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    return _sum_of_parts(text)


def size(written: float | str) -> int:
    """Return a size in bytes. Raises ValueError with advice."""
    return _amount(written, _BYTES, "a size", "100KB or 1MB")


def count(written: float | str) -> int:
    """Return a whole number. Raises ValueError with advice."""
    return _amount(written, _TIMES, "a count", "200_000 or 200k")


def many(number: int, noun: str, plural: str | None = None) -> str:
    """Return a count with its noun: `1 task`, `2 tasks`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _sum_of_parts(text: str) -> float:
    total, at = 0.0, 0
    while part := _PART.match(text, at):
        total += float(part[1]) * _SECONDS[part[2]]
        at = part.end()
    if not text or at < len(text):
        raise ValueError(f"{text!r} is not a duration; write 100ms, 30s, 5m, 1h30m, 7d or seconds")
    return total


def _amount(written: float | str, units: dict[str, int], what: str, examples: str) -> int:
    if not isinstance(written, str):
        return _whole(_not_negative(written, what), what)
    amount = _AMOUNT.fullmatch(written.strip())
    if not amount or amount[2].lower() not in units:
        raise ValueError(f"{written!r} is not {what}; write {examples}")
    return _whole(float(amount[1]) * units[amount[2].lower()], what)


def _whole(value: float, what: str) -> int:
    # 1.1 MB is 1,100,000 bytes, though not in floating point
    if abs(value - round(value)) > _ROUNDING:
        raise ValueError(f"{value} is not {what}: it must be whole")
    return round(value)


def _not_negative(value: float, what: str) -> float:
    if isinstance(value, bool) or not math.isfinite(value) or value < 0:
        raise ValueError(f"{value} is not {what}: it must be a number, zero or more")
    return value
