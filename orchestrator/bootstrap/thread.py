"""A run in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from orchestrator.bootstrap.loops import run_to_the_end
from orchestrator.bootstrap.prepared import Prepared
from orchestrator.core.commands import CancelRun
from orchestrator.processes import kill_all_children


class EngineThread:
    """A run with a loop and a thread of its own, so that nothing that happens to a screen happens to the run.

    `error` is what ended the engine, if that was no end of the run. Leaving cancels what still runs.
    """

    def __init__(self, prepared: Prepared, *, speed: float = 1.0) -> None:
        self._prepared = prepared
        self._speed = speed
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._ended = threading.Event()
        self.session = prepared.session
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def _main(self) -> None:
        try:
            run_to_the_end(self._run(), speed=self._speed)
        except BaseException as error:  # noqa: BLE001 - whatever ends the engine is told to who owns the screen
            self.error = error
        finally:
            self._started.set()
            self._ended.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._started.set)
        await self._prepared.run(lingers=True)

    @property
    def finished(self) -> bool:
        """Return whether the engine has ended: its run is over and was left, or it failed."""
        return self._ended.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        return self._ended.wait(seconds)

    def leave(self) -> None:
        """Let the engine end as soon as its run has."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._prepared.leave)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        self.session.send(CancelRun(by="the end of the program"))
        if not self.wait(_LONGEST_GOODBYE):
            self.session.send(CancelRun(force=True, by="the end of the program"))
            self.wait(_LONGEST_GOODBYE)
        kill_all_children()


_LONGEST_GOODBYE: Final = 8.0
"""Seconds that tasks get when the program ends while they run; then they are killed."""
