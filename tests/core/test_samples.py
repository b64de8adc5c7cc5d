"""A sample is of its schema."""

import pytest
from jsonschema import Draft202012Validator

from orchestrator.core.samples import sample

PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 18}}}
TREE = {"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"value": {"type": "number"}}}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 12},
        {"type": "string", "maxLength": 3},
        {"enum": ["low", "high"]},
        {"const": 7},
        {"type": "integer", "exclusiveMinimum": 4},
        {"type": "number", "maximum": -3},
        {"type": ["null", "string"]},
        {"type": "array", "items": PERSON, "minItems": 2},
        {"anyOf": [{"type": "boolean"}, PERSON]},
        {"allOf": [PERSON, {"properties": {"mail": {"type": "string"}}, "required": ["mail", "name"]}]},
        PERSON,
        TREE,
        {},
    ],
)
def test_a_sample_is_accepted_by_its_schema(schema: dict[str, object]) -> None:
    Draft202012Validator(schema).validate(sample(schema))


def test_a_schema_that_refers_to_itself_has_a_sample_that_ends() -> None:
    endless = {"type": "object", "properties": {"next": {"$ref": "#"}}}
    assert "next" in str(sample(endless))


def test_what_is_no_schema_has_no_sample() -> None:
    assert sample("nonsense") is None
