"""Shell commands: how one is started and stopped, and what its exit and its output mean."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final, Literal

from orchestrator.core.errors import Code, InputError, WorkError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.output import Cut, OutputShape
from orchestrator.core.ports import Calls, Context, Estimate, Kind, Performer, Scope
from orchestrator.core.units import Duration
from orchestrator.processes import Child, Command, NotStarted, start
from orchestrator.templates import TemplateError, check_argv, compile_shell, render_argv, text_of

Parse = Literal["json", "jsonl", "lines"]

BASH: Final = ("bash", "-euo", "pipefail", "-c")
SH: Final = ("sh", "-eu", "-c")

EXIT_HINTS: Final = {
    126: "a program was found but could not run: make it executable (chmod +x)",
    127: "a program was not found: check its name and PATH, or install it",
    137: "SIGKILL often means that the memory ran out",
}
SIGNALLED: Final = 128
"""A shell reports a child that a signal ended as this much more than the signal's number; so do we."""

SHOWN: Final = 200
"""Characters of output that an error message quotes."""


@dataclass(frozen=True, slots=True)
class ShellSettings:
    """The keys of a shell task."""

    command: str | tuple[str, ...] = field(
        metadata={"description": "The command: a text for the shell, or a list that runs without a shell."}
    )
    with_: str | tuple[str, ...] | None = field(
        default=None,
        metadata={
            "key": "with",
            "description": "What runs the text; default: `bash -euo pipefail -c`, without bash `sh -eu -c`.",
        },
    )
    cwd: str | None = field(default=None, metadata={"description": "The working folder; default: the flow file's."})
    env: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}),
        metadata={"description": "Environment variables for the command, besides those of the flow."},
    )
    stdin: str | None = field(default=None, metadata={"description": "What the command reads; default: nothing."})
    accept: tuple[int, ...] = field(
        default=(0,), metadata={"description": "Exit codes that count as success; default: [0]."}
    )
    parse: Parse | None = field(
        default=None, metadata={"description": "How stdout is read into `parsed`: json, jsonl or lines."}
    )
    templates: bool = field(
        default=True, metadata={"description": "Whether the command holds templates. With false it is taken as it is."}
    )
    grace: Duration = field(
        default=5.0,
        metadata={"description": "How long a stopped command may take to end before it is killed; default: 5s."},
    )

    def __post_init__(self) -> None:
        if self.with_ is not None:
            _check_interpreter(self.with_)
        if self.templates and not isinstance(self.command, str):
            _check_words(self.command)
        if self.templates and isinstance(self.command, str) and "{{" in self.command and not _is_shell(self.with_):
            raise ValueError(
                "values are kept apart from the command's text for shells alone; "
                "hand them over in `env` or `stdin`, write the command as a list, or say `templates: false`"
            )


def _check_interpreter(chosen: str | tuple[str, ...]) -> None:
    """Refuse what cannot run a text: no program, or a shell that would take the text for the name of a file."""
    try:
        program, *options = _words(chosen) or ("",)
    except ValueError as error:
        raise ValueError(f"'with' cannot be split into words: {error}") from error
    if not program:
        raise ValueError("'with' names no program; write one that reads a command, such as `bash -c`")
    if not options and Path(program).name in _SHELLS:
        raise ValueError(f"'with: {program}' takes the command for the name of a file; write `with: {program} -c`")


def _check_words(command: tuple[str, ...]) -> None:
    try:
        check_argv(command)
    except TemplateError as error:
        raise ValueError(f"{error.message}; {error.hint}" if error.hint else error.message) from error


class ShellKind(Kind):
    """Runs a command in a process group of its own; none of its children outlives the attempt."""

    name: ClassVar[str] = "shell"
    settings: ClassVar[type] = ShellSettings
    short: ClassVar[str] = "command"
    output: ClassVar[OutputShape] = OutputShape(
        main="stdout",
        fields=MappingProxyType({"stdout": "", "stderr": "", "exit_code": 0, "parsed": None, "stdout_path": ""}),
    )
    calls: ClassVar[Calls] = "one"
    unrendered: ClassVar[frozenset[str]] = frozenset({"command"})

    def repeatable(self, settings: ShellSettings) -> bool:
        del settings
        return False

    def prepare(self, settings: ShellSettings, scope: Scope) -> ShellSettings:
        command = _rendered(settings.command, scope) if settings.templates else settings.command
        env = {name: text_of(value) for name, value in settings.env.items()}
        stdin = None if settings.stdin is None else text_of(settings.stdin)
        return replace(settings, command=command, env=env, stdin=stdin)

    def estimate(self, settings: ShellSettings, spec: BackendSpec) -> Estimate:
        del settings, spec
        return Estimate()

    async def run(self, settings: ShellSettings, context: Context) -> Mapping[str, object]:
        if context.backend is not None and isinstance(context.backend, Performer):
            await context.backend.perform(context)
        code = _as_a_shell_says(await _exit_code(settings, context))
        output = _output(code, context)
        if code not in settings.accept:
            raise _bad_exit(code, output)
        return output | {"parsed": _parsed(settings.parse, output)}


def _rendered(command: str | tuple[str, ...], scope: Scope) -> str | tuple[str, ...]:
    if isinstance(command, str):
        return compile_shell(command, names=scope.names).render(scope)
    return tuple(render_argv(command, scope))


