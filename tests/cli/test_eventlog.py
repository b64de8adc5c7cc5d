from __future__ import annotations

from orchestrator.cli.eventlog import OutputsKept
from orchestrator.core import events as ev
from orchestrator.core.states import Outcome
from tests.cli.story import Story


def story() -> Story:
    return Story().adds("a", "b").starts("a").succeeds("a", {"stdout": "x\u2028y"}).starts("b").fails("b")


def test_outputs_are_kept_for_the_report_and_dropped_with_a_reset() -> None:
    kept = OutputsKept()
    kept.append(story().records)
    assert kept.outputs == {"a": {"stdout": "x\u2028y"}, "b": None}
    reset = story().ends(Outcome.FAILED).happens(ev.RunReopened("operator"), ev.TaskReset("b", "retry"))
    kept.append(reset.records)
    assert "b" not in kept.outputs
