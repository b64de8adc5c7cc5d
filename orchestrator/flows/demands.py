"""What a flow asks of each of its backends: the models that it names, the tools that its tasks and agents use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.flow import MCP, BackendSpec, Flow, Task
from orchestrator.flows.grammar import has_template
from orchestrator.flows.tasks import MODEL_KINDS
from orchestrator.flows.toolbox import BUILT_IN_TOOLS


@dataclass(slots=True)
class Demand:
    """What is asked of one backend; `name` is that in the run. `tools` may be patterns. An idle one is asked nothing.

    Of a server `tools` names those that are asked for by name or pattern, not that all of them are.
    """

    name: str
    spec: BackendSpec
    models: set[str] = field(default_factory=set)
    tools: set[str] = field(default_factory=set)
    is_used: bool = False


def demands(flow: Flow) -> list[Demand]:
    """Return what the flow, and those that it calls, ask of each backend."""
    found: dict[int, Demand] = {}
    for demand in _below(flow, "", {}):
        found[id(demand)] = demand
    return list(found.values())


def _below(flow: Flow, prefix: str, above: Mapping[str, Demand]) -> Iterator[Demand]:
    """Walk the flow as the engine does: a sub-flow's backend is its own unless the flow above declares the name."""
    own = {name: Demand(prefix + name, spec) for name, spec in flow.backends.items()} | dict(above)
    for task in flow.tasks.values():
        _note_task(task, own)
    for level in flow.degrade:
        for name in level.when:
            _used(name, own)
        for name, model in level.models.items():
            _note_model(name, model, own)
    yield from own.values()
    for task_id, inner in flow.flows.items():
        yield from _below(inner, f"{prefix}{task_id}/", own)


def _used(name: str | None, known: Mapping[str, Demand]) -> Demand | None:
    """Take note that the backend is used, and with it its fallbacks; of a template any may be."""
    if name is not None and has_template(name):
        for each in known.values():
            each.is_used = True
        return None
    demand = known.get(name or "")
    if demand is not None and not demand.is_used:
        demand.is_used = True
        for other in demand.spec.fallback:
            _used(other, known)
    return demand


def _note_task(task: Task, known: Mapping[str, Demand]) -> None:
    for other in task.fallback or ():
        _used(other, known)
    demand = _used(task.backend, known)
    if task.kind == MCP and demand is not None:
        _note_tool(str(getattr(task.settings, "tool", "")), known)
    if task.kind in MODEL_KINDS:
        _note_settings(task.settings, task.backend, known)
        _note_team(task, known)


def _note_settings(settings: Any, backend: str | None, known: Mapping[str, Demand]) -> None:  # noqa: ANN401 - of any kind
    _note_model(backend, getattr(settings, "model", None), known)
    for tool in getattr(settings, "tools", ()):
        _note_tool(tool, known)


def _note_team(task: Task, known: Mapping[str, Demand]) -> None:
    """Note what all those need that an agent may start; who has no backend asks that of its starter."""
    team: Mapping[str, Any] = getattr(task.settings, "team", {})
    waiting = [(name, task.backend) for name in getattr(task.settings, "subagents", ())]
    seen = set(waiting)
    while waiting:
        name, above = waiting.pop()
        member = team[name]
        backend = member.backend or above
        _note_settings(member, backend, known)
        more = {(other, backend) for other in member.subagents} - seen
        seen |= more
        waiting += more


def _note_model(backend: str | None, model: str | None, known: Mapping[str, Demand]) -> None:
    demand = _used(backend, known)
    if demand is not None and model and not has_template(model):
        demand.models.add(model)


def _note_tool(name: str, known: Mapping[str, Demand]) -> None:
    server, dot, tool = name.partition(".")
    demand = None if name in BUILT_IN_TOOLS else _used(server, known)
    if demand is not None and dot and not has_template(tool):
        demand.tools.add(tool)
