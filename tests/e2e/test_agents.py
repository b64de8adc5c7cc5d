"""An agent with two servers of tools, run by the installed command: parallel calls, one denied, one that fails, and an
answer with a form; and no secret anywhere.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import Terminal, none_alive, piped

FLOW = """
version: 1
name: agent
secrets: {{PASS: {{env: PLANTED_PASS}}}}
backends:
  model:
    kind: simulated
    latency: 20ms
    turns:
      - text: I look at the history and the clock.
        calls:
          - {{tool: git.git_log, arguments: {{repo_path: {folder}, max_count: 1}}}}
          - {{tool: time.get_current_time, arguments: {{timezone: Europe/Berlin}}}}
      - calls: [{{tool: shell, arguments: {{command: rm -rf {folder}}}}}]
      - calls: [{{tool: read_file, arguments: {{path: missing.txt}}}}]
      - calls: [{{tool: read_file, arguments: {{path: note.txt}}}}]
      - '{{"verdict": "fine", "score": 3}}'
mcp_servers:
  git: {{command: [{python}, -m, mcp_server_git, --repository, {folder}]}}
  time: {{command: [{python}, -m, mcp_server_time]}}
tasks:
  look:
    agent:
      backend: model
      prompt: "Have a look. The word is {{{{ secrets.PASS }}}}."
      tools: [git, time, shell, read_file]
      output:
        schema:
          type: object
          required: [verdict, score]
          properties: {{verdict: {{type: string}}, score: {{type: integer}}}}
  after:
    shell: echo "{{{{ look.data.verdict }}}} {{{{ look.data.score }}}}"
"""
PLANTED = {"PLANTED_PASS": "planted-5ecret-word"}


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "note.txt").write_text(f"the word is {PLANTED['PLANTED_PASS']}")
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "the first of all")):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    path = folder / "flow.yaml"
    path.write_text(FLOW.format(folder=folder, python=sys.executable))
    return path


def events(state: Path) -> list[dict[str, Any]]:
    (file,) = state.glob("runs/*/events.jsonl")
    return [json.loads(line) for line in file.read_text().splitlines()]


def results(state: Path) -> list[tuple[str, bool, str]]:
    """Return what each tool came to, in the order in which they were called."""
    told = events(state)
    called = {event["call"]: event["tool"] for event in told if event["type"] == "ToolCalled"}
    returned = {event["call"]: event for event in told if event["type"] == "ToolReturned"}
    return [(tool, returned[call]["is_error"], returned[call]["text"]) for call, tool in called.items()]


def leaks(folder: Path) -> list[str]:
    secret = PLANTED["PLANTED_PASS"].encode()
    return [str(file) for file in folder.rglob("*") if file.is_file() and secret in file.read_bytes()]


def test_an_agent_goes_through_all_of_it_where_nobody_can_be_asked(flow: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = piped("run", str(flow), "--output", "json", state=state, more=PLANTED)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["tasks"]["look"]["output"]["data"] == {"verdict": "fine", "score": 3}
    assert report["tasks"]["after"]["output"]["stdout"] == "fine 3"
    (log, clock, denied, missing, note) = results(state)
    assert (log[0], log[1], "the first of all" in log[2]) == ("git.git_log", False, True)
    assert (clock[0], clock[1], "Europe/Berlin" in clock[2]) == ("time.get_current_time", False, True)
    assert (denied[0], denied[1], "not allowed" in denied[2]) == ("shell", True, True)
    assert missing == ("read_file", True, "missing.txt: No such file or directory")
    assert (note[1], PLANTED["PLANTED_PASS"] in note[2]) == (False, False)
    assert leaks(state) == []
    assert PLANTED["PLANTED_PASS"] not in done.stdout + done.stderr
    assert flow.exists()
    assert none_alive(str(flow.parent))


def test_the_same_is_seen_and_denied_in_the_dashboard(flow: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    terminal = Terminal("tui", str(flow), state=state, more=PLANTED)
    terminal.sees("approve    look")
    terminal.sees("I look at the history and the clock.")
    terminal.sees("git.git_log")
    terminal.types("a")
    terminal.sees("Deny (d)")
    terminal.sees("command: rm -rf")
    terminal.types("d")
    terminal.sees("Enter denies")
    terminal.types("never\r")
    terminal.sees("2 of 2 done")
    terminal.types("q")
    assert terminal.ends() == 0
    (_, _, denied, *_) = results(state)
    assert (denied[1], "never" in denied[2]) == (True, True)
    assert leaks(state) == []
    assert PLANTED["PLANTED_PASS"].encode() not in terminal.raw
    assert none_alive(str(flow.parent))


ASKING = """
version: 1
name: asking
backends:
  model:
    kind: simulated
    turns:
      - calls: [{tool: ask_operator, arguments: {question: "Which colour?", choices: [red, blue]}}]
      - calls: [{tool: write_file, arguments: {path: note.txt, text: written}}]
      - done
tasks:
  work: {agent: {backend: model, prompt: "Ask, then write.", tools: [ask_operator, write_file]}}
"""


@pytest.fixture
def asking(tmp_path: Path) -> Path:
    (tmp_path / "flow.yaml").write_text(ASKING)
    return tmp_path / "flow.yaml"


def test_without_the_dashboard_an_agent_asks_on_the_terminal(asking: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    terminal = Terminal("run", str(asking), state=state)
    terminal.sees("Answer:")
    terminal.types("2\r")
    terminal.sees("Approve? y or n")
    terminal.types("y\r")
    assert terminal.ends() == 0
    assert next((tool, text) for tool, _, text in results(state)) == ("ask_operator", "blue")
    assert asking.with_name("note.txt").read_text() == "written"


@pytest.mark.parametrize(("given", "warned"), [((), True), (("--approve", "work"), False), (("--approve-all",), False)])
def test_where_nobody_is_leave_is_given_beforehand(given: Sequence[str], asking: Path, *, warned: bool) -> None:
    done = piped("run", str(asking), *given, state=asking.parent / "state")
    assert done.returncode == 0, done.stderr
    assert ("nobody can be asked here" in done.stderr) is warned
    assert asking.with_name("note.txt").exists() is not warned
