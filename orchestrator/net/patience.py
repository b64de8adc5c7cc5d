"""How long a connection may be silent: looked at when it may have been for too long, not anew with every piece.

A timer for each piece of a stream would be set and cancelled fifty times for one answer. aiohttp's own does that. What
is replaced here is not part of its face; were it called otherwise one day, its own timers would do the work again.
"""

from __future__ import annotations

import asyncio
from functools import partial

from aiohttp import TCPConnector
from aiohttp.client_proto import ResponseHandler


class PatientConnector(TCPConnector):
    """Makes connections that keep one timer each. Make it inside a running loop."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]  # those of its parent
        kind: type[ResponseHandler] = PatientHandler
        self._factory = partial(kind, asyncio.get_running_loop())


class PatientHandler(ResponseHandler):
    """A connection whose timer goes on from request to request, and finds out how long it has been silent."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._clock = loop
        self._due: float | None = None
        self._next_look: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._next_look is not None:
            self._next_look.cancel()
            self._next_look = None

    def _reschedule_timeout(self) -> None:
        if not self.read_timeout:
            self._due = None
            return
        self._due = self._clock.time() + self.read_timeout
        if self._next_look is None:
            self._next_look = self._clock.call_at(self._due, self._look)

    def _drop_timeout(self) -> None:
        self._due = None

    def _look(self) -> None:
        self._next_look = None
        if self._due is None:
            return
        if self._due > self._clock.time():
            self._next_look = self._clock.call_at(self._due, self._look)
        else:
            self._on_read_timeout()
