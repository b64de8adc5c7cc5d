"""What a flow will do: its tasks by group, how wide it runs, and the chain that takes longest to walk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.core.fact import fact
from orchestrator.core.flow import DEFAULT_GROUP, Flow, Task
from orchestrator.flows.counting import instances
from orchestrator.flows.dependencies import in_order


@fact
class Planned:
    """One task of the plan. `instances` is None where only the run can tell; `level` counts what must be before it."""

    id: str
    kind: str
    needs: tuple[str, ...]
    instances: int | None
    level: int


@fact
class PlannedGroup:
    """The tasks of a group, in the order of the file."""

    name: str
    tasks: tuple[Planned, ...]
    max_concurrency: int | None = None


@fact
class Plan:
    """The plan of a flow. Tasks of sub-flows are there as `outer/inner`, in the place of the task that calls them.

    `tasks` counts what is known to run; `unknown` names the fan-outs whose size only the run can tell, which count
    as one. `widest` is how many tasks can run at once, were there no limits; `longest` the longest chain.
    """

    groups: tuple[PlannedGroup, ...]
    tasks: int
    unknown: tuple[str, ...]
    widest: int
    longest: tuple[str, ...]


@fact
class Step:
    """A task of a flow or of a sub-flow, by the id that it has in the run.

    `after` are the steps before it. A sub-flow adds two steps that are no work: the one at which it begins, whose
    name ends with a slash, and the one at which it has settled. So thousands of tasks can wait for thousands.
    """

    id: str
    task: Task
    group: str
    after: tuple[str, ...]
    instances: int | None
    flow: Flow
    is_work: bool = True
    max_concurrency: int | None = None

    @property
    def times(self) -> int:
        """How often it is known to run; what is not known counts once."""
        return 1 if self.instances is None else self.instances

    @property
    def needs(self) -> tuple[str, ...]:
        prefix = self.id[: len(self.id) - len(self.task.id)]
        return tuple(prefix + need.task for need in self.task.needs)


# ── steps ───────────────────────────────────────────────────────────────────────────────────────


@fact
class _Level:
    """A flow at its place in the run: the beginning of its ids, what is before it, how often it runs, its group."""

    flow: Flow
    prefix: str = ""
    before: tuple[str, ...] = ()
    times: int | None = 1
    group: str = DEFAULT_GROUP


def steps(flow: Flow) -> list[Step]:
    """Return every task of the flow, and of the files that it calls."""
    return list(_steps(_Level(flow)))


def _steps(level: _Level) -> Iterator[Step]:
    for task in level.flow.tasks.values():
        if task.id in level.flow.flows:
            yield from _sub_flow(level, task)
        else:
            yield _step(level, task, level.prefix + task.id, _after(level, task))


def _sub_flow(level: _Level, task: Task) -> Iterator[Step]:
    inner, name = level.flow.flows[task.id], level.prefix + task.id
    begin = _step(level, task, f"{name}/", _after(level, task), is_work=False)
    yield begin
    yield from _steps(_Level(inner, f"{name}/", (begin.id,), begin.instances, begin.group))
    yield _step(level, task, name, (begin.id, *(f"{name}/{one}" for one in _ends(inner))), is_work=False)


def _step(level: _Level, task: Task, name: str, after: tuple[str, ...], *, is_work: bool = True) -> Step:
    group = level.group if task.group == DEFAULT_GROUP else level.prefix + task.group
    declared = level.flow.groups.get(task.group)
    count = instances(level.flow, task)
    times = None if count is None or level.times is None else count * level.times
    return Step(name, task, group, after, times, level.flow, is_work, declared.max_concurrency if declared else None)


def _after(level: _Level, task: Task) -> tuple[str, ...]:
    return tuple(level.prefix + need.task for need in task.needs) or level.before


def _ends(flow: Flow) -> Iterable[str]:
    """Return the tasks that no other one of the flow waits for."""
    waited_for = {need.task for task in flow.tasks.values() for need in task.needs}
    return [task for task in flow.tasks if task not in waited_for]


# ── the plan ────────────────────────────────────────────────────────────────────────────────────


def plan(flow: Flow) -> Plan:
    """Return the plan of a flow that was loaded."""
    by_id = {step.id: step for step in steps(flow)}
    levels = _levels(by_id)
    work = [step for step in by_id.values() if step.is_work]
    return Plan(
        groups=tuple(_groups(work, levels)),
        tasks=sum(step.times for step in work),
        unknown=tuple(step.id for step in work if step.instances is None),
        widest=_widest(work, levels),
        longest=tuple(_longest(by_id, levels)),
    )


def _groups(work: Iterable[Step], levels: Mapping[str, int]) -> Iterator[PlannedGroup]:
    groups: dict[str, list[Step]] = {}
    for step in work:
        groups.setdefault(step.group, []).append(step)
    for name, members in groups.items():
        tasks = (Planned(one.id, one.task.kind, one.needs, one.instances, levels[one.id]) for one in members)
        yield PlannedGroup(name, tuple(tasks), members[0].max_concurrency)


def _levels(by_id: Mapping[str, Step]) -> dict[str, int]:
    """Return for each step how many tasks must run before it, one after another."""
    levels: dict[str, int] = {}
    for name in in_order({name: step.after for name, step in by_id.items()}):
        levels[name] = max((levels[before] + by_id[before].is_work for before in by_id[name].after), default=0)
    return levels


def _longest(by_id: Mapping[str, Step], levels: Mapping[str, int]) -> list[str]:
    """Return the longest chain of tasks."""

    def ends(name: str) -> int:
        return levels[name] + by_id[name].is_work

    chain: list[str] = []
    last = max(levels, key=ends, default=None)
    while last is not None:
        if by_id[last].is_work:
            chain.append(last)
        last = max(by_id[last].after, key=ends, default=None)
    return chain[::-1]


def _widest(work: Iterable[Step], levels: Mapping[str, int]) -> int:
    """Return the most tasks of one level, which can all run at once."""
    widths: dict[int, int] = {}
    for step in work:
        widths[levels[step.id]] = widths.get(levels[step.id], 0) + step.times
    return max(widths.values(), default=0)
