"""Retry-After as servers really write it, and as nobody should."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.headers import RETRY_AFTER_CAP, retry_after

WALL = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "120"}, 120.0),
        ({"RETRY-AFTER": " 1.5 "}, 1.5),
        ({"retry-after": ".5"}, 0.5),
        ({"retry-after": "0"}, 0.0),
        ({"Retry-After-Ms": "1500"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "3"}, 3.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:50:37 GMT"}, 60.0),
        ({"retry-after": "Sunday, 06-Nov-94 08:50:37 GMT"}, 60.0),
        ({"retry-after": "Sun Nov  6 08:50:37 1994"}, 60.0),
        ({"retry-after": "Sun, 06 Nov 1994 08:40:00 GMT"}, 0.0),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1_000"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "٣"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "later"}, None),
        ({"retry-after": "Sun, 99 Nov 1994 08:50:37 GMT"}, None),
        ({"retry-after": "99999999999"}, RETRY_AFTER_CAP),
        ({"retry-after": "9" * 300}, RETRY_AFTER_CAP),
        ({"retry-after": "Sun, 06 Nov 2094 08:49:37 GMT"}, RETRY_AFTER_CAP),
    ],
)
def test_how_a_backends_wish_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, wall=WALL) == seconds


@given(text=st.text() | st.from_regex(r"[A-Z][a-z]{2}, ?\d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [-+A-Z0-9]+"))
@settings(max_examples=100)
def test_no_header_breaks_it_and_what_it_answers_can_be_waited_for(text: str) -> None:
    seconds = retry_after({"Retry-After": text, "Retry-After-Ms": text}, wall=WALL)
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_CAP
