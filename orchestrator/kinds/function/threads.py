"""Running a function on a thread of its own, one at a time on each, so that nothing it does can hold up the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
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


class Workers:
    """Daemon threads that do one job after another. To start one takes longer than most functions do.

    There is a thread for every job that is not done, so none waits for another to end. They take jobs from one queue:
    a thread that is done goes on with the next job at once, before the system has woken one that rests.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._lock = Lock()
        self._spare = 0  # threads beyond the jobs that are not done

    def do(self, job: Job) -> None:
        """Do the job on a thread that does nothing else meanwhile. It must not raise."""
        if not self._spare_taken():
            Thread(target=self._serve, name="orchestrator function", daemon=True).start()
        self._jobs.put(job)

    def _spare_taken(self) -> bool:
        with self._lock:
            if not self._spare:
                return False
            self._spare -= 1
            return True

    def _serve(self) -> None:
        while True:
            self._jobs.get()()
            with self._lock:
                if self._spare >= MOST_IDLE:
                    return
                self._spare += 1


_workers: Final = Workers()


class Ended(Generic[T]):
    """The end of some work on another thread. Whoever stops waiting for it may wait for it again."""

    def __init__(self) -> None:
        self._outcome: Returned[T] | Raised | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def outcome(self) -> Returned[T] | Raised:
        while self._outcome is None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._outcome

    def settle(self, outcome: Returned[T] | Raised) -> None:
        """Tell who waits. Call it on the loop."""
        self._outcome = outcome
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def start(work: Callable[[], T], call_soon: CallSoon) -> Ended[T]:
    """Start the work on another thread; `call_soon` brings its end to the loop."""
    ended = Ended[T]()
    variables = copy_context()

    def job() -> None:
        outcome = variables.run(outcome_of, work)
        with contextlib.suppress(RuntimeError):  # the loop may be gone: the thread was abandoned
            call_soon(ended.settle, outcome)

    _workers.do(job)
    return ended


def outcome_of(work: Callable[[], T]) -> Returned[T] | Raised:
    try:
        return Returned(work())
    except BaseException as error:  # noqa: BLE001 - foreign code; sys.exit() in it must not pass for an answer
        return Raised(error)
