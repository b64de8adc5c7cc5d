"""What needs what, with everything that a fan-out or a sub-flow became drawn together into one box."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from orchestrator.core.run import Run


class Graph(NamedTuple):
    """Boxes in the flow's order, what each needs, which box a task is in, and which tasks a box stands for.

    `layers` says how many boxes, at least, come one after another before it.
    """

    needs: Mapping[str, tuple[str, ...]]
    feeds: Mapping[str, tuple[str, ...]]
    box_of: Mapping[str, str]
    members: Mapping[str, tuple[str, ...]]
    layers: Mapping[str, int]


def graph_of(run: Run, whole_of: Mapping[str, str]) -> Graph:
    """Return the graph of the run; `whole_of` names the whole of each task that is part of one."""
    box_of: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    for task, progress in run.tasks.items():
        box = box_of[task] = _outermost(task, progress.info.of, whole_of)
        inside = members.setdefault(box, [])
        if task not in run.instances:
            inside.append(task)
    needs, layers = _layered(_lifted(run, box_of, members))
    tasks = {box: tuple(inside) for box, inside in members.items()}
    return Graph(needs, _turned(needs), box_of, tasks, layers)


def _outermost(task: str, of: str | None, whole_of: Mapping[str, str]) -> str:
    box = whole_of.get(task, of or task)
    while (outer := whole_of.get(box)) is not None:
        box = outer
    return box


def _lifted(run: Run, box_of: Mapping[str, str], boxes: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Return what each box needs: what any of its tasks needs elsewhere."""
    needs: dict[str, dict[str, None]] = {box: {} for box in boxes}
    for task, progress in run.tasks.items():
        box = box_of[task]
        for need in progress.info.needs:
            other = box_of.get(need.task, box)
            if other != box:
                needs[box][other] = None
    return {box: tuple(others) for box, others in needs.items()}


def _layered(needs: dict[str, tuple[str, ...]]) -> tuple[dict[str, tuple[str, ...]], dict[str, int]]:
    """Return the needs and each box's layer. Where boxes need each other in a ring, one of them gives way."""
    feeds = _turned(needs)
    left = {box: len(others) for box, others in needs.items()}
    ready = deque(box for box, number in left.items() if not number)
    layers: dict[str, int] = {}
    for stuck in (None, *needs):
        if stuck is not None and stuck not in layers:
            needs[stuck] = tuple(other for other in needs[stuck] if other in layers)
            ready.append(stuck)
        while ready:
            box = ready.popleft()
            layers[box] = max((layers[other] + 1 for other in needs[box]), default=0)
            for other in feeds[box]:
                left[other] -= 1
                if not left[other] and other not in layers:
                    ready.append(other)
    return needs, layers


def _turned(needs: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    feeds: dict[str, list[str]] = {box: [] for box in needs}
    for box, others in needs.items():
        for other in others:
            feeds[other].append(box)
    return {box: tuple(others) for box, others in feeds.items()}
