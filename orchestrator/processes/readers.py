"""Descriptors of children, watched on a loop."""

import asyncio
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
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
        self._holds = 0
        self._poll: select.epoll  # there while it is held or anything is watched

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be ready for descriptors to come. Raises what the loop raises where it watches none."""
        if not self._is_open:
            self._open()
        self._holds += 1
        try:
            yield
        finally:
            self._holds -= 1
            self._close_if_idle()

    def add(self, descriptor: int, on_ready: OnReady) -> None:
        """Watch a descriptor, while this is held."""
        self._poll.register(descriptor, select.EPOLLIN)
        self._on_ready[descriptor] = on_ready

    def remove(self, descriptor: int) -> None:
        del self._on_ready[descriptor]
        self._poll.unregister(descriptor)
        self._close_if_idle()

    @property
    def _is_open(self) -> bool:
        return bool(self._on_ready or self._holds)

    def _open(self) -> None:
        poll = select.epoll()
        try:
            self._add_to_loop(poll.fileno(), self._look)
        except BaseException:
            poll.close()
            raise
        self._poll = poll

    def _close_if_idle(self) -> None:
        if not self._is_open:
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
        self.held = nullcontext


_of_loops: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Readers | PlainReaders]] = WeakKeyDictionary()


def readers_of(loop: asyncio.AbstractEventLoop) -> Readers | PlainReaders:
    readers = _of_loops.get(loop)
    if readers is None:
        readers = _of_loops[loop] = Readers(loop) if sys.platform == "linux" else PlainReaders(loop)
    return readers
