"""Rows of the table that `benchmarks/run` prints: what was measured beside a baseline of the same run."""

from __future__ import annotations

import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

COMMAND = str(Path(sys.executable).parent / "orchestrator")
"""The installed command beside the Python that runs the benchmarks."""


ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""What measured programs get: with their byte code cached, as everywhere but on the machines of some developers."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what was done, its figure, the baseline's, and what it is to reach. `ok` is None without a bound."""

    work: str
    figure: str
    baseline: str
    reach: str
    ok: bool | None = None


def median(measure: Callable[[], float], runs: int = 5) -> float:
    """Return the median of several runs, after one that does not count."""
    measure()
    return statistics.median(measure() for _ in range(runs))


def best(measure: Callable[[], float], runs: int = 5) -> float:
    """Return the least of several runs: on a shared machine, what the work itself takes."""
    measure()
    return min(measure() for _ in range(runs))


def timed(act: Callable[[], object]) -> float:
    """Return the seconds that a call takes, garbage collected before."""
    gc.collect()
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


@dataclass(frozen=True, slots=True)
class Process:
    """What a whole process took: seconds of wall and CPU time, megabytes at its peak."""

    wall: float
    cpu: float
    peak_mb: float
    status: int


_LAUNCHER = """
import json, os, subprocess, sys, time
began = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
wall = time.perf_counter() - began
print(json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, child.returncode]))
"""
"""Starts the program from a small process: a child's peak memory counts what its parent had when it was forked."""


def process(argv: Sequence[str], env: dict[str, str] | None = None) -> Process:
    """Run a program to its end and return what it took, its children included."""
    launcher = [sys.executable, "-S", "-c", _LAUNCHER, *argv]
    told = subprocess.run(launcher, env=env or ENVIRONMENT, stdout=subprocess.PIPE, check=True).stdout
    return Process(*json.loads(told))


def middle(argv: Sequence[str], runs: int = 5, env: dict[str, str] | None = None) -> Process:
    """Return the run with the median wall time of several."""
    process(argv, env)
    found = sorted((process(argv, env) for _ in range(runs)), key=lambda one: one.wall)
    bad = [one.status for one in found if one.status]
    if bad:
        raise SystemExit(f"{argv[:3]} ended with {bad[0]}")
    return found[len(found) // 2]


def cpu_of(pid: int) -> float:
    """Return the seconds of CPU time that another process has taken so far, to the microsecond.

    Where the system does not tell, return those of the wall, which are no fewer.
    """
    return time.clock_gettime(~pid << 3 | 2) if sys.platform == "linux" else time.perf_counter()


def descriptors() -> None:
    """Raise the limit of open files as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
