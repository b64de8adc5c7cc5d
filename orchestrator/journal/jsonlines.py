"""Events as JSON lines, written from a thread of its own: neither a slow disk nor a slow reader slows the run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import IO, Final

from orchestrator.core.codec import encode
from orchestrator.core.events import Record

REST: Final = 0.05
"""Seconds between two rounds of writing: what gathers meanwhile is written in one go, and wakes nobody."""


class JsonLines:
    """A journal on a text stream. When nobody reads any more it says so once, through `on_gone`, and writes no more.

    With `owns_stream` closing the journal closes the stream.
    """

    def __init__(self, stream: IO[str], on_gone: Callable[[], None], *, owns_stream: bool = False) -> None:
        self._stream = stream
        self._on_gone = on_gone
        self._owns_stream = owns_stream
        self._queue: SimpleQueue[Sequence[Record]] = SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="events", daemon=True)
        self._closed = threading.Event()
        self._thread.start()

    def append(self, records: Sequence[Record]) -> None:
        self._queue.put(records)

    def close(self) -> None:
        """Wait until everything is written, or nobody reads."""
        if not self._closed.is_set():
            self._closed.set()
            self._queue.put(())
            self._thread.join()

    def _write_all(self) -> None:
        try:
            while not self._closed.is_set():
                self._write(self._queue.get())
                self._closed.wait(REST)
            self._write(())
            if self._owns_stream:
                self._stream.close()
        except (OSError, ValueError):
            self._on_gone()

    def _write(self, records: Sequence[Record]) -> None:
        """Write these records and what came after them."""
        self._stream.write(_lines(records))
        while not self._queue.empty():
            self._stream.write(_lines(self._queue.get()))
        self._stream.flush()


def _lines(records: Sequence[Record]) -> str:
    return "".join([f"{encode(record)}\n" for record in records])
