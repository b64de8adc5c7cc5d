"""Where everything stands: the place of every key and value, in two flat arrays."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Final, TypeAlias

from orchestrator.yamlsource.inside import offset_inside
from orchestrator.yamlsource.values import KeyPath, Position

if TYPE_CHECKING:
    from collections.abc import Iterator

Label: TypeAlias = "str | int | None"

_NARROW: Final = 64


class Places:
    """The place of every key and value in the order of the text; a dictionary of paths would cost ten times as much.

    A key's entry stands right before its value's. `starts` holds the offset in the text. `labels` holds for a key its
    text, for an unquoted value that is no text what was written, for a mapping the number of entries it spans (itself
    included), for a list the same below zero: siblings are found by hopping from one to the next.
    """

    __slots__ = ("_lines", "_text", "_wide", "aliases", "labels", "merges", "starts")

    def __init__(self, text: str = "") -> None:
        self.starts = array("I")
        self.labels: list[Label] = []
        self.aliases: dict[int, int] = {}
        self.merges: dict[int, list[int]] = {}
        self._text = text
        self._lines: array[int] | None = None
        self._wide: dict[int, dict[str | int, int]] = {}

    def add(self, start: int, label: Label = None) -> int:
        entry = len(self.labels)
        self.starts.append(start)
        self.labels.append(label)
        return entry

    def close(self, entry: int, *, mapping: bool) -> None:
        """The container that was opened at `entry` ends here."""
        size = len(self.labels) - entry
        self.labels[entry] = size if mapping else -size

    def position(self, path: KeyPath, *, key: bool) -> Position | None:
        entry, found = self.find(path)
        if entry is None:
            return None
        named = key and found and path and isinstance(path[-1], str)
        return self.at(self.starts[entry - 1 if named else entry])

    def written(self, path: KeyPath) -> str | None:
        entry, found = self.find(path)
        if entry is None or not found:
            return None
        label = self.labels[self.aliases.get(entry, entry)]
        return label if isinstance(label, str) else None

    def inside(self, path: KeyPath, value: str, offset: int) -> Position | None:
        """The place of one character of the text at `path`, or of the value where that cannot be told."""
        entry, found = self.find(path)
        if entry is None:
            return None
        start = self.starts[self.aliases.get(entry, entry)]
        inner = offset_inside(self._text, start, value, offset) if found else None
        return self.at(start if inner is None else inner)

    def at(self, offset: int) -> Position:
        """An offset in the text as line and column."""
        if self._lines is None:
            self._lines = _line_starts(self._text)
        line = bisect_right(self._lines, offset)
        return Position(line, offset - self._lines[line - 1] + 1)

    def find(self, path: KeyPath) -> tuple[int | None, bool]:
        """The entry at the path and True, or that of the nearest parent and False."""
        if not self.labels:
            return None, False
        entry = 0
        for part in path:
            below = self._child(entry, part)
            if below is None:
                return entry, False
            entry = below
        return entry, True

    def children(self, entry: int) -> Iterator[tuple[str | int, int]]:
        """The keys or numbers of what a container holds, with the entries of the values."""
        size = self.labels[self.aliases.get(entry, entry)]
        if not isinstance(size, int):
            return iter(())
        first = self.aliases.get(entry, entry) + 1
        return self._values(first, first - 1 + size) if size > 0 else self._items(first, first - 1 - size)

    def _child(self, entry: int, part: str | int) -> int | None:
        target = self.aliases.get(entry, entry)
        own = self._own_child(target, part)
        if own is not None:
            return own
        merged = (self._child(source, part) for source in self.merges.get(target, ()))
        return next((found for found in merged if found is not None), None)

    def _own_child(self, entry: int, part: str | int) -> int | None:
        if self._size(entry) <= _NARROW:
            return next((below for label, below in self.children(entry) if label == part), None)
        if entry not in self._wide:
            self._wide[entry] = dict(self.children(entry))
        return self._wide[entry].get(part)

    def _size(self, entry: int) -> int:
        label = self.labels[entry]
        return abs(label) if isinstance(label, int) else 1

    def _values(self, entry: int, end: int) -> Iterator[tuple[str | int, int]]:
        while entry < end:
            yield str(self.labels[entry]), entry + 1
            entry += 1 + self._size(entry + 1)

    def _items(self, entry: int, end: int) -> Iterator[tuple[str | int, int]]:
        number = 0
        while entry < end:
            yield number, entry
            entry += self._size(entry)
            number += 1


def _line_starts(text: str) -> array[int]:
    starts = array("I", [0])
    starts.extend(match.end() for match in re.finditer("\n", text))
    return starts
