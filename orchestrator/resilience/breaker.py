"""One backend's circuit breaker: aiobreaker's states, memory and listener, on a clock that is handed in.

    closed ──failures in a row──▶ open ──reset timeout──▶ half-open ──successes──▶ closed
                                   ▲──────one failure────────┘
    any ──trip──▶ tripped ──reset──▶ closed

What aiobreaker 1.2.0 lacks is added where it lets itself be extended: a gate and a success threshold for half-open,
neutral and stale outcomes, a move that is made before it is told, a state that a person forced, and no wall clock.
Each move makes a new state object; a permit remembers its own, and is stale as soon as the breaker has moved.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import Enum, auto
from typing import ClassVar, Final

from aiobreaker import (  # type: ignore[import-untyped]  # aiobreaker has annotations but no py.typed
    CircuitBreaker,
    CircuitBreakerError,
    CircuitBreakerListener,
    CircuitBreakerState,
)
from aiobreaker.state import (  # type: ignore[import-untyped]  # as above
    CircuitClosedState,
    CircuitHalfOpenState,
    CircuitOpenState,
)
from aiobreaker.storage.memory import CircuitMemoryStorage  # type: ignore[import-untyped]  # as above

from orchestrator.core.errors import Code, ErrorKind, Failure
from orchestrator.core.fact import fact
from orchestrator.core.flow import BreakerPolicy
from orchestrator.core.moments import seconds_until
from orchestrator.core.states import BreakerState

_OUR_OWN_LIMIT: Final = frozenset({Code.TASK_TIMEOUT, Code.DEADLINE, Code.TOO_LARGE})
"""Ends that say more about the limit that the flow set than about who was called."""


class Outcome(Enum):
    """What the end of a call says about its backend; a neutral one says nothing."""

    SUCCESS = auto()
    FAILURE = auto()
    NEUTRAL = auto()


def outcome_of(failure: Failure | None, *, resource: bool) -> Outcome:
    """Return what a call's end says about its backend.

    Upstream errors, unreadable answers and timeouts of one attempt are failures; so is bad work, but only on a
    `resource`, where the work is all that shows how the resource is. Every answer of 400 to 499 is neutral, 408 and
    425 too: whoever asks for another try is there and answers. A limit that is ours is neutral as well.
    """
    if failure is None:
        return Outcome.SUCCESS
    return Outcome.FAILURE if _accuses(failure, resource=resource) else Outcome.NEUTRAL


def _accuses(failure: Failure, *, resource: bool) -> bool:
    if failure.code in _OUR_OWN_LIMIT:
        return False
    if failure.kind is ErrorKind.UPSTREAM:
        return failure.status is None or not 400 <= failure.status <= 499
    return failure.kind is ErrorKind.TIMEOUT or (resource and failure.kind is ErrorKind.WORK)


@fact
class Move:
    """The breaker moved; an open one lets probes through from `until` on."""

    from_: BreakerState
    to: BreakerState
    why: str
    until: float | None


class BreakerOpenError(CircuitBreakerError):  # type: ignore[misc]  # untyped base
    """A permit was taken where none was to be had: ask `delay()` first."""

    def __init__(self, name: str, state: BreakerState, delay: float | None) -> None:
        super().__init__(f"the breaker of {name} is {state}", reopen_time=None)
        self.delay = delay

    def __str__(self) -> str:
        return str(self.message)

    @property
    def time_remaining(self) -> timedelta | None:
        return None if self.delay is None else timedelta(seconds=self.delay)


class Permit:
    """The right to make one call, from `take` until it is settled or given back."""

    __slots__ = ("stand",)

    def __init__(self, stand: _Stand) -> None:
        self.stand: _Stand | None = stand


class Breaker:
    """What admission asks of a breaker: a permit before each call, and its outcome after.

    `on_move` is told of each move when it is complete: what it asks it gets from the new state, and what it raises
    cannot undo it.
    """

    def __init__(
        self, name: str, policy: BreakerPolicy, now: Callable[[], float], on_move: Callable[[Move], None]
    ) -> None:
        self._on_move = on_move
        self._circuit = _Circuit(name, policy, now, _Teller(self._moved))
        self._memory = self._circuit.memory
        self._stand: _Stand = self._circuit.state

    # ── asking ──

    @property
    def state(self) -> BreakerState:
        return self._stand.name

    @property
    def due(self) -> float | None:
        """When an open breaker turns half-open, by its own clock; None in every other state."""
        return self._stand.due

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._memory.counter

    @property
    def failed_probes(self) -> int:
        """Rounds of probes in a row that ended in a failure."""
        return self._memory.failed_probes

    @property
    def last_error(self) -> str:
        """Why the last call that counted as a failure failed."""
        return self._memory.last_error

    @property
    def probes(self) -> int:
        """Probes under way."""
        return self._stand.probes

    @property
    def successes(self) -> int:
        """Probes that succeeded since the breaker turned half-open."""
        return self._stand.successes

    def delay(self) -> float | None:
        """Return 0.0 if a call may go now, the seconds until it may be asked again, None if no time is known."""
        return self._stand.delay()

    # ── calls ──

    def take(self) -> Permit:
        """Let one call go, after `delay()` said 0.0; anything else is refused and changes nothing."""
        return self._stand.admit()

    def settle(self, permit: Permit, outcome: Outcome, why: str = "") -> None:
        """Count a call's end, once, and only while the state it began in lasts."""
        stand, permit.stand = permit.stand, None
        if stand is self._stand:
            stand.settle(outcome, why)

    def give_back(self, permit: Permit) -> None:
        """Take back a permit that was not used."""
        self.settle(permit, Outcome.NEUTRAL)

    # ── time and people ──

    def tick(self) -> None:
        """Turn half-open when that is due, whether or not anybody calls."""
        due = self._stand.due
        if due is not None and not seconds_until(due, self._circuit.now()):
            self._circuit.half_open()

    def trip(self, why: str) -> None:
        """Open until a person resets it."""
        if self.state is not BreakerState.TRIPPED:
            self._circuit.trip(why)

    def reset(self, why: str) -> None:
        """Close, and forget all failures."""
        self._memory.forget()
        if self.state is not BreakerState.CLOSED:
            self._circuit.close(why)

    def _moved(self, old: _Stand, new: _Stand) -> None:
        self._stand = new
        self._on_move(Move(old.name, new.name, self._memory.why, new.due))


