"""Flows: read from files, checked, planned, drawn. The readers of the file format."""

from __future__ import annotations

from orchestrator.flows.limits import Limits
from orchestrator.flows.load import Loaded, load_flow
from orchestrator.flows.registry import Registry
from orchestrator.flows.values import check_inputs, resolve_inputs

__all__ = ["Limits", "Loaded", "Registry", "check_inputs", "load_flow", "resolve_inputs"]
