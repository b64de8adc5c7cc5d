"""From a character of a value to the place in the text where it was written, past quotes, escapes and indentation."""

from __future__ import annotations

import re
from typing import Final

from orchestrator.core.fact import fact

_ANCHOR = re.compile(r"&\S+\s+")
_BLOCK = re.compile(r"([|>])[^\n]*\n((?:[ \t]*\r?\n)*)( *)")
_BREAK = re.compile(r"[ \t]*\r?\n")
_ESCAPES: Final = {"x": 4, "u": 6, "U": 10}


def offset_inside(text: str, start: int, value: str, offset: int) -> int | None:
    """Where the value's character at `offset` stands in the text, None if that cannot be told.

    `start` is where the value begins in the text.
    """
    anchor = _ANCHOR.match(text, start)
    at = anchor.end() if anchor else start
    block = _BLOCK.match(text, at)
    if block is None:
        quote = text[at] if text[at : at + 1] in {"'", '"'} else ""
        return _Walk(text, quote=quote).to(at + len(quote), value, offset)
    first = value.lstrip("\n")
    indent = len(block[3]) - (len(first) - len(first.lstrip(" ")))
    walk = _Walk(text, folds=block[1] == ">", indent=indent)
    return walk.to(walk.skip_indent(block.start(2)), value, offset)


@fact
class _Walk:
    """Goes along text and value side by side. A block loses `indent` blanks a line, everything else all of them."""

    text: str
    quote: str = ""
    folds: bool = True
    indent: int | None = None

    def to(self, at: int, value: str, offset: int) -> int | None:
        for number, char in enumerate(value[:offset]):
            ends_run = char == "\n" and value[number + 1 : number + 2] != "\n"
            found = self._after(at, char, ends_run=ends_run)
            if found is None:
                return None
            at = found
        return at

    def skip_indent(self, at: int) -> int:
        limit = len(self.text) if self.indent is None else at + self.indent
        while at < limit and self.text[at : at + 1] in {" ", "\t"}:
            at += 1
        return at

    def _after(self, at: int, char: str, *, ends_run: bool) -> int | None:
        """The place after one character of the value."""
        if self.quote == '"' and self.text.startswith("\\", at):
            return at + _ESCAPES.get(self.text[at + 1 : at + 2], 2)
        if self.quote == "'" and self.text.startswith("''", at):
            return at + 2
        broken = self._after_break(at, char, ends_run=ends_run) if char in " \n" else None
        if broken is not None:
            return broken
        return at + 1 if self.text.startswith(char, at) else None

    def _after_break(self, at: int, char: str, *, ends_run: bool) -> int | None:
        """A break in the text is a space, or with an empty line after it a break."""
        match = _BREAK.match(self.text, at)
        if match is None or (char == " " and not self.folds):
            return None
        if self.folds and ends_run:
            match = _BREAK.match(self.text, match.end()) or match
        return self.skip_indent(match.end())
