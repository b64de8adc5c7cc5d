"""The report of a run as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.errors import Failure
from orchestrator.core.flow import Json
from orchestrator.core.output import Cut
from orchestrator.core.progress import BackendProgress, Tally, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import State, Status

Outputs = Mapping[str, Mapping[str, Json] | None]
"""What tasks left behind, by task."""


def report_text(run: Run, outputs: Outputs, *, ascii_only: bool = False) -> str:
    """Return the report as one line of JSON."""
    return json.dumps(report_of(run, outputs), ensure_ascii=ascii_only, default=plain_json)


def plain_json(value: object) -> object:
    """Return a read-only mapping or sequence, or a text that was cut, as what JSON knows."""
    if isinstance(value, Cut):
        return {"kept": value.kept, "limit": value.limit, "path": value.path}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def report_of(run: Run, outputs: Outputs) -> dict[str, Any]:
    """Return the report; a run that is held says so as its outcome."""
    started = run.started
    return {
        "run": run.id,
        "flow": started.flow if started else "",
        "outcome": str(run.outcome) if run.outcome else "held",
        "duration_s": _seconds(_end(run)),
        "dir": started.folder if started else "",
        "tasks": {name: _task(task, outputs.get(name), _end(run)) for name, task in run.tasks.items()},
        "outputs": dict(run.outputs.outputs) if run.outputs else {},
        "totals": _totals(run.tally),
        "backends": {name: _backend(backend) for name, backend in run.backends.items()},
    }


def _end(run: Run) -> float:
    return run.at if run.ended is None else run.ended


def _seconds(value: float) -> float:
    return round(value, 6)


def _task(task: TaskProgress, output: Mapping[str, Json] | None, now: float) -> dict[str, Any]:
    waiting = now - task.since if task.state is State.WAITING else 0.0
    return {
        "state": str(task.state),
        "group": task.group,
        "attempts": task.attempt,
        "duration_s": _seconds(task.elapsed(now) or 0.0),
        "waited_s": _seconds(task.waited + waiting),
        "tokens": {"input": task.input_tokens, "output": task.output_tokens},
        "cost_usd": task.cost_usd,
        "backend": task.backend,
        "output": None if output is None else dict(output),
        "error": error_of(task.error) if task.state is State.FAILED else None,
        "reason": _reason(task),
    }


def _reason(task: TaskProgress) -> str | None:
    """Say why a task was skipped or cancelled, or what it waits for."""
    if task.state is State.WAITING and task.wait is not None:
        return f"{task.wait.reason}: {task.wait.gate}" if task.wait.gate else str(task.wait.reason)
    return task.because or None


def error_of(error: Failure | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "code": str(error.code),
        "class": str(error.error_class),
        "kind": str(error.kind),
        "message": error.message,
        "hint": error.hint,
        "retry_after": error.retry_after,
        "correlation_id": error.correlation_id,
    }


def _totals(tally: Tally) -> dict[str, Any]:
    unpriced = tally.unpriced_tokens and not tally.cost_usd
    return {
        "succeeded": tally.counts[Status.DONE] + tally.counts[Status.CACHED],
        "failed": tally.failed,
        "skipped": tally.counts[Status.SKIPPED],
        "cancelled": tally.counts[Status.CANCELED],
        "attempts": tally.attempts,
        "tokens": tally.tokens,
        "cost_usd": None if unpriced else round(tally.cost_usd, 9),
    }


def _backend(backend: BackendProgress) -> dict[str, Any]:
    return {"breaker": str(backend.breaker), "calls": backend.calls, "failures": backend.failed}
