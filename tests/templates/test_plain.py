from __future__ import annotations

import subprocess
import sys

import pytest

from orchestrator.core.output import Cut, Output
from orchestrator.templates import Reference, TemplateError, parse_template

FETCH = Output(
    "http",
    "text",
    {
        "status": 200,
        "text": "body",
        "json": {"items": [{"id": 7}, {"id": 8}], "keys": "k", "0": "zero", "content-type": "x", "_id": 5},
    },
)
CUT = Output("shell", "stdout", {"stdout": Cut("beg", 10, "/runs/1/out"), "exit_code": 0})
SCOPE: dict[str, object] = {
    "inputs": {"name": "Ada", "n": 3, "list": [1, "two"], "none": None, "yes": True, "half": 1.0, "map": {"k": "ü"}},
    "env": {"HOME": "/root"},
    "fetch": FETCH,
    "my-task": FETCH,
    "my-task-2": "second",
    "all": [FETCH, FETCH],
    "cut": CUT,
}
NAMES = frozenset(("my-task", "my-task-2"))


def render(source: str, **more: object) -> object:
    return parse_template(source, names=NAMES).render({**SCOPE, **more})


def failure(source: str, **more: object) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        render(source, **more)
    return caught.value


@pytest.mark.parametrize("source", ["", "plain text", "{ x }", "{", "}}", "%}", "$x", "$", "100%", "{#", "a {b} c"])
def test_text_without_templates_stays_as_it_is(source: str) -> None:
    template = parse_template(source)
    assert template.render({}) == source
    assert template.is_constant
    assert template.source == source


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ inputs.n }}", 3),
        ("{{inputs.n}}", 3),
        ("{{ inputs.list }}", [1, "two"]),
        ("{{ inputs.none }}", None),
        ("{{ inputs.yes }}", True),
        ("${inputs.n}", 3),
        ("${input.n}", 3),
        ("${ inputs.n }", 3),
        ("${env.HOME}", "/root"),
        ("{{ inputs.list[0] }}", 1),
        ("{{ inputs.list[-1] }}", "two"),
        ("{{ inputs.list.1 }}", "two"),
        ('{{ inputs["name"] }}', "Ada"),
        ("{{ inputs['na' 'me'] }}", "Ada"),
        ("{{ fetch.status }}", 200),
    ],
)
def test_one_expression_alone_keeps_its_type(source: str, value: object) -> None:
    assert render(source) == value
    assert type(render(source)) is type(value)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("Hello {{ inputs.name }}!", "Hello Ada!"),
        ("{{ inputs.name }}{{ inputs.n }}", "Ada3"),
        ("n: {{ inputs.none }}", "n: "),
        ("{{ inputs.yes }} {{ inputs.half }} {{ inputs.n }}", "true 1.0 3"),
        ("{{ inputs.list }} {{ inputs.map }}", '[1,"two"] {"k":"ü"}'),
        ("<{{ fetch }}>", "<body>"),
        ("<{{ all }}>", '<["body","body"]>'),
        ("${inputs.name}/${env.HOME}", "Ada//root"),
        (" {{ inputs.n }}", " 3"),
        ("{{ inputs.n }}\n", "3\n"),
        ("a {{- inputs.name -}} b", "aAdab"),
        ("a {# not this #} b", "a  b"),
        ("{# gone", "{# gone"),
        ("{% raw %}{{ x }} ${y} {% for %}{% endraw %}", "{{ x }} ${y} {% for %}"),
        ("a {%- raw -%} b {%- endraw -%} c", "abc"),
        ("\r\n{{ inputs.name }}\r\n", "\r\nAda\r\n"),
    ],
)
def test_in_text_values_are_written_plainly(source: str, text: str) -> None:
    assert render(source) == text


def test_an_output_alone_stands_for_its_main_field_and_is_looked_into() -> None:
    assert render("{{ fetch }}") == "body"
    assert render("{{ fetch.json.items[0].id }}") == 7
    assert render("{{ all }}") == [FETCH, FETCH]
    assert render("{{ all[1].status }}") == 200


