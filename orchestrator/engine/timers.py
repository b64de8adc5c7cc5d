"""What is to happen at a moment of the run's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

Ts = TypeVarTuple("Ts")
Key = TypeVar("Key")


class Timers:
    """Moments on the run's clock, on the loop that is its time. At most one per key is set: the earliest."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._origin = 0.0
        self._by_key: dict[object, asyncio.TimerHandle] = {}
        self._gathered: dict[float, list[Callable[[], object]]] = {}

    def open(self, loop: asyncio.AbstractEventLoop, origin: float) -> None:
        self._loop = loop
        self._origin = origin

    def at(self, moment: float, act: Callable[[*Ts], object], *arguments: *Ts) -> asyncio.TimerHandle:
        assert self._loop is not None, "the timers are not open"
        return self._loop.call_at(self._origin + moment, act, *arguments)

    def within(self, seconds: float, act: Callable[[], object]) -> None:
        """Call it at the latest so many seconds from now: one timer serves all that ask for the same meanwhile."""
        assert self._loop is not None, "the timers are not open"
        gathered = self._gathered.get(seconds)
        if gathered is None:
            gathered = self._gathered[seconds] = []
            self._loop.call_later(seconds, self._ring_gathered, seconds)
        gathered.append(act)

    def _ring_gathered(self, seconds: float) -> None:
        for act in self._gathered.pop(seconds):
            act()

    def wake(self, key: Key, moment: float, act: Callable[[Key], None]) -> None:
        """Call `act` with the key then, unless it is to be called earlier anyway."""
        planned = self._by_key.get(key)
        if planned is not None and planned.when() <= self._origin + moment:
            return
        self.forget(key)
        self._by_key[key] = self.at(moment, self._ring, key, act)

    def forget(self, key: object) -> None:
        planned = self._by_key.pop(key, None)
        if planned is not None:
            planned.cancel()

    def _ring(self, key: Key, act: Callable[[Key], None]) -> None:
        self._by_key.pop(key, None)
        act(key)

    def close(self) -> None:
        for planned in self._by_key.values():
            planned.cancel()
        self._by_key.clear()
