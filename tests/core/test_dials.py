"""A dial for each simulated backend."""

from __future__ import annotations

from orchestrator.core.simulation import Dials, Mood


def test_what_nobody_turned_is_well() -> None:
    assert Dials().mood("web") is Mood.WELL


def test_a_dial_turns_its_own_backend_alone() -> None:
    dials = Dials()
    dials.turn("web", Mood.BURNING)
    assert [dials.mood(name) for name in ("web", "writer")] == [Mood.BURNING, Mood.WELL]
    dials.turn("web", Mood.SLOW)
    assert dials.mood("web") is Mood.SLOW
