"""What an operator may ask of a run. Each command carries an id; an id that was seen before does nothing."""

from __future__ import annotations

from dataclasses import field
from itertools import count
from typing import TypeAlias

from orchestrator.core.fact import fact

_ids = count(1)


def _next_id() -> str:
    return f"c{next(_ids)}"


@fact
class _Command:
    """What every command carries besides what it asks: its id, and who asks."""

    id: str = field(default_factory=_next_id, kw_only=True)
    by: str = field(default="operator", kw_only=True)


@fact
class CancelTask(_Command):
    """Stop this task; nothing else."""

    task: str


@fact
class CancelGroup(_Command):
    """Stop every task of the group that has not ended."""

    group: str


@fact
class CancelRun(_Command):
    """Stop the run: no new attempts, running ones get their grace; `force` kills at once."""

    force: bool = False


@fact
class KillTask(_Command):
    """Stop this task at once, without grace."""

    task: str


@fact
class RetryTask(_Command):
    """Reset a failed, skipped or cancelled task, and what was skipped because of it."""

    task: str


@fact
class RetryFailed(_Command):
    """Reset every failed or cancelled task, and what was skipped because of them."""


@fact
class RerunFrom(_Command):
    """Reset this task, a succeeded one too, and all that follows from it."""

    task: str


@fact
class SkipTask(_Command):
    """Skip a task that has not started."""

    task: str


@fact
class PauseTask(_Command):
    """Start no new attempt of this task."""

    task: str


@fact
class UnpauseTask(_Command):
    """Let the task start again."""

    task: str


@fact
class PauseGroup(_Command):
    """Start no new attempt in this group."""

    group: str


@fact
class UnpauseGroup(_Command):
    """Let the group's tasks start again."""

    group: str


@fact
class PauseRun(_Command):
    """Start no new attempt at all."""


@fact
class UnpauseRun(_Command):
    """Let tasks start again."""


@fact
class Drain(_Command):
    """Finish what runs, start nothing, then end the run."""


@fact
class SetConcurrency(_Command):
    """Change how many may run at once: `scope` is `run`, `group:NAME`, `backend:NAME` or `task:ID` (a fan-out)."""

    scope: str
    limit: int


@fact
class ResetBreaker(_Command):
    """Close the backend's breaker."""

    backend: str


@fact
class TripBreaker(_Command):
    """Open the backend's breaker until it is reset."""

    backend: str


@fact
class RaiseBudget(_Command):
    """Set higher limits: `budget` is `run`, `group:NAME` or `task:ID`; what is None stays."""

    budget: str
    tokens: int | None = None
    cost_usd: float | None = None
    time: float | None = None


@fact
class Approve(_Command):
    """Say yes to the task's question."""

    task: str
    reason: str = ""


@fact
class Deny(_Command):
    """Say no to the task's question: it fails with kind `denied`."""

    task: str
    reason: str = ""


@fact
class Answer(_Command):
    """Tell the task what it asks while it runs."""

    task: str
    text: str


@fact
class CheckHealth(_Command):
    """Ask the backend how it is, now."""

    backend: str


@fact
class SkipWait(_Command):
    """End a backoff now, probe a held backend, or head the line for a slot or a rate."""

    task: str


Command: TypeAlias = (
    CancelTask
    | CancelGroup
    | CancelRun
    | KillTask
    | RetryTask
    | RetryFailed
    | RerunFrom
    | SkipTask
    | PauseTask
    | UnpauseTask
    | PauseGroup
    | UnpauseGroup
    | PauseRun
    | UnpauseRun
    | Drain
    | SetConcurrency
    | ResetBreaker
    | TripBreaker
    | RaiseBudget
    | Approve
    | Deny
    | Answer
    | CheckHealth
    | SkipWait
)
