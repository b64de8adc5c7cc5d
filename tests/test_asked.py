"""Who is refused a run, where it would ask for approval and nobody could answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.bootstrap import RunOptions
from orchestrator.bootstrap.asked import check_answerable
from orchestrator.core.errors import FlowError
from tests.flows.fakes import flow_of

ASKING = """
name: asking
inputs: {languages: {type: list, default: [de, fr]}}
tasks:
  a: {TASK}
"""
ITEMS = "{approve: 'go?', for_each: '${inputs.languages}', shell: echo}"
LABELLED = "{approve: 'go?', for_each: {items: [1, 2], label: 'no-{{ item }}'}, shell: echo}"
AXES = "{approve: 'go?', matrix: {os: [mac, bsd], version: [1]}, shell: echo}"
LATER = "{approve: 'go?', for_each: '{{ b | lines }}', shell: echo}\n  b: {shell: ls}"
PAIRED = "{approve: 'go?', for_each: {each: b}, shell: echo}\n  b: {for_each: [x, y], shell: ls}"


def _ask(folder: Path, task: str, *approved: str) -> None:
    flow = flow_of(folder, ASKING.replace("{TASK}", task))
    check_answerable(flow, {"languages": ["de", "fr"]}, RunOptions(approve=frozenset(approved)))


@pytest.mark.parametrize(
    ("task", "approved"),
    [
        (ITEMS, ["a"]),
        (ITEMS, ["a[de]", "a[fr]"]),
        (LABELLED, ["a[no-1]", "a[no-2]"]),
        (AXES, ["a[mac,1]", "a[bsd,1]"]),
        (PAIRED, ["a[x]", "a[y]"]),
        (LATER, ["a[whatever]"]),
    ],
)
def test_naming_every_instance_that_is_known_answers_for_the_task(
    task: str, approved: list[str], tmp_path: Path
) -> None:
    _ask(tmp_path, task, *approved)


@pytest.mark.parametrize(
    ("task", "approved", "said"),
    [
        (ITEMS, [], "task a asks for approval, and nobody can be asked; say --approve a or"),
        (ITEMS, ["a[de]"], r"task a\[fr\] asks for approval, and nobody can be asked; say --approve a:fr or"),
        (ITEMS, ["a[de]", "a[rf]"], "say --approve a:fr or"),
        (PAIRED, ["a[x]"], "say --approve a:y or"),
        (LATER, [], "say --approve a or"),
        ("{approve: 'go?', shell: echo}", ["a[x]"], "say --approve a or"),
    ],
)
def test_what_nobody_named_is_refused(task: str, approved: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=said):
        _ask(tmp_path, task, *approved)