def test_keys_come_before_methods_and_python_attributes_are_never_reached() -> None:
    assert render("{{ fetch.json.items }}") == [{"id": 7}, {"id": 8}]
    assert render("{{ fetch.json.keys }}") == "k"
    assert failure("{{ inputs.values }}").message == "'inputs' has no 'values'"
    assert failure("{{ fetch.main_field }}").message == "'fetch' has no 'main_field'"
    assert failure("{{ fetch.kind }}").message == "'fetch' has no 'kind'"


def test_a_number_is_a_key_of_a_mapping_too() -> None:
    assert render("{{ fetch.json[0] }} {{ fetch.json.0 }}") == "zero zero"


def test_a_key_with_one_underscore_is_a_key() -> None:
    assert render("{{ fetch.json._id }}") == 5


def test_hyphenated_names_are_written_as_they_are() -> None:
    assert render("{{ my-task }} {{ my-task.status }} {{ my-task-2 }}") == "body 200 second"
    assert render("{{ my-task.status - 1 }}") == 199
    assert render("{{ my-task | upper }}") == "BODY"
    assert render("{{ my-task-2 ~ my-task }}") == "secondbody"
    assert parse_template("{{ a-b }}").references == (Reference(("a",), 3), Reference(("b",), 5))


def test_a_key_with_a_hyphen_is_written_in_brackets() -> None:
    assert render('{{ my-task.json["content-type"] }}') == "x"


@pytest.mark.parametrize(
    ("source", "references"),
    [
        ("none here", []),
        ("{{ fetch.json.items[0].id }}", [(("fetch", "json", "items", 0, "id"), 3)]),
        ("a {{ a }} b {{ b.c }} ${inputs.x}", [(("a",), 5), (("b", "c"), 15), (("inputs", "x"), 24)]),
        ("{{ a[i].b }}", [(("a",), 3), (("i",), 5)]),
        ("{{ a['k'][-1] | upper }}", [(("a", "k", -1), 3)]),
        ("{% for x in xs %}{{ x.y }}{{ z }}{{ loop.index }}{% endfor %}", [(("xs",), 12), (("z",), 29)]),
        ("{% for x in x %}{{ x }}{% endfor %}{{ x }}", [(("x",), 12), (("x",), 38)]),
        ("{% for k, v in m | items %}{{ k }}{{ v }}{% else %}{{ k }}{% endfor %}", [(("m",), 15), (("k",), 54)]),
        ("{% if a.b %}{{ c }}{% elif d %}{% endif %}", [(("a", "b"), 6), (("c",), 15), (("d",), 27)]),
        ("{{ a.upper() }}", [(("a",), 3)]),
        ("{{ range(n) | list }}", [(("n",), 9)]),
        ("{{ my-task.status + 1 }}", [(("my-task", "status"), 3)]),
        ("{{ {'k': a}.k }}", [(("a",), 9)]),
        ("é {{ a\n  | default(b) }}", [(("a",), 5), (("b",), 19)]),
    ],
)
def test_references_are_the_names_that_come_from_outside(source: str, references: list[object]) -> None:
    template = parse_template(source, names=NAMES)
    assert [(reference.path, reference.offset) for reference in template.references] == references
    assert template.is_constant == (not references)


@pytest.mark.parametrize(
    ("source", "offset", "message", "hint"),
    [
        ("x {{ fetsh.json }}", 5, "unknown name 'fetsh'", "did you mean 'fetch'?"),
        ("{{ inputs.nam }}", 3, "'inputs' has no 'nam'", "did you mean 'name'? there are: name, n, list"),
        ("{{ fetch.json.items[5] }}", 3, "'fetch.json.items' has no item 5: it has 2", ""),
        ("{{ inputs.name.x }}", 3, "'inputs.name' is text, so it has no 'x'", ""),
        ("{{ inputs.none.x }}", 3, "'inputs.none' is null, so it has no 'x'", ""),
        ("{{ inputs.list.x }}", 3, "'inputs.list' is a list, so it has no 'x'", "[0]"),
        ("{{ inputs.n[0] }}", 3, "'inputs.n' is a number, so it has no 0", ""),
        ("{{ nope | upper }}", 3, "unknown name 'nope'", ""),
        ("a {{ inputs.nam | upper }}", 5, "'inputs' has no 'nam'", "did you mean 'name'?"),
        ("a {{ inputs.name }} {{ inputs.x }}", 23, "'inputs' has no 'x'", ""),
        ("{{ cut }}", 3, "cut at its limit of 10 bytes; all of it is in /runs/1/out", "ORCHESTRATOR_MAX_OUTPUT"),
        ("x{{ cut.stdout }}", 4, "'cut.stdout': the value was cut", "ORCHESTRATOR_MAX_OUTPUT"),
        ("{{ cut | length }}", 3, "the value was cut", ""),
        ("{{ cut.stdout == 'x' }}", 3, "the value was cut", ""),
        ("{% if cut %}{% endif %}", 6, "the value was cut", ""),
        ("{{ [cut] | join }}", 4, "the value was cut", ""),
        ("x{{ cuts }}", 4, "the value was cut", ""),
        ("{{ cut.stdout.x }}", 3, "the value was cut", ""),
    ],
)
def test_what_cannot_be_rendered_says_why_and_where(source: str, offset: int, message: str, hint: str) -> None:
    error = failure(source, cuts=[CUT])
    assert message in error.message
    assert hint in (error.hint or "")
    assert error.offset == offset


