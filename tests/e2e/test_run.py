"""Flows run without the dashboard: what is said where, and with which exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from orchestrator.core.codec import decode
from orchestrator.core.run import fold
from tests.e2e.terminal import Terminal, alive, command, environment, flow, none_alive, piped, shell_pipe

REPORT_KEYS = ["run", "flow", "outcome", "duration_s", "dir", "tasks", "outputs", "totals", "backends"]


def test_results_go_to_stdout_and_all_else_to_stderr(tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: echo hello}\noutputs: {said: '{{ a }}'}\n")
    done = piped("run", str(path), state=tmp_path)
    assert (done.returncode, done.stdout) == (0, "said: hello\n")
    assert "a done" in done.stderr
    assert "✓ flow.yaml" in done.stderr


def test_the_json_report_is_one_object(tmp_path: Path) -> None:
    text = (
        "version: 1\nname: f\nbackends: {m: {kind: simulated, answer: hi}}\ntasks:\n"
        "  good: {llm: {backend: m, prompt: hello}}\n  bad: {shell: echo oh >&2; exit 3}\n"
        "  after: {depends_on: [bad], shell: echo never}\noutputs: {said: '{{ good }}'}\n"
    )
    done = piped("run", str(flow(tmp_path, text)), "--output", "json", state=tmp_path)
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert list(report) == REPORT_KEYS
    assert report["outcome"] == "failed"
    assert report["tasks"]["good"]["output"]["text"] == "hi"
    assert report["tasks"]["bad"]["error"]["code"] == "ORC-203"
    assert report["tasks"]["bad"]["output"]["exit_code"] == 3
    assert report["tasks"]["after"]["state"] == "skipped"
    assert report["tasks"]["after"]["reason"]
    assert report["outputs"] == {"said": "hi"}
    assert report["totals"]["failed"] == 1
    assert report["backends"]["m"] == {"breaker": "closed", "calls": 1, "failures": 0}
    assert Path(report["dir"]).is_dir()


def test_the_event_stream_folds_to_the_same_run(tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: echo hello}\n  b: {shell: 'cat <<< {{ a }}'}\n")
    done = piped("run", str(path), "--output", "jsonl", state=tmp_path)
    assert done.returncode == 0, done.stderr
    records = [json.loads(line) for line in done.stdout.splitlines()]
    run = fold(decode(record) for record in records)
    assert run.outcome == "succeeded"
    assert [record["seq"] for record in records] == list(range(len(records)))
    assert {"type", "seq", "at", "run"} <= records[0].keys()


def test_a_failed_task_shows_its_last_lines_and_where_the_rest_is(tmp_path: Path) -> None:
    path = flow(
        tmp_path, "version: 1\nname: f\ntasks:\n  a:\n    shell: for i in $(seq 50); do echo line $i; done; exit 1\n"
    )
    done = piped("run", str(path), state=tmp_path)
    assert "line 50" in done.stderr
    assert "line 31\n" in done.stderr
    assert "line 30\n" not in done.stderr
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("  ✗ a"))
    assert "line 1\n" in Path(line.split()[-1].replace("~", str(Path.home()))).read_text()
    assert "line 50" not in piped("run", str(path), "--print-logs=none", state=tmp_path).stderr


@pytest.mark.parametrize(
    ("task", "arguments", "status"),
    [
        ("{shell: 'true'}", [], 0),
        ("{shell: 'false', optional: true}", [], 0),
        ("{shell: 'false'}", [], 1),
        ("{shell: 'true', approve: Sure?}", [], 2),
        ("{shell: 'true', approve: Sure?}", ["--approve", "a"], 0),
        ("{shell: 'true', approve: Sure?}", ["--approve-all"], 0),
        ("{shell: 'true', approve: {message: Sure?, timeout: 100ms}}", ["--approve", "b"], 2),
        ("{shell: 'true', budget: {tokens: 1}, nonsense: 1}", [], 2),
        ("{llm: {backend: m, prompt: x}, budget: {tokens: 1, on_exceeded: fail}}", [], 4),
        ("{llm: {backend: m, prompt: x}, budget: {tokens: 1}}", [], 3),
    ],
)
def test_the_exit_status_says_how_it_went(task: str, arguments: list[str], status: int, tmp_path: Path) -> None:
    text = f"version: 1\nname: f\nbackends: {{m: {{kind: simulated}}}}\ntasks:\n  a: {task}\n  b: {{shell: 'true'}}\n"
    done = piped("run", str(flow(tmp_path, text)), *arguments, state=tmp_path)
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr


def test_the_environment_says_what_size_of_output_memory_keeps(tmp_path: Path) -> None:
    file = flow(tmp_path, "tasks: {long: {shell: seq 1000}}")
    done = piped("run", str(file), "--output", "json", state=tmp_path / "s", more={"ORCHESTRATOR_MAX_OUTPUT": "1KB"})
    stdout = json.loads(done.stdout)["tasks"]["long"]["output"]["stdout"]
    assert len(stdout["kept"]) == stdout["limit"] == 1000
    assert Path(stdout["path"]).read_text(encoding="utf-8").endswith("1000\n")


def test_only_what_was_asked_for_and_what_it_needs_runs(tmp_path: Path) -> None:
    text = "version: 1\nname: f\ntasks:\n  a: {shell: echo x}\n  b: {shell: 'echo {{ a }}'}\n  c: {shell: echo c}\n"
    done = piped("run", str(flow(tmp_path, text)), "--only", "b", "--output", "json", state=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {name for name, task in json.loads(done.stdout)["tasks"].items() if task["attempts"]} == {"a", "b"}


def test_inputs_reach_the_tasks(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("from a file")
    text = (
        "version: 1\nname: f\ninputs:\n  many: {type: list}\n  text: {}\ntasks:\n"
        "  a: {shell: 'printf \"%s;\" {{ inputs.many }} {{ inputs.text }}'}\noutputs: {said: '{{ a }}'}\n"
    )
    path = flow(tmp_path, text)
    done = piped("run", str(path), "-i", "many=a,b", "-i", f"text=@{tmp_path}/text", state=tmp_path)
    assert done.stdout == "said: a;b;from a file;\n", done.stderr
    wrong = piped("run", str(path), "-i", "mnay=a", state=tmp_path)
    assert wrong.returncode == 2
    assert "did you mean 'many'?" in wrong.stderr


def test_what_a_file_is_called_with_reaches_its_backends(tmp_path: Path) -> None:
    (tmp_path / "inner.yaml").write_text(
        "inputs: {name: {required: true}}\nbackends: {m: {kind: simulated, model: '{{ inputs.name }}'}}\n"
        "tasks: {ask: {llm: {backend: m, prompt: hi}}}\noutputs: {model: '{{ ask.model }}'}\n"
    )
    (tmp_path / "middle.yaml").write_text(
        "inputs: {stem: {}}\nenv: {TAIL: end}\noutputs: {model: '{{ call.model }}'}\n"
        "tasks: {call: {flow: {file: inner.yaml, inputs: {name: '{{ inputs.stem }}-{{ env.TAIL }}'}}}}\n"
    )
    text = (
        "inputs: {who: {required: true}}\n"
        "outputs: {models: ['{{ one.model }}', '{{ two.model }}', '{{ deep.model }}']}\n"
        "tasks:\n  one: {flow: {file: inner.yaml, inputs: {name: '{{ inputs.who }}'}}}\n"
        "  two: {flow: {file: inner.yaml, inputs: {name: other}}}\n"
        "  deep: {flow: {file: middle.yaml, inputs: {stem: '{{ inputs.who }}'}}}\n"
    )
    done = piped("run", str(flow(tmp_path, text)), "-i", "who=big", "--output", "json", state=tmp_path)
    assert json.loads(done.stdout)["outputs"] == {"models": ["big", "other", "big-end"]}


def test_a_dry_run_prints_the_plan_and_runs_nothing(tmp_path: Path) -> None:
    path = flow(tmp_path, f"version: 1\nname: f\ntasks:\n  a: {{shell: touch {tmp_path}/pwned}}\n")
    done = piped("run", str(path), "--dry-run", state=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "a" in done.stdout
    assert not (tmp_path / "pwned").exists()


def test_a_dry_run_needs_no_key_and_says_which_ones_a_run_will_need(tmp_path: Path) -> None:
    text = (
        "version: 1\nname: f\nsecrets: {NO_SUCH: {env: NO_SUCH_SECRET}}\n"
        f"backends:\n  m: {{kind: openai, model: x, api_key: {{command: [touch, '{tmp_path}/asked']}}}}\n"
        "  n: {kind: openai, model: x, api_key: {env: NO_SUCH_KEY}}\n"
        "tasks:\n  a: {llm: {backend: m, prompt: hi}}\n  b: {llm: {backend: n, prompt: hi}}\n"
    )
    done = piped("run", str(flow(tmp_path, text)), "--dry-run", state=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "f: 2 tasks" in done.stdout
    assert "warning: secret NO_SUCH: the environment variable NO_SUCH_SECRET is not set" in done.stderr
    assert "warning: the key of backend n: the environment variable NO_SUCH_KEY is not set" in done.stderr
    assert not (tmp_path / "asked").exists()


def test_simulate_touches_nothing(tmp_path: Path) -> None:
    path = flow(tmp_path, f"version: 1\nname: f\ntasks:\n  a: {{shell: touch {tmp_path}/pwned}}\n")
    done = piped("run", "--simulate", str(path), state=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "pwned").exists()


# ── signals, pipes, terminals ───────────────────────────────────────────────────────────────────

SLEEPS = "version: 1\nname: f\ntasks:\n  a: {{shell: sleep {marker}}}\n  b: {{shell: 'sleep {marker} & wait'}}\n"
STUBBORN = """
version: 1
name: f
tasks:
  a:
    shell: {{command: "trap '' TERM; while true; do sleep {marker}; done", grace: 60s}}
