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
from operator import attrgetter
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
# Thousands of records a second become text beside the run, and share one interpreter with it. So each class has a form,
# made once: its text as JSON with a gap for each value. To fill it takes a third of what asking `json` takes.


class _Form(NamedTuple):
    """A class as JSON: `text` has a gap for each field, `values` returns what belongs there."""

    text: str
    values: Callable[[Any], tuple[Any, ...]]


def encode(record: Record) -> str:
    """Return the record as one line of JSON, without the line's end."""
    run, seq, at, event = record
    cls: type = type(event)
    text, values = _event_form(cls)
    return text % (seq, repr(round(at, 6)), quoted(run), *[_WRITERS[type(value)](value) for value in values(event)])


@cache
def _event_form(cls: type) -> _Form:
    head = f'"type":"{cls.__name__}","seq":%d,"at":%s,"run":%s'
    if cls is ev.RunStarted:
        head += f',"version":{VERSION}'
    return _form(cls, head)


@cache
def _part_form(cls: type) -> _Form:
    return _form(cls)


def _form(cls: type, *head: str) -> _Form:
    names = [field.name for field in _fields_of(cls)]
    gaps = ",".join((*head, *(f'"{field.key}":%s' for field in _fields_of(cls))))
    return _Form(f"{{{gaps}}}", _values(names))


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    values = attrgetter(*names)
    return values if len(names) > 1 else lambda value: (values(value),)


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
    form = _part_form(cls)
    return form.text % tuple(_texts(form.values(value)))


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
