"""The dashboard with 10,000 tasks in a terminal of its own, beside Textual's DataTable.

What the screen takes is the CPU time of its process without that of the thread that makes the events. A key is painted
when the terminal has got the bytes that name the task under the cursor; a view is open when it has got its last line.
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

from table import ENVIRONMENT, Row, cpu_of

PROGRAM: Final = str(Path(__file__).with_name("busy.py"))
SETTLING: Final = 4.0
STEADY: Final = 8.0
ROUNDS: Final = 3
"""How often the dashboard is measured; the best counts, for it is to be the screen's time, not the machine's."""
FRAMES: Final = 10
"""A second, as the screen draws unless it is held up."""
KEYS: Final = 100
WALK: Final = 40
"""Rows from the first on among which the cursor walks: two windows, so it scrolls too."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process had taken at a moment, and how often it had looked at what happened."""

    process: float
    source: float
    at: float
    looks: int
    peak_mb: float


@dataclass(slots=True)
class Terminal:
    """A terminal of 120x40 with a screen in it that shows a scene; all of its output is read at once."""

    which: str
    scene: str
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
            os.execve(sys.executable, [sys.executable, PROGRAM, self.which, self.scene, str(tell)], environment)  # noqa: S606
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

    def settle(self) -> None:
        """Read until the screen stands and has been looked at for a while."""
        while len(self.samples) < 2:
            self.watch(0.5)
        self.watch(SETTLING)

    def watch(self, seconds: float) -> None:
        """Read whatever comes for so long."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self._read(left)

    def type(self, key: bytes) -> None:
        """Press a key and let the screen settle."""
        os.write(self._screen, key)
        self.watch(1.0)

    def press(self, key: bytes, awaited: bytes) -> Taken:
        """Press a key and return what passes until the terminal gets what is awaited."""
        began, cpu = time.perf_counter(), cpu_of(self._child)
        os.write(self._screen, key)
        seen = b""
        while awaited not in seen:
            if time.perf_counter() - began > 20:
                raise SystemExit(f"the {self.which} did not show {awaited.decode()} within 20 s")
            seen = seen[-100:] + self._read(1.0)
        return Taken(time.perf_counter() - began, cpu_of(self._child) - cpu)

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
class Taken:
    """Seconds until something was painted, and those of CPU time that it took."""

    wall: float
    cpu: float


# ── what changes by itself ──────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Steady:
    """What a screen takes that nobody touches: the share of a core, and bytes and frames a second."""

    share: float
    rate: float
    frames: float


def steady(terminal: Terminal, rounds: int) -> Steady:
    """Return the best of several stretches; one in which the machine held the screen up counts only if all are such."""
    return min((_stretch(terminal) for _ in range(rounds)), key=lambda one: (one.frames < FRAMES - 1, one.share))


def _stretch(terminal: Terminal) -> Steady:
    before, received = terminal.samples[-1], terminal.received
    began = time.perf_counter()
    terminal.watch(STEADY)
    after, rate = terminal.samples[-1], (terminal.received - received) / (time.perf_counter() - began)
    own = (after.process - before.process) - (after.source - before.source)
    wall = after.at - before.at
    return Steady(own / wall, rate, (after.looks - before.looks) / wall)


# ── keys ────────────────────────────────────────────────────────────────────────────────────────


def walk(terminal: Terminal, rounds: int) -> list[float]:
    """Move the cursor up and down at random moments; return the delays of the best walk, in rising order."""
    return min((_walk(terminal, seed) for seed in range(rounds)), key=lambda delays: _at(delays, 0.99))


def _walk(terminal: Terminal, seed: int) -> list[float]:
    chance = Random(seed)  # noqa: S311 - moments, not keys to anything secret
    place, delays = 0, list[float]()
    while len(delays) < KEYS or place:
        down = place == 0 or (len(delays) < KEYS and place < WALK and chance.random() < 0.6)
        place += 1 if down else -1
        delays.append(terminal.press(b"j" if down else b"k", f"north/{place:04d}".encode()).wall)
        terminal.watch(chance.uniform(0.03, 0.13))
    return sorted(delays)


def _at(delays: list[float], share: float) -> float:
    """Return how many milliseconds so many of the keys at most took."""
    return delays[min(len(delays) - 1, int(share * len(delays)))] * 1e3


@dataclass(frozen=True, slots=True)
class Measured:
    """How a screen does in a busy run."""

    steady: Steady
    delays: list[float]
    peak_mb: float


def measure(which: str, rounds: int = 1) -> Measured:
    with Terminal(which, "busy") as terminal:
        terminal.settle()
        found, delays = steady(terminal, rounds), walk(terminal, rounds)
        return Measured(found, delays, terminal.samples[-1].peak_mb)


# ── views that are opened ───────────────────────────────────────────────────────────────────────


def opened(which: str, scene: str, key: bytes, awaited: bytes, rounds: int = 1) -> Taken:
    """Return what it takes to open something for the first time: the least of several programs."""
    return min((_opened(which, scene, key, awaited) for _ in range(rounds)), key=lambda taken: taken.cpu)


def _opened(which: str, scene: str, key: bytes, awaited: bytes) -> Taken:
    with Terminal(which, scene) as terminal:
        while len(terminal.samples) < 2:
            terminal.watch(0.5)
        return terminal.press(key, awaited)


# ── the rows ────────────────────────────────────────────────────────────────────────────────────

WORK: Final = "dashboard, 10,000 tasks"


def busy_rows() -> list[Row]:
    ours, theirs, bare = measure("dashboard", ROUNDS), measure("table"), peak_of("bare")
    work = f"{WORK}, 1,000 events/s"
    return [
        Row(
            f"{work}: CPU of the screen",
            f"{ours.steady.share:.1%} of a core, {ours.steady.share / theirs.steady.share:.2f} × the baseline; "
            f"{ours.steady.rate / 1e3:.0f} kB/s, {ours.steady.frames:.0f} frames/s",
            f"Textual's DataTable {theirs.steady.share:.0%}; {theirs.steady.rate / 1e3:.0f} kB/s",
            "≤ 10 % of a core at 10 frames/s",
            ours.steady.share <= 0.10 and ours.steady.frames > FRAMES - 1,
        ),
        Row(
            f"{work}: key to paint",
            f"p50 {_at(ours.delays, 0.5):.1f} ms, p99 {_at(ours.delays, 0.99):.1f} ms, "
            f"{_at(ours.delays, 0.99) / _at(theirs.delays, 0.99):.2f} × the baseline",
            f"Textual's DataTable p50 {_at(theirs.delays, 0.5):.1f} ms, p99 {_at(theirs.delays, 0.99):.1f} ms",
            "≤ 30 ms at p99",
            _at(ours.delays, 0.99) <= 30,
        ),
        Row(
            f"{work}: memory",
            f"{ours.peak_mb:.0f} MB, {ours.peak_mb / bare:.1f} × the baseline",
            f"a bare Textual app beside the same run {bare:.0f} MB; Textual's DataTable {theirs.peak_mb:.0f} MB",
            "≤ 90 MB",
            ours.peak_mb <= 90,
        ),
    ]


def peak_of(which: str) -> float:
    with Terminal(which, "still") as terminal:
        terminal.settle()
        return terminal.samples[-1].peak_mb


def idle_row() -> Row:
    ours, theirs = idle("dashboard", ROUNDS), idle("table")
    return Row(
        f"{WORK}, of which 25 tick and nothing happens: to the terminal",
        f"{ours.rate / 1e3:.1f} kB/s, {ours.rate / theirs.rate:.2f} × the baseline; {ours.share:.1%} of a core",
        f"Textual's DataTable {theirs.rate / 1e3:.0f} kB/s; {theirs.share:.0%}",
        "≤ 12 kB/s",
        ours.rate <= 12e3,
    )


def idle(which: str, rounds: int = 1) -> Steady:
    with Terminal(which, "still") as terminal:
        terminal.settle()
        return steady(terminal, rounds)


def log_row() -> Row:
    ours, theirs = logged("dashboard", ROUNDS), logged("log")
    return Row(
        "dashboard, logs of all tasks, 1,000 lines/s: CPU of the screen",
        f"{ours.share:.1%} of a core, {ours.share / theirs.share:.2f} × the baseline; {ours.rate / 1e3:.0f} kB/s",
        f"Textual's Log, which keeps no run and has no colours, {theirs.share:.1%}; {theirs.rate / 1e3:.0f} kB/s",
        "≤ 10 % of a core",
        ours.share <= 0.10,
    )


def logged(which: str, rounds: int = 1) -> Steady:
    with Terminal(which, "lines") as terminal:
        terminal.settle()
        terminal.type(b"4")
        return steady(terminal, rounds)


def opening_row(name: str, scene: str, key: bytes, awaited: bytes, first: bytes) -> Row:
    """Return what it takes to show the view by its key; `first` is the task of the run's first row."""
    ours, theirs = opened("dashboard", scene, key, awaited, ROUNDS), opened("later", scene, b"3", first)
    return Row(
        f"{name}: opened for the first time",
        f"{ours.cpu * 1e3:.0f} ms CPU ({ours.wall * 1e3:.0f} ms), {ours.cpu / theirs.cpu:.2f} × the baseline",
        f"Textual's DataTable {theirs.cpu * 1e3:.0f} ms CPU",
        "≤ 50 ms CPU",
        ours.cpu <= 0.050,
    )


def rows() -> list[Row]:
    return [
        *busy_rows(),
        idle_row(),
        log_row(),
        opening_row("Timeline, 10,000 rows", "still", b"3", b"decides the end", b"north/0000"),
        opening_row("DAG, 2,000 instances", "graph", b"2", b"and then 1 more box", b"plan"),
    ]


if __name__ == "__main__":
    for row in rows():
        print(row)
