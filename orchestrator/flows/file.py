"""One flow file: its keys read, its names checked against each other, and the flow that comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path as FilePath
from types import MappingProxyType
from typing import Any, Final, Protocol

from orchestrator.core.errors import Code
from orchestrator.core.fact import fact
from orchestrator.core.flow import (
    FLOW_KIND,
    GATE_KIND,
    MCP,
    BackendSpec,
    Flow,
    FlowCall,
    Group,
    Input,
    SecretSource,
    Task,
)
from orchestrator.flows.backends import Declared, check_health, check_namesakes, read_backends, read_servers, texts_of
from orchestrator.flows.declared import read_groups, read_inputs, read_secrets
from orchestrator.flows.degrading import check_levels
from orchestrator.flows.dependencies import Dependencies
from orchestrator.flows.findings import Findings, Spot
from orchestrator.flows.grammar import Path, has_template
from orchestrator.flows.handing import EARLY, inputs_among, readers
from orchestrator.flows.kinds import GATE_SHAPE, Sort
from orchestrator.flows.limits import Limits
from orchestrator.flows.names import Names, Place, Shape, shape_of
from orchestrator.flows.paths import absolute
from orchestrator.flows.prompts import prompt_files
from orchestrator.flows.reading import WRONG, Reader
from orchestrator.flows.registry import Registry
from orchestrator.flows.roles import Casting, Role, Roles, read_roles
from orchestrator.flows.schema import FLOW, SECTIONS
from orchestrator.flows.serving import Known, Serving
from orchestrator.flows.shared import Shared
from orchestrator.flows.spending import Spending
from orchestrator.flows.tasks import Draft, TaskMaker, TaskReader, depends_on
from orchestrator.flows.templating import Templates, Use, texts
from orchestrator.flows.toolbox import Toolbox
from orchestrator.flows.unset import Unset
from orchestrator.flows.uses import Places, check_fan_outs, uses
from orchestrator.flows.values import choose, input_faults
from orchestrator.flows.wording import unknown_key

VERSION: Final = 1

_TOP: Final = {key: Reader(declared.node) for key, declared in FLOW.keys.items()}
_OUTSIDE_TASKS: Final = Place(in_run=False)
_OUTPUTS: Final = Place()


class Files(Protocol):
    """The other files, and what all files of a load share."""

    @property
    def registry(self) -> Registry: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def shared(self) -> Shared: ...
    def flow(self, path: str) -> Flow | None: ...
    def fault_of_call(self, path: str) -> str | None: ...


@fact
class Sections:
    """What a file declares, as far as it is right."""

    top: Mapping[str, Any]
    inputs: Mapping[str, Input]
    secrets: Mapping[str, SecretSource]
    groups: Mapping[str, Group]
    backends: Mapping[str, Declared]
    servers: Mapping[str, Declared]
    roles: Mapping[str, Role]
    drafts: Mapping[str, Draft]
    calls: Mapping[str, Flow | None]

    @property
    def are_whole(self) -> bool:
        """Return whether everything that the file declares could be read."""
        read = {
            "inputs": self.inputs,
            "secrets": self.secrets,
            "groups": self.groups,
            "backends": self.backends,
            "mcp_servers": self.servers,
            "roles": self.roles,
            "tasks": self.drafts,
        }
        return all(found.keys() == self.names(section) for section, found in read.items()) and all(
            draft.whole for draft in self.drafts.values()
        )

    def names(self, section: str) -> frozenset[str]:
        """Return all names of a section, those of wrong entries too: what names them is not wrong as well."""
        return frozenset(self.top.get(section, ()))

    @property
    def own(self) -> dict[str, Declared]:
        """Return what the file itself declares to answer calls."""
        return {**self.backends, **self.servers}

    def known(self, shared: Shared) -> Known:
        """Return what tasks may name to answer calls; the file's own goes before what all flows share."""
        own = self.names("backends") | self.names("mcp_servers")
        others = {name: declared for name, declared in shared.declared.items() if name not in own}
        servers = {name for name, declared in others.items() if declared.spec.kind == MCP}
        return Known(
            {**others, **self.own},
            self.names("backends") | (others.keys() - servers),
            self.names("mcp_servers") | servers,
        )