class _Memory(CircuitMemoryStorage):  # type: ignore[misc]  # untyped base
    """What outlives a state: aiobreaker's state and counter, and what ours add."""

    counter: int  # a property of the base, named here for its type
    tripped = False
    failed_probes = 0
    last_error = ""
    why = ""

    def forget(self) -> None:
        self.reset_counter()
        self.failed_probes = 0


class _Stand:
    """What our states have beside aiobreaker's: whether a call may go, and what its end does."""

    name: ClassVar[BreakerState]
    _breaker: _Circuit
    due: float | None = None
    probes = 0
    successes = 0

    def delay(self) -> float | None:
        return 0.0

    def admit(self) -> Permit:
        return Permit(self)

    def refusal(self) -> BreakerOpenError:
        return BreakerOpenError(self._breaker.name, self.name, self.delay())

    def settle(self, outcome: Outcome, why: str) -> None:
        if outcome is Outcome.SUCCESS:
            self._breaker.memory.reset_counter()
            self.on_success()
        elif outcome is Outcome.FAILURE:
            self._breaker.memory.increment_counter()
            self._breaker.memory.last_error = why
            self.on_failure(RuntimeError(why))  # never raised: aiobreaker's hooks are handed exceptions

    def on_success(self) -> None:
        """Take note of a success, as aiobreaker calls it."""

    def on_failure(self, exception: Exception) -> None:
        """Take note of a failure, as aiobreaker calls it."""


class _Closed(_Stand, CircuitClosedState):  # type: ignore[misc]  # untyped base
    name = BreakerState.CLOSED

    def on_failure(self, exception: Exception) -> None:
        failures = self._breaker.memory.counter
        if failures >= self._breaker.policy.failure_threshold:
            self._breaker.open(f"{failures} failures in a row, the last: {exception}")


