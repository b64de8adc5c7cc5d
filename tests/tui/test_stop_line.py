"""The question after Ctrl+C, as wide as the screen is."""

from __future__ import annotations

import pytest

from orchestrator.core.run import Run
from orchestrator.core.states import Status
from orchestrator.tui.lines import plain
from orchestrator.tui.screens.stop import stop_line


@pytest.mark.parametrize("cells", [80, 120])
def test_the_way_back_is_seen_at_every_width(cells: int) -> None:
    run = Run("r")
    run.tally.counts[Status.RUNNING] = 9
    said = plain(stop_line(run, on_task=True, in_group=True, cells=cells))
    assert said.rstrip().endswith("Esc: go on")
    assert len(said) <= cells
