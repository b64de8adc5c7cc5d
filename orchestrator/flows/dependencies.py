"""Who waits for whom: `depends_on`, `group:NAME`, fan-outs that follow fan-outs and templates, as one acyclic graph."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from orchestrator.core.errors import Code
from orchestrator.core.flow import Condition, Need
from orchestrator.flows.findings import Findings
from orchestrator.flows.grammar import Path
from orchestrator.flows.limits import Limits

GROUP_PREFIX: Final = "group:"
_MOST_CYCLES: Final = 10
_SHOWN: Final = 12


class Dependencies:
    """Collects what each task needs. A condition that `depends_on` states goes before what templates imply."""

    def __init__(
        self,
        tasks: Sequence[str],
        groups: Mapping[str, str],
        declared: Collection[str],
        findings: Findings,
        limits: Limits,
    ) -> None:
        """`groups` says of each task in which one it is; `declared` are all groups of the file."""
        self._tasks = frozenset(tasks)
        self._groups = groups
        self._declared = declared
        self._findings = findings
        self._limits = limits
        self._needs: dict[str, dict[str, Condition]] = {task: {} for task in tasks}
        self._count = 0

    @cached_property
    def _members(self) -> dict[str, list[str]]:
        members: dict[str, list[str]] = {}
        for task, group in self._groups.items():
            members.setdefault(group, []).append(task)
        return members

    def declare(self, task: str, name: str, condition: Condition, path: Path) -> None:
        """Take note of one entry of a task's `depends_on`."""
        if name.startswith(GROUP_PREFIX):
            self._declare_group(task, name.removeprefix(GROUP_PREFIX), condition, path)
        elif name not in self._tasks:
            hint = self._findings.suggest(name, self._tasks) or "expected the id of a task, or group:NAME"
            self._findings.add(
                f"{task!r} depends on {name!r}, which does not exist", path, hint, code=Code.UNKNOWN_NAME
            )
        elif name == task:
            self._findings.add(f"{task!r} depends on itself", path, code=Code.CYCLE)
        else:
            self._add(task, name, condition)

    def _declare_group(self, task: str, group: str, condition: Condition, path: Path) -> None:
        members = self._members.get(group)
        if members is None:
            known = (*self._members, *self._declared)
            hint = self._findings.suggest(group, known) or "expected a group with tasks"
            self._findings.add(f"no task is in the group {group!r}", path, hint, code=Code.UNKNOWN_NAME)
        elif self._groups[task] == group:
            hint = "move it to another group, or name the tasks"
            self._findings.add(f"{task!r} depends on its own group {group!r}", path, hint, code=Code.CYCLE)
        else:
            for member in members:
                self._add(task, member, condition)

    def _add(self, task: str, name: str, condition: Condition) -> None:
        self._count += 1
        self._limits.check_dependencies(self._count)
        self._needs[task][name] = condition

    def imply(self, task: str, name: str, path: Path) -> None:
        """Take note of a task that a template of another one names."""
        if name == task:
            hint = "only `until` sees it, by the names of its fields: `exit_code == 0`"
            self._findings.add(f"{task!r} uses its own output", path, hint, code=Code.CYCLE)
        elif name not in self._needs[task]:
            self._add(task, name, Condition.SUCCEEDED)

    def needs(self, task: str) -> tuple[Need, ...]:
        return tuple(Need(name, condition) for name, condition in self._needs[task].items())

    def check_cycles(self) -> None:
        """Note every cycle, each once."""
        left: Mapping[str, Iterable[str]] = self._needs
        for _ in range(_MOST_CYCLES):
            left = stuck = _stuck(left)
            if not stuck:
                return
            cycle = _a_cycle(stuck)
            self._tell(cycle)
            for task in cycle:
                del stuck[task]

    def _tell(self, cycle: Sequence[str]) -> None:
        shown = [*cycle[:_SHOWN], *(["…"] if len(cycle) > _SHOWN else []), cycle[0]]
        message = f"these tasks wait for each other: {' → '.join(shown)}"
        hint = f"{cycle[0]!r} needs {cycle[1]!r}; take one of these dependencies out"
        self._findings.add_at_key(message, ("tasks", cycle[0]), hint, code=Code.CYCLE)


def _stuck(needs: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Return the tasks that can never start, with those of their needs that cannot either."""
    startable = set(in_order(needs))
    return {
        task: {name for name in names if name in needs and name not in startable}
        for task, names in needs.items()
        if task not in startable
    }


def _a_cycle(needs: Mapping[str, set[str]]) -> list[str]:
    """Return one cycle. Every task here needs another one that is here, so following needs must come around."""
    order = {task: number for number, task in enumerate(needs)}
    seen: dict[str, int] = {}
    walked: list[str] = []
    task = next(iter(needs))
    while task not in seen:
        seen[task] = len(walked)
        walked.append(task)
        task = min(needs[task], key=order.__getitem__)
    return _from_the_first(walked[seen[task] :], order)


def _from_the_first(cycle: list[str], order: Mapping[str, int]) -> list[str]:
    first = cycle.index(min(cycle, key=order.__getitem__))
    return cycle[first:] + cycle[:first]


def in_order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the tasks so that each comes after what it needs; those in cycles are left out."""
    missing, dependants = _counted(needs)
    ready = [task for task, count in missing.items() if not count]
    for task in ready:  # it grows while it is read
        for dependant in dependants.get(task, ()):
            missing[dependant] -= 1
            if not missing[dependant]:
                ready.append(dependant)
    return ready


def _counted(needs: Mapping[str, Iterable[str]]) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Return how many needs each task has, and who needs it."""
    missing = dict.fromkeys(needs, 0)
    dependants: dict[str, list[str]] = {}
    for task, names in needs.items():
        for name in names:
            if name in missing:
                missing[task] += 1
                dependants.setdefault(name, []).append(task)
    return missing, dependants
