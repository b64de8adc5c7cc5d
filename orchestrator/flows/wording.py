"""What pydantic found, in words for people: what is wrong, what was expected, what may have been meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from orchestrator.core.errors import Code
from orchestrator.flows.grammar import Choice, Form, Node, Path, Short, either, shown
from orchestrator.flows.suggest import Suggest

Words = tuple[str, str | None, str]
"""A message, a hint and a code."""

Tell = Callable[[Node, Path, Mapping[str, Any], Suggest], Words]

_MANY: Final = 40


def tell(node: Node, path: Path, error: Mapping[str, Any], suggest: Suggest) -> Words:
    """Return the words for one error. `node` is the one at the path, for a missing or unknown key the form above."""
    return _TOLD.get(error["type"], _wrong)(node, path, error, suggest)


def label(path: Path) -> str:
    """Return the name of a place: its key, or its number in a list."""
    if not path:
        return "the file"
    last = path[-1]
    return f"item {last + 1} of {label(path[:-1])}" if isinstance(last, int) else f"{last!r}"


def unknown_key(name: str, allowed: tuple[str, ...], suggest: Suggest) -> Words:
    expected = f"expected {either(allowed)}" if len(allowed) <= _MANY else None
    return f"unknown key {name!r}", _join(expected, suggest(name, allowed)), Code.SCHEMA


def _unknown_key(node: Node, path: Path, _error: Mapping[str, Any], suggest: Suggest) -> Words:
    form = node.form if isinstance(node, Short) else node
    return unknown_key(str(path[-1]), form.names if isinstance(form, Form) else (), suggest)


def _missing_key(node: Node, path: Path, _error: Mapping[str, Any], _suggest: Suggest) -> Words:
    form = node.form if isinstance(node, Short) else node
    key = form.keys.get(str(path[-1])) if isinstance(form, Form) else None
    return f"{label(path[:-1])} has no {path[-1]!r}", f"expected {key.node.expected}" if key else None, Code.SCHEMA


def _refused(_node: Node, path: Path, error: Mapping[str, Any], _suggest: Suggest) -> Words:
    """What a function of ours raised: its text is `what is wrong; advice`."""
    message, _, hint = str(error["ctx"]["error"]).partition("; ")
    return f"{label(path)}: {message}", hint or None, Code.SCHEMA


def _wrong(node: Node, path: Path, error: Mapping[str, Any], suggest: Suggest) -> Words:
    written = error["input"]
    if isinstance(node, Form) and node.holds_secrets and written is not None:
        return f"{label(path)} is written out", "write {env: NAME} or {command: [PROGRAM]}", Code.SCHEMA
    message = f"{label(path)} has no value" if written is None else f"{label(path)} is {shown(written)}"
    words = node.words if isinstance(node, Choice) else ()
    meant = suggest(written, tuple(map(str, words))) if isinstance(written, str) else None
    return message, _join(f"expected {_expected(node, error)}", meant), Code.SCHEMA


def _expected(node: Node, error: Mapping[str, Any]) -> str:
    context = error.get("ctx", {})
    for bound, words in _BOUNDS.items():
        if bound in context:
            return f"{node.expected}, {words} {context[bound]:g}"
    return node.expected


_BOUNDS: Final = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def _too_short(node: Node, path: Path, error: Mapping[str, Any], _suggest: Suggest) -> Words:
    del node
    least = error["ctx"]["min_length"]
    return f"{label(path)} is an empty list", f"expected at least {least} item{'s' * (least > 1)}", Code.SCHEMA


def _later(_node: Node, path: Path, _error: Mapping[str, Any], _suggest: Suggest) -> Words:
    return f"{label(path)} is not supported yet by this version", "leave it out", Code.SCHEMA


def _join(*parts: str | None) -> str | None:
    return "; ".join(part for part in parts if part) or None


_TOLD: Final[Mapping[str, Tell]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing_key,
    "value_error": _refused,
    "too_short": _too_short,
    "later": _later,
}
