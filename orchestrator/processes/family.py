"""One child and all that descends from it, also what moved to another session or lost its parents."""

import signal
from collections.abc import Iterator
from typing import Final

from orchestrator.processes.kin import orphans, signal_all
from orchestrator.processes.table import Process, Table, environment_of

MARKER: Final = "ORCHESTRATOR_CHILD"


class Family:
    """Tells who belongs to a child: by its session, by descent, by having been seen below it, or by its marker."""

    def __init__(self, pid: int, marker: str) -> None:
        self._pid = pid
        self._mark = f"{MARKER}={marker}".encode()
        self._seen: set[tuple[int, int]] = set()

    def living(self, table: Table) -> set[Process]:
        """Who of the family lives. What was seen once is remembered, whatever becomes of its parents."""
        roots = [*table.by_session.get(self._pid, ()), *table.living(self._seen), *self._marked(table)]
        found = table.with_descendants(roots)
        self._seen |= {process.identity for process in found}
        return {process for process in found if not process.is_zombie}

    def signal(self, table: Table, *numbers: signal.Signals) -> bool:
        """Signal all that live; says whether there were any."""
        living = self.living(table)
        for number in numbers:
            signal_all(living, number)
        return bool(living)

    def _marked(self, table: Table) -> Iterator[Process]:
        for process in orphans(table):
            if self._mark in environment_of(process.pid).split(b"\0"):
                yield process
