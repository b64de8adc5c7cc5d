"""A run on a screen, without an engine: 10,000 tasks and 1,000 events a second, in our table or in Textual's.

Started by `dashboard.py` in a terminal of its own with the screen, the scene, and a descriptor. Twice a second it
tells that descriptor what the whole process took, what the thread took that makes the events, its memory, and how
often it looked at what happened.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from orchestrator.config.themes import find_themes
from orchestrator.core import events as ev
from orchestrator.core.commands import Command
from orchestrator.core.events import BackendInfo, BudgetInfo, Event, Gauge, GroupInfo, Record
from orchestrator.core.flow import Need
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

LEADS_APART: Final = 0.137
"""Seconds between their starts, so that their clocks do not all tick at once."""


def name(group: str, number: int) -> str:
    """Name a task so that only the pane's title shows the whole id: the table leaves the group's name away."""
    return f"{group}/{number:04d}"


class Story:
    """Tells a run without end. A task lives for seven events, then another one does; who ended is run again one day.

    `at` is the second on the run's clock at which the opening has arrived.
    """

    def __init__(self) -> None:
        self.at = 0.0
        waiting = [name(group, number) for group in GROUPS for number in range(IN_GROUP)][LEADS:]
        waiting += [f"page[{number}]" for number in range(FAN)]
        Random(7).shuffle(waiting)  # noqa: S311 - which task comes next, not a key
        self._waiting = deque(waiting)
        self._tries = Counter[str]()
        self._lives: deque[Iterator[Event]] = deque()
        self._told = 0

    def opening(self) -> Iterator[Event]:
        """Tell what there is, and bring a part of it to its end."""
        limits = ("600 requests in 1m",)
        backends = tuple(BackendInfo(name, "simulated", limits=limits) for name in ("writer", "web"))
        budgets = (BudgetInfo("run", 50_000_000, 100.0),)
        groups = tuple(GroupInfo(group) for group in (*GROUPS, "pages"))
        yield ev.RunStarted("busy", "busy.yaml", 1.8e9, 0, groups=groups, backends=backends, budgets=budgets)
        for group in GROUPS:
            for number in range(IN_GROUP):
                yield ev.TaskAdded(name(group, number), "llm", group, backend="writer", max_attempts=3)
        yield from self._fan()
        for number in range(LEADS):
            self.at += LEADS_APART
            yield from self._begin(name(GROUPS[0], number))
        for _ in range(3_000):
            yield from self._life(self._waiting.popleft())

    def _fan(self) -> Iterator[Event]:
        pages = tuple(f"page[{number}]" for number in range(FAN))
        yield ev.TaskAdded("page", "http", "pages", whole=True, max_attempts=None)
        yield ev.TaskExpanded("page", pages)
        for number, page in enumerate(pages):
            yield ev.TaskAdded(page, "http", "pages", of="page", label=str(number), backend="web", max_attempts=3)

    def _begin(self, task: str) -> Iterator[Event]:
        if self._tries[task]:
            yield ev.TaskReset(task, "rerun")
        self._tries[task] += 1
        yield ev.TaskWaiting(task, Reason.SLOT)
        yield ev.AttemptStarted(task, self._tries[task], 3, "web" if task.startswith("page[") else "writer")

    def _life(self, task: str) -> Iterator[Event]:
        yield from self._begin(task)
        attempt = self._tries[task]
        for step in range(2):
            yield ev.OutputProduced(task, attempt, "out", f"step {step}: what was found is written down here\n")
        yield ev.UsageReported(task, attempt, "writer", 900, 300, 0.004)
        yield ev.AttemptSucceeded(task, attempt)
        yield ev.TaskSucceeded(task)
        self._waiting.append(task)

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
            self._lives.append(self._life(self._waiting.popleft()))
        life = self._lives.popleft()
        event = next(life, None)
        if event is None:
            return self._step()
        self._lives.append(life)
        return event


class Still(Story):
    """The same, in which nothing more happens: only clocks tick."""

    def next(self, count: int) -> Iterator[Event]:
        del count
        yield from ()


class Lines(Story):
    """The same, in which tasks do nothing but write: a line with every event."""

    def next(self, count: int) -> Iterator[Event]:
        for _ in range(count):
            self._told += 1
            text = f"line {self._told}: GET /catalogue/{self._told % 97}: 200 OK, {self._told % 41} rows are parsed\n"
            yield ev.OutputProduced(name(GROUPS[0], self._told % LEADS), 1, "out", text)


class Graph(Still):
    """A few tasks around a fan-out of 2,000, as the DAG shows them."""

    def opening(self) -> Iterator[Event]:
        yield ev.RunStarted("graph", "graph.yaml", 1.8e9, 0, groups=(GroupInfo("pages"),))
        yield ev.TaskAdded("plan", "llm", "pages")
        needs = (Need("plan"),)
        for event in self._fan():
            yield replace(event, needs=needs) if isinstance(event, ev.TaskAdded) else event
        yield ev.TaskAdded("merge", "llm", "pages", needs=(Need("page"),))
        yield ev.TaskAdded("report", "llm", "pages", needs=(Need("merge"), Need("plan")))
        yield from self._life("plan")
        for number in range(FAN // 2):
            yield from self._life(f"page[{number}]")


class Stream:
    """A subscription: what was told since the last time. `looks` counts how often somebody asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self.looks = 0

    def extend(self, records: Sequence[Record]) -> None:
        with self._lock:
            self._records.extend(records)

    def drain(self) -> Sequence[Record]:
        self.looks += 1
        with self._lock:
            found, self._records = self._records, []
        return found

    def close(self) -> None:
        """Nothing is open."""


