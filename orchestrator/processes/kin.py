"""Who descends from us: the children that run, what they left behind, and the end of all of them.

Being a subreaper, this process becomes the parent of whatever its descendants leave behind, so the tree below it is
complete: nothing can fork away from it.
"""

import asyncio
import atexit
import contextlib
import ctypes
import itertools
import os
import select
import signal
import sys
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final

from orchestrator.processes.census import census
from orchestrator.processes.launch import Launches
from orchestrator.processes.program import Program
from orchestrator.processes.table import Process, Table

PR_SET_CHILD_SUBREAPER: Final = 36
ROUNDS: Final = 100
ROUND_MS: Final = 50

_STARTS: Final = frozenset({"os.fork", "os.forkpty", "os.posix_spawn", "os.system", "subprocess.Popen"})
"""What the interpreter's audit calls the ways to start a program."""

_running: dict[int, Program] = {}  # our own children that are not reaped yet
_sessions: set[int] = set()  # every session that a child of ours began
_numbers = itertools.count(1)


@cache
def adopt_orphans() -> None:
    """Become the parent of what our descendants leave behind, where the system can (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def new_marker() -> str:
    """What tells one child's environment from all others'."""
    return f"{os.getpid()}.{next(_numbers)}"


def _welcome(child: Program) -> None:
    _running[child.pid] = child
    _sessions.add(child.pid)


launches: Final = Launches(_welcome)


def reap(child: Program) -> int:
    """Take the exit code of a child that has ended, and bury the orphans that ended too."""
    code = child.wait()
    _running.pop(child.pid, None)
    bury_orphans()
    return code


def bury_orphans() -> None:
    """Take the exit codes of adopted orphans that have ended, so that none stays in the system's table."""
    while (pid := _ended_orphan()) is not None:
        _bury(pid)


def orphans(table: Table) -> list[Process]:
    """Our children that we did not start here: the adopted ones, and those of other code."""
    return [process for process in table.by_parent.get(os.getpid(), ()) if process.pid not in _running]


def signal_all(processes: Iterable[Process], number: signal.Signals) -> None:
    for process in processes:
        # Gone, or made root by a setuid program: neither is ours to signal.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, number)


async def stop_leftovers(grace: float) -> None:
    """Ask all that still descends from us to end, and end what has not done so after `grace` seconds."""
    signal_all(_descendants(await census.look()), signal.SIGTERM)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(grace):
            while _descendants(await census.look()):
                pass
    kill_all_children()


def kill_all_children(look: Callable[[], Table] = Table.read) -> None:
    """End at once all that descends from us, at any depth: the last thing before an exit."""
    for _ in range(ROUNDS):
        left = _kill_and_bury(look)
        # Launches first: whoever they start is in the other two before they count as done.
        if not launches and not left and is_childless():
            return
        _await_an_end(process.pid for process in left)


@cache
def end_alone() -> None:
    """See to it that nobody descends from us at our exit, though an abandoned thread starts programs to the last."""
    atexit.register(_end_alone)


def _end_alone() -> None:
    sys.addaudithook(_refuse_starts)
    if not is_childless():
        kill_all_children()


def _refuse_starts(event: str, _: tuple[object, ...]) -> None:
    if event in _STARTS:
        raise RuntimeError("nothing is started any more: the program ends")


def is_childless() -> bool:
    """Say whether nobody descends from us any more.

    The system itself is asked: a table is read process by process, and misses who forks and ends meanwhile.
    """
    if _running or sys.platform != "linux":
        return not _running
    with contextlib.suppress(ChildProcessError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        return False
    return True


def _kill_and_bury(look: Callable[[], Table]) -> set[Process]:
    launches.give_up()
    for child in list(_running.values()):
        _kill_group(child)
    table = look()
    for process in orphans(table):
        _bury(process.pid)
    left = _descendants(table)
    signal_all(left, signal.SIGKILL)
    return left


def _kill_group(child: Program) -> None:
    """Kill a child with its group, which is its own while it is not reaped; forget it once it is."""
    if child.poll() is not None:
        _running.pop(child.pid, None)
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)


def _descendants(table: Table) -> set[Process]:
    return {process for process in table.descendants_of(os.getpid()) if not process.is_zombie}


def _ended_orphan() -> int | None:
    """An adopted orphan that has ended. Looks without taking: other code may own children too."""
    if sys.platform != "linux" or launches:  # who ended may be one that is about to be welcomed
        return None
    with contextlib.suppress(ChildProcessError):
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None or ended.si_pid in _running:
            return None
        process = Process.read(ended.si_pid)
        return process.pid if process and process.session in _sessions else None
    return None


def _bury(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _await_an_end(pids: Iterable[int]) -> None:
    """Wait until one of these has ended, or a moment where that cannot be watched."""
    poll = select.poll()
    with contextlib.ExitStack() as stack:
        for pid in pids:
            _watch(pid, poll, stack)
        poll.poll(ROUND_MS)


def _watch(pid: int, poll: select.poll, stack: contextlib.ExitStack) -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(pid)
            stack.callback(os.close, descriptor)
            poll.register(descriptor, select.POLLIN)
