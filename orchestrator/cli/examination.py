"""What `doctor` looks at: the terminal, the system's limits, and what a flow needs: keys, programs, backends."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from orchestrator.cli.findings import Finding, Level, lines_of, status_of
from orchestrator.cli.places import short
from orchestrator.cli.streams import Looks, looks_of, no_dashboard_because, size_of, standard_streams
from orchestrator.cli.words import one_line
from orchestrator.config.environment import read_env_file
from orchestrator.config.places import state_folder
from orchestrator.core.errors import FlowError
from orchestrator.core.flow import Flow, SecretSource
from orchestrator.flows.overriding import with_inner
from orchestrator.flows.people import asks_a_person

FEW_FILES: Final = 1024
"""Open files below which a run of many programs at once is held back."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is examined, so that a test can hand in a machine of its own."""

    environ: Mapping[str, str]
    columns: int
    rows: int
    looks: Looks
    no_dashboard: str | None
    open_files: tuple[int, int]
    programs: frozenset[str]
    state: Path


def examine(file: str | None, inputs: Mapping[str, str]) -> int:
    """Look, print and return the exit status."""
    out = standard_streams().out
    found: list[Finding] = []
    for finding in _examined(file, inputs):
        found.append(finding)
        for line in lines_of([finding], out.looks):
            out.line(line)
    return status_of(found)


