"""What a file declares besides its tasks: inputs, secrets, backends and groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Final

from orchestrator.core.errors import Code, OrchestratorError
from orchestrator.core.flow import BackendSpec, Group, Input, InputType, SecretSource
from orchestrator.core.ports import Backend
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import Anything, Form, Path, either, shown
from orchestrator.flows.reading import WRONG, Reader, text_of_number
from orchestrator.flows.registry import Registry
from orchestrator.flows.schema import BACKEND, GROUP, INPUT, LABEL_PATTERN, NAME_PATTERN, SECRET
from orchestrator.flows.settings import form_of
from orchestrator.flows.values import choose, typed

_NAME: Final = re.compile(NAME_PATTERN)
_LABEL: Final = re.compile(LABEL_PATTERN)

_INPUT = Reader(INPUT)
_SECRET = Reader(SECRET)
_GROUP = Reader(GROUP)


def _named(section: str, data: Mapping[str, Any], pattern: re.Pattern[str], findings: Findings) -> Iterator[str]:
    """Yield the names of a section that are fit to be names."""
    for name in data:
        if pattern.fullmatch(name):
            yield name
        else:
            hint = "write letters, digits and _" + ("" if pattern is _NAME else ", - and .")
            findings.add_at_key(f"{name!r} cannot be a name under `{section}:`", (section, name), hint)


# ── inputs and secrets ──────────────────────────────────────────────────────────────────────────


def read_inputs(data: Mapping[str, Any], findings: Findings) -> dict[str, Input]:
    """Return the inputs that are declared rightly."""
    inputs: dict[str, Input] = {}
    for name in _named("inputs", data, _NAME, findings):
        given = _INPUT.read({} if data[name] is None else data[name], ("inputs", name), findings)
        if given is not WRONG:
            given = _with_text(given, ("inputs", name), findings)
            inputs[name] = _input(name, given)
            _check_input(inputs[name], given, findings)
    return inputs


def _with_text(given: dict[str, Any], path: Path, findings: Findings) -> dict[str, Any]:
    """Take numbers for text where the input is text, and they print as they were written."""
    if given.get("type", InputType.STRING) not in {InputType.STRING, InputType.PATH}:
        return given
    changed = dict(given)
    if _is_number(given.get("default")):
        changed["default"] = text_of_number(given["default"], (*path, "default"), findings)
    if "choices" in given:
        changed["choices"] = tuple(_choices(given["choices"], (*path, "choices"), findings))
    return changed


def _choices(choices: Sequence[Any], path: Path, findings: Findings) -> Iterator[Any]:
    for number, choice in enumerate(choices):
        text = text_of_number(choice, (*path, number), findings) if _is_number(choice) else choice
        if text is not None:
            yield text


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _input(name: str, given: dict[str, Any]) -> Input:
    return Input(
        name=name,
        type=given.get("type", InputType.STRING),
        default=given.get("default"),
        required=given.get("required", False),
        choices=given.get("choices", ()),
        pattern=given.get("pattern"),
        description=given.get("description", ""),
        secret=given.get("secret", False),
    )


def _check_input(declared: Input, given: Mapping[str, Any], findings: Findings) -> None:
    path = ("inputs", declared.name)
    if declared.required and "default" in given:
        hint = "leave out one of them"
        findings.add(f"the input {declared.name!r} is required and has a default", (*path, "required"), hint)
    if declared.pattern is not None and (wrong := _pattern_fault(declared)):
        findings.add(wrong, (*path, "pattern"))
        return
    choices = () if declared.type is InputType.LIST else declared.choices  # of a list they are the items
    for number, choice in enumerate(choices):
        if fault := typed(choice, declared.type).fault:
            message = f"item {number + 1} of 'choices' {fault}"
            findings.add(message, (*path, "choices", number), code=Code.INPUT_VALUE)
    if given.get("default") is not None and (fault := choose(declared, declared.default).fault):
        findings.add(f"the default of {declared.name!r} {fault}", (*path, "default"), code=Code.INPUT_VALUE)


def _pattern_fault(declared: Input) -> str | None:
    if declared.type not in {InputType.STRING, InputType.PATH}:
        return f"a pattern is for text, and the input {declared.name!r} is of the type {declared.type}"
    try:
        re.compile(declared.pattern or "")
    except (re.error, RecursionError, OverflowError) as error:
        return f"the pattern is no regular expression: {error}"
    return None


def read_secrets(data: Mapping[str, Any], findings: Findings) -> dict[str, SecretSource]:
    secrets: dict[str, SecretSource] = {}
    for name in _named("secrets", data, _NAME, findings):
        source = _SECRET.read(data[name], ("secrets", name), findings)
        if source is not WRONG:
            secrets[name] = source
    return secrets


# ── groups ──────────────────────────────────────────────────────────────────────────────────────


def read_groups(data: Mapping[str, Any], findings: Findings) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for name in _named("groups", data, _LABEL, findings):
        given = _GROUP.read({} if data[name] is None else data[name], ("groups", name), findings)
        if given is not WRONG:
            groups[name] = Group(name=name, **given)
    return groups


# ── backends ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Declared:
    """A backend of the file, and the class that it is of."""

    spec: BackendSpec
    kind: type[Backend]


def read_backends(data: Mapping[str, Any], registry: Registry, findings: Findings) -> dict[str, Declared]:
    """Return the backends that are declared rightly."""
    backends: dict[str, Declared] = {}
    for name in _named("backends", data, _LABEL, findings):
        declared = _backend(name, data[name], registry, findings)
        if declared is not None:
            backends[name] = declared
    return backends


def _backend(name: str, data: object, registry: Registry, findings: Findings) -> Declared | None:
    path = ("backends", name)
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str):
        _tell_no_kind(name, data, registry, findings)
        return None
    found = _backend_class(kind, registry, name, findings)
    if found is None:
        return None
    spec = backend_reader(found).read(data, path, findings)
    return None if spec is WRONG else Declared(replace(spec, name=name), found)


_ANY_BACKEND = Reader(Form("backend", BACKEND, rest=Anything()))


def _tell_no_kind(name: str, data: object, registry: Registry, findings: Findings) -> None:
    """Say what kinds there are, and what is wrong with the keys that every backend has."""
    expected = f"expected {either(sorted(registry.backend_names))}"
    if not isinstance(data, dict):
        findings.add(f"the backend {name!r} is no map", ("backends", name), f"write its `kind`: {expected}")
    elif "kind" not in data:
        findings.add(f"the backend {name!r} has no 'kind'", ("backends", name), expected)
        _ANY_BACKEND.read({**data, "kind": ""}, ("backends", name), findings)
    else:
        message = f"the kind of the backend {name!r} is {shown(data['kind'])}"
        findings.add(message, ("backends", name, "kind"), expected)
        _ANY_BACKEND.read({**data, "kind": ""}, ("backends", name), findings)


def _backend_class(kind: str, registry: Registry, name: str, findings: Findings) -> type[Backend] | None:
    path = ("backends", name, "kind")
    try:
        found = registry.backend(kind)
    except OrchestratorError as error:
        findings.add(f"the backend kind {kind!r}: {error}", path, code=Code.UNKNOWN_NAME)
        return None
    if found is None:
        names = sorted(registry.backend_names)
        message = f"backend kind {kind!r} is not installed (installed: {', '.join(names) or 'none'})"
        findings.add(message, path, findings.suggest(kind, names), code=Code.UNKNOWN_NAME)
    return found


@cache
def backend_form(kind: type[Backend]) -> Form:
    """Return the keys of a backend of this kind: its own, and those that all backends have."""
    own = form_of(kind.settings)
    return Form("backend", {**own.keys, **BACKEND}, build=lambda given: _spec(own, given))


@cache
def backend_reader(kind: type[Backend]) -> Reader:
    return Reader(backend_form(kind))


def _spec(own: Form, given: dict[str, Any]) -> BackendSpec:
    build = own.build or dict
    settings = build({key: value for key, value in given.items() if key in own.keys})
    common = {key: value for key, value in given.items() if key in BACKEND}
    limits = common.pop("rate_limit", ())
    if limits:
        common["rate_limits"] = limits if isinstance(limits, tuple) else (limits,)
    return BackendSpec(name="", settings=settings, **common)
