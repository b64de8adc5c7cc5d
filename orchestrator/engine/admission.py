"""Admission: one synchronous decision that takes everything or nothing.

Tested in this order: paused, approval, deadline, hold, breaker, budget, rate, slots of the backend, of the fan-out, of
the group, of the run. Whoever is refused waits at the first gate that refused and holds nothing. When a gate moves,
the head of its line is tested again from the top, then the next, until the gate itself refuses. A head blocks only
those whom the same gate refuses.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple, TypeAlias

from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import BudgetExceeded, BudgetReserved, Event, FallbackUsed
from orchestrator.core.flow import OnExceeded
from orchestrator.core.states import BreakerState, Reason
from orchestrator.engine.desk import Desk, Pass
from orchestrator.engine.gates import BreakerGate, BudgetGate, Gate, OpenGate, Slots
from orchestrator.engine.line import Ticket
from orchestrator.engine.timers import Timers
from orchestrator.resilience.budget import Amount, Reservation
from orchestrator.resilience.fallback import choose


class Grant(NamedTuple):
    """All that an admitted ticket took."""

    desk: Desk | None
    taken: Pass | None
    reservations: tuple[tuple[BudgetGate, Reservation], ...]
    slots: tuple[Slots, ...]


class Rejected(NamedTuple):
    """The ticket will never be admitted."""

    failure: Failure


class _Fits(NamedTuple):
    """Every gate has room; the desk is where the call goes."""

    desk: Desk | None


Decision: TypeAlias = _Fits | Gate | Rejected
"""All fits, or the gate to wait at, or never."""

_FITS: Final = _Fits(None)


class Admission:
    """Keeps the lines, and decides.

    `waits` is told where a ticket waits, and until when where that is known; `woken` of a gate whose time has come.
    """

    def __init__(
        self,
        timers: Timers,
        tell: Callable[[Event], None],
        waits: Callable[[Ticket, Gate, float | None], None],
        woken: Callable[[Gate], None],
    ) -> None:
        self._timers = timers
        self._woken = woken
        self._tell = tell
        self._waits = waits
        self._moving: set[Gate] = set()
        self.paused = OpenGate("paused", Reason.PAUSED)
        self.approvals = OpenGate("approval", Reason.APPROVAL)

    # ── tickets ──

    def request(self, ticket: Ticket) -> Gate | None:
        """Admit the ticket now, or let it wait where it is refused: return the gate it waits at."""
        decision = self._decide(ticket)
        if isinstance(decision, Gate):
            return self._wait(ticket, decision)
        if ticket.gate is not None:
            self._leave(ticket)
        if isinstance(decision, Rejected):
            ticket.rejected(ticket.node, decision.failure)
        else:
            ticket.granted(ticket.node, self._take(ticket, decision.desk))
        return None

    def withdraw(self, ticket: Ticket) -> Gate | None:
        """Let the ticket leave the line it is in; return the gate, which has moved if the ticket was its head."""
        gate = ticket.gate
        if gate is not None:
            self._leave(ticket)
        return gate

    def head(self, ticket: Ticket, order: int) -> None:
        """Put the ticket in front of its line."""
        gate = ticket.gate
        assert gate is not None, "only who waits can be put in front"
        gate.line.remove(ticket)
        ticket.order = order
        gate.line.add(ticket)
        self.moved(gate)

    def retest(self, ticket: Ticket) -> None:
        """Test a ticket that waits again, wherever it waits."""
        if ticket.gate is not None:
            self.request(ticket)

    # ── gates ──

    def moved(self, gate: Gate) -> None:
        """Test again who waits at the gate, from the head on, until the gate itself refuses."""
        if not gate.line.size or gate in self._moving:
            return
        self._moving.add(gate)
        try:
            if gate.fair:
                while not gate.is_full and (ticket := gate.line.head()) is not None:
                    if self.request(ticket) is gate:
                        break
            else:
                for ticket in gate.line:
                    self.retest(ticket)
        finally:
            self._moving.discard(gate)

    def moved_elsewhere(self, desk: Desk) -> None:
        """Test again those who wait at another backend, and may have this one in its place."""
        for ticket in tuple(desk.elsewhere):
            self.retest(ticket)

    # ── the decision ──

    def _decide(self, ticket: Ticket) -> Decision:
        node = ticket.node
        if ticket.beside:
            return self._decide_beside(ticket, ticket.candidates[0])
        if node.is_paused:
            return self.paused
        if not node.approved:
            return self.approvals
        if node.deadline_at is not None and (failure := node.past_deadline()) is not None:
            return Rejected(failure)
        if ticket.candidates:
            return self._decide_call(ticket)
        return (self._decide_budget(ticket) if node.budgets else None) or self._decide_slots(ticket, None)

    def _decide_call(self, ticket: Ticket) -> Decision:
        desk = self._desk(ticket)
        self._price(ticket, desk)
        obstacle = desk.obstacle(ticket)
        if isinstance(obstacle, BreakerGate) and not desk.parks:
            return Rejected(_breaker_open(desk))
        if obstacle is not None:
            return obstacle
        if (never := desk.rate.limits.why_never(ticket.estimate.tokens)) is not None:
            return Rejected(_never_fits(never))
        return self._decide_budget(ticket) or self._decide_slots(ticket, desk)

    def _decide_beside(self, ticket: Ticket, desk: Desk) -> Decision:
        obstacle = desk.obstacle(ticket)
        if isinstance(obstacle, BreakerGate):
            return Rejected(_breaker_open(desk))
        return obstacle or self._decide_slots(ticket, desk)

    def _desk(self, ticket: Ticket) -> Desk:
        """Return the first backend that is not open, held or refused by a budget; without one, the task's own."""
        first, *others = ticket.candidates
        choice = choose(ticket.candidates, partial(self._obstacle, ticket)) if others else None
        return choice.candidate if choice is not None else first

    def _obstacle(self, ticket: Ticket, desk: Desk) -> str | None:
        """Return what keeps the call from the backend, for people."""
        self._price(ticket, desk)
        if desk.obstacle(ticket) is None and not any(gate.is_exceeded_by(ticket) for gate in ticket.node.budgets):
            return None
        return _why_passed_over(desk)

    @staticmethod
    def _price(ticket: Ticket, desk: Desk) -> None:
        if ticket.node.budgets:
            ticket.amount = Amount(ticket.estimate.tokens, desk.cost_of(ticket.estimate))

    def _decide_budget(self, ticket: Ticket) -> Gate | Rejected | None:
        for gate in ticket.node.budgets:
            if gate.is_exceeded_by(ticket):
                self._tell_exceeded(gate, ticket)
                if gate.rule is OnExceeded.FAIL:
                    return Rejected(_over_budget(gate, ticket))
                if gate.rule is OnExceeded.HOLD:
                    return gate.spent
            if gate.refuses(ticket):
                return gate
        return None

    def _tell_exceeded(self, gate: BudgetGate, ticket: Ticket) -> None:
        if gate.name not in ticket.exceeded:
            ticket.exceeded |= {gate.name}
            why = gate.budget.why_exceeded(ticket.amount)
            self._tell(BudgetExceeded(gate.name, ticket.node.id, gate.rule, why))

    @staticmethod
    def _decide_slots(ticket: Ticket, desk: Desk | None) -> Decision:
        if desk is not None:
            if desk.rate.refuses(ticket):
                return desk.rate
            if desk.slots.refuses(ticket):
                return desk.slots
        if ticket.needs_slots:
            for slots in ticket.node.slots:
                if slots.refuses(ticket):
                    return slots
        return _FITS if desk is None else _Fits(desk)

    def _take(self, ticket: Ticket, desk: Desk | None) -> Grant:
        node = ticket.node
        slots = node.slots if ticket.needs_slots else ()
        for slot in slots:
            slot.used += 1
        taken = desk.take(ticket) if desk is not None else None
        if desk is not None and desk is not ticket.candidates[0]:
            first = ticket.candidates[0]
            self._tell(FallbackUsed(node.id, desk.name, first.name, _why_passed_over(first)))
        reservations = self._reserve(ticket) if desk is not None and node.budgets else ()
        return Grant(desk, taken, reservations, slots)

    def _reserve(self, ticket: Ticket) -> tuple[tuple[BudgetGate, Reservation], ...]:
        amount = ticket.amount
        for gate in ticket.node.budgets if amount.tokens else ():
            self._tell(BudgetReserved(gate.name, ticket.node.id, amount.tokens, amount.cost_usd))
        return tuple((gate, gate.budget.reserve(amount)) for gate in ticket.node.budgets)

    # ── waiting ──

    def _wait(self, ticket: Ticket, gate: Gate) -> Gate:
        if ticket.gate is not gate:
            if ticket.gate is not None:
                self._leave(ticket)
            gate.line.add(ticket)
            for desk in ticket.candidates[1:]:
                desk.elsewhere[ticket] = None
        until = gate.until(ticket) if gate.knows_when and gate.line.head() is ticket else None
        if until is not None and gate.watched:
            self._timers.wake(gate, until, self._woken)
        self._waits(ticket, gate, until)
        return gate

    @staticmethod
    def _leave(ticket: Ticket) -> None:
        assert ticket.gate is not None, "who does not wait cannot leave"
        ticket.gate.line.remove(ticket)
        for desk in ticket.candidates[1:]:
            desk.elsewhere.pop(ticket, None)


