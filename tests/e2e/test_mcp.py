"""Flows with servers of tools, run by the installed command: what comes of them, and what is left."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.backends.mcp_servers.kit import BY_HAND
from tests.e2e.terminal import command, environment, piped

FLOW = """
version: 1
name: tools
inputs: {{mark: {{type: path, default: {mark}}}}}
secrets: {{PASS: {{env: PLANTED}}}}
mcp_servers:
  hand:
    command: {by_hand}
    env: {{MY_PASS_KEY: "{{{{ secrets.PASS }}}}"}}
  clock: {{command: [{python}, -m, mcp_server_time]}}
tasks:
"""
PLANTED = "planted-5ecret-word"


def flow(folder: Path, tasks: str) -> Path:
    path = folder / "flow.yaml"
    program = json.dumps([*BY_HAND, "${inputs.mark}"])
    head = FLOW.format(mark=folder, by_hand=program, python=sys.executable)
    path.write_text(f"{head}{tasks}")
    return path


def servers(mark: Path) -> list[int]:
    """The processes that have the mark among their arguments, as the servers here have."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = place.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(mark).encode() in words:
            found.append(int(place.parent.name))
    return found


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def only_folder(state: Path) -> Path:
    (folder,) = (state / "runs").iterdir()
    return folder


def test_tasks_use_tools_and_leave_no_server_and_no_secret(tmp_path: Path) -> None:
    tasks = """
  noon: {mcp: {tool: clock.convert_time, arguments: {source_timezone: UTC, time: "12:00", target_timezone: UTC}}}
  said: {mcp: {tool: hand.echo, arguments: {text: "it is {{ noon.structured.target.datetime }}"}}}
  size: {shell: "echo {{ said.structured.length }}"}
  known: {mcp: {tool: hand.variable, arguments: {text: MY_PASS_KEY}}}
  other: {mcp: {tool: hand.ecko}, optional: true}
  broken: {mcp: hand.fail, optional: true}
"""
    done = piped("run", str(flow(tmp_path, tasks)), "--output", "json", state=tmp_path / "s", more={"PLANTED": PLANTED})
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["tasks"]
    assert "T12:00:00" in found["said"]["output"]["text"]
    assert found["size"]["output"]["stdout"] == str(len(found["said"]["output"]["text"]))
    assert found["known"]["output"]["text"] == "***"
    assert found["other"]["error"]["hint"] == "did you mean 'echo'?"
    assert found["broken"]["error"]["message"] == "hand.fail: no such page"
    assert not servers(tmp_path)
    run = only_folder(tmp_path / "s")
    assert "I am up" in (run / "servers" / "hand.log").read_text()
    files = [path for path in run.rglob("*") if path.is_file()]
    assert not [path for path in files if PLANTED in path.read_text(errors="replace")]
    assert PLANTED not in done.stdout + done.stderr


def test_a_crash_touches_its_own_task_alone(tmp_path: Path) -> None:
    tasks = """
  crashes: {mcp: hand.crash, optional: true}
  after: {mcp: {tool: hand.echo, arguments: {text: back}}, depends_on: {crashes: settled}}
"""
    done = piped("run", str(flow(tmp_path, tasks)), "--output", "json", state=tmp_path / "s", more={"PLANTED": PLANTED})
    found = json.loads(done.stdout)
    assert found["tasks"]["crashes"]["error"]["message"] == "server hand ended with exit code 7"
    assert found["tasks"]["after"]["output"]["text"] == "back"
    assert found["backends"]["hand"]["failures"] == 1


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_run_that_is_stopped_takes_its_servers_along(number: int, status: int, tmp_path: Path) -> None:
    path = flow(tmp_path, "  waits: {mcp: hand.hang}\n")
    running = subprocess.Popen(
        [*command(), "run", str(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(tmp_path / "s", PLANTED=PLANTED),
    )
    with running:
        wait_for(lambda: servers(tmp_path))
        wait_for((only_folder(tmp_path / "s") / "servers" / "hand.log").exists)
        running.send_signal(number)
        assert running.wait(20) == status
    wait_for(lambda: not servers(tmp_path))
