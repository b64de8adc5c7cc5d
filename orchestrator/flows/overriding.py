"""A flow as the caller of a run wants it: other limits, fewer tasks, simulated backends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.flow import MCP, BackendSpec, BudgetPolicy, Flow, Task, whole_of
from orchestrator.flows.people import asks_a_person
from orchestrator.flows.suggest import closest
from orchestrator.flows.tasks import MODEL_KINDS


def with_limits(
    flow: Flow, *, max_concurrency: int | None = None, budget_usd: float | None = None, deadline: float | None = None
) -> Flow:
    """Return the flow with the limits that are given; None leaves the flow's own."""
    budget = flow.budget
    if budget_usd is not None:
        budget = replace(budget or BudgetPolicy(), cost_usd=budget_usd)
    return replace(
        flow,
        budget=budget,
        max_concurrency=flow.max_concurrency if max_concurrency is None else max_concurrency,
        deadline=flow.deadline if deadline is None else deadline,
    )


def only(flow: Flow, wanted: Sequence[str]) -> Flow:
    """Return the flow with the wanted tasks and what they need. Raises FlowError for what is no task of it."""
    kept: dict[str, None] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in flow.tasks:
            raise FlowError(_no_task(flow, name))
        if name not in kept:
            kept[name] = None
            waiting += [need.task for need in flow.tasks[name].needs]
    return replace(
        flow,
        tasks={name: task for name, task in flow.tasks.items() if name in kept},
        flows={name: inner for name, inner in flow.flows.items() if name in kept},
    )


def check_priced(flow: Flow, is_priced: Callable[[BackendSpec, str | None], bool]) -> None:
    """Raise FlowError if a budget in dollars could not be kept, for want of a price."""
    for one in with_inner(flow):
        used = {pair for task in one.tasks.values() if task.kind in MODEL_KINDS for pair in _asked(task, one)}
        for name, model in sorted(used, key=str):
            if not is_priced(one.backends[name], model):
                hint = f"give {name!r} a `price: {{input: …, output: …}}`, in dollars for a million tokens"
                lacks = f"the backend {name!r} has no price" + (f" for {model!r}" if model else "")
                what = f"--budget-usd: a budget in dollars cannot be kept: {lacks}"
                raise FlowError(Problem(what, one.file, hint=hint))


def _asked(task: Task, flow: Flow) -> Iterator[tuple[str, str | None]]:
    """Yield the declared backends that the task can come to, with the model that it names there.

    Of a template all are told that it may be. A model is one of the task's own backend alone.
    """
    named, model = task.backend or "", getattr(task.settings, "model", None)
    for name in [named] if named in flow.backends else flow.backends if named else ():
        others = task.fallback if task.fallback is not None else flow.backends[name].fallback
        yield name, model
        yield from ((one, None) for one in others if one in flow.backends)


def with_inner(flow: Flow) -> Iterator[Flow]:
    """Yield the flow, and those that it calls."""
    yield flow
    for inner in flow.flows.values():
        yield from with_inner(inner)


def check_approvals(flow: Flow, given: Collection[str]) -> None:
    """Raise FlowError for an approval in advance of what asks for none: it would be missed where it was meant."""
    known = {*asking(flow), *asking_at_work(flow)}
    for name in sorted(given):
        if whole_of(name) not in known:
            raise FlowError(_asks_nothing(flow, name, known))


def _asks_nothing(flow: Flow, name: str, known: Collection[str]) -> Problem:
    meant = closest(name, known)
    hint = f"did you mean {meant!r}?" if meant else f"these ask: {', '.join(sorted(known)) or 'none'}"
    what = "this task asks for no approval" if name in flow.tasks else "there is no such task"
    return Problem(f"--approve {name}: {what}", flow.file, hint=hint, code=Code.UNKNOWN_NAME)


def _no_task(flow: Flow, name: str) -> Problem:
    whole = name.partition("[")[0]
    if whole != name and whole in flow.tasks:
        hint = f"say --only {whole}; its instances are known only while it runs"
        return Problem(f"--only takes whole tasks, and {name!r} is an instance", flow.file, hint=hint)
    meant = closest(name, flow.tasks)
    hint = f"did you mean {meant!r}?" if meant else "`orchestrator graph` lists them"
    return Problem(f"--only: there is no task {name!r}", flow.file, hint=hint, code=Code.UNKNOWN_NAME)


def simulated(flow: Flow, settings: object, *, real: frozenset[str]) -> Flow:
    """Return the flow, and those that it calls, with simulated backends in place of all but the `real` kinds.

    `settings` are those of the simulated backend. Every policy stays; no key is needed any more. A server of tools has
    those that tasks name.
    """
    backends = {
        name: spec if spec.kind in real else _simulated(spec, settings, flow) for name, spec in flow.backends.items()
    }
    inner = {name: simulated(one, settings, real=real) for name, one in flow.flows.items()}
    return replace(flow, backends=backends, flows=inner)


def _simulated(spec: BackendSpec, settings: Any, flow: Flow) -> BackendSpec:  # noqa: ANN401 - the simulator's own
    if spec.kind == MCP:
        named = {tool.partition(".") for task in flow.tasks.values() for tool in _tools(task.settings)}
        settings = replace(
            settings, tools=tuple(sorted(tool for server, _, tool in named if server == spec.name and tool))
        )
    return replace(spec, kind="simulated", settings=settings, api_key=None, price=spec.price_of(None))


def _tools(settings: object) -> Iterator[str]:
    """Yield the tools that a task names one by one, and those that its subagents do."""
    yield from (tool for tool in getattr(settings, "tools", ()) if "*" not in tool)
    for member in getattr(settings, "team", {}).values():
        yield from _tools(member)


def asking(flow: Flow) -> Iterator[str]:
    """Yield the tasks that ask for approval before they start, those of sub-flows too, as `outer/inner`."""
    return (name for name, task in _named(flow) if task.approval is not None)


def asking_at_work(flow: Flow) -> Iterator[str]:
    """Yield the agents that may ask for leave or for an answer while they work."""
    return (name for name, task in _named(flow) if asks_a_person(task))


def _named(flow: Flow, prefix: str = "") -> Iterator[tuple[str, Task]]:
    for task in flow.tasks.values():
        yield prefix + task.id, task
        if task.id in flow.flows:
            yield from _named(flow.flows[task.id], f"{prefix}{task.id}/")
