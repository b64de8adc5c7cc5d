"""Templates inside data: every text of a mapping or list is one; keys are not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from orchestrator.templates.errors import TemplateError
from orchestrator.templates.scanning import NO_NAMES, Names, hyphenated
from orchestrator.templates.template import parse_template
from orchestrator.templates.values import text_of, use_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from orchestrator.templates.paths import Reference, Scope

MAX_ARGUMENT = 120 << 10
"""Bytes of one argument of a program; the system takes 128 KB."""


def render_data(data: object, scope: Scope, *, names: Names | None = None) -> object:
    """The same data with every template in it rendered. Without `names`, the scope's own may hold hyphens."""
    if isinstance(data, str):
        return _rendered(data, scope, names) if "{" in data else data
    if isinstance(data, Mapping):
        return {key: render_data(value, scope, names=names) for key, value in data.items()}
    if isinstance(data, tuple):
        return tuple(render_data(value, scope, names=names) for value in data)
    if isinstance(data, list):
        return [render_data(value, scope, names=names) for value in data]
    return data


def _rendered(source: str, scope: Scope, names: Names | None) -> object:
    return parse_template(source, names=names_in(source, scope) if names is None else names).render(scope)


def references_of(data: object, *, names: Names = NO_NAMES) -> tuple[Reference, ...]:
    """Every name that the templates in the data use."""
    return tuple(reference for text in _texts(data) for reference in parse_template(text, names=names).references)


def render_argv(command: Sequence[object], scope: Scope, *, names: Names | None = None) -> list[str]:
    """The arguments of a program: an element that renders to a list becomes separate words.

    Raises:
        TemplateError: also for what no argument can hold: a NUL, or more than 120 KB.
    """
    return [_argument(word) for element in command for word in _words(render_data(element, scope, names=names))]


def names_in(source: str, scope: Scope) -> Names:
    """The hyphenated names of the source that the scope knows."""
    return frozenset(name for name in hyphenated(source) if name in scope)


def argument_fault(text: str) -> str | None:
    """Why a text cannot be handed to a program as an argument."""
    if "\0" in text:
        return "holds a NUL, which no argument of a program can"
    try:
        size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return "holds half a character (a lone surrogate), which is no UTF-8"
    return f"is longer than {MAX_ARGUMENT >> 10} KB" if size > MAX_ARGUMENT else None


def _words(value: object) -> Sequence[object]:
    value = use_all(value)
    return value if isinstance(value, list | tuple) else (value,)


def _argument(value: object) -> str:
    text = text_of(value)
    fault = argument_fault(text)
    if fault is not None:
        raise TemplateError(f"a value {fault}", hint="hand it over through `stdin`, or write it to a file")
    return text


def _texts(data: object) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from _texts(value)
    elif isinstance(data, list | tuple):
        for value in data:
            yield from _texts(value)
