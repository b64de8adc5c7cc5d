"""Starting programs on threads: a start stands still until the child has become its program, and nobody else should."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Final

from orchestrator.processes.program import Program
from orchestrator.processes.spawning import Spawned

THREADS: Final = 4
"""As many starts go on at once. Each mostly waits for a processor; more would take them from the children that run."""


class Launch:
    """One start. It cannot be stopped midway: it uses descriptors that must stay open meanwhile."""

    def __init__(self, spawn: Callable[[], Spawned]) -> None:
        self.was_cancelled = False
        self._spawn = spawn
        self._loop = asyncio.get_running_loop()
        self._outcome: Spawned | Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def spawned(self) -> Spawned:
        """Return the program once it was started. Raises what its start raised. To be cancelled is but noted."""
        while self._outcome is None:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            except asyncio.CancelledError:
                self.was_cancelled = True
        if isinstance(self._outcome, Exception):
            raise asyncio.CancelledError if self.was_cancelled else self._outcome
        return self._outcome

    def carry_out(self, welcome: Callable[[Program], None]) -> Spawned | Exception:
        """Start it, on whatever thread this is, and return how that ended: for `end`, when all else is done."""
        try:
            spawned = self._spawn()
            welcome(spawned.program)
        except Exception as error:  # noqa: BLE001 - told to who waits, on the loop's thread
            return error
        return spawned

    def end(self, outcome: Spawned | Exception) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._settle, outcome)

    def _settle(self, outcome: Spawned | Exception) -> None:
        self._outcome = outcome
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Launches:
    """All starts that are not done. Whoever is started is welcomed before its start counts as done."""

    def __init__(self, welcome: Callable[[Program], None]) -> None:
        self._welcome = welcome
        self._waiting: SimpleQueue[Launch] = SimpleQueue()
        self._open: set[Launch] = set()
        self._threads = 0
        self._lock = Lock()

    def __bool__(self) -> bool:
        return bool(self._open)

    def add(self, launch: Launch) -> None:
        self._open.add(launch)
        self._waiting.put(launch)
        if self._threads < THREADS:
            self._open_thread()
        if not self._threads:
            self._work_off()

    def give_up(self) -> None:
        """Start none of those that have not begun."""
        for launch in self._not_begun():
            launch.end(InterruptedError("the end of the program"))
            self._open.discard(launch)

    def _open_thread(self) -> None:
        with self._lock, contextlib.suppress(RuntimeError):  # the system lets us have no more
            Thread(target=self._serve, name="starts programs", daemon=True).start()
            self._threads += 1

    def _serve(self) -> None:
        while True:
            self._carry_out(self._waiting.get())

    def _work_off(self) -> None:
        """Do it here, without a thread: the loop stands still meanwhile."""
        for launch in self._not_begun():
            self._carry_out(launch)

    def _carry_out(self, launch: Launch) -> None:
        outcome = launch.carry_out(self._welcome)
        self._open.discard(launch)  # before who waits is told: no orphan is buried while a launch is open
        launch.end(outcome)

    def _not_begun(self) -> Iterator[Launch]:
        with contextlib.suppress(Empty):
            while True:
                yield self._waiting.get_nowait()
