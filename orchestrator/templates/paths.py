"""Plain paths, `fetch.json.items[0].id`: what nine templates of ten are made of, and all that they need."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from orchestrator.core.fact import fact
from orchestrator.core.output import Output
from orchestrator.templates.errors import TemplateError
from orchestrator.templates.values import Part, field, suggestion, use

if TYPE_CHECKING:
    from orchestrator.templates.scanning import Token

Scope = Mapping[str, object]

KEYWORDS: Final = frozenset(
    ("and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "null", "True", "False", "None")
)


@fact
class Reference:
    """A name that a template uses, with what it reads of it; an index that is not fixed ends the path."""

    path: tuple[Part, ...]
    offset: int

    @property
    def name(self) -> str:
        return str(self.path[0])


@fact
class Path:
    """A name and what is read of it, ready to be looked up."""

    head: str
    parts: tuple[Part, ...] = ()

    def value(self, scope: Scope) -> object:
        """What stands there, itself used: an output is its main field.

        Raises:
            TemplateError: there is no such thing; says how far the path led and what there is.
        """
        try:
            value = scope[self.head]
            for part in self.parts:
                if type(value) not in _HOLDERS:
                    return self._slow(scope)
                value = value[part]  # type: ignore[index]  # what holds something can be asked
        except (KeyError, IndexError, TypeError):
            return self._slow(scope)
        return value if type(value) in _PLAIN else self._use(value)

    def _slow(self, scope: Scope) -> object:
        """The same step by step, to find rarer things and to say what is missing."""
        if self.head not in scope:
            raise unknown(self.head, scope)
        value = scope[self.head]
        for number, part in enumerate(self.parts):
            value = field(value, part, self.shown(number))
        return self._use(value)

    def shown(self, count: int) -> str:
        """The path as it is written, up to a number of parts."""
        return show_path((self.head, *self.parts[:count]))

    def _use(self, value: object) -> object:
        try:
            return use(value)
        except TemplateError as error:
            raise error.about(self.shown(len(self.parts))) from None


_HOLDERS: Final = frozenset((dict, list, Output))
_PLAIN: Final = frozenset((str, int, float, bool, type(None), dict, list))


def show_path(path: tuple[Part, ...]) -> str:
    return str(path[0]) + "".join(_show_part(part) for part in path[1:])


def _show_part(part: Part) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part.isidentifier() else f"[{part!r}]"


def unknown(name: str, scope: Scope) -> TemplateError:
    return TemplateError(f"unknown name {name!r}", hint=suggestion(name, sorted(scope)))


# ── from tokens ─────────────────────────────────────────────────────────────────────────────────


def path_of(tokens: tuple[Token, ...]) -> Path | None:
    """The plain path that the tokens are, or None if they are more than that."""
    first = tokens[0]
    if first.kind != "name" or first.text in KEYWORDS:
        return None
    parts: list[Part] = []
    position = 1
    while position < len(tokens):
        taken = _dotted(tokens, position) or _subscript(tokens, position)
        if taken is None:
            return None
        check_part(taken[0], tokens[position + 1].offset)
        part, position = taken
        parts.append(part)
    return Path(first.text, tuple(parts))


def check_part(part: Part, offset: int | None = None) -> None:
    """Refuse what only an attack would ask for."""
    if isinstance(part, str) and part.startswith("__"):
        raise TemplateError(f"names that begin with two underscores are refused: {part!r}", offset=offset)


def _dotted(tokens: tuple[Token, ...], position: int) -> tuple[Part, int] | None:
    if tokens[position].text != "." or position + 1 >= len(tokens):
        return None
    token = tokens[position + 1]
    if token.kind == "name":
        return token.text, position + 2
    return (int(token.text), position + 2) if token.kind == "number" and token.text.isdigit() else None


def _subscript(tokens: tuple[Token, ...], position: int) -> tuple[Part, int] | None:
    words = tokens[position : position + 4]
    if len(words) < 3 or words[0].text != "[":
        return None
    negative = words[1].text == "-"
    token = words[2] if negative else words[1]
    end = position + (4 if negative else 3)
    if end > len(tokens) or tokens[end - 1].text != "]":
        return None
    if token.kind == "number" and token.text.isdigit():
        return (-int(token.text) if negative else int(token.text)), end
    return (string_of(token), end) if token.kind == "string" and not negative else None


def string_of(token: Token) -> str:
    """What a string literal says."""
    if "\\" not in token.text:
        return token.text[1:-1]
    try:
        value = ast.literal_eval(token.text.replace("\n", "\\n"))
    except (SyntaxError, ValueError):
        raise TemplateError("the string holds an escape that means nothing", offset=token.offset) from None
    return str(value)
