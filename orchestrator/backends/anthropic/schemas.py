"""How an answer with a form is asked for: in the API's own way where the schema fits it, else by a tool, or in words.

The API holds to a small part of JSON Schema only. What it leaves out is told to the model in words; whether the answer
keeps to that is checked by whoever asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from orchestrator.core.model import ModelRequest, ToolSpec
from orchestrator.models.building import instructed

SchemaMode: TypeAlias = Literal["auto", "native", "tool", "instruct"]

ANSWER_TOOL: Final = "give_answer"

_OLD: Final = re.compile(r"claude-(?:instant|v?[123]\b|(?:opus|sonnet)-4(?:-[01](?!\d)|-2025\d{4}|$|[@:]))")
"""Models from before the API had a format of its own."""

_TYPES: Final = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
_FORMATS: Final = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_KEPT: Final = ("title", "default", "enum", "const", "required")
_IN_WORDS: Final = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties"),
)
_IGNORED: Final = frozenset({"$schema", "$id", "$comment", "examples", "deprecated", "readOnly", "writeOnly"})
_CHOICES: Final = {"anyOf": "anyOf", "oneOf": "anyOf", "allOf": "allOf"}
_HANDLED: Final = frozenset(
    {"type", "properties", "additionalProperties", "items", "format", "description", *_KEPT, *_IN_WORDS, *_CHOICES}
)


class Form(NamedTuple):
    """How the form of an answer is put to the API: as `format`, or as a tool of this name that takes the answer."""

    format: Mapping[str, Any] | None = None
    tool: str | None = None


PLAIN: Final = Form()


def formed(request: ModelRequest, model: str, mode: SchemaMode) -> tuple[ModelRequest, Form]:
    """Return the request as it is to be put, without its schema, and the form in which that is asked for."""
    if request.schema is None:
        return request, PLAIN
    asked = replace(request, schema=None)
    is_native = mode == "native" or (mode == "auto" and _has_formats(model))
    if is_native and (narrow := narrowed(request.schema)) is not None:
        return asked, Form(format={"type": "json_schema", "schema": narrow})
    if mode != "instruct" and request.schema.get("type") == "object":
        name = _free_name({tool.name for tool in request.tools})
        return replace(asked, tools=(*request.tools, _answer_tool(name, request.schema))), Form(tool=name)
    return instructed(request), PLAIN


def narrowed(schema: object) -> dict[str, Any] | None:
    """Return the schema in the part of JSON Schema that the API knows, None where that would change what it means."""
    try:
        return _narrow(schema)
    except _WiderError:
        return None


class _WiderError(Exception):
    """A schema says what the API has no words for."""


def _has_formats(model: str) -> bool:
    return "claude" in model and not _OLD.search(model)


def _free_name(taken: set[str]) -> str:
    return next(name for number in range(len(taken) + 1) if (name := ANSWER_TOOL + "_" * number) not in taken)


def _answer_tool(name: str, schema: Mapping[str, Any]) -> ToolSpec:
    return ToolSpec(name, "Give the final answer: call this once, when all else is done, and say nothing more.", schema)


# ── a part of JSON Schema ───────────────────────────────────────────────────────────────────────


def _narrow(schema: object) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or schema.keys() - _HANDLED - _IGNORED:
        raise _WiderError
    kinds = schema.get("type")
    if isinstance(kinds, list | tuple):
        return {"anyOf": [_narrow({**schema, "type": kind}) for kind in kinds]}
    narrow: dict[str, Any] = {key: schema[key] for key in _KEPT if key in schema}
    for key, name in _CHOICES.items():
        if key in schema:
            narrow[name] = [_narrow(choice) for choice in schema[key]]
    if isinstance(kinds, str):
        narrow |= _of_type(kinds, schema)
    elif not narrow.keys() & {"anyOf", "allOf", "enum", "const"}:
        raise _WiderError
    return narrow | _described(schema, narrow)


def _of_type(kind: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in _TYPES:
        raise _WiderError
    own = _OWN.get(kind)
    return {"type": kind, **(own(schema) if own else {})}


def _of_object(schema: Mapping[str, Any]) -> dict[str, Any]:
    names = schema.get("properties")
    if not isinstance(names, Mapping) or schema.get("additionalProperties", False) is not False:
        raise _WiderError
    return {
        "properties": {str(name): _narrow(inner) for name, inner in names.items()},
        "additionalProperties": False,
    }


def _of_array(schema: Mapping[str, Any]) -> dict[str, Any]:
    least = {"minItems": schema["minItems"]} if schema.get("minItems") in {0, 1} else {}
    return least | ({"items": _narrow(schema["items"])} if "items" in schema else {})


def _of_string(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"format": schema["format"]} if schema.get("format") in _FORMATS else {}


_OWN: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "object": _of_object,
    "array": _of_array,
    "string": _of_string,
}


def _described(schema: Mapping[str, Any], narrow: Mapping[str, Any]) -> dict[str, str]:
    """Say in words what is left out."""
    left_out = [f"{key}: {schema[key]}" for key in (*_IN_WORDS, "format") if key in schema and key not in narrow]
    words = [str(schema["description"])] if schema.get("description") else []
    words += [f"({', '.join(left_out)})"] if left_out else []
    return {"description": " ".join(words)} if words else {}
