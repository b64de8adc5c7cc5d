"""The forms of tasks: for each kind the keys that every task has, and the one key of the kind with its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from functools import cache
from typing import Any, Final

from orchestrator.core.fact import fact
from orchestrator.core.flow import EMPTY, FLOW_KIND, MCP, FlowCall
from orchestrator.core.output import OutputShape
from orchestrator.core.ports import Kind
from orchestrator.flows.findings import Spot
from orchestrator.flows.grammar import FileName, Form, Key, Node, OneOf, OrTemplate, Path, Short
from orchestrator.flows.reading import Reader
from orchestrator.flows.schema import BACKEND_OF_TASK, FLOW_CALL, TASK
from orchestrator.flows.settings import form_of

GATE_SHAPE: Final = OutputShape("approved", {"approved": True})

BACKEND_KEY: Final = "backend"
ROLE_KEY: Final = "role"


@fact
class Chosen:
    """What a kind's key holds: the settings of the kind, and the backend that is named there.

    `given` are the keys that are written. Where a role can say more, the settings are None until it has; `backend_at`
    is set where the backend is named elsewhere, as by a role.
    """

    settings: Any
    backend: str | None = None
    given: Mapping[str, Any] = field(default_factory=lambda: EMPTY)
    backend_at: Spot | None = None


@fact
class Sort:
    """How tasks of one kind are read."""

    name: str
    node: Short
    reader: Reader
    kind: type[Kind] | None = None

    @property
    def short(self) -> str:
        return self.node.key

    @property
    def keys(self) -> Mapping[str, Key]:
        return self.node.form.keys


@cache
def sort_of_kind(kind: type[Kind]) -> Sort:
    """Return how tasks of an installed kind are read."""
    node = kind_node(kind)
    return Sort(kind.name, node, _reader(kind.name, node), kind)


@cache
def sort_of_flow() -> Sort:
    """Return how tasks are read that expand another file."""
    form = Form(FLOW_KIND, FLOW_CALL.keys, lambda given: Chosen(FlowCall(**given)))
    node = Short(form, "file")
    return Sort(FLOW_KIND, node, _reader(FLOW_KIND, node))


GATE: Final = Reader(Form("task", TASK))
"""How tasks are read that have no kind."""


def kind_node(kind: type[Kind]) -> Short:
    """Return what may stand under a kind's key."""
    own = form_of(kind.settings)
    build = (own.build or dict) if ROLE_KEY not in own.keys else _later

    def choose(given: dict[str, Any]) -> Chosen:
        backend = given.pop(BACKEND_KEY, None)
        return Chosen(build(given), backend, given)

    keys = own.keys if kind.name == MCP else {**own.keys, BACKEND_KEY: BACKEND_OF_TASK}
    return Short(Form(kind.name, keys, choose), kind.short)


def _later(_given: dict[str, Any]) -> None:
    """What is written is not all that the task is given."""


def _reader(name: str, node: Short) -> Reader:
    return Reader(
        Form("task", {**TASK, name: Key(node, f"What the task does: the keys of the kind {name}.", required=True)})
    )


@cache
def file_keys(form: Form) -> tuple[Path, ...]:
    """Return the paths of the keys that hold the names of files."""
    return tuple(_files(form, ()))


def _files(node: Node, path: Path) -> list[Path]:
    match node:
        case FileName():
            return [path]
        case Form():
            return [found for name, key in node.keys.items() for found in _files(key.node, (*path, name))]
        case OneOf():
            return [found for member in node.members.values() for found in _files(member, path)]
        case OrTemplate():
            return _files(node.inner, path)
        case _:
            return []
