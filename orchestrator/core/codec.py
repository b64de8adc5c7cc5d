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
from typing import Any, Final, NamedTuple, TypeAlias, Union, get_args, get_origin, get_type_hints

from orchestrator.core import events as ev
from orchestrator.core import flow
from orchestrator.core.events import Event, Record

VERSION: Final = 1
"""The version of the format; it stands in every RunStarted."""

EVENT_TYPES: Final[dict[str, type]] = {event.__name__: event for event in get_args(Event)}

_NAMES: Final = {**vars(flow), **vars(ev)}
"""Where the annotations of events find their names."""

Convert: TypeAlias = Callable[[Any], Any]

_ATOMS: Final = frozenset({str, int, float, bool, types.NoneType})


class _Field(NamedTuple):
    """A field of a class and its key in the data. `read` is None where the data holds the value itself."""

    name: str
    key: str
    is_plain: bool
    read: Convert | None


@cache
def _fields_of(cls: type) -> tuple[_Field, ...]:
    hints = get_type_hints(cls, localns=_NAMES)
    return tuple(_field(field.name, hints[field.name]) for field in fields(cls))


def _field(name: str, hint: object) -> _Field:
    return _Field(name, _key(name), _is_plain(hint), _reader(hint))


def _key(name: str) -> str:
    """Return the key in the data: `from_` and `error_class` are fields only because Python has the shorter words."""
    return "class" if name == "error_class" else name.removesuffix("_")


def _is_plain(hint: object) -> bool:
    """Return whether values of this type are plain data already, as words are: they are text."""
    if isinstance(hint, type):
        return hint in _ATOMS or issubclass(hint, str)
    return _is_union(hint) and all(_is_plain(member) for member in get_args(hint))


def _is_union(hint: object) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


# ── to data ─────────────────────────────────────────────────────────────────────────────────────


def encode(record: Record) -> dict[str, Any]:
    """Return the record as plain data that `json.dumps` takes."""
    _, seq, at, event = record
    data = {"type": type(event).__name__, "seq": seq, "at": round(at, 6), "run": record.run}
    if isinstance(event, ev.RunStarted):
        data["version"] = VERSION
    return _tell(event, data)


def _tell(value: object, data: dict[str, Any]) -> dict[str, Any]:
    """Add the fields of a dataclass to the data."""
    cls: type = type(value)
    for name, key, is_plain, _ in _fields_of(cls):
        field = getattr(value, name)
        data[key] = field if is_plain else _plain(field)
    return data


def _plain(value: object) -> object:
    """Return nested dataclasses, tuples and mapping proxies as what JSON knows."""
    if type(value) in _ATOMS or isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return _tell(value, {})
    raise TypeError(f"{type(value).__name__} has no plain form")


# ── from data ───────────────────────────────────────────────────────────────────────────────────


def decode(data: Mapping[str, Any]) -> Record:
    """Return the record that the data tells. Raises ValueError for what this version does not know."""
    if data.get("version", VERSION) != VERSION:
        raise ValueError(f"events of version {data['version']} are not readable here (this is version {VERSION})")
    try:
        return Record(data["run"], data["seq"], data["at"], _object(_event_type(data["type"]), data))
    except KeyError as error:
        raise ValueError(f"an event lacks {error}") from error
    except TypeError as error:
        raise ValueError(f"an event is not readable: {error}") from error


def _event_type(name: str) -> type:
    if name not in EVENT_TYPES:
        raise ValueError(f"unknown event type {name!r}")
    return EVENT_TYPES[name]


def _object(cls: type, data: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what the class makes
    """Return the object that the data tells; a field that is not there has its default value."""
    given = ((name, data[key], read) for name, key, _, read in _fields_of(cls) if key in data)
    return cls(**{name: value if read is None else read(value) for name, value, read in given})


def _reader(hint: object) -> Convert | None:
    """Return what makes a value of this type from plain data; None where it is the same."""
    if not _is_union(hint):
        return _one_reader(hint)
    members = [member for member in get_args(hint) if member is not types.NoneType]
    read = _one_reader(members[0]) if len(members) == 1 else None
    return read and (lambda data: None if data is None else read(data))


def _one_reader(hint: Any) -> Convert | None:  # noqa: ANN401 - a type or an alias
    if get_origin(hint) is tuple:
        return _tuple_reader(get_args(hint)[0])
    if is_dataclass(hint):
        return lambda data: _object(hint, data)  # type: ignore[arg-type]  # a class: hints are no instances
    return hint if isinstance(hint, type) and issubclass(hint, Enum) else None


def _tuple_reader(hint: object) -> Convert:
    read = _reader(hint)
    return tuple if read is None else lambda data: tuple(map(read, data))
