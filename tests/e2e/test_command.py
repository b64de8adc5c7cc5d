"""What the command does before any flow runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.terminal import SAMPLES, Terminal, flow, piped, shell_pipe


def test_a_reader_that_leaves_early_sees_no_traceback(tmp_path: Path) -> None:
    for command in ("orchestrator --help", "orchestrator schema", f"orchestrator graph {SAMPLES}/fan_out.yaml"):
        done = shell_pipe(f"{command} | true; echo $?", state=tmp_path)
        assert "Traceback" not in done.stderr
        assert "Exception ignored" not in done.stderr


def test_a_missing_flow_is_answered_with_advice(tmp_path: Path) -> None:
    done = piped("run", state=tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "flow.yaml" in done.stderr
    assert "orchestrator init" in done.stderr
    assert done.stdout == ""


def test_the_starter_flow_is_valid_and_runs_with_no_key(tmp_path: Path) -> None:
    assert piped("init", state=tmp_path, cwd=tmp_path).returncode == 0
    assert piped("validate", state=tmp_path, cwd=tmp_path).returncode == 0
    done = piped("run", "--seed", "1", state=tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("summary: ")


def test_validate_tells_every_error_of_every_file(tmp_path: Path) -> None:
    one = flow(tmp_path, "version: 1\nname: one\ntasks:\n  a: {shel: x}\n  b: {shell: x, group: nowhere}\n", "one.yaml")
    two = flow(tmp_path, "version: 1\nname: two\ntasks:\n  a: {shell: x, depends_on: [b]}\n", "two.yaml")
    good = SAMPLES / "fan_out.yaml"
    done = piped("validate", str(one), str(good), str(two), state=tmp_path)
    assert done.returncode == 2
    assert f"{one}:4:" in done.stderr
    assert "did you mean 'shell'?" in done.stderr
    assert f"{one}:5:" in done.stderr
    assert f"{two}:4:" in done.stderr
    assert "fan-out" in done.stdout


def test_validate_prints_the_plan_and_its_bounds(tmp_path: Path) -> None:
    text = (
        "version: 1\nname: paced\nbackends:\n"
        "  slow: {kind: simulated, rate_limit: {requests: 10, per: 1m, burst: 10}}\n"
        "tasks:\n  ask:\n"
        f"    for_each: {list(range(40))}\n"
        "    llm: {backend: slow, prompt: hello}\n"
    )
    done = piped("validate", str(flow(tmp_path, text)), state=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "40 tasks share the backend 'slow' of 10 requests a minute: at least 3 min" in done.stdout


def test_a_graph_knows_how_many_instances_the_defaults_of_inputs_come_to(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(
        "version: 1\nname: f\ninputs: {langs: {type: list, default: [de, fr, ja]}}\n"
        "tasks:\n  a: {for_each: '${inputs.langs}', shell: echo}\n"
    )
    assert "a ×3 (shell)" in piped("graph", str(path), state=tmp_path).stdout


@pytest.mark.parametrize(("shape", "sign"), [("text", "draft"), ("mermaid", "flowchart"), ("dot", "digraph")])
def test_a_graph_is_drawn_in_three_ways(shape: str, sign: str, tmp_path: Path) -> None:
    done = piped("graph", str(SAMPLES / "failure_isolation.yaml"), "--format", shape, state=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sign in done.stdout


def test_the_schema_is_json(tmp_path: Path) -> None:
    done = piped("schema", state=tmp_path)
    assert json.loads(done.stdout)["properties"]["tasks"]


def test_the_themes_are_listed_and_the_current_one_is_marked(tmp_path: Path) -> None:
    done = piped("themes", state=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) >= 3
    assert [line for line in lines if line.startswith("* orchestra-dark")]
    assert [line for line in lines if line.split() == ["nord", "dark"]]
    assert "\x1b" not in done.stdout


def test_a_theme_of_the_users_own_that_cannot_be_read_is_told_with_its_line_and_the_others_are_listed(
    tmp_path: Path,
) -> None:
    themes = tmp_path / "config" / "orchestrator" / "themes"
    themes.mkdir(parents=True)
    (themes / "dim.yaml").write_text('name: dim\nextends: orchestra-dark\nstates:\n  done: "#202020"\n')
    (themes / "mine.yaml").write_text('name: mine\nextends: orchestra-dark\nstates:\n  done: "#ffffff"\n')
    done = piped("themes", state=tmp_path, more={"XDG_CONFIG_HOME": str(tmp_path / "config")})
    assert done.returncode == 2
    assert "mine" in done.stdout
    assert f"{themes}/dim.yaml:4:9: done #202020 on " in done.stderr
    assert "has a contrast of 1." in done.stderr


def test_the_configured_theme_is_the_current_one(tmp_path: Path) -> None:
    folder = tmp_path / ".orchestrator"
    folder.mkdir()
    (folder / "config.yaml").write_text("theme: gruvbox\n")
    done = piped("themes", state=tmp_path, cwd=tmp_path)
    assert "* gruvbox" in done.stdout


def test_the_doctor_names_a_key_that_is_missing_and_shows_none(tmp_path: Path) -> None:
    text = (
        "version: 1\nname: keys\nsecrets:\n  A: {env: A_KEY_THAT_IS_SET}\n  B: {env: A_KEY_THAT_IS_NOT}\n"
        "tasks:\n  a: {shell: 'echo {{ secrets.A }} {{ secrets.B }}'}\n"
    )
    done = piped("doctor", str(flow(tmp_path, text)), state=tmp_path, more={"A_KEY_THAT_IS_SET": "hunter2"})
    assert done.returncode == 1, done.stderr
    assert "A_KEY_THAT_IS_SET is set" in done.stdout
    assert "A_KEY_THAT_IS_NOT is not set" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_the_doctor_looks_at_the_terminal(tmp_path: Path) -> None:
    terminal = Terminal("doctor", state=tmp_path)
    assert terminal.ends() == 0
    assert "xterm-256color, 120 by 40" in terminal.screen


def test_every_sample_is_valid(tmp_path: Path) -> None:
    files = sorted(str(path) for path in SAMPLES.rglob("*.yaml"))
    done = piped("validate", *files, state=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