"""


def marker() -> str:
    """Return a number that no other process of this machine sleeps for."""
    return f"{os.getpid()}{time.monotonic_ns() % 10**9}"


def started(path: Path, state: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command(), "run", str(path), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment(state),
    )


def test_what_an_input_makes_of_a_backend_is_refused_before_the_first_task(tmp_path: Path) -> None:
    text = (
        "version: 1\nname: f\ninputs: {url: {required: true}}\n"
        "backends: {m: {kind: openai, base_url: '{{ inputs.url }}', model: x}}\n"
        "tasks:\n  a: {shell: echo hello}\n  b: {llm: {backend: m, prompt: hi}}\n"
    )
    done = piped("run", str(flow(tmp_path, text)), "-i", "url=localhost:11434", state=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "openai 'm': 'localhost:11434' is no address" in done.stderr
    assert "a starts" not in done.stderr


def wait_for(text: str) -> None:
    end = time.monotonic() + 20
    while not alive(text):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_the_run_and_everything_it_started(number: int, status: int, tmp_path: Path) -> None:
    mark = marker()
    process = started(flow(tmp_path, SLEEPS.format(marker=mark)), tmp_path, "--output", "json")
    wait_for(f"sleep {mark}")
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == status, err
    assert json.loads(out)["outcome"] == "cancelled"
    assert "Traceback" not in err
    assert none_alive(mark)


def test_a_run_that_may_outlives_its_terminal(tmp_path: Path) -> None:
    (tmp_path / ".orchestrator").mkdir()
    (tmp_path / ".orchestrator" / "config.yaml").write_text("on_hangup: continue\n", encoding="utf-8")
    mark = f"2.{marker()}"
    process = started(flow(tmp_path, SLEEPS.format(marker=mark)), tmp_path, "--output", "json")
    wait_for(f"sleep {mark}")
    process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert json.loads(out)["outcome"] == "succeeded"


def test_a_second_ctrl_c_forces(tmp_path: Path) -> None:
    mark = marker()
    process = started(flow(tmp_path, STUBBORN.format(marker=mark)), tmp_path)
    wait_for(f"sleep {mark}")
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert none_alive(mark)


def test_a_function_that_starts_programs_for_ever_leaves_none_behind(tmp_path: Path) -> None:
    mark = marker()
    (tmp_path / "work.py").write_text(
        f"import subprocess\n\ndef go():\n    while True:\n        subprocess.run(['sleep', '{mark}'])\n"
    )
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {function: 'work:go'}\n")
    process = started(path, tmp_path)
    wait_for(f"sleep {mark}")
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert none_alive(mark)


def test_what_a_function_leaves_in_the_background_ends_with_the_run(tmp_path: Path) -> None:
    mark = marker()
    command = f"setsid sleep {mark} >/dev/null 2>&1 &"
    text = f"import subprocess\n\ndef go():\n    subprocess.run({command!r}, shell=True)\n    return 1\n"
    (tmp_path / "work.py").write_text(text)
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {function: 'work:go'}\n")
    done = piped("run", str(path), state=tmp_path)
    assert done.returncode == 0, done.stderr
    assert none_alive(mark)


def test_a_reader_of_events_that_leaves_ends_the_run_quietly(tmp_path: Path) -> None:
    mark = marker()
    path = flow(tmp_path, SLEEPS.format(marker=mark))
    done = shell_pipe('orchestrator run "$1" --output jsonl | head -n 3', state=tmp_path, words=[str(path)])
    assert len(done.stdout.splitlines()) == 3
    assert "Traceback" not in done.stderr
    assert none_alive(mark)


def test_without_a_reader_of_progress_the_run_goes_on(tmp_path: Path) -> None:
    path = flow(
        tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: sleep 0.3; echo done}\noutputs: {said: '{{ a }}'}\n"
    )
    done = shell_pipe('orchestrator run "$1" 2> >(true)', state=tmp_path, words=[str(path)])
    assert (done.returncode, done.stdout) == (0, "said: done\n")


def test_closed_streams_are_no_trap(tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: echo done}\noutputs: {said: '{{ a }}'}\n")
    assert shell_pipe('orchestrator run "$1" >&- 2>&- <&-', state=tmp_path, words=[str(path)]).returncode == 0
    done = shell_pipe('orchestrator run "$1" 2>&- <&-', state=tmp_path, words=[str(path)])
    assert (done.returncode, done.stdout) == (0, "said: done\n")


def test_a_terminal_that_closes_leaves_nothing_behind(tmp_path: Path) -> None:
    mark = marker()
    terminal = Terminal("run", str(flow(tmp_path, SLEEPS.format(marker=mark))), state=tmp_path)
    terminal.sees("2 running")
    assert terminal.closes() == 129
    assert none_alive(mark)


def test_on_a_terminal_a_live_block_comes_and_goes(tmp_path: Path) -> None:
    text = (
        "version: 1\nname: f\ntasks:\n  slow: {shell: echo working on it; sleep 1.5}\n"
        "  bad: {shell: sleep 0.5; exit 9}\n"
    )
    terminal = Terminal("run", str(flow(tmp_path, text)), state=tmp_path, columns=60)
    seen = terminal.sees("working on it")
    assert "running" in seen
    assert all(len(line) < 60 for line in seen.splitlines())
    assert terminal.ends() == 1
    assert "working on it" not in terminal.screen
    assert "bad failed" in terminal.screen
    assert "✗ flow.yaml" in terminal.screen


def test_no_colour_is_respected(tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  bad: {shell: exit 9}\n")
    for value, coloured in (("1", False), ("", True)):
        terminal = Terminal("run", str(path), state=tmp_path, more={"NO_COLOR": value})
        assert terminal.ends() == 1
        assert (b"\x1b[31m" in terminal.raw) is coloured


def test_a_dumb_terminal_gets_plain_lines(tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: 'true'}\n")
    terminal = Terminal("run", str(path), state=tmp_path, more={"TERM": "dumb"})
    assert terminal.ends() == 0
    assert b"\x1b" not in terminal.raw
    assert "a done" in terminal.screen


@pytest.mark.parametrize(("typed", "status", "outcome"), [("y fine\r", 0, "approved"), ("n not now\r", 1, "denied")])
def test_an_approval_is_asked_on_the_terminal(typed: str, status: int, outcome: str, tmp_path: Path) -> None:
    text = "version: 1\nname: f\ntasks:\n  a: {shell: 'true', approve: {message: Go?, show: all of it}}\n"
    terminal = Terminal("run", str(flow(tmp_path, text)), state=tmp_path)
    assert "| all of it" in terminal.sees("Approve? y or n")
    terminal.types(typed)
    assert terminal.ends() == status
    assert f"a {outcome} by" in terminal.screen


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device here that is always full")
@pytest.mark.parametrize("arguments", [("run",), ("run", "--output=json"), ("run", "--output=jsonl"), ("graph",)])
def test_results_that_find_no_place_are_no_success(arguments: tuple[str, ...], tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: sleep 0.3; echo hello}\noutputs: {x: '{{ a }}'}\n")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*command(), *arguments, str(path)],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_before_the_run_leaves_nothing_behind(number: int, status: int, tmp_path: Path) -> None:
    text = (
        "version: 1\nname: f\nsecrets:\n  S:\n"
        f"    command: [python3, -c, 'import time; time.sleep(60)', '{tmp_path}/S']\n"
        "tasks:\n  a: {shell: 'echo {{ secrets.S }}'}\n"
    )
    started = [*command(), "run", str(flow(tmp_path, text))]
    with subprocess.Popen(started, stderr=subprocess.PIPE, text=True, env=environment(tmp_path)) as running:
        while not alive(f"{tmp_path}/S"):
            time.sleep(0.01)
        running.send_signal(number)
        _, err = running.communicate(timeout=20)
    assert running.returncode == status
    assert "Traceback" not in err
    assert none_alive(f"{tmp_path}/S")


def test_where_no_run_can_be_kept_the_command_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: echo hello}\n")
    done = piped("run", str(path), state=tmp_path / "file" / "below")
    assert done.returncode == 2
    assert "the run cannot be kept in" in done.stderr
    assert "ORCHESTRATOR_STATE_DIR" in done.stderr


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: echo hello}\n")
    (tmp_path / "gone").mkdir()
    script = f"cd {tmp_path}/gone && rmdir {tmp_path}/gone && exec {' '.join(command())} run {path}"
    done = subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True, env=environment(tmp_path))
    assert (done.returncode, done.stderr) == (2, "the current folder is gone; change to one that exists\n")


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="orphans are found in /proc")
def test_even_a_kill_leaves_nothing_behind(tmp_path: Path) -> None:
    script = f"import time; time.sleep(60) # {tmp_path}/sleeper"
    text = (
        "version: 1\nname: f\ntasks:\n"
        f"  plain: {{shell: [python3, -c, '{script}']}}\n"
        f"  forked: {{shell: \"trap '' TERM; setsid python3 -c '{script}' & wait\"}}\n"
    )
    started = [*command(), "run", str(flow(tmp_path, text))]
    with subprocess.Popen(started, stderr=subprocess.DEVNULL, env=environment(tmp_path)) as running:
        while len(alive(f"{tmp_path}/sleeper")) < 2:
            time.sleep(0.01)
        running.kill()
    assert none_alive(f"{tmp_path}/sleeper")


def test_results_obey_no_escapes_on_a_terminal_and_keep_them_on_a_pipe(tmp_path: Path) -> None:
    text = "version: 1\nname: f\ntasks:\n  a: {shell: 'printf \"x\\033]0;title\\007y\"'}\noutputs: {said: '{{ a }}'}\n"
    path = flow(tmp_path, text)
    assert piped("run", str(path), state=tmp_path).stdout == "said: x\x1b]0;title\x07y\n"
    terminal = Terminal("run", str(path), state=tmp_path)
    terminal.sees("said: xy")
    assert terminal.ends() == 0
