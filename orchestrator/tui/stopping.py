"""What each Ctrl+C means: ask, cancel, kill, leave at once. Key repeat never gets beyond the question."""

from __future__ import annotations

from enum import Enum
from typing import Final

APART: Final = 0.5
"""Seconds that must lie between two stages."""
REPEAT: Final = 0.12
"""A press that follows sooner is a held key, which repeats some thirty times a second."""
ASKS_FOR: Final = 5.0
"""Seconds after which the question goes away by itself."""


class Step(Enum):
    """What a press leads to."""

    ASK = "ask"
    TOO_SOON = "too soon"
    CANCEL = "cancel"
    KILL = "kill"
    FORCE = "force"
    QUIT = "quit"


class Stopping:
    """The stages of stopping a run from the keyboard. Told the time with every press."""

    def __init__(self) -> None:
        self._stage: Step | None = None
        self._since = float("-inf")
        self._pressed = float("-inf")

    def press(self, now: float, *, ended: bool, cancelling: bool) -> Step:
        """Return what this press means; `cancelling` says that the run is being stopped already."""
        if ended:
            return Step.QUIT
        held, self._pressed = now - self._pressed < REPEAT, now
        if self._stage is not None and (held or now - self._since < APART):
            return Step.TOO_SOON
        self._stage, self._since = self._after(now, cancelling=cancelling), now
        return self._stage

    def _after(self, now: float, *, cancelling: bool) -> Step:
        if self._stage is Step.KILL:
            return Step.FORCE
        if cancelling or self._stage is Step.CANCEL:
            return Step.KILL
        if self._stage is Step.ASK and now - self._since <= ASKS_FOR:
            return Step.CANCEL
        return Step.ASK

    def went_on(self) -> None:
        """The question was answered with no, or went away."""
        if self._stage is Step.ASK:
            self._stage = None

    def cancelled(self, now: float) -> None:
        """The run was cancelled in another way; the next press kills."""
        self._stage, self._since = Step.CANCEL, now
