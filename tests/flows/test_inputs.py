"""The values that a caller gives become what the flow declares, or are refused with advice."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.errors import Code, FlowError
from orchestrator.core.flow import Flow, Json
from orchestrator.flows import check_inputs, resolve_inputs
from tests.flows.fakes import flow_of

TEXT = """
inputs:
  name: {default: nobody}
  count: {type: int}
  share: {type: float}
  loud: {type: bool, default: false}
  folder: {type: path, default: data}
  words: {type: list}
  options: {type: map}
  tier: {choices: [fast, slow]}
  code: {pattern: "[A-Z]{3}"}
  picks: {type: list, choices: [a, b]}
tasks: {a: {shell: echo}}
"""


@pytest.fixture
def flow(tmp_path: Path) -> Flow:
    return flow_of(tmp_path, TEXT)


def given(flow: Flow, name: str, text: str) -> Json:
    return check_inputs(flow, {name: text}, cwd="/somewhere")[name]


def refusal(flow: Flow, name: str, text: str) -> str:
    with pytest.raises(FlowError) as caught:
        check_inputs(flow, {name: text}, cwd="/somewhere")
    [problem] = caught.value.problems
    assert problem.code == Code.INPUT_VALUE
    return f"{problem.message}; {problem.hint}"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", "3.10", "3.10"),
        ("name", "", ""),
        ("name", "@@home", "@home"),
        ("count", "1_000", 1000),
        ("count", "-3", -3),
        ("share", "3", 3.0),
        ("share", "1e-3", 0.001),
        ("loud", "Yes", True),
        ("loud", "off", False),
        ("folder", "x/../y", "/somewhere/y"),
        ("folder", "/abs", "/abs"),
        ("words", "de, fr,ja", ["de", "fr", "ja"]),
        ("words", '["a,b", 3]', ["a,b", 3]),
        ("words", "", []),
        ("options", '{"a": [1, null]}', {"a": [1, None]}),
        ("tier", "fast", "fast"),
        ("code", "ABC", "ABC"),
        ("picks", "b,a", ["b", "a"]),
    ],
)
def test_text_becomes_a_value_of_the_type(flow: Flow, name: str, text: str, value: Json) -> None:
    result = given(flow, name, text)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("count", "three", "the input 'count' is 'three'; expected a whole number"),
        ("share", "inf", "the input 'share' is 'inf'; expected a number"),
        ("loud", "maybe", "the input 'loud' is 'maybe'; expected true or false"),
        ("words", "[1, 2", "the input 'words' is no JSON"),
        ("options", "[1]", "the input 'options' is a list; expected a map as JSON"),
        ("options", "a=1", "the input 'options' is no JSON"),
        ("tier", "slw", "the input 'tier' is 'slw'; expected 'fast' or 'slow'"),
        ("code", "abc", "the input 'code' is 'abc'; expected what matches [A-Z]{3}"),
        ("picks", "a,c", "the input 'picks' is 'c'; expected 'a' or 'b'"),
        ("nmae", "x", "the flow has no input 'nmae'"),
        ("name", "@nowhere.txt", "the input 'name' names the file 'nowhere.txt', which cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused_with_advice(flow: Flow, name: str, text: str, words: str) -> None:
    assert refusal(flow, name, text).startswith(words)


def test_a_misspelt_name_gets_a_suggestion(flow: Flow) -> None:
    assert refusal(flow, "nmae", "x").endswith("did you mean 'name'?")


def test_what_is_not_given_has_its_default_and_paths_are_the_files(flow: Flow, tmp_path: Path) -> None:
    values = check_inputs(flow, {}, cwd="/somewhere")
    assert values["name"] == "nobody"
    assert values["loud"] is False
    assert values["count"] is None
    assert values["folder"] == str(tmp_path / "data")


def test_a_value_can_stand_in_a_file(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("one\ntwo\n", encoding="utf-8")
    (tmp_path / "options.json").write_text('\ufeff{"a": 1}', encoding="utf-8")
    values = check_inputs(flow, {"words": "@words.txt", "options": "@options.json"}, cwd=str(tmp_path))
    assert values["words"] == ["one", "two"]
    assert values["options"] == {"a": 1}


def test_a_file_that_is_no_text_is_refused(flow: Flow, tmp_path: Path) -> None:
    (tmp_path / "photo").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(FlowError, match="not UTF-8"):
        check_inputs(flow, {"name": "@photo"}, cwd=str(tmp_path))


def test_every_wrong_value_is_told_at_once(tmp_path: Path) -> None:
    text = "inputs: {a: {type: int, required: true}, b: {required: true}, c: {}}\ntasks: {x: {shell: echo}}"
    flow = flow_of(tmp_path, text)
    with pytest.raises(FlowError) as caught:
        check_inputs(flow, {"a": "x", "d": "y"}, cwd=".")
    assert [problem.message for problem in caught.value.problems] == [
        "the input 'a' is 'x'",
        "the flow has no input 'd'",
        "the input 'b' is required",
    ]


def test_a_flow_without_inputs_takes_none(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "tasks: {x: {shell: echo}}")
    with pytest.raises(FlowError, match="it takes none"):
        check_inputs(flow, {"a": "x"}, cwd=".")


def test_a_calling_flow_gives_values_that_have_their_types(flow: Flow) -> None:
    values = resolve_inputs(flow, {"count": 3, "words": ["a"], "share": 1})
    assert (values["count"], values["words"], values["share"]) == (3, ["a"], 1.0)


@pytest.mark.parametrize(("name", "value"), [("count", "3"), ("count", True), ("words", "a,b"), ("name", 3)])
def test_a_calling_flow_is_not_read_generously(flow: Flow, name: str, value: Json) -> None:
    with pytest.raises(FlowError, match=f"the input '{name}' is"):
        resolve_inputs(flow, {name: value})


@pytest.mark.parametrize("declared", ["{type: int, secret: true}", '{pattern: "[a-z]+", secret: true}'])
def test_a_secret_that_does_not_fit_is_not_shown(declared: str, tmp_path: Path) -> None:
    flow = flow_of(tmp_path, f"inputs: {{pin: {declared}}}\ntasks: {{a: {{shell: echo}}}}")
    said = refusal(flow, "pin", "HUNTER2")
    assert "HUNTER2" not in said
    assert "does not fit; expected" in said
