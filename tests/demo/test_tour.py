"""The tour: what it breaks and mends, what it says, and what it counts."""

from __future__ import annotations

from collections import defaultdict

from orchestrator.core import events as ev
from orchestrator.core.events import BackendInfo, Event, GroupInfo
from orchestrator.core.flow import Need
from orchestrator.core.ports import Caption
from orchestrator.core.simulation import Dials, Mood
from orchestrator.core.states import BreakerState, Outcome, Reason
from orchestrator.demo.script import BURNING, FIRE, HOLD, STEPS, WARNING, Facts, Moment, moment
from orchestrator.demo.tour import Tour
from orchestrator.demo.witness import Proof
from tests.tui.scene import Scene, started, timeout, upstream

BACKENDS = {"research": "web", "writing": "writer"}


class Trip:
    """A run with two groups of two tasks each, and a tour through it."""

    def __init__(self) -> None:
        self.dials = Dials()
        self.scene = Scene()
        self.tour = Tour(self.scene, self.dials)
        infos = [BackendInfo(name, "simulated") for name in BACKENDS.values()]
        self.scene.tell(started([GroupInfo(group) for group in BACKENDS], infos, []))
        for group, backend in BACKENDS.items():
            for name in ("one", "two"):
                self.scene.task(f"{group}-{name}", group, backend=backend)

    def mood(self, second: float, backend: str = "web") -> Mood:
        self.at(second)
        return self.tour.moods[backend]

    def at(self, second: float, *events: Event) -> Caption:
        self.scene.tell(*events, at=second)
        return self.tour.look()

    def breaker(self, to: BreakerState, at: float, backend: str = "web") -> Caption:
        before = self.scene.run.backends[backend].breaker
        return self.at(at, ev.BreakerMoved(backend, before, to, "as told"))

    def burns(self) -> Caption:
        return self.at(FIRE)

    def ends(self, at: float) -> Caption:
        return self.at(at, ev.RunFinished(Outcome.FAILED))

    @property
    def proof(self) -> Proof:
        return self.tour.proof()


# ── what it does ────────────────────────────────────────────────────────────────────────────────


def test_it_announces_a_fire_sets_it_and_puts_it_out() -> None:
    trip = Trip()
    seconds = (0.0, WARNING, FIRE - 0.1, FIRE, FIRE + BURNING - 0.1, FIRE + BURNING)
    moods = [trip.mood(second) for second in seconds]
    assert moods == [Mood.WELL, Mood.WELL, Mood.WELL, Mood.BURNING, Mood.BURNING, Mood.WELL]


def test_nothing_burns_before_the_run_has_started() -> None:
    scene, dials = Scene(), Dials()
    scene.at = 1e6
    assert Tour(scene, dials).look().moment == "work"
    assert dials.mood("web") is Mood.WELL


def test_who_sets_the_fire_first_is_not_helped_along() -> None:
    trip = Trip()
    trip.mood(1.0)
    trip.tour.turn("writer", Mood.BURNING)
    assert trip.mood(FIRE) is Mood.WELL
    assert trip.mood(FIRE + BURNING + 10, "writer") is Mood.BURNING


def test_a_fire_that_was_set_early_goes_out_as_late_as_ours() -> None:
    trip = Trip()
    trip.at(1.0)
    trip.tour.turn("web", Mood.BURNING)
    assert trip.mood(BURNING) is Mood.BURNING
    assert trip.mood(BURNING + 1.0) is Mood.WELL


def test_who_heals_and_breaks_again_has_to_heal_again() -> None:
    trip = Trip()
    trip.burns()
    trip.tour.turn("web", Mood.WELL)
    assert trip.mood(FIRE + 1) is Mood.WELL
    trip.tour.turn("web", Mood.SLOW)
    assert trip.mood(FIRE + 2 * BURNING) is Mood.SLOW


# ── what it says ────────────────────────────────────────────────────────────────────────────────


def test_the_moments_come_in_their_order() -> None:
    trip = Trip()
    told = [trip.at(0.0), trip.at(WARNING), trip.burns()]
    told.append(trip.breaker(BreakerState.OPEN, FIRE + 3))
    trip.breaker(BreakerState.HALF_OPEN, FIRE + 8)
    told.append(trip.breaker(BreakerState.OPEN, FIRE + 9))
    told += [trip.at(FIRE + BURNING - 1), trip.at(FIRE + BURNING)]
    trip.breaker(BreakerState.HALF_OPEN, FIRE + BURNING + 2)
    told.append(trip.breaker(BreakerState.CLOSED, FIRE + BURNING + 3))
    told.append(trip.ends(55.0))
    assert [caption.moment for caption in told] == [
        *("work", "soon", "fire", "open", "probe", "rescue", "healing", "after", "proof")
    ]
    assert [caption.step for caption in told] == sorted(caption.step for caption in told)


