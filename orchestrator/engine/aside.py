"""Attempts that wait for something while they run, and how they come back.

Whoever waits holds nothing, and its clocks stand still; coming back it goes before newcomers.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from orchestrator.core.errors import AttemptError, Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import AttemptResumed, TaskWaiting
from orchestrator.core.ports import Estimate
from orchestrator.core.states import Reason
from orchestrator.engine.admission import Grant
from orchestrator.engine.attempt import Attempt
from orchestrator.engine.desk import Desk
from orchestrator.engine.line import NOTHING, Ticket

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler

T = TypeVar("T")

_BEFORE_NEWCOMERS: Final = -(1 << 40)

INTERRUPTED: Final = Failure(Code.KILLED, ErrorClass.PERMANENT, ErrorKind.CANCELLED, "the call was interrupted")


class Aside:
    """Lets attempts step aside, and in again."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub

    def step(self, attempt: Attempt) -> None:
        """Hold nothing any more."""
        if attempt.holds_slots:
            attempt.pause()
            self._scheduler.ledger.give_slots_back(attempt.grant)

    async def wait(self, attempt: Attempt, reason: Reason, answer: asyncio.Future[T]) -> T:
        """Wait, on nobody's time, for an answer; then come back in."""
        await self._refuse_stopped(attempt)
        self.step(attempt)
        attempt.node.stop_watch()
        self._hub.emit(TaskWaiting(attempt.node.id, reason))
        self._scheduler.work()
        await asyncio.wait((answer,))
        await self.admitted(attempt, NOTHING, ())
        return answer.result()

    async def admitted(self, attempt: Attempt, estimate: Estimate, candidates: tuple[Desk, ...]) -> Grant:
        """Wait until a call is admitted; without candidates, until there are slots.

        The slots stay with the attempt unless it has to wait.
        """
        await self._refuse_stopped(attempt)
        answer: asyncio.Future[Grant] = self._hub.loop.create_future()
        attempt.awaits = answer
        node = attempt.node
        ticket = node.ticket = Ticket(
            node,
            self._scheduler.next_order() + _BEFORE_NEWCOMERS,
            lambda _, grant: self._granted(attempt, grant, answer),
            lambda _, failure: self._rejected(attempt, failure, answer),
            candidates=candidates,
            estimate=estimate,
            needs_slots=not attempt.holds_slots,
        )
        self._hub.admission.request(ticket)
        if not answer.done():
            ticket.needs_slots = True
            self.step(attempt)
            node.stop_watch()
        self._scheduler.work()
        try:
            return await answer
        except asyncio.CancelledError:
            self._leave(attempt, ticket, answer)
            raise

    async def _refuse_stopped(self, attempt: Attempt) -> None:
        if attempt.is_stopping or attempt.is_over:
            await attempt.refuse_call()

    def _granted(self, attempt: Attempt, grant: Grant, answer: asyncio.Future[Grant]) -> None:
        """Let the attempt go on with the call's backend; slots that came with the grant are the attempt's."""
        if answer.done():  # the attempt was stopped in the very moment in which its turn came
            self._scheduler.ledger.settle(attempt.node.id, grant, INTERRUPTED, None, unknown=False)
            return
        attempt.node.ticket = None
        if grant.slots:
            attempt.resume()
            backend = grant.desk.name if grant.desk is not None else self._hub.run.tasks[attempt.node.id].backend
            self._hub.emit(AttemptResumed(attempt.node.id, attempt.number, backend))
        without_slots = grant._replace(slots=())
        attempt.calling = without_slots if grant.desk is not None else None
        answer.set_result(without_slots)

    def _rejected(self, attempt: Attempt, failure: Failure, answer: asyncio.Future[Grant]) -> None:
        if not answer.done():
            attempt.node.ticket = None
            answer.set_exception(AttemptError(failure))

    def _leave(self, attempt: Attempt, ticket: Ticket, answer: asyncio.Future[Grant]) -> None:
        """Leave the line, or give back what was granted a moment ago."""
        if attempt.node.ticket is ticket:
            self._scheduler.leave(attempt.node)
        if answer.done() and not answer.cancelled() and answer.exception() is None and attempt.calling is not None:
            self._scheduler.endings.settle_call(attempt, attempt.calling, INTERRUPTED, unknown=False)
        self._scheduler.work()

    # ── beside ──

    async def admitted_beside(self, attempt: Attempt, estimate: Estimate, desk: Desk) -> Grant:
        """Wait, while the attempt goes on, until a backend takes a call beside its own; an open one takes none."""
        await self._refuse_stopped(attempt)
        answer: asyncio.Future[Grant] = self._hub.loop.create_future()
        ticket = Ticket(
            attempt.node,
            self._scheduler.next_order() + _BEFORE_NEWCOMERS,
            lambda _, grant: answer.set_result(grant),
            lambda _, failure: answer.set_exception(AttemptError(failure)),
            candidates=(desk,),
            estimate=estimate,
            needs_slots=False,
            beside=True,
        )
        self._hub.admission.request(ticket)
        self._scheduler.work()
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            self._leave_beside(ticket, answer)
            raise

    def _leave_beside(self, ticket: Ticket, answer: asyncio.Future[Grant]) -> None:
        gate = self._hub.admission.withdraw(ticket)
        if gate is not None:
            self._scheduler.then(self._hub.admission.moved, gate)
        if answer.done() and answer.exception() is None:
            self._scheduler.ledger.settle(ticket.node.id, answer.result(), INTERRUPTED, None, unknown=False)
        self._scheduler.work()
