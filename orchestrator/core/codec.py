"""Events to plain data and back, so that a run can be written down as JSON lines and read again.

Each record is one flat object: `type`, `seq`, `at`, `run`, and the event's own fields. Fields that have their default
value are written all the same: a reader in another language needs no table of ours.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Final, TypeAlias, Union, get_args, get_origin, get_type_hints

from orchestrator.core import events as ev
from orchestrator.core import flow
from orchestrator.core.events import Event, Record

VERSION: Final = 1
"""The version of the format; it stands in every RunStarted."""

Convert: TypeAlias = Callable[[Any], Any]

_NAMES: Final = {**vars(flow), **vars(ev)}
"""Where the annotations of events find their names."""

EVENT_TYPES: Final[dict[str, type]] = {event.__name__: event for event in get_args(Event)}


def encode(record: Record) -> dict[str, Any]:
    """Return the record as plain data that `json.dumps` takes."""
    event = record.event
    event_type: type = type(event)
    name, writers = _writers(event_type)
    data: dict[str, Any] = {"type": name, "seq": record.seq, "at": round(record.at, 6), "run": record.run}
    for key, attribute, convert in writers:
        value = getattr(event, attribute)
        data[key] = value if convert is None else convert(value)
    if name == "RunStarted":
        data["version"] = VERSION
    return data


def decode(data: Mapping[str, Any]) -> Record:
    """Return the record that the data tells. Raises ValueError for what this version does not know."""
    if data.get("version", VERSION) != VERSION:
        raise ValueError(f"events of version {data['version']} are not readable here (this is version {VERSION})")
    event_type = EVENT_TYPES.get(data["type"])
    if event_type is None:
        raise ValueError(f"unknown event type {data['type']!r}")
    event = _reader(event_type)(data)
    return Record(data["run"], data["seq"], data["at"], event)


@cache
def _writers(event_type: type) -> tuple[str, tuple[tuple[str, str, Convert | None], ...]]:
    hints = get_type_hints(event_type, localns=_NAMES)
    rows = ((_key(field.name), field.name, _writer(hints[field.name])) for field in fields(event_type))
    return event_type.__name__, tuple(rows)


def _key(name: str) -> str:
    """Return the key in the data: `from_` and `error_class` are fields only because Python has the shorter words."""
    return "class" if name == "error_class" else name.removesuffix("_")


def _writer(hint: object) -> Convert | None:
    """Return what turns a value of this type into plain data; None where it is plain already."""
    if _is_plain(hint):
        return None
    return _plain


def _is_plain(hint: object) -> bool:
    arguments = get_args(hint)
    if get_origin(hint) in (Union, types.UnionType):
        return all(_is_plain(argument) for argument in arguments)
    if isinstance(hint, type):
        return hint in (str, int, float, bool, type(None)) or issubclass(hint, str)
    return False


def _plain(value: object) -> object:
    """Return nested dataclasses, tuples and mapping proxies as what JSON knows."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {_key(field.name): _plain(getattr(value, field.name)) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no plain form")


@cache
def _reader(cls: type) -> Convert:
    hints = get_type_hints(cls, localns=_NAMES)
    rows = tuple((field.name, _key(field.name), _value_reader(hints[field.name])) for field in fields(cls))

    def read(data: Mapping[str, Any]) -> object:
        return cls(**{name: convert(data[key]) for name, key, convert in rows if key in data})

    return read


def _value_reader(hint: Any) -> Convert:  # noqa: ANN401 - a type, a union or an alias
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _optional_reader([argument for argument in arguments if argument is not type(None)])
    if origin is tuple:
        inner = _value_reader(arguments[0])
        return lambda values: tuple(inner(value) for value in values)
    return _class_reader(hint) if isinstance(hint, type) else _as_it_is


def _class_reader(cls: type) -> Convert:
    if issubclass(cls, Enum):
        return cls
    return _reader(cls) if is_dataclass(cls) else _as_it_is


def _optional_reader(members: list[Any]) -> Convert:
    """Return the reader of `X | None`; a union of several plain types is kept as it is."""
    inner = _value_reader(members[0]) if len(members) == 1 else _as_it_is
    return lambda value: None if value is None else inner(value)


def _as_it_is(value: object) -> object:
    return value
