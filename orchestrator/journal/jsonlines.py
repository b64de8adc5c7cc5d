"""Events as JSON lines, written from a thread of its own: neither a slow disk nor a slow reader slows the run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import IO

from orchestrator.core.codec import encode
from orchestrator.core.events import Record


class JsonLines:
    """A journal on a text stream. When nobody reads any more it says so once, through `on_gone`, and writes no more.

    With `owns_stream` closing the journal closes the stream.
    """

    def __init__(self, stream: IO[str], on_gone: Callable[[], None], *, owns_stream: bool = False) -> None:
        self._stream = stream
        self._on_gone = on_gone
        self._owns_stream = owns_stream
        self._queue: SimpleQueue[Sequence[Record] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="events", daemon=True)
        self._closed = False
        self._thread.start()

    def append(self, records: Sequence[Record]) -> None:
        self._queue.put(records)

    def close(self) -> None:
        """Wait until everything is written, or nobody reads."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _write_all(self) -> None:
        try:
            while (records := self._queue.get()) is not None:
                self._write(records)
            self._stream.flush()
            if self._owns_stream:
                self._stream.close()
        except (OSError, ValueError):
            self._on_gone()

    def _write(self, records: Sequence[Record]) -> None:
        self._stream.write("".join(_line(record) for record in records))
        if self._queue.empty():
            self._stream.flush()


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def _line(record: Record) -> str:
    return f"{_encode(encode(record))}\n"
