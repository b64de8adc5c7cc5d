"""Which rows the task table has, in the flow's own order: groups, folded fan-outs and tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple

from orchestrator.core.fact import fact
from orchestrator.core.made import made
from orchestrator.core.run import Run
from orchestrator.core.states import Status

FAN_ROWS: Final = 20
"""A fan-out with more instances is a foldable row of its own."""


class Kind(Enum):
    """What a row stands for."""

    GROUP = "group"
    FAN = "fan"
    TASK = "task"


class Row(NamedTuple):
    """One row. `name` is a group's name or a task's id; `depth` is how far in it stands."""

    kind: Kind
    name: str
    group: str
    depth: int = 0

    @property
    def key(self) -> tuple[Kind, str]:
        return self.kind, self.name

    @property
    def task(self) -> str | None:
        """Return the id of the task, or of the whole; None for a group."""
        return None if self.kind is Kind.GROUP else self.name


Keep = Callable[[str], bool]
Order = Callable[[Iterable[str]], list[str]]


@fact
class Folds:
    """What is folded: groups that were closed, and fan-outs that were not opened; if `unfolded`, those closed."""

    closed_groups: frozenset[str] = frozenset()
    turned_fans: frozenset[str] = frozenset()
    unfolded: bool = False

    def is_open(self, row: Row) -> bool:
        if row.kind is Kind.GROUP:
            return row.name not in self.closed_groups
        return (row.name in self.turned_fans) is not self.unfolded

    def set(self, row: Row, *, opened: bool) -> Folds:
        """Return the folds with this row open or closed."""
        if row.kind is Kind.GROUP:
            closed = self.closed_groups - {row.name} if opened else self.closed_groups | {row.name}
            return Folds(closed, self.turned_fans, self.unfolded)
        turned = opened is not self.unfolded
        fans = self.turned_fans | {row.name} if turned else self.turned_fans - {row.name}
        return Folds(self.closed_groups, fans, self.unfolded)


UNFOLDED: Final = Folds(unfolded=True)
"""Nothing is folded, nor is what comes."""


@dataclass(slots=True)
class Family:
    """Who is whose instance, and how the instances of large fan-outs stand; kept as changes come."""

    whole_of: dict[str, str] = field(default_factory=dict)
    counts: dict[str, Counter[Status]] = field(default_factory=dict)
    _seen: dict[str, Status] = field(default_factory=dict)

    def expanded(self, run: Run, whole: str) -> None:
        """Take note of a whole's instances, those included that came before the note."""
        self.counts.setdefault(whole, Counter())
        for task in run.instances[whole]:
            self.whole_of[task] = whole
            if task in run.tasks:
                self.moved(run, task)

    def moved(self, run: Run, task: str) -> str | None:
        """Bring the counts in step with the task; return its whole, if it has one."""
        whole = self.whole_of.get(task)
        if whole is None:
            return None
        counts, before, after = self.counts[whole], self._seen.get(task), run.tasks[task].status
        if before is not after:
            counts[after] += 1
            if before is not None:
                counts[before] -= 1
            self._seen[task] = after
        return whole


def is_fan(run: Run, task: str) -> bool:
    """Return whether the task is a fan-out that has a row of its own."""
    return len(run.instances.get(task, ())) > FAN_ROWS


def build(run: Run, folds: Folds, keep: Keep | None = None, order: Order | None = None) -> list[Row]:
    """Return every visible row. With `keep`, groups and fan-outs stay where something in them matches.

    An `order` is that of the tasks in each group, and of the instances in each fan-out that has a row of its own.
    """
    sight = _Sight(folds, keep, order, _started(run))
    return [row for group in run.members for row in _group_rows(run, group, sight)]


def _started(run: Run) -> dict[str, list[str]]:
    """Return, for each task that started others of its group, those."""
    found: dict[str, list[str]] = {}
    wholes = {None, *run.instances}
    for name in [task.id for task in run.tasks.values() if task.info.of not in wholes]:
        starter = starter_of(run, name)
        if starter is not None:
            found.setdefault(starter, []).append(name)
    return found


