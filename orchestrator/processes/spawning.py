"""How a command starts: quickly where that can be, else in the way that works everywhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from tempfile import TemporaryFile
from typing import NamedTuple

from orchestrator.processes.command import Command
from orchestrator.processes.program import Program
from orchestrator.processes.quickly import Files, start_quickly


class Spawned(NamedTuple):
    """A program that runs, and descriptors that are the receiver's to close: its output, not blocking, and its exit.

    Without `exit` it is to be waited for.
    """

    program: Program
    out: int
    err: int
    exit: int | None


def spawn(command: Command, variable: tuple[str, str]) -> Spawned:
    """Start a command with one variable more than its own.

    A session of its own makes it the head of a process group and takes the terminal away from it, so that it can
    neither draw over the screen nor stop on reading a password.
    """
    with ExitStack() as on_failure, ExitStack() as at_last:
        out, out_writer = _pipe(on_failure, at_last)
        err, err_writer = _pipe(on_failure, at_last)
        stdin = at_last.enter_context(_stdin(command.stdin))
        program = Program(_start(command, variable, Files(stdin, out_writer, err_writer)))
        on_failure.pop_all()
        return Spawned(program, out, err, _exit_of(program))


def _pipe(on_failure: ExitStack, at_last: ExitStack) -> tuple[int, int]:
    reader, writer = os.pipe()
    on_failure.callback(os.close, reader)
    at_last.callback(os.close, writer)  # the child alone shall hold it
    os.set_blocking(reader, False)
    return reader, writer


def _exit_of(program: Program) -> int | None:
    """Return a descriptor that can be read once the program has ended, where there is such a thing."""
    if sys.platform == "linux":
        with suppress(OSError):
            return os.pidfd_open(program.pid)
    return None


def _start(command: Command, variable: tuple[str, str], files: Files) -> int:
    quickly = _is_found_as_by_us(command) and start_quickly(command, variable, files)
    return quickly or _start_thoroughly(command, variable, files)


def _start_thoroughly(command: Command, variable: tuple[str, str], files: Files) -> int:
    """Start it in the way that works everywhere, and says best why it does not."""
    stdin, out, err = files
    child = subprocess.Popen(  # noqa: S603 - running the flow's commands is the purpose
        command.argv,
        cwd=command.cwd,
        env={**command.env, variable[0]: variable[1]},
        stdin=subprocess.DEVNULL if stdin is None else stdin,
        stdout=out,
        stderr=err,
        start_new_session=True,
    )
    child.returncode = 0  # it is not for Popen to take its exit code
    return child.pid


def _is_found_as_by_us(command: Command) -> bool:
    """Say whether the C library, which looks for programs along our own PATH, finds what the command means."""
    return "/" in command.argv[0] or command.env.get("PATH") == os.environ.get("PATH")


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
