"""Looking at all processes on request, seldom enough to stay cheap."""

import asyncio
from typing import Final

from orchestrator.processes.table import Table

REST: Final = 0.02


class Census:
    """Those who ask at about the same time share one look, for it is dear."""

    def __init__(self) -> None:
        self._next: asyncio.Future[Table] | None = None
        self._last = Table(())
        self._not_before = 0.0

    async def look(self) -> Table:
        """A table read after this call."""
        loop = asyncio.get_running_loop()
        if self._next is None or self._next.done() or self._next.get_loop() is not loop:
            self._next = loop.create_future()
            loop.call_at(max(loop.time(), self._not_before), self._answer, self._next)
        return await asyncio.shield(self._next)

    def recent(self) -> Table:
        """A table at once, as fresh as it can be had without looking all the time."""
        if asyncio.get_running_loop().time() >= self._not_before:
            self._read()
        return self._last

    def _answer(self, asked: asyncio.Future[Table]) -> None:
        self._read()
        asked.set_result(self._last)

    def _read(self) -> None:
        time = asyncio.get_running_loop().time
        began = time()
        self._last = Table.read()
        # However many processes there are, looking at them takes a fifth of the time at most.
        self._not_before = time() + REST + 4 * (time() - began)


census = Census()
