"""The exit statuses, and which of them a run earns."""

from __future__ import annotations

import signal
from enum import IntEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from orchestrator.core.progress import TaskProgress
    from orchestrator.core.run import Run


class Exit(IntEnum):
    """What the process tells its caller."""

    OK = 0
    FAILED = 1
    USAGE = 2
    HELD = 3
    BUDGET = 4
    BUG = 70
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


_BY_SIGNAL: Final = {
    signal.SIGINT: Exit.INTERRUPTED,
    signal.SIGTERM: Exit.TERMINATED,
    signal.SIGHUP: Exit.HANGUP,
}


def of_signal(number: int) -> Exit:
    return _BY_SIGNAL[signal.Signals(number)]


def of_run(run: Run, *, stopped_by: int | None = None) -> Exit:
    """Return the first status that applies: a bug, a signal, a budget, a failure, a wait for a person, success."""
    from orchestrator.core.errors import ErrorKind  # noqa: PLC0415 - `--help` pays for click alone
    from orchestrator.core.states import Outcome  # noqa: PLC0415 - the same

    failures = {task.error.kind for task in run.tasks.values() if _counts(task) and task.error is not None}
    if ErrorKind.BUG in failures:
        return Exit.BUG
    if stopped_by is not None and run.cancelling is not None:
        return of_signal(stopped_by)
    if ErrorKind.BUDGET in failures:
        return Exit.BUDGET
    if failures or run.outcome in (Outcome.FAILED, Outcome.CANCELLED):
        return Exit.FAILED
    return Exit.OK if run.outcome in (Outcome.SUCCEEDED, Outcome.DEGRADED) else Exit.HELD


def _counts(task: TaskProgress) -> bool:
    """Say whether the task's failure is the run's: that of an optional one is not."""
    return task.state == "failed" and not task.info.optional
