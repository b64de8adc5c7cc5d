"""The keys of a kind are the fields of the dataclass in which it declares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Optional

import pytest

from orchestrator import yamlsource
from orchestrator.core.flow import Json
from orchestrator.core.units import Count, Duration, FilePath, Size
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import JsonSchema
from orchestrator.flows.reading import WRONG, Reader
from orchestrator.flows.settings import form_of, node_of
from orchestrator.flows.suggest import Suggest, closest


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class Inner:
    size: Size
    from_: int = field(default=0, metadata={"key": "from"})


@dataclass(frozen=True, slots=True)
class Everything:
    text: str = ""
    flag: bool = False
    whole: int = 0
    number: float = 0.0
    data: Json = None
    any: Any = None
    choice: Literal["a", 1] = "a"
    colour: Colour = Colour.RED
    span: Duration | str | None = None
    count: Optional[Count] = None  # noqa: UP045 - older kinds write it so
    file: FilePath = ""
    noted: Annotated[str, "of no meaning here"] = ""
    many: tuple[int, ...] = ()
    more: Sequence[str] = ()
    named: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    inner: Inner | str | None = None
    inners: tuple[Inner, ...] = ()
    loose: float | str = 0.0


def read(folder: Path, text: str) -> Any:  # noqa: ANN401 - settings, or WRONG
    source = yamlsource.parse(text)
    findings = Findings(str(folder / "flow.yaml"), source)
    value = Reader(form_of(Everything)).read(source.data, (), findings)
    return value if value is not WRONG else [str(problem.message) for problem in findings.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", Everything()),
        ("text: hello", Everything(text="hello")),
        ("number: 3", Everything(number=3.0)),
        ("data: {a: [1, null]}", Everything(data={"a": [1, None]})),
        ("any: 3.10", Everything(any=3.1)),
        ("choice: 1", Everything(choice=1)),
        ("colour: blue", Everything(colour=Colour.BLUE)),
        ("span: 1m30s", Everything(span=90.0)),
        ("span: 5", Everything(span=5.0)),
        ("span: '{{ inputs.span }}'", Everything(span="{{ inputs.span }}")),
        ("span:", Everything(span=None)),
        ("count: 2k", Everything(count=2_000)),
        ("many: [1, 2]", Everything(many=(1, 2))),
        ("more: [a, 2]", Everything(more=("a", "2"))),
        ("named: {a: 1}", Everything(named={"a": 1.0})),
        ("inner: {size: 1KB, from: 3}", Everything(inner=Inner(1_000, 3))),
        ("inner: some text", Everything(inner="some text")),
        ("inners: [{size: 1}]", Everything(inners=(Inner(1),))),
        ("loose: 200ms..1s", Everything(loose="200ms..1s")),
        ("loose: 2", Everything(loose=2.0)),
    ],
)
def test_what_is_written_becomes_what_is_declared(text: str, expected: Everything, tmp_path: Path) -> None:
    assert read(tmp_path, text) == expected


def test_a_file_is_found_beside_the_flow_unless_a_template_names_it(tmp_path: Path) -> None:
    assert read(tmp_path, "file: a/../b.txt").file == str(tmp_path / "b.txt")
    assert read(tmp_path, "file: '{{ inputs.x }}'").file == "{{ inputs.x }}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("span: soon", "'span': 'soon' is not a duration"),
        ("whole: 1.5", "'whole' is 1.5"),
        ("flag: yes please", "'flag' is 'yes please'"),
        ("choice: b", "'choice' is 'b'"),
        ("inner: [1]", "'inner' is a list"),
        ("inner: {from: 3}", "'inner' has no 'size'"),
        ("inners: [{size: 1, form: 2}]", "unknown key 'form'"),
        ("named: {a: b}", "'a' is 'b'"),
        ("named: [1]", "'named' is a list"),
    ],
)
def test_what_does_not_fit_is_told(text: str, message: str, tmp_path: Path) -> None:
    assert read(tmp_path, text) == [message]


def test_a_type_that_no_flow_can_write_is_a_mistake_of_the_kind() -> None:
    with pytest.raises(TypeError, match="a setting cannot be of the type"):
        node_of(bytes)


def test_measures_show_examples_to_editors() -> None:
    schema: JsonSchema = form_of(Everything).json_schema()["properties"]
    assert "30s" in str(schema["span"])
    assert schema["many"] == {"type": "array", "items": {"type": "integer"}, "description": ""}


# ── did you mean ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("promt", ["prompt", "model"], "prompt"),
        ("PROMPT", ["prompt"], "prompt"),
        ("prompt", ["prompt"], None),
        ("x", ["prompt"], None),
        ("task_12x", [f"task_{n}" for n in range(5_000)], "task_12"),
    ],
)
def test_the_closest_name_is_found(name: str, known: list[str], meant: str | None) -> None:
    assert closest(name, known) == meant


def test_after_hundreds_of_questions_there_are_no_more_suggestions() -> None:
    suggest = Suggest()
    answers = [suggest("promt", ["prompt"]) for _ in range(300)]
    assert answers[0] == "did you mean 'prompt'?"
    assert answers[-1] is None
