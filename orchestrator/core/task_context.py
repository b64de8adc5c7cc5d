"""What a function of a flow may know of its task, and what it may tell."""

from __future__ import annotations

from typing import Protocol


class TaskContext(Protocol):
    """Given to functions that ask for it. Everything here may be used from any thread.

    A function asks with a parameter that is annotated with this class, or that is named `context`.
    """

    @property
    def run_id(self) -> str: ...
    @property
    def task(self) -> str: ...
    @property
    def attempt(self) -> int:
        """Which try this is, counted from 1."""
        ...

    @property
    def idempotency_key(self) -> str:
        """The same for all automatic retries of the task, so that a service can tell a repetition from a new wish."""
        ...

    @property
    def cancelled(self) -> bool:
        """Whether the attempt is to end; what the function returns from now on is dropped."""
        ...

    def raise_if_cancelled(self) -> None:
        """Leave the function if the attempt is to end."""
        ...

    def log(self, text: str) -> None:
        """Write a line that the screen shows with the task."""
        ...

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        """Tell how far the work is."""
        ...
