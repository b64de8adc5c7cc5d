"""What it costs to start: `--help`, and the dashboard's first paint beside that of an app of one line."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from table import COMMAND, ENVIRONMENT, Row, cpu_of, middle

STARTS = 9
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self): yield Static("one")
Bare().run()
"""
FLOW = 'version: 1\nname: still\ntasks:\n  one: {shell: "sleep 30"}\n'


def help_row() -> Row:
    ours = middle([COMMAND, "--help"], 9)
    python = middle([sys.executable, "-c", "pass"], 9)
    return Row(
        "orchestrator --help",
        f"{ours.cpu * 1e3:.0f} ms CPU, {ours.cpu / python.cpu:.1f} × the baseline",
        f"python alone {python.cpu * 1e3:.0f} ms",
        "≤ 80 ms CPU",
        ours.cpu <= 0.080,
    )


class Paint(NamedTuple):
    """Seconds until something was seen, and those of CPU time that the program had taken by then."""

    wall: float
    cpu: float


def first_paint(argv: Sequence[str]) -> Paint:
    """Return what it takes until the program shows the flow's task in a terminal of its own."""
    began = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.execve(argv[0], list(argv), {**ENVIRONMENT, "TERM": "xterm-256color", "CI": ""})  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while b"one" not in seen.replace(b"orchestrator", b""):
            if not select.select([terminal], [], [], 10)[0]:
                raise SystemExit(f"{argv[0]} painted nothing in 10 s")
            seen += os.read(terminal, 65_536)
        return Paint(time.perf_counter() - began, cpu_of(child))
    finally:
        os.kill(child, signal.SIGTERM)
        _drain(terminal, child)


def best_paint(argv: Sequence[str]) -> Paint:
    """Return the least of several starts, after one that does not count."""
    first_paint(argv)
    return Paint(*map(min, zip(*(first_paint(argv) for _ in range(STARTS)), strict=True)))


def _drain(terminal: int, child: int) -> None:
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                os.read(terminal, 65_536)
            except OSError:
                time.sleep(0.01)
    os.close(terminal)


def paint_row() -> Row:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        flow = Path(folder) / "flow.yaml"
        flow.write_text(FLOW)
        ours = best_paint([COMMAND, "tui", str(flow)])
    bare = best_paint([sys.executable, "-c", BARE])
    return Row(
        "first paint of the dashboard",
        f"{ours.wall * 1e3:.0f} ms, {ours.cpu * 1e3:.0f} ms CPU, {ours.cpu / bare.cpu:.2f} × the baseline",
        f"a bare Textual app {bare.wall * 1e3:.0f} ms, {bare.cpu * 1e3:.0f} ms CPU",
        "≤ 450 ms",
        ours.wall <= 0.45,
    )


def rows() -> list[Row]:
    return [help_row(), paint_row()]


if __name__ == "__main__":
    for row in rows():
        print(row)
