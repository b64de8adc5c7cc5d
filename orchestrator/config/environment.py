"""Where values come from that no flow may hold: environment files, secrets, keys."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.flow import SecretSource
from orchestrator.processes import Command, NotStarted, Stream, start


def read_env_file(path: Path) -> dict[str, str]:
    """Return the variables of a `.env` file. Raises FlowError if it cannot be read, or a line of it cannot be."""
    from dotenv.parser import parse_stream  # noqa: PLC0415 - only who has such a file pays for reading it

    try:
        with path.open(encoding="utf-8") as lines:
            bindings = list(parse_stream(lines))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise FlowError(Problem(f"the env file cannot be read: {why}", str(path), code=Code.UNREADABLE)) from error
    for wrong in (one.original for one in bindings if one.error):
        blank = wrong.string[: -len(wrong.string.lstrip())].count("\n")
        raise FlowError(Problem("this line cannot be read", str(path), wrong.line + blank, hint="write NAME=value"))
    return {one.key: one.value or "" for one in bindings if one.key is not None}


def secret_value(what: str, source: SecretSource, environ: Mapping[str, str], folder: str) -> str:
    """Return a secret from where the flow says that it is. Raises FlowError, which never holds a secret.

    `what` says which one it is, for people.
    """
    if source.env is not None:
        return _from_environment(what, source.env, environ)
    if source.command is not None:
        return asyncio.run(_from_command(what, source.command, environ, folder))
    raise _missing(what, "it has no source", "write {env: NAME} or {command: [PROGRAM, …]}")


def _from_environment(what: str, variable: str, environ: Mapping[str, str]) -> str:
    value = environ.get(variable)
    if not value:
        state = "empty" if variable in environ else "not set"
        raise _missing(what, f"the environment variable {variable} is {state}", f"export {variable}=…")
    return value


async def _from_command(what: str, command: tuple[str, ...], environ: Mapping[str, str], folder: str) -> str:
    chunks: dict[str, list[bytes]] = {"out": [], "err": []}

    def keep(stream: Stream, data: bytes) -> None:
        chunks[stream].append(data)

    try:
        child = await start(Command(command, folder, environ), on_output=keep)
    except NotStarted as error:
        raise _missing(what, f"{command[0]} cannot be started: {error}", "check the command") from error
    code = await child.wait()
    value = b"".join(chunks["out"]).decode("utf-8", "replace").rstrip("\n")
    if code or not value:
        came = f"exit code {code}" if code else "no output"
        raise _missing(what, f"the command {command[0]} gave {came}", "run it by hand and see")
    return value


def _missing(what: str, why: str, hint: str) -> FlowError:
    return FlowError(Problem(f"{what}: {why}", hint=hint, code=Code.SECRET))
