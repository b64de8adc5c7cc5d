"""Calls that an attempt makes one after the other: each admitted, repeated and settled on its own.

While a call waits, the attempt gives its slots back and its clocks stand still; coming back it goes before newcomers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from orchestrator.core.errors import AttemptError, Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import AttemptResumed, TaskWaiting
from orchestrator.core.ports import Backend, Estimate
from orchestrator.core.states import Reason
from orchestrator.engine.admission import Grant
from orchestrator.engine.attempt import Attempt
from orchestrator.engine.line import Ticket
from orchestrator.engine.scheduler import Scheduler
from orchestrator.resilience.retry import Again, decide

_BEFORE_NEWCOMERS: Final = -(1 << 40)

_INTERRUPTED: Final = Failure(Code.KILLED, ErrorClass.PERMANENT, ErrorKind.CANCELLED, "the call was interrupted")


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
                answer = await self._settled(attempt, grant, work)
            except AttemptError as error:
                delay = self._delay(attempt, error.failure, tries, self._hub.now() - began)
                if delay is None:
                    raise
                await self._back_off(attempt, delay)
            else:
                return answer

    async def _settled(self, attempt: Attempt, grant: Grant, work: Callable[[Backend], Awaitable[Any]]) -> Any:  # noqa: ANN401 - what the work returns
        assert grant.desk is not None, "a call goes to a backend"
        failure: Failure | None = None
        unknown = False
        try:
            return await work(grant.desk.backend)
        except AttemptError as error:
            failure, unknown = attempt.blame(error.failure), error.failure.kind is ErrorKind.TIMEOUT
            raise
        except asyncio.CancelledError:
            unknown = True
            failure = _INTERRUPTED
            raise
        finally:
            usage = attempt.take_usage()
            attempt.calling = None
            self._scheduler.ledger.settle(attempt.node.id, grant, failure, usage, unknown=unknown)
            self._scheduler.work()

    def _delay(self, attempt: Attempt, failure: Failure, tries: int, elapsed: float) -> float | None:
        chance = attempt.chance("call", tries)
        decision = decide(attempt.node.task.retry, failure, attempts=tries, elapsed=elapsed, chance=chance)
        return decision.delay if isinstance(decision, Again) else None

    # ── waiting ──

    async def _admitted(self, attempt: Attempt, estimate: Estimate) -> Grant:
        """Wait until the call is admitted. The slots stay with the attempt unless it has to wait."""
        answer: asyncio.Future[Grant] = self._hub.loop.create_future()
        node = attempt.node
        ticket = Ticket(
            node,
            self._scheduler.next_order() + _BEFORE_NEWCOMERS,
            answer.set_result,
            lambda failure: answer.set_exception(AttemptError(failure)),
            candidates=self._scheduler.renderer.candidates(node),
            estimate=estimate,
            needs_slots=not attempt.holds_slots,
        )
        self._hub.admission.request(ticket)
        if not answer.done():
            self._step_aside(attempt)
            ticket.needs_slots = True
        try:
            grant = await answer
        except asyncio.CancelledError:
            self._hub.admission.withdraw(ticket)
            if answer.done() and not answer.cancelled() and answer.exception() is None:
                self._give_back(attempt, answer.result())
            raise
        return self._begin(attempt, grant)

    def _begin(self, attempt: Attempt, grant: Grant) -> Grant:
        """Let the attempt go on with the call's backend; slots that came with the grant are the attempt's."""
        if grant.slots:
            attempt.holds_slots = True
            attempt.start_clocks()
            attempt.node.start_watch()
            backend = grant.desk.name if grant.desk is not None else None
            self._hub.emit(AttemptResumed(attempt.node.id, attempt.number, backend))
        attempt.calling = grant
        return grant._replace(slots=())

    def _give_back(self, attempt: Attempt, grant: Grant) -> None:
        self._scheduler.ledger.settle(attempt.node.id, grant, _INTERRUPTED, None, unknown=False)

    def _step_aside(self, attempt: Attempt) -> None:
        """Hold nothing while waiting."""
        if attempt.holds_slots:
            attempt.holds_slots = False
            attempt.stop_clocks()
            attempt.node.stop_watch()
            self._hub.admission.released(attempt.grant)

    async def _back_off(self, attempt: Attempt, delay: float) -> None:
        self._step_aside(attempt)
        until = self._hub.now() + delay
        self._hub.emit(TaskWaiting(attempt.node.id, Reason.BACKOFF, until))
        await self._hub.clock.sleep(delay)
