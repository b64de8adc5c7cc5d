"""What a person is told without asking, and how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.events import Record
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, Outcome, Status
from orchestrator.tui.text import clean, countdown, shorten

Severity = Literal["information", "warning", "error"]
QUIET: Final = 10.0
"""Seconds in which the same kind of news about the same thing is told once."""
UNTIL_ANSWERED: Final = 3600.0
LONG: Final = 30.0
"""A run that took longer rings the bell at its end."""


class Toast(NamedTuple):
    """A short message. `key` is what it is about; the same key is not told again for a while."""

    key: str
    title: str
    text: str
    severity: Severity = "information"
    seconds: float = 4.0
    bell: bool = False


class News:
    """Turns events into toasts, and keeps them from repeating."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def toast(self, record: Record, run: Run) -> Toast | None:
        """Return what to tell about the event, if anything."""
        make = _TOASTS.get(type(record.event))
        toast = make(run, record.event) if make else None
        return toast if toast and self._is_new(toast.key, record.at) else None

    def _is_new(self, key: str, at: float) -> bool:
        before = self._told.get(key)
        if before is not None and at - before < QUIET:
            return False
        self._told[key] = at
        return True


def _breaker(run: Run, event: ev.BreakerMoved) -> Toast | None:
    name = clean(event.backend)
    if event.to is BreakerState.CLOSED:
        return Toast(f"closed {name}", "Circuit breaker closed", f"{name} answers again.")
    if event.to is BreakerState.HALF_OPEN or event.from_ is BreakerState.HALF_OPEN:
        return None
    verb = "was tripped" if event.to is BreakerState.TRIPPED else "opened"
    probe = "" if event.until is None else f" Probe in {countdown(event.until - run.at)}."
    text = f"{name} {verb}: {shorten(clean(event.why), 160)}.{probe} What does not need it goes on."
    return Toast(f"open {name}", "Circuit breaker open", text, "error", 8.0)


def _approval(run: Run, event: ev.ApprovalRequested) -> Toast:
    del run
    text = f"{clean(event.task)}: {shorten(clean(event.message), 120)}  (n goes there, a opens it)"
    return Toast(f"approval {event.task}", "Approval asked", text, "warning", UNTIL_ANSWERED, bell=True)


def _threshold(run: Run, event: ev.BudgetThreshold) -> Toast:
    del run
    over = event.percent >= 100
    text = f"{clean(event.budget)}: {event.percent}% of {event.unit.removesuffix('_usd')} is spent."
    severity: Severity = "warning" if event.percent < 90 else "error"
    return Toast(f"budget {event.budget} {event.unit} {event.percent}", "Budget", text, severity, 8.0, bell=over)


def _exceeded(run: Run, event: ev.BudgetExceeded) -> Toast:
    del run
    text = f"{clean(event.budget)}: {clean(event.why)}"
    return Toast(f"exceeded {event.budget}", "Budget exceeded", text, "error", 8.0, bell=True)


def _failed(run: Run, event: ev.TaskFailed) -> Toast | None:
    task = run.tasks[event.task]
    failed = run.tallies[task.group].failed
    group = clean(task.group)
    if event.task in run.instances:
        return None
    if failed <= 1:
        text = f"{clean(task.id)}: {shorten(clean(event.error.message), 160)}"
        return Toast(f"first {group}", f"First failure in {group}", text, "error", 6.0)
    return Toast(f"failed {group}", "More failures", f"{group}: {failed} failed", "error")


def _finished(run: Run, event: ev.RunFinished) -> Toast:
    tally, long = run.tally, run.at > LONG
    if event.outcome in {Outcome.SUCCEEDED, Outcome.DEGRADED}:
        return Toast("finished", "Finished", f"{tally.done} of {tally.total} done. q quits.", bell=long)
    counts = [f"{tally.failed} failed"] if tally.failed else []
    counts += [
        f"{tally.counts[status]} {status.value}" for status in (Status.SKIPPED, Status.CANCELED) if tally.counts[status]
    ]
    text = f"{', '.join(counts) or 'nothing failed'} of {tally.total}. R retries, q quits."
    return Toast("finished", f"Finished: {event.outcome.value}", text, "error", 8.0, bell=long)


def _refused(run: Run, event: ev.CommandRefused) -> Toast:
    del run
    return Toast(f"refused {event.id}", "Refused", clean(event.why), "warning", 6.0)


_TOASTS: Final[dict[type, Callable[[Run, Any], Toast | None]]] = {
    ev.BreakerMoved: _breaker,
    ev.ApprovalRequested: _approval,
    ev.BudgetThreshold: _threshold,
    ev.BudgetExceeded: _exceeded,
    ev.TaskFailed: _failed,
    ev.CommandRefused: _refused,
    ev.RunFinished: _finished,
}
