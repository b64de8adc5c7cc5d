"""One backend at work: its policies as gates, what its calls came to, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

from orchestrator.core.errors import Code, Failure
from orchestrator.core.events import BackendGauge, BackendHeld, BackendInfo, BreakerMoved, Event, Gauge
from orchestrator.core.flow import BackendSpec, Price, RateLimit, WhenOpen
from orchestrator.core.headers import RETRY_AFTER_CAP
from orchestrator.core.model import Allowance, Usage
from orchestrator.core.ports import Backend, Estimate, ModelBackend
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

    `sharers` are the backends that use the same credential: what holds it holds them.
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
        self._hold_told: float | None = None
        self.parks = spec.breaker.when_open is WhenOpen.PARK
        self.counts_tokens = any(limit.tokens is not None for limit in spec.rate_limits)
        breaker = Breaker(name, spec.breaker, now, self._on_move)
        self.breaker = BreakerGate(name, breaker, spec.breaker.half_open_calls)
        self.hold = HoldGate(name, Hold(now))
        self.rate = RateGate(name, RateLimits(spec.rate_limits, now), now)
        self.slots = Slots(name, spec.max_concurrency)
        self.elsewhere: dict[Ticket, None] = {}
        self._prices: dict[str | None, Price | None] = {}
        self.sharers: tuple[Desk, ...] = ()
        self.calls = 0
        self.failed = 0

    @property
    def backend(self) -> Backend:
        """Return what answers; it is made with the first call."""
        if self._backend is None:
            self._backend = self._make(self.spec)
        return self._backend

    def cost_of(self, used: Estimate | Usage) -> float | None:
        """Return the dollars that a call costs by the backend's price, or by what its model is known to cost."""
        if isinstance(used, Estimate):
            price = self.spec.price or self._price_of(used.model)
            return price.of(used.input_tokens, used.output_tokens) if price else None
        price = self.spec.price
        if price is None:
            return None
        return price.of(used.input_tokens, used.output_tokens, cached=used.cached_tokens, stored=used.stored_tokens)

    def _price_of(self, model: str | None) -> Price | None:
        """Return what calls of a model will cost, where that is known beforehand."""
        if model not in self._prices:
            backend = self.backend
            self._prices[model] = backend.price(model) if isinstance(backend, ModelBackend) else None
        return self._prices[model]

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
        tokens = ticket.estimate.tokens
        self.rate.allowances.take(tokens)
        return Pass(self.breaker.take(), self.hold.hold.take(), self.rate.limits.take(tokens))

    def settle(self, taken: Pass, failure: Failure | None, used: int | None) -> None:
        """Count a call's end; `used` is in tokens, None where nobody knows."""
        outcome = outcome_of(failure, resource=self.spec.kind == RESOURCE)
        self.slots.used -= 1
        self.failed += outcome is Outcome.FAILURE
        if used is not None:
            self.rate.limits.settle(taken.taken, used)
        self._settle_hold(taken.probe, failure, outcome)
        self.breaker.settle(taken.permit, outcome, failure.message if failure else "")

    def learn(self, allowances: Sequence[Allowance]) -> None:
        """Believe what the backend says is left of its own limits."""
        for allowance in allowances:
            self.rate.allowances.learn(allowance, under_way=max(self.slots.used - 1, 0))

    def _settle_hold(self, probe: Probe | None, failure: Failure | None, outcome: Outcome) -> None:
        if failure is not None and failure.code == Code.QUOTA:
            for desk in (self, *self.sharers):
                desk.hold_for(failure, Reason.QUOTA, otherwise=inf)
        elif failure is not None and failure.status == _TOO_MANY:
            self.hold_for(failure, Reason.RATE_LIMIT, otherwise=0.0)
        is_refused = failure is not None and (failure.status == _TOO_MANY or failure.code == Code.QUOTA)
        is_of_all = self.hold.stands and self.hold.reason is Reason.QUOTA
        self.hold.settle(probe, Outcome.FAILURE if is_refused else outcome)
        if not self.hold.stands:
            self.end_hold()
            for desk in (self, *self.sharers) if is_of_all else ():
                desk.let_go(Reason.QUOTA)

    def hold_for(self, failure: Failure, reason: Reason, *, otherwise: float) -> None:
        """Send no calls for as long as the failure says, in seconds."""
        seconds = otherwise if failure.retry_after is None else min(failure.retry_after, RETRY_AFTER_CAP)
        if seconds:
            self.hold_until(self._now() + seconds, failure.message, reason)

    def hold_until(self, until: float, why: str, reason: Reason) -> None:
        """Send no calls until then: the backend asked for it. What is hardly longer than was told is not told again."""
        if self.hold.hold.hold(until, why):
            is_news = self._hold_told is None or until > self._hold_told + _NEWS or self.hold.reason is not reason
            self.hold.reason = reason
            if is_news:
                self._hold_told = until
                self._tell(BackendHeld(self.name, None if until == inf else until, why, reason))
            self._held(self, until)

    def let_go(self, reason: Reason) -> None:
        """End a hold that stands for this reason: a call of somebody who shares the credential got through."""
        if self.hold.reason is reason:
            self.hold.hold.release()
            self._held(self, self._now())

    def end_hold(self) -> None:
        """Tell that a hold has ended, once."""
        if self._hold_told is not None:
            self._hold_told = None
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
        gauges = (*self.rate.limits.gauges(), *self.rate.allowances.gauges())
        if self.slots.limit is not None:
            gauges = (*gauges, Gauge("slots", self.slots.used, self.slots.limit))
        breaker = self.breaker.breaker
        probes = breaker.successes if breaker.state is BreakerState.HALF_OPEN else 0
        return BackendGauge(self.name, breaker.failures, self.calls, self.failed, self.slots.used, gauges, probes)

    async def aclose(self) -> None:
        if self._backend is not None:
            await self._backend.aclose()


_TOO_MANY = 429
_NEWS = 0.5
"""Seconds that a hold has to last longer for anybody to be told again."""


def describe(limit: RateLimit) -> str:
    """Return the limit for people: `50 requests and 40,000 tokens in 60 s`."""
    amounts = [
        f"{amount:,} {unit}" for amount, unit in ((limit.requests, "requests"), (limit.tokens, "tokens")) if amount
    ]
    return f"{' and '.join(amounts)} in {limit.per:g} s"
