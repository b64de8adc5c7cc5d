"""What a template may read and how it is written: fields of values, values as text."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from orchestrator.core.output import Cut, Output
from orchestrator.templates.errors import CutError, TemplateError

Part: TypeAlias = "str | int"

MAX_TEXT: Final = 10 << 20
"""Characters of one rendered text."""

_MAX_SHOWN: Final = 12


def use(value: object) -> object:
    """What a value stands for where it is used itself: an output for its main field. What was cut cannot be used."""
    if isinstance(value, Output):
        value = _whole(value.main)
    if isinstance(value, Cut):
        raise CutError(value)
    return value


def _whole(main: object) -> object:
    """What an output stands for; of several fields, such as a sub-flow's, none may be cut."""
    if isinstance(main, Mapping):
        return next((field for field in main.values() if isinstance(field, Cut)), main)
    return main


def use_all(value: object) -> object:
    """The same, with a list of outputs as the list of what they stand for."""
    value = use(value)
    if isinstance(value, list | tuple) and any(isinstance(item, Output | Cut) for item in value):
        return [use(item) for item in value]
    return value


# ── fields ──────────────────────────────────────────────────────────────────────────────────────


def field(value: object, part: Part, shown: str | None = None) -> object:
    """What `value` holds under `part`; keys of mappings and numbers of lists, never an attribute of a Python object."""
    if isinstance(value, Mapping):
        key = part if isinstance(part, str) else str(part)
        if key in value:
            return value[key]
        raise _no_key(value, key, shown)
    if isinstance(value, list | tuple) and isinstance(part, int):
        if -len(value) <= part < len(value):
            return value[part]
        raise TemplateError(f"{_named(shown, value)} has no item {part}: it has {len(value)}")
    raise _no_field(value, part, shown)


def _no_key(value: Mapping[str, object], key: str, shown: str | None) -> TemplateError:
    return TemplateError(f"{_named(shown, value)} has no {key!r}", hint=suggestion(key, value))


def _no_field(value: object, part: Part, shown: str | None) -> TemplateError:
    if isinstance(value, Cut):
        return CutError(value)
    hint = "write `[0]` for the first item, or loop with {% for %}" if isinstance(value, list | tuple) else None
    return TemplateError(f"{_named(shown, value)} is {kind_of(value)}, so it has no {part!r}", hint=hint)


def _named(shown: str | None, value: object) -> str:
    return f"'{shown}'" if shown else f"{kind_of(value)} here"


def suggestion(name: str, known: Iterable[object]) -> str | None:
    """What may have been meant instead of a name, and what there is."""
    names = [str(key) for key in known]
    close = difflib.get_close_matches(name, names, 1)
    listed = ", ".join(names[:_MAX_SHOWN]) + (", …" if len(names) > _MAX_SHOWN else "")
    meant = f"did you mean {close[0]!r}? " if close else ""
    return f"{meant}there are: {listed}" if names else None


def kind_of(value: object) -> str:
    """The kind of a value, in the words of the flow format."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (type(None), "null"),
        (bool, "a boolean"),
        ((int, float), "a number"),
        (str, "text"),
        (Mapping, "a mapping"),
        ((list, tuple), "a list"),
    )
    return next((word for kind, word in kinds if isinstance(value, kind)), "no plain value")


# ── text ────────────────────────────────────────────────────────────────────────────────────────


def text_of(value: object) -> str:
    """How a value is written inside a text."""
    if type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _digits(value)
    if value is None:
        return ""
    return _compound(use(value))


def _compound(value: object) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping | list | tuple):
        return json_of(value)
    if value is None or isinstance(value, bool | int | float):
        return text_of(value)
    raise TemplateError("what the expression gives cannot be written as text")


def _digits(value: float) -> str:
    try:
        return repr(value)
    except ValueError:
        raise TemplateError("the number has too many digits") from None


def json_of(value: object, indent: int | None = None) -> str:
    """A value as JSON; outputs stand for their main fields."""
    separators = (",", ":") if indent is None else (",", ": ")
    try:
        return json.dumps(value, ensure_ascii=False, separators=separators, indent=indent, default=_jsonable)
    except TemplateError:
        raise
    except (RecursionError, ValueError, TypeError) as error:
        raise TemplateError(f"the value cannot be written as JSON: {error}") from None


def _jsonable(value: object) -> object:
    if isinstance(value, Output | Cut):
        return use(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TemplateError("what the expression gives cannot be written as JSON: it is no text, number, list or mapping")


def check_size(size: int) -> None:
    if size > MAX_TEXT:
        raise TemplateError(f"the rendered text is longer than {MAX_TEXT >> 20} MB", hint="pass it through a file")
