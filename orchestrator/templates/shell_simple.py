"""The short way for simple commands: words, plain quotes, pipes and lists, and programs that read no code.

Nine commands of ten are of this kind. Where anything else shows up the answer is None, and the lexer decides; what is
accepted here the lexer accepts alike, with the same places, for a tenth of the time.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from orchestrator.templates.shell_rules import VALUE, Arguments, Slot, names_interpreter, rule_for

_PLAIN: Final = r"[\w./:,@%+=~^*?\0-]"
_DOUBLE: Final = r'"(?:[^"\\$`]|\$[A-Za-z_]\w*+)*+"'
_SINGLE: Final = r"'[^'\0]*+'"
_WORD: Final = rf"(?:{_PLAIN}|{_DOUBLE}|{_SINGLE}|\$[A-Za-z_]\w*+)++(?![<>])"
_REDIRECTION: Final = r"2>&1(?=[\s;|&]|\Z)|[012]?>>?+(?![&|>(<])|<(?![<(&>])"
_OPERATOR: Final = r"\n|;(?![;&])|&&|\|\|?+(?!&)"
_SIMPLE = re.compile(rf"(?:[ \t]|{_REDIRECTION}|{_OPERATOR}|{_WORD})*+", re.ASCII)
_TOKENS = re.compile(rf"{_REDIRECTION}|{_OPERATOR}|{_WORD}", re.ASCII)
_FRAGMENTS = re.compile(rf"{_DOUBLE}|{_SINGLE}|{_PLAIN}+", re.ASCII)

_NAME = re.compile(r"[\w./+][\w./+-]*", re.ASCII)
_RESERVED: Final = frozenset(
    (
        *("if", "then", "else", "elif", "fi", "for", "select", "while", "until", "do", "done", "case", "esac", "in"),
        *("function", "time", "coproc"),
    )
)
_OPERATORS: Final = frozenset(("\n", ";", "&&", "|", "||"))
_TO_FILE: Final = frozenset("<>")


def simple_slots(script: str) -> list[Slot] | None:
    """The place of every value in turn, None if the script is not simple. `VALUE` marks the values."""
    if not _SIMPLE.fullmatch(script):
        return None
    slots: list[Slot] = []
    expects = "program"
    for word in _TOKENS.findall(script):
        if word in _OPERATORS:
            expects = "program"
        elif word[-1] in _TO_FILE:
            expects += " file"
        elif not _fits(word, expects):
            return None
        else:
            _place(word, expects, slots)
            expects = _after(word, expects)
    return slots


def _after(word: str, expects: str) -> str:
    if expects.endswith(" file"):
        return expects[:-5]
    return expects if word == "2>&1" else "argument"


def _fits(word: str, expects: str) -> bool:
    if expects == "program" and word != "2>&1":
        return _names_program(word)
    return _is_plain(word)


@lru_cache(maxsize=1 << 14)
def _is_plain(word: str) -> bool:
    return not names_interpreter(word.replace("'", "").replace('"', ""))


@lru_cache(maxsize=1 << 14)
def _names_program(word: str) -> bool:
    plain = _NAME.fullmatch(word) is not None and word not in _RESERVED
    return plain and isinstance(rule_for(word), Arguments)


def _place(word: str, expects: str, slots: list[Slot]) -> None:
    if VALUE not in word:
        return
    if word == VALUE:
        slots.append(Slot(quoted=False, whole=expects == "argument"))
        return
    for fragment in _FRAGMENTS.findall(word):
        slots += [Slot(quoted=fragment[0] == '"')] * fragment.count(VALUE)
