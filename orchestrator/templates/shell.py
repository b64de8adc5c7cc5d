"""Shell commands with values in them: a value never becomes part of the shell's text.

Every value arrives in a variable that the command's own first line sets and does not export. Where the shell, or a
program that it starts, would read the value as code all the same, the command is refused when it is compiled.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from orchestrator.templates.data import argument_fault
from orchestrator.templates.errors import TemplateError
from orchestrator.templates.scanning import NO_NAMES, Names, Text, scan
from orchestrator.templates.shell_lexer import slots_of
from orchestrator.templates.shell_rules import VALUE, Slot
from orchestrator.templates.shell_simple import simple_slots
from orchestrator.templates.template import Body, body_of, relevant, simple_body, simple_parts
from orchestrator.templates.values import text_of, use_all

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.templates.paths import Reference, Scope

_MAX_SCRIPT: Final = (128 << 10) - 1
_STDIN: Final = "hand it over through `stdin`, or write it to a file"


class ShellTemplate:
    """A command that was understood, and found safe wherever a value stands in it."""

    __slots__ = ("_body", "_slots", "source")

    def __init__(self, source: str, body: Body, slots: Mapping[int, Slot]) -> None:
        self.source = source
        self._body = body
        self._slots = slots

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every name that is used and not bound inside, in the order of the source."""
        return self._body.references

    @property
    def is_constant(self) -> bool:
        return not self._body.references

    def render(self, scope: Scope) -> str:
        """The script for `bash -c` or `sh -c`.

        Raises:
            TemplateError: something is missing, or a value is one that no shell can take.
        """
        script = _Script(self._slots)
        text = script.text("".join(self._body.chunks(scope, script.show)))
        if len(text.encode("utf-8", "surrogateescape")) > _MAX_SCRIPT:
            raise TemplateError("the command is longer than 128 KB with its values", hint=_STDIN)
        return text


def compile_shell(source: str, *, names: Names = NO_NAMES) -> ShellTemplate:
    """The template of a shell command; equal ones are compiled once.

    Raises:
        TemplateError: a value stands where it could become code, with the way to write it instead.
    """
    return _compiled(source, relevant(source, names))


@lru_cache(maxsize=1 << 14)
def _compiled(source: str, names: Names) -> ShellTemplate:
    if "{" not in source:
        return ShellTemplate(source, body_of((Text(source, 0),)), {})
    simple = _simple(source, names)
    if simple is not None:
        return simple
    pieces = scan(source, names, for_shell=True)
    return ShellTemplate(source, body_of(pieces), slots_of(pieces))


def _simple(source: str, names: Names) -> ShellTemplate | None:
    parts = simple_parts(source, names)
    alone = parts is not None and len(parts) == 3 and not (parts[0] or parts[2])
    if parts is None or alone:
        return None
    slots = simple_slots(VALUE.join(str(text) for text in parts[::2])) if VALUE not in source else None
    if slots is None:
        return None
    return ShellTemplate(source, simple_body(source, parts), dict(zip(range(1, len(parts), 2), slots, strict=True)))


class _Script:
    """One rendering: collects the values and says what stands for them. A value without a slot is a raw one."""

    def __init__(self, slots: Mapping[int, Slot]) -> None:
        self._slots = slots
        self._values: list[str] = []

    def text(self, body: str) -> str:
        if not self._values:
            return body
        return " ".join(f"_orc_{number}={_quoted(value)}" for number, value in enumerate(self._values, 1)) + "; " + body

    def show(self, number: int, value: object) -> str:
        """What stands in the script for a value."""
        slot = self._slots.get(number)
        if slot is None:
            return _checked(text_of(value))
        value = use_all(value)
        if isinstance(value, list | tuple):
            return self._words(list(value), slot)
        return self._variable(text_of(value), slot)

    def _words(self, values: list[object], slot: Slot) -> str:
        if not slot.whole:
            hint = "let it stand alone as a word, or join it: {{ … | join(' ') }}; {{ … | json }} gives JSON"
            raise TemplateError("a list stands where there can be one word only", hint=hint)
        others = Slot(slot.quoted)
        words = (self._variable(text_of(value), others if number else slot) for number, value in enumerate(values))
        return " ".join(words)

    def _variable(self, text: str, slot: Slot) -> str:
        name = slot.before + text + slot.after
        if name in slot.forbidden:
            raise TemplateError(f"the value names {name!r}, a command of the shell itself", hint="name a program")
        self._values.append(_checked(text))
        variable = f"${{_orc_{len(self._values)}}}"
        return variable if slot.quoted else f'"{variable}"'


def _checked(text: str) -> str:
    fault = argument_fault(text)
    if fault is not None:
        raise TemplateError(f"a value {fault}", hint=_STDIN)
    return text


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "'\\''") + "'"
