"""Whatever ends the screen: the terminal is whole, and the run goes on."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from tests.e2e.terminal import ROOT, Terminal, flow, none_alive
from tests.e2e.test_run import SLEEPS, marker, wait_for

WORK = "version: 1\nname: f\ntasks:\n  a: {{shell: sleep {}}}\n  b: {{depends_on: [a], shell: 'true'}}\n"


@pytest.mark.parametrize(("how", "seconds"), [("bug", 3), ("memory", 3), ("cancelled", 9)])
def test_a_screen_that_breaks_falls_back_to_lines_and_the_run_goes_on(how: str, seconds: int, tmp_path: Path) -> None:
    path = str(flow(tmp_path, WORK.format(seconds)))
    program = [sys.executable, str(ROOT / "tests" / "e2e" / "broken_screen.py"), path, how]
    terminal = Terminal(state=tmp_path, program=program)
    terminal.sees("the run goes on in plain lines")
    assert not terminal.left_on()
    terminal.sees("b done")
    assert terminal.ends() == 0
    assert "✓ flow.yaml" in terminal.screen
    assert "Traceback" not in terminal.screen


SIGNALS = [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
EVERYWHERE = {
    "over the table": "",
    "over a dialog": "q",
    "over the palette": ":abc",
    "in the filter": "/abc",
    "over the help": "?",
    "over the limits": "+",
    "in a log in full": "j\r",
    "over the question of Ctrl+C": "\x03",
}


@pytest.mark.parametrize("place", EVERYWHERE)
def test_a_signal_restores_the_terminal_from_everywhere(place: str, tmp_path: Path) -> None:
    keys = EVERYWHERE[place]
    number, status = SIGNALS[list(EVERYWHERE).index(place) % len(SIGNALS)]
    mark = marker()
    terminal = Terminal("tui", str(flow(tmp_path, SLEEPS.format(marker=mark))), state=tmp_path)
    terminal.sees("RUNNING")
    wait_for(f"sleep {mark}")
    terminal.types(keys)
    terminal.waits(0.3)
    terminal.child.kill(number)
    assert terminal.ends() == status
    assert not terminal.left_on()
    assert none_alive(mark)


@pytest.mark.parametrize("place", [place for place in EVERYWHERE if place not in {"over the help", "over the table"}])
def test_ctrl_c_twice_cancels_from_everywhere(place: str, tmp_path: Path) -> None:
    keys = EVERYWHERE[place]
    mark = marker()
    terminal = Terminal("tui", str(flow(tmp_path, SLEEPS.format(marker=mark))), state=tmp_path)
    terminal.sees("RUNNING")
    wait_for(f"sleep {mark}")
    terminal.types(keys)
    terminal.waits(0.6)
    if keys != "\x03":
        terminal.types("\x03")
        terminal.sees("Ctrl+C or y")
        terminal.waits(0.6)
    terminal.types("\x03")
    terminal.sees("CANCELED")
    terminal.types("\x03")
    assert terminal.ends() == 130
    assert not terminal.left_on()
    assert none_alive(mark)


def test_what_ignores_being_told_is_killed_and_a_fourth_press_goes_at_once(tmp_path: Path) -> None:
    mark = marker()
    text = f"version: 1\nname: f\ntasks:\n  a: {{shell: \"trap '' TERM INT; sleep {mark}; sleep {mark}\"}}\n"
    terminal = Terminal("tui", str(flow(tmp_path, text)), state=tmp_path)
    terminal.sees("RUNNING")
    wait_for(f"sleep {mark}")
    for seen in ("Ctrl+C or y", "CANCELLING", "CANCELED"):
        terminal.types("\x03")
        terminal.sees(seen)
        terminal.waits(0.6)
    terminal.types("\x03")
    assert terminal.ends() == 130
    assert not terminal.left_on()
    assert none_alive(mark)


def test_a_pager_has_the_terminal_and_gives_it_back(tmp_path: Path) -> None:
    script = tmp_path / "pager"
    script.write_text("#!/bin/sh\necho PAGING $1\nread line\n", encoding="utf-8")
    script.chmod(0o755)
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: echo hello; sleep 60}\n")
    terminal = Terminal("tui", str(path), state=tmp_path, more={"PAGER": str(script)})
    terminal.sees("hello")
    terminal.types("e")
    terminal.sees("PAGING")
    assert b"/tasks/a.log" in terminal.raw
    terminal.child.kill(signal.SIGINT)
    terminal.waits(0.3)
    terminal.types("\r")
    terminal.sees("RUNNING")
    terminal.types("q")
    terminal.sees("Quit?")
    terminal.types("y")
    assert terminal.ends() == 130
    assert not terminal.left_on()


def test_a_signal_reaches_through_a_pager(tmp_path: Path) -> None:
    script = tmp_path / "pager"
    script.write_text("#!/bin/sh\necho PAGING $1\nexec sleep 60\n", encoding="utf-8")
    script.chmod(0o755)
    path = flow(tmp_path, "version: 1\nname: f\ntasks:\n  a: {shell: echo hello; sleep 60}\n")
    terminal = Terminal("tui", str(path), state=tmp_path, more={"PAGER": str(script)})
    terminal.sees("hello")
    terminal.types("e")
    terminal.sees("PAGING")
    terminal.child.kill(signal.SIGTERM)
    assert terminal.ends() == 143
    assert not terminal.left_on()


def test_a_terminal_that_is_closed_while_much_is_drawn_holds_nothing_up(tmp_path: Path) -> None:
    terminal = Terminal("demo", "--fast", "--fps", "30", state=tmp_path)
    terminal.sees("2/8")
    assert terminal.closes() == 129
