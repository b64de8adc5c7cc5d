"""How a command starts: quickly where that can be, else in the way that works everywhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

from orchestrator.processes.command import Command
from orchestrator.processes.program import Program
from orchestrator.processes.quickly import Files, start_quickly


def spawn(command: Command, variable: tuple[str, str], out: int, err: int) -> Program:
    """Start a command that writes to these two descriptors, with one variable more than its own.

    A session of its own makes it the head of a process group and takes the terminal away from it, so that it can
    neither draw over the screen nor stop on reading a password.
    """
    with _stdin(command.stdin) as stdin:
        program = _found(command.argv[0], command.env.get("PATH"))
        pid = program and start_quickly(program, command, variable, Files(stdin, out, err))
        return Program(pid or _start_thoroughly(program, command, variable, Files(stdin, out, err)))


def _start_thoroughly(program: str | None, command: Command, variable: tuple[str, str], files: Files) -> int:
    """Start it in the way that works everywhere, and says best why it does not."""
    stdin, out, err = files
    child = subprocess.Popen(  # noqa: S603 - running the flow's commands is the purpose
        command.argv,
        executable=program,
        cwd=command.cwd,
        env={**command.env, variable[0]: variable[1]},
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=out,
        stderr=err,
        start_new_session=True,
    )
    child.returncode = 0  # it is not for Popen to take its exit code
    return child.pid


def _found(program: str, path: str | None) -> str | None:
    """Return where the program lies, None to let the system look.

    It would try to start it in each folder of PATH in turn, from the child, while we stand still.
    """
    if "/" in program:
        return program
    if not path:
        return None
    for folder in path.split(":"):
        if not folder.startswith("/"):  # relative to the child's folder, which is not ours
            return None
        candidate = f"{folder}/{program}"
        if os.access(candidate, os.X_OK) and not os.path.isdir(candidate):  # noqa: PTH112 - a Path costs more than the call
            return candidate
    return None


@contextmanager
def _stdin(given: bytes | int | None) -> Iterator[int | None]:
    """A text stands in an anonymous file: it needs no writer as a pipe does, so who never reads it blocks nobody."""
    if not isinstance(given, bytes):
        yield given
        return
    with os.fdopen(os.memfd_create("stdin"), "w+b") if sys.platform == "linux" else TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        yield file.fileno()
