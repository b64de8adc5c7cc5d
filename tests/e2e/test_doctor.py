"""The doctor, asked by the installed command about a flow with real servers and backends that are not there."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.e2e.terminal import ROOT, flow, piped

SERVER = ROOT / "tests" / "backends" / "mcp_servers" / "by_hand.py"
REFUSES = "http://127.0.0.1:9/v1"


def text(*tools: str, base_url: str = "", more: str = "") -> str:
    command = json.dumps([sys.executable, str(SERVER)])
    backend = f"{{kind: openai, base_url: '{base_url}', model: local}}" if base_url else "{kind: simulated}"
    return f"""
version: 1
name: looked-at
backends: {{model: {backend}}}
mcp_servers: {{things: {{command: {command}}}}}
tasks:
  a: {{agent: {{backend: model, prompt: hi, confirm: never, token_budget: 9k, tools: {json.dumps(tools)}}}}}
{more}
"""


def test_a_flow_whose_servers_and_tools_are_there_is_well(tmp_path: Path) -> None:
    done = piped("doctor", str(flow(tmp_path, text("things.echo"))), state=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in done.stdout.splitlines() if line.startswith("ok    server      things: ")]
    assert "ok    tool        things has echo" in done.stdout


def test_what_is_not_there_fails_with_a_remedy_and_nothing_stays_behind(tmp_path: Path) -> None:
    (tmp_path / ".orchestrator").mkdir()
    (tmp_path / ".orchestrator" / "config.yaml").write_text("prices: {other: {input: 1, output: 2}}\n")
    done = piped("doctor", str(flow(tmp_path, text("things.eco", base_url=REFUSES))), state=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "fail  tool        things has no tool 'eco'; did you mean 'echo'?" in done.stdout
    assert "fail  backend     model: cannot connect to 127.0.0.1:9" in done.stdout
    assert [line for line in done.stdout.splitlines() if line.startswith("ok    settings    ")]
    assert "Warning" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_flow_that_is_wrong_is_told_line_by_line(tmp_path: Path) -> None:
    done = piped("doctor", str(flow(tmp_path, text("thngs.echo"))), state=tmp_path)
    assert done.returncode == 1
    assert "there is no MCP server 'thngs'; expected things; did you mean 'things'?" in done.stdout


def test_templates_get_the_inputs_that_are_given(tmp_path: Path) -> None:
    more = "inputs: {where: {required: true}}"
    written = text("things.echo", more=more).replace(json.dumps(str(SERVER)), '"${inputs.where}"')
    path = str(flow(tmp_path, written))
    done = piped("doctor", path, "-i", f"where={SERVER}", state=tmp_path)
    assert done.returncode == 0, done.stdout
    done = piped("doctor", path, state=tmp_path)
    assert done.returncode == 1
    assert "warn  inputs      " in done.stdout
