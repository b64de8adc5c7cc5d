"""What is said of a flow without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.bootstrap import load
from orchestrator.cli.plan import plan_text, validate_all

FLOW = """
name: planned
backends:
  paid: {kind: simulated, tokens: {input: 1000, output: 500}, price: {input: 3, output: 15}}
  free: {kind: simulated, tokens: {input: 10, output: 5}}
tasks:
  build: {shell: make}
  review: {for_each: [a, b], retry: {max_attempts: 2}, llm: {backend: paid, prompt: hi}}
  note: {llm: {backend: free, prompt: hi}, retry: {max_attempts: 1}}
"""


def test_a_dry_run_tells_what_each_task_comes_to_at_most(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(FLOW, encoding="utf-8")
    text = plan_text(load(str(path)).flow, by_task=True)
    rows = [line.split() for line in text.partition("task by task\n")[2].splitlines()[:4]]
    assert rows == [
        ["task", "attempts", "calls", "tokens", "in", "tokens", "out", "cost"],
        ["build", "1"],
        ["review", "4", "4", "4k", "2k", "$0.04"],
        ["note", "1", "1", "10", "5", "unpriced"],
    ]
    assert "task by task" not in plan_text(load(str(path)).flow)


def test_what_a_run_could_not_read_of_its_environment_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("gone", "wrong"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"env_file: {name}.env\ntasks: {{a: {{shell: echo}}}}\n", encoding="utf-8")
    (tmp_path / "wrong.env").write_text("A=1\n=no\n", encoding="utf-8")
    (tmp_path / "outer.yaml").write_text("tasks: {a: {flow: gone.yaml}, b: {flow: gone.yaml}}", encoding="utf-8")
    missing = "gone.env: the env file cannot be read: No such file or directory; a run is refused without it\n"
    for name, said in {"outer": missing, "gone": missing, "wrong": "wrong.env:2: this line cannot be read; "}.items():
        assert validate_all([str(tmp_path / f"{name}.yaml")]) == 0
        warning = capsys.readouterr().err
        assert said in warning
        assert warning.count("warning: ") == 1


def test_of_thousands_of_tasks_the_first_are_told(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    tasks = "\n".join(f"  t{number}: {{shell: echo}}" for number in range(60))
    path.write_text(f"tasks:\n{tasks}\n", encoding="utf-8")
    assert plan_text(load(str(path)).flow, by_task=True).count("… and 10 more") == 2
