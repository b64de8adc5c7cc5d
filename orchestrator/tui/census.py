"""What only a look at every task tells: who waits where, what took longest, cost most, was tried most often.

It costs time with every task, so it is made now and then, and only for the screens that show it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import nlargest
from typing import Final, NamedTuple

from orchestrator.core.progress import ENDED_BADLY, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import Reason

MOST: Final = 5
"""Tasks in each list of the first."""
EVERY: Final = 1.0
"""Seconds between two looks, and as many more as there are thousands of tasks, by five."""


class Span(NamedTuple):
    """From when to when a group's tasks ran; without an end while some still may."""

    began: float | None = None
    ended: float | None = None


class Census(NamedTuple):
    """What was found. `waiting` counts by the gate and the reason, `retries` by group."""

    waiting: Counter[tuple[str, Reason]]
    retries: Counter[str]
    spans: dict[str, Span]
    failed: tuple[TaskProgress, ...]
    slowest: tuple[TaskProgress, ...]
    dearest: tuple[TaskProgress, ...]
    hungriest: tuple[TaskProgress, ...]
    most_tried: tuple[TaskProgress, ...]

    def held_at(self, gate: str, *reasons: Reason) -> int:
        """Return how many wait there for one of these reasons."""
        return sum(self.waiting[gate, reason] for reason in reasons)


class Counting:
    """Makes a census, and keeps it until something has happened and some time has gone by."""

    def __init__(self) -> None:
        self._seq = -2
        self._at = float("-inf")
        self._run: Run | None = None
        self._census: Census | None = None

    def of(self, run: Run, now: float) -> Census:
        """Return how things stand, or stood a second ago. The clock stands still at the end, which is always told."""
        recent = run.ended is None and now - self._at < EVERY + len(run.tasks) / 5000
        same = run is self._run and (run.seq == self._seq or recent)
        if self._census is None or not same:
            self._run, self._seq, self._at = run, run.seq, now
            self._census = census(run, now)
        return self._census


def census(run: Run, now: float) -> Census:
    """Look at every task; a whole is none of its own."""
    tasks = [task for name, task in run.tasks.items() if name not in run.instances]
    begun = [task for task in tasks if task.started is not None]
    return Census(
        Counter((task.wait.gate, task.wait.reason) for task in tasks if task.wait and task.wait.gate),
        _retries(begun),
        _spans(run, begun),
        tuple(sorted((task for task in tasks if task.status in ENDED_BADLY), key=_ended)),
        _first(begun, [task.elapsed(now) or 0.0 for task in begun]),
        _first(begun, [task.cost_usd or 0.0 for task in begun]),
        _first(begun, [task.tokens for task in begun]),
        _first(begun, [task.attempt - 1 for task in begun]),
    )


def _retries(tasks: Iterable[TaskProgress]) -> Counter[str]:
    retries = Counter[str]()
    for task in tasks:
        if task.attempt > 1:
            retries[task.group] += task.attempt - 1
    return retries


def _ended(task: TaskProgress) -> float:
    return task.ended or 0.0


def _first(tasks: Sequence[TaskProgress], measures: Sequence[float]) -> tuple[TaskProgress, ...]:
    """Return those with the most, none with nothing."""
    places = nlargest(MOST, range(len(tasks)), key=measures.__getitem__)
    return tuple(tasks[place] for place in places if measures[place] > 0)


def _spans(run: Run, tasks: Iterable[TaskProgress]) -> dict[str, Span]:
    """Return from when to when each group's tasks ran; without an end while some of it may still run."""
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for task in tasks:
        group = task.group
        if task.started is not None:
            began[group] = min(began.get(group, task.started), task.started)
        if task.ended is not None:
            ended[group] = max(ended.get(group, task.ended), task.ended)
    over = {group for group, tally in run.tallies.items() if tally.done == tally.total}
    return {group: Span(start, ended.get(group) if group in over else None) for group, start in began.items()}
