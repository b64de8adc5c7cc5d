"""When a limit ends is read from messages as servers and programs write them."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.models.resets import said_in

NOON = 1_767_268_800.0
"""The first of January 2026, 12:00 UTC."""
HOUR, DAY = 3_600.0, 86_400.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please try again in 20m0s.", 1_200.0),
        ("Please try again in 7m12s. Need more tokens? Upgrade today", 432.0),
        ("Please try again in 9m38.016s.", 578.016),
        ("Please try again in 250ms.", 0.25),
        ("Please retry in 53.016342224s.", 53.016342224),
        ("or try again in 5 days 22 hours 14 minutes.", 5 * DAY + 22 * HOUR + 840),
        ("try again in 1 hour and 5 minutes", HOUR + 300),
        ("Please wait 36000 seconds before retrying.", 36_000.0),
        ("Quota will be replenished in 10:00:05.", 10 * HOUR + 5),
        ("usage limit reached|1767272400", HOUR),
        ("usage limit reached|1767272400000", HOUR),
        ("You will regain access on 2026-01-02 at 00:00 UTC.", 12 * HOUR),
        ("resets on 2026-01-02", 12 * HOUR),
        ("resets at 2026-01-01T14:00:00+01:00", HOUR),
        ("resets at 15:00", 3 * HOUR),
        ("resets 3pm", 3 * HOUR),
        ("resets 3:30 PM", 3.5 * HOUR),
        ("resets 12am", 12 * HOUR),
        ("resets 9am", 21 * HOUR),
        ("limit will reset at 3pm (Europe/Warsaw).", 2 * HOUR),
        ("resets at 15:00 UTC", 3 * HOUR),
        ("resets at 15:00 please be patient", 3 * HOUR),
        ("resets at 6am tomorrow", 18 * HOUR),
        ("resets at 6pm tomorrow", 30 * HOUR),
        ("Your limit will reset at Jan 6, 10am.", 4 * DAY + 22 * HOUR),
        ("resets January 6 at 10:00", 4 * DAY + 22 * HOUR),
        ("try again at 3:05 PM.", 3 * HOUR + 300),
    ],
)
def test_the_end_of_a_limit_is_understood(text: str, expected: float) -> None:
    assert said_in(text, NOON) == pytest.approx(expected)


def test_a_time_of_day_is_that_of_the_zone_it_is_told_in() -> None:
    assert said_in("resets 3pm", NOON, ZoneInfo("Asia/Tokyo")) == 18 * HOUR


def test_a_month_that_is_over_is_next_years() -> None:
    december = NOON - 10 * DAY
    assert said_in("resets Jan 1, 12pm", december) == 10 * DAY


@pytest.mark.parametrize("text", ["resets 11:55", "resets 12:00", "usage limit reached|1767268000"])
def test_what_should_be_over_already_is_waited_for_a_little(text: str) -> None:
    assert said_in(text, NOON) == 60.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "try again later",
        "resets soon",
        "resets at 3",
        "resets at 25:00",
        "resets at 15:99",
        "resets Feb 31, 10am",
        "regain access on 2026-13-01",
        "regain access on 2099-01-01",
        "in 5 minutes",
        "try again in 999999999 days",
    ],
)
def test_what_names_no_moment_has_none(text: str) -> None:
    assert said_in(text, NOON) is None


@given(st.text(max_size=80), st.sampled_from(["resets at ", "try again in ", "", "on "]))
def test_any_text_is_read_without_an_error(text: str, before: str) -> None:
    seconds = said_in(before + text, NOON)
    assert seconds is None or seconds >= 0
