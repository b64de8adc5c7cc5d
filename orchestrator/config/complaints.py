"""What is wrong in a file of settings, each with its place, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from orchestrator import yamlsource
from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.yamlsource import KeyPath, Source, YamlError


def read(path: Path, environ: Mapping[str, str], *, allow_empty: bool = False) -> Source:
    """Read a file of settings. Raises FlowError with all that is wrong with its YAML."""
    try:
        return yamlsource.read(path, environ=environ, allow_empty=allow_empty)
    except YamlError as error:
        raise FlowError(*(_of_yaml(problem, path) for problem in error.problems)) from error


def _of_yaml(problem: yamlsource.Problem, path: Path) -> Problem:
    place = problem.position
    line, column = (place.line, place.column) if place else (None, None)
    return Problem(problem.message, str(path), line, column, problem.hint, problem.code)


class Complaints:
    """Collects the problems of one file."""

    def __init__(self, path: Path, source: Source) -> None:
        self._path = path
        self._source = source
        self.problems: list[Problem] = []

    def add(
        self, path: KeyPath, message: str, hint: str | None = None, *, key: bool = False, code: str = Code.SCHEMA
    ) -> None:
        self.problems.append(self.problem(path, message, hint, key=key, code=code))

    def problem(
        self, path: KeyPath, message: str, hint: str | None = None, *, key: bool = False, code: str = Code.SCHEMA
    ) -> Problem:
        """Return a problem with the value at the path, or with its key."""
        line, column = self.place(path, key=key)
        return Problem(message, str(self._path), line, column, hint, code)

    def place(self, path: KeyPath, *, key: bool = False) -> tuple[int | None, int | None]:
        place = self._source.position(path, key=key)
        return (place.line, place.column) if place else (None, None)

    def unknown_keys(self, section: Mapping[str, object], allowed: tuple[str, ...], path: KeyPath) -> None:
        """Note each key that is not allowed."""
        for name in section:
            if name not in allowed:
                self.add((*path, name), f"unknown key {name!r}", meant(str(name), allowed), key=True)

    def raise_any(self) -> None:
        """Raise FlowError with all that was found, by place."""
        if self.problems:
            raise FlowError(*sorted(self.problems, key=lambda problem: (problem.line or 0, problem.column or 0)))


def meant(name: str, known: Iterable[str]) -> str:
    """Return which known name may have been meant, or all that there are."""
    names = tuple(known)
    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"
