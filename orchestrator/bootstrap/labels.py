"""What the instances of a task are called, as far as that is known before the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.core.errors import InputError
from orchestrator.core.flow import Flow, ForEach, Json, Matrix, Task
from orchestrator.engine.expansion import Instance, each_combination, each_item
from orchestrator.templates import render_data, text_of


def known_labels(flow: Flow, name: str, inputs: Mapping[str, Json]) -> list[str] | None:
    """Return the labels of a task's instances: [] without a fan-out, None where only the run can tell.

    The run alone knows what the flows within it are called with, and so their tasks.
    """
    if name not in flow.tasks:
        return None
    try:
        return [one.label for one in _instances(_source(flow, flow.tasks[name]), {"inputs": inputs, "input": inputs})]
    except (ValueError, InputError):
        return None


def _source(flow: Flow, task: Task) -> Task:
    """Return the task whose instances those of the task are paired with, or itself."""
    while isinstance(task.fan_out, ForEach) and task.fan_out.each is not None:
        task = flow.tasks[task.fan_out.each]
    return task


def _instances(task: Task, scope: Mapping[str, object]) -> list[Instance]:
    match task.fan_out:
        case ForEach() as fan_out:
            return each_item(fan_out, render_data(fan_out.items, scope), _labeller(fan_out, scope))
        case Matrix() as matrix:
            axes: dict[str, Any] = {name: render_data(values, scope) for name, values in matrix.axes.items()}
            return each_combination(matrix, axes)
        case None:
            return []


def _labeller(spec: ForEach, scope: Mapping[str, object]) -> Callable[[Mapping[str, object]], str] | None:
    template = spec.label
    return None if template is None else lambda row: text_of(render_data(template, {**scope, **row}))
