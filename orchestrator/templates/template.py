"""A compiled template: constant, a path alone, text with paths in it, or a program; all rendered in one pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, TypeAlias

from orchestrator.core.output import Output
from orchestrator.templates.errors import TemplateError
from orchestrator.templates.paths import KEYWORDS, Path, Reference, Scope, path_of
from orchestrator.templates.scanning import (
    NO_NAMES,
    Expression,
    Names,
    Piece,
    Statement,
    Text,
    hyphenated,
    scan,
    scan_expression,
)
from orchestrator.templates.values import MAX_TEXT, check_size, kind_of, text_of, use

if TYPE_CHECKING:
    from orchestrator.templates.program import Program

Show: TypeAlias = Callable[[int, object], str]


class Body(Protocol):
    """What a template is made of."""

    @property
    def references(self) -> tuple[Reference, ...]: ...

    def render(self, scope: Scope) -> object: ...

    def chunks(self, scope: Scope, show: Show) -> Iterator[str]:
        """The text, where `show` says what stands for the value of the n-th piece."""
        ...


class Template:
    """A template that was understood. One expression alone keeps its type; everything else renders to text."""

    __slots__ = ("_body", "source")

    def __init__(self, source: str, body: Body) -> None:
        self.source = source
        self._body = body

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every name that is used and not bound inside, in the order of the source."""
        return self._body.references

    @property
    def is_constant(self) -> bool:
        return not self._body.references

    def render(self, scope: Scope) -> object:
        """The value in this scope. What comes out is never parsed again.

        Raises:
            TemplateError: something is missing, was cut, or cannot be computed.
        """
        return self._body.render(scope)

    def chunks(self, scope: Scope, show: Show) -> Iterator[str]:
        return self._body.chunks(scope, show)


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────


class _Constant:
    __slots__ = ("_value",)

    references: tuple[Reference, ...] = ()

    def __init__(self, value: str) -> None:
        self._value = value

    def render(self, _scope: Scope) -> object:
        return self._value

    def chunks(self, _scope: Scope, _show: Show) -> Iterator[str]:
        yield self._value


class _Alone:
    """One path and nothing else."""

    __slots__ = ("_offset", "_path")

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._offset = offset

    @property
    def references(self) -> tuple[Reference, ...]:
        return (Reference((self._path.head, *self._path.parts), self._offset),)

    def render(self, scope: Scope) -> object:
        try:
            return self._path.value(scope)
        except TemplateError as error:
            raise error.at(self._offset) from None

    def chunks(self, scope: Scope, show: Show) -> Iterator[str]:
        yield show(0, self.render(scope))


class _Joined:
    """Text with plain paths in it. `parts` and `offsets` go side by side."""

    __slots__ = ("_offsets", "_parts")

    def __init__(self, parts: Sequence[str | Path], offsets: Callable[[], Sequence[int]]) -> None:
        self._parts = parts
        self._offsets = offsets

    @property
    def references(self) -> tuple[Reference, ...]:
        pairs = zip(self._parts, self._offsets(), strict=True)
        return tuple(Reference((part.head, *part.parts), at) for part, at in pairs if isinstance(part, Path))

    def render(self, scope: Scope) -> object:
        texts: list[str] = []
        try:
            for part in self._parts:
                if isinstance(part, str):
                    texts.append(part)
                else:
                    value = part.value(scope)
                    texts.append(value if type(value) is str else text_of(value))
        except TemplateError as error:
            raise error.at(self._offsets()[len(texts)]) from None
        text = "".join(texts)
        if len(text) > MAX_TEXT:
            check_size(len(text))
        return text

    def chunks(self, scope: Scope, show: Show) -> Iterator[str]:
        for number, part in enumerate(self._parts):
            try:
                yield part if isinstance(part, str) else show(number, part.value(scope))
            except TemplateError as error:
                raise error.at(self._offsets()[number]) from None


class _Programmed:
    """What only Jinja2 can render."""

    __slots__ = ("_alone", "_offsets", "_program")

    def __init__(self, program: Program, pieces: Sequence[Piece]) -> None:
        self._program = program
        self._alone = len(pieces) == 1
        self._offsets = tuple(piece.offset for piece in pieces)

    @property
    def references(self) -> tuple[Reference, ...]:
        return self._program.references

    def render(self, scope: Scope) -> object:
        return self._value(scope) if self._alone else self._text(scope)

    def chunks(self, scope: Scope, show: Show) -> Iterator[str]:
        def located(number: int, value: object) -> str:
            try:
                return show(number, value)
            except TemplateError as error:
                raise error.at(self._offsets[number]) from None

        return self._program.chunks(scope, located)

    def _value(self, scope: Scope) -> object:
        found: list[object] = []

        def keep(_number: int, value: object) -> str:
            found.append(plain(value))
            return ""

        try:
            list(self._program.chunks(scope, keep))
        except TemplateError as error:
            raise error.at(self._offsets[0]) from None
        return found[0]

    def _text(self, scope: Scope) -> str:
        size = 0
        chunks = []
        for chunk in self.chunks(scope, lambda _number, value: text_of(value)):
            size += len(chunk)
            check_size(size)
            chunks.append(chunk)
        return "".join(chunks)


