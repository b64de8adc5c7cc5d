"""What is left of a server's limits is read from headers as servers send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.headers import RETRY_AFTER_CAP
from orchestrator.core.model import Allowance
from orchestrator.models.allowances import read

NEW_YEAR = 1_767_225_600.0

OPENAI = {
    "x-ratelimit-limit-requests": "5000",
    "x-ratelimit-limit-tokens": "160000",
    "x-ratelimit-remaining-requests": "4999",
    "x-ratelimit-remaining-tokens": "159976",
    "x-ratelimit-reset-requests": "12ms",
    "x-ratelimit-reset-tokens": "6m0s",
}
ANTHROPIC = {
    "anthropic-ratelimit-input-tokens-limit": "400000",
    "anthropic-ratelimit-input-tokens-remaining": "399000",
    "anthropic-ratelimit-input-tokens-reset": "2026-01-01T00:00:10Z",
    "anthropic-ratelimit-output-tokens-limit": "80000",
    "anthropic-ratelimit-output-tokens-remaining": "79000",
    "anthropic-ratelimit-output-tokens-reset": "2026-01-01T00:00:20Z",
    "anthropic-ratelimit-requests-limit": "4000",
    "anthropic-ratelimit-requests-remaining": "3999",
    "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:01+00:00",
    "anthropic-ratelimit-tokens-limit": "480000",
    "anthropic-ratelimit-tokens-remaining": "478000",
    "anthropic-ratelimit-tokens-reset": "2026-01-01T00:00:30Z",
}


def test_openai_tells_requests_and_tokens_with_durations() -> None:
    assert read(OPENAI, NEW_YEAR) == (
        Allowance("requests", 5_000, 4_999, 0.012),
        Allowance("tokens", 160_000, 159_976, 360.0),
    )


def test_of_the_kinds_of_tokens_that_counts_of_which_the_least_is_left() -> None:
    assert set(read(ANTHROPIC, NEW_YEAR)) == {
        Allowance("requests", 4_000, 3_999, 1.0),
        Allowance("tokens", 80_000, 79_000, 20.0),
    }


@pytest.mark.parametrize(
    ("reset", "expected"),
    [
        ("1767225660", 60.0),
        ("1767225660000", 60.0),
        ("30", 30.0),
        ("7.66s", 7.66),
        ("2m59.56s", 179.56),
        ("250ms", 0.25),
        ("2026-01-01T00:01:00Z", 60.0),
        ("2026-01-01T00:01:00", 60.0),
        ("2025-12-31T23:59:00Z", 0.0),
        ("1767225000", 0.0),
        ("9" * 25, RETRY_AFTER_CAP),
        ("soon", None),
        ("", None),
        ("-1", None),
        ("nan", None),
    ],
)
def test_a_reset_is_a_duration_a_moment_or_a_date(reset: str, expected: float | None) -> None:
    headers = {"X-RateLimit-Limit": "50", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
    (allowance,) = read(headers, NEW_YEAR)
    assert allowance[:3] == ("requests", 50, 0)
    assert allowance.reset == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("left", ["-1", "", "many", "1,000", "nan", "1e3", "²", "9" * 40])
def test_what_is_not_legible_says_nothing(left: str) -> None:
    assert read({"x-ratelimit-limit-tokens": left, "x-ratelimit-remaining-tokens": left}, NEW_YEAR) == ()


def test_a_limit_that_is_not_told_is_not_known() -> None:
    assert read({"ratelimit-remaining": "7"}, NEW_YEAR) == (Allowance("requests", None, 7),)


def test_of_two_that_are_used_up_the_one_that_lasts_longer_counts() -> None:
    headers = {
        "x-ratelimit-remaining-requests-minute": "0",
        "x-ratelimit-reset-requests-minute": "30",
        "x-ratelimit-remaining-requests-day": "0",
        "x-ratelimit-reset-requests-day": "3600",
    }
    assert read(headers, NEW_YEAR) == (Allowance("requests", None, 0, 3_600.0),)


@given(st.dictionaries(st.sampled_from(sorted(OPENAI | ANTHROPIC)), st.text(max_size=30)))
def test_any_text_is_read_without_an_error(headers: dict[str, str]) -> None:
    assert all(allowance.left >= 0 for allowance in read(headers, NEW_YEAR))
