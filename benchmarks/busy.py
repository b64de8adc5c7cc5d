"""A busy run on a screen: 10,000 tasks and 1,000 events a second without an engine, shown by the dashboard or a DataTable.

Started by `dashboard.py` in a terminal of its own. Twice a second it tells the descriptor that it was given what the
whole process took, what the thread took that makes the events, and its memory.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Final

from orchestrator.config.themes import find_themes
from orchestrator.core import events as ev
from orchestrator.core.commands import Command
from orchestrator.core.events import BackendInfo, BudgetInfo, Event, Gauge, GroupInfo, Record
from orchestrator.core.ports import Subscription
from orchestrator.core.run import Run
from orchestrator.core.states import Reason
from orchestrator.tui import DashboardOptions, run_dashboard

RATE: Final = 1_000
TICK: Final = 0.01
GROUPS: Final = ("north", "east", "south", "west")
IN_GROUP: Final = 2_000
FAN: Final = 2_000
ACTIVE: Final = 400
TALKATIVE: Final = "north/0000"
"""The task under the cursor at first: it writes ten lines a second all the time."""

LEADS: Final = 25
"""The first tasks, among which the cursor walks; they are not ended, so that their clocks run."""


def name(group: str, number: int) -> str:
    """The table leaves the group's name away, so whoever finds the whole id in the output has found the pane's title."""
    return f"{group}/{number:04d}"


class Story:
    """Tells a run of so many tasks without end. A task lives for seven events, and then another one does."""

    def __init__(self) -> None:
        self._chance = Random(7)  # noqa: S311 - which task comes next, not a key
        self._waiting = [name(group, number) for group in GROUPS for number in range(IN_GROUP)][LEADS:]
        self._waiting += [f"page[{number}]" for number in range(FAN)]
        self._chance.shuffle(self._waiting)
        self._lives: deque[Iterator[Event]] = deque()
        self._told = 0

    def opening(self) -> Iterator[Event]:
        """Tell what there is, and bring a part of it to its end."""
        backends = tuple(BackendInfo(name, "simulated", limits=("600 requests in 1m",)) for name in ("writer", "web"))
        budgets = (BudgetInfo("run", 50_000_000, 100.0),)
        groups = tuple(GroupInfo(group) for group in (*GROUPS, "pages"))
        yield ev.RunStarted("busy", "busy.yaml", 1.8e9, 0, groups=groups, backends=backends, budgets=budgets)
        for group in GROUPS:
            for number in range(IN_GROUP):
                yield ev.TaskAdded(name(group, number), "llm", group, backend="writer", max_attempts=3)
        yield from self._fan()
        for number in range(LEADS):
            yield from self._begin(name(GROUPS[0], number))
        for _ in range(3_000):
            yield from self._life(self._waiting.pop())

    def _fan(self) -> Iterator[Event]:
        pages = tuple(f"page[{number}]" for number in range(FAN))
        yield ev.TaskAdded("page", "http", "pages", whole=True, max_attempts=None)
        yield ev.TaskExpanded("page", pages)
        for number, page in enumerate(pages):
            yield ev.TaskAdded(page, "http", "pages", of="page", label=str(number), backend="web", max_attempts=3)

    def _begin(self, task: str) -> Iterator[Event]:
        yield ev.TaskWaiting(task, Reason.SLOT)
        yield ev.AttemptStarted(task, 1, 3, "web" if task.startswith("page[") else "writer")

    def _life(self, task: str) -> Iterator[Event]:
        yield from self._begin(task)
        for step in range(2):
            yield ev.OutputProduced(task, 1, "out", f"step {step}: what was found is written down here\n")
        yield ev.UsageReported(task, 1, "writer", 900, 300, 0.004)
        yield ev.AttemptSucceeded(task, 1)
        yield ev.TaskSucceeded(task)

    def next(self, count: int) -> Iterator[Event]:
        """Go on by so many events: of tasks all over the list, of one that talks, and of the backends."""
        for _ in range(count):
            self._told += 1
            yield from self._steady() or (self._step(),)

    def _steady(self) -> tuple[Event, ...]:
        if self._told % (RATE // 10) == 0:
            return (ev.OutputProduced(TALKATIVE, 1, "out", f"line {self._told}: and on it goes, for a while\n"),)
        if self._told % (RATE // 8) == 1:
            used = self._told // 125 % 600
            gauges = (Gauge("rpm", used, 600.0),)
            return (ev.BackendGauge(("writer", "web")[used % 2], 0, self._told, 0, used % 7, gauges),)
        return ()

    def _step(self) -> Event:
        while len(self._lives) < ACTIVE:
            self._lives.append(self._life(self._waiting.pop()))
        life = self._lives.popleft()
        event = next(life, None)
        if event is None:
            return self._step()
        self._lives.append(life)
        return event


class Stream:
    """A subscription: what was told since the last time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[Record] = []

    def extend(self, records: Sequence[Record]) -> None:
        with self._lock:
            self._records.extend(records)

    def drain(self) -> Sequence[Record]:
        with self._lock:
            found, self._records = self._records, []
        return found

    def close(self) -> None:
        """Nothing is open."""