def plain(value: object) -> object:
    """What an expression gave, as data: iterators become lists, and nothing stays lazy."""
    if isinstance(value, str):
        return str.__str__(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    value = use(value) if isinstance(value, Mapping) else value
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | Iterator):
        return [inner if isinstance(inner, Output) else plain(inner) for inner in value]
    raise TemplateError(f"the expression gives {kind_of(value)}")


# ── compiling ───────────────────────────────────────────────────────────────────────────────────

_SIMPLE = re.compile(r"\{\{\s*([^\W\d]\w*(?:-\w+)*(?:\.[^\W\d]\w*|\.[0-9]+|\[[0-9]+\])*)\s*\}\}")


def parse_template(source: str, *, names: Names = NO_NAMES) -> Template:
    """The template of `source`; equal ones are compiled once. `names` are the ids with hyphens that it may use.

    Raises:
        TemplateError: with the place in the source, and with what to write instead.
    """
    return _template(source, relevant(source, names))


def parse_expression(source: str, *, names: Names = NO_NAMES) -> Template:
    """The template of a bare expression (or of one `{{ … }}`), as `when` and `until` take it."""
    return _bare_expression(source, relevant(source, names))


def relevant(source: str, names: Names) -> Names:
    """The names that can occur in the source at all, so that equal sources share one template."""
    return names & hyphenated(source) if names and "-" in source else NO_NAMES


@lru_cache(maxsize=1 << 16)
def _template(source: str, names: Names) -> Template:
    if "{" not in source:
        return Template(source, _Constant(source))
    body = _simple(source, names)
    return Template(source, body if body is not None else body_of(scan(source, names)))


@lru_cache(maxsize=1 << 14)
def _bare_expression(source: str, names: Names) -> Template:
    return Template(source, body_of((scan_expression(source, names),)))


def _simple(source: str, names: Names) -> Body | None:
    parts = simple_parts(source, names)
    return None if parts is None else simple_body(source, parts)


def simple_parts(source: str, names: Names) -> list[str | Path] | None:
    """Text and paths in turn, if there is nothing but plain paths in the source: one regular expression tells."""
    parts: list[str | Path] = []
    pieces = _SIMPLE.split(source)
    for number, piece in enumerate(pieces):
        if number % 2:
            path = _simple_path(piece, names)
            if path is None:
                return None
            parts.append(path)
        elif "{" in piece or piece[-1:] == "$":
            return None
        else:
            parts.append(piece)
    return parts


def simple_body(source: str, parts: list[str | Path]) -> Body:
    if len(parts) == 3 and not parts[0] and not parts[2] and isinstance(parts[1], Path):
        return _Alone(parts[1], source.index(parts[1].head))
    return _Joined(parts, lambda: _offsets(source))


@lru_cache(maxsize=1 << 14)
def _simple_path(text: str, names: Names) -> Path | None:
    head, *rest = _WORD.findall(text)
    if head in KEYWORDS or ("-" in head and head not in names) or any(part.startswith("__") for part in rest):
        return None
    return Path(head, tuple(int(part) if part.isdigit() else part for part in rest))


_WORD = re.compile(r"[\w-]+")


def _offsets(source: str) -> list[int]:
    offsets = [0]
    for match in _SIMPLE.finditer(source):
        offsets += [match.start(1), match.end()]
    return offsets


def body_of(pieces: tuple[Piece, ...]) -> Body:
    """The leanest body that renders the pieces."""
    if not pieces:
        return _Constant("")
    parts = [_part(piece) for piece in pieces]
    if all(part is not None for part in parts):
        return _plain_body([part for part in parts if part is not None], pieces)
    return _programmed(pieces)


def _part(piece: Piece) -> str | Path | None:
    if isinstance(piece, Text):
        return piece.text
    return path_of(piece.tokens) if isinstance(piece, Expression) else None


def _plain_body(parts: list[str | Path], pieces: Sequence[Piece]) -> Body:
    first = parts[0]
    if len(parts) == 1:
        return _Constant(first) if isinstance(first, str) else _Alone(first, _place(pieces[0]))
    return _Joined(parts, lambda: [_place(piece) for piece in pieces])


def _place(piece: Piece) -> int:
    return piece.offset if isinstance(piece, Text | Statement) else piece.tokens[0].offset


def _programmed(pieces: tuple[Piece, ...]) -> Body:
    from orchestrator.templates.program import Program  # noqa: PLC0415 - jinja2 costs 40 ms that few flows need

    return _Programmed(Program(pieces), pieces)
