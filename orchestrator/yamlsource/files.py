"""From a file to text: everything that can be wrong with a file before YAML begins."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from orchestrator.core.errors import Code
from orchestrator.yamlsource.values import Limits, Position, Problem, YamlError

if TYPE_CHECKING:
    from pathlib import Path


def text_of(path: Path, limits: Limits) -> str:
    """The file's text, without a byte order mark."""
    return _decode(_bytes(path, limits))


def unreadable(message: str, hint: str | None = None, position: Position | None = None) -> YamlError:
    return YamlError(Problem(message, position, hint, Code.UNREADABLE))


def _bytes(path: Path, limits: Limits) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limits.max_bytes + 1)
    except FileNotFoundError:
        raise unreadable("there is no such file", _beside(path)) from None
    except IsADirectoryError:
        raise unreadable("this is a directory, not a file", _inside(path)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise unreadable(f"the file cannot be read: {reason}") from error
    if len(data) > limits.max_bytes:
        raise limits.too_large()
    return data


def _beside(path: Path) -> str | None:
    """What may have been meant instead of a missing file. A common ending makes no two names alike."""
    try:
        stems = {entry.name: entry.stem for entry in path.parent.iterdir()}
    except OSError:
        return f"the folder {str(path.parent)!r} does not exist either"
    near = difflib.get_close_matches(path.stem, dict.fromkeys(stems.values()), 3)
    close = difflib.get_close_matches(path.name, [name for name, stem in stems.items() if stem in near], 1, 0.0)
    return f"did you mean {close[0]!r}?" if close else None


def _inside(path: Path) -> str:
    try:
        found = sorted(entry.name for entry in path.iterdir() if entry.suffix in {".yaml", ".yml"})
    except OSError:
        found = []
    return f"name a file in it, such as {found[0]!r}" if found else "name a YAML file"


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise unreadable("the file is UTF-16", "save it as UTF-8")
    if b"\0" in data:
        raise unreadable("the file is binary: it holds NUL bytes", "name a text file, saved as UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(data, error.start) from None


def _not_utf8(data: bytes, offset: int) -> YamlError:
    before = data[:offset].decode("utf-8", "replace")
    position = Position(before.count("\n") + 1, len(before) - before.rfind("\n"))
    return unreadable(f"the file is not UTF-8: byte 0x{data[offset]:02x} fits nothing", "save it as UTF-8", position)
