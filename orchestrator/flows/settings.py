"""The keys of kinds and backends, read from the frozen dataclasses in which they declare them.

A field's description stands in its metadata; `key` there names a key that Python cannot, such as `with`, and a field
that is `hidden` is no key: what makes the flow fills it. Markers of `core.units` say which texts are durations, sizes
and counts. A field that is one of these or `str` may hold a template instead; any other word for it is refused.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from orchestrator.core import units
from orchestrator.flows.grammar import (
    Anything,
    Choice,
    FileName,
    Flag,
    Form,
    Key,
    ListOf,
    MapOf,
    Measure,
    Node,
    Nothing,
    Number,
    OneOf,
    OrTemplate,
    Text,
    Whole,
)

DURATION: Final = Measure(units.seconds, "a duration such as 30s", ("100ms", "30s", "5m", "1h30m"))
SIZE: Final = Measure(units.size, "a size such as 1MB", ("100KB", "1MB"))
COUNT: Final = Measure(units.count, "a count such as 200 or 200k", ("200", "200k"))

PATH: Final = FileName()

_MARKED: Final[Mapping[str, Node]] = {
    "duration": DURATION,
    "size": SIZE,
    "count": COUNT,
    "path": PATH,
}
_SINGLE: Final[Mapping[object, Node]] = {
    str: Text(),
    bool: Flag(),
    int: Whole(),
    float: Number(),
    type(None): Nothing(),
    Any: Anything(),
    object: Anything(),
}
_LISTS: Final = (tuple, list, Sequence)
_MAPS: Final = (dict, Mapping)
_LOCAL_NAMES: Final = {"Json": Any}
"""`Json` refers to itself; for us it is plain data of any shape."""


@cache
def form_of(declared: type) -> Form:
    """Return the form of a dataclass; what it reads is an instance."""
    hints = get_type_hints(declared, localns=_LOCAL_NAMES, include_extras=True)
    keys = {key_of(field): _key(field, hints[field.name]) for field in fields(declared) if not is_hidden(field)}
    return Form(declared.__name__, keys, build=_builder(declared))


def key_of(field: Field[Any]) -> str:
    """Return the name that a field has in a flow."""
    return str(field.metadata.get("key", field.name))


def is_hidden(field: Field[Any]) -> bool:
    """Return whether a flow cannot write the field."""
    return bool(field.metadata.get("hidden"))


def _key(field: Field[Any], annotation: object) -> Key:
    required = field.default is MISSING and field.default_factory is MISSING
    return Key(node_of(annotation), str(field.metadata.get("description", "")), required)


def _builder(declared: type) -> Callable[[dict[str, Any]], Any]:
    renamed = {key_of(field): field.name for field in fields(declared) if key_of(field) != field.name}
    if not renamed:
        return lambda given: declared(**given)
    return lambda given: declared(**{renamed.get(key, key): value for key, value in given.items()})


def node_of(annotation: Any) -> Node:  # noqa: ANN401 - any annotation there is
    """Return what a flow may write where a setting has this annotation. Raises TypeError for what none can be."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _SINGLE:
        return _SINGLE[annotation]
    if origin is Annotated:
        return _marked(arguments)
    if origin is Literal:
        return Choice(arguments)
    if origin in {Union, types.UnionType}:
        return _one_of(arguments)
    return _container(annotation, origin, arguments)


def _marked(arguments: tuple[Any, ...]) -> Node:
    found = (_MARKED[mark] for mark in arguments[1:] if isinstance(mark, str) and mark in _MARKED)
    return next(found, None) or node_of(arguments[0])


def _container(annotation: Any, origin: Any, arguments: tuple[Any, ...]) -> Node:  # noqa: ANN401 - as above
    if origin in _LISTS:
        return ListOf(node_of(arguments[0]))
    if origin in _MAPS:
        return MapOf(node_of(arguments[1]))
    if is_dataclass(annotation) and isinstance(annotation, type):
        return form_of(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return Choice(tuple(member.value for member in annotation), annotation)
    raise TypeError(f"a setting cannot be of the type {annotation!r}")


# ── unions ──────────────────────────────────────────────────────────────────────────────────────

_SORTS: Final[tuple[tuple[type[Node], str], ...]] = (
    (Measure, "measure"),
    (Text, "text"),
    (Choice, "text"),
    (Flag, "flag"),
    (Whole, "number"),
    (Number, "number"),
    (ListOf, "list"),
    (MapOf, "map"),
    (Form, "map"),
    (Nothing, "null"),
)


def _one_of(arguments: tuple[Any, ...]) -> Node:
    nodes = [node_of(argument) for argument in arguments]
    if any(isinstance(node, Anything) for node in nodes):
        return Anything()
    members: dict[str, Node] = {}
    for node in nodes:
        members.setdefault(_sort(node), node)
    return _with_templates(members)


def _with_templates(members: dict[str, Node]) -> Node:
    """Text beside a measure, which is written as text too, is there for templates; else it stands for itself."""
    if "text" not in members or "measure" not in members:
        return _flat(members)
    del members["text"]
    return OrTemplate(_flat(members))


def _flat(members: dict[str, Node]) -> Node:
    return next(iter(members.values())) if len(members) == 1 else OneOf(members)


def _sort(node: Node) -> str:
    return next((sort for kind, sort in _SORTS if isinstance(node, kind)), "map")
