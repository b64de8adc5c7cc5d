"""From a file to a flow: all that is wrong with it, and with the files that it calls, in one go."""

from __future__ import annotations

import gc
import os.path
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Final

from orchestrator import yamlsource
from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.fact import fact
from orchestrator.core.flow import Flow
from orchestrator.flows.bounds import slow_backends
from orchestrator.flows.counting import count_tasks, with_known_lists
from orchestrator.flows.file import FileReader
from orchestrator.flows.findings import Findings, TooManyProblemsError, data_at
from orchestrator.flows.handing import told_apart
from orchestrator.flows.limits import MAX_DEPTH, Limits
from orchestrator.flows.paths import is_file
from orchestrator.flows.registry import Registry
from orchestrator.flows.shared import Shared, read_shared
from orchestrator.yamlsource import Source, YamlError

_YOUNG: Final = 20_000
_NEVER: Final = 1_000_000
_LAST: Final = 1 << 60


@fact
class Loaded:
    """A flow without problems, and what may not be meant as it is written."""

    flow: Flow
    warnings: tuple[Problem, ...] = ()


def load_flow(
    path: str,
    registry: Registry,
    *,
    environ: Mapping[str, str],
    configuration: Sequence[tuple[str, Source]] = (),
) -> Loaded:
    """Read the flow file at the path, and all files that it calls.

    `configuration` are the files, the nearest first, that declare roles, backends and prices for all flows.

    Raises:
        FlowError: with everything that is wrong, sorted by place.
    """
    limits = Limits.from_environ(environ)
    shared = read_shared(configuration, registry)
    library = Library(registry, environ, limits, shared, _problems_of(shared))
    if library.problems:
        raise FlowError(*library.problems)
    with _young_garbage_only():
        flow = library.flow(path)
    library.problems += _problems_of(shared)
    if library.problems or flow is None:
        raise FlowError(*_sorted(library.problems, path))
    _check_size(flow, path, limits)
    library.warn_of_slow_backends(flow, path)
    return Loaded(told_apart(flow), _sorted(library.warnings, path))


def _problems_of(shared: Shared) -> list[Problem]:
    return [problem for findings in shared.findings for problem in findings.problems]


@contextmanager
def _young_garbage_only() -> Iterator[None]:
    """Millions of new values that stay: the collector is to look at each once, not at all of them again and again."""
    usual = gc.get_threshold()
    if usual[0] > _YOUNG:  # the program has set it so at its start: what it has loaded since then stays
        gc.freeze()
    gc.set_threshold(_YOUNG, _NEVER, _NEVER)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _sorted(problems: list[Problem], first: str) -> tuple[Problem, ...]:
    """Return the problems by place, those of the first file before those of files that it calls; none twice."""

    def place(problem: Problem) -> tuple[bool, str, int, int]:
        return problem.file != first, problem.file, problem.line or _LAST, problem.column or 0

    return tuple(sorted(dict.fromkeys(problems), key=place))


def _check_size(flow: Flow, path: str, limits: Limits) -> None:
    try:
        limits.check_tasks(count_tasks(flow))
    except FlowError as error:
        raise FlowError(*(_in_file(problem, path) for problem in error.problems)) from None


def _in_file(problem: Problem, path: str) -> Problem:
    return Problem(problem.message, problem.file or path, hint=problem.hint, code=problem.code)


@dataclass(slots=True)
class Library:
    """The files read so far. One that several tasks call is read once; one that is wrong is None."""

    registry: Registry
    environ: Mapping[str, str]
    limits: Limits
    shared: Shared = field(default_factory=Shared)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    _flows: dict[str, Flow | None] = field(default_factory=dict)
    _depths: dict[int, int] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _first: Findings | None = None

    def flow(self, path: str) -> Flow | None:
        """Return the flow of a file, None if something is wrong with it; the problems say what."""
        real = os.path.realpath(path)
        if real not in self._flows:
            self._open.append(real)
            self._flows[real] = self._read(path)
            self._open.pop()
        return self._flows[real]

    def warn_of_slow_backends(self, flow: Flow, path: str) -> None:
        """Warn where rate limits make the run take long; where a limit stands is known of the first file's."""
        for name, text in slow_backends(with_known_lists(flow), self.registry):
            hint = "raise the limit if the backend allows more, or share the tasks among several"
            self.warnings.append(Problem(text, path, *self._place(("backends", name, "rate_limit")), hint))

    def _place(self, path: tuple[str, ...]) -> tuple[int | None, int | None]:
        """Return line and column of a value in the first file, None where it is declared elsewhere."""
        source = self._first.source if self._first else None
        place = source.position(path) if source and data_at(source.data, path)[1] == path else None
        return (place.line, place.column) if place else (None, None)

    def fault_of_call(self, path: str) -> str | None:
        """Return why a task cannot call the file: it is not there, or it would never end."""
        if not is_file(path):
            return f"there is no file {path!r}"
        real = os.path.realpath(path)
        if real in self._open:
            names = [FilePath(name).name for name in (*self._open[self._open.index(real) :], real)]
            return f"these files call each other: {' → '.join(names)}"
        inner = self._flows.get(real)
        if len(self._open) + (self._depths[id(inner)] if inner else 1) > MAX_DEPTH:
            return f"flows call flows more than {MAX_DEPTH} deep"
        return None

    def _read(self, path: str) -> Flow | None:
        try:
            source = yamlsource.read(path, environ=self.environ)
        except YamlError as error:
            self.problems += [_of_yaml(problem, path) for problem in error.problems]
            return None
        self.warnings += [_of_yaml(problem, path) for problem in source.warnings]
        return self._understand(path, source)

    def _understand(self, path: str, source: Source) -> Flow | None:
        findings = Findings(path, source)
        self._first = self._first or findings
        flow = None
        try:
            flow = FileReader(self, findings).flow()
        except TooManyProblemsError:
            findings.problems.append(Problem("there is more, which is not shown", path, code=Code.SCHEMA))
        except FlowError as error:
            findings.problems += [_in_file(problem, path) for problem in error.problems]
        self.problems += findings.problems
        self.warnings += findings.warnings
        if findings.problems or flow is None:
            return None
        self._depths[id(flow)] = 1 + max((self._depths[id(inner)] for inner in flow.flows.values()), default=0)
        return flow


def _of_yaml(problem: yamlsource.Problem, path: str) -> Problem:
    place = problem.position
    line, column = (place.line, place.column) if place else (None, None)
    return Problem(problem.message, path, line, column, problem.hint, problem.code)
