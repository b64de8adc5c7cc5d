"""Starts the app in a loop of its own and gives the terminal back whole, whatever happens."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import termios
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Final

from orchestrator.core.ports import Session
from orchestrator.tui.options import DashboardExit, DashboardOptions, Left

_MODES: Final = (1000, 1002, 1003, 1006, 1015, 1016, 2004, 2026, 2048, 1004, 1049)
"""Mouse reports, bracketed paste, updates held back, reports of size and focus, and the second screen."""
RESET: Final = "\x1b[<u" + "".join(f"\x1b[?{mode}l" for mode in _MODES) + "\x1b[?7h\x1b[?25h\x1b[0m"
"""Ends key reports and all those modes; lines wrap again, and the cursor is shown."""

FPS: Final = 10.0
FPS_REMOTE: Final = 4.0

_SIGNALS: Final = {
    signal.SIGHUP: Left.HANGUP,
    signal.SIGTERM: Left.TERMINATED,
    signal.SIGINT: Left.INTERRUPTED,
}


def start(
    session: Session, options: DashboardOptions, *, engine_error: Callable[[], BaseException | None]
) -> DashboardExit:
    """Run the dashboard in this thread."""
    prepare(os.environ)
    try:
        from orchestrator.tui.app import Dashboard  # noqa: PLC0415 - the environment has to be prepared first

        app = Dashboard(session, options, engine_error=engine_error)
        app.main.draw_at_most(frames(options.fps, os.environ))
        run = partial(app.run_async, mouse=options.mouse, inline=options.inline, inline_no_clear=options.inline)
        with terminal_kept():
            left = asyncio.run(_shown(run, app.leave))
    except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 - no bug of the screen reaches the run
        return _crashed(error)
    except KeyboardInterrupt:
        restore()
        return DashboardExit(Left.INTERRUPTED)
    if app.crash is not None or left is None:
        return _crashed(app.crash or RuntimeError("the screen ended by itself"))
    return left


def load() -> None:
    """Import the app, and leave the environment as it was: a run that is not prepared yet hands it on to its tasks."""
    before = dict(os.environ)
    prepare(os.environ)
    gc.freeze()  # what was loaded stays, and Textual makes so much that Python would look for cycles in all of it
    try:
        import orchestrator.tui.app  # noqa: F401, PLC0415 - the environment has to be prepared first
    finally:
        os.environ.clear()
        os.environ.update(before)


def frames(wanted: float | None, environ: Mapping[str, str]) -> float:
    """Return how many frames a second are drawn at most: fewer where each travels over a network."""
    remote = environ.get("SSH_CONNECTION") or environ.get("SSH_TTY")
    return wanted or (FPS_REMOTE if remote else FPS)


def prepare(environ: MutableMapping[str, str]) -> None:
    """Textual reads these when it is imported. An empty NO_COLOR means nothing; Textual takes it for set."""
    if environ.get("NO_COLOR") == "":
        del environ["NO_COLOR"]
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    # Textual waits up to two frames before it paints a key's effect; frames that change nothing are never painted.
    environ.setdefault("TEXTUAL_FPS", "30" if environ.get("SSH_CONNECTION") else "240")


async def _shown(
    show: Callable[[], Awaitable[DashboardExit | None]], leave: Callable[[Left], None]
) -> DashboardExit | None:
    asyncio.get_running_loop().set_exception_handler(_say_nothing)
    with _signals_leave(leave):
        return await show()


@contextmanager
def _signals_leave(leave: Callable[[Left], None]) -> Iterator[None]:
    """Let signals leave the screen, then hand them back to who had them.

    The loop's own handlers would be none at its end, and the second signal of a terminal that is closed kill the run.
    """
    if threading.current_thread() is not threading.main_thread():  # which alone hears signals
        yield
        return
    loop = asyncio.get_running_loop()

    def heard(number: int, frame: FrameType | None) -> None:
        del frame
        loop.call_soon_threadsafe(leave, _SIGNALS[signal.Signals(number)])

    before = {number: signal.signal(number, heard) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say_nothing(loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
    """The loop would write what it finds at its end into the screen, or over what comes after it."""
    del loop, context


def _crashed(error: BaseException) -> DashboardExit:
    from orchestrator.tui.text import clean  # noqa: PLC0415 - it brings Rich along, which a crash alone pays for here

    restore()
    return DashboardExit(Left.CRASHED, error=clean(f"{type(error).__name__}: {error}"))


@contextmanager
def terminal_kept() -> Iterator[None]:
    """Give the terminal back as it was: how it reads keys is set to what it was before, whoever changed it."""
    stream = sys.__stdin__
    if stream is None or not stream.isatty():
        yield
        return
    before = termios.tcgetattr(stream)
    try:
        yield
    finally:
        with suppress(OSError, ValueError, termios.error):  # it may be gone by now
            termios.tcsetattr(stream, termios.TCSANOW, before)


def restore() -> None:
    """Give the terminal back, even if Textual could not."""
    stream = sys.__stderr__
    if stream is not None and stream.isatty():
        with suppress(OSError, ValueError):
            stream.write(RESET)
            stream.flush()
