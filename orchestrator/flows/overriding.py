"""A flow as the caller of a run wants it: other limits, fewer tasks, simulated backends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.flow import BackendSpec, BudgetPolicy, Flow, Task
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


def check_priced(flow: Flow, is_priced: Callable[[BackendSpec], bool]) -> None:
    """Raise FlowError if a budget in dollars could not be kept, for want of a price."""
    for one in _with_inner(flow):
        used = {name for task in one.tasks.values() if task.kind in MODEL_KINDS for name in _backends(task, one)}
        for name in sorted(used):
            if not is_priced(one.backends[name]):
                hint = f"give {name!r} a `price: {{input: …, output: …}}`, in dollars for a million tokens"
                what = f"--budget-usd: a budget in dollars cannot be kept: the backend {name!r} has no price"
                raise FlowError(Problem(what, one.file, hint=hint))


def _backends(task: Task, flow: Flow) -> Iterator[str]:
    """Yield the declared backends that the task can come to; of a template all that it may be."""
    named = task.backend or ""
    for name in [named] if named in flow.backends else flow.backends if named else ():
        others = task.fallback if task.fallback is not None else flow.backends[name].fallback
        yield from (one for one in (name, *others) if one in flow.backends)


def _with_inner(flow: Flow) -> Iterator[Flow]:
    yield flow
    for inner in flow.flows.values():
        yield from _with_inner(inner)


def check_approvals(flow: Flow, given: Collection[str]) -> None:
    """Raise FlowError for an approval in advance of what asks for none: it would be missed where it was meant."""
    known = set(asking(flow))
    for name in sorted(given):
        if name.partition("[")[0] not in known:
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

    `settings` are those of the simulated backend. Every policy stays; no key is needed any more.
    """
    backends = {
        name: spec if spec.kind in real else replace(spec, kind="simulated", settings=settings, api_key=None)
        for name, spec in flow.backends.items()
    }
    inner = {name: simulated(one, settings, real=real) for name, one in flow.flows.items()}
    return replace(flow, backends=backends, flows=inner)


def asking(flow: Flow, prefix: str = "") -> Iterator[str]:
    """Yield the tasks that ask for approval, those of sub-flows too, as `outer/inner`."""
    for task in flow.tasks.values():
        if task.approval is not None:
            yield prefix + task.id
        if task.id in flow.flows:
            yield from asking(flow.flows[task.id], f"{prefix}{task.id}/")
