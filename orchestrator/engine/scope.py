"""What the templates of a task may name, looked up when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from orchestrator.core.errors import Failure
from orchestrator.core.flow import FLOW_KIND, GATE_KIND
from orchestrator.core.output import Output, OutputShape
from orchestrator.core.ports import Scope
from orchestrator.core.progress import TaskProgress
from orchestrator.core.run import Run
from orchestrator.engine.node import Level, Node

RESERVED: Final = ("inputs", "input", "env", "secrets", "run")

_SHAPES: Final = {
    FLOW_KIND: OutputShape("outputs", {"outputs": None}),
    GATE_KIND: OutputShape("approved", {"approved": True}),
}


def shape_of(node: Node) -> OutputShape:
    """Return the fields that the node's output has."""
    return node.kind.output if node.kind is not None else _SHAPES[node.task.kind]


class TaskScope(Scope):
    """The names of one node: its own bindings, the tasks beside it, and what belongs to the run."""

    def __init__(self, node: Node | None, level: Level, run: Run, facts: Callable[[], Mapping[str, object]]) -> None:
        self._bindings = node.bindings if node is not None else {}
        self._level = level
        self._run = run
        self._facts = facts
        self.names = level.names
        self.folder = level.flow.folder

    def __getitem__(self, name: str) -> object:
        if name in self._bindings:
            bound = self._bindings[name]
            return view(bound, self._run) if isinstance(bound, Node) else bound
        if name in self._level.nodes:
            return view(self._level.nodes[name], self._run)
        if name in RESERVED:
            return self._reserved(name)
        raise KeyError(name)

    def _reserved(self, name: str) -> object:
        match name:
            case "env":
                return self._level.environment
            case "secrets":
                return self._level.secrets
            case "run":
                return self._facts()
            case _:
                return self._level.inputs

    def __iter__(self) -> Iterator[str]:
        return iter({**self._bindings, **self._level.nodes, **dict.fromkeys(RESERVED)})

    def __len__(self) -> int:
        return len(list(iter(self)))


def view(node: Node, run: Run) -> object:
    """Return a task as templates see it: its output, or the list of its instances' outputs."""
    if node.whole:
        return [view(instance, run) for instance in node.instances if not instance.left_over]
    shape = shape_of(node)
    fields = {shape.main: node.output} if node.task.kind == FLOW_KIND else shape.fields
    own = {**fields, **(node.output or {})}
    return Output(node.task.kind, shape.main, {**own, **_common(node, run.tasks[node.id])})


def _common(node: Node, progress: TaskProgress) -> dict[str, object]:
    elapsed = None if progress.started is None or progress.ended is None else progress.ended - progress.started
    return {
        "state": str(progress.state),
        "error": error_data(progress.error),
        "attempts": progress.attempt,
        "duration_s": elapsed,
        "tokens": progress.tokens,
        "cost_usd": progress.cost_usd,
        "backend": progress.backend,
        "item": node.bindings.get("item"),
        "label": node.label,
        "index": node.bindings.get("index"),
    }


def error_data(failure: Failure | None) -> dict[str, object] | None:
    """Return a failure as it stands in reports."""
    if failure is None:
        return None
    return {
        "code": str(failure.code),
        "class": str(failure.error_class),
        "kind": str(failure.kind),
        "message": failure.message,
        "hint": failure.hint,
        "retry_after": failure.retry_after,
        "correlation_id": failure.correlation_id,
    }


class FieldScope(Scope):
    """The names of `until`: the fields of the task's own output, then what every template of the task may name."""

    def __init__(self, fields: Mapping[str, object], outer: TaskScope) -> None:
        self._fields = fields
        self._outer = outer
        self.names = outer.names

    def __getitem__(self, name: str) -> object:
        return self._fields[name] if name in self._fields else self._outer[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._fields, **dict.fromkeys(self._outer)})

    def __len__(self) -> int:
        return len(list(iter(self)))
