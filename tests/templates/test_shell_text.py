from __future__ import annotations

import pytest

from orchestrator.core.output import Cut, Output
from orchestrator.templates import Reference, TemplateError, compile_shell

SCOPE: dict[str, object] = {
    "v": "it's",
    "w": "two words",
    "n": 3,
    "no": None,
    "items": ["a b", "c"],
    "nothing": [],
    "m": {"k": 1},
    "task": Output("shell", "stdout", {"stdout": "out", "code": 0}),
    "my-task": Output("function", "value", {"value": ["x", "y"]}),
    "tasks": [Output("shell", "stdout", {"stdout": "out"})],
    "cut": Output("shell", "stdout", {"stdout": Cut("x", 3, "/p")}),
    "inputs": {"x": "in"},
    "env": {"HOME": "/root"},
}


def render(source: str, **more: object) -> str:
    return compile_shell(source, names=frozenset(("my-task",))).render({**SCOPE, **more})


@pytest.mark.parametrize(
    ("source", "script"),
    [
        ("echo plain 'single' \"double\" $HOME ${x:-y} # it's", "echo plain 'single' \"double\" $HOME ${x:-y} # it's"),
        ("echo {{ v }}", "_orc_1='it'\\''s'; echo \"${_orc_1}\""),
        ('echo "v: {{ v }}!"', "_orc_1='it'\\''s'; echo \"v: ${_orc_1}!\""),
        ("a {{ n }}\nb {{ w }}\n", "_orc_1='3' _orc_2='two words'; a \"${_orc_1}\"\nb \"${_orc_2}\"\n"),
        ("a {{ no }} {{ m }}", '_orc_1=\'\' _orc_2=\'{"k":1}\'; a "${_orc_1}" "${_orc_2}"'),
        ("a {{ task }} {{ task.code }}", "_orc_1='out' _orc_2='0'; a \"${_orc_1}\" \"${_orc_2}\""),
        ("a {{ items }} b", "_orc_1='a b' _orc_2='c'; a \"${_orc_1}\" \"${_orc_2}\" b"),
        ("a {{ my-task }}", "_orc_1='x' _orc_2='y'; a \"${_orc_1}\" \"${_orc_2}\""),
        ("a {{ tasks }}", "_orc_1='out'; a \"${_orc_1}\""),
        ("a {{ nothing }} b", "a  b"),
        (
            "a ${inputs.x} ${env.HOME} ${HOME} ${#x}",
            "_orc_1='in' _orc_2='/root'; a \"${_orc_1}\" \"${_orc_2}\" ${HOME} ${#x}",
        ),
        ("a {{ v | upper }}", "_orc_1='IT'\\''S'; a \"${_orc_1}\""),
        ("a {{ v | raw }} '{{ w | raw }}' # {{ v | raw }}", "a it's 'two words' # it's"),
        ("sh -c 'echo {{ n | raw }}'", "sh -c 'echo 3'"),
        ("{% raw %}echo {{ x }}{% endraw %}", "echo {{ x }}"),
        ("{% if n %}a {{ n }}{% else %}b{% endif %}", "_orc_1='3'; a \"${_orc_1}\""),
        ("{% for i in items %}a {{ i }}\n{% endfor %}", "_orc_1='a b' _orc_2='c'; a \"${_orc_1}\"\na \"${_orc_2}\"\n"),
        ("{% if n %}a {{ n }}{% endif %}\nb", "_orc_1='3'; a \"${_orc_1}\"\nb"),
        ("{% if no %}a {{ n }}{% elif n %}b {{ n }}{% else %}c{% endif %}; d", "_orc_1='3'; b \"${_orc_1}\"; d"),
        ("a{% if n %} -n {{ n }}{% endif %} {{ v }}", "_orc_1='3' _orc_2='it'\\''s'; a -n \"${_orc_1}\" \"${_orc_2}\""),
        ("a{% if n %}{% else %} -n {{ n }}{% endif %} x", "a x"),
        ("a{% for i in items %} -i {{ i }}{% endfor %}", "refused"),
        ("{% for i in items %}a {{ i }}{% endfor %}", "refused"),
        ("{% if n %}a {{ n }}{% endif %}b", "refused"),
        ("{% if n %}a {{ n }}{% endif %} b", "refused"),
        ("{% if n %}a {{ n }}{% endif %}{{ n }}", "refused"),
        ("{% if n %}sh {% endif %}-c {{ n }}", "refused"),
        ("a{% if n %} x{% endif %}b {{ n }}", "refused"),
        ("s{% if n %} x{% endif %}h -c {{ n }}", "refused"),
        ("{% if n %}X=1 {% endif %}a {{ n }}", "_orc_1='3'; X=1 a \"${_orc_1}\""),
        (
            "a b{% for i in items %} -i {{ i }}{% endfor %}",
            "_orc_1='a b' _orc_2='c'; a b -i \"${_orc_1}\" -i \"${_orc_2}\"",
        ),
        ("a {% if n %}{{ items }}{% endif %} b", "_orc_1='a b' _orc_2='c'; a \"${_orc_1}\" \"${_orc_2}\" b"),
        ("X={% if n %}{{ v }}{% else %}y{% endif %} a", "_orc_1='it'\\''s'; X=\"${_orc_1}\" a"),
    ],
)
def test_values_arrive_in_variables(source: str, script: str) -> None:
    if script == "refused":
        with pytest.raises(TemplateError, match="condition"):
            render(source)
    else:
        assert render(source) == script