def _examined(file: str | None, inputs: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what is found, each as soon as it is known."""
    yield from machine_findings(facts_of(os.environ))
    if file is None:
        return
    from orchestrator.bootstrap import configured, load  # noqa: PLC0415 - without a flow nothing of it is needed

    try:
        yield from (Finding(Level.GOOD, "settings", short(path, os.environ)) for path, _ in configured(file).files)
        loaded = load(file)
    except FlowError as error:
        yield from (Finding(Level.MISSING, "flow", str(problem)) for problem in error.problems)
        return
    yield from flow_findings(loaded.flow, os.environ)
    yield from (Finding(Level.NOTE, "flow", str(warning)) for warning in loaded.warnings)
    yield from backend_findings(loaded.flow, inputs)


def backend_findings(flow: Flow, inputs: Mapping[str, str]) -> Iterator[Finding]:
    """Yield how the backends of the flow are that it uses."""
    from orchestrator.bootstrap import Workshop  # noqa: PLC0415 - as above
    from orchestrator.cli.checkup import check_backends  # noqa: PLC0415 - the same

    with tempfile.TemporaryDirectory(prefix="orchestrator-") as folder:
        workshop = Workshop(flow, inputs, folder)
        yield from (Finding(Level.NOTE, "inputs", str(problem)) for problem in workshop.problems)
        for finding in check_backends(flow, workshop.backend):
            yield replace(finding, text=workshop.redact(finding.text), advice=workshop.redact(finding.advice))


# ── the machine ─────────────────────────────────────────────────────────────────────────────────


def facts_of(environ: Mapping[str, str]) -> Facts:
    columns, rows = size_of(sys.stderr)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Facts(
        environ=environ,
        columns=columns,
        rows=rows,
        looks=looks_of(sys.stderr, environ),
        no_dashboard=no_dashboard_because(sys.stdin, sys.stderr, environ),
        open_files=(soft, hard),
        programs=frozenset(name for name in ("bash", "sh") if shutil.which(name)),
        state=state_folder(environ),
    )


def machine_findings(facts: Facts) -> Iterator[Finding]:
    yield Finding(Level.GOOD, "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    yield _terminal(facts)
    yield _encoding(facts)
    yield _colours(facts)
    yield _files(facts)
    yield _shell(facts)
    yield _state(facts)


def _terminal(facts: Facts) -> Finding:
    if facts.no_dashboard is not None:
        return Finding(Level.NOTE, "terminal", f"no dashboard here: {facts.no_dashboard}", "`tui` runs as `run` does")
    size = f"{facts.environ.get('TERM', '')}, {facts.columns} by {facts.rows}"
    if facts.columns < 80 or facts.rows < 24:
        return Finding(Level.NOTE, "terminal", size, "the dashboard is made for 80 by 24 and more")
    return Finding(Level.GOOD, "terminal", size)


def _encoding(facts: Facts) -> Finding:
    if facts.looks.unicode:
        return Finding(Level.GOOD, "encoding", "UTF-8")
    return Finding(Level.NOTE, "encoding", "no UTF-8, so signs are ASCII", "set LANG to a UTF-8 locale, e.g. C.UTF-8")


def _colours(facts: Facts) -> Finding:
    if facts.environ.get("NO_COLOR"):
        return Finding(Level.GOOD, "colours", "none, as NO_COLOR asks")
    if facts.environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        return Finding(Level.GOOD, "colours", "16 million")
    if "256color" in facts.environ.get("TERM", ""):
        return Finding(Level.GOOD, "colours", "256")
    return Finding(Level.NOTE, "colours", "few are promised", "set COLORTERM=truecolor if the terminal has more")


def _files(facts: Facts) -> Finding:
    soft, hard = (
        "unlimited" if limit == resource.RLIM_INFINITY else f"{limit:,}".replace(",", "_") for limit in facts.open_files
    )
    text = soft if soft == hard else f"{soft}, raised to {hard} when needed"
    if resource.RLIM_INFINITY not in facts.open_files and facts.open_files[1] < FEW_FILES:
        return Finding(Level.NOTE, "open files", text, f"programs run at most {facts.open_files[1] // 3} at once")
    return Finding(Level.GOOD, "open files", text)


def _shell(facts: Facts) -> Finding:
    if "bash" in facts.programs:
        return Finding(Level.GOOD, "shell", "bash")
    if "sh" in facts.programs:
        return Finding(Level.NOTE, "shell", "sh, since there is no bash", "a failing part of a pipe goes unnoticed")
    return Finding(Level.MISSING, "shell", "neither bash nor sh is on PATH", "shell tasks cannot run")


def _state(facts: Facts) -> Finding:
    where = short(str(facts.state), facts.environ)
    try:
        facts.state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=facts.state):
            return Finding(Level.GOOD, "state", f"{where} is writable")
    except OSError as error:
        advice = "set ORCHESTRATOR_STATE_DIR to a folder of yours"
        return Finding(Level.MISSING, "state", f"{where} is not writable ({error.strerror})", advice)


# ── the flow ────────────────────────────────────────────────────────────────────────────────────


def flow_findings(flow: Flow, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Yield whether each key that the flow and its sub-flows name is set; never what it is."""
    yield Finding(Level.GOOD, "flow", f"{one_line(flow.file or flow.name)} is valid")
    try:
        known = {**environ, **_own_variables(flow)}
    except FlowError as error:
        yield Finding(Level.MISSING, "env file", str(error))
        known = dict(environ)
    for name, source in dict(_sources(flow)).items():
        yield _source(name, source, known)
    asking = [task.id for one in with_inner(flow) for task in one.tasks.values() if asks_a_person(task)]
    if asking:
        text = f"a person is asked about what agents do: {', '.join(asking)}"
        yield Finding(Level.NOTE, "people", text, "where nobody can be, that is refused: `confirm: never` asks nobody")


def _own_variables(flow: Flow) -> dict[str, str]:
    return read_env_file(Path(flow.folder) / flow.env_file) if flow.env_file is not None else {}


def _sources(flow: Flow) -> Iterator[tuple[str, SecretSource]]:
    for backend in flow.backends.values():
        if backend.api_key is not None:
            yield f"the key of backend {backend.name}", backend.api_key
    for name, source in flow.secrets.items():
        yield f"the secret {name}", source
    for inner in flow.flows.values():
        yield from _sources(inner)


def _source(what: str, source: SecretSource, environ: Mapping[str, str]) -> Finding:
    if source.env is not None:
        return _variable(what, source.env, environ)
    program = (source.command or ("",))[0]
    if shutil.which(program):
        return Finding(Level.GOOD, "key", f"{what} comes from the program {one_line(program)}")
    return Finding(Level.MISSING, "key", f"{what} comes from {one_line(program)!r}, which is not on PATH")


def _variable(what: str, name: str, environ: Mapping[str, str]) -> Finding:
    if environ.get(name):
        return Finding(Level.GOOD, "key", f"{name} is set, {what}")
    state = "is set but empty" if name in environ else "is not set"
    return Finding(Level.MISSING, "key", f"{name} {state}, {what}", f"export {name}=… or put it into the env_file")
