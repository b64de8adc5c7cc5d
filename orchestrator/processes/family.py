"""One child and all that descends from it, also what moved to another session or lost its parents."""

from collections import defaultdict
from functools import lru_cache
from typing import Final

from orchestrator.processes.kin import orphans
from orchestrator.processes.table import Process, Table, environment_of

MARKER: Final = "ORCHESTRATOR_CHILD"


class Family:
    """Tells who belongs to a child: by its session, by descent, by having been seen below it, or by its marker."""

    def __init__(self, pid: int, marker: str) -> None:
        self._pid = pid
        self._born: int | None = None
        self._mark = f"{MARKER}={marker}".encode()
        self._seen: set[tuple[int, int]] = set()

    def remember_head(self) -> None:
        """Note the child's birth while it is not reaped: its number may come again later."""
        head = Process.read(self._pid)
        self._born = head.born if head else None

    def living(self, table: Table) -> set[Process]:
        """Who of the family lives. What was seen once is remembered, whatever becomes of its parents."""
        roots = [*self._session(table), *table.living(self._seen), *_orphans_by_mark(table).get(self._mark, ())]
        found = table.with_descendants(roots)
        self._seen |= {process.identity for process in found}
        return {process for process in found if not process.is_zombie}

    def _session(self, table: Table) -> list[Process]:
        """The child's session. Its number is the child's, and is given to nobody else while anyone is in it."""
        head = table.by_pid.get(self._pid)
        is_ours = head is None or head.born == self._born
        return table.by_session.get(self._pid, []) if is_ours else []


@lru_cache(maxsize=1)
def _orphans_by_mark(table: Table) -> dict[bytes, list[Process]]:
    """Made once for all the families that share one look."""
    marked = defaultdict(list)
    for process in orphans(table):
        marked[_mark_of(process)].append(process)
    return marked


def _mark_of(process: Process) -> bytes:
    lines = environment_of(process.pid).split(b"\0")
    return next((line for line in lines if line.startswith(MARKER.encode())), b"")
