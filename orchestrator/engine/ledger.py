"""Settles what an admitted call took: slots, probes, rate, reservations. Never waits."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.core.errors import Failure
from orchestrator.core.events import BudgetRaised, BudgetSettled, BudgetThreshold
from orchestrator.core.model import Usage
from orchestrator.core.states import RunState
from orchestrator.engine.admission import Grant
from orchestrator.engine.desk import Desk
from orchestrator.engine.gates import BudgetGate
from orchestrator.engine.hub import Hub
from orchestrator.resilience.budget import Amount, Reservation

GAUGE_EVERY = 0.25
"""Seconds between two gauges of one backend."""


class Ledger:
    """Closes the books of calls, and tells of budgets and gauges.

    `then` is called with what is to be done after, `do` with what time brings.
    """

    def __init__(self, hub: Hub, then: Callable[..., None], do: Callable[..., None]) -> None:
        self._hub = hub
        self._then = then
        self._do = do
        self._told: dict[str, object] = {}

    def settle(
        self, node_id: str, grant: Grant, failure: Failure | None, usage: Usage | None, *, unknown: bool
    ) -> None:
        """Settle a call. `usage` is what was reported; where that is `unknown`, the reservation stands for it.

        Everything is given back at once; others are let in when what led here has been dealt with: a task that fails
        may cancel those who wait behind it.
        """
        for slots in grant.slots:
            slots.used -= 1
        for gate, reservation in grant.reservations:
            used = _used(reservation, usage, unknown=unknown)
            self._settle_budget(node_id, gate, reservation, used)
        desk = grant.desk
        counts_calls = desk is not None and desk.counts_calls
        if desk is not None and grant.taken is not None:
            tokens = usage.input_tokens + usage.output_tokens if usage is not None else None if unknown else 0
            desk.settle(grant.taken, failure, tokens)
            self.gauge(desk)
        self._then(self._let_others_in, grant)
        if desk is not None and counts_calls:
            self._then(self._hub.admission.moved_elsewhere, desk)

    def give_slots_back(self, grant: Grant) -> None:
        """Give back the slots alone, and let others have them."""
        for slots in grant.slots:
            slots.used -= 1
        self._then(self._let_others_in, Grant(None, None, (), grant.slots))

    def _settle_budget(self, node_id: str, gate: BudgetGate, reservation: Reservation, used: Amount) -> None:
        crossed = gate.budget.settle(reservation, used)
        asked = reservation.amount
        if used.tokens or asked.tokens:
            self._hub.emit(BudgetSettled(gate.name, node_id, used.tokens, used.cost_usd, asked.tokens, asked.cost_usd))
        for unit, percent in crossed:
            self._hub.emit(BudgetThreshold(gate.name, unit, percent))

    def _let_others_in(self, grant: Grant) -> None:
        admission = self._hub.admission
        for slots in grant.slots:
            if slots.line.size:
                admission.moved(slots)
        if grant.desk is not None:
            for gate in (grant.desk.slots, grant.desk.rate, grant.desk.hold, grant.desk.breaker):
                admission.moved(gate)
        for budget, _ in grant.reservations:
            admission.moved(budget)

    # ── gauges ──

    def gauge(self, desk: Desk) -> None:
        """Plan to tell how the backend stands, at most a few times a second."""
        self._hub.timers.wake(desk, self._hub.now() + GAUGE_EVERY, self.tell_gauge)

    def tell_gauge(self, desk: Desk) -> None:
        gauge = desk.gauge()
        if self._told.get(desk.name) != gauge and self._hub.run.state is not RunState.FINISHED:
            self._told[desk.name] = gauge
            self._hub.emit(gauge)
            if any(one.used for one in gauge.gauges if one.label != "slots"):
                self.gauge(desk)  # a limiter empties by itself

    # ── time ──

    def watch_time(self, gate: BudgetGate) -> None:
        """Tell of the thresholds that a budget's time reaches, when it reaches them."""
        due = gate.budget.due
        if due is not None:
            self._hub.timers.wake(gate.budget, due, lambda _: self._do(self._time_reached, gate))

    def _time_reached(self, gate: BudgetGate) -> None:
        """Tell how much of the time has passed; when it is over, its rule is for those who wait too."""
        for unit, percent in gate.budget.tick():
            if self._hub.run.state is not RunState.FINISHED:
                self._hub.emit(BudgetThreshold(gate.name, unit, percent))
        self.watch_time(gate)
        self._then(self._hub.admission.moved, gate)

    def raised(self, gate: BudgetGate, raised: BudgetRaised) -> None:
        """Make room for those who wait for a person to do so, here or, with another backend in reach, elsewhere."""
        gate.budget.raise_to(tokens=raised.tokens, cost_usd=raised.cost_usd, time=raised.time)
        self._hub.emit(raised)
        self.watch_time(gate)
        for ticket in gate.spent.line:
            ticket.exceeded -= {gate.name}
        for line in (gate.spent, gate):
            self._then(self._hub.admission.moved, line)


def _used(reservation: Reservation, usage: Usage | None, *, unknown: bool) -> Amount:
    if usage is not None:
        return Amount(usage.input_tokens + usage.output_tokens, usage.cost_usd)
    return reservation.amount if unknown else Amount(0, 0.0)