def test_line_numbers_stay_the_same() -> None:
    source = "a {{ v }}\nb\nc {{ w }}\n"
    assert render(source).count("\n") == source.count("\n")


def test_references_are_those_of_a_template() -> None:
    shell = compile_shell('echo {{ a.b }} "${inputs.x}" ${HOME}')
    assert shell.references == (Reference(("a", "b"), 8), Reference(("inputs", "x"), 18))
    assert not shell.is_constant
    assert compile_shell("echo $HOME").is_constant


FINE = (
    "echo {{ v }}",
    "X={{ v }}",
    "X={{ v }} Y=1 cmd",
    "export X={{ v }} Y",
    "local x={{ v }}",
    "declare -x X={{ v }}",
    "declare -a x=({{ items }})",
    "a=({{ items }}); a+=({{ v }})",
    "cmd > {{ v }} 2>&1 < {{ v }} 2>> {{ v }}",
    "cmd {{ v }} &> {{ v }}",
    "cmd <<< {{ v }}",
    "diff <(cat {{ v }}) <(cat {{ v }})",
    "(cd {{ v }} && make)",
    "a | b {{ v }} || c & d {{ v }}; e",
    "if [ -f {{ v }} ]; then cat {{ v }}; elif test -n {{ v }}; then :; else echo {{ v }}; fi",
    "[ {{ n }} -gt 3 ] && [ {{ v }} = x ] && [ ! -e {{ v }} ]",
    "[[ {{ v }} == a* && -n {{ v }} || ! -f {{ v }} ]]",
    "[[ $x =~ ^({{ v }})$ ]]",
    'while read -r line; do echo "$line" {{ v }}; done < {{ v }}',
    "until test -e {{ v }}; do sleep {{ n }}; done",
    'for f in {{ items }} {{ v }} *.txt; do cp "$f" {{ v }}; done',
    "for x; do echo {{ v }}; done",
    "for ((i=0; i<3; i++)); do echo {{ v }}; done",
    "case {{ v }} in a|{{ v }}) echo {{ v }} ;; (b) ;; *) echo x ;; esac; echo {{ v }}",
    "x=$(case a in a) echo {{ v }};; esac)",
    "f() { echo {{ v }}; }; f {{ v }}",
    "function f { echo {{ v }}; }",
    "printf '%s\\n' {{ v }}",
    "printf -- {{ v }}",
    "printf -v name '%s' {{ v }}",
    "bash -c 'echo \"$1\"' _ {{ v }}",
    "bash -euo pipefail -c 'echo \"$1\"' _ {{ v }}",
    "sh -- {{ v }} {{ v }}",
    "bash ./run.sh {{ v }}",
    "bash scripts/{{ v }}.sh",
    "bash -s -- {{ v }} < script",
    "python3 script.py {{ v }} -c {{ v }}",
    "python3 -c 'import sys' {{ v }}",
    "python -m http.server {{ n }}",
    "python - {{ v }} < script",
    "perl -ne 'print' -- {{ v }}",
    "node --max-old-space-size=9 app.js {{ v }}",
    "awk {{ v }} file; sed -e {{ v }} file",
    "jq --arg x {{ v }} '.a[$x]' file",
    "git commit -m {{ v }} && git log --format='%H' {{ v }}",
    "curl -fsS {{ v }} | tee {{ v }}",
    "sudo -u bob cp {{ v }} /x",
    "env A={{ v }} B=1 grep -c {{ v }} file",
    "timeout {{ n }} grep -c {{ v }} file",
    "docker run -e X={{ v }} image cmd {{ v }}",
    "docker exec web sh -c 'echo \"$1\"' _ {{ v }}",
    "find {{ v }} -name {{ v }} -exec cat {} +",
    "exec {{ v }} {{ v }}",
    "{{ v }} --flag {{ v }}",
    "./bin/{{ v }} x",
    "{{ v }}/bin/tool x",
    "python{{ n }} script.py",
    'cd {{ v }}; set -- {{ items }}; echo "$@"',
    "trap 'rm -f \"$f\"' EXIT; echo {{ v }}",
    'eval "$x"; echo {{ v }}',
    'cat <<EOF\nit\'s "$x" `date` $(date\nEOF\necho {{ v }}',
    "cat <<-'E O' > out\n\tit's\n\tE O\necho {{ v }}",
    "x=$(cat <<EOF\nit's)\nEOF\n); echo {{ v }}",
    "cat <<A; cat <<B\n'\nA\n\"\nB\necho {{ v }}",
    "echo it\\'s {{ v }} a\\\n{{ v }}",
    'echo "a \\" {{ v }} \\$ $ \'x\' {{ v }}"',
    'echo "$(echo "$(echo {{ v }})" \')\' ")")"',
    'echo `echo {{ v }}` "`echo {{ v }}`"',
    "echo $((1 + (2 * 3))) {{ v }} $[1+1] ${x:-$(echo ')')} ${#x} $# $? $$",
    "echo a#b {{ v }} # don't",
    "time -p make {{ v }}; ! grep {{ v }} x",
    "{ echo {{ v }}; } > out",
    "command -v {{ v }}; command ls {{ v }}",
    "echo 2>&1 >&2 {{ v }}",
    "coproc cat {{ v }}",
    "echo [{{ v }}] {a,{{ v }}} ~{{ v }}",
    "ssh host 'uptime'; echo {{ v }}",
)


