"""What is to be started, how it starts, and why it could not."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Final, Literal

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


@dataclass(frozen=True, slots=True)
class Command:
    """A program with its arguments, its folder, its whole environment and what it reads (nothing, if None)."""

    argv: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    stdin: bytes | None = None


class NotStarted(OSError):  # noqa: N818 - named for what happened
    """A program could not be started: `message` says which and why, `hint` what to do about it."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}; {hint}" if hint else message)


def spawn(command: Command, env: Mapping[str, str], out: int, err: int) -> subprocess.Popen[bytes]:
    """Start a command that writes to these two descriptors.

    A session of its own makes it the head of a process group and takes the terminal away from it, so that it can
    neither draw over the screen nor stop on reading a password. `Popen` uses vfork here, which costs what posix_spawn
    does and knows the working folder too.
    """
    with _stdin(command.stdin) as stdin:
        return subprocess.Popen(  # noqa: S603 - running the flow's commands is the purpose
            command.argv,
            executable=_found(command.argv[0], env.get("PATH")),
            cwd=command.cwd,
            env=env,
            stdin=stdin,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )


def _found(program: str, path: str | None) -> str | None:
    """Return where the program lies, None to let the system look.

    It would try to start it in each folder of PATH in turn, from the child, while we stand still.
    """
    if "/" in program or not path:
        return None
    for folder in path.split(":"):
        if not folder.startswith("/"):  # relative to the child's folder, which is not ours
            return None
        candidate = f"{folder}/{program}"
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):  # noqa: PTH112 - a Path costs more than the call
            return candidate
    return None


@contextmanager
def _stdin(data: bytes | None) -> Iterator[BinaryIO | int]:
    """An anonymous file: unlike a pipe it needs no writer, so a child that never reads it blocks nobody."""
    if data is None:
        yield subprocess.DEVNULL
        return
    with os.fdopen(os.memfd_create("stdin"), "w+b") if sys.platform == "linux" else TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file


def not_started(command: Command, error: OSError | ValueError) -> NotStarted:
    """The system's reason, in words."""
    program = command.argv[0]
    if isinstance(error, ValueError):
        return NotStarted(f"cannot start {program}: {error}", "a NUL cannot stand in a command or its environment")
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
