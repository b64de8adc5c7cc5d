"""Which backend can answer for which task: what a task's backend and its fallbacks must be, and which are used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Final

from orchestrator.core.errors import Code
from orchestrator.core.fact import fact
from orchestrator.core.flow import MCP, ForEach, Input, InputType, Json, Matrix
from orchestrator.flows.backends import Declared
from orchestrator.flows.findings import Findings, Spot
from orchestrator.flows.grammar import either, has_template
from orchestrator.flows.tasks import MODEL_KINDS, Draft, TaskMaker
from orchestrator.templates import Template, TemplateError, parse_template

SIMULATED: Final = "simulated"
RESOURCE: Final = "resource"

MOST_VALUES: Final = 1_000
"""Combinations of values that are tried for a backend's template."""


def serves(kind: str, declared: Declared) -> bool:
    """Return whether the backend can answer for tasks of this kind."""
    if MCP in {declared.spec.kind, kind}:
        return declared.spec.kind == kind
    if kind in MODEL_KINDS:
        return hasattr(declared.kind, "complete")
    if kind == "http":
        return hasattr(declared.kind, "send") or declared.spec.kind == RESOURCE
    return True


@fact
class Known:
    """What a flow may name: the backends and MCP servers that could be read, and the names of all, wrong ones too."""

    declared: Mapping[str, Declared]
    backends: frozenset[str]
    servers: frozenset[str]


class Serving:
    """The backends that a flow may name, and who may be answered by them. `used` are those that it does name."""

    def __init__(self, known: Known, inputs: Mapping[str, Input], findings: Findings) -> None:
        self._known = known
        self._inputs = inputs
        self._findings = findings
        self._checked: set[tuple[object, ...]] = set()
        self.used: set[str] = set()

    def check_fallbacks_of(self, backends: Iterable[Declared]) -> None:
        """Check the fallbacks of the backends themselves."""
        for declared in backends:
            spec = declared.spec
            self._check_fallbacks((spec.name,), spec.fallback, declared.spot.below("fallback"))

    def check_task(self, draft: Draft, maker: TaskMaker) -> tuple[str, ...]:
        """Check the backend and the fallbacks of a task; return the backends that it can come to."""
        backend = maker.backend(draft)
        if backend is None:
            self._check_missing(draft)
        if backend is None or draft.kind == MCP:
            self._check_idle_fallback(draft)
            return ()
        spot = self._named_at(draft)
        names = self._possible(draft, backend, spot)
        for name in names:
            self.check_named(draft.kind, name, spot)
            self._check_refused(draft, name)
        fallbacks, where = maker.fallback(draft)
        at = Spot(self._findings, where)
        if self._is_new((names, fallbacks, at)):
            self._check_fallbacks(names, fallbacks or (), at)
        return names

    def _check_refused(self, draft: Draft, name: str) -> None:
        """Check that the backend takes what the task asks of it, as far as its kind can tell beforehand."""
        declared, chosen = self._known.declared.get(name), draft.chosen
        refuses = getattr(declared.kind, "refuses", None) if declared else None
        if refuses is None or declared is None or chosen is None or draft.kind not in MODEL_KINDS:
            return
        refused = refuses(declared.spec.settings, chosen.settings)
        if refused is not None:
            key, why, hint = refused
            message = f"the backend {name!r} refuses the {key} of {draft.id!r}: it {why}"
            self._findings.add(message, (*draft.path, draft.kind, key), hint)

    def _named_at(self, draft: Draft) -> Spot:
        """Return where the backend of a task is named: in the task, in its role, or among the defaults."""
        chosen = draft.chosen
        if chosen is not None and chosen.backend_at is not None:
            return chosen.backend_at
        is_own = chosen is not None and chosen.backend is not None
        return Spot(self._findings, (*draft.path, draft.kind, "backend") if is_own else ("defaults", "backend"))

    def check_named(self, kind: str, name: str, spot: Spot) -> None:
        """Check one name of a backend, for tasks of a kind."""
        self.used.add(name)
        if self._is_new((kind, name, spot)):
            self._check(kind, name, spot)

    def _possible(self, draft: Draft, backend: str, spot: Spot) -> tuple[str, ...]:
        """Return the names that a backend's text can come to."""
        if not has_template(backend):
            return (backend,)
        try:
            names = backend_names(parse_template(backend), self._inputs, draft.fan_out)
        except TemplateError:
            return ()  # it was told with the other templates
        if names is None:
            hint = "use an input with `choices`, or an item of a list that stands in the file"
            spot.add("which backends this can be is not known before the run", hint, code=Code.UNKNOWN_NAME)
        return tuple(names or ())

    def _is_new(self, what: tuple[object, ...]) -> bool:
        """Return whether this was not checked before: thousands of tasks share a default."""
        is_new = what not in self._checked
        self._checked.add(what)
        return is_new

    def _check(self, kind: str, name: str, spot: Spot) -> None:
        if name in self._known.servers:
            hint = f"{self._expected(kind)}; agents name servers under `tools`"
            spot.add(f"{name!r} is an MCP server, which answers tasks of kind mcp alone", hint, code=Code.UNKNOWN_NAME)
            return
        if name not in self._known.backends:
            self._unknown(name, spot)
            return
        declared = self._known.declared.get(name)
        if declared is not None and not serves(kind, declared):
            message = f"the backend {name!r} (kind {declared.spec.kind}) cannot answer for a task of kind {kind}"
            spot.add(message, self._expected(kind), code=Code.UNKNOWN_NAME)

    def _check_missing(self, draft: Draft) -> None:
        if draft.kind in MODEL_KINDS and draft.chosen is not None:
            hint = f"{self._expected(draft.kind)}, as `backend:` of the task or under `defaults:`"
            message = f"a task of kind {draft.kind} needs a backend"
            self._findings.add(message, (*draft.path, draft.kind), hint, code=Code.UNKNOWN_NAME)

    def _check_idle_fallback(self, draft: Draft) -> None:
        if "fallback" not in draft.given or draft.kind in MODEL_KINDS:
            return
        why = "for a tool: no other server has it" if draft.kind == MCP else "without a backend"
        advice = "leave it out" if draft.kind == MCP else "name a backend too"
        self._findings.add_at_key(f"'fallback' means nothing {why}", (*draft.path, "fallback"), advice)

    def _check_fallbacks(self, firsts: tuple[str, ...], fallbacks: tuple[str, ...], spot: Spot) -> None:
        self.used.update(fallbacks)
        for number, name in enumerate(fallbacks):
            if name not in self._known.backends:
                self._unknown(name, spot.below(number))
                continue
            faults = (self._fault(first, name, fallbacks[:number]) for first in firsts)
            fault = next((fault for fault in faults if fault), None)
            if fault:
                spot.below(number).add(fault, code=Code.UNKNOWN_NAME)

    def _fault(self, first: str, name: str, before: tuple[str, ...]) -> str | None:
        if name == first:
            return f"{name!r} is its own fallback"
        if name in before:
            return f"{name!r} is named twice"
        one, other = self._known.declared.get(first), self._known.declared.get(name)
        if one is None or other is None:
            return None
        if other.spec.kind == SIMULATED and one.spec.kind != SIMULATED:
            return f"{name!r} is simulated: it cannot stand in for the real {first!r}"
        if hasattr(one.kind, "complete") and not hasattr(other.kind, "complete"):
            return f"{name!r} (kind {other.spec.kind}) answers no prompts, so it cannot stand in for {first!r}"
        return None

    def _unknown(self, name: str, spot: Spot) -> None:
        names = self._known.backends
        known = f"expected {either(sorted(names))}" if names else "declare it under `backends:`"
        hint = "; ".join(part for part in (known, spot.findings.suggest(name, names)) if part)
        spot.add(f"there is no backend {name!r}", hint, code=Code.UNKNOWN_NAME)

    def _expected(self, kind: str) -> str:
        fit = sorted(name for name, declared in self._known.declared.items() if serves(kind, declared))
        return f"expected {either(fit)}" if fit else "declare one under `backends:`"


