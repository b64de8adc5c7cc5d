"""The flow as its caller asks for it: bounded, in part, or simulated; refused where nobody could answer."""

from __future__ import annotations

from typing import Final

from orchestrator.bootstrap.loading import registry
from orchestrator.bootstrap.options import RunOptions
from orchestrator.core.errors import FlowError, Problem
from orchestrator.core.flow import BackendSpec, Flow
from orchestrator.flows import asking, check_priced, only, simulated, with_limits
from orchestrator.flows.pricing import may_be_priced

SIMULATED: Final = "simulated"
_STAY_REAL: Final = {
    "all": frozenset({SIMULATED, "resource"}),
    "models": frozenset({SIMULATED, "resource", "http", "mcp"}),
}
"""The kinds of backend that `--simulate` leaves as they are."""


def as_asked(flow: Flow, options: RunOptions) -> Flow:
    """Return the flow with what the caller overrides."""
    flow = with_limits(
        flow,
        max_concurrency=options.max_concurrency,
        budget_usd=options.budget_usd,
        deadline=options.deadline,
    )
    if options.budget_usd is not None:
        check_priced(flow, _is_priced)
    if options.only:
        flow = only(flow, options.only)
    if options.simulate is not None:
        simulator = registry().backend(SIMULATED)
        assert simulator is not None, "the simulated backend is built in"
        flow = simulated(flow, simulator.settings(), real=_STAY_REAL[options.simulate])
    return flow


def _is_priced(spec: BackendSpec, model: str | None) -> bool:
    """Return whether calls have a price: one that is declared, or that the backend's kind knows."""
    return may_be_priced(spec, registry().backend(spec.kind), model)


def check_answerable(flow: Flow, options: RunOptions) -> None:
    """Refuse a flow that would ask where nobody can answer."""
    if options.can_ask or options.approve_all:
        return
    task = next((task for task in asking(flow) if task not in options.approve), None)
    if task is not None:
        hint = f"say --approve {task} or --approve-all, or run it where a terminal can ask"
        raise FlowError(Problem(f"task {task} asks for approval, and nobody can be asked", flow.file, hint=hint))
