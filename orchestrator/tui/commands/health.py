"""Commands about breakers, backends, limits and budgets."""

from __future__ import annotations

from orchestrator.core import commands as ask
from orchestrator.core.states import BreakerState
from orchestrator.tui.commands.command import Command, Desk, Place, Section, confirm
from orchestrator.tui.commands.targets import ended, members
from orchestrator.tui.text import clean, plural


def troubled_backend(desk: Desk) -> str | None:
    """Return the backend to reset: the one that the cursor is on, the only one in trouble, else the row's own."""
    here = backend_here(desk)
    if here is not None:
        return None if desk.run.backends[here].breaker is BreakerState.CLOSED else here
    open_ones = [name for name, backend in desk.run.backends.items() if backend.breaker is not BreakerState.CLOSED]
    if len(open_ones) <= 1:
        return open_ones[0] if open_ones else None
    near = (name for task in members(desk) for name in (task.backend, task.wait.gate if task.wait else None))
    return next((name for name in near if name in open_ones), None)


def backend_here(desk: Desk) -> str | None:
    """Return the backend that the cursor is on."""
    subject = desk.subject
    found = subject is not None and subject.kind in {"backend", "limit"} and subject.name in desk.run.backends
    return subject.name if subject is not None and found else None


class ResetBreaker(Command):
    """Reset the breaker that holds this row."""

    id, keys, label, section, foot = "breaker.reset", "b", "Reset breaker", Section.HEALTH, 8

    def refusal(self, desk: Desk) -> str | None:
        if troubled_backend(desk):
            return None
        here = backend_here(desk)
        if here is not None:
            return f"The breaker of {clean(here)} is closed."
        open_ones = any(backend.breaker is not BreakerState.CLOSED for backend in desk.run.backends.values())
        return "This row's breaker is closed; go to a row that is held." if open_ones else "Every breaker is closed."

    def do(self, desk: Desk) -> None:
        backend = troubled_backend(desk)
        if backend:
            desk.send([ask.ResetBreaker(backend=backend)], f"Resetting {clean(backend)}")


class TripBreaker(Command):
    """Trip the breaker of this task's backend."""

    id, keys, label, section, asks = "breaker.trip", "B", "Trip breaker", Section.HEALTH, True

    def refusal(self, desk: Desk) -> str | None:
        backend = _own_backend(desk)
        if backend is None:
            return "Move to a backend, or to a task that has one."
        tripped = desk.run.backends[backend].breaker is BreakerState.TRIPPED
        return f"{clean(backend)} is tripped already; {desk.key('breaker.reset')} resets it." if tripped else None

    def do(self, desk: Desk) -> None:
        backend = _own_backend(desk)
        if backend is None:
            return
        calls = desk.run.backends[backend].in_use
        end = f"{plural(calls, 'running call')} will finish; new" if calls else "New"
        body = f"{end} calls wait or fail until you reset it."
        question = confirm(f"Trip {clean(backend)}?", body, "Trip")
        desk.ask(question, lambda _: desk.send([ask.TripBreaker(backend=backend)], f"Tripping {clean(backend)}"))


def _own_backend(desk: Desk) -> str | None:
    here = backend_here(desk)
    if here is not None:
        return here
    task = desk.run.tasks.get(desk.row.task or "") if desk.row else None
    return task.backend if task and task.backend in desk.run.backends else None


class CheckNow(Command):
    """Ask the backend now how it is."""

    id, keys, label, section, foot = "backend.check", "c", "Check now", Section.HEALTH, 9
    places = frozenset({Place.HEALTH})

    def refusal(self, desk: Desk) -> str | None:
        return ended(desk.run) or (None if backend_here(desk) else "Move to a backend.")

    def do(self, desk: Desk) -> None:
        backend = backend_here(desk)
        if backend:
            desk.send([ask.CheckHealth(backend=backend)], f"Asking {clean(backend)} how it is")


class RaiseLimit(Command):
    """Raise a limit: that of a budget, or how many run at once."""

    id, keys, label, section, asks = "limit.raise", "plus,equals_sign", "Raise a limit", Section.HEALTH, True
    places = frozenset({Place.TASKS, Place.HEALTH})

    def refusal(self, desk: Desk) -> str | None:
        return ended(desk.run)

    def do(self, desk: Desk) -> None:
        desk.adjust(1)


class LowerLimit(Command):
    """Lower how many run at once."""

    id, keys, label, section, asks = "limit.lower", "minus", "Lower a limit", Section.HEALTH, True
    places = frozenset({Place.TASKS, Place.HEALTH})

    def refusal(self, desk: Desk) -> str | None:
        return ended(desk.run)

    def do(self, desk: Desk) -> None:
        desk.adjust(-1)
