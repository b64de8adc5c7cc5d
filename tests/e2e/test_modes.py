"""The modes of the dashboard, each in a real terminal: inline, lines that stay, no colours, ASCII, slow lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, flow, piped

WORK = "version: 1\nname: f\ntasks:\n  a: {shell: echo hello; sleep 1}\n  b: {shell: 'exit 3'}\n"
COLOURS = re.compile(rb"\x1b\[(?:[\d;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[\d;]*)?m")
"""What sets a colour of text or ground; 39 and 49 take it away."""


def test_inline_takes_a_dozen_lines_and_leaves_them_above_the_summary(tmp_path: Path) -> None:
    terminal = Terminal("tui", str(flow(tmp_path, WORK)), "--inline", state=tmp_path)
    screen = terminal.sees("FAILED 1 of 2")
    assert screen.count("\n\n\n\n") > 0
    assert b"?1049h" not in terminal.raw
    terminal.types("?")
    terminal.sees("Esc closes")
    terminal.types("\x1b")
    terminal.waits(0.3)
    terminal.types("q")
    assert terminal.ends() == 1
    assert not terminal.left_on()
    lines = terminal.screen.splitlines()
    ends = [number for number, line in enumerate(lines) if "✗ flow.yaml" in line]
    heads = [number for number, line in enumerate(lines) if "orchestrator flow.yaml" in line]
    assert heads
    assert heads[-1] < ends[0]


@pytest.mark.parametrize("rows", [24, 40])
def test_inline_a_toast_is_one_line_over_the_head_of_the_rows(rows: int, tmp_path: Path) -> None:
    terminal = Terminal("tui", str(flow(tmp_path, WORK)), "--inline", state=tmp_path, columns=100, rows=rows)
    terminal.sees("STATE")
    terminal.types("a")
    lines = terminal.sees("Nothing is asked.").splitlines()
    [tabs] = [number for number, line in enumerate(lines) if "1 Tasks" in line]
    assert lines[tabs + 1].endswith("Nothing is asked.")
    terminal.types("q")


@pytest.mark.parametrize(("words", "more"), [(["--plain"], {}), ([], {"ORCHESTRATOR_PLAIN": "1"})])
def test_plain_appends_lines_and_moves_nothing(words: list[str], more: dict[str, str], tmp_path: Path) -> None:
    for command in ("tui", "run"):
        terminal = Terminal(command, str(flow(tmp_path, WORK)), *words, state=tmp_path, more=more)
        assert terminal.ends() == 1
        assert "a done" in terminal.screen
        assert "b failed" in terminal.screen
        assert not re.search(rb"\x1b\[[\d;?]*[A-HJKfhlsu]", terminal.raw), command


def test_a_dumb_terminal_gets_lines(tmp_path: Path) -> None:
    terminal = Terminal("tui", str(flow(tmp_path, WORK)), state=tmp_path, more={"TERM": "dumb"})
    assert terminal.ends() == 1
    assert b"\x1b" not in terminal.raw
    assert "no dashboard: TERM says that the terminal is dumb" in terminal.screen


def test_in_a_pipe_plain_says_nothing_about_a_dashboard(tmp_path: Path) -> None:
    done = piped("tui", str(flow(tmp_path, WORK)), "--plain", state=tmp_path)
    assert "dashboard" not in done.stderr
    assert "a done" in done.stderr


def test_no_color_sends_no_colour(tmp_path: Path) -> None:
    terminal = Terminal("tui", str(flow(tmp_path, WORK)), state=tmp_path, more={"NO_COLOR": "1"})
    terminal.sees("FAILED 1 of 2")
    terminal.types(":")
    terminal.sees("Retry failed")
    terminal.types("\x1b")
    terminal.waits(0.3)
    terminal.types("q")
    assert terminal.ends() == 1
    assert not COLOURS.findall(terminal.raw)


def test_with_colours_there_are_some(tmp_path: Path) -> None:
    terminal = Terminal("tui", str(flow(tmp_path, WORK)), state=tmp_path)
    terminal.sees("FAILED 1 of 2")
    terminal.types("q")
    terminal.ends()
    assert COLOURS.findall(terminal.raw)


@pytest.mark.parametrize(("words", "more"), [(["--ascii"], {}), ([], {"LC_ALL": "C"}), ([], {"TERM": "linux"})])
def test_ascii_sends_nothing_else(words: list[str], more: dict[str, str], tmp_path: Path) -> None:
    terminal = Terminal("tui", str(flow(tmp_path, WORK)), *words, state=tmp_path, more=more)
    terminal.sees("FAILED 1 of 2")
    for keys in (":", "\x1b", "?", "\x1b", "+"):
        terminal.types(keys)
        terminal.waits(0.3)
    before = len(terminal.raw)
    assert terminal.raw[:before].decode().isascii()
    terminal.types("\x1b")
    terminal.waits(0.3)
    terminal.types("q")
    assert terminal.ends() == 1


def test_few_frames_send_little_and_keys_are_answered_at_once(tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: 'while :; do date; sleep 0.05; done'}\n")
    sent = {}
    for fps in ("10", "0.5"):
        terminal = Terminal("tui", str(path), "--fps", fps, state=tmp_path)
        terminal.sees("running")
        terminal.waits(2)
        before = len(terminal.raw)
        terminal.waits(4)
        sent[fps] = len(terminal.raw) - before
        terminal.types(":")
        terminal.sees("command, task, sort", within=1)
        terminal.types("\x1b")
        terminal.waits(0.3)
        terminal.types("q")
        terminal.sees("Quit?")
        terminal.types("y")
        terminal.ends()
    assert sent["0.5"] < sent["10"] / 3


def test_over_a_network_fewer_frames_are_sent(tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: 'while :; do date; sleep 0.05; done'}\n")
    sent = []
    for more in ({}, {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}):
        terminal = Terminal("tui", str(path), state=tmp_path, more=more)
        terminal.sees("running")
        terminal.waits(2)
        before = len(terminal.raw)
        terminal.waits(4)
        sent.append(len(terminal.raw) - before)
        terminal.child.terminate(force=True)
    assert sent[1] < sent[0]


# ── keys ────────────────────────────────────────────────────────────────────────────────────────


def configured(folder: Path, text: str) -> Path:
    path = folder / ".orchestrator" / "config.yaml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def test_keys_of_the_configuration_hold_and_are_shown(tmp_path: Path) -> None:
    configured(tmp_path, "keys:\n  quit: ctrl+x\n  help: H, f9\n")
    terminal = Terminal("tui", str(flow(tmp_path, WORK)), state=tmp_path)
    terminal.sees("FAILED 1 of 2")
    terminal.sees("^X Quit")
    terminal.types("H")
    terminal.sees("H F9")
    terminal.types("\x1b")
    terminal.waits(0.3)
    terminal.types("\x18")
    assert terminal.ends() == 1


def test_wrong_keys_are_answered_with_file_and_line_before_anything_runs(tmp_path: Path) -> None:
    path = configured(tmp_path, "keys:\n  quit: hyper+x\n  task.cancle: c\n  task.skip: p\n")
    text = f"version: 1\nname: f\ntasks:\n  a: {{shell: touch {tmp_path}/pwned}}\n"
    terminal = Terminal("tui", str(flow(tmp_path, text)), state=tmp_path, columns=200)
    assert terminal.ends() == 2
    assert f"{path}:2:9: there is no key 'hyper+x'" in terminal.screen
    assert f"{path}:3:16: there is no command 'task.cancle'; did you mean 'task.cancel'?" in terminal.screen
    assert f"{path}:4:14: p would be the key of task.skip and of task.pause" in terminal.screen
    assert not (tmp_path / "pwned").exists()
