"""What a model costs: what the backend says, else the configuration of the model, else what the kind knows of it."""

from __future__ import annotations

from orchestrator.core.flow import BackendSpec, Price
from orchestrator.core.ports import Backend
from orchestrator.flows.grammar import has_template
from orchestrator.models.prices import price_of


def price_for(spec: BackendSpec, kind: type[Backend] | None, model: str | None = None) -> Price | None:
    """Return what the model costs there, or the backend's own where none is named; None where nobody knows."""
    declared = spec.price_of(model)
    if declared is not None:
        return declared
    name = model or getattr(spec.settings, "model", None)
    if not isinstance(name, str) or not getattr(kind, "knows_prices", False):
        return None
    address = getattr(spec.settings, "base_url", None)
    return price_of(address if isinstance(address, str) else None, name)


def may_be_priced(spec: BackendSpec, kind: type[Backend] | None, model: str | None = None) -> bool:
    """Return whether calls have a price, or may have one: which model a template names, only the run can tell."""
    name = model or getattr(spec.settings, "model", None)
    if isinstance(name, str) and has_template(name) and getattr(kind, "knows_prices", False):
        return True
    return price_for(spec, kind, model) is not None
