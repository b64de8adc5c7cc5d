"""What a server says on the side: kept in a file of its own, its last lines at hand for who must explain its end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO
from urllib.parse import quote

FOLDER: Final = "servers"
LONGEST_LINE: Final = 100_000
"""Characters of a line; what is longer is cut into several."""
LARGEST: Final = 10_000_000
"""Characters in all; what is said after them is not kept."""
REMEMBERED: Final = 5
SHOWN: Final = 200


class ServerLog:
    """Takes bytes and texts, keeps lines. Nothing that the file system does can hurt the server."""

    def __init__(self, folder: str, name: str, redact: Callable[[str], str]) -> None:
        self._path = Path(folder, FOLDER, f"{quote(name, safe='')}.log") if folder else None
        self._redact = redact
        self._file: TextIO | None = None
        self._rest = b""
        self._size = 0
        self._last: deque[str] = deque(maxlen=REMEMBERED)

    def feed(self, chunk: bytes) -> None:
        """Take what the server wrote; the beginning of a line waits for its end, so that secrets are seen whole."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self.note(line.decode("utf-8", "replace"))
        if len(self._rest) > LONGEST_LINE:
            self.finish()

    def finish(self) -> None:
        """Take what is left as a line."""
        rest, self._rest = self._rest, b""
        if rest:
            self.note(rest.decode("utf-8", "replace"))

    def note(self, text: str) -> None:
        line = self._redact(text.rstrip())
        if line:
            self._last.append(line[:SHOWN])
            self._write(f"{line}\n")

    @property
    def last_words(self) -> str:
        """Return the last lines in one; they are for a hint."""
        return " | ".join(self._last)

    def forget(self) -> None:
        """Begin anew: what was said before was said by a server that has ended."""
        self._last.clear()

    def close(self) -> None:
        self.finish()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, line: str) -> None:
        if self._path is None or self._size > LARGEST:
            return
        self._size += len(line)
        try:
            self._opened(self._path).write(line)
        except OSError:
            self._path = None  # the disk is full or gone: the server goes on without a log

    def _opened(self, path: Path) -> TextIO:
        if self._file is None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", errors="replace", buffering=1)
        return self._file
