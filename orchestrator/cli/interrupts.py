"""Signals: the first cancels the run gracefully and gives the status, a second Ctrl+C or SIGTERM forces."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from orchestrator.core.commands import CancelRun

CAUGHT: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_NAMES: Final = {signal.SIGINT: "Ctrl+C", signal.SIGTERM: "SIGTERM", signal.SIGHUP: "SIGHUP"}


class Interrupts:
    """Turns signals into commands. `first` is the signal that the run was stopped by.

    A run that `outlives` its terminal is not stopped by a SIGHUP.
    """

    def __init__(self, send: Callable[[CancelRun], None], *, outlives: bool = False) -> None:
        self._send = send
        self._outlives = outlives
        self._seen: set[int] = set()
        self.first: int | None = None

    def caught(self, number: int) -> None:
        """Cancel; force when the same wish comes again. A closed terminal may be told of twice and never forces."""
        again = number in self._seen and number != signal.SIGHUP
        if (number in self._seen and not again) or (number == signal.SIGHUP and self._outlives):
            return
        self._seen.add(number)
        if self.first is None:
            self.first = number
        self._send(CancelRun(force=again, by=_NAMES[signal.Signals(number)]))

    @contextmanager
    def on_loop(self, loop: asyncio.AbstractEventLoop) -> Iterator[None]:
        """Catch signals on the loop while the block runs."""
        numbers = [number for number in CAUGHT if _is_ours(number)]
        for number in numbers:
            loop.add_signal_handler(number, self.caught, int(number))
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    @contextmanager
    def in_main_thread(self) -> Iterator[Callable[[], None]]:
        """Catch signals in a main thread without a loop; the block calls what it gets to act on them."""
        waiting: list[int] = []

        def note(number: int, frame: FrameType | None) -> None:
            del frame
            waiting.append(number)

        before = {number: signal.signal(number, note) for number in CAUGHT if _is_ours(number)}
        try:
            yield lambda: self._act_on(waiting)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _act_on(self, waiting: list[int]) -> None:
        while waiting:
            self.caught(waiting.pop(0))


@contextmanager
def hangups_pass() -> Iterator[None]:
    """Let a SIGHUP do nothing inside the block but where somebody handles it.

    It is handled, not ignored: what is started would inherit that it is ignored.
    """
    before = signal.signal(signal.SIGHUP, _pass)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _pass(number: int, frame: FrameType | None) -> None:
    del number, frame


def _is_ours(number: signal.Signals) -> bool:
    """Leave a signal alone that our caller told us to ignore, as nohup does."""
    return signal.getsignal(number) is not signal.SIG_IGN
