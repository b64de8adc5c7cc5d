"""What was found wrong in one file, each with its place."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any, Final, NamedTuple

from orchestrator.core.errors import Code, Problem
from orchestrator.flows.grammar import Path, has_step
from orchestrator.flows.paths import beside, folder_of
from orchestrator.flows.suggest import Suggest
from orchestrator.yamlsource import Position, Source

_MOST: Final = 1_000
"""Who has more mistakes than this in one file begins with the first thousand."""

_SNIPPET: Final = 24


class TooManyProblemsError(Exception):
    """So much is wrong that looking on helps nobody."""


class Findings:
    """Collects the problems and warnings of a file."""

    def __init__(self, file: str, source: Source) -> None:
        self.file = file
        self.folder = folder_of(file)
        self.source = source
        self.suggest = Suggest()
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []

    def add(self, message: str, path: Path, hint: str | None = None, *, code: str = Code.SCHEMA) -> None:
        """Note a problem with the value at the path."""
        self._note(Problem(message, self.file, *self._place(path, key=False), hint, code))

    def add_at_key(self, message: str, path: Path, hint: str | None = None, *, code: str = Code.SCHEMA) -> None:
        """Note a problem with the key at the path."""
        self._note(Problem(message, self.file, *self._place(path, key=True), hint, code))

    def add_inside(self, message: str, path: Path, offset: int | None, hint: str | None, *, code: str) -> None:
        """Note a problem with a part of the text at the path."""
        self._note(Problem(message, self.file, *self.place_inside(path, offset), hint, code))

    def beside(self, name: str) -> str:
        """Return the path of a file that this one names."""
        return beside(self.file, name)

    def add_foreign(self, problem: Problem) -> None:
        """Note what is wrong elsewhere."""
        self._note(problem)

    def warn(self, message: str, path: Path, hint: str | None = None, *, code: str = Code.SCHEMA) -> None:
        """Note what may be meant, or not."""
        self.warnings.append(Problem(message, self.file, *self._place(path, key=False), hint, code))

    def _note(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) >= _MOST:
            raise TooManyProblemsError

    def _place(self, path: Path, *, key: bool) -> tuple[int | None, int | None]:
        return _numbers(self.source.position(path, key=key))

    def place_inside(self, path: Path, offset: int | None) -> tuple[int | None, int | None]:
        """Return line and column of a part of the text at the path.

        The file may write the text with quotes, escapes or over several lines, so the part is looked for from where
        the text begins: as often as it occurs in the text before.
        """
        begin = self.source.position(path)
        text = value_at(self.source.data, path)
        if begin is None or offset is None or not isinstance(text, str):
            return _numbers(begin)
        raw = self._raw
        found = _occurrence(raw.text, text, offset, raw.index(begin))
        return _numbers(begin) if found is None else raw.place(found)

    @cached_property
    def _raw(self) -> Lines:
        """The file's own text; it is read again, because few files have faults inside of texts."""
        return Lines(_reread(self.file))


class Spot(NamedTuple):
    """A place in one of the files."""

    findings: Findings
    path: Path

    def below(self, *steps: str | int) -> Spot:
        return Spot(self.findings, (*self.path, *steps))

    def add(self, message: str, hint: str | None = None, *, code: str = Code.SCHEMA) -> None:
        """Note a problem with the value that stands there."""
        self.findings.add(message, self.path, hint, code=code)


class Lines:
    """A text that knows where its lines begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def index(self, position: Position) -> int:
        """Return the place of a line and column in the text."""
        return self._starts[min(position.line, len(self._starts)) - 1] + position.column - 1

    def place(self, at: int) -> tuple[int, int]:
        """Return the line and the column of a place in the text."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1


def value_at(data: object, path: Path) -> object:
    """Return the value at the path, or the nearest one above that is there."""
    return data_at(data, path)[0]


def data_at(data: Any, path: Path) -> tuple[Any, Path]:  # noqa: ANN401 - plain data
    """Return the value at the path, or the nearest one above that is there, and its path."""
    for depth, step in enumerate(path):
        if not has_step(data, step):
            return data, path[:depth]
        data = data[step]
    return data, path


def _numbers(position: Position | None) -> tuple[int | None, int | None]:
    return (position.line, position.column) if position else (None, None)


def _reread(file: str) -> str:
    try:
        return FilePath(file).read_text("utf-8-sig", "replace")
    except OSError:
        return ""


def _occurrence(raw: str, text: str, offset: int, begin: int) -> int | None:
    snippet = text[offset : offset + _SNIPPET].split("\n", 1)[0]
    if not snippet:
        return None
    at = begin - 1
    for _ in range(text.count(snippet, 0, offset) + 1):
        at = raw.find(snippet, at + 1)
        if at < 0:
            return None
    return at
