"""Running a function on a thread of its own, one at a time on each, so that nothing it does can hold up the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Final, Generic, TypeVar

T = TypeVar("T")

Job = Callable[[], object]
CallSoon = Callable[..., object]

MOST_IDLE: Final = 64


@dataclass(frozen=True, slots=True)
class Returned(Generic[T]):
    """What a function gave back."""

    value: T


@dataclass(frozen=True, slots=True)
class Raised:
    """What a function raised, even if it was an exit."""

    error: BaseException


class Worker:
    """A daemon thread that does one job after another. To start one takes longer than most functions do."""

    _idle: Final[list[Worker]] = []

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        Thread(target=self._serve, name="orchestrator function", daemon=True).start()

    @classmethod
    def do(cls, job: Job) -> None:
        """Do the job on a thread that does nothing else meanwhile. It must not raise."""
        try:
            worker = cls._idle.pop()
        except IndexError:
            worker = cls()
        worker._jobs.put(job)

    def _serve(self) -> None:
        while True:
            self._jobs.get()()
            if len(self._idle) >= MOST_IDLE:
                return
            self._idle.append(self)


def start(work: Callable[[], T], call_soon: CallSoon) -> asyncio.Future[Returned[T] | Raised]:
    """Start the work on another thread; the future belongs to the running loop."""
    ended: asyncio.Future[Returned[T] | Raised] = asyncio.get_running_loop().create_future()
    variables = copy_context()

    def job() -> None:
        outcome = variables.run(outcome_of, work)
        with contextlib.suppress(RuntimeError):  # the loop may be gone: the thread was abandoned
            call_soon(_settle, ended, outcome)

    Worker.do(job)
    return ended


def outcome_of(work: Callable[[], T]) -> Returned[T] | Raised:
    try:
        return Returned(work())
    except BaseException as error:  # noqa: BLE001 - foreign code; sys.exit() in it must not pass for an answer
        return Raised(error)


def _settle(ended: asyncio.Future[Returned[T] | Raised], outcome: Returned[T] | Raised) -> None:
    if not ended.done():
        ended.set_result(outcome)
