"""What a front end holds of an engine: a copy of the state, the events after it, and a way to ask for things."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import Final

from orchestrator.core.commands import Command
from orchestrator.core.ports import Subscription
from orchestrator.core.run import Run
from orchestrator.engine.bus import Bus
from orchestrator.engine.hub import Hub
from orchestrator.engine.operator import Operator

_PATIENCE: Final = 0.2


class EngineSession:
    """Implements core.ports.Session. Safe to use from any thread."""

    def __init__(self, hub: Hub, operator: Operator) -> None:
        self._hub = hub
        self._operator = operator
        self._bus: Bus = hub.bus

    def attach(self) -> tuple[Run, Subscription]:
        loop = self._hub.loop_or_none
        if loop is None or loop is _running_loop():
            return self._bus.attach()
        answer: Future[tuple[Run, Subscription]] = Future()
        try:
            loop.call_soon_threadsafe(lambda: answer.set_result(self._bus.attach()))
        except RuntimeError:  # the loop is closed: nothing changes any more
            return self._bus.attach()
        while True:
            try:
                return answer.result(_PATIENCE)
            except TimeoutError:
                if loop.is_closed():  # it ended before it came to this
                    return self._bus.attach()

    def send(self, command: Command) -> None:
        self._hub.call_soon(self._operator.receive, command)

    def now(self) -> float:
        return self._bus.now()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
