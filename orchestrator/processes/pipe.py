"""What a child prints, read as it comes."""

import asyncio
import os
from collections.abc import Callable
from typing import Final

from orchestrator.processes.readers import readers_of

CHUNK: Final = 1 << 16  # what a pipe holds


class Pipe:
    """Reads a pipe to its end and closes it: plain reads on the loop, for a transport would cost more than the child.

    `reader` is a descriptor that does not block.
    """

    def __init__(self, reader: int, on_chunk: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self._readers = readers_of(asyncio.get_running_loop())
        self._reader = reader
        self._on_chunk: Callable[[bytes], None] | None = on_chunk
        self._on_end = on_end
        self.is_closed = False
        self._readers.add(reader, self._read)

    def close(self) -> None:
        self.is_closed = True
        self._readers.remove(self._reader)
        os.close(self._reader)

    def mute(self) -> None:
        """Drop what still comes. It is read on: who writes into a closed pipe dies of it."""
        self._on_chunk = None

    def _read(self) -> None:
        try:
            chunk = os.read(self._reader, CHUNK)
        except BlockingIOError:
            return
        if not chunk:
            self.close()
            self._on_end()
        elif self._on_chunk:
            self._on_chunk(chunk)
