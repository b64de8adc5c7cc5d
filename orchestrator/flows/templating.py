"""Where templates stand in a file, and what they refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Any, Final, Protocol

from orchestrator.core.errors import Code, Problem
from orchestrator.core.fact import fact
from orchestrator.flows.findings import Findings, Lines
from orchestrator.flows.grammar import Path, Step, has_template
from orchestrator.flows.names import Fault, Names, Place
from orchestrator.templates import TemplateError, compile_expression, compile_shell, parse_template


class Sort(Enum):
    """How a text is read."""

    TEMPLATE = auto()
    EXPRESSION = auto()
    SHELL = auto()


class Reference(Protocol):
    """A name that a template uses, what it reads of it, and where."""

    @property
    def path(self) -> tuple[Step, ...]: ...
    @property
    def offset(self) -> int: ...


@fact
class Use:
    """A text that may hold a template: where it stands, how it is read, and what it may name.

    `file` is set for the whole text of another file, which the value at the path names.
    """

    path: Path
    text: str
    place: Place
    sort: Sort = Sort.TEMPLATE
    file: str | None = None


_COMPILE: Final[dict[Sort, Callable[..., Any]]] = {
    Sort.TEMPLATE: parse_template,
    Sort.EXPRESSION: compile_expression,
    Sort.SHELL: compile_shell,
}
_CODES: Final = {Sort.TEMPLATE: Code.TEMPLATE, Sort.EXPRESSION: Code.TEMPLATE, Sort.SHELL: Code.UNSAFE_SHELL}


def texts(data: object, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text below that may hold a template."""
    if isinstance(data, str):
        if has_template(data):
            yield path, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from texts(value, (*path, key))
    elif isinstance(data, list):
        for number, value in enumerate(data):
            yield from texts(value, (*path, number))


class Templates:
    """Compiles the templates of a file and checks what they refer to."""

    def __init__(self, names: Names, hyphenated: frozenset[str], findings: Findings) -> None:
        self._names = names
        self._hyphenated = hyphenated
        self._findings = findings

    def references(self, use: Use) -> tuple[Reference, ...]:
        """Return what the text refers to; nothing if it cannot be compiled, which is then with the findings."""
        try:
            compiled = _COMPILE[use.sort](use.text, names=self._hyphenated)
        except TemplateError as error:
            self._say(use, error.offset, (error.message, error.hint, _CODES[use.sort]))
            return ()
        references: tuple[Reference, ...] = compiled.references
        return references

    def tasks(self, use: Use) -> Iterator[str]:
        """Check what the text refers to; yield the tasks among that."""
        for reference in self.references(use):
            fault = self._names.fault(reference.path, use.place)
            if fault is not None:
                self._say(use, reference.offset, fault)
            task = self._names.task_of(reference.path, use.place)
            if task is not None:
                yield task

    def _say(self, use: Use, offset: int | None, fault: Fault) -> None:
        message, hint, code = fault
        if use.file is None:
            self._findings.add_inside(message, use.path, offset, hint, code=code)
        else:
            place = Lines(use.text).place(offset or 0)
            self._findings.add_foreign(Problem(message, use.file, *place, hint, code))
