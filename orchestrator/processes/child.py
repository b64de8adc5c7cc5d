"""One child program: its start, its output, its end."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from typing import Final

from orchestrator.processes.census import census
from orchestrator.processes.command import Command, NotStarted, Stream, not_started
from orchestrator.processes.family import MARKER, Family
from orchestrator.processes.guardian import take_charge
from orchestrator.processes.kin import bury_orphans, launches, new_marker, reap, signal_all
from orchestrator.processes.launch import Launch
from orchestrator.processes.pipe import Pipe
from orchestrator.processes.program import Program
from orchestrator.processes.readers import readers_of
from orchestrator.processes.spawning import Spawned, spawn
from orchestrator.processes.table import Table

OnOutput = Callable[[Stream, bytes], None]

QUIET: Final = 0.2  # after the exit, output is awaited until none has come for so long,
LINGER: Final = 2.0  # but no longer than this: what stays in the background may print for ever
STUBBORN: Final = 5.0  # what outlives a kill for so long (it is root's, or stuck in the kernel) is given up


async def start(command: Command, *, on_output: OnOutput) -> "Child":
    """Start a program. `on_output` is called on the loop with each chunk as it comes."""
    take_charge()
    if not command.argv:
        raise NotStarted("the command is empty", "name a program")
    child = Child(on_output)
    try:
        await child.begin(command)
    except (OSError, ValueError) as error:
        raise not_started(command, error) from error
    return child


class Child:
    """A running program. Whoever started it waits for it or stops it; both may be done often, and by many."""

    pid: int
    _program: Program
    _family: Family

    def __init__(self, on_output: OnOutput) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_output = on_output
        self._exited: asyncio.Future[int] = self._loop.create_future()
        self._done: asyncio.Future[int] = self._loop.create_future()
        self._stopping: asyncio.Task[None] | None = None
        self._gone = False
        self._heard = 0.0
        self._pipes: list[Pipe] = []

    async def begin(self, command: Command) -> None:
        """Start the program. Who is cancelled meanwhile leaves nothing behind."""
        marker = new_marker()
        launch = Launch(partial(spawn, command, (MARKER, marker)))
        with readers_of(self._loop).held():
            launches.add(launch)
            spawned = await launch.spawned()
            self._program = spawned.program
            self.pid = spawned.program.pid
            self._family = Family(self.pid, marker)
            self._watch(spawned)
        if launch.was_cancelled:
            await self.stop(0.0)
            raise asyncio.CancelledError

    async def wait(self) -> int:
        """The exit code, or the signal's number below zero, once the program has ended and said its last."""
        return await asyncio.shield(self._done)

    async def stop(self, grace: float) -> int:
        """Ask the program and all that descends from it to end; after `grace` seconds end them."""
        if self._stopping is None:
            self._remember()
            # A task of its own, because stopping goes on when whoever asked for it is cancelled.
            self._stopping = self._loop.create_task(self._stop(grace), name=f"stopping {self.pid}")
        await asyncio.shield(self._stopping)
        return self._done.result()

    def kill(self) -> None:
        """End the program and all that descends from it, at once."""
        self._remember()
        self._signal(census.recent(), signal.SIGKILL)

    def _remember(self) -> None:
        if self._program.returncode is None:
            self._family.remember_head()

    # ── output ──

    def _watch(self, spawned: Spawned) -> None:
        self._pipes = [self._pipe(spawned.out, "out"), self._pipe(spawned.err, "err")]
        if spawned.exit is None:
            threading.Thread(target=self._watch_by_thread, daemon=True).start()
        else:
            readers_of(self._loop).add(spawned.exit, partial(self._on_descriptor, spawned.exit))

    def _pipe(self, reader: int, stream: Stream) -> Pipe:
        return Pipe(reader, partial(self._hear, stream), self._settle)

    def _hear(self, stream: Stream, chunk: bytes) -> None:
        self._heard = self._loop.time()
        self._on_output(stream, chunk)

    # ── the end ──

    def _on_descriptor(self, descriptor: int) -> None:
        if self._program.poll() is not None:
            readers_of(self._loop).remove(descriptor)
            os.close(descriptor)
            self._on_exit()

    def _watch_by_thread(self) -> None:
        self._program.wait()
        with contextlib.suppress(RuntimeError):  # the loop may be closed by now
            self._loop.call_soon_threadsafe(self._on_exit)

    def _on_exit(self) -> None:
        self._exited.set_result(reap(self._program))
        self._settle()
        self._linger()

    def _settle(self) -> None:
        """Done is who has ended and whose pipes have."""
        if self._exited.done() and all(pipe.is_closed for pipe in self._pipes):
            self._finish(self._exited.result())

    def _linger(self) -> None:
        """The program has ended, but what it left behind may hold its pipes: wait for quiet, then let it go its way."""
        self._heard = self._loop.time()
        self._listen(self._heard + LINGER)

    def _listen(self, until: float) -> None:
        if self._done.done() or self._is_stopping:  # who is being stopped may speak to the last
            return
        quiet_at = min(until, self._heard + QUIET)
        if self._loop.time() < quiet_at:
            self._loop.call_at(quiet_at, self._listen, until)
        else:
            self._finish(self._exited.result())

    def _finish(self, code: int) -> None:
        for pipe in self._pipes:
            pipe.mute()
        if not self._done.done():
            self._done.set_result(code)

    # ── stopping ──

    @property
    def _is_stopping(self) -> bool:
        return self._stopping is not None and not self._gone

    async def _stop(self, grace: float) -> None:
        try:
            self._signal(await census.look(), signal.SIGTERM, signal.SIGCONT)
            if not await self._gone_within(grace):
                await self._kill_until_gone()
        except asyncio.CancelledError:  # the loop is closing
            self.kill()
            raise
        self._gone = True
        bury_orphans()  # the head may have been reaped before its own children ended
        await self._last_words()

    async def _gone_within(self, grace: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await asyncio.shield(self._exited)
                while self._family.living(await census.look()):
                    pass
                return True
        return False

    async def _kill_until_gone(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STUBBORN):
                while self._signal(await census.look(), signal.SIGKILL):
                    pass
                await asyncio.shield(self._exited)

    async def _last_words(self) -> None:
        if self._exited.done():
            self._linger()
            await asyncio.shield(self._done)
        else:
            self._finish(-signal.SIGKILL)

    def _signal(self, table: Table, *numbers: signal.Signals) -> bool:
        """Signal the group as one, and each relative outside it; says whether anyone was there."""
        living = self._family.living(table)
        # The group's number is ours until the program is reaped.
        group = self.pid if self._program.returncode is None else None
        outside = [process for process in living if process.group != group]
        for number in numbers:
            signal_all(outside, number)
            self._signal_group(group, number)
        return bool(living) or group is not None

    def _signal_group(self, group: int | None, number: signal.Signals) -> None:
        if group is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
