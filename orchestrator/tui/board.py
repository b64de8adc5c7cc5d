"""What the views of tasks remember between two looks: folds, filter, marks, and which rows follow from them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from orchestrator.core.critical import critical_chain
from orchestrator.core.progress import ENDED_BADLY, ENDED_WELL, TaskProgress
from orchestrator.core.states import NEEDS_A_PERSON, BreakerState, RunState, Status
from orchestrator.tui.detail import Dependants, dependants
from orchestrator.tui.feed import Feed
from orchestrator.tui.filter import EVERYTHING, Filter
from orchestrator.tui.rows import UNFOLDED, Folds, Keep, Kind, Order, Row, build, is_fan, starter_of
from orchestrator.tui.sorting import By, Sort

REBUILD: Final = 1.0
"""Seconds between two sievings while what matches changes by itself."""
RESORT: Final = 2.0
"""Seconds between two sortings by what changes by itself,"""
QUIET: Final = 1.0
"""and seconds without a key before rows change their places."""
CHAIN: Final = 1.0
"""Seconds between two looks at what decides the end, and again as many for every so many tasks:"""
_CHAIN_TASKS: Final = 5000


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
        self._folds = Folds()
        self._found_folds = EVERYTHING, UNFOLDED
        self.filter: Filter = EVERYTHING
        self.hides_done = False
        self.sort = Sort()
        self.pressed = float("-inf")
        self._ranks: dict[str, int] = {}
        self._ranked: tuple[Sort, float] = (self.sort, float("-inf"))
        self.marks: frozenset[str] = frozenset()
        self.matching: frozenset[str] | None = None
        self._sieved = float("-inf")
        self._all: list[Row] = []
        self._all_of: tuple[object, ...] = ()
        self._dependants_of = ("", -1)
        self._dependants: Dependants = ()
        self._chain: tuple[str, ...] = ()
        self._chain_of = (-1, float("-inf"))

    @property
    def folds(self) -> Folds:
        """Return what is folded: what a filter finds is not, until somebody folds it. After it, all is as before."""
        if not self.filter:
            return self._folds
        of, folds = self._found_folds
        return folds if of is self.filter else UNFOLDED

    @folds.setter
    def folds(self, folds: Folds) -> None:
        if self.filter:
            self._found_folds = self.filter, folds
        else:
            self._folds = folds

    # ── rows ────────────────────────────────────────────────────────────────────────────────────

    def rows(self, now: float, cursor: str | None = None) -> list[Row]:
        """Return the rows; the cursor's stays until the cursor leaves it, even if it matches no more."""
        self.sift(now)
        order = self._order(now)
        if self.matching is None:
            return build(self.feed.run, self.folds, order=order)
        keep = self.matching if cursor is None else self.matching | {cursor}
        return build(self.feed.run, self.folds, keep.__contains__, order)

    def _order(self, now: float) -> Order | None:
        """Return how rows are ordered; between two sortings they keep their places, and new ones stand at the end."""
        if self.sort.by is By.FLOW:
            return None
        if self._ranked[0] != self.sort or not self.sort.live or self._may_move(now):
            self._ranked = self.sort, now
            ordered = self.sort.order(self.feed.run, self.feed.run.tasks, now)
            self._ranks = {name: rank for rank, name in enumerate(ordered)}
        ranks, end = self._ranks, len(self._ranks)
        return lambda names: sorted(names, key=lambda name: ranks.get(name, end))

    def _may_move(self, now: float) -> bool:
        return now - self._ranked[1] >= RESORT and now - self.pressed >= QUIET

    def tasks(self, now: float, cursor: str | None = None) -> list[Row]:
        """Return the same rows without groups and folds: one for each task that the filter lets through."""
        self.sift(now)
        order = self._order(now)
        if self.matching is None and order is None:
            return self._all_tasks()
        keep = None if self.matching is None else self.matching | ({cursor} if cursor else set())
        return self._unfolded(None if keep is None else keep.__contains__, order)

    def _all_tasks(self) -> list[Row]:
        """Return the rows of all tasks; the same list as long as there are no others."""
        run = self.feed.run
        key = (run, run.membership, len(run.instances))
        if key != self._all_of:
            self._all_of, self._all = key, self._unfolded(None, None)
        return self._all

    def _unfolded(self, keep: Keep | None, order: Order | None) -> list[Row]:
        return [row for row in build(self.feed.run, UNFOLDED, keep, order) if row.kind is Kind.TASK]

    def sift(self, now: float) -> None:
        """Find which tasks the filter lets through now."""
        self._sieved = now
        self.matching = self._sieve(now)

    def _sieve(self, now: float) -> frozenset[str] | None:
        if not self.filter and not self.hides_done:
            return None
        tasks, instances = self.feed.run.tasks, self.feed.run.instances
        return frozenset(name for name, task in tasks.items() if name not in instances and self._shows(task, now))

    def _shows(self, task: TaskProgress, now: float) -> bool:
        return not (self.hides_done and task.status in ENDED_WELL) and self.filter.matches(task, now)

    def is_stale(self, now: float) -> bool:
        """Return whether the rows should be sieved or sorted again because tasks moved on."""
        if self.sort.live and self._may_move(now):
            return True
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

    def found_words(self) -> str:
        """Return how many the filter lets through."""
        return "" if self.matching is None else f"{len(self.matching)} of {self.feed.run.tally.total}"

    def show_all(self) -> bool:
        """Take away what hides tasks; return whether there was anything."""
        hid = bool(self.filter) or self.hides_done
        self.filter, self.hides_done = EVERYTHING, False
        return hid

    def dependants(self, task: str) -> Dependants:
        """Return the tasks that need this one."""
        key = (task, self.feed.run.membership)
        if key != self._dependants_of:
            self._dependants_of, self._dependants = key, dependants(self.feed.run, task)
        return self._dependants

    def chain(self, now: float) -> tuple[str, ...]:
        """Return the chain of tasks that decides the end; it is looked for anew now and then as things happen."""
        run, (seq, at) = self.feed.run, self._chain_of
        if run.seq != seq and now - at >= CHAIN * (1 + len(run.tasks) / _CHAIN_TASKS):
            self._chain_of = run.seq, now
            self._chain = critical_chain(run, now)
        return self._chain

    # ── folds and marks ─────────────────────────────────────────────────────────────────────────

    def set_fold(self, row: Row, *, opened: bool) -> bool:
        """Fold or unfold the row, or the one it stands in when it cannot; return whether anything changed."""
        before = self.folds
        self.folds = self.folds.set(row, opened=opened)
        return self.folds != before

    def holder(self, row: Row) -> Row | None:
        """Return the row that holds this one: its starter's, its fan-out's or its group's."""
        if row.kind is Kind.GROUP:
            return None
        starter = starter_of(self.feed.run, row.name)
        if starter is not None:
            return Row(Kind.TASK, starter, row.group, row.depth - 1)
        whole = self.feed.family.whole_of.get(row.name)
        if whole is not None and is_fan(self.feed.run, whole) and self.feed.run.tasks[whole].group == row.group:
            return Row(Kind.FAN, whole, row.group, row.depth - 1)
        return Row(Kind.GROUP, row.group, row.group)

    def reveal(self, task: str) -> None:
        """Open what hides the task."""
        row = Row(Kind.TASK, task, self.feed.run.tasks[task].group, 2)
        while (holder := self.holder(row)) is not None:
            if holder.kind is not Kind.TASK:
                self.folds = self.folds.set(holder, opened=True)
            row = holder

    def toggle_mark(self, row: Row) -> None:
        """Mark the task, or all tasks of the row; again takes the marks away."""
        names = self._marked_by(row)
        self.marks = self.marks - names if names <= self.marks else self.marks | names

    def unmark(self) -> bool:
        """Take all marks away; return whether there were any."""
        marked = bool(self.marks)
        self.marks = frozenset()
        return marked

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
        return [row.name for row in self._all_tasks()]


def needs_you(task: TaskProgress) -> bool:
    """Return whether the task waits for a person to do something about it."""
    if task.status in ENDED_BADLY or task.question is not None:
        return True
    waits = task.wait is not None and task.wait.reason in NEEDS_A_PERSON
    return waits and task.status is not Status.PAUSED
