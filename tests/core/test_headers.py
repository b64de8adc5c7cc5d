"""When to come back is read from what a server says, and from nothing else."""

import pytest

from orchestrator.core.headers import RETRY_AFTER_CAP, retry_after

NEW_YEAR = 1_767_225_600.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"Retry-After": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:00 GMT"}, 60.0),
        ({"retry-after": "Thu, 01 Jan 2026 00:01:00"}, 60.0),
        ({"retry-after": "Wed, 31 Dec 2025 23:59:00 GMT"}, 0.0),
        ({"retry-after": "9" * 200}, RETRY_AFTER_CAP),
    ],
)
def test_seconds_milliseconds_and_dates_are_understood(headers: dict[str, str], expected: float) -> None:
    assert retry_after(headers, wall=NEW_YEAR) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["", "soon", "-1", "nan", "inf", "1_0", "Thu, 99 Foo 2026"])
def test_what_is_not_legible_says_nothing(text: str) -> None:
    assert retry_after({"retry-after": text}, wall=NEW_YEAR) is None
