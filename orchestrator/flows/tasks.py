"""The tasks of a file, one by one: which kind each is of, and what its keys say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from orchestrator.core.errors import Code, OrchestratorError
from orchestrator.core.flow import (
    DEFAULT_GROUP,
    FLOW_KIND,
    GATE_KIND,
    MCP,
    ONE_ATTEMPT,
    REPEATABLE,
    Approval,
    Condition,
    FlowCall,
    ForEach,
    Matrix,
    Need,
    RetryPolicy,
    Task,
    Until,
)
from orchestrator.core.ports import Kind
from orchestrator.core.simulation import OUTCOMES, SCRIPT, is_outcome
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import Path, either, has_template, shown
from orchestrator.flows.kinds import GATE, Chosen, Sort, sort_of_flow, sort_of_kind
from orchestrator.flows.names import TAKEN
from orchestrator.flows.paths import absolute
from orchestrator.flows.reading import WRONG, Reader
from orchestrator.flows.registry import Registry
from orchestrator.flows.schema import ID_PATTERN, TASK

_ID: Final = re.compile(ID_PATTERN)

MODEL_KINDS: Final = frozenset({"llm", "agent", "subagent"})
"""Kinds that ask a model, so that they cannot do without a backend."""

OUR_KINDS: Final = frozenset({"shell", "http", "llm", "agent", "subagent", MCP, "function"})
"""Kinds that an installation may lack; a flow that uses one is told so, whatever else its task says."""

_NOT_FOR_FLOWS: Final = (
    "retry",
    "timeout",
    "attempt_timeout",
    "idle_timeout",
    "fallback",
    "until",
    "every",
    "max_rounds",
    "save",
    "cache",
)
_PARTS: Final = {key: Reader(TASK[key].node) for key in ("depends_on", "group", "for_each", "matrix", "optional")}
"""What other tasks ask of a task; it is read even where the rest of the task is wrong."""


@dataclass(slots=True)
class Draft:
    """A task as far as it could be read. `given` holds its keys; it is not `whole` where some could not be read."""

    id: str
    data: dict[str, Any]
    sort: Sort | None
    given: dict[str, Any]
    whole: bool = True
    kind: str = field(init=False)
    chosen: Chosen | None = field(init=False)
    fan_out: ForEach | Matrix | None = field(init=False)

    def __post_init__(self) -> None:
        self.kind = self.sort.name if self.sort else GATE_KIND
        self.chosen = self.given.get(self.sort.name) if self.sort and self.whole else None
        self.fan_out = _fan_out(self.given)

    @property
    def path(self) -> Path:
        return ("tasks", self.id)

    @property
    def each(self) -> str | None:
        fan_out = self.fan_out
        return fan_out.each if isinstance(fan_out, ForEach) else None


def _fan_out(given: Mapping[str, Any]) -> ForEach | Matrix | None:
    matrix = given.get("matrix")
    if isinstance(matrix, Matrix):
        return matrix
    for_each = given.get("for_each")
    return ForEach(items=for_each) if isinstance(for_each, str | tuple) else for_each


# ── reading ─────────────────────────────────────────────────────────────────────────────────────


class TaskReader:
    """Reads the tasks of a file."""

    def __init__(self, registry: Registry, findings: Findings) -> None:
        self._registry = registry
        self._findings = findings
        self._sorts: dict[str, Sort | None] = {FLOW_KIND: sort_of_flow()}
        self._kinds = registry.kind_names | {FLOW_KIND}
        self._muted = Findings(findings.file, findings.source)

    def read(self, name: str, data: object) -> Draft | None:
        """Return what could be read of a task; None if that is nothing."""
        path = ("tasks", name)
        self._check_id(name, path)
        if not isinstance(data, dict):
            hint = f"expected a map with one of {either(sorted(self._kinds))}"
            self._findings.add(f"the task {name!r} is no map", path, hint)
            return None
        if not self._has_one_kind(data, path):
            return Draft(name, data, None, self._parts(data, path), whole=False)
        kind = next((key for key in data if key in self._kinds), None)
        return self._draft(name, data, kind, path)

    def _draft(self, name: str, data: dict[str, Any], kind: str | None, path: Path) -> Draft:
        sort = self._sort(kind, path) if kind else None
        if kind and sort is None:
            return Draft(name, data, None, self._parts(data, path), whole=False)
        written = self._without_strays(data, sort, path) if sort else data
        given = (sort.reader if sort else GATE).read(written, path, self._findings)
        if given is WRONG:
            return Draft(name, data, sort, self._parts(data, path), whole=False)
        draft = Draft(name, data, sort, given, whole=written is data)
        self._check_together(draft)
        return draft

    def _without_strays(self, data: dict[str, Any], sort: Sort, path: Path) -> dict[str, Any]:
        """Return the task without keys of its kind that stand beside the kind's key, after saying where they belong."""
        strays = [key for key in data if key in sort.keys and key not in TASK and key != sort.name]
        for key in strays:
            hint = f"write `{sort.name}: {{{sort.short}: …, {key}: …}}`"
            self._findings.add_at_key(f"{key!r} belongs under {sort.name!r}", (*path, key), hint)
        return {key: value for key, value in data.items() if key not in strays} if strays else data

    def _check_id(self, name: str, path: Path) -> None:
        if name in TAKEN:
            hint = "templates know it as something else; choose another id"
            self._findings.add_at_key(f"{name!r} cannot be the id of a task", path, hint)
        elif not _ID.fullmatch(name):
            hint = "write letters, digits, - and _, at most 100, without - at either end"
            self._findings.add_at_key(f"{name!r} cannot be the id of a task", path, hint)

    def _sort(self, kind: str, path: Path) -> Sort | None:
        if kind not in self._sorts:
            self._sorts[kind] = self._load(kind, path)
        return self._sorts[kind]

    def _load(self, kind: str, path: Path) -> Sort | None:
        try:
            found = self._registry.kind(kind)
        except OrchestratorError as error:
            self._findings.add_at_key(f"the kind {kind!r}: {error}", (*path, kind), code=Code.UNKNOWN_NAME)
            return None
        return sort_of_kind(found) if found else None

    def _parts(self, data: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """Return what other tasks ask of a task that is wrong elsewhere."""
        parts: dict[str, Any] = {}
        for key, reader in _PARTS.items():
            value = reader.read(data[key], (*path, key), self._muted) if key in data else WRONG
            if value is not WRONG:
                parts[key] = value
        self._muted.problems.clear()
        return parts

    # ── exactly one kind ──

    def _has_one_kind(self, data: Mapping[str, Any], path: Path) -> bool:
        """Return whether the task says what it does, once; if not, say so."""
        kinds = [key for key in data if key in self._kinds or key in OUR_KINDS]
        missing = [kind for kind in kinds if kind not in self._kinds]
        for kind in missing:
            self._say_not_installed(kind, path)
        if len(kinds) > 1 and not missing:
            hint = "make two tasks of it"
            self._findings.add_at_key(
                f"a task does one thing, and this one has {either(kinds)}", (*path, kinds[1]), hint
            )
        if not kinds and "approve" not in data:
            self._say_no_kind(data, path)
        return len(kinds) <= 1 and not missing and bool(kinds or "approve" in data)

    def _say_not_installed(self, kind: str, path: Path) -> None:
        message = f"kind {kind!r} is not installed (installed: {', '.join(sorted(self._kinds))})"
        self._findings.add_at_key(message, (*path, kind), code=Code.UNKNOWN_NAME)

    def _say_no_kind(self, data: Mapping[str, Any], path: Path) -> None:
        """A task without a kind most often has one that is misspelt: then its unknown key says it all."""
        strange = [key for key in data if key not in TASK]
        for key in strange:
            meant = self._findings.suggest(key, (*self._kinds, *TASK))
            hint = f"expected one of {either(sorted(self._kinds))}" + (f"; {meant}" if meant else "")
            self._findings.add_at_key(f"unknown key {key!r}", (*path, key), hint)
        if not strange:
            hint = f"expected one of {either(sorted(self._kinds))}, or approve for a gate"
            self._findings.add_at_key(f"the task {path[-1]!r} does not say what it does", path, hint)

    # ── keys that do not go together ──

    def _check_together(self, draft: Draft) -> None:
        given, path = draft.given, draft.path
        if "for_each" in given and "matrix" in given:
            self._findings.add_at_key("for_each and matrix exclude each other", (*path, "matrix"), "keep one of them")
        if "until" not in given:
            self._forbid(draft, ("every", "max_rounds"), "means nothing without `until`")
        if draft.kind in {FLOW_KIND, GATE_KIND}:
            what = "a task that expands a file" if draft.kind == FLOW_KIND else "a gate"
            self._forbid(draft, _NOT_FOR_FLOWS, f"means nothing for {what}")
        elif draft.kind != "llm":
            self._forbid(draft, ("cache",), f"is for tasks of kind llm only, and this one is of kind {draft.kind}")
        if "recover" in given and not given.get("optional"):
            hint = "write `optional: true` too, or leave it out"
            self._findings.warn("`recover` is used of optional tasks only", (*path, "recover"), hint)
        if draft.fan_out is not None and "save" in given and not has_template(given["save"]):
            hint = "write `{{ label }}` into its name"
            self._findings.warn(f"all instances of {draft.id!r} write the same file", (*path, "save"), hint)
        self._check_script(draft)

    def _check_script(self, draft: Draft) -> None:
        """Check the outcomes that a task simulates; what a function returns may have a key of that name."""
        simulate = draft.given.get("simulate")
        if not isinstance(simulate, dict) or SCRIPT not in simulate or draft.kind == "function":
            return
        written, path = simulate[SCRIPT], (*draft.path, "simulate", SCRIPT)
        if not isinstance(written, list) or not written:
            self._findings.add("a script is a list of outcomes", path, f"write {OUTCOMES}")
            return
        for number, one in enumerate(written):
            if not is_outcome(one) and not has_template(str(one)):
                self._findings.add(f"{shown(one)} is no outcome", (*path, number), f"write {OUTCOMES}")

    def _forbid(self, draft: Draft, keys: tuple[str, ...], why: str) -> None:
        for key in keys:
            if key in draft.given:
                self._findings.add_at_key(f"{key!r} {why}", (*draft.path, key), "leave it out")


# ── from drafts to tasks ────────────────────────────────────────────────────────────────────────


class TaskMaker:
    """Makes tasks of drafts, with what `defaults` say."""

    def __init__(self, defaults: Mapping[str, Any], folder: str) -> None:
        self._defaults = defaults
        self._folder = folder

    def group(self, draft: Draft) -> str:
        return str(draft.given.get("group") or self._defaults.get("group") or DEFAULT_GROUP)

    def backend(self, draft: Draft) -> str | None:
        """Return the backend that the task names, or the default of those that need one."""
        chosen = draft.chosen
        if chosen is None or chosen.backend is not None:
            return chosen.backend if chosen else None
        if draft.kind == MCP:
            return str(chosen.settings.tool).partition(".")[0]
        return self._defaults.get("backend") if draft.kind in MODEL_KINDS else None

    def fallback(self, draft: Draft) -> tuple[tuple[str, ...] | None, Path]:
        """Return the fallbacks that go before the backend's own, and where they stand."""
        if "fallback" in draft.given:
            return draft.given["fallback"], (*draft.path, "fallback")
        return self._defaults.get("fallback"), ("defaults", "fallback")

    def task(self, draft: Draft, needs: tuple[Need, ...]) -> Task:
        """Return the task. The draft must be whole."""
        given = draft.given
        settings = self._settings(draft)
        kind = draft.sort.kind if draft.sort else None
        return Task(
            id=draft.id,
            kind=draft.kind,
            settings=settings,
            group=self.group(draft),
            needs=needs,
            description=given.get("description", ""),
            backend=self.backend(draft),
            when=given.get("when"),
            fan_out=draft.fan_out,
            timeout=self._own_or_default(given, "timeout"),
            attempt_timeout=self._own_or_default(given, "attempt_timeout"),
            idle_timeout=self._own_or_default(given, "idle_timeout"),
            deadline=self._own_or_default(given, "deadline"),
            retry=resolve_retry(
                given.get("retry"), self._defaults.get("retry"), repeatable=_repeatable(kind, settings)
            ),
            budget=given.get("budget"),
            fallback=None if draft.kind == MCP else self._own_or_default(given, "fallback"),
            optional=given.get("optional", False),
            recover=given.get("recover"),
            always=given.get("always", False),
            approval=_approval(given),
            until=_until(given),
            simulate=given.get("simulate"),
            save=given.get("save"),
            cache_ttl=given["cache"]["ttl"] if "cache" in given else None,
        )

    def _own_or_default(self, given: Mapping[str, Any], key: str) -> Any:  # noqa: ANN401 - as the key has it
        return given.get(key, self._defaults.get(key))

    def fault(self, draft: Draft) -> str | None:
        """Return what keeps the task's settings from taking the defaults."""
        try:
            if draft.chosen is not None:
                self._settings(draft)
        except ValueError as error:
            return str(error)
        return None

    def _settings(self, draft: Draft) -> object:
        """Return the kind's settings; what runs shell commands may stand among the defaults."""
        settings: Any = draft.chosen.settings if draft.chosen else None
        if isinstance(settings, FlowCall):
            return replace(settings, file=absolute(settings.file, self._folder))
        runs_with = self._defaults.get("with")
        if draft.kind == "shell" and runs_with is not None and settings.with_ is None:
            return replace(settings, with_=runs_with)
        return settings


def _repeatable(kind: type[Kind] | None, settings: object) -> bool:
    return kind is not None and kind().repeatable(settings)


def _approval(given: Mapping[str, Any]) -> Approval | None:
    found = given.get("approve")
    return found if isinstance(found, Approval) else None


def _until(given: Mapping[str, Any]) -> Until | None:
    if "until" not in given:
        return None
    rest = {key: given[key] for key in ("every", "max_rounds") if key in given}
    return Until(given["until"], **rest)


def resolve_retry(
    own: Mapping[str, Any] | None, defaults: Mapping[str, Any] | None, *, repeatable: bool
) -> RetryPolicy:
    """Return the policy of a task, from what it says itself and what `defaults` say of repeatable kinds."""
    if own is None and not repeatable:
        return ONE_ATTEMPT
    base = replace(REPEATABLE, **defaults) if repeatable and defaults else REPEATABLE
    if own is None:
        return base
    return replace(base, **{"retry_on": RetryPolicy().retry_on, **own})


def depends_on(draft: Draft) -> list[tuple[str, Condition, Path]]:
    """Return the entries of a task's `depends_on`, each with its place in the file."""
    path = (*draft.path, "depends_on")
    written: Any = draft.given.get("depends_on")
    match written:
        case str(name):
            return [(name, Condition.SUCCEEDED, path)]
        case tuple() as names:
            return [(name, Condition.SUCCEEDED, (*path, number)) for number, name in enumerate(names)]
        case dict() as conditions:
            return [(name, condition, (*path, name)) for name, condition in conditions.items()]
        case _:
            return []
