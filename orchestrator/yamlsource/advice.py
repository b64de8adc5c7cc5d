"""The parser's complaints, in a person's words and with what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from orchestrator.core.fact import fact
from orchestrator.yamlsource.places import Places
from orchestrator.yamlsource.values import Position, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    import yaml

_QUOTE: Final = "quote the whole value, or write it under `|`"
_FORBIDDEN: Final = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
"""Compiled when it is needed, which takes 3 ms."""


def bad_character(text: str) -> Problem:
    """The character for which the text is no YAML."""
    match = re.search(_FORBIDDEN, text)
    if match is None:
        return Problem("the text cannot be read as YAML")
    hint = 'remove it; in "double quotes" it can be written as an escape such as "\\x1b"'
    message = f"the control character U+{ord(match[0]):04X} is not allowed"
    return Problem(message, Places(text).at(match.start()), hint)


@fact
class Fault:
    """The parser's complaint, with the text around it: it was reading from `began` on when it met `at`."""

    text: str
    problem: str
    context: str
    at: int
    began: int

    @property
    def position(self) -> Position:
        return self.place(self.at)

    @property
    def line_start(self) -> int:
        return self.text.rfind("\n", 0, self.at) + 1

    @property
    def line(self) -> str:
        return self.text[self.line_start :].partition("\n")[0]

    @property
    def before(self) -> str:
        return self.text[self.line_start : self.at]

    @property
    def line_above(self) -> str:
        return self.text[: self.line_start].rstrip("\r\n").rpartition("\n")[2]

    def place(self, offset: int) -> Position:
        return Position(self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset))


def explain(text: str, error: yaml.MarkedYAMLError) -> Problem:
    """What the first trap that recognises the fault says about it."""
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(error.problem or str(error))
    began = error.context_mark or mark
    fault = Fault(text, error.problem or "", error.context or "", mark.index, began.index)
    return next(problem for trap in _TRAPS if (problem := trap(fault)) is not None)


def _tab(fault: Fault) -> Problem | None:
    match = re.match(r" *\t", fault.line)
    if match is None:
        return None
    position = fault.place(fault.line_start + match.end() - 1)
    return Problem("a tab is used as indentation", position, "indent with spaces: YAML allows no tabs there")


def _bare_template(fault: Fault) -> Problem | None:
    start = max(fault.at - 1, 0)
    match = re.compile(r"\{\{|\{%|\$\{").search(fault.text, start, fault.at + 2)
    if match is None:
        return None
    position = fault.place(match.start())
    return Problem(f"`{match[0]}` must stand inside quotes here", position, 'quote the whole value: "… {{ … }} …"')


def _colon(fault: Fault) -> Problem | None:
    if "mapping values are not allowed" not in fault.problem:
        return None
    if re.search(r":\s|^\s*-\s", fault.before):
        return Problem("a colon followed by a space stands inside an unquoted value", fault.position, _QUOTE)
    hint = "check the indentation, and that the line above is whole (`key: value`); text with a colon needs quotes"
    return Problem("a key does not fit here", fault.position, hint)


_FOREIGN: Final = {
    "*": "`*` begins an alias in YAML",
    "&": "`&` begins an anchor in YAML",
    "!": "`!` begins a tag in YAML",
    "`": "a backtick cannot begin a value in YAML",
}


def _indicator(fault: Fault) -> Problem | None:
    """A value begins with a character that YAML keeps for itself."""
    begins = "cannot start any token" in fault.problem
    if not begins and not re.search("scanning an (alias|anchor)|tag", fault.context):
        return None
    start = fault.at if begins else fault.began
    char = fault.text[start : start + 1]
    return Problem(_FOREIGN.get(char, f"`{char}` cannot begin a value in YAML"), fault.place(start), _QUOTE)


def _unclosed_quote(fault: Fault) -> Problem | None:
    if "scalar" not in fault.context or "plain" in fault.context or "block" in fault.context:
        return None
    if "escape" in fault.problem or "hex" in fault.problem:
        return Problem(
            "an unknown escape stands in double quotes", fault.position, "write `\\\\`, or use single quotes"
        )
    quote = fault.text[fault.began : fault.began + 1]
    return Problem(f"the quote {quote} that opens here is never closed", fault.place(fault.began), "close it")


def _comment_inside(fault: Fault) -> Problem | None:
    if "did not find expected key" not in fault.problem or not re.search(r"\s#", fault.line_above):
        return None
    hint = "the ` #` on the line above ended the value: quote it, or write it under `|`"
    return Problem("this line belongs to no value", fault.position, hint)


def _after_value(fault: Fault) -> Problem | None:
    """Something follows what YAML took for a whole value: `key: "a" b`, `key: [a] b`."""
    if "did not find expected key" not in fault.problem or not fault.before.strip():
        return None
    return Problem("the value has ended before this", fault.position, _QUOTE)


_WORDING: Final = (
    ("block sequence entries are not allowed", "a list cannot begin here", "put `- ` on a line of its own"),
    ("expected ',' or ']'", "a list in `[ ]` is not closed", "close it with `]`; quote items that hold , [ ] { }"),
    ("expected ',' or '}'", "a mapping in `{ }` is not closed", "close it with `}`; quote values that hold , [ ] { }"),
    ("expected '-' indicator", "a list item must begin with `- `", "check the indentation of this line"),
    ("expected key", "a key is expected here", "check the indentation of this line"),
    ("could not find expected ':'", "a key without a colon", "write `key: value`, or check the indentation"),
    ("node content", "a value is missing here", "quote text that begins with `,`, `]` or `}`; close `[` and `{`"),
    ("expected comment or line break", "text follows `|` or `>` on its line", "begin the text on the next line"),
    ("document start", "something follows the end of the data", "check the indentation of this line"),
)


def _worded(fault: Fault) -> Problem:
    for part, message, hint in _WORDING:
        if part in fault.problem:
            never_closed = "is not closed" in message and not fault.text[fault.at :].strip()
            return Problem(message, fault.place(fault.began) if never_closed else fault.position, hint)
    whole = f"{fault.context}: {fault.problem}" if fault.context else fault.problem
    return Problem(whole, fault.position, "check the indentation and the quotes here")


_TRAPS: Final[tuple[Callable[[Fault], Problem | None], ...]] = (
    _tab,
    _bare_template,
    _colon,
    _indicator,
    _unclosed_quote,
    _comment_inside,
    _after_value,
    _worded,
)