class Busy:
    """The session of a run that a thread tells from the moment on at which somebody attaches."""

    def __init__(self, told: int) -> None:
        self._story = Story()
        self._run = Run("20261120-7f3a2c")
        self._stream = Stream()
        self._began = time.perf_counter()
        self._descriptor = told
        for seq, event in enumerate(self._story.opening()):
            self._run.apply(Record(self._run.id, seq, 0.0, event))

    def attach(self) -> tuple[Run, Subscription]:
        self._began = time.perf_counter()
        threading.Thread(target=self._tell, daemon=True).start()
        return self._run, self._stream

    def send(self, command: Command) -> None:
        """Nobody is there who would carry it out."""

    def now(self) -> float:
        return time.perf_counter() - self._began

    def _tell(self) -> None:
        run, seq = self._run.id, self._run.seq
        for round_ in range(1, 1_000_000):
            records = []
            for event in self._story.next(int(RATE * TICK)):
                seq += 1
                records.append(Record(run, seq, self.now(), event))
            self._stream.extend(records)
            if round_ % 50 == 0:
                self._report()
            time.sleep(max(0.0, round_ * TICK - self.now()))

    def _report(self) -> None:
        took = {"process": time.process_time(), "source": time.thread_time(), "at": time.perf_counter()}
        took["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if _MAC else 1 << 10)
        os.write(self._descriptor, (json.dumps(took) + "\n").encode())


_MAC: Final = sys.platform == "darwin"


def dashboard(session: Busy) -> None:
    themes = find_themes([Path(__file__).parents[1] / "themes"], environ={}).specs
    run_dashboard(session, DashboardOptions(themes=themes), engine_error=lambda: None)


def data_table(session: Busy) -> None:
    """Show the same run in Textual's own table, all cells of a changed row ten times a second."""
    from textual.app import App, ComposeResult  # noqa: PLC0415 - a part of what is measured
    from textual.widgets import DataTable, Static  # noqa: PLC0415 - the same

    from orchestrator.tui.feed import Feed  # noqa: PLC0415 - the same

    feed = Feed(session)

    def cells(task: str) -> tuple[str, ...]:
        one = feed.run.tasks[task]
        return one.status.value, one.group, task.rpartition("/")[2], str(one.attempt), str(one.tokens), one.last_line

    class Table(App[None]):
        BINDINGS = [("j", "step(1)", "down"), ("k", "step(-1)", "up")]  # noqa: RUF012 - Textual's own declaration

        def compose(self) -> ComposeResult:
            yield DataTable(cursor_type="row")
            yield Static("", id="title")

        def on_mount(self) -> None:
            self.table = self.query_one(DataTable)
            self.named = self.query_one(Static)
            for column, width in {"state": 11, "group": 8, "task": 20, "try": 4, "tokens": 8, "output": 56}.items():
                self.table.add_column(column, key=column, width=width)
            for task in feed.run.tasks:
                self.table.add_row(*cells(task), key=task)
            self.set_interval(0.1, self.tick)

        def tick(self) -> None:
            for task in feed.poll().tasks:
                for column, value in zip(self.table.columns, cells(task), strict=True):
                    self.table.update_cell(task, column, value)

        def action_step(self, step: int) -> None:
            self.table.move_cursor(row=self.table.cursor_row + step)

        def on_data_table_row_highlighted(self, message: DataTable.RowHighlighted) -> None:
            self.named.update(str(message.row_key.value))

    Table().run()


if __name__ == "__main__":
    session = Busy(int(sys.argv[2]))
    gc.freeze()  # as the program does before a run
    gc.set_threshold(50_000)
    {"dashboard": dashboard, "table": data_table}[sys.argv[1]](session)
