"""Tools for files in the working folder: read_file, write_file, list_files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import BinaryIO, Final

from orchestrator.core.model import ToolSpec
from orchestrator.kinds.agent.tools.folder import Folder, OutsideError
from orchestrator.kinds.agent.tools.globs import fits
from orchestrator.kinds.agent.tools.tool import Arguments, BuiltIn, Room, ToolFault, in_thread, takes, text, whole

MOST_READ: Final = 28_000
"""Characters that are read at once; what is longer is read on from where it stopped."""

LONGEST_LINE: Final = MOST_READ
MOST_LINES: Final = 2_000
MOST_NAMES: Final = 1_000
MOST_LOOKED_AT: Final = 100_000

Over = Callable[[], bool]


@contextmanager
def faults(path: str) -> Iterator[None]:
    """Turn what the system says of a path into what a model is told of it."""
    try:
        yield
    except OutsideError as error:
        raise ToolFault(str(error)) from error
    except OSError as error:
        raise ToolFault(f"{path}: {error.strerror or error}") from error


# ── read_file ───────────────────────────────────────────────────────────────────────────────────


async def _read_file(given: Arguments, room: Room) -> str:
    path, first, most = given["path"], given.get("offset", 1), given.get("limit", MOST_LINES)
    with faults(path):
        return await in_thread(lambda is_over: _read(Folder(room.folder), path, first, min(most, MOST_LINES), is_over))


def _read(folder: Folder, path: str, first: int, most: int, is_over: Over) -> str:
    shown: list[str] = []
    number, left = 0, MOST_READ
    with folder.reading(path) as file:
        _check_text(file, path)
        for number, line in enumerate(_lines(file), 1):
            if is_over():
                break
            if number < first:
                continue
            if len(shown) == most or (shown and len(line) > left):
                return f"{''.join(shown)}\n[lines {first} to {number - 1}; go on with offset {number}]"
            shown.append(line)
            left -= len(line)
    if first > max(number, 1):
        raise ToolFault(f"{path} has {number} lines, so none begins at {first}")
    return "".join(shown)


def _check_text(file: BinaryIO, path: str) -> None:
    if b"\0" in file.read(8_192):
        raise ToolFault(f"{path} is no text but a binary file of {file.seek(0, 2):,} bytes")
    file.seek(3 if _has_mark(file) else 0)


def _has_mark(file: BinaryIO) -> bool:
    """Return whether the file begins with a byte order mark, which is no part of its text."""
    file.seek(0)
    return file.read(3) == b"\xef\xbb\xbf"


def _lines(file: BinaryIO) -> Iterator[str]:
    while line := file.readline(LONGEST_LINE):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = file.readline(LONGEST_LINE)
            if rest and not line.endswith(_GOES_ON):
                line += _GOES_ON
        yield line.decode("utf-8", "replace")


_GOES_ON: Final = b" [the line goes on]\n"

READ_FILE: Final = BuiltIn(
    ToolSpec(
        "read_file",
        "Reads a text file. A long one is shown in parts: say with offset and limit which lines.",
        takes(
            {"path": text("The file's path, relative to the working folder.")},
            {
                "offset": whole("The first line that is shown, counted from 1; default: 1."),
                "limit": whole(f"How many lines are shown; default, and the most: {MOST_LINES:,}."),
            },
        ),
    ),
    _read_file,
)


# ── write_file ──────────────────────────────────────────────────────────────────────────────────


async def _write_file(given: Arguments, room: Room) -> str:
    path, data = given["path"], given["text"].encode("utf-8", "replace")
    is_added = given.get("append", False)
    with faults(path):
        folder = Folder(room.folder)
        write = folder.append if is_added else folder.write
        await in_thread(lambda _: write(path, data))
    return f"{len(data):,} bytes {'added to' if is_added else 'written to'} {path}"


WRITE_FILE: Final = BuiltIn(
    ToolSpec(
        "write_file",
        "Writes a text file as a whole, or adds to its end. Folders that are missing are made.",
        takes(
            {"path": text("The file's path, relative to the working folder."), "text": text("What it is to hold.")},
            {"append": {"type": "boolean", "description": "Whether the text is added to the end; default: false."}},
        ),
    ),
    _write_file,
    writes=True,
)


# ── list_files ──────────────────────────────────────────────────────────────────────────────────


async def _list_files(given: Arguments, room: Room) -> str:
    path, pattern = given.get("path", "."), given.get("pattern")
    with faults(path):
        folder = Folder(room.folder)
        names = await in_thread(lambda is_over: _names(folder, path, pattern, is_over))
    shown = "\n".join(names[:MOST_NAMES]) or "nothing"
    return f"{shown}\n[there are more: say a narrower pattern]" if len(names) > MOST_NAMES else shown


def _names(folder: Folder, path: str, pattern: str | None, is_over: Over) -> list[str]:
    if pattern is None:
        return folder.names(path)
    names: list[str] = []
    above = "".join(f"{part}/" for part in folder.parts(path))
    with closing(folder.files(path)) as files:
        for name, _, _ in islice(files, MOST_LOOKED_AT):
            if is_over() or len(names) > MOST_NAMES:
                break
            if fits(name.removeprefix(above), pattern):
                names.append(name)
    return names


LIST_FILES: Final = BuiltIn(
    ToolSpec(
        "list_files",
        "Lists what is in a folder; with a pattern, the files below it that fit. "
        "Folders such as .git and node_modules are left out then.",
        takes(
            {},
            {
                "path": text("The folder's path, relative to the working folder; default: that one."),
                "pattern": text("For example *.py, or src/**/*.md: ** stands for any folders."),
            },
        ),
    ),
    _list_files,
)
