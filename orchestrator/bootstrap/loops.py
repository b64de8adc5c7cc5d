"""Loops to run in, and what Python does beside them."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from orchestrator.engine.clock import QuickLoop

T = TypeVar("T")


def run_to_the_end(main: Coroutine[Any, Any, T], *, speed: float = 1.0) -> T:
    """Run a coroutine in a loop of its own, as `asyncio.run` does, and close the loop whatever was left in it.

    A function that ignores being cancelled is left behind by its attempt; `asyncio.run` would wait for it for ever.
    With a `speed` the loop's clock runs so many times as fast; what has a clock of its own, such as a child program,
    does not.
    """
    loop = asyncio.new_event_loop() if speed == 1.0 else QuickLoop(speed)
    try:
        return loop.run_until_complete(main)
    finally:
        _leave_behind(loop)
        loop.close()


def _leave_behind(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        _, stubborn = loop.run_until_complete(asyncio.wait(left, timeout=_LAST_WAIT))
        for task in stubborn:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no public way
    loop.run_until_complete(loop.shutdown_asyncgens())


_LAST_WAIT: Final = 0.5
"""Seconds that what is left in a loop has to take note that it was cancelled."""


_COLLECT_AFTER: Final = 100_000
"""New objects between two looks for cycles. A run makes few, and a thousand tasks make tens of thousands of objects."""


def calm_collector() -> None:
    """Let Python look for cycles less often, and not at all among what was loaded: that stays."""
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
