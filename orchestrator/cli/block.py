"""The live block under the lines: how it reads for a run of any size, and how it is drawn over itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from orchestrator.cli.lines import counts, spent
from orchestrator.cli.streams import Looks, Out
from orchestrator.cli.words import cells, clean, clip, clock, one_line, pad, plain, span
from orchestrator.core.progress import TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, RunState, State

MOST_ROWS: Final = 12
"""Rows of the block at most, whatever the terminal's height."""


def frame(run: Run, now: float, *, width: int, height: int, looks: Looks) -> list[str]:
    """Return the block's lines, each narrower than the terminal."""
    room = min(MOST_ROWS, height - 2)
    lines = [_head(run, now)]
    lines += [_backend_line(name, run, now) for name in islice(_troubled(run), 2)]
    lines += _running_lines(run, now, max(1, room - len(lines)))
    signs = [line if looks.unicode else plain(line) for line in lines]
    return [looks.paint(clip(line, width - 1), *styles) for line, styles in _styled(signs)]


def _styled(lines: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for number, line in enumerate(lines):
        yield line, ("bold",) if number == 0 else ("dim",) if line.startswith(("  … ", "  ... ")) else ()


def _head(run: Run, now: float) -> str:
    state = "" if run.state is RunState.RUNNING else f" {run.state}"
    return f"{clock(now)}{state}  {counts(run.tally)}{spent(run.tally.tokens, run.tally.cost_usd)}"


def _troubled(run: Run) -> Iterator[str]:
    """Yield the backends that take no calls, or only probes."""
    for name, backend in run.backends.items():
        if backend.breaker is not BreakerState.CLOSED or backend.held_for is not None:
            yield name


def _backend_line(name: str, run: Run, now: float) -> str:
    backend = run.backends[name]
    if backend.breaker is BreakerState.CLOSED:
        how_long = ", until you act" if backend.held_until is None else _left(backend.held_until, now)
        return f"  backend {name} held{how_long} ({one_line(backend.held_why)})"
    word = backend.breaker.replace("_", "-")
    return f"  breaker {name} {word}{_left(backend.until, now)} ({one_line(backend.why)})"


def _left(until: float | None, now: float) -> str:
    return "" if until is None or until <= now else f", {span(until - now)} left"


def _running_lines(run: Run, now: float, room: int) -> list[str]:
    tasks = sorted(_active(run), key=lambda task: task.since)
    shown = tasks if len(tasks) <= room else tasks[: room - 1]
    width = min(40, max((cells(task.id) for task in shown), default=0))
    lines = [_task_line(task, now, width) for task in shown]
    return lines if len(shown) == len(tasks) else [*lines, f"  … and {len(tasks) - len(shown)} more running"]


def _active(run: Run) -> Iterator[TaskProgress]:
    """Yield the tasks whose attempt runs; a whole runs through its instances alone."""
    return (task for task in run.tasks.values() if task.state is State.RUNNING and task.id not in run.instances)


def _task_line(task: TaskProgress, now: float, width: int) -> str:
    elapsed = span(max(0.0, now - (task.attempts[-1].started if task.attempts else task.since)))
    number = f" try {task.attempt}/{task.max_attempts}" if task.attempt > 1 else ""
    name = pad(clip(task.id, width), width)
    return f"  {name}  {elapsed:>6}{number}  {one_line(task.last_line)[:200]}".rstrip()


class Block:
    """Lines at the end of the screen that replace each other; whatever else is written goes above them."""

    def __init__(self, out: Out) -> None:
        self._out = out
        self._lines: list[str] = []

    def draw(self, lines: list[str]) -> None:
        """Replace what stands there. One write, so that no half-drawn block is seen."""
        if lines != self._lines:
            self._out.write(self._erasure() + "".join(f"{line}\n" for line in lines))
            self._lines = lines

    def above(self, text: str) -> None:
        """Write lasting lines and the block again below them."""
        self._out.write(self._erasure() + text + "".join(f"{line}\n" for line in self._lines))

    def clear(self) -> None:
        self._out.write(self._erasure())
        self._lines = []

    def _erasure(self) -> str:
        rows = self._rows()
        return f"\x1b[{rows}F\x1b[J" if rows else ""

    def _rows(self) -> int:
        """Count the rows that the block takes now: a terminal that became narrower has wrapped its lines."""
        columns = max(1, self._out.size().columns)
        return sum(max(1, -(-cells(clean(line)) // columns)) for line in self._lines)
