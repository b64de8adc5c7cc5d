"""What a model said is read as JSON where it is some, and checked; what is wrong is told in words."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import InputError
from orchestrator.models.structured import Checker, Misfit, SchemaError, correction, fitting, json_in, usable_schema

NAMED: dict[str, Any] = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


# ── finding the value ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ("  [1, 2]\n", [1, 2]),
        ("null", None),
        ('```json\n{"a": 1}\n```', {"a": 1}),
        ("Here you are:\n\n```\n[1]\n```\nAnything else?", [1]),
        ('```json\n{"a": "```"}\n```', {"a": "```"}),
        ('The answer is {"a": {"b": [1]}}, as you see.', {"a": {"b": [1]}}),
        ("I thought [hard] about it: [1]", [1]),
        ('```python\nprint([)\n```\nso {"a": 1}', {"a": 1}),
    ],
)
def test_a_value_is_found_in_what_stands_around_it(text: str, value: object) -> None:
    assert json_in(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no JSON"),
        ("I do not know.", "no JSON"),
        ('{"a": NaN}', "no JSON"),
        ('{"a": 1} or {"a": 2}', "several"),
        ("```\n[1]\n```\n```\n[2]\n```", "several"),
        pytest.param("[" * 100_000, "no JSON", id="brackets"),
        pytest.param("```x\n" * 100_000, "no JSON", id="fences"),
        pytest.param("[1," * 100_000, "no JSON", id="lists"),
        pytest.param("{" * 5_000, "no JSON", id="braces"),
    ],
)
def test_a_text_without_exactly_one_value_says_so(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        json_in(text)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_an_object_is_found_however_it_is_wrapped(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    assert json_in(text) == json_in(f"```json\n{text}\n```") == json_in(f"So: {text}.") == value


# ── checking it ─────────────────────────────────────────────────────────────────────────────────


def test_a_value_that_fits_is_returned() -> None:
    assert fitting('{"name": "x"}', NAMED) == {"name": "x"}


def test_what_is_wrong_is_told_with_its_place() -> None:
    with pytest.raises(Misfit, match=r"at \$\.name: 1 is not of type 'string'"):
        fitting('{"name": 1}', NAMED)
    with pytest.raises(Misfit, match="'name' is a required property"):
        fitting("{}", NAMED)
    with pytest.raises(Misfit, match="no JSON"):
        fitting("sorry", NAMED)


def test_long_violations_are_shortened_and_many_are_not_all_told() -> None:
    found = Checker({"items": {"type": "string", "maxLength": 3}}).violations(["x" * 10_000, *range(100)])
    assert len(found) == 5
    assert len(found[0]) < 300


def test_frozen_data_is_data() -> None:
    assert Checker({"type": "array"}).violations((1, 2)) == ()


@pytest.mark.parametrize("schema", [{"type": 5}, {"type": "strin"}, {"pattern": "("}])
def test_a_schema_that_is_none_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        Checker(schema)


def test_nothing_is_fetched_for_a_schema() -> None:
    with pytest.raises(SchemaError, match=r"refers to 'http://127\.0\.0\.1:9/x'"):
        Checker({"$ref": "http://127.0.0.1:9/x"}).violations(1)


def test_a_schema_that_refers_to_what_is_not_there_is_the_task_s_mistake() -> None:
    with pytest.raises(InputError, match="refers to"):
        fitting("{}", {"$ref": "#/$defs/nothing"})


def test_a_correction_tells_what_is_wrong_and_what_is_wanted() -> None:
    told = correction(Misfit("at $.name: 1 is not of type 'string'"), NAMED)
    assert "- at $.name: 1 is not of type 'string'" in told
    assert json.dumps(NAMED) in told


# ── schemas in files ────────────────────────────────────────────────────────────────────────────


def test_a_schema_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "named.json").write_text(json.dumps(NAMED))
    assert usable_schema("named.json", str(tmp_path)) == NAMED
    assert usable_schema(NAMED, str(tmp_path)) == NAMED


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file"), (b"\xff", "utf-8"), (b"{", "Expecting"), (b"[]", "no object"), (b'{"type": 5}', "at")],
)
def test_a_schema_file_that_holds_none_is_named(tmp_path: Path, content: bytes | None, why: str) -> None:
    if content is not None:
        (tmp_path / "s.json").write_bytes(content)
    with pytest.raises(InputError, match=why):
        usable_schema("s.json", str(tmp_path))
