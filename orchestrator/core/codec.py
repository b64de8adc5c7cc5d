"""Events to JSON and back, so that a run can be written down as lines and read again.

Each record is one flat object: `type`, `seq`, `at`, `run`, and the event's own fields. Fields that have their default
value are written all the same: a reader in another language needs no table of ours.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from json import dumps
from json.encoder import encode_basestring_ascii as quoted
from math import isfinite
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


class _Field(NamedTuple):
    """A field of a class and its key in the data. `read` is None where the data holds the value itself."""

    name: str
    key: str
    read: Convert | None


@cache
def _fields_of(cls: type) -> tuple[_Field, ...]:
    hints = get_type_hints(cls, localns=_NAMES)
    return tuple(_field(field.name, hints[field.name]) for field in fields(cls))


def _field(name: str, hint: object) -> _Field:
    return _Field(name, _key(name), _reader(hint))


def _key(name: str) -> str:
    """Return the key in the data: `from_` and `error_class` are fields only because Python has the shorter words."""
    return "class" if name == "error_class" else name.removesuffix("_")


def _is_union(hint: object) -> bool:
    return get_origin(hint) in (Union, types.UnionType)


# ── to text ─────────────────────────────────────────────────────────────────────────────────────
#
# Thousands of records a second become text beside the run, and share one interpreter with it. So for each class there
# is a function, made once: one text as JSON with all values in it. It takes half of what asking `json` takes.

_Write: TypeAlias = Callable[[Any, str], str]


def encode(record: Record) -> str:
    """Return the record as one line of JSON, without the line's end."""
    run, seq, at, event = record
    cls: type = type(event)
    return _event_writer(cls)(event, f'"seq":{seq},"at":{round(at, 6)!r},"run":{quoted(run)}')


@cache
def _event_writer(cls: type) -> _Write:
    version = f',"version":{VERSION}' if cls is ev.RunStarted else ""
    return _writer(cls, f'"type":"{cls.__name__}",{{head}}{version}')


@cache
def _part_writer(cls: type) -> _Write:
    return _writer(cls)


def _writer(cls: type, *head: str) -> _Write:
    """Return a function of a value of this class, and of what comes before its fields, that returns its text."""
    hints = get_type_hints(cls, localns=_NAMES)
    values = (f'"{field.key}":{{{_expression(hints[field.name], field.name)}}}' for field in _fields_of(cls))
    made: dict[str, _Write] = {}
    text = f"write = lambda value, head: f'''{{{{{','.join((*head, *values))}}}}}'''"
    exec(text, {"quoted": quoted, "writers": _WRITERS}, made)  # noqa: S102 - made of names of classes and fields alone
    return made["write"]


def _expression(hint: object, name: str) -> str:
    """Return how a field is made text. What is surely a text is spared the search for how."""
    if isinstance(hint, type) and issubclass(hint, str):
        return f"quoted(value.{name})"
    if hint == (str | None):
        return f"'null' if value.{name} is None else quoted(value.{name})"
    return f"writers[value.{name}.__class__](value.{name})"


def _texts(values: Iterable[Any]) -> list[str]:
    return [_WRITERS[type(value)](value) for value in values]


def _number(value: float) -> str:
    return float.__repr__(value) if isfinite(value) else dumps(value)


def _list(values: Iterable[object]) -> str:
    return f"[{','.join(_texts(values))}]"


def _mapping(values: Mapping[object, object]) -> str:
    texts = zip(values, _texts(values.values()), strict=True)
    return f"{{{','.join([f'{quoted(str(key))}:{text}' for key, text in texts])}}}"


def _part(value: object) -> str:
    cls: type = type(value)
    return _part_writer(cls)(value, "")


class _Writers(dict[type, Callable[[Any], str]]):
    """What makes the text of a value, by its class."""

    def __missing__(self, cls: type) -> Callable[[Any], str]:
        self[cls] = self._made(cls)
        return self[cls]

    def _made(self, cls: type) -> Callable[[Any], str]:
        writer = next((writer for base, writer in _BY_BASE if issubclass(cls, base)), None)
        if writer is None and not is_dataclass(cls):
            raise TypeError(f"{cls.__name__} has no plain form")
        return writer or _part


_BY_BASE: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (str, quoted),
    (bool, {False: "false", True: "true"}.__getitem__),
    (int, int.__repr__),
    (float, _number),
    (types.NoneType, {None: "null"}.__getitem__),
    (list, _list),
    (tuple, _list),
    (Mapping, _mapping),
)
_WRITERS: Final = _Writers()


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
    given = ((name, data[key], read) for name, key, read in _fields_of(cls) if key in data)
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
