"""Commands of the demo alone: what breaks and mends simulated backends."""

from __future__ import annotations

from typing import ClassVar

from orchestrator.core.simulation import Mood
from orchestrator.tui.commands.command import Command, Desk, Section
from orchestrator.tui.commands.targets import members
from orchestrator.tui.text import clean


class _Turn(Command):
    """Turns the dial of a simulated backend."""

    section = Section.DEMO
    guided = True
    mood: ClassVar[Mood]
    now: ClassVar[str]
    already: ClassVar[str]

    def refusal(self, desk: Desk) -> str | None:
        if desk.guide is None:
            return "Backends are broken and mended in the demo alone."
        return None if self._backend(desk) else f"{self.already}; move to a row of another backend."

    def do(self, desk: Desk) -> None:
        backend = self._backend(desk)
        if backend is not None and desk.guide is not None:
            desk.guide.turn(backend, self.mood)
            desk.send([], f"{clean(backend)} {self.now}")

    def _backend(self, desk: Desk) -> str | None:
        """Return the backend whose dial stands elsewhere: the row's own, or the only one of which that is true."""
        if desk.guide is None:
            return None
        others = [name for name, mood in desk.guide.moods.items() if mood is not self.mood]
        here = {task.info.backend for task in members(desk)}
        own = next((name for name in others if name in here), None)
        return own or (others[0] if len(others) == 1 else None)


class SetOnFire(_Turn):
    """Set the row's backend on fire: it answers every call with 503."""

    id, keys, label, mood = "demo.burn", "F", "Set on fire", Mood.BURNING
    now, already = "burns", "It burns already"


class SlowDown(_Turn):
    """Make the row's backend slow, eight times."""

    id, keys, label, mood = "demo.slow", "Z", "Slow down", Mood.SLOW
    now, already = "is slow now", "It is slow already"


class Heal(_Turn):
    """Make the row's backend well again."""

    id, keys, label, mood = "demo.heal", "H", "Heal", Mood.WELL
    now, already = "is well again", "It is well"
