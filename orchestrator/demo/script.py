"""What is said at each moment of the tour. Which moment it is follows from the facts, whoever brought them about."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from orchestrator.core.simulation import Mood
from orchestrator.core.states import BreakerState

BACKEND: Final = "web"
"""What burns, unless a person breaks something else."""

WARNING: Final = 5.0
"""Second of the run at which the fire is announced."""
FIRE: Final = 10.0
"""Second of the run at which it breaks out."""
BURNING: Final = 22.0
"""Seconds for which it burns."""
NOTICE: Final = 4.0
"""Seconds before its end at which that is announced."""
HOLD: Final = 2.5
"""Seconds for which every caption stands at least."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What decides what is said. `backend` is the one in question, `group` those that use it.

    `opened` counts how often its breaker opened since it was broken, `ends_in` are the seconds until the tour mends it,
    if it will.
    """

    now: float
    backend: str = BACKEND
    group: str = "research"
    mood: Mood = Mood.WELL
    broken: bool = False
    breaker: BreakerState = BreakerState.CLOSED
    opened: int = 0
    ends_in: float | None = None
    finished: bool = False


class Words(NamedTuple):
    """The texts of a moment, with names in braces."""

    heading: str
    why: str
    look: str


class Moment(Enum):
    """The moments, in the order in which they come when nobody interferes."""

    WORK = Words(
        "Three groups of agents work side by side",
        "Each has a backend of its own, and only {group} uses {backend}. All is simulated: no key, no cost.{pace}",
        "See how the bar of each group grows, and what its agents write.",
    )
    SOON = Words(
        "In {fire_in} the backend {backend} catches fire",
        "From then on it answers every call with 503. The other groups do not use it.",
        "Keep an eye on {group}, and on the bars of the other groups.",
    )
    FIRE = Words(
        "{backend} burns: it answers every call with 503",
        "What fails is tried again, later each time. A task that waits holds no slot, so others can start.",
        "Look at {group}: retry, the number under TRY, the countdown under NEXT.",
    )
    OPEN = Words(
        "Its circuit breaker opened: no call goes to {backend} any more",
        "What needs it is parked. That costs no try, no slot and no money, and every row says how long it lasts.",
        "Look at circuit in {group}. The other groups go on as before.",
    )
    PROBE = Words(
        "One probe went out, and failed: the breaker stays open",
        "A task without a try left fails, and what needs it will be skipped. That ends at the border of the group.",
        "Look at failed in {group}; the other bars still grow.",
    )
    RESCUE = Words(
        "In {ends_in} the fire is put out",
        "Nobody will have to restart anything: the breaker's next probe finds out that {backend} is well.",
        "Look at the countdown of {backend}'s breaker. H puts the fire out now.",
    )
    HEALING = Words(
        "{backend} is well again, and the next probe will find out",
        "The breaker lets a single call through. If it succeeds, the breaker closes, and what was parked goes on.",
        "Look at the breaker of {backend}: OPEN, half-open, closed.",
    )
    SLOW = Words(
        "{backend} is slow: everything takes eight times as long",
        "A call that takes longer than its time limit fails, and counts toward the breaker as any failure does.",
        "Look at the clocks in {group}. H makes {backend} quick again.",
    )
    AFTER = Words(
        "The breaker closed, and {group} goes on by itself",
        "What was parked is done or under way. What failed in the fire stays failed until somebody retries it.",
        "Now you: R retries what failed; F burns the row's backend, H heals it.",
    )
    SPARED = Words(
        "{backend} is well again, and its breaker never had to open",
        "What was tried again meanwhile goes on. What ran out of tries stays failed until somebody retries it.",
        "Now you: R retries what failed; F burns the row's backend, H heals it.",
    )
    PROOF = Words(
        "Proof from {events} events: {affected} of {outside} tasks outside {inside} were affected",
        "Outside {outside_done} of {outside} done. Inside {failed} failed, {skipped} skipped, {done} of {total} done.",
        "R tries again what failed. q quits; the proof stays in the terminal.",
    )
    UNBROKEN = Words(
        "The run has ended, and nothing was ever broken",
        "All {outside} tasks did their work, as {events} events tell.",
        "q quits. Start it again, and set a backend on fire with F.",
    )


STEPS: Final = {
    Moment.WORK: 1,
    Moment.SOON: 2,
    Moment.FIRE: 3,
    Moment.OPEN: 4,
    Moment.PROBE: 5,
    Moment.RESCUE: 6,
    Moment.HEALING: 6,
    Moment.AFTER: 7,
    Moment.SPARED: 7,
    Moment.SLOW: 7,
    Moment.PROOF: 8,
    Moment.UNBROKEN: 8,
}
LAST: Final = 8


def moment(facts: Facts) -> Moment:
    """Return what is to be told now."""
    if facts.finished:
        return Moment.PROOF if facts.broken else Moment.UNBROKEN
    if not facts.broken:
        return Moment.WORK if facts.now < WARNING else Moment.SOON
    if facts.mood is Mood.BURNING:
        return _in_fire(facts)
    if facts.mood is Mood.SLOW:
        return Moment.SLOW
    if facts.breaker is not BreakerState.CLOSED:
        return Moment.HEALING
    return Moment.AFTER if facts.opened else Moment.SPARED


def _in_fire(facts: Facts) -> Moment:
    if facts.ends_in is not None and facts.ends_in <= NOTICE:
        return Moment.RESCUE
    if facts.opened > 1:
        return Moment.PROBE
    return Moment.FIRE if facts.breaker is BreakerState.CLOSED else Moment.OPEN
