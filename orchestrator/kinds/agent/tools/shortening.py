"""Texts that are too long for a model: their beginning and their end, with a note of what is missing between."""

from __future__ import annotations

from collections import deque
from typing import Final

MOST: Final = 30_000
"""Characters of one result that a model is shown."""

KEPT: Final = 1_000_000
"""Characters of what a program prints that are kept; the task's files hold the rest."""

_SHARE_OF_THE_END: Final = 3


def shortened(text: str, most: int = MOST) -> str:
    """Return the text without its middle, if it is too long; and without halves of characters, which nobody takes."""
    text = text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
    if len(text) <= most:
        return text
    end = most // _SHARE_OF_THE_END
    left_out = len(text) - most
    return f"{text[: most - end]}\n[… {left_out:,} of {len(text):,} characters are left out here …]\n{text[-end:]}"


class Excerpt:
    """What is said, piece by piece, of which the beginning and the end are kept."""

    def __init__(self, most: int = KEPT) -> None:
        self._room = most - most // _SHARE_OF_THE_END
        self._end_room = most // _SHARE_OF_THE_END
        self._beginning: list[str] = []
        self._end: deque[str] = deque()
        self._end_size = self._left_out = 0

    def add(self, piece: str) -> None:
        kept, rest = piece[: self._room], piece[self._room :]
        self._room -= len(kept)
        self._beginning.append(kept)
        if rest:
            self._end.append(rest)
            self._end_size += len(rest)
        while self._end and self._end_size - len(self._end[0]) >= self._end_room:
            dropped = len(self._end.popleft())
            self._end_size -= dropped
            self._left_out += dropped

    @property
    def text(self) -> str:
        note = f"\n[… {self._left_out:,} characters are left out here …]\n" if self._left_out else ""
        return f"{''.join(self._beginning)}{note}{''.join(self._end)}"
