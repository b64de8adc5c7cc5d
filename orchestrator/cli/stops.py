"""What becomes of a signal while no run is there to be cancelled: the command ends, and so does all that it started."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

CAUGHT: Final = (signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal told the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stops_raise() -> Iterator[None]:
    """Let SIGTERM and SIGHUP raise Stopped inside the block, as Ctrl+C raises KeyboardInterrupt."""
    before = {number: signal.signal(number, _stop) for number in CAUGHT if _can_catch(number)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _can_catch(number: signal.Signals) -> bool:
    """Leave a signal alone that our caller told us to ignore; only a main thread can catch any."""
    return _is_in_main_thread() and signal.getsignal(number) is signal.SIG_DFL


def _is_in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    raise Stopped(number)


def _pass(number: int, frame: FrameType | None) -> None:
    del number, frame


def leave_nobody() -> None:
    """End what was started, if anything can have been."""
    if "orchestrator.processes" in sys.modules:
        from orchestrator.processes import kill_all_children  # noqa: PLC0415 - it is there already

        with signals_pass():
            kill_all_children()


@contextmanager
def signals_pass() -> Iterator[None]:
    """Let signals do nothing inside the block: the end that they ask for is under way, and must not be cut short."""
    before = {number: signal.signal(number, _pass) for number in (signal.SIGINT, *CAUGHT) if _is_in_main_thread()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
