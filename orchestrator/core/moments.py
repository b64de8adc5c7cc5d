"""When a moment has come, for clocks that count in floating-point seconds."""

from __future__ import annotations

from typing import Final

MOMENT: Final = 1e-6
"""Seconds that nobody waits for: sums of floats and timers that fire a little early differ by less."""


def seconds_until(moment: float, now: float) -> float:
    """Return how long it is until then: 0.0 when it has come, never so little that waiting would not move a clock."""
    left = moment - now
    return left if left > MOMENT else 0.0
