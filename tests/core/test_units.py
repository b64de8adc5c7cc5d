"""What people write for times, sizes and counts is read as they mean it."""

from collections.abc import Callable

import pytest

from orchestrator.core.units import count, many, seconds, size


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("100ms", 0.1),
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5_400),
        ("7d", 604_800),
        ("1h 5m", 3_900),
        ("2.5", 2.5),
        (4, 4),
    ],
)
def test_a_duration_is_read_in_seconds(written: float | str, expected: float) -> None:
    assert seconds(written) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("100KB", 100_000), ("1MB", 1_000_000), ("1.1 MB", 1_100_000), ("1MiB", 1 << 20), ("12", 12), (7, 7)],
)
def test_a_size_is_read_in_bytes(written: float | str, expected: int) -> None:
    assert size(written) == expected


@pytest.mark.parametrize(
    ("written", "expected"), [("200_000", 200_000), ("200k", 200_000), ("1.5m", 1_500_000), (3, 3)]
)
def test_a_count_is_read_whole(written: float | str, expected: int) -> None:
    assert count(written) == expected


@pytest.mark.parametrize("read", [seconds, size, count])
@pytest.mark.parametrize("written", ["", "x", "5 parsecs", "-1", "1e3", "5s!", "٣s", -1, float("nan"), True])
def test_anything_else_is_refused_with_advice(read: Callable[[float | str], float], written: float | str) -> None:
    with pytest.raises(ValueError, match=r"write|must be"):
        read(written)


def test_half_a_token_is_no_count() -> None:
    with pytest.raises(ValueError, match="whole"):
        count("1.5")


def test_nouns_follow_their_number() -> None:
    assert (many(1, "task"), many(2, "task"), many(2, "try", "tries")) == ("1 task", "2 tasks", "2 tries")
