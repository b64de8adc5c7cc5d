from __future__ import annotations

import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestrator.templates import TemplateError, compile_shell, parse_expression, parse_template, render_data

FRAGMENTS = (
    *("{{", "}}", "{%", "%}", "{#", "#}", "${", "}", "{", "-", " ", "\n", "a", "b.c", "inputs.x", "| upper", "| raw"),
    *("'", '"', "\\", "(", ")", "[0]", "if a", "endif", "for x in a", "endfor", "else", "raw", "endraw", "==", "not"),
    *("$(", "`", "$((", "))", "<<EOF\n", "\nEOF\n", "case x in", "esac", "sh -c", "eval", "[[", "]]", "#", ";", "é"),
)
SOURCES = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join) | st.text(max_size=30)
SCOPE = {"a": [1, "two"], "b": {"c": "x"}, "inputs": {"x": "{{ a }}"}}


def rendered(source: str) -> object:
    try:
        return parse_template(source).render(SCOPE)
    except TemplateError as error:
        return error.message


@given(SOURCES)
@settings(max_examples=100, deadline=None)
@example("{{ a }}" * 3)
@example("{%")
@example("{{ '")
@example("{% raw %}")
def test_any_text_is_a_template_or_a_template_error(source: str) -> None:
    assert rendered(source) is not NotImplemented


@given(SOURCES)
@settings(max_examples=100, deadline=None)
def test_any_text_is_an_expression_or_a_template_error(source: str) -> None:
    try:
        parse_expression(source).render(SCOPE)
    except TemplateError as error:
        said = error.message
    else:
        said = "fine"
    assert said


@given(SOURCES)
@settings(max_examples=100, deadline=None)
def test_any_text_is_a_command_or_a_template_error(source: str) -> None:
    try:
        script = compile_shell(source).render(SCOPE)
    except TemplateError as error:
        script = error.message
    assert isinstance(script, str)


@given(st.text(st.characters(exclude_characters="{}$")))
@settings(max_examples=50, deadline=None)
def test_text_without_braces_is_itself(source: str) -> None:
    assert parse_template(source).render({}) == source


@given(
    st.text(max_size=40), st.sampled_from(["{{ v }}", "a{{ v }}", "{{ v ~ '' }}", "{% if true %}{{ v }}{% endif %}"])
)
@settings(max_examples=100, deadline=None)
@example("{{ 7*7 }}", "a{{ v }}")
@example("${inputs.x}", "{{ v }}")
def test_no_value_is_ever_rendered_again(value: str, source: str) -> None:
    assert parse_template(source).render({"v": value}) == ("a" if source[0] == "a" else "") + value


DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_characters="{$"), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=10,
)


@given(DATA)
@settings(max_examples=50, deadline=None)
def test_data_without_templates_is_itself_and_values_keep_their_types(data: object) -> None:
    assert render_data(data, {}) == data
    assert render_data("{{ v }}", {"v": data}) == data
    assert json.loads(str(render_data("{{ [v] | json }}", {"v": data}))) == [data]
