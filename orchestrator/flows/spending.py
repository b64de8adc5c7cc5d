"""What calls can cost: budgets that cannot be kept because a price is missing, limits that a call can never fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from orchestrator.core.errors import Code
from orchestrator.core.flow import BackendSpec, BudgetPolicy, Group
from orchestrator.core.ports import Estimate, Kind
from orchestrator.flows.backends import Declared
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import Path
from orchestrator.flows.pricing import may_be_priced
from orchestrator.flows.serving import SIMULATED
from orchestrator.flows.tasks import MODEL_KINDS, Draft, TaskMaker
from orchestrator.models.prompting import DEFAULT_MAX_TOKENS
from orchestrator.resilience.rate_limit import RateLimits


def estimated(kind: type[Kind] | None, settings: object, spec: BackendSpec) -> Estimate:
    """Return what one call may use, as far as that can be told of settings whose templates are not rendered."""
    with suppress(ValueError, TypeError):
        if kind is not None:
            return kind().estimate(settings, spec)
    return Estimate()


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
        self._told: set[tuple[str, str | None, Path]] = set()

    def check(self, draft: Draft, maker: TaskMaker, names: tuple[str, ...]) -> None:
        """Check one task; `names` are the backends that it can come to first."""
        if draft.kind not in MODEL_KINDS or draft.chosen is None:
            return
        declared = [self._backends[name] for name in names if name in self._backends]
        for one in declared:
            self._check_rate(draft, one)
        budgets = list(self._budgets(draft, maker))
        self._check_prices(draft, maker, declared, budgets)
        if any(one.spec.kind != SIMULATED for one in declared):
            self._check_bounds(draft, declared, budgets)

    def _budgets(self, draft: Draft, maker: TaskMaker) -> Iterator[tuple[BudgetPolicy, Path]]:
        """Yield the budgets that the task spends from, and where they stand."""
        name = maker.group(draft)
        group = self._groups.get(name)
        if self._budget:
            yield self._budget, ("budget",)
        if group and group.budget:
            yield group.budget, ("groups", name, "budget")
        own = draft.given.get("budget")
        if own:
            yield own, (*draft.path, "budget")

    # ── prices ──

    def _check_prices(
        self, draft: Draft, maker: TaskMaker, declared: list[Declared], budgets: list[tuple[BudgetPolicy, Path]]
    ) -> None:
        own, _ = maker.fallback(draft)
        others = own if own is not None else tuple(name for one in declared for name in one.spec.fallback)
        model = getattr(draft.chosen.settings, "model", None) if draft.chosen else None
        for path in (path for budget, path in budgets if budget.cost_usd is not None):
            for one in declared:
                self._check_price(one, model, path)
            for name in others:
                if name in self._backends:
                    self._check_price(self._backends[name], None, path)

    def _check_price(self, declared: Declared, model: str | None, path: Path) -> None:
        name = declared.spec.name
        if (name, model, path) in self._told or may_be_priced(declared.spec, declared.kind, model):
            return
        self._told.add((name, model, path))
        what = f"the backend {name!r} has no price"
        if declared.spec.prices or getattr(declared.kind, "knows_prices", False):
            what = f"nobody knows what {model or declared.model!r} costs at the backend {name!r}"
        message = f"a budget in dollars cannot be kept: {what}"
        hint = f"give {name!r} a `price: {{input: …, output: …}}`, in dollars for a million tokens"
        self._findings.add(message, (*path, "cost_usd"), hint)

    # ── what surprises ──

    def _check_bounds(self, draft: Draft, declared: list[Declared], budgets: list[tuple[BudgetPolicy, Path]]) -> None:
        """Warn of answers that reserve more than one thinks, and of agents that nothing bounds."""
        settings = draft.chosen.settings if draft.chosen else None
        bounded = [path for budget, path in budgets if budget.tokens is not None or budget.cost_usd is not None]
        if not bounded and draft.kind != "llm" and getattr(settings, "token_budget", None) is None:
            turns = getattr(settings, "max_turns", None)
            message = f"nothing bounds what {draft.id!r} spends but its {turns} turns"
            self._findings.warn(
                message, (*draft.path, draft.kind), "write token_budget, or a budget of the task or run"
            )
        lengths = [getattr(settings, "max_tokens", None) or one.spec.max_tokens for one in declared]
        for path in bounded:
            if None in lengths and self._is_new("max_tokens", path):
                message = (
                    f"the answers of {draft.id!r} have no max_tokens, so each call reserves {DEFAULT_MAX_TOKENS:,}"
                )
                self._findings.warn(
                    f"{message} tokens of the budget",
                    (*draft.path, draft.kind),
                    "write max_tokens, here or in the backend",
                )

    def _is_new(self, what: str, path: Path) -> bool:
        """Return whether this was not told yet: thousands of tasks spend from one budget."""
        is_new = (what, None, path) not in self._told
        self._told.add((what, None, path))
        return is_new

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
