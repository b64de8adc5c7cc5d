"""The part of JSON Schema that our schema uses, as a checker."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

TYPES: dict[str, Callable[[object], bool]] = {
    "string": lambda data: isinstance(data, str),
    "boolean": lambda data: isinstance(data, bool),
    "null": lambda data: data is None,
    "integer": lambda data: isinstance(data, int) and not isinstance(data, bool),
    "number": lambda data: isinstance(data, int | float) and not isinstance(data, bool),
    "array": lambda data: isinstance(data, list),
    "object": lambda data: isinstance(data, dict),
}


def faults(schema: Any, data: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - JSON
    """Yield what is wrong with the data."""
    if schema is False:
        yield f"{path}: nothing may be here"
    if not isinstance(schema, dict):
        return
    for word, check in CHECKS.items():
        if word in schema:
            yield from check(schema, data, path)


def fits(schema: Any, data: Any) -> bool:  # noqa: ANN401 - JSON
    return not any(faults(schema, data))


def _type(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    allowed = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(TYPES[name](data) for name in allowed):
        yield f"{path}: {data!r} is not of {allowed}"


def _properties(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if isinstance(data, dict):
        for key, value in data.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties", True))
            yield from faults(inner, value, f"{path}/{key}")


def _items(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    for number, value in enumerate(data if isinstance(data, list) else ()):
        yield from faults(schema["items"], value, f"{path}/{number}")


def _required(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if isinstance(data, dict):
        yield from (f"{path}: no {key}" for key in schema["required"] if key not in data)


def _any_of(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if not any(fits(one, data) for one in schema["anyOf"]):
        yield f"{path}: {data!r} fits none"


def _one_of(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if sum(fits(one, data) for one in schema["oneOf"]) != 1:
        yield f"{path}: {data!r} fits none, or several"


def _not(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if fits(schema["not"], data):
        yield f"{path}: {data!r} fits what it must not"


def _enum(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if data not in schema["enum"]:
        yield f"{path}: {data!r} is none of {schema['enum']}"


def _const(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if data != schema["const"]:
        yield f"{path}: {data!r} is not {schema['const']!r}"


def _pattern(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if isinstance(data, str) and not re.search(schema["pattern"], data):
        yield f"{path}: {data!r} does not match {schema['pattern']}"


def _property_names(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    for key in data if isinstance(data, dict) else ():
        yield from faults(schema["propertyNames"], key, f"{path}/{key}")


def _bounds(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if isinstance(data, int | float) and data < schema.get("minimum", data):
        yield f"{path}: {data} is too little"
    if isinstance(data, int | float) and data > schema.get("maximum", data):
        yield f"{path}: {data} is too much"


def _min_items(schema: Mapping[str, Any], data: object, path: str) -> Iterator[str]:
    if isinstance(data, list) and len(data) < schema["minItems"]:
        yield f"{path}: too short"


CHECKS: dict[str, Callable[[Mapping[str, Any], Any, str], Iterator[str]]] = {
    "type": _type,
    "additionalProperties": _properties,
    "items": _items,
    "required": _required,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "propertyNames": _property_names,
    "minimum": _bounds,
    "maximum": _bounds,
    "minItems": _min_items,
}
KNOWN = {*CHECKS, "properties", "description", "examples", "title", "$schema"}


def unknown_words(schema: Any) -> set[str]:  # noqa: ANN401 - JSON
    """Return the words of a schema that this checker does not know."""
    if isinstance(schema, list):
        return set().union(*map(unknown_words, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = set(schema) - KNOWN
    for word, inner in schema.items():
        if word == "properties":
            found |= set().union(*map(unknown_words, inner.values())) if inner else set()
        elif word not in {"enum", "examples", "const", "required"}:
            found |= unknown_words(inner)
    return found
