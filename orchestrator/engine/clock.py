"""Time and chance: the one module that reads a clock, and the loop in which hours pass at once."""

import asyncio
import json
import math
import selectors
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context
from hashlib import blake2b
from types import CodeType, FrameType
from typing import Any, Final, NoReturn, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

NEW_YEAR_2026: Final = 1_767_225_600.0  # where the wall clock of virtual time begins, so that runs repeat exactly


class LoopClock:
    """Real time: the running loop's clock, and the machine's wall clock."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def wall(self) -> float:
        return time.time()  # noqa: TID251 - this is the clock that all others ask

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)  # noqa: TID251 - this is the clock that all others ask


class QuickLoop(asyncio.SelectorEventLoop):
    """The plain loop, by a clock that runs `speed` times as fast as the machine's. All that waits, waits by it."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = time.monotonic()  # noqa: TID251 - this is the clock that all others ask
        super().__init__(_QuickSelector(speed))

    def time(self) -> float:
        return self._began + (super().time() - self._began) * self._speed


class _QuickSelector(selectors.DefaultSelector):
    """Waits as long as seconds of the quick clock are."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self._speed)


class VirtualClock(LoopClock):
    """Virtual time: the wall clock moves with the loop, from a fixed start."""

    def __init__(self, wall_start: float = NEW_YEAR_2026) -> None:
        self._wall_start = wall_start

    def wall(self) -> float:
        return self._wall_start + self.now()


class VirtualRefused(RuntimeError):  # noqa: N818 - named for what happened
    """Something of the real world was asked for in virtual time."""


class VirtualDeadlock(RuntimeError):  # noqa: N818 - named for what happened
    """Nothing is ready and no timer is set, so virtual time would stand still for ever."""


def run_virtual(main: Coroutine[Any, Any, T], *, start: float = 0.0) -> T:
    """Run a coroutine to its end in virtual time; `start` is what the clock reads at first."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(start)) as runner:
        return runner.run(main)


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop that jumps to its next timer when nothing is ready.

    It takes the place of the selector, the one thing in which the plain loop waits, and so costs
    a little less than the plain loop per round. Whatever would need the real world is refused.
    """

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self._selector = self
        self._home = threading.get_ident()
        self._jump_to(start)

    def time(self) -> float:
        return self._time

    def select(self, timeout: float | None) -> tuple[()]:
        """Wait as a selector would: by moving the clock."""
        if timeout != 0:
            self._jump_to(self._next_timer())
        return ()

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        if threading.get_ident() != self._home:
            raise VirtualRefused("virtual time: other threads belong to the real world; use a simulated answer")
        return self.call_soon(callback, *args, context=context)

    def _next_timer(self) -> float:
        when = self._scheduled[0].when() if self._scheduled else math.inf
        if when == math.inf:
            raise VirtualDeadlock(_who_waits(self))
        return when

    def _jump_to(self, when: float) -> None:
        self._time = when
        # The loop runs timers before time + resolution: the smallest step that still exists at this size.
        self._clock_resolution = math.ulp(when)

    def _process_events(self, _: tuple[()]) -> None:
        """Nothing ever comes from outside."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken: the loop never sleeps."""


REFUSED: Final = {
    "threads": ("run_in_executor", "set_default_executor"),
    "child processes": ("subprocess_exec", "subprocess_shell"),
    "pipes": ("connect_read_pipe", "connect_write_pipe"),
    "signals": ("add_signal_handler",),
    "files and sockets": ("add_reader", "add_writer"),
    "names of hosts": ("getaddrinfo", "getnameinfo"),
    "connections": (
        *("create_connection", "create_unix_connection", "create_datagram_endpoint"),
        *("create_server", "create_unix_server", "connect_accepted_socket"),
        *("sock_accept", "sock_connect", "sock_recv", "sock_recv_into", "sock_recvfrom"),
        *("sock_recvfrom_into", "sock_sendall", "sock_sendto", "sock_sendfile"),
    ),
}


def _refuse(what: str) -> Callable[..., NoReturn]:
    def refused(*_: object, **__: object) -> NoReturn:
        raise VirtualRefused(f"virtual time: {what} belong to the real world; use a simulated answer or a real run")

    return refused


for _what, _names in REFUSED.items():
    for _name in _names:
        setattr(VirtualLoop, _name, _refuse(_what))


def _who_waits(loop: asyncio.AbstractEventLoop) -> str:
    waiting = sorted(f"  {task.get_name()} waits at {_where(task)}" for task in asyncio.all_tasks(loop))
    return "virtual time: nothing is ready and no timer is set\n" + "\n".join(waiting)


def _where(task: asyncio.Task[Any]) -> str:
    *_, (code, frame) = _awaited(task.get_coro())
    line = frame.f_lineno if frame else code.co_firstlineno
    return f"{code.co_filename}:{line} in {code.co_qualname}"


def _awaited(coroutine: Any) -> Iterator[tuple[CodeType, FrameType | None]]:  # noqa: ANN401 - coroutines and generators share no type
    """The chain of coroutines from a task down to the one that waits."""
    while hasattr(coroutine, "cr_code"):
        yield coroutine.cr_code, coroutine.cr_frame
        coroutine = coroutine.cr_await


class Chance:
    """Randomness that depends on the seed and on what it is for, never on what was drawn before."""

    def __init__(self, seed: int | str) -> None:
        self._seed = seed

    def random(self, *key: str | int) -> float:
        """A number in [0, 1), always the same for this seed and key."""
        text = json.dumps((self._seed, *key))  # ASCII, unambiguous, and the same in every version
        digest = blake2b(text.encode("ascii"), digest_size=8).digest()
        return (int.from_bytes(digest) >> 11) / (1 << 53)
