"""The JSON Schema of flow files, for editors: made from the same keys that the loader reads."""

from __future__ import annotations

from typing import Any, Final

from orchestrator.core.errors import OrchestratorError
from orchestrator.core.flow import MCP
from orchestrator.core.ports import Backend
from orchestrator.flows.backends import backend_form, backend_kinds, server_form
from orchestrator.flows.grammar import Form, JsonSchema, Key
from orchestrator.flows.kinds import kind_node, sort_of_flow
from orchestrator.flows.registry import Registry
from orchestrator.flows.roles import agent_kind, role_form
from orchestrator.flows.schema import (
    FLOW,
    GROUP,
    ID_PATTERN,
    INPUT,
    LABEL_PATTERN,
    NAME_PATTERN,
    SECRET,
    SECTIONS,
    TASK,
    WORD_PATTERN,
)

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_NULL: Final = {"type": "null"}


def json_schema(registry: Registry) -> dict[str, Any]:
    """Return the schema of what this installation accepts."""
    schema = FLOW.json_schema()
    properties = schema["properties"]
    properties["version"]["const"] = 1
    for section, entry, names in _sections(registry):
        properties[section] |= {"additionalProperties": entry, "propertyNames": {"pattern": names}}
    for section in SECTIONS:
        properties[section]["type"] = ["object", "null"]
    return {"$schema": DIALECT, "title": "A flow of orchestrator", **schema}


def _sections(registry: Registry) -> list[tuple[str, JsonSchema | bool, str]]:
    name = f"^{NAME_PATTERN}$"
    return [
        ("inputs", {"anyOf": [INPUT.json_schema(), _NULL]}, name),
        ("secrets", SECRET.json_schema(), name),
        ("groups", {"anyOf": [GROUP.json_schema(), _NULL]}, f"^{LABEL_PATTERN}$"),
        ("backends", _backends(registry), f"^{LABEL_PATTERN}$"),
        ("mcp_servers", _servers(registry), f"^{WORD_PATTERN}$"),
        ("roles", {"anyOf": [role_form(agent_kind(registry)).json_schema(), _NULL]}, f"^{WORD_PATTERN}$"),
        ("tasks", _task(registry), f"^{ID_PATTERN}$"),
    ]


def _backends(registry: Registry) -> JsonSchema:
    forms = [_backend(name, registry) for name in backend_kinds(registry)]
    return {"anyOf": [form for form in forms if form is not None]}


def _backend(name: str, registry: Registry) -> JsonSchema | None:
    """Return the schema of one kind of backend; one that cannot be loaded is not offered."""
    found = _loaded(name, registry)
    if found is None:
        return None
    schema = backend_form(found).json_schema()
    schema["properties"]["kind"] = {"const": name, "description": schema["properties"]["kind"]["description"]}
    return schema


def _servers(registry: Registry) -> JsonSchema | bool:
    """Return the schema of an MCP server; there is none where nothing can talk to one."""
    found = _loaded(MCP, registry)
    return server_form(found).json_schema() if found else False


def _loaded(name: str, registry: Registry) -> type[Backend] | None:
    try:
        return registry.backend(name)
    except OrchestratorError:
        return None


def _task(registry: Registry) -> JsonSchema:
    """Return the schema of a task: the keys that all have, and exactly one kind, or approve alone."""
    kinds = {"flow": Key(sort_of_flow().node, "Expands another flow file into the run.")}
    for name in sorted(registry.kind_names):
        key = _kind(name, registry)
        if key is not None:
            kinds[name] = key
    form = Form("task", {**TASK, **dict(sorted(kinds.items()))})
    any_kind = [{"required": [name]} for name in sorted(kinds)]
    gate = {"required": ["approve"], "not": {"anyOf": any_kind}}
    return {**form.json_schema(), "oneOf": [*any_kind, gate]}


def _kind(name: str, registry: Registry) -> Key | None:
    try:
        found = registry.kind(name)
    except OrchestratorError:
        return None
    return Key(kind_node(found), f"What the task does: {name}.") if found else None
