"""Descriptors of children, watched on a loop."""

import asyncio
import select
import sys
from collections.abc import Callable
from typing import Final
from weakref import WeakKeyDictionary

OnReady = Callable[[], object]


class Readers:
    """Calls back when a descriptor can be read, as `loop.add_reader` does.

    Each child has three, and to make one known to a loop costs ten times what it costs the system. So where the system
    can watch them as one, the loop knows but that one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._add_to_loop = loop.add_reader
        self._remove_from_loop = loop.remove_reader
        self._on_ready: dict[int, OnReady] = {}
        self._poll: select.epoll  # there while anything is watched

    def add(self, descriptor: int, on_ready: OnReady) -> None:
        if not self._on_ready:
            self._open()
        self._poll.register(descriptor, select.EPOLLIN)
        self._on_ready[descriptor] = on_ready

    def remove(self, descriptor: int) -> None:
        del self._on_ready[descriptor]
        self._poll.unregister(descriptor)
        if not self._on_ready:
            self._close()

    def _open(self) -> None:
        poll = select.epoll()
        self._add_to_loop(poll.fileno(), self._look)
        self._poll = poll

    def _close(self) -> None:
        self._remove_from_loop(self._poll.fileno())
        self._poll.close()

    def _look(self) -> None:
        """Call back for all that are ready. One that was removed meanwhile may have given its number to another."""
        for descriptor, _ in self._poll.poll(0):
            on_ready = self._on_ready.get(descriptor)
            if on_ready is not None:
                on_ready()


class PlainReaders:
    """The same where the loop itself must know each."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.add: Callable[[int, OnReady], object] = loop.add_reader
        self.remove: Callable[[int], object] = loop.remove_reader


_of_loops: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Readers | PlainReaders]] = WeakKeyDictionary()


def readers_of(loop: asyncio.AbstractEventLoop) -> Readers | PlainReaders:
    readers = _of_loops.get(loop)
    if readers is None:
        readers = _of_loops[loop] = Readers(loop) if sys.platform == "linux" else PlainReaders(loop)
    return readers
