"""What calls can cost: budgets that cannot be kept because a price is missing, limits that a call can never fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from orchestrator.core.errors import Code
from orchestrator.core.flow import BackendSpec, BudgetPolicy, Group
from orchestrator.core.ports import Estimate, Kind
from orchestrator.flows.declared import Declared
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import Path
from orchestrator.flows.tasks import MODEL_KINDS, Draft, TaskMaker
from orchestrator.resilience.rate_limit import RateLimits


def estimated(kind: type[Kind] | None, settings: object, spec: BackendSpec) -> Estimate:
    """Return what one call may use, as far as that can be told of settings whose templates are not rendered."""
    with suppress(ValueError, TypeError):
        if kind is not None:
            return kind().estimate(settings, spec)
    return Estimate()


def is_priced(declared: Declared) -> bool:
    """Return whether calls to the backend have a price: its own, or one that its kind knows."""
    return declared.spec.price is not None or bool(getattr(declared.kind, "knows_prices", False))


class Spending:
    """Checks each task against the budgets that it spends from, and against the limits of its backends."""

    def __init__(
        self,
        budget: BudgetPolicy | None,
        groups: Mapping[str, Group],
        backends: Mapping[str, Declared],
        findings: Findings,
    ) -> None:
        self._budget = budget
        self._groups = groups
        self._backends = backends
        self._findings = findings
        self._told: set[tuple[str, Path]] = set()

    def check(self, draft: Draft, maker: TaskMaker, names: tuple[str, ...]) -> None:
        """Check one task; `names` are the backends that it can come to first."""
        if draft.kind not in MODEL_KINDS:
            return
        declared = [self._backends[name] for name in names if name in self._backends]
        for one in declared:
            self._check_rate(draft, one)
        own, _ = maker.fallback(draft)
        others = own if own is not None else tuple(name for one in declared for name in one.spec.fallback)
        for path in self._cost_budgets(draft, maker):
            for one in [*declared, *(self._backends[name] for name in others if name in self._backends)]:
                self._check_price(one, path)

    def _cost_budgets(self, draft: Draft, maker: TaskMaker) -> Iterator[Path]:
        """Yield where the budgets in dollars stand that the task spends from."""
        name = maker.group(draft)
        group = self._groups.get(name)
        if self._budget and self._budget.cost_usd is not None:
            yield ("budget", "cost_usd")
        if group and group.budget and group.budget.cost_usd is not None:
            yield ("groups", name, "budget", "cost_usd")
        own = draft.given.get("budget")
        if own and own.cost_usd is not None:
            yield (*draft.path, "budget", "cost_usd")

    def _check_price(self, declared: Declared, path: Path) -> None:
        name = declared.spec.name
        if is_priced(declared) or (name, path) in self._told:
            return
        self._told.add((name, path))
        message = f"a budget in dollars cannot be kept: the backend {name!r} has no price"
        hint = f"give {name!r} a `price: {{input: …, output: …}}`, in dollars for a million tokens"
        self._findings.add(message, path, hint)

    def _check_rate(self, draft: Draft, declared: Declared) -> None:
        spec = declared.spec
        if not spec.rate_limits or draft.chosen is None or draft.sort is None:
            return
        estimate = estimated(draft.sort.kind, draft.chosen.settings, spec)
        why = RateLimits(spec.rate_limits, _never).why_never(estimate.tokens)
        if why is not None:
            hint = f"raise the limit of {spec.name!r}, or lower max_tokens"
            self._findings.add(f"this can never run: {why}", draft.path, hint, code=Code.NEVER_FITS)


def _never() -> float:
    return 0.0
