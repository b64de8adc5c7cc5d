"""Answers with a form: the JSON value in what a model said, and whether it is what a JSON Schema asks for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestrator.core.errors import InputError
from orchestrator.core.flow import Json

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

SHOWN_VIOLATIONS: Final = 5
SHOWN: Final = 200
"""Characters of one violation that are shown; it may quote all that was given."""

MOST_STARTS: Final = 200
"""Places in a text at which a JSON value is looked for: each may be read to the end in vain."""

MAX_SCHEMA: Final = 1 << 20

_FENCE: Final = "```"
_START: Final = re.compile(r"[\[{]")


class SchemaError(ValueError):
    """A schema that is none, in words."""


class Checker:
    """Checks values against one JSON Schema. Raises SchemaError where it is none; nothing is ever fetched for it."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        from jsonschema.exceptions import SchemaError as Wrong  # noqa: PLC0415 - takes 70 ms, and most flows need none
        from jsonschema.validators import Draft202012Validator, validator_for  # noqa: PLC0415 - as above
        from referencing import Registry  # noqa: PLC0415 - as above

        plain: Any = _plain(schema)
        chosen: Any = validator_for(plain, default=Draft202012Validator)
        try:
            chosen.check_schema(plain)
        except (Wrong, RecursionError, re.error) as error:
            raise SchemaError(_told(error) if isinstance(error, Wrong) else str(error)) from error
        self._validator: Any = chosen(plain, registry=Registry())

    def violations(self, value: object) -> tuple[str, ...]:
        """Return what is wrong with a value, the first of it; nothing where it fits."""
        from referencing.exceptions import Unresolvable  # noqa: PLC0415 - as above

        try:
            found: list[ValidationError] = list(islice(self._validator.iter_errors(_plain(value)), SHOWN_VIOLATIONS))
        except Unresolvable as error:
            raise SchemaError(f"it refers to {error.ref!r}, which is not in it") from error
        except RecursionError:
            return ("it is nested too deeply",)
        return tuple(_told(error) for error in found)


@lru_cache(maxsize=512)
def _checker(schema: str) -> Checker:
    return Checker(json.loads(schema))


def violations(schema: Mapping[str, Json], value: object) -> tuple[str, ...]:
    """Return what is wrong with a value, the first of it. Raises SchemaError; equal schemas are read once."""
    return _checker(canonical(schema)).violations(value)


def check_schema(schema: Mapping[str, Json]) -> None:
    """Raise SchemaError where this is no JSON Schema."""
    try:
        _checker(canonical(schema))
    except SchemaError as error:
        raise SchemaError(f"this is no JSON Schema: {error}; mend the schema") from error


def _told(error: Any) -> str:  # noqa: ANN401 - both of the library's errors have these
    message = str(error.message)
    shown = message if len(message) <= SHOWN else f"{message[: SHOWN // 2]} … {message[-SHOWN // 2 :]}"
    return f"at {error.json_path}: {shown}"


def _plain(value: object) -> object:
    """Return the value made of dictionaries and lists alone: the library takes nothing else for objects and arrays."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def canonical(value: object) -> str:
    """Return a value as JSON, the same for equal values."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


# ── schemas ─────────────────────────────────────────────────────────────────────────────────────


def usable_schema(written: Json, folder: str) -> Mapping[str, Json]:
    """Return a schema that a task gives, as it is or as the path of a file. Raises InputError where it is none."""
    schema = _read_schema(Path(folder, written)) if isinstance(written, str) else written
    if not isinstance(schema, Mapping):
        raise InputError("output: the schema is no object", hint="write a JSON Schema, such as {type: object, …}")
    try:
        check_schema(schema)
    except SchemaError as error:
        raise InputError(f"output: {error}") from error
    return schema


def _read_schema(path: Path) -> Json:
    try:
        return _json(_beginning(path).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(f"output: cannot read the schema {path}: {why}", hint="check the path") from error


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_SCHEMA + 1)
    if len(data) > MAX_SCHEMA:
        raise ValueError(f"it is larger than {MAX_SCHEMA >> 20} MB")
    return data


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


def json_in(text: str) -> Json:
    """Return the one JSON value in a text: all of it, the one fenced block of JSON, or the one object or array.

    Raises ValueError that says why there is none.
    """
    try:
        return _json(text.strip())
    except (ValueError, RecursionError):
        return _only(_fenced(text) or list(islice(_embedded(text), 2)))


def _json(text: str) -> Json:
    value: Json = json.loads(text, parse_constant=_no_json)
    return value


def _no_json(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


def _only(found: list[Json]) -> Json:
    if not found:
        raise ValueError("there is no JSON in it")
    if len(found) > 1:
        raise ValueError("there are several JSON values in it, and only one is wanted")
    return found[0]


def _fenced(text: str) -> list[Json]:
    found = []
    for block in _blocks(text):
        try:
            found.append(_json(block))
        except (ValueError, RecursionError):
            continue
    return found


def _blocks(text: str) -> Iterator[str]:
    """Yield what stands between fences."""
    inside: list[str] | None = None
    for line in text.split("\n") if _FENCE in text else ():
        mark = line.strip()
        if inside is None:
            inside = [] if mark.startswith(_FENCE) else None
        elif mark == _FENCE:
            yield "\n".join(inside)
            inside = None
        else:
            inside.append(line)


def _embedded(text: str) -> Iterator[Json]:
    """Yield the objects and arrays that stand in a text, one after the other."""
    decoder, at = json.JSONDecoder(parse_constant=_no_json), 0
    for _ in range(MOST_STARTS):
        start = _START.search(text, at)
        if start is None:
            return
        try:
            value, at = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            at = start.end()
        else:
            yield value


class Misfit(ValueError):  # noqa: N818 - named for what it is: an answer that does not fit
    """An answer that is not what was asked for: what is wrong with it, the first of it."""

    def __init__(self, *violations: str) -> None:
        self.violations = violations
        super().__init__("; ".join(violations))


def fitting(text: str, schema: Mapping[str, Json]) -> Json:
    """Return the value that a model answered. Raises Misfit where there is none, or it is not what the schema says."""
    try:
        value = json_in(text)
    except ValueError as error:
        raise Misfit(str(error)) from error
    try:
        wrong = violations(schema, value)
    except SchemaError as error:
        raise InputError(f"output: the schema cannot be used: {error}", hint="put what it refers to into it") from error
    if wrong:
        raise Misfit(*wrong)
    return value


def correction(misfit: Misfit, schema: Mapping[str, Json]) -> str:
    """Return what a model is told so that it answers once more, and better.

    The schema is told again: an API without a mode for it has not shown it to the model.
    """
    wrong = "\n".join(f"- {violation}" for violation in misfit.violations)
    wanted = json.dumps(_plain(schema), ensure_ascii=False)
    return (
        f"Your answer cannot be used:\n{wrong}\n\n"
        f"Answer again with one JSON value that fits this JSON Schema, and nothing else:\n{wanted}"
    )
