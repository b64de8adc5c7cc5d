"""What a guided run looks like."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.core.simulation import Mood
from tests.tui.scene import research
from tests.tui.test_tour import FakeGuide, guided

Compare = Callable[..., bool]


def burning() -> FakeGuide:
    guide = FakeGuide("claude/sonnet", "openai", "web-fetch")
    guide.turn("web-fetch", Mood.BURNING)
    guide.turn("openai", Mood.SLOW)
    return guide


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
def test_a_guided_run(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(guided(research(), burning()), terminal_size=size)


def test_the_proof(snap_compare: Compare) -> None:
    guide = burning()
    guide.caption = guide.caption._replace(moment="proof", heading="0 of 22 tasks were affected", step=8, affected=0)
    assert snap_compare(guided(research(), guide), terminal_size=(120, 40))
