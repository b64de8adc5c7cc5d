"""How many tasks a flow comes to, as far as its lists are known before the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from math import prod
from typing import Final

from orchestrator.core.flow import Flow, ForEach, Json, Matrix, Task
from orchestrator.templates import render_data

_MOST_TRIED: Final = 100_000
"""Combinations that are tried against `exclude`; of more, none counts as excluded."""


def with_known_lists(flow: Flow, inputs: Mapping[str, Json] | None = None) -> Flow:
    """Return the flow with those lists written out that follow from its inputs alone; without any, from their defaults.

    What it calls is left as it is: only the run knows the inputs of that.
    """
    known = _defaults(flow) if inputs is None else inputs
    scope = {"inputs": known, "input": known}
    return replace(flow, tasks={name: _with_known_lists(task, scope) for name, task in flow.tasks.items()})


def _defaults(flow: Flow) -> Mapping[str, Json]:
    return {name: one.default for name, one in flow.inputs.items() if not one.required}


def _with_known_lists(task: Task, scope: Mapping[str, object]) -> Task:
    fan_out = task.fan_out
    if isinstance(fan_out, ForEach):
        return replace(task, fan_out=replace(fan_out, items=_known(fan_out.items, scope)))
    if isinstance(fan_out, Matrix):
        axes = {name: _known(values, scope) for name, values in fan_out.axes.items()}
        return replace(task, fan_out=replace(fan_out, axes=axes))
    return task


def _known(items: Json, scope: Mapping[str, object]) -> Json:
    """Return the list that a template comes to, or the template where only the run can tell.

    One with statements is left alone: it could loop for long, and nobody asked for a run yet.
    """
    if not isinstance(items, str) or "{%" in items:
        return items
    try:
        found = render_data(items, scope)
    except ValueError:
        return items
    return list(found) if isinstance(found, list | tuple) else items


def instances(flow: Flow, task: Task) -> int | None:
    """Return how many instances a task has: 1 without a fan-out, None where only the run can tell."""
    seen: set[str] = set()
    while isinstance(task.fan_out, ForEach) and task.fan_out.each is not None and task.id not in seen:
        seen.add(task.id)
        task = flow.tasks[task.fan_out.each]
    match task.fan_out:
        case None:
            return 1
        case ForEach(items=items):
            return len(items) if isinstance(items, list | tuple) else None
        case Matrix() as matrix:
            return _combinations(matrix)


def _combinations(matrix: Matrix) -> int | None:
    axes = {name: values for name, values in matrix.axes.items() if isinstance(values, list | tuple)}
    if len(axes) < len(matrix.axes):
        return None
    total = prod(len(values) for values in axes.values())
    if not matrix.exclude or total > _MOST_TRIED:
        return total + len(matrix.include)
    tried = (dict(zip(axes, values, strict=True)) for values in product(*axes.values()))
    return sum(not _is_excluded(combination, matrix) for combination in tried) + len(matrix.include)


def _is_excluded(combination: Mapping[str, Json], matrix: Matrix) -> bool:
    return any(all(combination.get(name) == value for name, value in row.items()) for row in matrix.exclude)


def count_tasks(flow: Flow, known: dict[int, int] | None = None) -> int:
    """Return the number of tasks after expansion; a fan-out that is not known yet counts as one."""
    known = {} if known is None else known
    if id(flow) not in known:
        known[id(flow)] = sum(_count(flow, task, known) for task in flow.tasks.values())
    return known[id(flow)]


def _count(flow: Flow, task: Task, known: dict[int, int]) -> int:
    """Count a task; an empty fan-out is still the whole of it."""
    number = instances(flow, task) or 1
    inner = flow.flows.get(task.id)
    return number * (count_tasks(inner, known) if inner else 1)
