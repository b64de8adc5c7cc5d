"""The system's own way to start a program, posix_spawn, where it can all that is asked of it.

`subprocess` encodes the whole environment anew for each child, and asks a pipe how the start went; here the environment
is encoded once, and the call itself says how it went. `os.posix_spawn` knows no working folder and closes no files, so
the C library is called.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from ctypes import byref, c_char_p, c_int, c_short, c_uint
from functools import cache
from typing import Any, Final, NamedTuple

from orchestrator.processes.command import Command

SPACE: Final = 1024
"""Bytes for what the C library keeps in its own structures: several times what any of them takes."""

_SETSIGDEF: Final = 0x04
_SETSID: Final = 0x80
_IGNORED_BY_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)
"""Our children shall die of them, as programs expect."""


class Files(NamedTuple):
    """Descriptors for a child's standard streams. Without `stdin` there is nothing to read."""

    stdin: int | None
    out: int
    err: int


def start_quickly(command: Command, variable: tuple[str, str], files: Files) -> int | None:
    """Start the command in a session of its own, with one variable more, and return its number.

    Its program is looked for along our own PATH. None means that this could not be, for whatever reason. Raises
    ValueError for a NUL in the command.
    """
    library = _library()
    return None if library is None else library.start(command, variable, files)


@cache
def _library() -> "_Library | None":
    try:
        return _Library() if sys.platform == "linux" else None
    except (OSError, AttributeError):  # another C library, or an old one
        return None


class _Library:
    def __init__(self) -> None:
        functions = ctypes.PyDLL(None)  # does not let go of the interpreter, which costs more than these calls do
        self._spawn = ctypes.CDLL(None).posix_spawnp
        self._begin = functions.posix_spawn_file_actions_init
        self._open = functions.posix_spawn_file_actions_addopen
        self._dup2 = functions.posix_spawn_file_actions_adddup2
        self._chdir = functions.posix_spawn_file_actions_addchdir_np
        self._close_from = functions.posix_spawn_file_actions_addclosefrom_np
        self._end = functions.posix_spawn_file_actions_destroy
        self._attributes = _attributes(functions)
        self._environments = _Environments()

    def start(self, command: Command, variable: tuple[str, str], files: Files) -> int | None:
        argv = _array([_encoded(word) for word in command.argv])
        block = self._environments.block(command.env, variable[0])
        env = _completed(block, _line(*variable))
        actions, pid = ctypes.create_string_buffer(SPACE), c_int()
        self._begin(actions)
        try:
            self._arrange(actions, command.cwd, files)
            failed = self._spawn(byref(pid), argv[0], actions, self._attributes, argv, env)
        finally:
            self._end(actions)
        return None if failed else pid.value

    def _arrange(self, actions: Any, cwd: str, files: Files) -> None:  # noqa: ANN401 - a C structure
        """Say what the child does before it becomes the program."""
        if files.stdin is None:
            self._open(actions, 0, b"/dev/null", os.O_RDONLY, c_uint(0))
        else:
            self._dup2(actions, files.stdin, 0)
        self._dup2(actions, files.out, 1)
        self._dup2(actions, files.err, 2)
        self._close_from(actions, 3)
        self._chdir(actions, _encoded(cwd))


def _attributes(functions: ctypes.PyDLL) -> Any:  # noqa: ANN401 - a C structure
    attributes, signals = ctypes.create_string_buffer(SPACE), ctypes.create_string_buffer(SPACE)
    functions.sigemptyset(signals)
    for number in _IGNORED_BY_PYTHON:
        functions.sigaddset(signals, int(number))
    functions.posix_spawnattr_init(attributes)
    functions.posix_spawnattr_setsigdefault(attributes, signals)
    functions.posix_spawnattr_setflags(attributes, c_short(_SETSIGDEF | _SETSID))
    return attributes


class _Environments:
    """Environments as C reads them. Most children of a run have the same, so the last one is kept."""

    def __init__(self) -> None:
        self._last: tuple[dict[str, str], Any] = {}, _array([b""])

    def block(self, env: Mapping[str, str], besides: str) -> Any:  # noqa: ANN401 - an array of C
        """Return all variables but this one, for which there is room at the end."""
        known, block = self._last
        if env != known or besides in env:
            block = _array([*(_line(name, value) for name, value in env.items() if name != besides), b""])
            self._last = dict(env), block
        return block


def _completed(block: Any, line: bytes) -> Any:  # noqa: ANN401 - arrays of C
    """Return a copy with this line at its end. It is good for as long as the block itself lives."""
    copy = type(block).from_buffer_copy(block)
    copy[-2] = line
    return copy


def _line(name: str, value: str) -> bytes:
    if not name or "=" in name:
        raise ValueError("illegal environment variable name")
    return _encoded(f"{name}={value}")


def _array(texts: list[bytes]) -> Any:  # noqa: ANN401 - an array of C
    """Return an array of texts that ends as C expects it."""
    return (c_char_p * (len(texts) + 1))(*texts)


def _encoded(text: str) -> bytes:
    if "\0" in text:
        raise ValueError("embedded null byte")
    return os.fsencode(text)
