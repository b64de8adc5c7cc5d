"""The demo in lines: each caption once, the proof at the end, and what the status says."""

from __future__ import annotations

import io

from orchestrator.cli.exits import Exit
from orchestrator.cli.streams import Looks, Out
from orchestrator.cli.touring import Narrator, proof_lines, status_of
from orchestrator.core.ports import Caption
from orchestrator.core.run import Run
from orchestrator.core.simulation import Dials, Mood
from orchestrator.core.states import Outcome
from orchestrator.demo.tour import Tour
from orchestrator.demo.witness import Proof, Side
from tests.tui.scene import Scene

INSIDE = Side(("research",), total=6, done=3, failed=2, skipped=1, affected=5)
OUTSIDE = Side(("writing", "translating"), total=9, done=9)
PROOF = Proof(INSIDE, OUTSIDE, 901)


def ended(outcome: Outcome) -> Run:
    run = Run("run")
    run.outcome = outcome
    return run


class Speaks:
    """A guide that says what it is told to."""

    def __init__(self) -> None:
        self.caption = Caption("soon", "research", "In 4 s web burns", "All calls fail.", "Look.", 2, 8)
        self.moods: dict[str, Mood] = {}

    def look(self) -> Caption:
        return self.caption

    def turn(self, backend: str, mood: Mood) -> None:
        self.moods[backend] = mood


def test_a_caption_is_told_once_however_its_countdown_goes_on() -> None:
    stream = io.StringIO()
    guide = Speaks()
    narrator = Narrator(guide, Out(stream, Looks()))
    narrator.tick()
    guide.caption = guide.caption._replace(heading="In 3 s web burns")
    narrator.tick()
    guide.caption = guide.caption._replace(moment="fire", heading="web burns", step=3)
    narrator.tick()
    assert stream.getvalue().splitlines() == [
        "── 2/8  In 4 s web burns",
        "        All calls fail.",
        "── 3/8  web burns",
        "        All calls fail.",
    ]


def test_the_proof_tells_both_sides() -> None:
    assert list(proof_lines(PROOF, Looks())) == [
        "  proof: 0 of 9 tasks outside research were affected, counted from 901 events",
        "    outside  writing, translating  9 of 9 done",
        "    inside   research              3 of 6 done, 2 failed, 1 skipped",
    ]


def test_a_wall_that_did_not_hold_is_told_in_red() -> None:
    first, *_ = proof_lines(Proof(INSIDE, Side(("writing",), 4, 3, 1, affected=1), 9), Looks(colour=True))
    assert "\x1b[31m" in first
    assert "1 of 4 tasks outside research were affected" in first


def test_where_nothing_was_broken_there_is_nothing_to_prove() -> None:
    proof = Tour(Scene(), Dials()).proof()
    assert list(proof_lines(proof, Looks())) == ["  proof: nothing was broken, as 0 events tell"]


def test_a_run_that_failed_where_it_was_meant_to_is_a_success() -> None:
    assert status_of(Exit.FAILED, ended(Outcome.FAILED), PROOF) == Exit.OK


def test_a_failure_outside_is_one() -> None:
    hurt = Proof(INSIDE, Side(("writing",), 4, 3, 1, affected=1))
    assert status_of(Exit.FAILED, ended(Outcome.FAILED), hurt) == Exit.FAILED


def test_a_demo_that_was_cancelled_says_so() -> None:
    assert status_of(Exit.INTERRUPTED, ended(Outcome.CANCELLED), PROOF) == Exit.INTERRUPTED
    assert status_of(Exit.FAILED, ended(Outcome.CANCELLED), PROOF) == Exit.FAILED
