"""The dashboard with 10,000 tasks and 1,000 events a second, in a terminal of its own, beside Textual's DataTable.

What the screen takes is the CPU time of its process without that of the thread that makes the events. A key is painted
when the terminal has got the bytes that name the task under the cursor.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Final, Self

from table import ENVIRONMENT, Row

PROGRAM: Final = str(Path(__file__).with_name("busy.py"))
SETTLING: Final = 4.0
STEADY: Final = 8.0
KEYS: Final = 200
WALK: Final = 40
"""Rows from the first on among which the cursor walks: two windows, so it scrolls too."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process had taken at a moment."""

    process: float
    source: float
    at: float
    peak_mb: float


@dataclass(slots=True)
class Terminal:
    """A terminal of 120x40 with a screen in it, all of whose output is read at once."""

    which: str
    samples: list[Sample] = field(default_factory=list)
    received: int = 0
    _told: int = -1
    _child: int = -1
    _screen: int = -1
    _partial: bytes = b""

    def __enter__(self) -> Self:
        self._told, tell = os.pipe()
        os.set_inheritable(tell, True)  # noqa: FBT003 - it takes nothing else by name
        self._child, self._screen = pty.fork()
        if self._child == 0:
            environment = {**ENVIRONMENT, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
            os.execve(sys.executable, [sys.executable, PROGRAM, self.which, str(tell)], environment)  # noqa: S606
        os.close(tell)
        fcntl.ioctl(self._screen, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)
        os.close(self._screen)
        os.close(self._told)

    def watch(self, seconds: float) -> None:
        """Read whatever comes for so long."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self._read(left)

    def press(self, key: bytes, awaited: bytes) -> float:
        """Press a key and return the seconds until the terminal gets what is awaited."""
        began = time.perf_counter()
        os.write(self._screen, key)
        seen = b""
        while awaited not in seen:
            if time.perf_counter() - began > 10:
                raise SystemExit(f"the {self.which} did not show {awaited.decode()} within 10 s")
            seen = seen[-100:] + self._read(1.0)
        return time.perf_counter() - began

    def _read(self, patience: float) -> bytes:
        ready, _, _ = select.select([self._screen, self._told], [], [], patience)
        if self._told in ready:
            *lines, self._partial = (self._partial + os.read(self._told, 65_536)).split(b"\n")
            self.samples += [Sample(**json.loads(line)) for line in lines]
        if self._screen not in ready:
            return b""
        data = os.read(self._screen, 65_536)
        self.received += len(data)
        return data


@dataclass(frozen=True, slots=True)
class Measured:
    """Shares of one core, bytes a second, seconds from key to paint in rising order, megabytes at the peak."""

    screen: float
    source: float
    bytes_a_second: float
    delays: list[float]
    peak_mb: float

    def delay(self, share: float) -> float:
        """Return how many milliseconds so many of the keys at most took."""
        return self.delays[min(len(self.delays) - 1, int(share * len(self.delays)))] * 1e3


def measure(which: str) -> Measured:
    with Terminal(which) as terminal:
        while len(terminal.samples) < 2:
            terminal.watch(0.5)
        terminal.watch(SETTLING)
        before, received = terminal.samples[-1], terminal.received
        began = time.perf_counter()
        terminal.watch(STEADY)
        after, rate = terminal.samples[-1], (terminal.received - received) / (time.perf_counter() - began)
        delays = walk(terminal)
        peak = terminal.samples[-1].peak_mb
    wall, source = after.at - before.at, after.source - before.source
    screen = after.process - before.process - source
    return Measured(screen / wall, source / wall, rate, sorted(delays), peak)


def walk(terminal: Terminal) -> list[float]:
    """Move the cursor up and down at random moments."""
    chance = Random(3)  # noqa: S311 - moments, not keys to anything secret
    place, delays = 0, []
    for _ in range(KEYS):
        down = place == 0 or (place < WALK and chance.random() < 0.6)
        place += 1 if down else -1
        delays.append(terminal.press(b"j" if down else b"k", f"north/{place:04d}".encode()))
        terminal.watch(chance.uniform(0.03, 0.13))
    return delays


def rows() -> list[Row]:
    ours, theirs = measure("dashboard"), measure("table")
    work = "dashboard, 10,000 tasks, 1,000 events/s"
    return [
        Row(
            f"{work}: CPU of the screen",
            f"{ours.screen:.1%} of a core, {ours.screen / theirs.screen:.2f} × the baseline; "
            f"{ours.bytes_a_second / 1e3:.0f} kB/s, {ours.peak_mb:.0f} MB",
            f"Textual's DataTable {theirs.screen:.0%}; {theirs.bytes_a_second / 1e3:.0f} kB/s, {theirs.peak_mb:.0f} MB",
            "≤ 15 % of a core",
            ours.screen <= 0.15,
        ),
        Row(
            f"{work}: key to paint",
            f"p50 {ours.delay(0.5):.1f} ms, p99 {ours.delay(0.99):.1f} ms, "
            f"{ours.delay(0.99) / theirs.delay(0.99):.2f} × the baseline",
            f"Textual's DataTable p50 {theirs.delay(0.5):.1f} ms, p99 {theirs.delay(0.99):.1f} ms",
            "≤ 30 ms at p99",
            ours.delay(0.99) <= 30,
        ),
    ]


if __name__ == "__main__":
    for row in rows():
        print(row)
