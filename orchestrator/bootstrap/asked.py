"""The flow as its caller asks for it: bounded, in part, or simulated; refused where nobody could answer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from orchestrator.bootstrap.labels import known_labels
from orchestrator.bootstrap.loading import registry
from orchestrator.bootstrap.options import RunOptions
from orchestrator.core.errors import FlowError, Problem
from orchestrator.core.flow import BackendSpec, Flow, Json, whole_of
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


def check_answerable(flow: Flow, inputs: Mapping[str, Json], options: RunOptions) -> None:
    """Refuse a flow that would ask where nobody can answer. What only the run can tell is left to it."""
    if options.can_ask or options.approve_all:
        return
    task = next((one for name in asking(flow) for one in _unanswered(flow, name, inputs, options.approve)), None)
    if task is not None:
        hint = f"say --approve {_for_shells(task)} or --approve-all, or run it where a terminal can ask"
        raise FlowError(Problem(f"task {task} asks for approval, and nobody can be asked", flow.file, hint=hint))


def _unanswered(flow: Flow, name: str, inputs: Mapping[str, Json], approved: Collection[str]) -> Iterator[str]:
    """Yield what of a task nobody approved in advance: the whole, or instances where others were named."""
    named = {one for one in approved if whole_of(one) == name}
    if name in named:
        return
    labels = known_labels(flow, name, inputs) if named else []
    instances = [f"{name}[{label}]" for label in labels or ()]
    yield from (name,) if labels == [] else (one for one in instances if one not in named)


def _for_shells(name: str) -> str:
    return name.removesuffix("]").replace("[", ":")