# ── running ─────────────────────────────────────────────────────────────────────────────────────


async def _exit_code(settings: ShellSettings, context: Context) -> int:
    """Run the command to its end. When the attempt is cancelled, the command ends before this does."""
    environment = {**context.environment, **settings.env} if settings.env else context.environment
    stdin = None if settings.stdin is None else settings.stdin.encode("utf-8", "replace")
    command = Command(_argv(settings, environment), _folder(settings, context), environment, stdin)
    try:
        child = await start(command, on_output=context.write)
    except NotStarted as error:
        raise InputError(error.message, code=Code.NOT_STARTED, hint=error.hint) from error
    try:
        return await child.wait()
    except asyncio.CancelledError:
        await _stop(child, context.grace)
        raise


async def _stop(child: Child, grace: float) -> None:
    """Stop the command in stages; whoever cancels once more has waited long enough."""
    try:
        await child.stop(grace)
    except asyncio.CancelledError:
        child.kill()
        raise


def _argv(settings: ShellSettings, environment: Mapping[str, str]) -> tuple[str, ...]:
    if not isinstance(settings.command, str):
        return tuple(settings.command)
    return (*_interpreter(settings.with_, environment), settings.command)


_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "busybox"})


def _is_shell(given: str | tuple[str, ...] | None) -> bool:
    """Return whether what runs the text reads it as a POSIX shell does: there a value can be a variable."""
    words = _words(given or SH)
    programs = [Path(word).name for word in words[:2] if word != "env"]
    return bool(programs) and Path(programs[0]).name in _SHELLS


def _interpreter(chosen: str | tuple[str, ...] | None, environment: Mapping[str, str]) -> tuple[str, ...]:
    if chosen is None:
        return BASH if _has_bash(environment.get("PATH")) else SH
    return _words(chosen)


def _words(chosen: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(shlex.split(chosen)) if isinstance(chosen, str) else chosen


@lru_cache(maxsize=16)
def _has_bash(search: str | None) -> bool:
    return shutil.which("bash", path=search) is not None


def _folder(settings: ShellSettings, context: Context) -> str:
    folder = context.run.flow_folder
    return folder if settings.cwd is None else str(Path(folder, settings.cwd))


# ── what came of it ─────────────────────────────────────────────────────────────────────────────


def _as_a_shell_says(code: int) -> int:
    return SIGNALLED - code if code < 0 else code


def _output(code: int, context: Context) -> dict[str, object]:
    return {
        "stdout": _without_trailing_newlines(context.written("out")),
        "stderr": context.written("err"),
        "exit_code": code,
        "parsed": None,
        "stdout_path": context.path("out"),
    }


def _without_trailing_newlines(text: str | Cut) -> str | Cut:
    return text if isinstance(text, Cut) else text.rstrip("\n")


def _bad_exit(code: int, output: dict[str, object]) -> WorkError:
    said = _last_line(output["stderr"])
    message = f"{_exit_in_words(code)}: {said}" if said else _exit_in_words(code)
    return WorkError(message, code=Code.EXIT_CODE, exit_code=code, hint=EXIT_HINTS.get(code), output=output)


def _exit_in_words(code: int) -> str:
    number = code - SIGNALLED
    if number not in _SIGNALS:
        return f"exit code {code}"
    return f"killed by {signal.Signals(number).name} (exit code {code})"


_SIGNALS: Final = frozenset(int(number) for number in signal.Signals)


def _last_line(stderr: object) -> str:
    text = stderr.kept if isinstance(stderr, Cut) else str(stderr)
    lines = text.rstrip().rsplit("\n", 1)
    return lines[-1].strip()[:SHOWN]


# ── reading stdout ──────────────────────────────────────────────────────────────────────────────


def _parsed(how: Parse | None, output: dict[str, object]) -> object:
    if how is None:
        return None
    text = output["stdout"]
    if isinstance(text, Cut):
        why = f"it is longer than {text.limit} bytes; all of it is in {text.path}"
        raise _unreadable(how, why, "raise ORCHESTRATOR_MAX_OUTPUT (for example to 10MB), or leave out `parse`", output)
    try:
        return _READERS[how](str(text))
    except (ValueError, RecursionError) as error:
        hint = "print nothing else to stdout, or leave out `parse`"
        raise _unreadable(how, _why(error, str(text)), hint, output) from error


def _lines(text: str) -> list[str]:
    lines = (line.removesuffix("\r") for line in text.split("\n"))
    return [line for line in lines if line]


def _jsonl(text: str) -> list[object]:
    return [_json(line) for line in _lines(text) if not line.isspace()]


def _json(text: str) -> object:
    return json.loads(text, parse_constant=_no_json)


def _no_json(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


_READERS: Final[Mapping[Parse, Callable[[str], object]]] = {"json": _json, "jsonl": _jsonl, "lines": _lines}


def _why(error: Exception, text: str) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return f"{error}; it begins with {text[:SHOWN]!r}" if text else "it is empty"


def _unreadable(how: Parse, why: str, hint: str, output: dict[str, object]) -> WorkError:
    message = f"stdout cannot be read as {how}: {why}"
    return WorkError(message, code=Code.UNREADABLE_OUTPUT, hint=hint, output=output)
