"""Who is admitted when, whatever the gates and the order of asking: nobody starves, and nobody overtakes.

Each flow here is a crowd: many tasks of a few sorts. Tasks of one sort stand at the same gates, so that whoever became
ready first starts first.
"""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.flow import BackendSpec, Flow, ForEach, RateLimit, Task
from orchestrator.core.states import Outcome
from tests.engine.kit import Group, Story, Usage, backend, flow, task, tell
from tests.engine.stories import Dice

numbers = st.integers(0, 1 << 48)
often = settings(max_examples=60, deadline=None)


class Crowd:
    """Makes up to forty tasks that all succeed, at gates that never shut for good."""

    def __init__(self, number: int) -> None:
        self._dice = Dice(number)

    def flow(self) -> Flow:
        dice = self._dice
        waits = [task(f"wait{n}", [n + 0.7]) for n in range(3)]
        tasks = [self._task(f"t{n:02}") for n in range(dice.number(5, 40))]
        return flow(
            *waits,
            *tasks,
            backends=[self._backend(name) for name in "xy"],
            groups=[Group("g", max_concurrency=dice.perhaps(0.5, lambda: dice.number(1, 3)))],
            max_concurrency=dice.number(1, 6) + len(waits),
        )

    def _backend(self, name: str) -> BackendSpec:
        dice = self._dice
        limits = dice.some(
            0, 2, lambda: RateLimit(dice.one_of((0.5, 2.0)), dice.number(1, 4), dice.perhaps(0.3, lambda: 60))
        )
        return backend(name, rate_limits=tuple(limits), max_concurrency=dice.perhaps(0.5, lambda: dice.number(1, 3)))

    def _task(self, name: str) -> Task:
        dice = self._dice
        tokens = dice.number(0, 50)
        return task(
            name,
            [dice.one_of((0.0, 0.5, 1.0)), Usage(dice.number(0, tokens), 0)],
            tokens=tokens,
            needs=[f"wait{dice.number(0, 2)}"] if dice.happens(0.5) else [],
            backend=dice.perhaps(0.8, lambda: dice.one_of("xy")),
            group=dice.one_of(("default", "g")),
        )


def ready_at(story: Story, one: Task) -> float:
    return max((story.ended(need.task) for need in one.needs), default=0.0)


@often
@given(numbers)
def test_everybody_starts(number: int) -> None:
    assert tell(Crowd(number).flow()).run.outcome is Outcome.SUCCEEDED


@often
@given(numbers)
def test_at_the_same_gates_whoever_became_ready_first_starts_first(number: int) -> None:
    crowd = Crowd(number).flow()
    story = tell(crowd)
    sorts = defaultdict(list)
    for one in list(crowd.tasks.values())[3:]:
        sorts[one.backend, one.group].append(one)
    for same in sorts.values():
        in_order = sorted(same, key=lambda one: ready_at(story, one))
        starts = [story.started(one.id)[0] for one in in_order]
        assert starts == sorted(starts)


@often
@given(numbers)
def test_nobody_waits_where_nothing_bounds_anybody(number: int) -> None:
    crowd = Crowd(number).flow()
    free = flow(*crowd.tasks.values(), backends=[backend("x"), backend("y")], max_concurrency=1_000)
    story = tell(free)
    assert all(story.started(one.id) == [ready_at(story, one)] for one in crowd.tasks.values())


@often
@given(numbers, st.integers(1, 4), st.integers(1, 30))
def test_slots_are_never_idle_while_somebody_could_use_them(number: int, slots: int, items: int) -> None:
    dice = Dice(number)
    lengths = [dice.one_of((0.5, 1.0, 2.0)) for _ in range(items)]
    tasks = [task(f"t{n:02}", [length]) for n, length in enumerate(lengths)]
    story = tell(flow(*tasks, max_concurrency=slots))
    ends = [0.0] * slots
    for one, length in zip(tasks, lengths, strict=True):
        soonest = min(ends)
        assert story.started(one.id) == [soonest]
        ends[ends.index(soonest)] = soonest + length


@often
@given(numbers, st.integers(1, 3))
def test_a_fan_out_is_never_wider_than_it_says(number: int, wide: int) -> None:
    dice = Dice(number)
    items = list(range(dice.number(1, 12)))
    fanned = task("a", [1.0], fan_out=ForEach(items, max_concurrency=wide))
    story = tell(flow(fanned, max_concurrency=50))
    assert story.run.at == -(-len(items) // wide)
