"""What an attempt or a call can wait at. A gate is asked, and never waits itself: it has room, or may know when."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from math import inf

from orchestrator.core.flow import OnExceeded
from orchestrator.core.states import BreakerState, Reason
from orchestrator.engine.line import Line, Ticket
from orchestrator.resilience.allowance import Allowances
from orchestrator.resilience.breaker import Breaker, Outcome, Permit
from orchestrator.resilience.budget import Budget, Verdict
from orchestrator.resilience.hold import Hold, Probe
from orchestrator.resilience.rate_limit import RateLimits
from orchestrator.resilience.release import Release


class Gate:
    """Somewhere to wait, in a line. Where gates are `fair`, nobody overtakes who became ready earlier.

    A gate that `knows_when` tells until when the head of its line waits. One that opens by time alone has to be
    `watched`: nobody else tells when it has room again. One that `is_full` has room for nobody, whoever asks.
    """

    fair = True
    knows_when = False
    watched = False
    is_full = False

    def __init__(self, name: str, reason: Reason) -> None:
        self.name = name
        self.reason = reason
        self.line = Line(self)

    def until(self, ticket: Ticket) -> float | None:
        """Return the second on the run's clock at which the head of the line may be tested again, where known."""
        del ticket
        return None


class OpenGate(Gate):
    """Where tickets wait for a person: pauses, approvals, spent budgets. Admission knows who of them may go."""

    fair = False


class Door(Gate, ABC):
    """A gate that can be asked: it has room for a ticket, or not."""

    @abstractmethod
    def has_room(self, ticket: Ticket) -> bool: ...

    def refuses(self, ticket: Ticket) -> bool:
        return self.line.is_before(ticket) or not self.has_room(ticket)


class Slots(Door):
    """So many at once; None is any number."""

    def __init__(self, name: str, limit: int | None) -> None:
        super().__init__(name, Reason.SLOT)
        self.limit = limit
        self.used = 0

    @property
    def is_full(self) -> bool:  # type: ignore[override]  # a flag of the class, computed here
        return self.limit is not None and self.used >= self.limit

    def has_room(self, ticket: Ticket) -> bool:
        del ticket
        return not self.is_full

    def refuses(self, ticket: Ticket) -> bool:
        """Return whether the ticket has to wait. Asked for every attempt, several times: so it asks nobody in vain."""
        if self.limit is not None and self.used >= self.limit:
            return True
        return self.line.size > 0 and self.line.is_before(ticket)


class HoldGate(Door):
    """A backend that asked its callers to stay away."""

    knows_when = True

    def __init__(self, name: str, hold: Hold) -> None:
        super().__init__(name, Reason.RATE_LIMIT)
        self.hold = hold

    @property
    def stands(self) -> bool:
        return self.hold.until is not None

    def has_room(self, ticket: Ticket) -> bool:
        del ticket
        return self.hold.delay() == 0.0

    def until(self, ticket: Ticket) -> float | None:
        del ticket
        until = self.hold.until
        return None if until == inf else until

    def settle(self, probe: Probe | None, outcome: Outcome) -> None:
        if probe is None:
            return
        if outcome is Outcome.SUCCESS:
            self.hold.succeeded(probe)
        elif outcome is Outcome.FAILURE:
            self.hold.failed(probe)
        else:
            self.hold.give_back(probe)


class BreakerGate(Door):
    """A backend's breaker, and the staged return of those who were parked while it was open."""

    knows_when = True

    def __init__(self, name: str, breaker: Breaker, half_open_calls: int) -> None:
        super().__init__(name, Reason.BREAKER)
        self.breaker = breaker
        self._half_open_calls = half_open_calls
        self._release: Release | None = None

    @property
    def counts_calls(self) -> bool:
        """Return whether it lets only so many through: then the end of a call makes room."""
        return self.breaker.state is BreakerState.HALF_OPEN or self._release is not None

    def has_room(self, ticket: Ticket) -> bool:
        del ticket
        if self.breaker.state is BreakerState.OPEN:
            return False
        return self.breaker.delay() == 0.0 and (self._release is None or self._release.allowance > 0)

    def until(self, ticket: Ticket) -> float | None:
        del ticket
        return self.breaker.due

    def take(self) -> tuple[Permit, Release | None]:
        if self._release is not None:
            self._release.take()
        return self.breaker.take(), self._release

    def settle(self, taken: tuple[Permit, Release | None], outcome: Outcome, why: str) -> None:
        permit, release = taken
        self.breaker.settle(permit, outcome, why)
        if release is not None:
            release.success() if outcome is Outcome.SUCCESS else release.give_back()
        self._end_release()

    def moved_to(self, state: BreakerState) -> None:
        """Begin the staged release when the breaker closes over a line; any other move ends one."""
        self._release = None
        if state is BreakerState.CLOSED and self.line.size:
            self._release = Release(self._half_open_calls)
            self._end_release()

    def _end_release(self) -> None:
        if self._release is not None and self._release.is_over(self.line.size):
            self._release = None


class RateGate(Door):
    """A backend's rate limits: those that are declared, and those of its own that it tells of."""

    knows_when = True
    watched = True

    def __init__(self, name: str, limits: RateLimits, now: Callable[[], float]) -> None:
        super().__init__(name, Reason.RATE_LIMIT)
        self.limits = limits
        self.allowances = Allowances(now)
        self._now = now

    def has_room(self, ticket: Ticket) -> bool:
        return self._delay(ticket) == 0.0

    def until(self, ticket: Ticket) -> float | None:
        return self._now() + self._delay(ticket)

    def _delay(self, ticket: Ticket) -> float:
        tokens = ticket.estimate.tokens
        return max(self.limits.delay(tokens), self.allowances.delay(tokens))


class BudgetGate(Door):
    """What a run, a group or a task may spend, and the rule for who asks for more than is left.

    In its line wait those who fit if calls under way settle for less than they reserved. Those who do not fit beside
    what is spent wait at `spent`, for a person, and block nobody who asks for less.
    """

    def __init__(self, budget: Budget, rule: OnExceeded) -> None:
        super().__init__(budget.name, Reason.BUDGET)
        self.budget = budget
        self.rule = rule
        self.spent = OpenGate(budget.name, Reason.BUDGET)

    def refuses(self, ticket: Ticket) -> bool:
        """Return whether the ticket has to wait; whoever asks for nothing takes nothing from those before."""
        if ticket.amount.tokens or ticket.amount.cost_usd:
            return super().refuses(ticket)
        return not self.has_room(ticket)

    def has_room(self, ticket: Ticket) -> bool:
        verdict = self.budget.verdict(ticket.amount)
        return verdict is Verdict.FITS or (verdict is Verdict.EXCEEDED and self.rule is OnExceeded.WARN)

    def is_exceeded_by(self, ticket: Ticket) -> bool:
        """Return whether only a person can make room: what is spent leaves none, whatever calls under way settle."""
        return self.budget.verdict(ticket.amount) is Verdict.EXCEEDED
