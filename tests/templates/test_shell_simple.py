"""The short way for simple commands must say what the lexer says."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.templates import TemplateError
from orchestrator.templates.scanning import Expression, scan
from orchestrator.templates.shell_lexer import slots_of
from orchestrator.templates.shell_rules import Slot
from orchestrator.templates.shell_simple import simple_slots

WORDS = (
    *("echo", "cp", "sh", "bash", "-c", "-e", "a", "x=1", "./run", "12", "2", "eval", "if", "then", "do", "time", "."),
    *("python", "sudo", "export", "[", "test", "printf", "{{ v }}", "{{ v }}", "a{{ v }}", '"{{ v }}"', '"a b"', "'q'"),
    *('"a {{ v }} $x {{ v }}"', "$x", "'a'{{ v }}", "--x={{ v }}", "*.txt", "~", "%", "@", "$x{{ v }}", '"sh"', "s'h'"),
)
BETWEEN = (
    " ",
    " ",
    " ",
    " ",
    "\t",
    "",
    "\n",
    ";",
    "&&",
    "||",
    "|",
    "&",
    ">",
    "> ",
    ">>",
    "<",
    " 2>&1",
    " 2>",
    ";;",
    "#",
    "(",
)
SCRIPTS = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(BETWEEN)), min_size=1, max_size=8)


def lexed(source: str) -> list[Slot] | None:
    pieces = scan(source, for_shell=True)
    try:
        slots = slots_of(pieces)
    except TemplateError:
        return None
    return [slots[number] for number, piece in enumerate(pieces) if isinstance(piece, Expression)]


@given(SCRIPTS)
@settings(max_examples=100, deadline=None)
def test_what_the_short_way_accepts_the_lexer_accepts_alike(script: list[tuple[str, str]]) -> None:
    source = "".join(word + between for word, between in script)
    simple = simple_slots(source.replace("{{ v }}", "\0"))
    assert simple is None or simple == lexed(source)


@pytest.mark.parametrize(
    "source",
    [
        "echo {{ v }}",
        "cd /x && make -C {{ v }} all 2>&1 | tee out/{{ v }}.log; ls > {{ v }}",
        "git commit -m \"fix {{ v }} in $x\" --author='a <b>'\ngit push",
    ],
)
def test_ordinary_commands_go_the_short_way(source: str) -> None:
    assert simple_slots(source.replace("{{ v }}", "\0")) == lexed(source)


@pytest.mark.parametrize(
    "source", ["sh -c {{ v }}", "echo '{{ v }}'", "if a; then b; fi", "x=1 a", "a 3>f", "a $(b)", "a #b", ""]
)
def test_everything_else_is_left_to_the_lexer(source: str) -> None:
    assert not simple_slots(source.replace("{{ v }}", "\0"))