class Busy:
    """The session of a run that a thread tells from the moment on at which somebody attaches."""

    def __init__(self, story: Story, told: int) -> None:
        self._story = story
        self._run = Run("20261120-7f3a2c")
        self._stream = Stream()
        self._began = time.perf_counter()
        self._descriptor = told
        for seq, event in enumerate(self._story.opening()):
            self._run.apply(Record(self._run.id, seq, self._story.at, event))

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
        took |= {"looks": self._stream.looks, "peak_mb": peak()}
        os.write(self._descriptor, (json.dumps(took) + "\n").encode())


def peak() -> float:
    """Return the most megabytes that this program has had so far.

    Linux counts what the parent had when it was forked too, except where it tells of the program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def dashboard(session: Busy) -> None:
    themes = find_themes([Path(__file__).parents[1] / "themes"], environ={}).specs
    run_dashboard(session, DashboardOptions(themes=themes), engine_error=lambda: None)


def data_table(session: Busy) -> None:
    from textual_table import Table  # noqa: PLC0415 - only the baseline needs it

    Table(session).run()


def data_table_later(session: Busy) -> None:
    """Show the table only at a key."""
    from textual_table import Table  # noqa: PLC0415 - only the baseline needs it

    Table(session, at_once=False).run()


def nothing(session: Busy) -> None:
    """Show an app with a line of text alone, of a run that is there."""
    from textual_table import Bare  # noqa: PLC0415 - only the baseline needs it

    session.attach()
    Bare().run()


def log(session: Busy) -> None:
    from textual_table import Written  # noqa: PLC0415 - only the baseline needs it

    Written(session).run()


SCREENS: Final = {
    "dashboard": dashboard,
    "table": data_table,
    "later": data_table_later,
    "log": log,
    "bare": nothing,
}
SCENES: Final = {"busy": Story, "still": Still, "lines": Lines, "graph": Graph}

if __name__ == "__main__":
    screen, scene, told = sys.argv[1:]
    session = Busy(SCENES[scene](), int(told))
    gc.freeze()  # as the program does before a run
    gc.set_threshold(50_000)
    SCREENS[screen](session)
