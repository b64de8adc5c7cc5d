"""A value is kept apart from the text of shells; of other interpreters' text it would become a part."""

import pytest

from orchestrator.kinds.shell import ShellSettings


@pytest.mark.parametrize("program", ["python3 -c", ("node", "-e"), "/usr/bin/env python3 -c"])
def test_a_template_in_the_text_of_another_interpreter_is_refused(program: str | tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="kept apart from the command's text for shells alone"):
        ShellSettings("print('{{ x }}')", with_=program)


@pytest.mark.parametrize("program", [None, "bash -c", ("/bin/sh", "-c"), "env bash -c"])
def test_shells_take_templates(program: str | tuple[str, ...] | None) -> None:
    assert ShellSettings("echo {{ x }}", with_=program).command == "echo {{ x }}"


def test_text_without_templates_goes_to_any_interpreter() -> None:
    assert ShellSettings("print(1)", with_="python3 -c").with_ == "python3 -c"
    assert ShellSettings("print('{{ x }}')", with_="python3 -c", templates=False).templates is False
