"""The levels of a flow that goes on with less: what they name must be there."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core.errors import Code
from orchestrator.core.flow import DegradeLevel
from orchestrator.flows.findings import Findings, Spot
from orchestrator.flows.grammar import either, has_template
from orchestrator.flows.serving import Known, serves


def check_levels(levels: Iterable[DegradeLevel], known: Known, findings: Findings, *, any_optional: bool) -> None:
    """Check the backends that the levels name, and those that get other models."""
    for level in levels:
        if level.skip_optional and not any_optional:
            path = ("degrade", level.name, "skip_optional")
            findings.warn(
                "no task is optional, so none is skipped", path, "write `optional: true` in some, or leave it out"
            )
        spot = Spot(findings, ("degrade", level.name))
        for number, name in enumerate(level.when):
            if name not in known.backends | known.servers:
                _unknown(name, known, spot.below("when", number))
        for name, model in level.models.items():
            _check_model(name, model, known, spot.below("models", name))


def _check_model(name: str, model: str, known: Known, spot: Spot) -> None:
    declared = known.declared.get(name)
    if name not in known.backends | known.servers:
        _unknown(name, known, spot)
    elif declared is not None and not serves("llm", declared):
        spot.add(f"{name!r} (kind {declared.spec.kind}) has no model", "leave it out", code=Code.UNKNOWN_NAME)
    elif has_template(model):
        spot.add("the model of a level is fixed: a template cannot name it", "write the name itself")


def _unknown(name: str, known: Known, spot: Spot) -> None:
    names = known.backends | known.servers
    expected = f"expected {either(sorted(names))}" if names else "declare it under `backends:`"
    meant = spot.findings.suggest(name, names)
    spot.add(f"there is no backend {name!r}", f"{expected}; {meant}" if meant else expected, code=Code.UNKNOWN_NAME)
