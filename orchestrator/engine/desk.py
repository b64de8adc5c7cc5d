"""One backend at work: its policies as gates, what its calls came to, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from orchestrator.core.errors import Failure
from orchestrator.core.events import BackendGauge, BackendHeld, BackendInfo, BreakerMoved, Event, Gauge
from orchestrator.core.flow import BackendSpec, RateLimit, WhenOpen
from orchestrator.core.headers import RETRY_AFTER_CAP
from orchestrator.core.ports import Backend
from orchestrator.core.states import BreakerState, Reason
from orchestrator.engine.gates import BreakerGate, HoldGate, RateGate, Slots
from orchestrator.engine.line import Ticket
from orchestrator.resilience.breaker import Breaker, Move, Outcome, Permit, outcome_of
from orchestrator.resilience.hold import Hold, Probe
from orchestrator.resilience.rate_limit import RateLimits, Taken
from orchestrator.resilience.release import Release

RESOURCE = "resource"


@dataclass(slots=True)
class Pass:
    """What one admitted call took of a backend, to be settled once."""

    permit: tuple[Permit, Release | None]
    probe: Probe | None
    taken: Taken


class Desk:
    """A backend's gates, and its books. It decides nothing for tasks: it says whether it has room, and takes.

    `tell` makes an event of what happened; `moved` is told of each move of the breaker, `held` of when a hold ends.
    """

    def __init__(
        self,
        name: str,
        spec: BackendSpec,
        make: Callable[[BackendSpec], Backend],
        now: Callable[[], float],
        *,
        tell: Callable[[Event], None],
        moved: Callable[[Desk, Move], None],
        held: Callable[[Desk, float], None],
    ) -> None:
        self.spec = spec
        self.name = name
        self._make = make
        self._backend: Backend | None = None
        self._now = now
        self._tell = tell
        self._breaker_moved = moved
        self._held = held
        self._hold_told = False
        self.parks = spec.breaker.when_open is WhenOpen.PARK
        self.counts_tokens = any(limit.tokens is not None for limit in spec.rate_limits)
        self.price = (spec.price.input, spec.price.output) if spec.price else None
        breaker = Breaker(name, spec.breaker, now, self._on_move)
        self.breaker = BreakerGate(name, breaker, spec.breaker.half_open_calls)
        self.hold = HoldGate(name, Hold(now))
        self.rate = RateGate(name, RateLimits(spec.rate_limits, now), now)
        self.slots = Slots(name, spec.max_concurrency)
        self.elsewhere: dict[Ticket, None] = {}
        self.calls = 0
        self.failed = 0

    @property
    def backend(self) -> Backend:
        """Return what answers; it is made with the first call."""
        if self._backend is None:
            self._backend = self._make(self.spec)
        return self._backend

    @property
    def info(self) -> BackendInfo:
        policy = self.spec.breaker
        return BackendInfo(
            name=self.name,
            kind=self.spec.kind,
            failure_threshold=policy.failure_threshold,
            success_threshold=policy.success_threshold,
            half_open_calls=policy.half_open_calls,
            reset_timeout=policy.reset_timeout,
            max_concurrency=self.spec.max_concurrency,
            limits=tuple(describe(limit) for limit in self.spec.rate_limits),
        )

    def obstacle(self, ticket: Ticket) -> HoldGate | BreakerGate | None:
        """Return what keeps calls from the backend altogether; limits and slots only delay them."""
        if self.hold.refuses(ticket):
            return self.hold
        return self.breaker if self.breaker.refuses(ticket) else None

    # ── calls ──

    def take(self, ticket: Ticket) -> Pass:
        """Let the ticket's call go; every gate had room."""
        self.slots.used += 1
        self.calls += 1
        return Pass(self.breaker.take(), self.hold.hold.take(), self.rate.limits.take(ticket.estimate.tokens))

    def settle(self, taken: Pass, failure: Failure | None, used: int | None) -> None:
        """Count a call's end; `used` is in tokens, None where nobody knows."""
        outcome = outcome_of(failure, resource=self.spec.kind == RESOURCE)
        self.slots.used -= 1
        self.failed += outcome is Outcome.FAILURE
        if used is not None:
            self.rate.limits.settle(taken.taken, used)
        self._settle_hold(taken.probe, failure, outcome)
        self.breaker.settle(taken.permit, outcome, failure.message if failure else "")

    def _settle_hold(self, probe: Probe | None, failure: Failure | None, outcome: Outcome) -> None:
        is_refused = failure is not None and failure.status == _TOO_MANY
        if is_refused and failure is not None and failure.retry_after:
            seconds = min(failure.retry_after, RETRY_AFTER_CAP)
            self.hold_until(self._now() + seconds, failure.message, Reason.RATE_LIMIT)
        self.hold.settle(probe, Outcome.FAILURE if is_refused else outcome)
        if not self.hold.stands:
            self.end_hold()

    def hold_until(self, until: float, why: str, reason: Reason) -> None:
        """Send no calls until then: the backend asked for it."""
        if self.hold.hold.hold(until, why):
            self.hold.reason = reason
            self._hold_told = True
            self._tell(BackendHeld(self.name, None if until == inf else until, why))
            self._held(self, until)

    def end_hold(self) -> None:
        """Tell that a hold has ended, once."""
        if self._hold_told:
            self._hold_told = False
            self._tell(BackendHeld(self.name, None, "the hold ended"))

    @property
    def counts_calls(self) -> bool:
        """Return whether only so many calls go through now: then the end of one makes room for others."""
        return self.hold.stands or self.breaker.counts_calls

    # ── telling ──

    def _on_move(self, move: Move) -> None:
        self._tell(BreakerMoved(self.name, move.from_, move.to, move.why, move.until))
        self.breaker.moved_to(move.to)
        self._breaker_moved(self, move)

    def gauge(self) -> BackendGauge:
        """Return how the backend stands; moments are on the run's clock."""
        gauges = self.rate.limits.gauges()
        if self.slots.limit is not None:
            gauges = (*gauges, Gauge("slots", self.slots.used, self.slots.limit))
        breaker = self.breaker.breaker
        probes = breaker.successes if breaker.state is BreakerState.HALF_OPEN else 0
        return BackendGauge(self.name, breaker.failures, self.calls, self.failed, self.slots.used, gauges, probes)

    async def aclose(self) -> None:
        if self._backend is not None:
            await self._backend.aclose()


_TOO_MANY = 429


def describe(limit: RateLimit) -> str:
    """Return the limit for people: `50 requests and 40,000 tokens in 60 s`."""
    amounts = [
        f"{amount:,} {unit}" for amount, unit in ((limit.requests, "requests"), (limit.tokens, "tokens")) if amount
    ]
    return f"{' and '.join(amounts)} in {limit.per:g} s"
