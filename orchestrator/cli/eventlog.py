"""Journals of the command line: one prints every event as a JSON line, one keeps what tasks left behind."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from typing import IO

from orchestrator.core.codec import encode
from orchestrator.core.events import Record, TaskFailed, TaskReset, TaskSucceeded
from orchestrator.core.flow import Json


class OutputsKept:
    """A journal that holds the output of every task, for the report."""

    def __init__(self) -> None:
        self.outputs: dict[str, Mapping[str, Json] | None] = {}

    def append(self, records: Sequence[Record]) -> None:
        for record in records:
            event = record.event
            if isinstance(event, TaskSucceeded | TaskFailed):
                self.outputs[event.task] = event.output
            elif isinstance(event, TaskReset):
                self.outputs.pop(event.task, None)

    def close(self) -> None:
        """Keep everything: the report is written after the run."""


class LinesPrinted:
    """A journal that prints each event as a JSON line from a thread of its own, so that a slow reader slows nobody.

    When the reader is gone it says so once, through `on_gone`, and prints nothing more.
    """

    def __init__(self, stream: IO[str], on_gone: Callable[[], None]) -> None:
        self._stream = stream
        self._on_gone = on_gone
        self._queue: SimpleQueue[Sequence[Record] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._print_all, name="jsonl", daemon=True)
        self._closed = False
        self._thread.start()

    def append(self, records: Sequence[Record]) -> None:
        self._queue.put(tuple(records))

    def close(self) -> None:
        """Wait until everything is printed, or nobody reads."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _print_all(self) -> None:
        try:
            while (records := self._queue.get()) is not None:
                self._print(records)
            self._stream.flush()
        except (OSError, ValueError):
            self._on_gone()

    def _print(self, records: Sequence[Record]) -> None:
        lines = (json.dumps(encode(record), ensure_ascii=True, separators=(",", ":")) for record in records)
        self._stream.write("".join(f"{line}\n" for line in lines))
        if self._queue.empty():
            self._stream.flush()
