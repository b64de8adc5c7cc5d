"""What follows from the end of an attempt: success, another round, another try, failure, or a cancelled task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.core.errors import AttemptError, Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import AttemptFailed, AttemptInterrupted, AttemptSucceeded, TaskCancelled
from orchestrator.core.flow import Until
from orchestrator.core.output import Cut
from orchestrator.core.states import State
from orchestrator.engine.admission import Grant
from orchestrator.engine.attempt import Attempt, Broke, Done, End, Stopped
from orchestrator.engine.node import Node
from orchestrator.engine.scope import shape_of
from orchestrator.resilience.retry import Again, decide

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler


class Endings:
    """Turns ends into events and into what comes next."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub

    def of(self, attempt: Attempt, end: End) -> None:
        match end:
            case Done(output=output):
                self._done(attempt, output)
            case Broke(failure, output):
                again = failure is not attempt.given_up  # what a call's own tries could not mend
                self._broke(attempt, attempt.blame(failure), output, again=again)
            case Stopped(by):
                self._stopped(attempt, by)

    # ── success ──

    def _done(self, attempt: Attempt, raw: Mapping[str, object]) -> None:
        node = attempt.node
        output = self._kept(attempt, raw)
        try:
            satisfied = node.task.until is None or self._is_satisfied(node, node.task.until, output)
            if satisfied and node.task.save is not None:
                self._scheduler.saving.save(node, output)
        except AttemptError as error:
            self._broke(attempt, attempt.blame(error.failure), raw, again=True)
            return
        self._hub.emit(AttemptSucceeded(node.id, attempt.number, satisfied))
        if satisfied:
            if node.task.cache_ttl is not None and not attempt.is_second_best:
                self._scheduler.saving.keep(node, output)
            self._scheduler.succeed(node, output)
        elif node.task.until is not None:
            self._another_round(node, node.task.until, output)
        self._settle(attempt, None, unknown=False)

    def _is_satisfied(self, node: Node, until: Until, output: Mapping[str, object]) -> bool:
        fields = {**shape_of(node).fields, **output}
        return self._scheduler.renderer.holds(until.expression, node, fields)

    def _another_round(self, node: Node, until: Until, output: dict[str, object]) -> None:
        node.rounds += 1
        node.tries = 0
        node.first_try_at = None
        moment = self._hub.now() + until.every
        if self._stops_trying(node):
            self._stop(node)
        elif node.rounds < until.max_rounds and self.may_begin(node, until.every):
            self._scheduler.again_at(node, moment)
        else:
            self._scheduler.fail(node, self.blamed(_never_satisfied(until, node.rounds), node), output)

    # ── failure ──

    def _broke(self, attempt: Attempt, failure: Failure, raw: Mapping[str, object] | None, *, again: bool) -> None:
        node = attempt.node
        delay = self._retry_delay(node, failure) if again else None
        self._hub.emit(AttemptFailed(node.id, attempt.number, failure, delay))
        if delay is not None:
            self._scheduler.again_at(node, self._hub.now() + delay)
        else:
            self._scheduler.fail(node, failure, self._kept(attempt, raw or attempt.partial()))
        self._settle(attempt, failure, unknown=failure.kind is ErrorKind.TIMEOUT)

    def _retry_delay(self, node: Node, failure: Failure) -> float | None:
        """Return the seconds until the next try, None if there is none or it could not begin in time."""
        if self._stops_trying(node):
            return None
        if failure.code == Code.QUOTA:
            node.tries -= 1  # nothing was tried: the backend is held now, and the task waits for that at its door
            return 0.0
        now = self._hub.now()
        decision = decide(
            node.task.retry,
            failure,
            attempts=node.tries,
            elapsed=0.0 if node.first_try_at is None else now - node.first_try_at,
            chance=self._hub.chance.random(node.id, node.number, "retry"),
        )
        if isinstance(decision, Again) and self.may_begin(node, decision.delay):
            return decision.delay
        return None

    def _stops_trying(self, node: Node) -> bool:
        return self._scheduler.cancelled_by is not None and not node.always

    def may_begin(self, node: Node, delay: float) -> bool:
        """Return whether another try can begin before the time of the task is over."""
        left = node.time_left()
        if left is not None and delay >= left:
            return False
        return node.deadline_at is None or self._hub.now() + delay < node.deadline_at

    # ── stopped ──

    def _stopped(self, attempt: Attempt, by: str) -> None:
        node = attempt.node
        self._hub.emit(AttemptInterrupted(node.id, attempt.number, by))
        self._scheduler.settle(node, TaskCancelled(node.id, by), State.CANCELLED)
        self._settle(attempt, _cancelled(by), unknown=True)

    def _stop(self, node: Node) -> None:
        by = self._scheduler.cancelled_by or "the run"
        self._scheduler.settle(node, TaskCancelled(node.id, by), State.CANCELLED)

    # ── helpers ──

    def _settle(self, attempt: Attempt, failure: Failure | None, *, unknown: bool) -> None:
        """Give back what the attempt has: with a call that it was left behind in, without slots that it gave back."""
        if attempt.calling is not None:
            self.settle_call(attempt, attempt.calling, failure, unknown=unknown)
        for call in tuple(attempt.beside):
            self.settle_call(attempt, call, failure, unknown=unknown)
        grant = attempt.grant if attempt.holds_slots else attempt.grant._replace(slots=())
        self._scheduler.ledger.settle(attempt.node.id, grant, failure, attempt.take_usage(), unknown=unknown)

    def settle_call(self, attempt: Attempt, grant: Grant, failure: Failure | None, *, unknown: bool) -> None:
        """Give back what one call of an attempt took, unless that was done when the attempt ended."""
        if attempt.calling is grant:
            usage, attempt.calling = attempt.take_usage(), None
            self._scheduler.ledger.settle(attempt.node.id, grant, failure, usage, unknown=unknown)
        elif grant in attempt.beside:
            attempt.beside.remove(grant)
            self._scheduler.ledger.settle(attempt.node.id, grant, failure, None, unknown=False)

    def _kept(self, attempt: Attempt, raw: Mapping[str, object]) -> dict[str, object]:
        """Return the output redacted, its long texts cut and kept whole in files."""
        redacted = self._hub.redactor.fields(raw)
        return {
            name: self._cut(attempt, name, value) if isinstance(value, str) else value
            for name, value in redacted.items()
        }

    def _cut(self, attempt: Attempt, name: str, value: str) -> str | Cut:
        limit = self._hub.options.max_output
        if len(value) * 4 <= limit:
            return value
        encoded = value.encode("utf-8", "replace")
        if len(encoded) <= limit:
            return value
        files, node = self._hub.files, attempt.node
        path = files.path(node.id, attempt.number, name)
        files.write(node.id, attempt.number, name, encoded.decode())
        files.close(node.id)
        return Cut(encoded[:limit].decode(errors="ignore"), limit, path)

    def blamed(self, failure: Failure, node: Node) -> Failure:
        """Return the failure of a task that is not in an attempt, with its own id and without secrets."""
        text = self._hub.redactor.text
        correlation = f"{self._hub.facts.id}/{node.id}/{node.number}"
        hint = text(failure.hint) if failure.hint else None
        message = self._hub.redactor.message(failure.message)
        return replace(failure, message=message, hint=hint, correlation_id=correlation)

    def recovered(self, node: Node) -> dict[str, object]:
        """Return what the dependants of a failed optional task go on with."""
        try:
            value = self._scheduler.renderer.data(node.task.recover, self._scheduler.renderer.scope(node))
        except AttemptError:
            value = None
        value = self._hub.redactor.data(value)
        return dict(value) if isinstance(value, Mapping) else {shape_of(node).main: value}


def _cancelled(by: str) -> Failure:
    return Failure(Code.KILLED, ErrorClass.PERMANENT, ErrorKind.CANCELLED, f"cancelled by {by}")


def _never_satisfied(until: Until, rounds: int) -> Failure:
    return Failure(
        Code.UNTIL,
        ErrorClass.PERMANENT,
        ErrorKind.WORK,
        f"until: {until.expression} did not come true in {rounds} rounds",
        hint="raise max_rounds or every, or look at the output of the last round",
    )
