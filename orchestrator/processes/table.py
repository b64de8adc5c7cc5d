"""The machine's processes at one moment, read from /proc; elsewhere the table is empty."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from orchestrator.core.fact import fact

PROC: Final = Path("/proc")


@fact
class Process:
    """One process. Its number may come again, its number and its birth never do."""

    pid: int
    parent: int
    group: int
    session: int
    born: int
    is_zombie: bool

    @classmethod
    def read(cls, pid: int) -> "Process | None":
        """The process of this number; None if it has ended and is forgotten."""
        try:
            with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - done a thousand times at once
                stat = file.read(1024)
        except OSError:
            return None
        # The name, in parentheses, may itself hold spaces and parentheses.
        fields = stat[stat.rindex(b")") + 2 :].split()
        return cls(pid, int(fields[1]), int(fields[2]), int(fields[3]), int(fields[19]), fields[0] in b"ZX")

    @property
    def identity(self) -> tuple[int, int]:
        return self.pid, self.born


class Table:
    """All processes, findable by number, parent and session."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self.by_pid = {process.pid: process for process in processes}

    @classmethod
    def read(cls) -> "Table":
        return cls(filter(None, map(Process.read, _pids())))

    @cached_property
    def by_parent(self) -> dict[int, list[Process]]:
        children = defaultdict(list)
        for process in self.by_pid.values():
            children[process.parent].append(process)
        return children

    @cached_property
    def by_session(self) -> dict[int, list[Process]]:
        members = defaultdict(list)
        for process in self.by_pid.values():
            members[process.session].append(process)
        return members

    def living(self, identities: Iterable[tuple[int, int]]) -> list[Process]:
        """Those of these processes that still exist."""
        found = (self.by_pid.get(pid) for pid, _ in identities)
        wanted = set(identities)
        return [process for process in found if process and process.identity in wanted]

    def with_descendants(self, roots: Iterable[Process]) -> set[Process]:
        """These processes, their children, the children of those, and so on."""
        found, ahead = set[Process](), list(roots)
        while ahead:
            process = ahead.pop()
            if process not in found:
                found.add(process)
                ahead.extend(self.by_parent.get(process.pid, ()))
        return found

    def descendants_of(self, pid: int) -> set[Process]:
        return self.with_descendants(self.by_parent.get(pid, ()))


def environment_of(pid: int) -> bytes:
    """A process's environment as it was at its start; empty where it may not be read."""
    try:
        return (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return b""


def _pids() -> Iterator[int]:
    names = os.listdir(PROC) if PROC.is_dir() else ()  # noqa: PTH208 - names are all that is needed, a thousand times
    return (int(name) for name in names if name.isdigit())