class FileReader:
    """Reads one file. What is wrong goes to the findings."""

    def __init__(self, files: Files, findings: Findings) -> None:
        self._files = files
        self._findings = findings

    def flow(self) -> Flow | None:
        """Return the flow, None if something is wrong with the file."""
        data = self._findings.source.data
        if not isinstance(data, dict):
            self._findings.add("a flow file is a map", (), "begin it with `tasks:`, and a task below")
            return None
        sections = self._sections(data)
        checker = Checker(sections, self._files, self._findings)
        checker.check()
        return None if self._findings.problems else _flow(sections, checker, self._findings, self._files.shared)

    # ── reading ──

    def _sections(self, data: Mapping[str, Any]) -> Sections:
        top, findings, registry = self._top(data), self._findings, self._files.registry
        drafts = self._drafts(top)
        prices = self._files.shared.prices
        backends = read_backends(top.get("backends", {}), registry, findings)
        return Sections(
            top=top,
            inputs=read_inputs(top.get("inputs", {}), findings),
            secrets=read_secrets(top.get("secrets", {}), findings),
            groups=read_groups(top.get("groups", {}), findings),
            backends={name: declared.priced(prices) for name, declared in backends.items()},
            servers=read_servers(top.get("mcp_servers", {}), registry, findings, folder=findings.folder),
            roles=read_roles(top.get("roles", {}), registry, findings),
            drafts=drafts,
            calls={draft.id: self._call(draft) for draft in drafts.values() if draft.kind == FLOW_KIND},
        )

    def _top(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Read the keys of the file one by one, so that a wrong one hides nothing of the others."""
        top: dict[str, Any] = {}
        for key, written in data.items():
            value = self._value(key, written)
            if value is not WRONG:
                top[key] = value
        if top.get("version", VERSION) != VERSION:
            hint = f"this program reads version {VERSION}"
            self._findings.add(f"version {top['version']} of the flow format is not known", ("version",), hint)
        return top

    def _value(self, key: str, written: object) -> Any:  # noqa: ANN401 - as the key has it
        reader = _TOP.get(key)
        if reader is None:
            message, hint, code = unknown_key(key, FLOW.names, self._findings.suggest)
            self._findings.add_at_key(message, (key,), hint, code=code)
            return WRONG
        return {} if written is None and key in SECTIONS else reader.read(written, (key,), self._findings)

    def _drafts(self, top: Mapping[str, Any]) -> dict[str, Draft]:
        tasks = top.get("tasks", {})
        if not tasks and not self._findings.problems:
            self._findings.add_at_key("the flow has no tasks", ("tasks",), "write at least one under `tasks:`")
        reader = TaskReader(self._files.registry, self._findings)
        drafts = (reader.read(name, data) for name, data in tasks.items())
        return {draft.id: draft for draft in drafts if draft is not None}

    # ── files that the file calls ──

    def _call(self, draft: Draft) -> Flow | None:
        """Return the flow that a task calls, None if it cannot."""
        call = draft.chosen.settings if draft.chosen else None
        if not isinstance(call, FlowCall):
            return None
        path = (*draft.path, FLOW_KIND, "file")
        if has_template(call.file):
            hint = "write the path itself; `when` chooses between tasks"
            self._findings.add("the file of a `flow` task is fixed: a template cannot name it", path, hint)
            return None
        file = self._findings.beside(call.file)
        fault = self._files.fault_of_call(file)
        if fault is not None:
            self._findings.add(fault, path, code=Code.CYCLE if "→" in fault else Code.UNREADABLE)
            return None
        return self._files.flow(file)


class Checker:
    """Checks the names of a file against each other, and gathers who needs whom."""

    def __init__(self, sections: Sections, files: Files, findings: Findings) -> None:
        self._sections = sections
        self._findings = findings
        self.maker = TaskMaker(sections.top.get("defaults", {}), findings.folder)
        self._of_kind: dict[tuple[str, bool], Shape] = {}
        self._shapes = {draft.id: self._shape(draft) for draft in sections.drafts.values()}
        known = {name: self._shapes.get(name) for name in sections.top.get("tasks", ())}
        names = Names(sections.names("inputs"), sections.names("secrets"), known, findings.suggest)
        self._templates = Templates(names, frozenset(name for name in known if "-" in name), findings)
        self._unset = Unset(sections.inputs, sections.top.get("inputs", {}), findings)
        self._places = Places(sections.drafts)
        self._known = sections.known(files.shared)
        self._serving = Serving(self._known, sections.inputs, findings)
        self._toolbox = Toolbox(self._known.servers)
        roles = Roles([sections.roles, *files.shared.roles], sections.names("roles") - sections.roles.keys())
        self._casting = Casting(roles, self._toolbox, self._serving, findings)
        groups = {draft.id: self.maker.group(draft) for draft in sections.drafts.values()}
        self.early: dict[str, set[str]] = {}
        self.dependencies = Dependencies(list(known), groups, sections.groups, findings, files.limits)

    def check(self) -> None:
        drafts = self._sections.drafts
        check_fan_outs(drafts, self._findings)
        names = self._sections.names
        check_namesakes(names("backends"), names("mcp_servers"), self._findings)
        for draft in drafts.values():
            self._casting.cast(draft)
            self._check_task(draft)
        self._check_outside()
        self.dependencies.check_cycles()
        self._check_backends()
        self._unset.tell()

    def _check_backends(self) -> None:
        sections = self._sections
        self._serving.check_fallbacks_of(sections.backends.values())
        self._casting.check_roles(sections.roles)
        spending = Spending(sections.top.get("budget"), sections.groups, self._known.declared, self._findings)
        for draft in sections.drafts.values():
            names = self._serving.check_task(draft, self.maker)
            if draft.whole and names:
                spending.check(draft, self.maker, names)
        any_optional = any(draft.given.get("optional") for draft in sections.drafts.values())
        check_levels(sections.top.get("degrade", ()), self._known, self._findings, any_optional=any_optional)
        check_health(sections.own.values())
        used, own = self.used(), sections.own
        self._serving.check_fallbacks_of(
            declared for name, declared in self._known.declared.items() if name in used and name not in own
        )
        for draft in sections.drafts.values():
            self._check_early(draft, used | own.keys())

    def used(self) -> frozenset[str]:
        """Return the names of all that may be called, fallbacks too."""
        levels = (name for level in self._sections.top.get("degrade", ()) for name in (*level.when, *level.models))
        used = {*self._serving.used, *self._toolbox.used, *levels}
        waiting = list(used)
        while waiting:
            declared = self._known.declared.get(waiting.pop())
            more = set(declared.spec.fallback) - used if declared else set()
            used |= more
            waiting += more
        return frozenset(used)

    def _shape(self, draft: Draft) -> Shape | None:
        is_list = draft.fan_out is not None
        if draft.kind == FLOW_KIND:
            inner = self._sections.calls.get(draft.id)
            fields = dict.fromkeys(inner.outputs) if inner else None
            return Shape(FLOW_KIND, fields, is_list) if inner else None
        if draft.sort is None or draft.sort.kind is None:
            return shape_of(GATE_KIND, GATE_SHAPE, is_list=is_list) if draft.whole else None
        return self._known_shape(draft.sort, is_list=is_list)

    def _known_shape(self, sort: Sort, *, is_list: bool) -> Shape:
        """Return the shape of tasks of a kind: one for all of them."""
        key = (sort.name, is_list)
        if key not in self._of_kind and sort.kind is not None:
            self._of_kind[key] = shape_of(sort.name, sort.kind.output, is_list=is_list)
        return self._of_kind[key]

    # ── one task ──

    def _check_task(self, draft: Draft) -> None:
        self._check_group(draft)
        self._check_settings(draft)
        for name, condition, path in depends_on(draft):
            self.dependencies.declare(draft.id, name, condition, path)
        place = self._places.of(draft)
        if draft.each in self._sections.drafts and draft.each is not None:
            self.dependencies.imply(draft.id, draft.each, (*draft.path, "for_each", "each"))
        for use in self._uses(draft, place):
            self._unset.saw(use)
            for task in self._templates.tasks(use):
                if task not in place.paired:
                    self.dependencies.imply(draft.id, task, use.path)
        self._check_call(draft)
        self._check_tool(draft)

    def _check_tool(self, draft: Draft) -> None:
        """Check the server of a task that calls one tool."""
        if draft.kind == MCP and draft.chosen is not None:
            keys = ("tool",) if isinstance(draft.data[MCP], dict) else ()
            self._toolbox.check_tool(str(draft.chosen.settings.tool), Spot(self._findings, (*draft.path, MCP, *keys)))

    def _uses(self, draft: Draft, place: Place) -> Iterator[Use]:
        yield from uses(draft, place, self._shapes[draft.id])
        yield from prompt_files(draft, place, self._findings)

    def _check_group(self, draft: Draft) -> None:
        group = self.maker.group(draft)
        known = self._sections.names("groups") | {"default"}
        if group not in known:
            hint = self._findings.suggest(group, known) or "declare it under `groups:`"
            path = (*draft.path, "group") if "group" in draft.given else ("defaults", "group")
            self._findings.add(f"there is no group {group!r}", path, hint, code=Code.UNKNOWN_NAME)

    def _check_settings(self, draft: Draft) -> None:
        fault = self.maker.fault(draft)
        if fault is not None:
            self._findings.add(f"{draft.kind!r} with what `defaults` say: {fault}", (*draft.path, draft.kind))

    def _check_call(self, draft: Draft) -> None:
        """Check what a task hands to the file that it calls, as far as it is known before the run."""
        inner = self._sections.calls.get(draft.id)
        call = draft.chosen.settings if draft.chosen else None
        if inner is None or not isinstance(call, FlowCall):
            return
        path = (*draft.path, FLOW_KIND)
        for problem in input_faults(inner, set(call.inputs), set()):
            self._findings.add(problem.message, (*path, "inputs"), problem.hint, code=problem.code)
        for name, value in call.inputs.items():
            declared = inner.inputs.get(name)
            constant = not any(texts(value, ()))
            if declared and constant and (fault := choose(declared, value).fault):
                self._findings.add(f"the input {name!r} {fault}", (*path, "inputs", name), code=Code.INPUT_VALUE)

    def _check_early(self, draft: Draft, above: frozenset[str]) -> None:
        """Check that what backends of a file read is known when they are made, but for those declared above it."""
        inner, call = self._sections.calls.get(draft.id), draft.chosen.settings if draft.chosen else None
        if inner is None or not isinstance(call, FlowCall):
            return
        for name, backends in inner.early.items():
            path = (*draft.path, FLOW_KIND, "inputs", name)
            late = next((str(one[0]) for one in self._names_in(call.inputs.get(name), path) if one[0] not in EARLY), "")
            own = sorted(backends - above)
            if late and own:
                file = FilePath(inner.file).name
                message = f"{late!r} is known too late: the backend {own[0]!r} of {file} reads {name!r} before the run"
                hint = f"name inputs, env or secrets alone, or declare a backend {own[0]!r} in this file"
                self._findings.add(message, path, hint)

    def _names_in(self, value: object, path: Path) -> Iterator[tuple[str | int, ...]]:
        """Yield what the templates within a value name."""
        for where, text in texts(value, path):
            for reference in self._templates.references(Use(where, text, _OUTPUTS)):
                yield reference.path

    # ── templates outside of tasks ──

    def _check_outside(self) -> None:
        top = self._sections.top
        servers = self._sections.names("mcp_servers")
        for path, text in texts(top.get("env"), ("env",)):
            self._check_use(Use(path, text, _OUTSIDE_TASKS))
            for read in inputs_among(self._names_in(text, path), self._sections.inputs):
                self.early.setdefault(read, set()).update(servers)  # each is started with these variables
        for declared in self._sections.own.values():
            section, name = map(str, declared.spot.path)
            for path, text in texts_of(declared, top[section][name]):
                self._check_use(Use(path, text, _OUTSIDE_TASKS))
                for read in inputs_among(self._names_in(text, path), self._sections.inputs):
                    self.early.setdefault(read, set()).add(name)
        for path, text in texts(top.get("roles"), ("roles",)):
            self._check_use(Use(path, text, _OUTSIDE_TASKS))
        for path, text in texts(top.get("outputs"), ("outputs",)):
            self._check_use(Use(path, text, _OUTPUTS))

    def _check_use(self, use: Use) -> None:
        self._unset.saw(use)
        for _ in self._templates.tasks(use):
            """Who reads the output of a task after the run makes no dependency."""


# ── the flow ────────────────────────────────────────────────────────────────────────────────────


def _flow(sections: Sections, checker: Checker, findings: Findings, shared: Shared) -> Flow:
    assert sections.are_whole, "what is left out was told"
    top = sections.top
    flow = Flow(
        name=top.get("name") or FilePath(findings.file).stem,
        tasks=MappingProxyType(_tasks(sections, checker)),
        file=absolute(findings.file, "."),
        folder=findings.folder,
        description=top.get("description", ""),
        inputs=MappingProxyType(dict(sections.inputs)),
        secrets=MappingProxyType(dict(sections.secrets)),
        env=MappingProxyType(top.get("env", {})),
        env_file=top.get("env_file"),
        max_concurrency=top.get("max_concurrency", Flow.__dataclass_fields__["max_concurrency"].default),
        deadline=top.get("deadline"),
        budget=top.get("budget"),
        backends=MappingProxyType(_backends(sections, checker, shared)),
        groups=MappingProxyType(dict(sections.groups)),
        outputs=MappingProxyType(top.get("outputs", {})),
        flows=MappingProxyType({task: inner for task, inner in sections.calls.items() if inner}),
        seed=top.get("seed"),
        degrade=top.get("degrade", ()),
    )
    return replace(flow, early=MappingProxyType(readers(flow, checker.early)))


def _backends(sections: Sections, checker: Checker, shared: Shared) -> dict[str, BackendSpec]:
    """Return what the file declares, and of what all flows share that which it, or a file that it calls, uses.

    What several files use is one backend only if the file that calls them has it too.
    """
    called = {
        name
        for inner in sections.calls.values()
        for name, spec in (inner.backends.items() if inner else ())
        if (declared := shared.declared.get(name)) and declared.spec is spec
    }
    own = {name: declared.spec for name, declared in sections.own.items()}
    names = [name for name in shared.declared if name in checker.used() | called and name not in own]
    return own | {name: shared.declared[name].spec for name in names}


def _tasks(sections: Sections, checker: Checker) -> dict[str, Task]:
    make, needs = checker.maker.task, checker.dependencies.needs
    return {draft.id: make(draft, needs(draft.id)) for draft in sections.drafts.values()}
