"""Who was hurt by a fire, and who only stood beside it: counted from a run's events."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from orchestrator.core import events as ev
from orchestrator.core.errors import ErrorKind
from orchestrator.core.events import Record
from orchestrator.core.run import Run
from orchestrator.core.states import State

_BY_A_PERSON: Final = frozenset({ErrorKind.CANCELLED, ErrorKind.DENIED})


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the wall: tasks that ever failed or were skipped, also those that did better when tried again."""

    groups: tuple[str, ...] = ()
    total: int = 0
    done: int = 0
    failed: int = 0
    skipped: int = 0
    affected: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """What became of the tasks. `inside` are the groups that use a backend which was broken; `outside` all others.

    A task is affected if a try of it failed, if it was skipped because another task failed, or if it had to wait at a
    backend that was broken. What a person cancels or skips is the person's doing.
    """

    inside: Side
    outside: Side
    events: int = 0


class Witness:
    """Sees every record, after the run has folded it."""

    def __init__(self) -> None:
        self._failed: set[str] = set()
        self._skipped: set[str] = set()
        self._stumbled: set[str] = set()
        self._waited: set[tuple[str, str]] = set()
        self._events = 0

    def saw(self, record: Record, run: Run) -> None:
        self._events += 1
        event = record.event
        match event:
            case ev.AttemptFailed(error=error) if error.kind not in _BY_A_PERSON:
                self._stumbled.add(event.task)
            case ev.TaskFailed(error=error) if error.kind not in _BY_A_PERSON:
                self._failed.add(event.task)
            case ev.TaskSkipped(cause=cause) if cause is not None and run.tasks[cause].state is State.FAILED:
                self._skipped.add(event.task)
            case ev.TaskWaiting(gate=gate) if gate is not None:
                self._waited.add((event.task, gate))
            case _:
                pass

    def proof(self, run: Run, broken: Collection[str]) -> Proof:
        """Return what the events say, for these backends."""
        burnt = {task.group for task in run.tasks.values() if task.info.backend in broken}
        inside = [group for group in run.groups if group in burnt]
        outside = [group for group in run.groups if group not in burnt]
        return Proof(self._side(run, inside, broken), self._side(run, outside, broken), self._events)

    def _side(self, run: Run, groups: Iterable[str], broken: Collection[str]) -> Side:
        groups = tuple(groups)
        own = {name for group in groups for name in run.members[group] if name not in run.instances}
        held = {task for task, gate in self._waited if gate in broken}
        return Side(
            groups=groups,
            total=len(own),
            done=sum(run.tasks[name].state is State.SUCCEEDED for name in own),
            failed=len(own & self._failed),
            skipped=len(own & self._skipped),
            affected=len(own & (self._failed | self._skipped | self._stumbled | held)),
        )
