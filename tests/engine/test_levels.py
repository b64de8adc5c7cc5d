"""How much of a flow is done while backends are down, and how backends say that they are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import CheckHealth, ResetBreaker, TripBreaker
from orchestrator.core.errors import UpstreamError
from orchestrator.core.flow import BackendSpec, BreakerPolicy, DegradeLevel, HealthCheck
from orchestrator.core.output import Cut
from orchestrator.core.ports import Cache, Checkable, Context, Kept
from orchestrator.core.states import Health, Outcome, State
from tests.engine.kit import Free, Nowhere, Setting, Story, backend, busy, call, flow, task, tell
from tests.engine.test_calls import agent

REDUCED = DegradeLevel("reduced", ("x",), skip_optional=True, models={"x": "small"})
MINIMAL = DegradeLevel("minimal", ("x", "y"), all_of=True, use_cache=True)
BOTH = [backend("x"), backend("y")]


class Answers(Cache):
    """Answers that are as old as the test says."""

    def __init__(self, age: float | None = None) -> None:
        self.age = age
        self.kept: dict[str, Mapping[str, object]] = {}

    def get(self, key: str) -> Kept | None:
        if self.age is not None:
            return Kept(self.age, {"value": "from before"})
        return Kept(0.0, self.kept[key]) if key in self.kept else None

    def put(self, key: str, output: Mapping[str, object]) -> None:
        self.kept[key] = output


def levels(story: Story) -> list[tuple[float, str]]:
    return [(record.at, record.event.level) for record in story.records if isinstance(record.event, ev.LevelChanged)]


# ── levels ──────────────────────────────────────────────────────────────────────────────────────


def test_the_level_follows_the_backends_down_and_up_again() -> None:
    commands = [(1.0, TripBreaker(backend="x")), (2.0, TripBreaker(backend="y")), (3.0, ResetBreaker(backend="y"))]
    commands.append((4.0, ResetBreaker(backend="x")))
    story = tell(flow(task("a", [9.0]), backends=BOTH, degrade=(REDUCED, MINIMAL)), Setting(commands))
    assert levels(story) == [(1.0, "reduced"), (2.0, "minimal"), (3.0, "reduced"), (4.0, "full")]
    assert story.run.level is not None
    assert story.run.level.why == "all backends are well again"


def test_a_backend_that_is_only_tried_again_is_not_called_well() -> None:
    policy = BreakerPolicy(failure_threshold=1, reset_timeout=5.0, success_threshold=1)
    told = flow(
        task("a", [busy()], [1.0], retries=2, backend="x"), backends=[backend("x", breaker=policy)], degrade=(REDUCED,)
    )
    changes = tell(told).events(ev.LevelChanged)
    assert [(change.level, change.why) for change in changes] == [
        ("reduced", "the breaker of x is open"),
        ("full", "x is tried again"),
    ]


def test_below_full_what_is_optional_is_left_out_and_those_who_need_it_go_on() -> None:
    extra = task("extra", [1.0], needs=["a"], optional=True, recover="nothing")
    last = task("last", [1.0], needs=["extra"])
    tripped = Setting([(1.0, TripBreaker(backend="x"))])
    story = tell(flow(task("a", [5.0]), extra, last, backends=BOTH, degrade=(REDUCED,)), tripped)
    assert story.states() == {"a": "succeeded", "extra": "skipped", "last": "succeeded"}
    assert story.run.tasks["extra"].because == "the flow is reduced: optional tasks are left out"
    assert story.run.outcome is Outcome.DEGRADED


def test_who_waits_already_is_looked_at_again() -> None:
    optional = task("extra", [1.0], backend="x", optional=True)
    story = tell(
        flow(task("a", [9.0]), optional, backends=BOTH, degrade=(REDUCED,), max_concurrency=1),
        Setting([(3.0, TripBreaker(backend="x"))]),
    )
    assert story.state("extra") is State.SKIPPED
    assert story.ended("extra") == 3.0


def test_a_level_names_the_model_that_is_asked() -> None:
    asked: list[str | None] = []

    def note(context: Context) -> None:
        asked.append(context.model("large"))

    story_flow = flow(
        agent("a", call(note), 5.0, call(note)),
        backends=BOTH,
        degrade=(DegradeLevel("reduced", ("y",), models={"x": "small"}),),
    )
    tell(story_flow, Setting([(1.0, TripBreaker(backend="y"))]))
    assert asked == ["large", "small"]


def test_a_tasks_model_is_a_name_at_its_own_backend_alone() -> None:
    asked: list[str | None] = []

    def note(context: Context) -> None:
        asked.append(context.model("large"))

    spec = backend("x", fallback=("y",))
    story_flow = flow(agent("a", 2.0, call(note)), backends=[spec, backend("y")])
    tell(story_flow, Setting([(1.0, TripBreaker(backend="x"))]))
    assert asked == [None]


# ── answers ─────────────────────────────────────────────────────────────────────────────────────


def cached(answers: Answers, *steps: Free, **fields: Free) -> Story:
    told = flow(task("a", list(steps), backend="x", cache_ttl=60.0, **fields), backends=BOTH, degrade=(MINIMAL_X,))
    return tell(told, Setting([(1.0, TripBreaker(backend="x"))], parts={"cache": answers}))


MINIMAL_X = DegradeLevel("minimal", ("x",), use_cache=True)


def test_the_same_question_is_answered_from_before() -> None:
    answers, said = Answers(), iter(["fresh", "other"])

    def speak(_: Context) -> dict[str, object]:
        return {"value": next(said)}

    first, again = cached(answers, 0.5, speak), cached(answers, 0.5, speak)
    assert first.output("a")["value"] == again.output("a")["value"] == "fresh"
    assert (first.run.tasks["a"].cached, again.run.tasks["a"].cached) == (False, True)
    assert again.events(ev.AttemptStarted) == []


def asks(context: Context) -> dict[str, object]:
    return {"value": context.model("large")}


def test_the_answer_of_a_fallback_is_not_kept_as_the_backend_s_own() -> None:
    answers = Answers()
    backends = [backend("x", fallback=("y",)), backend("y")]
    told = flow(
        task("first", [2.0]), task("a", [asks], needs=["first"], backend="x", cache_ttl=60.0), backends=backends
    )
    tell(told, Setting([(1.0, TripBreaker(backend="x"))], parts={"cache": answers}))
    assert answers.kept == {}
    tell(told, Setting(parts={"cache": answers}))
    assert [kept["value"] for kept in answers.kept.values()] == ["large"]


def test_the_answer_of_a_cheaper_model_is_not_kept_as_the_dear_one_s() -> None:
    answers = Answers()
    cheaper = DegradeLevel("reduced", ("y",), models={"x": "small"})
    told = flow(
        task("first", [2.0]),
        task("a", [asks], needs=["first"], backend="x", cache_ttl=60.0),
        backends=BOTH,
        degrade=(cheaper,),
    )
    story = tell(told, Setting([(1.0, TripBreaker(backend="y"))], parts={"cache": answers}))
    assert (story.output("a")["value"], answers.kept) == ("small", {})


def test_an_old_answer_is_none_while_all_is_well() -> None:
    assert cached(Answers(age=61.0), 0.5, {"value": "fresh"}).output("a")["value"] == "fresh"


def test_an_old_answer_is_better_than_none_while_the_backend_is_down() -> None:
    told = flow(
        task("first", [2.0]),
        task("a", [1.0], needs=["first"], backend="x", cache_ttl=60.0),
        backends=BOTH,
        degrade=(MINIMAL_X,),
    )
    story = tell(told, Setting([(1.0, TripBreaker(backend="x"))], parts={"cache": Answers(age=1e6)}))
    assert story.output("a")["value"] == "from before"
    assert story.run.tasks["a"].cached


def test_who_is_parked_takes_an_old_answer_when_the_level_falls() -> None:
    told = flow(
        task("a", [2.0, busy()], [1.0], retries=3, backend="x", cache_ttl=60.0), backends=BOTH, degrade=(MINIMAL_X,)
    )
    story = tell(told, Setting([(1.0, TripBreaker(backend="x"))], parts={"cache": Answers(age=1e6)}))
    assert story.output("a")["value"] == "from before"
    assert story.ended("a") == 3.0


# ── files ───────────────────────────────────────────────────────────────────────────────────────


class Disk:
    """Takes what is saved, or does not."""

    def __init__(self, error: OSError | ValueError | None = None) -> None:
        self.files: dict[str, str | Cut] = {}
        self._error = error

    def save(self, path: Path, content: str | Cut) -> None:
        if self._error is not None:
            raise self._error
        self.files[str(path)] = content


def test_a_task_is_saved_where_it_says() -> None:
    disk = Disk()
    saved = task("a", [{"value": "the notes"}], save="out/{{ run.name }}.md")
    tell(flow(saved, folder="/flows"), Setting(parts={"save": disk.save}))
    assert disk.files == {"/flows/out/story.md": "the notes"}


def test_what_is_data_is_saved_as_such() -> None:
    disk = Disk()
    tell(flow(task("a", [{"data": {"n": 1}}], save="a.json"), folder="/f"), Setting(parts={"save": disk.save}))
    assert disk.files == {"/f/a.json": '{\n  "n": 1\n}'}


def test_a_file_that_cannot_be_written_fails_its_task() -> None:
    disk = Disk(PermissionError(13, "Permission denied"))
    story = tell(flow(task("a", [1.0], save="a.md"), folder="/f"), Setting(parts={"save": disk.save}))
    assert story.error("a").message == "cannot save /f/a.md: Permission denied"
    assert story.state("a") is State.FAILED


def test_a_path_that_no_file_can_have_fails_its_task_alone() -> None:
    disk = Disk(ValueError("embedded null byte"))
    told = flow(task("a", [1.0], save="{{ run.name }}\0"), task("b", [2.0]), folder="/f")
    story = tell(told, Setting(parts={"save": disk.save}))
    assert story.states() == {"a": "failed", "b": "succeeded"}
    assert "embedded null byte" in story.error("a").message


# ── health ──────────────────────────────────────────────────────────────────────────────────────


class Patient(Nowhere, Checkable):
    """A backend that takes so long to say how it is, or breaks."""

    name: ClassVar[str] = "patient"

    def __init__(self, spec: BackendSpec, *says: str | Exception, clock: Free) -> None:
        super().__init__(spec)
        self._says = list(says)
        self._clock = clock

    async def check(self, models: Sequence[str] = ()) -> str:
        del models
        said = self._says.pop(0) if len(self._says) > 1 else self._says[0]
        await self._clock.sleep(0.5)
        if isinstance(said, Exception):
            raise said
        if said == "never":
            await self._clock.sleep(1e6)
        return said


def checked(*says: str | Exception, commands: Free = (), **check: Free) -> list[tuple[float, Health, str]]:
    from orchestrator.engine.clock import VirtualClock  # noqa: PLC0415 - read where the loop is

    clock = VirtualClock()
    spec = backend("x", health_check=HealthCheck(**check) if check else None)
    parts = {"backends": lambda spec: Patient(spec, *says, clock=clock), "clock": clock}
    story = tell(flow(task("a", [25.0]), backends=[spec]), Setting(commands, parts=parts))
    found = [(record.at, record.event) for record in story.records if isinstance(record.event, ev.HealthChecked)]
    return [(at, event.health, event.found) for at, event in found]


def test_a_backend_is_asked_on_its_schedule() -> None:
    assert checked("12 models", every=10.0) == [
        (0.5, Health.HEALTHY, "12 models"),
        (10.5, Health.HEALTHY, "12 models"),
        (20.5, Health.HEALTHY, "12 models"),
    ]


@pytest.mark.parametrize(
    ("says", "check", "expected"),
    [
        (UpstreamError("HTTP 503", status=503), {"every": 60.0}, (0.5, Health.UNHEALTHY, "HTTP 503")),
        (RuntimeError("oh"), {"every": 60.0}, (0.5, Health.UNHEALTHY, "RuntimeError: oh")),
        ("slow", {"every": 60.0, "degraded_above": 0.2}, (0.5, Health.DEGRADED, "slow")),
        ("never", {"every": 60.0}, (10.0, Health.UNHEALTHY, "no answer within 10 s")),
    ],
)
def test_what_it_says_is_judged(says: Free, check: dict[str, float], expected: Free) -> None:
    assert checked(says, **check) == [expected]


def test_somebody_may_want_to_know_now() -> None:
    assert checked("fine", commands=[(5.0, CheckHealth(backend="x"))]) == [(5.5, Health.HEALTHY, "fine")]


def test_a_backend_that_cannot_say_is_not_asked() -> None:
    story = tell(flow(task("a", [9.0]), backends=BOTH), Setting([(5.0, CheckHealth(backend="x"))]))
    assert story.refusal() == "x cannot say how it is (it is of kind nowhere)"
