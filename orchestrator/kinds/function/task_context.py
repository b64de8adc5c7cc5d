"""How a function speaks to its task from whatever thread it runs on."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable

from orchestrator.core.ports import Context, Stream
from orchestrator.core.task_context import TaskContext


class AttemptContext(TaskContext):
    """Passes on what the engine's context knows, from whatever thread the function runs on."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._home = threading.get_ident()
        self._is_cancelled = False

    @property
    def run_id(self) -> str:
        return self._context.run.id

    @property
    def task(self) -> str:
        return self._context.task

    @property
    def attempt(self) -> int:
        return self._context.attempt

    @property
    def idempotency_key(self) -> str:
        return self._context.idempotency_key

    @property
    def cancelled(self) -> bool:
        return self._is_cancelled or self._context.stopping

    def raise_if_cancelled(self) -> None:
        if self.cancelled:
            raise asyncio.CancelledError

    def log(self, text: str) -> None:
        self.write("log", f"{text}\n")

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        self._tell(self._context.progress, done, total, message)

    # ── for the kind ──

    def write(self, stream: Stream, text: str) -> None:
        """Write to one of the attempt's streams."""
        self._tell(self._context.write, stream, text)

    def cancel(self) -> None:
        """Make it known that the attempt is to end."""
        self._is_cancelled = True

    def _tell(self, function: Callable[..., object], *args: object) -> None:
        if threading.get_ident() == self._home:
            function(*args)
            return
        # A thread that was abandoned may still speak after the run is over.
        with contextlib.suppress(RuntimeError):
            self._context.call_soon(function, *args)
