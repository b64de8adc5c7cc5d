"""The few values that the ports are told in."""

from __future__ import annotations

from orchestrator.core.model import NO_USAGE, Usage
from orchestrator.core.ports import Estimate


def test_an_estimate_is_what_goes_in_and_comes_out_together() -> None:
    assert Estimate(100, 20).tokens == 120
    assert Estimate().tokens == 0


def test_no_usage_is_unpriced_rather_than_free() -> None:
    assert Usage() == NO_USAGE
    assert NO_USAGE.cost_usd is None
