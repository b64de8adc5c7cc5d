"""What the Tasks screen remembers between two looks: folds, filter, marks, and which rows follow from them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from orchestrator.core.progress import ENDED_BADLY, ENDED_WELL, TaskProgress
from orchestrator.core.states import NEEDS_A_PERSON, BreakerState, RunState, Status
from orchestrator.tui.detail import Dependants, dependants
from orchestrator.tui.feed import Feed
from orchestrator.tui.filter import EVERYTHING, Filter
from orchestrator.tui.rows import Folds, Kind, Row, build, is_fan

REBUILD: Final = 1.0
"""Seconds between two sievings while what matches changes by itself."""


class Situation(NamedTuple):
    """What decides which commands make sense: where the run, the row and the breakers stand."""

    run: RunState
    status: Status | None
    task: tuple[bool, bool] | None
    group: tuple[bool, bool] | None
    all: tuple[bool, int]
    breakers: tuple[BreakerState, ...]


class Board:
    """Turns the run into rows. Rows are built when something about them changes, never for each frame."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.folds = Folds()
        self.filter: Filter = EVERYTHING
        self.hides_done = False
        self.marks: frozenset[str] = frozenset()
        self.matching: frozenset[str] | None = None
        self._sieved = float("-inf")
        self._dependants_of = ("", -1)
        self._dependants: Dependants = ()

    # ── rows ────────────────────────────────────────────────────────────────────────────────────

    def rows(self, now: float, cursor: str | None = None) -> list[Row]:
        """Return the rows; the cursor's stays until the cursor leaves it, even if it matches no more."""
        self._sieved = now
        self.matching = self._sieve(now)
        if self.matching is None:
            return build(self.feed.run, self.folds)
        keep = self.matching if cursor is None else self.matching | {cursor}
        return build(self.feed.run, self.folds, keep.__contains__)

    def _sieve(self, now: float) -> frozenset[str] | None:
        if not self.filter and not self.hides_done:
            return None
        tasks, instances = self.feed.run.tasks, self.feed.run.instances
        return frozenset(name for name, task in tasks.items() if name not in instances and self._shows(task, now))

    def _shows(self, task: TaskProgress, now: float) -> bool:
        return not (self.hides_done and task.status in ENDED_WELL) and self.filter.matches(task, now)

    def is_stale(self, now: float) -> bool:
        """Return whether the rows should be sieved again because tasks moved on."""
        return (self.filter.live or self.hides_done) and now - self._sieved >= REBUILD

    def is_faded(self, row: Row) -> bool:
        return self.matching is not None and row.kind is Kind.TASK and row.name not in self.matching

    def filter_words(self) -> str:
        """Return what the table's head says about the filter."""
        if self.matching is None:
            return ""
        total = self.feed.run.tally.total
        what = " ".join(part for part in (self.filter.text, "without done" if self.hides_done else "") if part)
        return f"filter: {what} ({len(self.matching)} of {total})  Esc clears"

    def dependants(self, task: str) -> Dependants:
        """Return the tasks that need this one."""
        key = (task, self.feed.run.membership)
        if key != self._dependants_of:
            self._dependants_of, self._dependants = key, dependants(self.feed.run, task)
        return self._dependants

    # ── folds and marks ─────────────────────────────────────────────────────────────────────────

    def set_fold(self, row: Row, *, opened: bool) -> bool:
        """Fold or unfold the row, or the one it stands in when it cannot; return whether anything changed."""
        before = self.folds
        self.folds = self.folds.set(row, opened=opened)
        return self.folds != before

    def holder(self, row: Row) -> Row | None:
        """Return the row that holds this one: its fan-out or its group."""
        if row.kind is Kind.GROUP:
            return None
        whole = self.feed.family.whole_of.get(row.name)
        if whole is not None and is_fan(self.feed.run, whole) and self.feed.run.tasks[whole].group == row.group:
            return Row(Kind.FAN, whole, row.group, row.depth - 1)
        return Row(Kind.GROUP, row.group, row.group)

    def reveal(self, task: str) -> None:
        """Open what hides the task."""
        row = Row(Kind.TASK, task, self.feed.run.tasks[task].group, 2)
        while (holder := self.holder(row)) is not None:
            self.folds = self.folds.set(holder, opened=True)
            row = holder

    def toggle_mark(self, row: Row) -> None:
        """Mark the task, or all tasks of the row; again takes the marks away."""
        names = self._marked_by(row)
        self.marks = self.marks - names if names <= self.marks else self.marks | names

    def _marked_by(self, row: Row) -> frozenset[str]:
        run = self.feed.run
        if row.kind is Kind.TASK:
            return frozenset({row.name})
        names = run.members[row.group] if row.kind is Kind.GROUP else run.instances[row.name]
        return frozenset(name for name in names if name in run.tasks and name not in run.instances)

    def situation(self, row: Row | None) -> Situation:
        """Return what decides which commands make sense."""
        run = self.feed.run
        task = run.tasks.get(row.task or "") if row else None
        tally = run.tallies.get(row.group) if row else None
        return Situation(
            run.state,
            task.status if task else None,
            (task.paused, task.question is not None) if task else None,
            (tally.failed > 0, tally.done == tally.total) if tally else None,
            (run.tally.failed > 0, len(run.questions)),
            tuple(backend.breaker for backend in run.backends.values()),
        )

    # ── who needs a person ──────────────────────────────────────────────────────────────────────

    def next_need(self, row: Row | None, step: int) -> str | None:
        """Return the next task, from the row on, that failed or waits for a person."""
        needs = [name for name in self._in_order() if needs_you(self.feed.run.tasks[name])]
        if not needs:
            return None
        here = row.task if row else None
        if here in needs:
            return needs[(needs.index(here) + step) % len(needs)]
        return self._nearest(needs, row, step)

    def _nearest(self, needs: list[str], row: Row | None, step: int) -> str:
        order = self._in_order()
        places = {name: index for index, name in enumerate(order)}
        here = self._place(row, places)
        ahead = [name for name in needs if (places[name] > here) is (step > 0)]
        pick: Collection[str] = ahead or needs
        return min(pick, key=places.__getitem__) if step > 0 else max(pick, key=places.__getitem__)

    def _place(self, row: Row | None, places: dict[str, int]) -> float:
        if row is None:
            return -1
        if row.kind is Kind.TASK:
            return places.get(row.name, -1)
        names = self.feed.run.members[row.group] if row.kind is Kind.GROUP else self.feed.run.instances[row.name]
        return min((places[name] for name in names if name in places), default=0) - 0.5

    def _in_order(self) -> list[str]:
        """Return all tasks as an unfolded, unfiltered table would show them."""
        run = self.feed.run
        opened = Folds(open_fans=frozenset(run.instances))
        return [row.name for row in build(run, opened) if row.kind is Kind.TASK]


def needs_you(task: TaskProgress) -> bool:
    """Return whether the task waits for a person to do something about it."""
    if task.status in ENDED_BADLY or task.question is not None:
        return True
    waits = task.wait is not None and task.wait.reason in NEEDS_A_PERSON
    return waits and task.status is not Status.PAUSED
