"""Starts the app in a loop of its own and gives the terminal back whole, whatever happens."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from functools import partial
from typing import Final

from orchestrator.core.ports import Session
from orchestrator.tui.options import DashboardExit, DashboardOptions, Left

RESET: Final = "\x1b[<u\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[?1049l\x1b[?25h\x1b[0m"
"""Ends key reports, mouse reports, bracketed paste, focus reports and the second screen; shows the cursor."""

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
        left = asyncio.run(_shown(partial(app.run_async, mouse=options.mouse), app.leave))
    except Exception as error:  # noqa: BLE001 - a bug of the screen must not reach the run
        return _crashed(error)
    except KeyboardInterrupt:
        restore()
        return DashboardExit(Left.INTERRUPTED)
    return _crashed(app.crash) if app.crash is not None else left or DashboardExit(Left.QUIT)


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
    loop = asyncio.get_running_loop()
    for number, how in _SIGNALS.items():
        with suppress(RuntimeError, ValueError):  # only the main thread hears signals
            loop.add_signal_handler(number, partial(leave, how))
    return await show()


def _crashed(error: BaseException) -> DashboardExit:
    restore()
    return DashboardExit(Left.CRASHED, error=f"{type(error).__name__}: {error}")


def restore() -> None:
    """Give the terminal back, even if Textual could not."""
    stream = sys.__stderr__
    if stream is not None and stream.isatty():
        with suppress(OSError, ValueError):
            stream.write(RESET)
            stream.flush()
