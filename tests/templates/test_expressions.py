from __future__ import annotations

import pytest

from orchestrator.core.output import Cut, Output
from orchestrator.templates import TemplateError, parse_expression, parse_template

RED = Output("llm", "text", {"text": "red", "tokens": 3, "label": "r", "data": {"ok": True}})
BLUE = Output("llm", "text", {"text": "blue", "tokens": 5, "label": "b", "data": {"ok": False}})
SCOPE: dict[str, object] = {
    "s": "text",
    "n": 3,
    "no": None,
    "yes": True,
    "xs": [3, 1, 2],
    "m": {"b": 1, "a": 2, "items": "mine"},
    "red": RED,
    "blue": BLUE,
    "both": [RED, BLUE],
    "path": "/a/b/c.txt",
    "cut": [Cut("x", 3, "/p")],
    "rows": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "x", "v": 3}],
}


def render(source: str) -> object:
    return parse_template(source).render(SCOPE)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ n + 1 }}", 4),
        ("{{ n * 2 - 1 }}", 5),
        ("{{ 7 // 2 }}", 3),
        ("{{ 7 % 4 }}", 3),
        ("{{ 2 ** 10 }}", 1024),
        ("{{ -n }}", -3),
        ("{{ 1.5 }}", 1.5),
        ("{{ 'a' * 3 }}", "aaa"),
        ("{{ s ~ n ~ yes ~ no ~ m }}", 'text3true{"b":1,"a":2,"items":"mine"}'),
        ("{{ n > 2 and not no }}", True),
        ("{{ n in xs }}", True),
        ("{{ 'x' if n == 3 else 'y' }}", "x"),
        ("{{ no is none }}", True),
        ("{{ null is none }}", True),
        ("{{ true }}", True),
        ("{{ [n, s] }}", [3, "text"]),
        ("{{ {'k': n} }}", {"k": 3}),
        ("{{ (1, 2) }}", [1, 2]),
        ("{{ xs[1:] }}", [1, 2]),
        ("{{ xs[n - 1] }}", 2),
        ("{{ m[s[0:0] ~ 'a'] }}", 2),
        ("{{ (xs | sort)[0] }}", 1),
        ("{{ range(3) | list }}", [0, 1, 2]),
        ("{{ missing | default('d') }}", "d"),
        ("{{ m.missing | default('d') }}", "d"),
        ("{{ missing is defined }}", False),
        ("{{ m.b is defined }}", True),
        ("{{ s | upper }}", "TEXT"),
        ("{{ s.upper() }}", "TEXT"),
        ("{{ s.replace('t', 'T', 1) }}", "Text"),
        ("{{ 'a,b'.split(',') }}", ["a", "b"]),
        ("{{ s | length }}", 4),
        ("{{ m | length }}", 3),
        ("{{ m | items | list }}", [["b", 1], ["a", 2], ["items", "mine"]]),
        ("{{ m | dictsort | first }}", ["a", 2]),
        ("{{ xs | map('string') | join('-') }}", "3-1-2"),
        ("{{ xs | select('odd') }}", [3, 1]),
        ("{{ xs | max }}", 3),
        ("{{ rows | map(attribute='v') | sum }}", 6),
        ("{{ rows | selectattr('k', 'eq', 'x') | map(attribute='v') }}", [1, 3]),
        ("{{ rows | groupby('k') | map('first') }}", ["x", "y"]),
        ("{% for g in rows | groupby('k') %}{{ g.grouper }}{{ g.list | length }}{% endfor %}", "x2y1"),
        ("{{ m | json }}", '{"b":1,"a":2,"items":"mine"}'),
        ("{{ m | tojson }}", '{"b":1,"a":2,"items":"mine"}'),
        ("{{ ['<', 'é'] | json }}", '["<","é"]'),
        ("{{ xs | json(2) }}", "[\n  3,\n  1,\n  2\n]"),
        ("{{ '[1, {}]' | fromjson }}", [1, {}]),
        ("{{ 'a\n\n b\n' | lines }}", ["a", " b"]),
        ("{{ path | basename }} {{ path | dirname }}", "c.txt /a/b"),
        ("{{ '<b>' | e }}", "&lt;b&gt;"),
        ("{{ 'a\nb' | indent(2) }}", "a\n  b"),
        ("{{ s | raw }}", "text"),
        ("{{ yes | string }}", "true"),
        ("{{ 'x' | center(3) }}", " x "),
        ("{{ no | default('d', true) }}", "d"),
        ("{{ 'a' 'b' }}", "ab"),
        ('{{ "}}" }}', "}}"),
        ("{{ {'a': {'b': 1}}.a.b }}", 1),
        ("{{ '%}' }}", "%}"),
    ],
)
def test_expressions_compute(source: str, value: object) -> None:
    assert render(source) == value


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{% if yes %}a{% else %}b{% endif %}", "a"),
        ("{% if no %}a{% elif n == 3 %}b{% endif %}", "b"),
        ("{% for x in xs %}{{ loop.index }}:{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}", "1:3, 2:1, 3:2"),
        ("{% for k, v in m | items %}{{ k }}={{ v }};{% endfor %}", "b=1;a=2;items=mine;"),
        ("{% for x in [] %}x{% else %}none{% endfor %}", "none"),
        ("{% for x in xs if x > 1 %}{{ x }}{% endfor %}", "32"),
        ("{% for x in xs -%}\n  {{ x }}\n{%- endfor %}", "312"),
        ("{% for c in s %}{{ c }}.{% endfor %}", "t.e.x.t."),
        ("{% for k in m %}{{ k }}{% endfor %}", "baitems"),
        ('"\\\n{% if yes %}"\\{% endif %}\t\x02', '"\\\n"\\\t\x02'),
        ("{% for x in xs %}{{ loop.cycle('a', 'b') }}{% endfor %}", "aba"),
        ("{% for x in xs %}{% for y in xs %}{{ loop.index }}{% endfor %};{% endfor %}", "123;123;123;"),
        ("{% if yes %}{% raw %}{{ no }}{% endraw %}{% endif %}", "{{ no }}"),
    ],
)
def test_conditions_and_loops_render(source: str, text: str) -> None:
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ red | upper }}", "RED"),
        ("{{ red == 'red' }}", True),
        ("{{ red ~ '!' }}", "red!"),
        ("{{ 'ed' in red }}", True),
        ("{{ red.upper() }}", "RED"),
        ("{{ red.tokens + blue.tokens }}", 8),
        ("{{ red[0:2] }}", "re"),
        ("{{ 'blue' in both }}", True),
        ("{{ both == ['red', 'blue'] }}", True),
        ("{{ both | join('+') }}", "red+blue"),
        ("{{ both | map(attribute='tokens') }}", [3, 5]),
        ("{{ both | map('upper') | join }}", "REDBLUE"),
        ("{{ both | first }}", "red"),
        ("{{ (both | first).tokens }}", 3),
        ("{{ (red if yes else blue).tokens }}", 3),
        ("{{ both[n - 2].label }}", "b"),
        ("{{ both | selectattr('data.ok') | map(attribute='text') }}", ["red"]),
        ("{{ both | json }}", '["red","blue"]'),
        ("{% for x in both %}{{ x }}{{ x.tokens }} {% endfor %}", "red3 blue5 "),
        ("{{ both }}", [RED, BLUE]),
        ("{{ both | list }}", [RED, BLUE]),
        ("{{ missing | default(red) }}", "red"),
        ("{{ [red, n] }}", ["red", 3]),
    ],
)
def test_an_output_stands_for_its_main_field_where_it_is_used(source: str, value: object) -> None:
    assert render(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("n == 3", True),
        ("{{ n == 3 }}", True),
        (" {{ n == 3 }}\n", True),
        ("s | length > 3", True),
        ("red.data.ok", True),
        ("${inputs.go}", False),
        ("not ${inputs.go} and ${env.A} == 'a'", True),
        ("my-task.exit_code == 0", True),
        ("true", True),
    ],
)
def test_a_bare_expression_needs_no_braces(source: str, value: object) -> None:
    template = parse_expression(source, names=frozenset(("my-task",)))
    scope = {**SCOPE, "inputs": {"go": False}, "env": {"A": "a"}, "my-task": {"exit_code": 0}}
    assert template.render(scope) == value


