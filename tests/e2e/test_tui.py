"""The dashboard in a terminal: it comes, it goes, and it leaves the terminal and the machine clean."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.e2e.terminal import Terminal, flow, none_alive, piped
from tests.e2e.test_run import SLEEPS, marker, wait_for

RESTORED = (b"\x1b[?1049l", b"\x1b[?25h")
"""The normal screen is back, and the cursor."""


def quick(folder: Path) -> str:
    return str(flow(folder, "version: 1\nname: quick\ntasks:\n  a: {shell: echo hello}\n  b: {shell: 'exit 3'}\n"))


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
def test_the_dashboard_shows_the_run_and_q_leaves_a_summary(columns: int, rows: int, tmp_path: Path) -> None:
    terminal = Terminal("tui", quick(tmp_path), state=tmp_path, columns=columns, rows=rows)
    terminal.sees("FAILED 1 of 2")
    terminal.types("q")
    assert terminal.ends() == 1
    assert all(code in terminal.raw for code in RESTORED)
    assert "✗ flow.yaml" in terminal.screen


def test_without_a_terminal_it_says_so_and_runs(tmp_path: Path) -> None:
    done = piped("tui", quick(tmp_path), state=tmp_path)
    assert done.returncode == 1
    assert "no dashboard: stdin is not a terminal" in done.stderr
    assert "a done" in done.stderr


def test_in_ci_it_runs_without_the_dashboard(tmp_path: Path) -> None:
    terminal = Terminal("tui", quick(tmp_path), state=tmp_path, more={"CI": "true"})
    assert terminal.ends() == 1
    assert b"\x1b[?1049h" not in terminal.raw


def test_ctrl_c_asks_then_cancels_and_nothing_is_left(tmp_path: Path) -> None:
    mark = marker()
    terminal = Terminal("tui", str(flow(tmp_path, SLEEPS.format(marker=mark))), state=tmp_path)
    wait_for(f"sleep {mark}")
    terminal.sees("RUNNING")
    terminal.types("\x03")
    terminal.sees("Ctrl+C")
    for _ in range(8):
        terminal.read(0.1)
    terminal.types("\x03")
    for _ in range(10):
        terminal.read(0.1)
    terminal.types("q")
    assert terminal.ends() == 130
    assert none_alive(mark)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_a_signal_restores_the_terminal_and_stops_the_run(number: int, status: int, tmp_path: Path) -> None:
    mark = marker()
    terminal = Terminal("tui", str(flow(tmp_path, SLEEPS.format(marker=mark))), state=tmp_path)
    wait_for(f"sleep {mark}")
    terminal.sees("RUNNING")
    terminal.child.kill(number)
    assert terminal.ends() == status
    assert all(code in terminal.raw for code in RESTORED)
    assert none_alive(mark)


def test_a_closed_window_leaves_no_child(tmp_path: Path) -> None:
    mark = marker()
    terminal = Terminal("tui", str(flow(tmp_path, SLEEPS.format(marker=mark))), state=tmp_path)
    wait_for(f"sleep {mark}")
    terminal.sees("RUNNING")
    assert terminal.closes() == 129
    assert none_alive(mark)


SURVIVES = "version: 1\nname: f\ntasks:\n  a: {{shell: sleep 2}}\n  b: {{depends_on: [a], shell: 'touch {}/b'}}\n"


def surviving(folder: Path, text: str) -> Terminal:
    (folder / ".orchestrator").mkdir()
    (folder / ".orchestrator" / "config.yaml").write_text("on_hangup: continue\n", encoding="utf-8")
    return Terminal("tui", str(flow(folder, text)), state=folder)


def lines(folder: Path) -> str:
    [path] = folder.glob("runs/*/lines.log")
    return path.read_text(encoding="utf-8")


def test_a_run_that_may_outlives_its_closed_window(tmp_path: Path) -> None:
    terminal = surviving(tmp_path, SURVIVES.format(tmp_path))
    terminal.sees("running")
    assert terminal.closes() == 0
    assert (tmp_path / "b").exists()
    assert "b done" in lines(tmp_path)
    assert "✓ flow.yaml" in lines(tmp_path)


def test_a_run_that_may_outlives_hang_ups_and_leaves_the_terminal_whole(tmp_path: Path) -> None:
    terminal = surviving(tmp_path, SURVIVES.format(tmp_path))
    terminal.sees("running")
    for _ in range(3):
        terminal.child.kill(signal.SIGHUP)
        terminal.waits(0.2)
    assert terminal.ends() == 0
    assert not terminal.left_on()
    assert "✓ flow.yaml" in lines(tmp_path)


def test_a_run_that_outlived_its_terminal_does_not_wait_for_a_person_for_ever(tmp_path: Path) -> None:
    text = "version: 1\nname: f\ntasks:\n  a: {shell: sleep 2}\n  ask: {depends_on: [a], approve: Go?}\n"
    terminal = surviving(tmp_path, text)
    terminal.sees("running")
    assert terminal.closes() == 3


def test_left_the_screen_goes_and_the_run_goes_on_in_plain_lines(tmp_path: Path) -> None:
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: sleep 3}\n  b: {depends_on: [a], shell: 'true'}\n")
    terminal = Terminal("tui", str(path), state=tmp_path)
    terminal.sees("running")
    terminal.types("L")
    terminal.sees("b done")
    assert terminal.ends() == 0
    assert "✓ flow.yaml" in terminal.screen


def test_an_unknown_theme_is_answered_before_anything_runs(tmp_path: Path) -> None:
    path = flow(tmp_path, f"version: 1\nname: f\ntasks:\n  a: {{shell: touch {tmp_path}/pwned}}\n")
    terminal = Terminal("tui", str(path), "--theme", "orchestra-drak", state=tmp_path)
    assert terminal.ends() == 2
    assert "orchestra-dark" in terminal.screen
    assert not (tmp_path / "pwned").exists()


def test_what_the_operator_retries_after_the_end_counts(tmp_path: Path) -> None:
    text = f"version: 1\nname: f\ntasks:\n  a: {{shell: 'test -e {tmp_path}/mended'}}\n"
    terminal = Terminal("tui", str(flow(tmp_path, text)), state=tmp_path)
    terminal.sees("FAILED")
    (tmp_path / "mended").touch()
    terminal.types("R")
    terminal.sees("Retry 1 failed task?")
    terminal.types("y")
    terminal.sees("✓ DONE")
    terminal.types("q")
    assert terminal.ends() == 0
