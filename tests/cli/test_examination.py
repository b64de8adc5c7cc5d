from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.cli.examination import Facts, flow_findings, machine_findings
from orchestrator.cli.findings import Finding, Level, lines_of, status_of
from orchestrator.cli.streams import Looks, no_dashboard_because
from orchestrator.core.flow import BackendSpec, Flow, SecretSource


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    return Facts(
        environ={"TERM": "xterm-256color", "COLORTERM": "truecolor"},
        columns=120,
        rows=40,
        looks=Looks(terminal=True, colour=True),
        no_dashboard=None,
        open_files=(1024, 65536),
        programs=frozenset({"bash", "sh"}),
        state=tmp_path / "state",
    )


def levels(facts: Facts) -> dict[str, Level]:
    return {finding.name: finding.level for finding in machine_findings(facts)}


def test_a_good_machine_has_nothing_to_note(facts: Facts) -> None:
    assert set(levels(facts).values()) == {Level.GOOD}
    assert status_of(machine_findings(facts)) == 0


def test_what_is_less_than_good_is_noted_with_advice(facts: Facts) -> None:
    poor = replace(
        facts,
        environ={"TERM": "xterm"},
        columns=60,
        looks=Looks(terminal=True, unicode=False),
        open_files=(256, 512),
        programs=frozenset({"sh"}),
    )
    noted = [name for name, level in levels(poor).items() if level is Level.NOTE]
    assert noted == ["terminal", "encoding", "colours", "open files", "shell"]
    assert status_of(machine_findings(poor)) == 0
    assert all(finding.advice for finding in machine_findings(poor) if finding.level is Level.NOTE)


def test_what_is_missing_makes_the_examination_fail(facts: Facts, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    broken = replace(facts, programs=frozenset(), state=tmp_path / "file" / "state")
    missing = [name for name, level in levels(broken).items() if level is Level.MISSING]
    assert missing == ["shell", "state"]
    assert status_of(machine_findings(broken)) == 1


def test_keys_are_told_as_set_or_not_and_never_shown() -> None:
    inner = Flow("inner", {}, secrets={"TOKEN": SecretSource(command=("no-such-program-here",))})
    backend = BackendSpec("writer", "simulated", None, api_key=SecretSource(env="WRITER_KEY"))
    secrets = {"A": SecretSource(env="A_KEY"), "E": SecretSource(env="EMPTY_KEY")}
    flow = Flow("f", {}, backends={"writer": backend}, secrets=secrets, flows={"x": inner})
    findings = list(flow_findings(flow, {"WRITER_KEY": "hunter2", "EMPTY_KEY": ""}))
    text = "\n".join(lines_of(findings, Looks()))
    assert "WRITER_KEY is set" in text
    assert "A_KEY is not set" in text
    assert "EMPTY_KEY is set but empty" in text
    assert "'no-such-program-here', which is not on PATH" in text
    assert "hunter2" not in text
    assert status_of(findings) == 1


def test_a_pipe_has_no_dashboard_and_says_why(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w+") as file:
        assert no_dashboard_because(file, file, {"TERM": "xterm"}) == "stdin is not a terminal"
    assert sys.stdin is not None


def test_keys_are_found_in_the_flows_own_file(tmp_path: Path) -> None:
    (tmp_path / "keys.env").write_text("A_KEY=hunter2\n")
    flow = Flow("f", {}, folder=str(tmp_path), env_file="keys.env", secrets={"A": SecretSource(env="A_KEY")})
    assert status_of(flow_findings(flow, {})) == 0
    (tmp_path / "keys.env").unlink()
    assert [finding.name for finding in flow_findings(flow, {})] == ["flow", "env file", "key"]
    assert status_of(flow_findings(flow, {})) == 1


def test_every_finding_is_one_line_with_a_word_for_how_bad_it_is() -> None:
    findings = [
        Finding(Level.GOOD, "backend", "writer: 12 models"),
        Finding(Level.NOTE, "price", "nobody knows\nwhat it costs", "declare a price"),
        Finding(Level.MISSING, "key", "X is not set"),
    ]
    assert list(lines_of(findings, Looks())) == [
        "ok    backend     writer: 12 models",
        "warn  price       nobody knows what it costs; declare a price",
        "fail  key         X is not set",
    ]
    assert (status_of(findings), status_of(findings[:2])) == (1, 0)