def _why_passed_over(desk: Desk) -> str:
    state = desk.breaker.breaker.state
    if desk.hold.hold.until is not None:
        return f"{desk.name} is held: {desk.hold.hold.why}"
    if state is not BreakerState.CLOSED:
        return f"the breaker of {desk.name} is {state.replace('_', '-')}"
    return f"{desk.name} is refused by a budget"


_PARK = "`when_open: park` lets tasks wait until it closes"


def _breaker_open(desk: Desk) -> Failure:
    return Failure(
        Code.BREAKER_OPEN,
        ErrorClass.TRANSIENT,
        ErrorKind.BREAKER,
        f"the breaker of backend {desk.name} is {desk.breaker.breaker.state.replace('_', '-')}",
        hint=f"it is tried again after {desk.spec.breaker.reset_timeout:g} s" if desk.parks else _PARK,
    )


def given_up(desk: Desk) -> Failure:
    """Return the failure of a parked task when its backend's probes failed too often."""
    breaker = desk.breaker.breaker
    return Failure(
        Code.BREAKER_OPEN,
        ErrorClass.TRANSIENT,
        ErrorKind.BREAKER,
        f"gave up on {desk.name} after {breaker.failed_probes} failed probes: {breaker.last_error}",
        hint="retry when it has recovered; `breaker: {give_up: N}` waits longer",
    )


def _never_fits(why: str) -> Failure:
    hint = "raise the limit, or ask for fewer tokens (max_tokens)"
    return Failure(Code.NEVER_FITS, ErrorClass.PERMANENT, ErrorKind.INPUT, why, hint=hint)


def _over_budget(gate: BudgetGate, ticket: Ticket) -> Failure:
    why = gate.budget.why_exceeded(ticket.amount)
    hint = "raise the budget, or say `on_exceeded: hold` to be asked"
    return Failure(Code.BUDGET, ErrorClass.PERMANENT, ErrorKind.BUDGET, f"budget {gate.name}: {why}", hint=hint)
