"""What is to be started, and why it could not."""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from orchestrator.core.fact import fact

Stream = Literal["out", "err"]

HINTS: Final = {
    errno.EACCES: "make it executable (chmod +x), or name its interpreter first",
    errno.ENOEXEC: "begin it with a line like #!/bin/sh, or name its interpreter first",
    errno.E2BIG: "pass large values through stdin or a file",
    errno.EMFILE: "lower max_concurrency, or raise the limit of open files (ulimit -n)",
    errno.ENFILE: "lower max_concurrency: the whole machine is out of open files",
    errno.EAGAIN: "lower max_concurrency, or raise the limit of processes (ulimit -u)",
    errno.ENOMEM: "lower max_concurrency: the machine is out of memory",
}


@fact
class Command:
    """A program with its arguments, its folder, its whole environment and what it reads.

    That is a text, a descriptor that stays the caller's, or nothing.
    """

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    stdin: bytes | int | None = None


class NotStarted(OSError):  # noqa: N818 - named for what happened
    """A program could not be started: `message` says which and why, `hint` what to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}; {hint}" if hint else message)


def not_started(command: Command, error: OSError | ValueError) -> NotStarted:
    """The system's reason, in words."""
    program = command.argv[0]
    if isinstance(error, ValueError):
        hint = "a command holds no NUL, its environment neither, and no name of a variable is empty or holds a ="
        return NotStarted(f"cannot start {program}: {error}", hint)
    if error.filename == command.cwd:
        return NotStarted(f"cannot enter the folder {command.cwd}: {error.strerror}", "check cwd")
    if error.errno == errno.ENOENT:
        return _missing(command, program)
    return NotStarted(f"cannot start {program}: {error.strerror}", HINTS.get(error.errno or 0))


def _missing(command: Command, program: str) -> NotStarted:
    if Path(command.cwd, program).is_file():
        return NotStarted(f"cannot start {program}: its interpreter is missing", "check its first line (#!)")
    hint = "check the path" if "/" in program else "check its name and PATH, or install it"
    return NotStarted(f"cannot start {program}: there is no such program", hint)
