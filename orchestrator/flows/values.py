"""The values of inputs: what callers give as text or as plain data, checked against what the flow declares."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.fact import fact
from orchestrator.core.flow import Flow, Input, InputType, Json
from orchestrator.flows.grammar import either, shown
from orchestrator.flows.paths import absolute
from orchestrator.flows.suggest import Suggest

MAX_FILE: Final = 10 << 20
"""Bytes of a file that `@file` may name."""

_EXPECTED: Final[Mapping[InputType, str]] = {
    InputType.STRING: "text",
    InputType.PATH: "a path",
    InputType.INT: "a whole number",
    InputType.FLOAT: "a number",
    InputType.BOOL: "true or false",
    InputType.LIST: "a list",
    InputType.MAP: "a map",
}
_TYPES: Final[Mapping[InputType, tuple[type[Any], ...]]] = {
    InputType.STRING: (str,),
    InputType.PATH: (str,),
    InputType.INT: (int,),
    InputType.FLOAT: (int, float),
    InputType.BOOL: (bool,),
    InputType.LIST: (list, tuple),
    InputType.MAP: (dict,),
}


@fact
class Checked:
    """A value that fits, or what is wrong with it: a phrase that follows the value's name."""

    value: Json = None
    fault: str | None = None


# ── plain data ──────────────────────────────────────────────────────────────────────────────────


def typed(value: Any, wanted: InputType) -> Checked:  # noqa: ANN401 - plain data
    """Return the value as the type has it."""
    is_flag = isinstance(value, bool)
    if is_flag != (wanted is InputType.BOOL) or not isinstance(value, _TYPES[wanted]):
        return Checked(fault=f"is {shown(value)}; expected {_EXPECTED[wanted]}")
    return Checked(float(value) if wanted is InputType.FLOAT else value)


def choose(declared: Input, value: Any) -> Checked:  # noqa: ANN401 - plain data
    """Return the value, if it has the declared type and is one of the allowed ones."""
    checked = typed(value, declared.type)
    if checked.fault is None and declared.choices and (stray := _stray(declared, checked.value)):
        return Checked(fault=f"is {stray[0]}; expected {either([shown(choice) for choice in declared.choices])}")
    if checked.fault is None and declared.pattern and not re.fullmatch(declared.pattern, str(value)):
        return Checked(fault=f"is {shown(value)}; expected what matches {declared.pattern}")
    return checked


def _stray(declared: Input, value: Json) -> list[str]:
    """Return what is not among the choices: of a list, the items."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    return [shown(item) for item in values if item not in declared.choices]


# ── text ────────────────────────────────────────────────────────────────────────────────────────


def _number(text: str, make: Callable[[str], Json], what: str) -> Checked:
    try:
        return Checked(make(text.strip().replace("_", "")))
    except (ValueError, OverflowError):
        return Checked(fault=f"is {shown(text)}; expected {what}")


def _flag(text: str) -> Checked:
    known = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    value = known.get(text.strip().lower())
    return Checked(fault=f"is {shown(text)}; expected true or false") if value is None else Checked(value)


def _list(text: str) -> Checked:
    stripped = text.strip()
    if stripped.startswith("["):
        return _json(stripped, list, "a list, as JSON or with commas")
    parts = stripped.splitlines() if "\n" in stripped else stripped.split(",")
    return Checked([part.strip() for part in parts if part.strip()])


def _json(text: str, wanted: type, what: str) -> Checked:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        return Checked(fault=f"is no JSON ({error}); expected {what}")
    fits = isinstance(value, wanted)
    return Checked(value) if fits else Checked(fault=f"is {shown(value)}; expected {what}")


_FROM_TEXT: Final[Mapping[InputType, Callable[[str], Checked]]] = {
    InputType.STRING: Checked,
    InputType.PATH: Checked,
    InputType.INT: lambda text: _number(text, int, "a whole number"),
    InputType.FLOAT: lambda text: _number(text, _finite, "a number"),
    InputType.BOOL: _flag,
    InputType.LIST: _list,
    InputType.MAP: lambda text: _json(text, dict, 'a map as JSON, such as {"a": 1}'),
}


def _finite(text: str) -> float:
    value = float(text)
    if value - value:
        raise ValueError(text)
    return value


def _content(text: str, cwd: str) -> Checked:
    """Return the text, or what stands in the file that `@file` names; `@@` begins a text with `@`."""
    if not text.startswith("@") or text.startswith("@@"):
        return Checked(text.removeprefix("@") if text.startswith("@@") else text)
    path = Path(absolute(text[1:], cwd))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
        content = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return Checked(fault=f"names the file {text[1:]!r}, which cannot be read: {reason}; `@@` begins a text with @")
    if len(data) > MAX_FILE:
        return Checked(fault=f"names the file {text[1:]!r}, which is larger than {MAX_FILE >> 20} MB")
    return Checked(content)


# ── all inputs of a flow ────────────────────────────────────────────────────────────────────────


def check_inputs(flow: Flow, given: Mapping[str, str], *, cwd: str) -> Mapping[str, Json]:
    """Return a value for each input of the flow, from `-i name=value` texts. Paths are relative to `cwd`.

    Raises:
        FlowError: with all that is wrong.
    """
    problems: list[Problem] = []
    values: dict[str, Json] = {}
    for name, text in given.items():
        declared = flow.inputs.get(name)
        checked = _from_text(declared, text, cwd) if declared else Checked()
        if declared and checked.fault:
            problems.append(_problem(flow, declared, checked.fault))
        else:
            values[name] = checked.value
    wrong = {name for name in given if name not in values}
    problems += _faults(flow, values, wrong)
    if problems:
        raise FlowError(*problems)
    return _complete(flow, values)


def resolve_inputs(flow: Flow, values: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return a value for each input of the flow, from values that have their types already.

    Raises:
        FlowError: with all that is wrong.
    """
    problems = _faults(flow, values, set())
    if problems:
        raise FlowError(*problems)
    return _complete(flow, values)