def test_the_references_of_a_bare_expression_have_their_places() -> None:
    references = parse_expression("not ${inputs.go} and a.b == 'a'").references
    assert [(reference.path, reference.offset) for reference in references] == [(("inputs", "go"), 6), (("a", "b"), 21)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x {{ n }}", "expected the end of the expression, got '{'"),
        ("{{ n }} x", "one expression is expected here"),
        ("{{ n }}{{ n }}", "one expression is expected here"),
        ("", "the expression is empty"),
        ("n ==", "the expression ends too early"),
        ("(n", "unexpected"),
        ("n }} {{ n", "`}` closes nothing"),
        ("n %} x", "`}` closes nothing"),
        ("n = 3", "got '='"),
    ],
)
def test_what_is_no_single_expression_is_refused(source: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_expression(source)
    assert message in caught.value.message


# The sandbox


@pytest.mark.parametrize(
    "source",
    [
        '{{ "".__class__ }}',
        '{{ "".__class__.__mro__[1].__subclasses__() }}',
        '{{ ""["__class__"] }}',
        '{{ ""["__cla" ~ "ss__"] }}',
        '{{ "" | attr("__class__") }}',
        '{{ ["__class__"] | map("attr", "x") | list }}',
        '{{ [""] | map(attribute="__class__") | list }}',
        '{{ [""] | selectattr("__class__") | list }}',
        '{{ [""] | groupby("__class__") }}',
        '{{ ["", ""] | sort(attribute="__class__") }}',
        '{{ "{0.__class__}".format("") }}',
        '{{ "{0.__class__}".format_map({}) }}',
        '{{ "%s" % "x" }}',
        '{{ "%s" | format("x") }}',
        "{{ (1).__class__ }}",
        "{{ [].__class__ }}",
        "{{ {}.__class__ }}",
        "{{ s.__init__ }}",
        "{{ s._x }}",
        "{{ red._fields }}",
        "{{ red.main }}",
        "{{ m.keys() }}",
        "{{ m.update({}) }}",
        "{{ xs.append(1) }}",
        "{{ xs.pop() }}",
        "{{ range.__class__ }}",
        "{{ range(1).__class__ }}",
        "{{ loop }}",
        "{{ self }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ super() }}",
        "{{ caller() }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ joiner }}",
        "{{ lipsum.__globals__ }}",
        "{{ namespace() }}",
        "{{ dict(a=1) }}",
        "{{ config }}",
        "{{ request }}",
        "{{ get_flashed_messages.__globals__ }}",
        "{{ s() }}",
        "{{ n.real }}",
        "{{ n.to_bytes(1) }}",
        "{{ red.keys() }}",
        "{{ s.encode() }}",
        "{{ s.join(xs) }}",
        "{{ s.upper.__self__ }}",
        "{{ s.upper }}",
        "{% for x in xs %}{{ loop.__class__ }}{% endfor %}",
        "{% for x in xs %}{{ loop._iterator }}{% endfor %}",
        "{% for x in xs %}{{ loop }}{% endfor %}",
        "{% for x in xs recursive %}{{ loop(xs) }}{% endfor %}",
        "{% set x = 1 %}",
        "{% include 'x' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}",
        "{% extends 'x' %}",
        "{% block x %}{% endblock %}",
        "{% macro x() %}{% endmacro %}",
        "{% call x() %}{% endcall %}",
        "{% filter upper %}x{% endfilter %}",
        "{% with a=1 %}{% endwith %}",
        "{% do x %}",
        "{% autoescape true %}{% endautoescape %}",
        "{% debug %}",
        "{% trans %}{% endtrans %}",
        "{{ xs | random }}",
        "{{ xs | pprint }}",
        "{{ s | xmlattr }}",
        "{{ range(*xs) }}",
        "{{ range(**m) }}",
        "{{ s.replace }}",
        "{{ no | upper | attr('x') }}",
        "{{ (s | groupby(0)).x }}",
        "{{ s[no] }}",
        "{{ s[0] }}",
        "{{ xs[yes] }}",
        "{{ xs['append'] }}",
    ],
)
def test_a_template_cannot_reach_out(source: str) -> None:
    with pytest.raises(TemplateError):
        parse_template(source).render(SCOPE)


def test_no_template_changes_what_it_was_given() -> None:
    before = repr(SCOPE)
    render("{{ xs | sort }} {{ xs | reverse | list }} {{ m | dictsort }}")
    assert repr(SCOPE) == before


@pytest.mark.parametrize(
    "source",
    [
        "{{ 'x' * 100000000 }}",
        "{{ 100000000 * [1] }}",
        "{{ 9 ** (9 ** 9) }}",
        "x{{ 10 ** 5000 }}",
        "{{ range(10 ** 9) }}",
        "{{ range(99999) | list | join('x' * 1000) }}",
        "{{ ('a' * 100000).replace('a', 'b' * 100000) }}",
        "{{ ('a' * 100000) | replace('a', 'b' * 100000) }}",
        "{{ ('a' * 100000) | replace('', 'b' * 100000) }}",
        "{{ 'x' | center(1000000000) }}",
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% for a in range(9999) %}" + "x" * 2000 + "{% endfor %}",
        "{{ " + "(" * 101 + "1" + ")" * 101 + " }}",
        "{{ " + "[" * 5000 + "]" * 5000 + " }}",
        "{{ " + "-" * 5000 + "1 }}",
        "{{ " + "not " * 5000 + "1 }}",
        "{{ 1" + " + 1" * 5000 + " }}",
        "{{ s" + " | upper" * 5000 + " }}",
        "{{ s" + ".upper()" * 5000 + " }}",
        "{{ s" + "[no]" * 5000 + " }}",
        "{{ s if n else " * 3000 + "1" + " }}" * 1,
        "{% if n %}" * 101 + "{% endif %}" * 101,
        "{% for x in xs %}" * 50 + "{% endfor %}" * 50,
    ],
    ids=lambda source: source[:30],
)
def test_what_would_take_for_ever_or_too_deep_is_one_clear_error(source: str) -> None:
    with pytest.raises(TemplateError):
        parse_template(source).render(SCOPE)


