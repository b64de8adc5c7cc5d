"""YAML text as plain data, with the place of every value: no Python objects, no surprises, no bombs.

The events of the C parser are read one by one, so nothing recurses and nothing is expanded. Scalars follow YAML 1.2
(`on`, `no` and `22:22` are text). What a person is likely to get wrong is answered in a person's words.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from orchestrator.yamlsource.advice import bad_character, explain
from orchestrator.yamlsource.building import Builder
from orchestrator.yamlsource.files import text_of, unreadable
from orchestrator.yamlsource.places import Places
from orchestrator.yamlsource.values import JSON, KeyPath, Limits, Position, Problem, YamlError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["JSON", "KeyPath", "Limits", "Position", "Problem", "Source", "YamlError", "parse", "read"]


@dataclass(frozen=True, slots=True)
class Source:
    """What a text says, and where it says it."""

    data: JSON
    warnings: tuple[Problem, ...] = ()
    _places: Places = field(default_factory=Places, repr=False, compare=False)

    def position(self, path: KeyPath, *, key: bool = False) -> Position | None:
        """Where the value at `path` stands (or its key), else the nearest parent that the text has."""
        return self._places.position(path, key=key)

    def inside(self, path: KeyPath, offset: int) -> Position | None:
        """Where one character of the text at `path` was written, past quotes, escapes and indentation."""
        value = _value_at(self.data, path)
        return self._places.inside(path, value, offset) if isinstance(value, str) else self.position(path)

    def written(self, path: KeyPath) -> str | None:
        """The text of an unquoted value that is no text itself: `3.10`, `017`, `1e3`; else None."""
        return self._places.written(path)


def read(path: Path | str, *, environ: Mapping[str, str], allow_empty: bool = False) -> Source:
    """Parse the file at `path`, within the limits that `environ` may raise.

    Raises:
        YamlError: the file cannot be read, is no text, is empty (unless allowed), too large, or is not valid.
    """
    limits = Limits.from_environ(environ)
    source = parse(text_of(Path(path), limits), limits=limits)
    if source.data is None and not allow_empty:
        raise unreadable("the file is empty", "it holds nothing, or nothing but comments")
    return source


def parse(text: str, *, limits: Limits | None = None) -> Source:
    """Read YAML text.

    Raises:
        YamlError: with position and advice; duplicate keys are reported all at once.
    """
    limits = limits or Limits()
    text = text.removeprefix("\ufeff")
    if len(text) > limits.max_bytes:
        raise limits.too_large()
    builder = Builder(text, limits)
    with _no_garbage_collection():
        _feed(builder, text)
    if builder.problems:
        raise YamlError(*builder.problems)
    return Source(builder.data, tuple(builder.warnings), builder.places)


def _value_at(data: JSON, path: KeyPath) -> JSON:
    for part in path:
        if isinstance(data, dict) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
        else:
            return None
    return data


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Millions of new containers, none of them garbage: the collector would take most of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _feed(builder: Builder, text: str) -> None:
    try:
        _hand_over_events(builder, text)
    except yaml.MarkedYAMLError as error:
        raise YamlError(*builder.problems, explain(text, error)) from error
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise YamlError(*builder.problems, bad_character(text)) from error


def _hand_over_events(builder: Builder, text: str) -> None:
    handlers = builder.handlers
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        next_event = loader.get_event
        while (event := next_event()) is not None:
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
    finally:
        loader.dispose()
