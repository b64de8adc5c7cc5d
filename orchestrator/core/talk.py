"""The conversation of one task with its model, as its events tell it, within a bound."""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import Final, NamedTuple, TypeAlias

TALK_SIZE: Final = 128 << 10
"""Characters of a conversation kept in memory for each task; the file on disk holds all of it."""

ENTRY_COST: Final = 64
"""Characters that an entry counts besides its texts."""


class Said(NamedTuple):
    """A message: what was said, and what was thought before."""

    at: float
    role: str
    text: str
    thinking: str = ""


class ToolUse(NamedTuple):
    """A call of a tool, and what it came to; `result` is None until then."""

    at: float
    call: str
    tool: str
    arguments: str
    result: str | None = None
    is_error: bool = False
    ended: float | None = None


Entry: TypeAlias = Said | ToolUse


class Talk:
    """The last entries of a conversation; `dropped` counts those let go, `version` grows with every change.

    `read` is how many tokens the model read with its last answer, `window` how many it can read.
    """

    __slots__ = ("dropped", "entries", "read", "size", "version", "window")

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.size = 0
        self.dropped = 0
        self.version = 0
        self.read = 0
        self.window: int | None = None

    def add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._changed(_cost(entry))

    def returned(self, call: str, text: str, *, is_error: bool, at: float) -> None:
        """Note what a call came to; one that was let go is not missed."""
        for place in range(len(self.entries) - 1, -1, -1):
            entry = self.entries[place]
            if isinstance(entry, ToolUse) and entry.call == call and entry.result is None:
                self.entries[place] = entry._replace(result=text, is_error=is_error, ended=at)
                self._changed(len(text))
                return

    def used(self, read: int, window: int | None) -> None:
        self.read, self.window = read, window
        self.version += 1

    def _changed(self, characters: int) -> None:
        self.size += characters
        self.version += 1
        while self.size > TALK_SIZE and len(self.entries) > 1:
            self.size -= _cost(self.entries.popleft())
            self.dropped += 1

    def copy(self) -> Talk:
        new = copy(self)
        new.entries = self.entries.copy()
        return new


def _cost(entry: Entry) -> int:
    match entry:
        case Said(text=text, thinking=thinking):
            return len(text) + len(thinking) + ENTRY_COST
        case ToolUse(arguments=arguments, result=result):
            return len(arguments) + len(result or "") + ENTRY_COST
