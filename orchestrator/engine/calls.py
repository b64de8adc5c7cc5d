"""Calls that an attempt makes, each admitted and settled on its own.

Those to its own backend are made one after the other, and repeated; those to others any number at once, and once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from orchestrator.core.errors import AttemptError, Code, ErrorClass, ErrorKind, Failure, InputError
from orchestrator.core.events import TaskWaiting
from orchestrator.core.ports import Backend, Estimate
from orchestrator.core.states import Reason
from orchestrator.engine.admission import Grant
from orchestrator.engine.aside import INTERRUPTED, Aside
from orchestrator.engine.attempt import Attempt
from orchestrator.engine.desk import Desk
from orchestrator.resilience.retry import Again, decide

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler

Work = Callable[[Backend], Awaitable[Any]]

_BROKEN: Final = Failure(Code.BUG, ErrorClass.PERMANENT, ErrorKind.BUG, "the caller has a bug")


class Calls:
    """Makes calls for attempts of kinds that make many."""

    def __init__(self, scheduler: Scheduler, aside: Aside) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub
        self._aside = aside

    async def make(self, attempt: Attempt, estimate: Estimate, work: Work) -> Any:  # noqa: ANN401 - what the work returns
        """Make one call; repeat it as the task's retry policy says. Raises what the last try raised."""
        began, tries = self._hub.now(), 0
        while True:
            tries += 1
            grant = await self._aside.admitted(attempt, estimate, _callees(attempt))
            try:
                return await self._settled(attempt, grant, work)
            except AttemptError as error:
                if error.failure.code == Code.QUOTA and not attempt.is_stopping:
                    tries -= 1  # the backend is held now, and the call waits for that at its door
                    continue
                delay = self._delay(attempt, error.failure, tries, self._hub.now() - began)
                if delay is None:
                    attempt.given_up = error.failure
                    raise
            await self._back_off(attempt, delay)

    async def _settled(self, attempt: Attempt, grant: Grant, work: Work) -> Any:  # noqa: ANN401 - what the work returns
        """Do the work, and settle it whatever it came to."""
        assert grant.desk is not None, "a call goes to a backend"
        failure: Failure | None = None
        try:
            return await work(grant.desk.backend)
        except AttemptError as error:
            failure = attempt.blame(error.failure)
            raise
        except asyncio.CancelledError:
            failure = attempt.why_stopped(INTERRUPTED)
            raise
        except Exception:
            failure = _BROKEN
            raise
        finally:
            unknown = failure is not None and failure.kind in (ErrorKind.TIMEOUT, ErrorKind.CANCELLED)
            self._scheduler.endings.settle_call(attempt, grant, failure, unknown=unknown)
            self._scheduler.work()

    def _delay(self, attempt: Attempt, failure: Failure, tries: int, elapsed: float) -> float | None:
        chance = attempt.chance("call", tries)
        decision = decide(attempt.node.task.retry, failure, attempts=tries, elapsed=elapsed, chance=chance)
        if not isinstance(decision, Again) or attempt.is_stopping:
            return None
        return decision.delay if self._scheduler.endings.may_begin(attempt.node, decision.delay) else None

    async def _back_off(self, attempt: Attempt, delay: float) -> None:
        """Wait, on the task's own time, until the delay is over or somebody ends it."""
        node, until = attempt.node, self._hub.now() + delay
        self._aside.step(attempt)
        self._hub.emit(TaskWaiting(node.id, Reason.BACKOFF, until))
        over = attempt.awaits = self._hub.loop.create_future()
        node.timer = self._hub.timers.at(until, self._scheduler.after_backoff, node)
        self._scheduler.work()
        try:
            await over
        finally:
            node.stop_timer()

    # ── beside ──

    async def make_beside(self, attempt: Attempt, estimate: Estimate, work: Work, backend: str) -> Any:  # noqa: ANN401 - what the work returns
        """Make one call to another backend than the task's own, once, while the attempt goes on."""
        desk = attempt.node.level.desks.get(backend)
        if desk is None:
            raise InputError(f"there is no backend {backend!r}", code=Code.UNKNOWN_BACKEND)
        grant = await self._aside.admitted_beside(attempt, estimate, desk)
        attempt.beside.append(grant)
        return await self._settled(attempt, grant, work)


def _callees(attempt: Attempt) -> tuple[Desk, ...]:
    callees = attempt.node.callees
    if not callees:
        raise InputError(f"{attempt.node.id} makes calls and names no backend", code=Code.UNKNOWN_BACKEND)
    return callees
