"""What it costs to start: `--help`, and the dashboard's first paint."""

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
from pathlib import Path

from table import COMMAND, ENVIRONMENT, Row, median, middle

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


def first_paint(flow: str) -> float:
    """Return the seconds until the dashboard shows the flow's task in a terminal of its own."""
    began = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.execve(COMMAND, [COMMAND, "tui", flow], {**ENVIRONMENT, "TERM": "xterm-256color", "CI": ""})  # noqa: S606
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while b"one" not in seen.replace(b"orchestrator", b""):
            if not select.select([terminal], [], [], 10)[0]:
                raise SystemExit("the dashboard painted nothing in 10 s")
            seen += os.read(terminal, 65_536)
        return time.perf_counter() - began
    finally:
        os.kill(child, signal.SIGTERM)
        _drain(terminal, child)


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
        ours = median(lambda: first_paint(str(flow)), 5)
    textual = middle([sys.executable, "-c", "import textual.app, textual.widgets"], 5).wall
    return Row(
        "first paint of the dashboard",
        f"{ours * 1e3:.0f} ms, {ours / textual:.1f} × the baseline",
        f"importing textual alone {textual * 1e3:.0f} ms",
        "≤ 500 ms",
        ours <= 0.5,
    )


def rows() -> list[Row]:
    return [help_row(), paint_row()]


if __name__ == "__main__":
    for row in rows():
        print(row)
