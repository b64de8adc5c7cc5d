"""What a file declares besides its tasks: inputs, secrets and groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from orchestrator.core.errors import Code
from orchestrator.core.flow import Group, Input, InputType, SecretSource
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import Path
from orchestrator.flows.reading import WRONG, Reader, text_of_number
from orchestrator.flows.schema import GROUP, INPUT, LABEL_PATTERN, NAME_PATTERN, SECRET, WORD_PATTERN
from orchestrator.flows.values import choose, typed

NAME: Final = re.compile(NAME_PATTERN)
LABEL: Final = re.compile(LABEL_PATTERN)
WORD: Final = re.compile(WORD_PATTERN)
_ALLOWED: Final = {
    NAME: "letters, digits and _",
    LABEL: "letters, digits, _, - and .",
    WORD: "letters, digits, _ and -",
}

_INPUT = Reader(INPUT)
_SECRET = Reader(SECRET)
_GROUP = Reader(GROUP)


def named(section: str, data: Mapping[str, Any], pattern: re.Pattern[str], findings: Findings) -> Iterator[str]:
    """Yield the names of a section that are fit to be names."""
    for name in data:
        if pattern.fullmatch(name):
            yield name
        else:
            message = f"{name!r} cannot be a name under `{section}:`"
            findings.add_at_key(message, (section, name), f"write {_ALLOWED[pattern]}")


# ── inputs and secrets ──────────────────────────────────────────────────────────────────────────


def read_inputs(data: Mapping[str, Any], findings: Findings) -> dict[str, Input]:
    """Return the inputs that are declared rightly."""
    inputs: dict[str, Input] = {}
    for name in named("inputs", data, NAME, findings):
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
    for name in named("secrets", data, NAME, findings):
        source = _SECRET.read(data[name], ("secrets", name), findings)
        if source is not WRONG:
            secrets[name] = source
    return secrets


# ── groups ──────────────────────────────────────────────────────────────────────────────────────


def read_groups(data: Mapping[str, Any], findings: Findings) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for name in named("groups", data, LABEL, findings):
        given = _GROUP.read({} if data[name] is None else data[name], ("groups", name), findings)
        if given is not WRONG:
            groups[name] = Group(name=name, **given)
    return groups