# ── backends that a template names ──────────────────────────────────────────────────────────────


def backend_names(
    template: Template, inputs: Mapping[str, Input], fan_out: ForEach | Matrix | None
) -> list[str] | None:
    """Return every name that the template can come to, None where that cannot be known before the run."""
    roots = {
        reference.path[:2] if reference.path[0] == "inputs" else reference.path[:1] for reference in template.references
    }
    domains = {root: _domain(root, inputs, fan_out) for root in roots}
    if any(domain is None or len(domain) > MOST_VALUES for domain in domains.values()):
        return None
    return _rendered(template, {root: domain or [] for root, domain in domains.items()})


def _domain(
    root: tuple[str | int, ...], inputs: Mapping[str, Input], fan_out: ForEach | Matrix | None
) -> list[Json] | None:
    """Return the values that a name can have."""
    if root[0] == "inputs":
        return _choices(inputs.get(str(root[1]))) if len(root) > 1 else None
    match fan_out:
        case ForEach(items=list() | tuple() as items, name=name) if root[0] in {name, "item"}:
            return list(items)
        case Matrix(axes=axes) if isinstance(axes.get(str(root[0])), list | tuple):
            return list(_axis(fan_out, str(root[0])))
    return None


def _choices(declared: Input | None) -> list[Json] | None:
    if declared is None:
        return None
    if declared.type is InputType.BOOL:
        return [True, False]
    return list(declared.choices) or None


def _axis(matrix: Matrix, name: str) -> Iterator[Json]:
    values = matrix.axes[name]
    yield from values if isinstance(values, list | tuple) else ()
    yield from (added[name] for added in matrix.include if name in added)


def _rendered(template: Template, domains: Mapping[tuple[str | int, ...], list[Json]]) -> list[str] | None:
    names: dict[str, None] = {}
    for number, values in enumerate(product(*domains.values())):
        if number >= MOST_VALUES:
            return None
        try:
            names[str(template.render(_scope(dict(zip(domains, values, strict=True)))))] = None
        except TemplateError:
            return None
    return list(names)


def _scope(values: Mapping[tuple[str | int, ...], Json]) -> dict[str, object]:
    inputs = {str(root[1]): value for root, value in values.items() if root[0] == "inputs"}
    return {"inputs": inputs, **{str(root[0]): value for root, value in values.items() if root[0] != "inputs"}}
