"""What a task leaves behind."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.core.output import Output

FIELDS = {"stdout": "ok\n", "stderr": "", "exit_code": 0}


def test_an_output_reads_as_a_mapping_of_its_fields() -> None:
    output = Output("shell", "stdout", FIELDS)
    assert isinstance(output, Mapping)
    assert dict(output) == FIELDS
    assert (len(output), output["exit_code"], "stderr" in output) == (3, 0, True)


def test_used_bare_it_stands_for_its_main_field() -> None:
    assert Output("shell", "stdout", FIELDS).main == "ok\n"


def test_a_main_field_that_was_not_produced_is_nothing() -> None:
    assert Output("shell", "stdout", {}).main is None


def test_it_shows_itself_with_its_kind() -> None:
    assert repr(Output("shell", "stdout", {"stdout": "x"})) == "Output(shell, {'stdout': 'x'})"
