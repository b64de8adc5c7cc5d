"""Numbers where text is meant: taken as they were written, or refused with the way to write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.core.errors import FlowError
from tests.flows.fakes import flow_of


@pytest.mark.parametrize(
    "text",
    [
        "inputs: {x: {default: 3.10}}\ntasks: {a: {shell: echo}}",
        "inputs: {x: {choices: ['a', 3.10]}}\ntasks: {a: {shell: echo}}",
        "tasks: {a: {for_each: [3.9, 3.10], shell: 'echo {{ item }}'}}",
        "tasks: {a: {for_each: {items: [3.10]}, shell: 'echo {{ item }}'}}",
        "tasks: {a: {matrix: {py: [3.9, 3.10]}, shell: 'echo {{ py }}'}}",
        "tasks: {a: {matrix: {py: [1], include: [{py: 3.10}]}, shell: 'echo {{ py }}'}}",
    ],
)
def test_a_number_that_would_print_otherwise_is_to_be_quoted(text: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r'is 3\.10, which would become 3\.1 as text; quote it: "3\.10"') as refused:
        flow_of(tmp_path, f"name: n\n{text}")
    assert len(refused.value.problems) == 1


def test_a_number_that_prints_as_written_is_text_where_the_input_is(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "name: n\ninputs: {x: {default: 5, choices: [5, 6]}}\ntasks: {a: {shell: echo}}")
    assert (flow.inputs["x"].default, flow.inputs["x"].choices) == ("5", ("5", "6"))


def test_items_that_are_numbers_stay_numbers(tmp_path: Path) -> None:
    flow = flow_of(tmp_path, "name: n\ntasks: {a: {for_each: [1, 2.5], shell: 'echo {{ item }}'}}")
    assert "2.5" in str(flow.tasks["a"])
