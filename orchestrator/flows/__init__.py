"""Flows: read from files, checked, planned, drawn. The readers of the file format."""

from __future__ import annotations

from orchestrator.flows.bounds import Bounds, bounds, say_seconds
from orchestrator.flows.drawing import graph
from orchestrator.flows.jsonschema import json_schema
from orchestrator.flows.limits import Limits, read_limit
from orchestrator.flows.load import Loaded, load_flow
from orchestrator.flows.overriding import asking, check_approvals, check_priced, only, simulated, with_limits
from orchestrator.flows.plan import Plan, Planned, PlannedGroup, plan
from orchestrator.flows.registry import Registry
from orchestrator.flows.tasks import MODEL_KINDS
from orchestrator.flows.values import check_inputs, resolve_inputs

__all__ = [
    "MODEL_KINDS",
    "Bounds",
    "Limits",
    "Loaded",
    "Plan",
    "Planned",
    "PlannedGroup",
    "Registry",
    "asking",
    "bounds",
    "check_approvals",
    "check_inputs",
    "check_priced",
    "graph",
    "json_schema",
    "load_flow",
    "only",
    "plan",
    "read_limit",
    "resolve_inputs",
    "say_seconds",
    "simulated",
    "with_limits",
]
