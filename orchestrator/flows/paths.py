"""Where the files lie that flows and callers name."""

from __future__ import annotations

import os.path
from contextlib import suppress
from pathlib import Path


def absolute(path: str, folder: str) -> str:
    """Return an absolute path, without `..`, of a path that is relative to the folder or begins with `~`."""
    home = path
    with suppress(RuntimeError):  # there is no home, or no such user
        home = str(Path(path).expanduser()) if path.startswith("~") else path
    return os.path.normpath(Path(folder, home).absolute())


def beside(file: str, name: str) -> str:
    """Return the path of what a file names, as it is shown: relative where the file's own is."""
    return os.path.normpath(Path(file).parent / name)


def folder_of(file: str) -> str:
    """Return the absolute path of the folder in which the file lies."""
    return str(Path(absolute(file, ".")).parent)


def is_file(path: str) -> bool:
    """Return whether there is such a file; a name that no file can have is none."""
    try:
        return Path(path).is_file()
    except (OSError, ValueError):
        return False