def starter_of(run: Run, task: str) -> str | None:
    """Return the task of the same group that started this one; what became instances started none."""
    info = run.tasks[task].info
    if info.of is None or info.of in run.instances or not _belongs(run, info.of, info.group):
        return None
    return info.of


class _Sight(NamedTuple):
    """What decides which rows there are, and in which order; and which tasks started which."""

    folds: Folds
    keep: Keep | None
    order: Order | None
    started: dict[str, list[str]]


def _group_rows(run: Run, group: str, sight: _Sight) -> Iterator[Row]:
    keep = sight.keep
    head = Row(Kind.GROUP, group, group)
    roots = _roots(run, group, sight)
    if not roots:
        return
    if not sight.folds.is_open(head):
        if keep is None or any(map(keep, run.members[group])):
            yield head
        return
    rows = list(_tree(run, group, roots, sight, 1))
    if rows or keep is None:
        yield head
        yield from rows


def _roots(run: Run, group: str, sight: _Sight) -> list[str]:
    """Return the group's tasks that neither a whole nor a starter of the same group brings along."""
    wholes = [task for task in run.members[group] if task in run.instances]
    brought = {child for task in wholes for child in run.instances[task] if _belongs(run, child, group)}
    brought.update(child for children in sight.started.values() for child in children)
    elsewhere = {task for task in wholes if _is_elsewhere(run, task)}
    return [task for task in run.members[group] if task not in brought and task not in elsewhere]


def _is_elsewhere(run: Run, task: str) -> bool:
    """Return whether a whole stands for nothing here: all its instances are in other groups."""
    children = [child for child in run.instances.get(task, ()) if child in run.tasks]
    group = run.tasks[task].info.group
    return bool(children) and all(run.tasks[child].info.group != group for child in children)


def _tree(run: Run, group: str, tasks: Collection[str], sight: _Sight, depth: int) -> Iterator[Row]:
    if sight.order is None and run.instances.keys().isdisjoint(tasks) and sight.started.keys().isdisjoint(tasks):
        kept = tasks if sight.keep is None else filter(sight.keep, tasks)
        yield from [made(Row, (Kind.TASK, task, group, depth)) for task in kept]
        return
    leaves = _leaves(run, group, tasks)
    for task, children in leaves if sight.order is None else _ordered(leaves, sight.order):
        if children:
            yield from _fan(run, Row(Kind.FAN, task, group, depth), children, sight)
        else:
            yield from _task(run, Row(Kind.TASK, task, group, depth), sight)


def _task(run: Run, row: Row, sight: _Sight) -> Iterator[Row]:
    """Yield the task's row, and below it those of what it started; they stand where it would if it has none."""
    kept = sight.keep is None or sight.keep(row.name)
    if kept:
        yield row
    children = sight.started.get(row.name)
    if children:
        yield from _tree(run, row.group, children, sight, row.depth + kept)


_Leaf = tuple[str, list[str]]


def _ordered(leaves: Iterable[_Leaf], order: Order) -> list[_Leaf]:
    known = dict(leaves)
    return [(task, known[task]) for task in order(known)]


def _leaves(run: Run, group: str, tasks: Iterable[str]) -> Iterator[_Leaf]:
    """Yield each task that has a row of its own; with its instances, if that row is a fan-out's."""
    for task in tasks:
        children = [child for child in run.instances.get(task, ()) if _belongs(run, child, group)]
        if not children or is_fan(run, task):
            yield task, children
        else:
            yield from _leaves(run, group, children)


def _belongs(run: Run, task: str, group: str) -> bool:
    return task in run.tasks and run.tasks[task].info.group == group


def _fan(run: Run, row: Row, children: list[str], sight: _Sight) -> Iterator[Row]:
    is_open = sight.folds.is_open(row)
    rows = list(_tree(run, row.group, children, sight, row.depth + 1)) if is_open or sight.keep else []
    if rows or sight.keep is None:
        yield row
    if is_open:
        yield from rows
