"""A value that a JSON Schema accepts, as plain as can be: what a simulation says where somebody wants data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from orchestrator.core.flow import Json

DEEPEST: Final = 20
"""How deep a schema may refer to itself before its samples end."""


def sample(schema: object, *, root: object = None, depth: int = 0) -> Json:
    """Return a value of the schema. References are followed within it; what it cannot make sense of is null."""
    root = schema if root is None else root
    if not isinstance(schema, Mapping) or depth > DEEPEST:
        return None
    for key in ("const", "default"):
        if key in schema:
            return schema[key]  # type: ignore[no-any-return]  # a schema is JSON, and so is what stands in it
    if schema.get("enum"):
        return schema["enum"][0]  # type: ignore[no-any-return]  # as above
    inner = _inner(schema, root)
    if inner is not None:
        return sample(inner, root=root, depth=depth + 1)
    return _of_type(schema, root, depth)


def _inner(schema: Mapping[str, Any], root: object) -> object:
    """Return the schema that this one stands for, None if it stands for itself."""
    if "$ref" in schema:
        return _referred(str(schema["$ref"]), root)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return choices[0]
    parts = schema.get("allOf")
    return _merged(parts) if parts else None


def _referred(reference: str, root: object) -> object:
    found = root
    for step in reference.removeprefix("#/").split("/"):
        found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found if found is not None else {}


def _merged(parts: list[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for part in parts:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        merged |= part
        if properties:
            merged["properties"] = properties
    return merged


def _of_type(schema: Mapping[str, Any], root: object, depth: int) -> Json:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0] if kind else None
    if kind == "object" or (kind is None and "properties" in schema):
        properties: Mapping[str, Any] = schema.get("properties", {})
        return {name: sample(one, root=root, depth=depth + 1) for name, one in properties.items()}
    if kind == "array":
        return [sample(schema.get("items", {}), root=root, depth=depth + 1)] * max(1, schema.get("minItems", 0))
    return _atom(kind, schema)


def _atom(kind: object, schema: Mapping[str, Any]) -> Json:
    match kind:
        case "string":
            return "example".ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength", 1 << 20)]
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
        case _:
            return None


def _number(schema: Mapping[str, Any]) -> int | float:
    least: int | float = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    most: int | float = schema.get("maximum", least)
    return min(least, most)
