"""Leads through a run: follows its events, breaks a backend and mends it at its time, and says what goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping

from orchestrator.core.ports import Caption, Gap, Session, Subscription
from orchestrator.core.run import Run
from orchestrator.core.simulation import Dials, Mood
from orchestrator.core.states import BreakerState, RunState
from orchestrator.demo.script import BACKEND, BURNING, FIRE, HOLD, LAST, STEPS, Facts, Moment, moment
from orchestrator.demo.witness import Proof, Witness


class Tour:
    """Implements core.ports.Guide. The fire breaks out and is put out by itself, unless a person was faster."""

    def __init__(self, session: Session, dials: Dials, speed: float = 1.0) -> None:
        self._session = session
        self._dials = dials
        self._pace = "" if speed == 1.0 else f" The clock runs {speed:g} times as fast."
        self._witness = Witness()
        self._broken: dict[str, float] = {}
        self._mends_at: float | None = None
        self._moment = Moment.WORK
        self._since = 0.0
        self._run: Run
        self._events: Subscription
        self._attach()

    # ── what a front end asks ───────────────────────────────────────────────────────────────────

    def look(self) -> Caption:
        self._follow()
        self._act()
        facts = self._facts()
        self._move_on(facts)
        return self._caption(facts)

    @property
    def moods(self) -> Mapping[str, Mood]:
        return {name: self._dials.mood(name) for name in self._run.backends}

    def turn(self, backend: str, mood: Mood) -> None:
        """Make the backend behave so from its next call on, and tell of it at once.

        Only the first fire of all is put out by itself, and only if nobody did anything until then.
        """
        first = not self._broken
        self._since = -math.inf
        self._mends_at = None
        self._dials.turn(backend, mood)
        if mood is not Mood.WELL:
            self._broken.pop(backend, None)  # what was broken last is what is spoken of
            self._broken[backend] = self._now
        if first and backend == BACKEND:
            self._mends_at = self._now + BURNING

    def proof(self) -> Proof:
        """Return what the events say of who was hurt, up to now."""
        self._follow()
        return self._witness.proof(self._run, self._broken)

    # ── following ───────────────────────────────────────────────────────────────────────────────

    @property
    def _now(self) -> float:
        return self._session.now() if self._run.started is not None else 0.0

    def _attach(self) -> None:
        self._run, self._events = self._session.attach()

    def _follow(self) -> None:
        found = self._events.drain()
        if isinstance(found, Gap):
            self._attach()
            return
        for record in found:
            self._run.apply(record)
            self._witness.saw(record, self._run)

    def _act(self) -> None:
        """Do what is due."""
        if self._run.state is not RunState.RUNNING:
            return
        if not self._broken and self._now >= FIRE:
            self.turn(BACKEND, Mood.BURNING)
        elif self._mends_at is not None and self._now >= self._mends_at:
            self.turn(BACKEND, Mood.WELL)

    # ── telling ─────────────────────────────────────────────────────────────────────────────────

    def _facts(self) -> Facts:
        name = self._subject()
        backend = self._run.backends.get(name)
        began = self._broken.get(name, 0.0)
        moves = backend.moves if backend is not None else ()
        return Facts(
            now=self._now,
            backend=name,
            group=self._group_of(name),
            mood=self._dials.mood(name),
            broken=bool(self._broken),
            breaker=backend.breaker if backend is not None else BreakerState.CLOSED,
            opened=sum(at >= began and move.to is BreakerState.OPEN for at, move in moves),
            ends_in=None if self._mends_at is None else self._mends_at - self._now,
            finished=self._run.state is RunState.FINISHED,
        )

    def _subject(self) -> str:
        """Return the backend that is spoken of: what was broken last and is not well yet, or was broken last."""
        names = list(reversed(self._broken)) or [BACKEND]
        return next((name for name in names if self._dials.mood(name) is not Mood.WELL), names[0])

    def _group_of(self, backend: str) -> str:
        groups = (task.group for task in self._run.tasks.values() if task.info.backend == backend)
        return next(groups, backend)

    def _move_on(self, facts: Facts) -> None:
        """Go on to another moment, not before this one could be read."""
        due = moment(facts)
        if due is not self._moment and (facts.finished or facts.now - self._since >= HOLD):
            self._moment, self._since = due, facts.now

    def _caption(self, facts: Facts) -> Caption:
        proof = self.proof()
        names = {
            "backend": facts.backend,
            "group": facts.group,
            "pace": self._pace,
            "fire_in": _seconds(FIRE - facts.now),
            "ends_in": _seconds(facts.ends_in or 0.0),
            "inside": " and ".join(proof.inside.groups),
            "outside": proof.outside.total,
            "outside_done": proof.outside.done,
            "affected": proof.outside.affected,
            "failed": proof.inside.failed,
            "skipped": proof.inside.skipped,
            "done": proof.inside.done,
            "total": proof.inside.total,
            "events": proof.events,
        }
        heading, why, look = (text.format_map(names) for text in self._moment.value)
        affected = proof.outside.affected if facts.finished else None
        return Caption(self._moment.name.lower(), facts.group, heading, why, look, STEPS[self._moment], LAST, affected)


def _seconds(left: float) -> str:
    return f"{max(1, math.ceil(left))} s"
