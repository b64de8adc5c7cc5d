"""What each task can come to at most: attempts, calls, tokens in and out, dollars.

What templates add to a prompt, and what tools add to a conversation, counts as nothing: nobody knows it before.
"""

from __future__ import annotations

from typing import Any

from orchestrator.core.fact import fact
from orchestrator.core.flow import GATE_KIND, BackendSpec, BudgetPolicy, Flow, OnExceeded
from orchestrator.core.ports import Estimate
from orchestrator.flows.plan import Step, steps
from orchestrator.flows.pricing import price_for
from orchestrator.flows.registry import Registry
from orchestrator.flows.spending import estimated
from orchestrator.flows.tasks import MODEL_KINDS


@fact
class TaskEstimate:
    """The most that a task, with all its instances, comes to.

    `cost_usd` is None where nobody knows the price. `turns` is how often one attempt asks its model, each time with
    all that was said before.
    """

    id: str
    attempts: int
    turns: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


def estimates(flow: Flow, registry: Registry) -> list[TaskEstimate]:
    """Return the estimate of each task of the flow, and of the files that it calls."""
    return [estimate_of(step, registry) for step in steps(flow) if step.is_work]


def backend_of(step: Step) -> BackendSpec | None:
    """Return the backend that the task names, None where that is a template or nothing."""
    return step.flow.backends.get(step.task.backend) if step.task.backend else None


def call_of(step: Step, registry: Registry) -> Estimate:
    """Return what one call of the task may use."""
    backend = backend_of(step)
    kind = registry.kind(step.task.kind) if backend else None
    return estimated(kind, step.task.settings, backend) if backend else Estimate()


def rounds_of(step: Step) -> int:
    return step.task.until.max_rounds if step.task.until else 1


def attempts_of(step: Step) -> int:
    """Return the most attempts: each round of `until` is one that succeeded, after as many failures as may be."""
    if step.task.kind == GATE_KIND:
        return 0
    return step.times * step.task.retry.max_attempts * rounds_of(step)


def kept_budget(budget: BudgetPolicy | None) -> BudgetPolicy | None:
    """Return the budget if it bounds what is spent; one that only warns does not."""
    return None if budget is None or budget.on_exceeded is OnExceeded.WARN else budget


def estimate_of(step: Step, registry: Registry) -> TaskEstimate:
    """Return the estimate of one task."""
    backend, attempts = backend_of(step), attempts_of(step)
    turns = _turns(step)
    once = _grown(call_of(step, registry), turns)
    budget = kept_budget(step.task.budget)
    own = getattr(step.task.settings, "token_budget", None)
    used = _within(once, own if isinstance(own, int) else None)
    used = Estimate(used.input_tokens * attempts, used.output_tokens * attempts, used.model)
    used = _within(used, budget.tokens if budget else None)
    cost = _cost(used, backend, registry)
    if budget and budget.cost_usd is not None:
        cost = budget.cost_usd if cost is None else min(cost, budget.cost_usd)
    return TaskEstimate(step.id, attempts, turns, used.input_tokens, used.output_tokens, cost)


def _turns(step: Step) -> int:
    """Return how often one attempt asks its model: an agent again and again, a form until the answer fits it."""
    if step.task.kind not in MODEL_KINDS:
        return 1
    settings: Any = step.task.settings
    turns = getattr(settings, "max_turns", 1)
    repairs = getattr(getattr(settings, "output", None), "repair", 0)
    return max(turns if isinstance(turns, int) else 1, 1) + (repairs if step.task.kind == "llm" else 0)


def _grown(call: Estimate, turns: int) -> Estimate:
    """Return what so many calls use, each of which reads what the others before it answered."""
    read_again = call.output_tokens * (turns * (turns - 1) // 2)
    return Estimate(call.input_tokens * turns + read_again, call.output_tokens * turns, call.model)


def _within(used: Estimate, limit: int | None) -> Estimate:
    """Return as much as a limit allows; what is written costs the most, so it is counted first."""
    if limit is None or used.tokens <= limit:
        return used
    output = min(used.output_tokens, limit)
    return Estimate(limit - output, output, used.model)


def _cost(used: Estimate, backend: BackendSpec | None, registry: Registry) -> float | None:
    if not used.tokens or backend is None:
        return 0.0
    price = price_for(backend, registry.backend(backend.kind), used.model)
    return None if price is None else price.of(used.input_tokens, used.output_tokens)
