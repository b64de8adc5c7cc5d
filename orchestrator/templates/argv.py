"""Commands that run without a shell: which of their words a program would read as code all the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from orchestrator.templates.errors import TemplateError
from orchestrator.templates.scanning import Expression, Piece, Text, scan
from orchestrator.templates.shell_rules import (
    VALUE,
    Anything,
    Builtin,
    Declare,
    For,
    Named,
    Printf,
    Rule,
    Test,
    Word,
    rule_for,
)

_OF_THE_SHELL: Final = (Builtin, Declare, For, Named, Printf, Test)
"""What these rules guard against is done by a shell only; the programs of these names take words as words."""


def check_argv(command: Sequence[str]) -> None:
    """Check the words of a command.

    Raises:
        TemplateError: a program among them would read a value as code.
    """
    rule: Rule | None = None
    for element in command:
        word = Word(_shown(element))
        rule = _of_program(word) if rule is None else _harmless(rule.after(word))


def _of_program(word: Word) -> Rule:
    return _harmless(rule_for(word.text))


def _harmless(rule: Rule | None) -> Rule:
    return Anything() if rule is None or isinstance(rule, _OF_THE_SHELL) else rule


def _shown(element: str) -> str:
    """Return the word with a mark for each value; what cannot be read is told where it is compiled."""
    try:
        return "".join(map(_piece, scan(element)))
    except TemplateError:
        return element


def _piece(piece: Piece) -> str:
    if isinstance(piece, Text):
        return piece.text
    return "" if isinstance(piece, Expression) and piece.raw else VALUE
