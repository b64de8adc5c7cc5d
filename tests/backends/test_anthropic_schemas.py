"""Answers with a form are asked for in the way that the model and the schema allow."""

from typing import Any

import pytest

from orchestrator.backends.anthropic.schemas import ANSWER_TOOL, PLAIN, SchemaMode, formed, narrowed
from orchestrator.core.model import ModelRequest, ToolSpec, said

NEW, OLD, OTHER = "claude-sonnet-4-5", "claude-3-7-sonnet-20250219", "qwen3"
PERSON = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
OPEN = {"type": "object", "additionalProperties": {"type": "string"}}
LIST = {"type": "array", "items": {"type": "integer"}}


def request(schema: dict[str, Any] | None, *tools: ToolSpec) -> ModelRequest:
    return ModelRequest((said("user", "Who?"),), system="Be brief.", schema=schema, tools=tools)


def way(schema: dict[str, Any], model: str, mode: SchemaMode) -> str:
    asked, form = formed(request(schema), model, mode)
    assert asked.schema is None
    if form.format is not None:
        return "native"
    return "tool" if form.tool else "instruct"


@pytest.mark.parametrize(
    ("schema", "model", "mode", "expected"),
    [
        (PERSON, NEW, "auto", "native"),
        (LIST, NEW, "auto", "native"),
        (OPEN, NEW, "auto", "tool"),
        (PERSON, OLD, "auto", "tool"),
        (PERSON, "claude-sonnet-4-20250514", "auto", "tool"),
        (PERSON, "claude-opus-4-0", "auto", "tool"),
        (PERSON, "claude-opus-4-1-20250805", "auto", "tool"),
        (PERSON, "claude-opus-4-6", "auto", "native"),
        (PERSON, "anthropic.claude-haiku-4-5-20251001-v1:0", "auto", "native"),
        (PERSON, OTHER, "auto", "tool"),
        (LIST, OTHER, "auto", "instruct"),
        (PERSON, OTHER, "native", "native"),
        (OPEN, OTHER, "native", "tool"),
        (PERSON, NEW, "tool", "tool"),
        (LIST, NEW, "tool", "instruct"),
        (PERSON, NEW, "instruct", "instruct"),
    ],
)
def test_the_way_depends_on_the_model_and_the_schema(
    schema: dict[str, Any], model: str, mode: SchemaMode, expected: str
) -> None:
    assert way(schema, model, mode) == expected


def test_without_a_schema_nothing_changes() -> None:
    plain = request(None)
    assert formed(plain, NEW, "auto") == (plain, PLAIN)


def test_the_answer_tool_has_a_name_of_its_own() -> None:
    taken = (ToolSpec(ANSWER_TOOL, "", {}), ToolSpec(f"{ANSWER_TOOL}_", "", {}))
    asked, form = formed(request(PERSON, *taken), OLD, "auto")
    assert form.tool == f"{ANSWER_TOOL}__"
    assert asked.tools[-1].schema == PERSON


def test_in_words_the_schema_stands_in_the_system_prompt() -> None:
    asked, _ = formed(request(LIST), OTHER, "auto")
    assert asked.system is not None
    assert asked.system.startswith("Be brief.")
    assert '"integer"' in asked.system


def test_objects_are_closed_and_limits_are_told_in_words() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "description": "A person.",
        "properties": {
            "age": {"type": "integer", "description": "Years.", "minimum": 0, "maximum": 150},
            "mail": {"type": "string", "format": "email"},
            "code": {"type": "string", "format": "regex", "pattern": "^a"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "maxItems": 3},
            "boss": {"oneOf": [{"type": "null"}, PERSON]},
            "size": {"type": ["number", "null"]},
        },
        "required": ["age"],
    }
    assert narrowed(schema) == {
        "type": "object",
        "description": "A person.",
        "properties": {
            "age": {"type": "integer", "description": "Years. (minimum: 0, maximum: 150)"},
            "mail": {"type": "string", "format": "email"},
            "code": {"type": "string", "description": "(pattern: ^a, format: regex)"},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "minItems": 1, "description": "(maxItems: 3)"},
            "boss": {"anyOf": [{"type": "null"}, {**PERSON, "additionalProperties": False}]},
            "size": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
        "required": ["age"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"description": "Anything."},
        {"type": "object"},
        {"type": "thing"},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "properties": {}, "additionalProperties": True},
        {"type": "object", "properties": {}, "patternProperties": {"^a": {}}},
        {"type": "object", "properties": {"next": {"$ref": "#"}}},
        {"type": "array", "items": {"not": {"type": "null"}}},
        {"anyOf": [{"type": "string"}, {}]},
    ],
)
def test_what_the_api_has_no_words_for_is_asked_otherwise(schema: dict[str, Any]) -> None:
    assert narrowed(schema) is None
