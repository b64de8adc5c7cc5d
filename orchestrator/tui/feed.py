"""A session folded into a run of our own, bit by bit, and what changed since the last look."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core import events as ev
from orchestrator.core.events import Record
from orchestrator.core.ports import Gap, Session, Subscription
from orchestrator.core.run import Run
from orchestrator.tui.mergedlog import TOLD
from orchestrator.tui.news import TOASTED
from orchestrator.tui.rows import Family

AT_ONCE: Final = 3000
"""Events folded at one look, so that a burst never holds up a key press."""

_NEWS: Final = TOASTED | TOLD
"""What a person may want to be told of, at once or in the log."""
_LAYOUT: Final = frozenset({ev.TaskAdded, ev.RunStarted, ev.TaskExpanded})
"""After what there are other rows."""
_NOTED: Final = _NEWS | _LAYOUT


@dataclass(slots=True)
class Changes:
    """What changed: tasks and wholes by id, whether there are other rows, what is news, how many were seen.

    `grown` are the lines of the merged log that have grown.
    """

    tasks: set[str] = field(default_factory=set)
    layout: bool = False
    everything: bool = False
    news: list[Record] = field(default_factory=list)
    seen: int = 0
    grown: frozenset[int] = frozenset()


class Feed:
    """Follows a session. `run` is ours alone; it is another object after a gap."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: deque[Record] = deque()
        self.run: Run
        self.family: Family
        self._subscription: Subscription
        self._attach()

    def poll(self) -> Changes:
        """Fold what came, up to a bound, and say what changed."""
        changes = Changes()
        found = self._subscription.drain()
        if isinstance(found, Gap):
            self.close()
            self._attach()
            changes.everything = changes.layout = True
        else:
            self._waiting.extend(found)
        self._fold(changes)
        return changes

    @property
    def waiting(self) -> int:
        """Return how many events are known but not folded yet."""
        return len(self._waiting)

    def late(self) -> float:
        """Return how many seconds what is shown lies behind."""
        return self._session.now() - self.run.at if self._waiting else 0.0

    def close(self) -> None:
        self._subscription.close()

    def _attach(self) -> None:
        self.run, self._subscription = self._session.attach()
        self._waiting.clear()
        self.family = Family()
        for whole in self.run.instances:
            self.family.expanded(self.run, whole)

    def _fold(self, changes: Changes) -> None:
        waiting, run = self._waiting, self.run
        changes.seen = min(len(waiting), AT_ONCE)
        touched = set[str]()
        for _ in range(changes.seen):
            record = waiting.popleft()
            run.apply(record)
            event = record.event
            touched.add(getattr(event, "task", ""))
            if type(event) in _NOTED:
                self._note(record, changes)
        self._touch(touched & run.tasks.keys(), changes)

    def _note(self, record: Record, changes: Changes) -> None:
        event = record.event
        if isinstance(event, ev.TaskExpanded):
            self.family.expanded(self.run, event.task)
        if type(event) in _LAYOUT:
            changes.layout = True
        if type(event) in _NEWS:
            changes.news.append(record)

    def _touch(self, tasks: set[str], changes: Changes) -> None:
        """Bring the counts of wholes in step with these tasks, once for all that happened to each."""
        wholes = {self.family.moved(self.run, task) for task in tasks}
        changes.tasks |= tasks
        changes.tasks.update(whole for whole in wholes if whole is not None)
