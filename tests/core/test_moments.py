"""When a moment has come."""

from __future__ import annotations

from orchestrator.core.moments import MOMENT, seconds_until


def test_what_is_left_is_waited_for() -> None:
    assert seconds_until(5.0, 2.0) == 3.0


def test_what_has_come_or_is_as_good_as_come_is_not_waited_for() -> None:
    assert seconds_until(2.0, 5.0) == seconds_until(5.0, 5.0) == seconds_until(5.0 + MOMENT / 2, 5.0) == 0.0
