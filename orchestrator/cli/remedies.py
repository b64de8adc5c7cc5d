"""What helps a run that is held and that nobody steers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from orchestrator.core.run import Run
from orchestrator.core.states import Reason, State

_REMEDIES: Final[Mapping[Reason, str]] = {
    Reason.APPROVAL: "say `--approve TASK` or `--approve-all`, or run it where a terminal can ask",
    Reason.ANSWER: "run it where a terminal can ask",
    Reason.BREAKER: "the breaker of {gate} was tripped: `orchestrator tui` can reset it",
    Reason.BUDGET: "raise the budget of the {gate} in the flow, or set its `on_exceeded: fail` or `warn`",
    Reason.PAUSED: "it was paused: `orchestrator tui` can let it go on",
    Reason.QUOTA: "the quota of {gate} is used up, nobody knows until when: try later, or give it a `fallback`",
}

_BUDGET_OF_RUN: Final = (
    "raise the budget of the run (dollars: `--budget-usd`), or set its `on_exceeded: fail` or `warn`"
)


def remedies(run: Run) -> Iterator[str]:
    """Yield what helps, once for each thing that tasks wait for."""
    waits = [task.wait for task in run.tasks.values() if task.state is State.WAITING and task.wait is not None]
    for reason, gate in dict.fromkeys((wait.reason, wait.gate) for wait in waits):
        if (reason, gate) == (Reason.BUDGET, "run"):
            yield _BUDGET_OF_RUN
        elif reason in _REMEDIES:
            yield _REMEDIES[reason].format(gate=(gate or "").replace(":", " ", 1))