def test_a_caption_stands_long_enough_to_be_read() -> None:
    trip = Trip()
    trip.burns()
    assert trip.breaker(BreakerState.OPEN, FIRE + HOLD - 1).moment == "fire"
    assert trip.at(FIRE + HOLD).moment == "open"


def test_what_a_person_does_is_told_at_once() -> None:
    trip = Trip()
    trip.burns()
    trip.tour.turn("web", Mood.SLOW)
    assert trip.at(FIRE + 0.1).moment == "slow"


def test_a_breaker_that_never_opened_is_not_said_to_have_closed() -> None:
    trip = Trip()
    trip.burns()
    trip.tour.turn("web", Mood.WELL)
    assert trip.at(FIRE + 1).moment == "spared"


def test_captions_name_what_a_person_broke() -> None:
    trip = Trip()
    trip.tour.turn("writer", Mood.BURNING)
    caption = trip.at(1.0)
    assert "writer burns" in caption.heading
    assert "Look at writing" in caption.look


def test_the_fire_is_counted_down() -> None:
    trip = Trip()
    assert [trip.at(FIRE - left).heading.split(" the ")[0] for left in (4.0, 1.5, 0.5)] == [
        "In 4 s",
        "In 2 s",
        "In 1 s",
    ]


def test_every_moment_has_its_step_and_fits_a_small_screen() -> None:
    for each in Moment:
        assert 1 <= STEPS[each] <= 8
        names = defaultdict(lambda: "99", backend="web", group="research", inside="research", pace="")
        heading, _, look = (text.format_map(names) for text in each.value)
        assert max(len(heading), len(look)) <= 73


def test_a_run_in_which_nothing_was_broken_says_so() -> None:
    assert moment(Facts(5.0, finished=True)) is Moment.UNBROKEN


# ── what it counts ──────────────────────────────────────────────────────────────────────────────


def fire_in_research() -> Trip:
    """One task fails in the fire, the other is skipped with it; the writers write."""
    trip = Trip()
    trip.burns()
    trip.scene.starts("research-one", at=11.0).fails("research-one", upstream(), at=12.0)
    trip.scene.tell(ev.TaskSkipped("research-two", "research-one failed", "research-one"))
    for name in ("writing-one", "writing-two"):
        trip.scene.starts(name, at=13.0).succeeds(name, at=20.0)
    return trip


def test_what_failed_and_was_skipped_in_the_fire_is_inside_and_nothing_is_outside() -> None:
    trip = fire_in_research()
    caption = trip.ends(30.0)
    assert (trip.proof.inside.groups, trip.proof.outside.groups) == (("research",), ("writing",))
    assert (trip.proof.inside.failed, trip.proof.inside.skipped, trip.proof.inside.total) == (1, 1, 2)
    assert (trip.proof.outside.affected, trip.proof.outside.done) == (0, 2)
    assert trip.proof.events == trip.scene.run.seq + 1
    assert caption.affected == 0
    assert caption.heading == f"Proof from {trip.proof.events} events: 0 of 2 tasks outside research were affected"


def test_whatever_the_fire_does_outside_is_counted() -> None:
    trip = Trip()
    trip.burns()
    trip.scene.starts("writing-one", at=11.0).stumbles("writing-one", timeout(), 1.0, at=12.0)
    trip.scene.waits("writing-two", Reason.BREAKER, 15.0, "web")
    assert trip.proof.outside.affected == 2


def test_a_task_that_needs_what_burned_is_affected_wherever_it_is() -> None:
    trip = Trip()
    trip.scene.tell(ev.TaskAdded("printing", "llm", "writing", needs=(Need("research-one"),), backend="writer"))
    trip.burns()
    trip.scene.starts("research-one", at=11.0).fails("research-one", upstream(), at=12.0)
    trip.scene.tell(ev.TaskSkipped("printing", "research-one failed", "research-one"))
    assert trip.proof.outside.affected == 1


def test_what_was_retried_and_done_had_failed_all_the_same() -> None:
    trip = fire_in_research()
    trip.scene.tell(ev.TaskReset("research-one", "retry"), at=31.0)
    trip.scene.starts("research-one", at=32.0, attempt=2).succeeds("research-one", at=33.0)
    assert (trip.proof.inside.failed, trip.proof.inside.done) == (1, 1)


def test_what_a_person_stops_is_not_the_fires() -> None:
    trip = Trip()
    trip.burns()
    trip.scene.starts("writing-one", at=11.0)
    trip.scene.tell(ev.TaskCancelled("writing-one", "operator"))
    trip.scene.tell(ev.TaskSkipped("writing-two", "writing-one was cancelled", "writing-one"))
    assert trip.proof.outside.affected == 0


def test_a_group_that_a_person_set_on_fire_is_inside_too() -> None:
    trip = fire_in_research()
    trip.tour.turn("writer", Mood.BURNING)
    assert trip.proof.outside.total == 0
