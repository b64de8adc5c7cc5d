"""A program that has the terminal for a while: the person's pager, or else their editor."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType


def pager(environ: Mapping[str, str], which: Callable[[str], str | None]) -> list[str] | None:
    """Return the command to read a file with: $PAGER, less, $EDITOR, more."""
    wanted = [environ.get("PAGER", ""), "less", environ.get("EDITOR", ""), "more"]
    return next((words for words in map(_words, wanted) if words and which(words[0])), None)


def _words(command: str) -> list[str]:
    with suppress(ValueError):  # a quote that is not closed
        return shlex.split(command)
    return []


def read(command: list[str], path: str) -> str | None:
    """Let the command show the file, until it ends; return why it could not.

    A Ctrl+C there is the program's own. A signal that ends us ends it first; whoever handles signals hears of it after.
    """
    try:
        with subprocess.Popen([*command, path]) as program, _signals_end(program):  # noqa: S603 - the person's own choice
            program.wait()
    except OSError as error:
        return f"{command[0]} cannot be started: {error.strerror}"
    return None


@contextmanager
def _signals_end(program: subprocess.Popen[bytes]) -> Iterator[None]:
    heard: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        heard.append(number)
        program.terminate()

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for again in heard:
            signal.raise_signal(again)
