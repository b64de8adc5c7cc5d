"""One backend's circuit breaker: aiobreaker's states, memory and listener, on a clock that is handed in.

    closed ──failures in a row──▶ open ──reset timeout──▶ half-open ──successes──▶ closed
                                   ▲───────one failure────────┘
    any ──trip──▶ tripped ──reset──▶ closed

What aiobreaker 1.2.0 lacks is added where it lets itself be extended: a gate and a success threshold for half-open,
neutral and stale outcomes, a move made before it is told, a state that a person forced, and no wall clock. Each move
makes a new state object, so a permit that remembers its own is stale as soon as the breaker has moved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import ClassVar, Final

from aiobreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerListener, CircuitBreakerState
from aiobreaker.state import CircuitClosedState, CircuitHalfOpenState, CircuitOpenState
from aiobreaker.storage.memory import CircuitMemoryStorage

from orchestrator.core.errors import Code, ErrorKind, Failure
from orchestrator.core.flow import BreakerPolicy
from orchestrator.core.moments import seconds_until
from orchestrator.core.states import BreakerState


class Outcome(Enum):
    """What the end of a call says about its backend; neutral says nothing."""

    SUCCESS = auto()
    FAILURE = auto()
    NEUTRAL = auto()