@pytest.mark.parametrize("source", FINE)
def test_ordinary_commands_are_accepted(source: str) -> None:
    assert "_orc_1=" in render(source)


@pytest.mark.parametrize(
    ("source", "message", "hint"),
    [
        ("echo '{{ v }}'", "inside single quotes", "double quotes"),
        ("echo 'a' 'b {{ v }} c'", "inside single quotes", "double quotes"),
        ("echo $'a {{ v }}'", "inside single quotes", "double quotes"),
        ("echo \"$(echo '{{ v }}')\"", "inside single quotes", "double quotes"),
        ('echo $"{{ v }}"', 'inside $"…"', "without the `$`"),
        ("cat <<EOF\n{{ v }}\nEOF", "inside a heredoc", "stdin"),
        ("cat <<'EOF'\n{{ v }}\nEOF", "inside a heredoc", "stdin"),
        ("cat <<-EOF\n\t{{ v }}\n\tEOF", "inside a heredoc", "stdin"),
        ("cat <<EOF\n$(echo {{ v }})\nEOF", "inside a heredoc", "stdin"),
        ("cat <<{{ v }}\nx\n", "heredoc", ""),
        ("cat <<E{{ v }}\nx\n", "the name that ends a heredoc", "fixed"),
        ("echo # {{ v }}", "inside a comment", "take the template out"),
        ("# {{ v }}\necho", "inside a comment", "take the template out"),
        ("echo $(( {{ n }} + 1 ))", "arithmetic", "{{ a + b }}"),
        ('echo "$(( $(echo {{ n }}) ))"', "arithmetic", "{{ a + b }}"),
        ("(( {{ n }} > 3 ))", "arithmetic", "{{ a + b }}"),
        ("for ((i=0; i<{{ n }}; i++)); do :; done", "arithmetic", "{{ a + b }}"),
        ("echo $[ {{ n }} ]", "arithmetic", "{{ a + b }}"),
        ("echo ${x:-{{ v }}}", "the shell's own `${…}`", '"$value"'),
        ('echo "${x:-{{ v }}}"', "the shell's own `${…}`", '"$value"'),
        ("echo ${x:-$(echo {{ v }})}", "the shell's own `${…}`", '"$value"'),
        ("echo ${{ v }}", "a `$` stands right before it", "without the `$`"),
        ('echo "${{ v }}"', "a `$` stands right before it", "without the `$`"),
        ("echo \\{{ v }}", "a backslash stands right before it", "without the backslash"),
        ('echo "\\{{ v }}"', "a backslash stands right before it", "without the backslash"),
        ("sh -c {{ v }}", "`sh` would read the value as code", "sh -c 'echo \"$1\"' _ {{ … }}"),
        ('bash -c "echo {{ v }}"', "`bash` would read the value as code", "_ {{ … }}"),
        ("bash -ec {{ v }}", "`bash` would read the value as code", ""),
        ("bash -euo pipefail -c {{ v }}", "`bash` would read the value as code", ""),
        ("bash -c -x {{ v }}", "`bash` would read the value as code", ""),
        ("bash -c -- {{ v }}", "`bash` would read the value as code", ""),
        ("dash -c {{ v }}", "`dash` would read the value as code", ""),
        ("zsh -c {{ v }}", "`zsh` would read the value as code", ""),
        ("ksh -c {{ v }}", "`ksh` would read the value as code", ""),
        ("/bin/sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("s\\h -c {{ v }}", "`sh` would read the value as code", ""),
        ("'sh' -c {{ v }}", "`sh` would read the value as code", ""),
        ('sh -c "$(echo {{ v }})"', "`sh` would read the value as code", ""),
        ("$SHELL -c {{ v }}", "this command", ""),
        ("{{ v }} -c {{ v }}", "this command", ""),
        ("sudo sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("sudo -u bob -- bash -lc {{ v }}", "`bash` would read the value as code", ""),
        ("env -i A=1 sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("exec sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("command sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("timeout 5 nohup sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("time sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("X=1 sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("docker exec web sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("kubectl exec pod -- bash -c {{ v }}", "`bash` would read the value as code", ""),
        ("anything at all bash -c {{ v }}", "`bash` would read the value as code", ""),
        ("find . -exec sh -c {{ v }} \\;", "`sh` would read the value as code", ""),
        ("busybox sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("true && sh -c {{ v }}", "`sh` would read the value as code", ""),
        ("if x; then sh -c {{ v }}; fi", "`sh` would read the value as code", ""),
        ("x=$(sh -c {{ v }})", "`sh` would read the value as code", ""),
        ("echo `sh -c {{ v }}`", "`sh` would read the value as code", ""),
        ("f() { sh -c {{ v }}; }", "`sh` would read the value as code", ""),
        ("function f { sh -c {{ v }}; }", "`sh` would read the value as code", ""),
        ("case x in x) sh -c {{ v }};; esac", "`sh` would read the value as code", ""),
        ("for x do sh -c {{ v }}; done", "`sh` would read the value as code", ""),
        ("bash {{ v }}", "for an option", "`bash -- {{ … }}`"),
        ("bash -{{ v }}", "may read the value as code", "--"),
        ("python {{ v }}", "for an option", "`python -- {{ … }}`"),
        ("python3.11 -c {{ v }}", "`python3.11` would read the value as code", "after the code"),
        ("python -Bc {{ v }}", "`python` would read the value as code", ""),
        ("python -c{{ v }}", "may read the value as code", ""),
        ("python -W ignore -c {{ v }}", "`python` would read the value as code", ""),
        ("perl -e {{ v }}", "`perl` would read the value as code", ""),
        ("perl -lane {{ v }}", "`perl` would read the value as code", ""),
        ("perl -e 'x' {{ v }}", "for an option", "perl -- {{ … }}"),
        ("ruby -rjson -e {{ v }}", "`ruby` would read the value as code", ""),
        ("node -e {{ v }}", "`node` would read the value as code", ""),
        ("node --eval {{ v }}", "`node` would read the value as code", ""),
        ("node --eval={{ v }}", "may read the value as code", ""),
        ("php -r {{ v }}", "`php` would read the value as code", ""),
        ("lua -e {{ v }}", "`lua` would read the value as code", ""),
        ("deno eval {{ v }}", "`deno` would read the value as code", ""),
        ("flock /tmp/x -c {{ v }}", "`flock` would read the value as code", ""),
        ("script -c {{ v }} out", "`script` would read the value as code", ""),
        ("nix-shell --run {{ v }}", "`nix-shell` would read the value as code", ""),
        ("eval {{ v }}", "`eval` reads its arguments as shell text once more", "raw"),
        ('eval "echo {{ v }}"', "`eval` reads", ""),
        ('eval "$(echo {{ v }})"', "`eval` reads", ""),
        ("command eval {{ v }}", "`eval` reads", ""),
        ("builtin {{ v }}", "`builtin` runs commands of the shell itself", ""),
        ("command {{ v }}", "`command` would run", "name the program"),
        ("X=1 eval {{ v }}", "`eval` reads", ""),
        ("time -p eval {{ v }}", "`eval` reads", ""),
        ("! eval {{ v }}", "`eval` reads", ""),
        ("$maybe eval {{ v }}", "`eval` reads", ""),
        ("{{ nothing }} eval {{ v }}", "`eval` reads", ""),
        ("ssh host {{ v }}", "`ssh` reads its arguments as shell text on the other side", "stdin"),
        ("ssh {{ v }}", "`ssh` reads", ""),
        ("sudo ssh host {{ v }}", "`ssh` reads", ""),
        ("ls | xargs {{ v }}", "`xargs` reads", ""),
        ("parallel echo {{ v }}", "`parallel` reads", ""),
        ("watch {{ v }}", "`watch` reads", ""),
        ("su bob -c {{ v }}", "`su` reads", ""),
        ("source {{ v }}", "`source` runs the file", ""),
        (". {{ v }}", "`.` runs the file", ""),
        ('trap "rm {{ v }}" EXIT', "`trap` reads", ""),
        ("alias x={{ v }}", "`alias` reads", ""),
        ("let x={{ n }}", "`let` evaluates", ""),
        ("read {{ v }}", "`read` evaluates the names", ""),
        ("unset {{ v }}", "`unset` evaluates the names", ""),
        ("export {{ v }}", "`export` takes names here", "NAME={{ … }}"),
        ("export {{ v }}=1", "`export` takes names here", ""),
        ("declare {{ v }}", "`declare` takes names here", ""),
        ("declare a[{{ n }}]=1", "`declare` takes names here", ""),
        ("declare -i x={{ n }}", "evaluates what it is given", ""),
        ("declare -i x; x={{ n }}", "declared with `-i` or `-n`", "leave"),
        ("typeset -n x; x={{ v }}", "declared with `-i` or `-n`", "leave"),
        ("declare -a x={{ v }}", "evaluates what it is given", ""),
        ("readonly {{ v }}", "`readonly` takes names here", ""),
        ("printf {{ v }}", "`printf` reads its first argument", "printf '%s\\n'"),
        ("printf -v {{ v }} x", "`printf -v` takes a name", ""),
        ("printf -v{{ v }} x", "`printf` reads its first argument", ""),
        ("a[{{ n }}]=1", "an array index", ""),
        ("a=([{{ n }}]=1)", "an array index", ""),
        ("for {{ v }} in a; do :; done", "`for` takes a name", ""),
        ("[[ {{ n }} -gt 3 ]]", "`[[` evaluates what it compares", "[ {{ … }} -gt 3 ]"),
        ("[[ 3 -lt {{ n }} && a == b ]]", "`[[` evaluates what it compares", ""),
        ("[[ -v {{ v }} ]]", "`-v` evaluates the name", ""),
        ("test -v {{ v }}", "`-v` evaluates the name", ""),
        ("[ {{ v }} {{ v }} ]", "where an operator is read", "operator first"),
        ("cmd >& {{ v }}", "evaluates what follows `>&`", "2>&1"),
        ("cmd &> out {{ v }}", "`&>` ends the command for some shells", "2>&1"),
        ("jobs -x $(echo {{ v }})", "run here as a command", ""),
        ("sh$EXE -c {{ v }}", "would read the value as code", ""),
        ("[[ a || $(echo {{ v }}) == b ]]", "cannot be told which command", ""),
        ("X=1 [[ a\nbash -c {{ v }}", "`bash` would read the value as code", ""),
        ("<f [[ a\nbash -c {{ v }}", "`bash` would read the value as code", ""),
        ('{% if n %}a {{ n }}{% else %}echo "{% endif %}', "depends on a condition or loop", ""),
        ("eval$x {{ v }}", "`eval` reads", ""),
        ("nohup `echo {{ v }}`", "run here as a command", ""),
        ("PS4={{ v }}; set -x", "the shell evaluates what `PS4` is set to", "a variable of your own"),
        ("RANDOM={{ v }}", "`RANDOM`", ""),
        ("BASH_ENV={{ v }} bash -c true", "`BASH_ENV`", ""),
        ("X=1 PROMPT_COMMAND={{ v }}", "`PROMPT_COMMAND`", ""),
        ("$(echo {{ v }}) x", "cannot be told which command", "value={{ … }}"),
        ("a{{ v }}b{{ v }} x", "cannot be told which command", ""),
        ("echo {{ v }} 'open", "a single quote opens here that is never closed", ""),
        ('echo {{ v }} "open', "something opens here that is never closed", ""),
        ("echo {{ v }} $(open", "something opens here that is never closed", ""),
        ("echo {{ v }} )", "a parenthesis closes nothing", ""),
        ("echo `echo \\`echo {{ v }}\\``", "inside backticks", ""),
        ("echo `echo \\\\{{ v }}`", "inside backticks", ""),
        ('echo "${x:-\'}" {{ v }}', "read differently by different shells", ""),
        ("echo $'it\\'s' {{ v }}", "read differently by different shells", ""),
        ("echo {% if n %}'{% endif %} {{ v }} '", "inside single quotes", ""),
        ('echo {% if n %}"{% endif %}{{ v }}"', "depends on a condition or loop", ""),
        ("echo '{% if n %}x{% endif %}' {{ v }}", "inside single quotes", ""),
        ("sh {% if n %}-c{% endif %} {{ v }}", "a condition or loop decides how this command is read", ""),
        ("{% if n %}sh -c {% endif %}{{ v }}", "depends on a condition or loop", ""),
        ("echo {% if n %}a{% endif %}# {{ v }}", "depends on a condition whether a comment", ""),
        ("echo $(cat <<EOF) {{ v }}\nEOF\n", "", ""),
    ],
)
def test_a_value_that_could_become_code_is_refused_with_the_way_to_write_it(
    source: str, message: str, hint: str
) -> None:
    with pytest.raises(TemplateError) as caught:
        compile_shell(source)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")
    assert caught.value.offset is not None


def test_the_place_of_a_refusal_is_that_of_the_template() -> None:
    source = "echo {{ v }}\nbash -c {{ w }}\n"
    with pytest.raises(TemplateError) as caught:
        compile_shell(source)
    assert caught.value.offset == source.index("{{ w }}")


@pytest.mark.parametrize(
    "source",
    ['"{{ items }}"', "--x={{ items }}", "{{ items }}.txt", "X={{ items }}", "a > {{ items }}", "[ {{ items }} ]"],
)
def test_a_list_needs_a_place_of_its_own(source: str) -> None:
    with pytest.raises(TemplateError, match="a list stands where there can be one word only") as caught:
        render(source if source[0] in "X[" else "echo " + source)
    assert "join" in (caught.value.hint or "")


@pytest.mark.parametrize("value", ["eval", ".", "source", "command", "trap", "export", ["eval", "x"]])
def test_a_value_cannot_name_a_command_of_the_shell_that_runs_code(value: object) -> None:
    with pytest.raises(TemplateError, match="a command of the shell itself"):
        render("{{ program }} {{ v }}", program=value)
    assert render("{{ program }} {{ v }}", program=["npm", "test"]).endswith('"${_orc_1}" "${_orc_2}" "${_orc_3}"')


def test_a_part_of_a_programs_name_cannot_complete_one_either() -> None:
    with pytest.raises(TemplateError, match="a command of the shell itself"):
        render("ev{{ part }} x", part="al")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("a\0b", "a value holds a NUL"),
        ("x" * 130_000, "a value is longer than 120 KB"),
        ("é" * 65_000, "a value is longer than 120 KB"),
        (["ok", "a\0"], "a value holds a NUL"),
        ("\ud800", "lone surrogate"),
        ("'" * 100_000, "the command is longer than 128 KB"),
    ],
)
def test_what_no_argument_can_hold_names_stdin(value: object, message: str) -> None:
    with pytest.raises(TemplateError, match=message) as caught:
        render("echo {{ big }}", big=value)
    assert "stdin" in (caught.value.hint or "")


def test_a_raw_value_is_checked_for_what_no_shell_can_take() -> None:
    with pytest.raises(TemplateError, match="a value holds a NUL"):
        render("echo {{ big | raw }}", big="\0")


def test_what_was_cut_cannot_be_used_in_a_command() -> None:
    with pytest.raises(TemplateError, match="all of it is in /p"):
        render("echo {{ cut }}")


def test_a_command_with_a_nul_is_refused() -> None:
    with pytest.raises(TemplateError, match="the command holds a NUL"):
        compile_shell("echo \0 {{ v }}")


def test_equal_commands_are_compiled_once() -> None:
    assert compile_shell("echo {{ once }}") is compile_shell("echo {{ once }}", names=frozenset(("some-thing",)))