def known_inputs(flow: Flow, given: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the inputs of a flow as far as they are known: those that are given and fit, and defaults."""
    fitting = {
        name: value
        for name, value in given.items()
        if (declared := flow.inputs.get(name)) and choose(declared, value).fault is None
    }
    known = (one for one in flow.inputs.values() if one.name in fitting or not one.required)
    return {declared.name: _value(flow, declared, fitting) for declared in known}


def input_faults(flow: Flow, names: set[str], wrong: set[str]) -> list[Problem]:
    """Return what is wrong with a call by the names of the inputs alone: unknown ones, missing ones."""
    suggest = Suggest()
    unknown = [_unknown(flow, name, suggest) for name in sorted(names - flow.inputs.keys())]
    missing = [
        _problem(flow, declared, "is required", f"expected {_EXPECTED[declared.type]}")
        for declared in flow.inputs.values()
        if declared.required and declared.name not in names and declared.name not in wrong
    ]
    return unknown + missing


def _from_text(declared: Input, text: str, cwd: str) -> Checked:
    content = _content(text, cwd)
    if content.fault is not None or not isinstance(content.value, str):
        return content
    checked = _FROM_TEXT[declared.type](content.value)
    if declared.type is InputType.PATH and isinstance(checked.value, str):
        return Checked(absolute(checked.value, cwd))
    return checked


def _faults(flow: Flow, values: Mapping[str, Json], wrong: set[str]) -> list[Problem]:
    problems = input_faults(flow, set(values), wrong)
    for name, value in values.items():
        declared = flow.inputs.get(name)
        if declared and (fault := choose(declared, value).fault):
            problems.append(_problem(flow, declared, fault))
    return problems


def _complete(flow: Flow, values: Mapping[str, Json]) -> Mapping[str, Json]:
    return {name: _value(flow, declared, values) for name, declared in flow.inputs.items()}


def _value(flow: Flow, declared: Input, values: Mapping[str, Json]) -> Json:
    if declared.name in values:
        return typed(values[declared.name], declared.type).value
    if declared.type is InputType.PATH and isinstance(declared.default, str):
        return absolute(declared.default, flow.folder)
    return declared.default


def _problem(flow: Flow, declared: Input, fault: str, hint: str | None = None) -> Problem:
    message, _, advice = fault.partition("; ")
    if declared.secret and advice.startswith("expected"):  # what comes before it holds the value
        message = "has a value that does not fit"
    return Problem(
        f"the input {declared.name!r} {message}", flow.file, hint=hint or advice or None, code=Code.INPUT_VALUE
    )


def _unknown(flow: Flow, name: str, suggest: Suggest) -> Problem:
    known = f"expected {either(sorted(flow.inputs))}" if flow.inputs else "it takes none"
    hint = "; ".join(part for part in (known, suggest(name, flow.inputs)) if part)
    return Problem(f"the flow has no input {name!r}", flow.file, hint=hint, code=Code.INPUT_VALUE)
