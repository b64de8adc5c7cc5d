"""What a shell has open while it reads a script: words, commands, quotes, substitutions; and our own conditions."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from orchestrator.templates.errors import TemplateError
from orchestrator.templates.scanning import Expression, Piece, Statement, Text
from orchestrator.templates.shell_rules import Rule, Test, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

MARK: Final = "\0"


@dataclass(slots=True)
class Pending:
    """The word that is being read. `started` is None where it depends on a condition."""

    text: str = ""
    started: bool | None = False
    quoted: bool = False
    nested: bool = False
    compound: bool = False
    doubtful: bool = False
    slots: tuple[int, ...] = ()

    def add(self, text: str) -> None:
        self.text += text
        self.started = True

    def word(self) -> Word:
        return Word(self.text, self.quoted, self.nested, self.compound, self.doubtful)


@dataclass(slots=True, eq=False)
class Frame:
    """Something that was opened: a list of commands, double quotes, arithmetic, `${…}`, an array, a group.

    `begun`: an assignment or a redirection stands before the command, so reserved words mean nothing any more. Inside
    `[[` it says that a shell which does not know `[[` would begin a command here.
    """

    kind: str
    closer: str
    at: int
    depth: int = 0
    rule: Rule | None = None
    cases: list[str] = field(default_factory=list)
    heredocs: list[tuple[str, bool]] = field(default_factory=list)
    redirect: str = ""
    begun: bool = False
    word: Pending = field(default_factory=Pending)

    @property
    def in_test(self) -> bool:
        return isinstance(self.rule, Test) and self.rule.double

    def shape(self) -> tuple[object, ...]:
        """What must be the same on every way through a condition or loop; first the rule."""
        return (self.rule, self.kind, self.closer, self.depth, tuple(self.cases), self.redirect, len(self.heredocs))


@dataclass(slots=True)
class Block:
    """A condition or loop that is open: what the shell was reading when it began."""

    keyword: str
    shape: tuple[tuple[object, ...], ...]
    begun: bool
    word: Pending
    joined: bool = False


class Script:
    """The text with a mark for every template. `mark` counts those that were read."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._marks = [number for number, piece in enumerate(pieces) if not isinstance(piece, Text)]
        self._starts: list[int] = []
        self.mark = 0
        parts: list[str] = []
        length = 0
        for piece in pieces:
            self._starts.append(length)
            parts.append(_marked(piece))
            length += len(parts[-1])
        self.text = "".join(parts)

    @property
    def number(self) -> int:
        """The number of the next template among the pieces."""
        return self._marks[self.mark]

    @property
    def piece(self) -> Piece:
        return self._pieces[self.number]

    def place(self, number: int) -> int:
        """The offset of a piece in the source."""
        return self._pieces[number].offset

    def offset(self, position: int) -> int:
        """A place in the marked text as one in the source."""
        number = max(bisect_right(self._starts, position) - 1, 0)
        piece = self._pieces[number]
        return piece.offset + (position - self._starts[number] if isinstance(piece, Text) else 0)

    def is_raw(self) -> bool:
        piece = self.piece
        return isinstance(piece, Expression) and piece.raw

    def is_condition(self, ahead: int) -> bool:
        """Whether a template further on begins or ends a condition."""
        piece = self._pieces[self._marks[self.mark + ahead]]
        return isinstance(piece, Statement) and piece.keyword in {"if", "elif", "else", "endif"}


def _marked(piece: Piece) -> str:
    if not isinstance(piece, Text):
        return MARK
    if MARK in piece.text:
        raise TemplateError("the command holds a NUL", offset=piece.offset + piece.text.index(MARK))
    return piece.text
