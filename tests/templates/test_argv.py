"""A list of words runs without a shell, and still a value in it must not be read as code."""

from __future__ import annotations

import pytest

from orchestrator.templates import TemplateError, check_argv


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", "{{ x }}"],
        ["/bin/bash", "-euo", "pipefail", "-c", "echo {{ x }}"],
        ["env", "A=b", "python3", "-c", "print({{ x }})"],
        ["sudo", "sh", "-c", "{% if y %}{{ x }}{% endif %}"],
        ["ssh", "host", "ls {{ x }}"],
        ["xargs", "-I", "{}", "{{ x }}"],
        ["find", ".", "-exec", "sh", "-c", "{{ x }}", ";"],
        ["{{ program }}", "-c", "{{ x }}"],
        ["python3", "{{ options }}"],
    ],
)
def test_a_word_that_a_program_reads_as_code_holds_no_value(command: list[str]) -> None:
    with pytest.raises(TemplateError) as refused:
        check_argv(command)
    assert refused.value.hint


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", 'echo "$1"', "_", "{{ x }}"],
        ["sh", "-c", "{{ x | raw }}"],
        ["python3", "script.py", "{{ x }}"],
        ["printf", "{{ x }}"],
        ["test", "{{ x }}", "-gt", "3"],
        ["git", "-C", "${inputs.x}", "log"],
        ["{{ program }}", "{{ x }}"],
        ["echo", "{{ broken"],
        [],
    ],
)
def test_all_other_words_may_hold_any_value(command: list[str]) -> None:
    check_argv(command)
