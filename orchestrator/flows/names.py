"""What templates may name at each place of a flow, and which fields those names have."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, TypeAlias

from orchestrator.core.errors import Code
from orchestrator.core.fact import fact
from orchestrator.core.output import COMMON_FIELDS, OutputShape
from orchestrator.flows.grammar import Step, either
from orchestrator.flows.suggest import Suggest

RUN_FIELDS: Final = ("id", "name", "started", "failed", "cost_usd", "dir")
TAKEN: Final = frozenset({"input", "inputs", "env", "run", "item", "label", "index", "matrix", "secrets"})
"""Names that mean something of their own, so that no task may have them."""

BUILT_IN: Final = frozenset({"range", "true", "false", "none", "True", "False", "None"})
LOOP: Final = frozenset({"item", "label", "index"})
NO_NAMES: Final[frozenset[str]] = frozenset()

_TEXT_FIELDS: Final = ("state", "label", "backend")
_ADVICE: Final = {
    "matrix": "only a task with `matrix` has it",
    **dict.fromkeys(LOOP, "only a task with `for_each` has it"),
}

Fault: TypeAlias = tuple[str, str | None, str]
"""A message, a hint and a code."""


@fact
class Shape:
    """What templates see of a task: its fields (None if any name may be one), and whether it is a list of instances."""

    kind: str
    fields: Mapping[str, object] | None
    is_list: bool = False


def shape_of(kind: str, output: OutputShape, *, is_list: bool) -> Shape:
    # The keys of what a function returns are fields too, and nobody knows them before.
    return Shape(kind, None if output.main == "value" else output.fields, is_list)


@fact
class Place:
    """Where a template stands: the names that only this place has, and the fan-outs that are single instances here.

    What stands outside of the run (`in_run` is false) sees neither tasks nor `run`. An open place has names of its own
    that nobody knows before the run. `fields` are those of `local` that are fields of the task's own output.
    """

    local: frozenset[str] = NO_NAMES
    paired: frozenset[str] = NO_NAMES
    in_run: bool = True
    is_open: bool = False
    fields: tuple[str, ...] = ()


class Names:
    """The names that the whole file knows."""

    def __init__(
        self,
        inputs: Collection[str],
        secrets: Collection[str],
        tasks: Mapping[str, Shape | None],
        suggest: Suggest,
    ) -> None:
        self._inputs = inputs
        self._secrets = secrets
        self._tasks = tasks
        self._suggest = suggest

    def task_of(self, path: tuple[Step, ...], place: Place) -> str | None:
        """Return the task that a reference makes a dependency."""
        root = str(path[0])
        return root if root not in place.local and root in self._tasks else None

    def fault(self, path: tuple[Step, ...], place: Place) -> Fault | None:
        """Return what is wrong with a reference."""
        root = str(path[0])
        if root in place.local or root in BUILT_IN:
            return None
        if root in _KNOWN and (place.in_run or root != "run"):
            return self._fault_below(root, path)
        if root in self._tasks and place.in_run:
            return self._fault_in_task(root, path, place)
        return None if place.is_open else self._unknown(root, place)

    def _fault_below(self, root: str, path: tuple[Step, ...]) -> Fault | None:
        known = {"inputs": self._inputs, "secrets": self._secrets, "run": RUN_FIELDS}.get(root)
        if known is None or len(path) < 2 or path[1] in known:
            return None
        what = {"inputs": "input", "secrets": "secret", "run": "field of run"}[root]
        declared = f"expected {either(sorted(known))}" if len(known) <= 20 and known else None
        hint = _join(declared or f"declare it under `{root}:`", self._suggest(str(path[1]), known))
        return f"there is no {what} {path[1]!r}", hint, Code.UNKNOWN_NAME

    def _fault_in_task(self, task: str, path: tuple[Step, ...], place: Place) -> Fault | None:
        shape = self._tasks[task]
        if shape is None or len(path) < 2 or isinstance(path[1], int):
            return None
        if shape.is_list and task not in place.paired:
            message = f"{task!r} has one output for each instance, so {path[1]!r} is no field of it"
            return message, f"write `{task}[0].{path[1]}`, or go over them with a `for`", Code.UNKNOWN_NAME
        return self._fault_in_output(task, shape, path)

    def _fault_in_output(self, task: str, shape: Shape, path: tuple[Step, ...]) -> Fault | None:
        name = str(path[1])
        if shape.fields is None or name in COMMON_FIELDS:
            return None
        if name not in shape.fields:
            own = f"expected {either([*shape.fields])}, or what every output has, such as state"
            hint = _join(own, self._suggest(name, (*shape.fields, *COMMON_FIELDS)))
            return f"the output of {task!r} ({shape.kind}) has no field {name!r}", hint, Code.UNKNOWN_NAME
        if len(path) > 2 and isinstance(shape.fields[name], str | int) and isinstance(path[2], str):
            return f"{task}.{name} is a plain value and has no field {path[2]!r}", None, Code.UNKNOWN_NAME
        return None

    def _unknown(self, root: str, place: Place) -> Fault:
        expected = "expected inputs, env or secrets: this is used before any task runs"
        known = {*place.local, *_KNOWN}
        if place.in_run:
            known |= self._tasks.keys()
            own = f"a field of its own output ({either(place.fields)}), " if place.fields else ""
            expected = _ADVICE.get(root, f"expected {own}a task, inputs, env, run or secrets")
        hint = _join(expected, self._suggest(root, known - {root}))
        return f"unknown name {root!r} in a template", hint, Code.UNKNOWN_NAME


_KNOWN: Final = ("inputs", "env", "run", "secrets")


def _join(*parts: str | None) -> str | None:
    return "; ".join(part for part in parts if part) or None
