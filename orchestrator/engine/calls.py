"""Calls that an attempt makes one after the other: each admitted, repeated and settled on its own.

While a call waits, the attempt gives its slots back and its clocks stand still; coming back it goes before newcomers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from orchestrator.core.errors import AttemptError, Code, ErrorClass, ErrorKind, Failure, InputError
from orchestrator.core.events import AttemptResumed, TaskWaiting
from orchestrator.core.ports import Backend, Estimate
from orchestrator.core.states import Reason
from orchestrator.engine.admission import Grant
from orchestrator.engine.attempt import Attempt
from orchestrator.engine.desk import Desk
from orchestrator.engine.line import Ticket
from orchestrator.engine.scheduler import Scheduler
from orchestrator.resilience.retry import Again, decide

_BEFORE_NEWCOMERS: Final = -(1 << 40)

_INTERRUPTED: Final = Failure(Code.KILLED, ErrorClass.PERMANENT, ErrorKind.CANCELLED, "the call was interrupted")
_BROKEN: Final = Failure(Code.BUG, ErrorClass.PERMANENT, ErrorKind.BUG, "the caller has a bug")


class Calls:
    """Makes calls for attempts of kinds that make many."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub

    async def make(self, attempt: Attempt, estimate: Estimate, work: Callable[[Backend], Awaitable[Any]]) -> Any:  # noqa: ANN401 - what the work returns
        """Make one call; repeat it as the task's retry policy says. Raises what the last try raised."""
        began, tries = self._hub.now(), 0
        while True:
            tries += 1
            grant = await self._admitted(attempt, estimate)
            try:
                return await self._settled(attempt, grant, work)
            except AttemptError as error:
                delay = self._delay(attempt, error.failure, tries, self._hub.now() - began)
                if delay is None:
                    attempt.given_up = error.failure
                    raise
            await self._back_off(attempt, delay)

    async def _settled(self, attempt: Attempt, grant: Grant, work: Callable[[Backend], Awaitable[Any]]) -> Any:  # noqa: ANN401 - what the work returns
        assert grant.desk is not None, "a call goes to a backend"
        failure: Failure | None = None
        try:
            return await work(grant.desk.backend)
        except AttemptError as error:
            failure = attempt.blame(error.failure)
            raise
        except asyncio.CancelledError:
            failure = attempt.why_stopped(_INTERRUPTED)
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

    # ── waiting ──

    async def _admitted(self, attempt: Attempt, estimate: Estimate) -> Grant:
        """Wait until the call is admitted. The slots stay with the attempt unless it has to wait."""
        if attempt.is_stopping or attempt.is_over:
            await attempt.refuse_call()
        answer: asyncio.Future[Grant] = self._hub.loop.create_future()
        attempt.awaits = answer
        node = attempt.node
        ticket = node.ticket = Ticket(
            node,
            self._scheduler.next_order() + _BEFORE_NEWCOMERS,
            lambda grant: self._granted(attempt, grant, answer),
            lambda failure: self._rejected(attempt, failure, answer),
            candidates=self._candidates(attempt),
            estimate=estimate,
            needs_slots=not attempt.holds_slots,
        )
        self._hub.admission.request(ticket)
        if not answer.done():
            ticket.needs_slots = True
            self._step_aside(attempt)
            node.stop_watch()
        self._scheduler.work()
        try:
            return await answer
        except asyncio.CancelledError:
            self._leave(attempt, ticket, answer)
            raise

    def _candidates(self, attempt: Attempt) -> tuple[Desk, ...]:
        candidates = self._scheduler.renderer.candidates(attempt.node)
        if not candidates:
            raise InputError(f"{attempt.node.id} makes calls and names no backend", code=Code.UNKNOWN_BACKEND)
        return candidates

    def _granted(self, attempt: Attempt, grant: Grant, answer: asyncio.Future[Grant]) -> None:
        """Let the attempt go on with the call's backend; slots that came with the grant are the attempt's."""
        if answer.done():  # the attempt was stopped in the very moment in which its turn came
            self._scheduler.ledger.settle(attempt.node.id, grant, _INTERRUPTED, None, unknown=False)
            return
        attempt.node.ticket = None
        if grant.slots:
            attempt.resume()
            backend = grant.desk.name if grant.desk is not None else None
            self._hub.emit(AttemptResumed(attempt.node.id, attempt.number, backend))
        attempt.calling = grant._replace(slots=())
        answer.set_result(attempt.calling)

    def _rejected(self, attempt: Attempt, failure: Failure, answer: asyncio.Future[Grant]) -> None:
        if not answer.done():
            attempt.node.ticket = None
            answer.set_exception(AttemptError(failure))

    def _leave(self, attempt: Attempt, ticket: Ticket, answer: asyncio.Future[Grant]) -> None:
        """Leave the line, or give back what was granted a moment ago."""
        if attempt.node.ticket is ticket:
            self._scheduler.leave(attempt.node)
        if answer.done() and not answer.cancelled() and answer.exception() is None and attempt.calling is not None:
            self._scheduler.endings.settle_call(attempt, attempt.calling, _INTERRUPTED, unknown=False)
        self._scheduler.work()

    def _step_aside(self, attempt: Attempt) -> None:
        """Hold nothing while waiting."""
        if attempt.holds_slots:
            attempt.pause()
            self._scheduler.ledger.give_slots_back(attempt.grant)

    async def _back_off(self, attempt: Attempt, delay: float) -> None:
        """Wait, on the task's own time, until the delay is over or somebody ends it."""
        node, until = attempt.node, self._hub.now() + delay
        self._step_aside(attempt)
        self._hub.emit(TaskWaiting(node.id, Reason.BACKOFF, until))
        over = attempt.awaits = self._hub.loop.create_future()
        node.timer = self._hub.timers.at(until, self._scheduler.after_backoff, node)
        self._scheduler.work()
        try:
            await over
        finally:
            node.stop_timer()