@pytest.mark.parametrize("count", ["10 ** 6", "10 ** 30"])
def test_a_range_that_is_too_long_is_told_in_our_words(count: str) -> None:
    with pytest.raises(TemplateError, match="computed: a range of more than 100,000 numbers"):
        parse_template(f"{{{{ range({count}) }}}}").render(SCOPE)


def test_data_that_is_nested_too_deep_is_one_clear_error() -> None:
    deep: object = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(TemplateError, match="JSON"):
        parse_template("x{{ deep }}").render({"deep": deep})
    with pytest.raises(TemplateError):
        parse_template("{{ [deep] }}").render({"deep": deep})


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("{{ s | uper }}", "there is no filter 'uper'", "did you mean 'upper'?"),
        ("{{ s is definde }}", "there is no test 'definde'", "did you mean 'defined'?"),
        ("{% include 'x' %}", "`{% include %}` is not allowed", "for, if and raw are"),
        ("{{ m.items() }}", "a mapping has no methods here", "use a filter, such as `| items`"),
        ("{{ s.format(1) }}", "the method 'format' cannot be called on text", "replace"),
        ("{{ s if yes }}", "an `if` inside an expression needs an `else`", "write"),
        ("{{ run() }}", "only `range`, methods of text and filters can be called", "filter"),
        ("{{ n + s }}", "the expression cannot be computed", ""),
        ("{{ 1 / 0 }}", "the expression cannot be computed: division by zero", ""),
        ("{{ '{' | fromjson }}", "`fromjson` was given text that is no JSON", ""),
        ("{{ n | join }}", "a list is expected here, not a number", ""),
        ("{% for x in n %}{% endfor %}", "a list is expected here, not a number", ""),
        ("{{ cut | join }}", "the value was cut", ""),
        ("x{{ cut }}", "the value was cut", ""),
        ("{{ cut | map('upper') | list }}", "the value was cut", ""),
        ("{{ 'a' ~ nope }}", "unknown name 'nope'", ""),
        ("{{ m.nope == 1 }}", "'m' has no 'nope'", "there are: b, a, items"),
        ("{{ rows[0].nope ~ '' }}", "'rows[0]' has no 'nope'", "there are: k, v"),
        ("{{ (rows | first).nope ~ '' }}", "a mapping here has no 'nope'", "there are: k, v"),
    ],
)
def test_errors_end_in_advice(source: str, message: str, hint: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse_template(source).render(SCOPE)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
