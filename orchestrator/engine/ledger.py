"""Settles what an admitted call took: slots, probes, rate, reservations. Never waits."""

from __future__ import annotations

from orchestrator.core.errors import Failure
from orchestrator.core.events import BudgetRaised, BudgetSettled, BudgetThreshold
from orchestrator.core.ports import Usage
from orchestrator.engine.admission import Grant
from orchestrator.engine.desk import Desk
from orchestrator.engine.gates import BudgetGate
from orchestrator.engine.hub import Hub
from orchestrator.resilience.budget import Amount, Reservation

GAUGE_EVERY = 0.25
"""Seconds between two gauges of one backend."""


class Ledger:
    """Closes the books of calls, and tells of budgets and gauges."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._told: dict[str, object] = {}

    def settle(
        self, node_id: str, grant: Grant, failure: Failure | None, usage: Usage | None, *, unknown: bool
    ) -> None:
        """Settle a call. `usage` is what was reported; where that is `unknown`, the reservation stands for it."""
        for gate, reservation in grant.reservations:
            used = _used(reservation, usage, unknown=unknown)
            self._settle_budget(node_id, gate, reservation, used)
        desk = grant.desk
        if desk is not None and grant.taken is not None:
            tokens = usage.input_tokens + usage.output_tokens if usage is not None else None if unknown else 0
            desk.settle(grant.taken, failure, tokens)
            self.gauge(desk)
        self._let_others_in(grant)

    def _settle_budget(self, node_id: str, gate: BudgetGate, reservation: Reservation, used: Amount) -> None:
        crossed = gate.budget.settle(reservation, used)
        asked = reservation.amount
        if used.tokens or asked.tokens:
            self._hub.emit(BudgetSettled(gate.name, node_id, used.tokens, used.cost_usd, asked.tokens, asked.cost_usd))
        for unit, percent in crossed:
            self._hub.emit(BudgetThreshold(gate.name, unit, percent))

    def _let_others_in(self, grant: Grant) -> None:
        admission = self._hub.admission
        admission.released(grant)
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
        if self._told.get(desk.name) != gauge:
            self._told[desk.name] = gauge
            self._hub.emit(gauge)
            if any(one.used for one in gauge.gauges if one.label != "slots"):
                self.gauge(desk)  # a limiter empties by itself

    # ── time ──

    def watch_time(self, gate: BudgetGate) -> None:
        """Tell of the thresholds that a budget's time reaches, when it reaches them."""
        due = gate.budget.due
        if due is not None:
            self._hub.timers.wake(gate.budget, due, lambda _: self._time_reached(gate))

    def _time_reached(self, gate: BudgetGate) -> None:
        for unit, percent in gate.budget.tick():
            self._hub.emit(BudgetThreshold(gate.name, unit, percent))
        self.watch_time(gate)

    def raised(self, gate: BudgetGate, raised: BudgetRaised) -> None:
        gate.budget.raise_to(tokens=raised.tokens, cost_usd=raised.cost_usd, time=raised.time)
        self._hub.emit(raised)
        self.watch_time(gate)
        self._hub.admission.moved(gate)


def _used(reservation: Reservation, usage: Usage | None, *, unknown: bool) -> Amount:
    if usage is not None:
        return Amount(usage.input_tokens + usage.output_tokens, usage.cost_usd)
    return reservation.amount if unknown else Amount(0, 0.0)
