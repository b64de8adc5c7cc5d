from __future__ import annotations

import pytest

from orchestrator.core.output import Output
from orchestrator.templates import TemplateError, json_of, references_of, render_argv, render_data, text_of

OUT = Output("shell", "stdout", {"stdout": "text", "exit_code": 0})
SCOPE = {"v": "x y", "n": 3, "items": ["a", 1, None], "nothing": [], "my-task": OUT, "all": [OUT, OUT]}


def test_every_text_in_data_is_a_template_and_keys_are_not() -> None:
    data = {"{{ v }}": "{{ v }}", "list": ["{{ n }}", 5, None, True, {"deep": "<{{ n }}>"}], "pair": ("{{ n }}", "a")}
    assert render_data(data, SCOPE) == {
        "{{ v }}": "x y",
        "list": [3, 5, None, True, {"deep": "<3>"}],
        "pair": (3, "a"),
    }


def test_rendering_leaves_the_data_as_it_was() -> None:
    data = {"a": ["{{ n }}"]}
    render_data(data, SCOPE)
    assert data == {"a": ["{{ n }}"]}


def test_the_scopes_own_names_may_hold_hyphens() -> None:
    assert render_data("{{ my-task }}{{ my-task.exit_code }}", SCOPE) == "text0"
    assert render_data("{{ my-task }}", SCOPE, names=frozenset(("my-task",))) == "text"


def test_rendered_data_is_not_rendered_again() -> None:
    assert render_data(["{{ v }}"], {"v": "{{ n }}"}) == ["{{ n }}"]


def test_references_are_found_in_all_of_the_data() -> None:
    found = references_of(
        {"{{ k }}": "{{ a.b }}", "l": ["{{ my-task.x }}", 1, ("${inputs.z}",)]}, names=frozenset(("my-task",))
    )
    assert [reference.path for reference in found] == [("a", "b"), ("my-task", "x"), ("inputs", "z")]
    assert [reference.name for reference in found] == ["a", "my-task", "inputs"]


def test_a_list_in_a_list_of_arguments_becomes_separate_words() -> None:
    command = ["prog", "{{ v }}", "{{ items }}", "{{ nothing }}", "-n={{ n }}", "{{ all }}", "{{ my-task }}", 5, True]
    assert render_argv(command, SCOPE) == ["prog", "x y", "a", "1", "", "-n=3", "text", "text", "text", "5", "true"]


@pytest.mark.parametrize("value", ["a\0", "x" * 130_000])
def test_what_no_argument_can_hold_names_stdin_here_too(value: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render_argv(["echo", "{{ big }}"], {"big": value})
    assert "stdin" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (None, ""),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        (1e100, "1e+100"),
        ([1, "é", None], '[1,"é",null]'),
        ({"a": {"b": []}}, '{"a":{"b":[]}}'),
        (OUT, "text"),
        ([OUT], '["text"]'),
        ({"o": OUT}, '{"o":"text"}'),
    ],
)
def test_values_are_written_plainly(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", [b"bytes"], len])
def test_what_is_no_plain_value_cannot_be_written(value: object) -> None:
    with pytest.raises(TemplateError):
        text_of(value)


def test_what_json_cannot_hold_is_refused_in_words() -> None:
    with pytest.raises(TemplateError, match="cannot be written as JSON: it is no text, number, list or mapping"):
        json_of([len])


def test_json_can_be_indented() -> None:
    assert json_of({"a": 1}, 2) == '{\n  "a": 1\n}'
