"""A folder that nothing leads out of: neither `..`, nor a link, nor a link that is put in place at the last moment.

A path is resolved first, and then opened step by step from the folder down, each step refusing links. It uses nothing
but the standard library, so that a program of its own may use it too.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import get_ident
from typing import BinaryIO, Final

LEFT_OUT: Final = frozenset(
    {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".mypy_cache", ".ruff_cache"}
)
"""Folders that nobody means who looks through a folder; whoever names one is shown it."""

DEEPEST: Final = 64

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class OutsideError(ValueError):
    """A path that leads out of the folder, or is none."""


class Folder:
    """The folder at a path. Its methods raise OutsideError, or the OSError of what they do."""

    def __init__(self, path: str) -> None:
        self.root = os.path.realpath(path)

    def parts(self, path: str) -> tuple[str, ...]:
        """Return the steps from the folder to what a path names, without links. It may not exist."""
        if "\0" in path:
            raise OutsideError("a path cannot hold a NUL")
        found = os.path.realpath(Path(self.root, path))
        try:
            return Path(found).relative_to(self.root).parts
        except ValueError:
            raise OutsideError(f"{path} is outside of the working folder") from None

    # ── reading ──

    @contextmanager
    def reading(self, path: str) -> Iterator[BinaryIO]:
        """Open a file that is one: whatever else can stand at a path could keep its reader waiting."""
        parts = self._file_parts(path)
        with self._at(parts[:-1]) as folder, open_at(folder, parts[-1]) as file:
            yield file

    @contextmanager
    def _at(self, parts: tuple[str, ...], *, making: bool = False) -> Iterator[int]:
        """Open the folder at the end of these steps."""
        folder = os.open(self.root, _FOLDER)
        try:
            for part in parts:
                below = _step(folder, part, making=making)
                os.close(folder)
                folder = below
            yield folder
        finally:
            os.close(folder)

    # ── looking around ──

    def names(self, path: str) -> list[str]:
        """Return the names in a folder, those of folders with a slash behind them."""
        with self._at(self.parts(path)) as folder, os.scandir(folder) as entries:
            return sorted(f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name for entry in entries)

    def files(self, path: str) -> Generator[tuple[str, int, str], None, None]:
        """Yield the files under a folder: the path from the folder's root, the open folder they are in, their name.

        Links are not followed. What is not looked through is named in LEFT_OUT; what cannot be opened is passed over.
        """
        parts = self.parts(path)
        with self._at(parts) as folder:
            yield from _files(folder, "".join(f"{part}/" for part in parts), DEEPEST)

    # ── writing ──

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place as a whole, with the folders above it; one that was there keeps its permissions."""
        parts = self._file_parts(path)
        with self._at(parts[:-1], making=True) as folder, _draft(folder) as draft:
            mode = _mode(folder, parts[-1])
            with os.fdopen(os.open(draft, _NEW, 0o666, dir_fd=folder), "wb") as file:
                if mode is not None:
                    os.fchmod(file.fileno(), mode)
                file.write(data)
            os.replace(draft, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)

    def append(self, path: str, data: bytes) -> None:
        parts = self._file_parts(path)
        with self._at(parts[:-1], making=True) as folder:
            descriptor = os.open(parts[-1], _APPEND, 0o666, dir_fd=folder)
            with os.fdopen(descriptor, "wb") as file:
                _check_regular(file.fileno())
                file.write(data)

    def _file_parts(self, path: str) -> tuple[str, ...]:
        parts = self.parts(path)
        if not parts:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return parts


@contextmanager
def _draft(folder: int) -> Iterator[str]:
    """Give a name for a file that is not yet what it is to be; nothing of that name is left behind."""
    name = f".{os.getpid()}-{get_ident()}.part"
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    try:
        yield name
    finally:
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)


def _step(folder: int, name: str, *, making: bool) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if not making:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=folder)
    return os.open(name, _FOLDER, dir_fd=folder)


def open_at(folder: int, name: str) -> BinaryIO:
    """Open a file in a folder that `files` has opened, if it is one."""
    file = os.fdopen(os.open(name, _READ, dir_fd=folder), "rb")
    try:
        _check_regular(file.fileno())
    except OSError:
        file.close()
        raise
    return file


def _check_regular(descriptor: int) -> None:
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def _mode(folder: int, name: str) -> int | None:
    """Return the permissions that a file has, None where there is none yet."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    return stat.S_IMODE(found.st_mode)


def _files(folder: int, above: str, deepest: int) -> Generator[tuple[str, int, str], None, None]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_file(follow_symlinks=False):
            yield f"{above}{entry.name}", folder, entry.name
        elif entry.is_dir(follow_symlinks=False) and entry.name not in LEFT_OUT and deepest:
            with suppress(OSError), _below(folder, entry.name) as below:
                yield from _files(below, f"{above}{entry.name}/", deepest - 1)


@contextmanager
def _below(folder: int, name: str) -> Iterator[int]:
    below = os.open(name, _FOLDER, dir_fd=folder)
    try:
        yield below
    finally:
        os.close(below)
