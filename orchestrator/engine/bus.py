"""Where events are made: numbered, folded, written down and shown, without ever waiting for anybody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from threading import Lock
from typing import Final

from orchestrator.core.events import Event, Record
from orchestrator.core.made import made
from orchestrator.core.ports import Gap, Journal
from orchestrator.core.run import Run

log = logging.getLogger(__name__)

GATHER: Final = 0.01
"""Seconds over which events are gathered before they are handed on: a thousand at once cost what one does."""

BACKLOG: Final = 1_000_000
"""Events that a viewer may be behind; then it gets a Gap and attaches again."""


class Backlog:
    """The events that one viewer has not seen yet. `drain` and `close` may be called from the viewer's own thread."""

    def __init__(self, limit: int = BACKLOG) -> None:
        self.is_closed = False
        self._limit = limit
        self._lock = Lock()
        self._records: list[Record] = []
        self._missed = 0

    def publish(self, records: Sequence[Record]) -> None:
        with self._lock:
            self._records.extend(records)
            if len(self._records) > self._limit:
                self._missed += len(self._records)
                self._records = []

    def drain(self) -> Sequence[Record] | Gap:
        with self._lock:
            records, self._records = self._records, []
            missed, self._missed = self._missed, 0
        if missed:
            self.close()
            return Gap(missed + len(records))
        return records

    def close(self) -> None:
        self.is_closed = True


class Bus:
    """Makes records of events. `origin` is the moment on the loop's clock at which the run's own clock shows 0."""

    def __init__(self, run_id: str) -> None:
        self.run = Run(run_id)
        self.origin = 0.0
        self._journals: list[Journal] = []
        self._viewers: list[Backlog] = []
        self._batch: list[Record] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flush_planned = False
        self._is_closed = False

    def add(self, journal: Journal) -> None:
        """Let a journal have every event from the first on. Call it before the run starts."""
        self._journals.append(journal)

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the run's clock."""
        self._loop = loop
        self.origin = loop.time()

    def now(self) -> float:
        """Return the second on the run's clock."""
        return self._loop.time() - self.origin if self._loop else 0.0

    def emit(self, event: Event) -> None:
        """Make the event a fact: fold it, and hand it on a moment later, with all that happens until then."""
        assert self._loop is not None, "the bus is not open"
        if self._is_closed:
            return
        run = self.run
        record = made(Record, (run.id, run.seq + 1, self._loop.time() - self.origin, event))
        run.apply(record)
        self._batch.append(record)
        if not self._flush_planned:
            self._flush_planned = True
            self._loop.call_later(GATHER, self.flush)

    def flush(self) -> None:
        """Hand on what was not handed on yet."""
        self._flush_planned = False
        if not self._batch:
            return
        batch, self._batch = self._batch, []
        self._viewers = [viewer for viewer in self._viewers if not viewer.is_closed]
        for viewer in self._viewers:
            viewer.publish(batch)
        for journal in tuple(self._journals):
            self._write(journal, batch)

    def _write(self, journal: Journal, batch: Sequence[Record]) -> None:
        try:
            journal.append(batch)
        except Exception:  # who watches cannot hurt: a journal that raises is dropped, the run goes on
            log.exception("a journal failed and was dropped")
            self._journals.remove(journal)

    def attach(self) -> tuple[Run, Backlog]:
        """Return a copy of the state and what comes after it. Call it on the loop's thread."""
        self.flush()
        backlog = Backlog()
        self._viewers.append(backlog)
        return self.run.copy(), backlog

    def close(self) -> None:
        """Hand on the rest and close the journals. Whatever is told from now on is told to nobody."""
        self.flush()
        self._is_closed = True
        for journal in self._journals:
            try:
                journal.close()
            except Exception:  # who watches cannot hurt
                log.exception("a journal could not be closed")