class _Open(_Stand, CircuitOpenState):  # type: ignore[misc]  # untyped base
    name = BreakerState.OPEN

    def __init__(self, breaker: _Circuit, prev_state: _Stand | None = None) -> None:
        super().__init__(breaker, prev_state)
        self.due = breaker.now() + breaker.policy.reset_timeout

    def delay(self) -> float | None:
        return None if self.due is None else seconds_until(self.due, self._breaker.now())

    def admit(self) -> Permit:
        if self.delay() != 0.0:
            raise self.refusal()
        self._breaker.half_open()
        return self._breaker.stand.admit()


class _Tripped(_Open):
    name = BreakerState.TRIPPED

    def __init__(self, breaker: _Circuit, prev_state: _Stand | None = None) -> None:
        super().__init__(breaker, prev_state)
        self.due = None


class _HalfOpen(_Stand, CircuitHalfOpenState):  # type: ignore[misc]  # untyped base
    name = BreakerState.HALF_OPEN

    def delay(self) -> float | None:
        return 0.0 if self.probes < self._breaker.policy.half_open_calls else None

    def admit(self) -> Permit:
        if self.delay() is None:
            raise self.refusal()
        self.probes += 1
        return Permit(self)

    def settle(self, outcome: Outcome, why: str) -> None:
        self.probes -= 1
        super().settle(outcome, why)

    def on_success(self) -> None:
        self.successes += 1
        if self.successes >= self._breaker.policy.success_threshold:
            self._breaker.close(f"{self.successes} probes succeeded")

    def on_failure(self, exception: Exception) -> None:
        self._breaker.memory.failed_probes += 1
        self._breaker.open(f"a probe failed: {exception}")


_STANDS: Final = {
    CircuitBreakerState.CLOSED: _Closed,
    CircuitBreakerState.OPEN: _Open,
    CircuitBreakerState.HALF_OPEN: _HalfOpen,
}


class _Circuit(CircuitBreaker):  # type: ignore[misc]  # untyped base
    """Aiobreaker's breaker, moving in one piece: remembered, made, and only then told."""

    name: str  # a property of the base, named here for its type

    def __init__(
        self, name: str, policy: BreakerPolicy, now: Callable[[], float], listener: CircuitBreakerListener
    ) -> None:
        self.policy = policy
        self.now = now
        self.memory = _Memory(CircuitBreakerState.CLOSED)
        super().__init__(policy.failure_threshold, listeners=[listener], state_storage=self.memory, name=name)

    @property
    def stand(self) -> _Stand:
        stand: _Stand = self.state
        return stand

    def open(self, why: str = "") -> None:
        self._move(CircuitBreakerState.OPEN, why)

    def half_open(self) -> None:
        self._move(CircuitBreakerState.HALF_OPEN, f"{self.policy.reset_timeout:g} s have passed")

    def close(self, why: str = "") -> None:
        self.memory.forget()
        self._move(CircuitBreakerState.CLOSED, why)

    def trip(self, why: str) -> None:
        self._move(CircuitBreakerState.OPEN, why, tripped=True)

    def _move(self, to: CircuitBreakerState, why: str, *, tripped: bool = False) -> None:
        old = self.stand
        self.memory.tripped, self.memory.why = tripped, why
        self.memory.state = self.state = to
        for listener in self.listeners:
            listener.state_change(self, old, self.stand)

    def _create_new_state(
        self, new_state: CircuitBreakerState, prev_state: _Stand | None = None, **_notify: object
    ) -> _Stand:
        # aiobreaker asks to tell the listeners from here, before the move is made; `_move` tells them after
        kind = _Tripped if self.memory.tripped else _STANDS[new_state]
        stand: _Stand = kind(self, prev_state)
        return stand


class _Teller(CircuitBreakerListener):  # type: ignore[misc]  # untyped base
    """Passes a move on."""

    def __init__(self, tell: Callable[[_Stand, _Stand], None]) -> None:
        self._tell = tell

    def state_change(self, _breaker: _Circuit, old: _Stand, new: _Stand) -> None:
        self._tell(old, new)