def test_the_other_fields_of_what_was_cut_can_be_used() -> None:
    assert render("{{ cut.exit_code }}") == 0


@pytest.mark.parametrize(
    ("source", "offset", "message", "hint"),
    [
        ("a {{ b", 2, "a template opens here that is never closed", "close it"),
        ("{{ }}", 0, "the expression is empty", ""),
        ('{{ "a }}', 3, "a string opens here that is never closed", ""),
        ("{{ a ; b }}", 5, "`;` has no meaning", ""),
        ("{{ a && b }}", 5, "`&` has no meaning", "written as words"),
        ("{{ a ) }}", 5, "`)` closes nothing", ""),
        ("{{ a + }}", 5, "the expression ends too early", ""),
        ("{{ a b }}", 5, "expected the end of the expression, got 'b'", ""),
        ("${foo}", 0, "`${foo}` is no template", "write {{ foo }}"),
        ("x ${task.stdout}", 2, "`${task.stdout}` is no template", "write {{ task.stdout }}"),
        ("${{ x }}", 0, "a dollar too many", "write {{ x }}"),
        ("${inputs.x | upper}", 0, "`${…}` takes a plain path", "write {{ … }}"),
        ("$${x}", 1, "`${x}` is no template", ""),
        ("{{ x.__class__ }}", 5, "two underscores", ""),
        ("{{ x['__class__'] }}", 5, "two underscores", ""),
        ("{% for x in y %}", 0, "unexpected end of template", ""),
        ("{% endfor %}", 3, "unknown tag 'endfor'", ""),
    ],
)
def test_what_cannot_be_understood_says_why_and_where(source: str, offset: int, message: str, hint: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(source)
    error = caught.value
    assert message in error.message
    assert hint in (error.hint or "")
    assert error.offset == offset or "{% for" in source


@pytest.mark.parametrize("value", ["{{ 7*7 }}", "${inputs.x}", "{% raw %}", "{{ inputs.name }}"])
@pytest.mark.parametrize("source", ["{{ v }}", "<{{ v }}>", "{{ v | upper }}", "{% for x in [v] %}{{ x }}{% endfor %}"])
def test_what_comes_out_is_never_parsed_again(source: str, value: str) -> None:
    expected = source.partition("{")[0] + (value.upper() if "upper" in source else value) + source.rpartition("}")[2]
    assert render(source, v=value) == expected


def test_equal_templates_are_compiled_once() -> None:
    source = "{{ once }} and {{ once }}"
    assert parse_template(source) is parse_template(source, names=frozenset(("some-thing",)))


def test_a_rendered_text_has_a_bound() -> None:
    assert "longer than 10 MB" in failure("{{ v }}{{ v }}", v="x" * (6 << 20)).message
    assert "longer than 10 MB" in failure("{{ v }}{{ v | upper }}", v="x" * (6 << 20)).message


def test_plain_templates_never_import_jinja2() -> None:
    code = (
        "import sys; from orchestrator.templates import *\n"
        "parse_template('{{ a.b }} ${inputs.x}').references; compile_shell('echo {{ a }}').render({'a': 1})\n"
        "parse_expression('a.b').render({'a': {'b': True}}); assert 'jinja2' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
