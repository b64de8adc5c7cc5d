"""The baselines of the dashboard: the same run in Textual's own table and in its own log, and an app of one line."""

from __future__ import annotations

from typing import Final

from textual import on
from textual.app import App, ComposeResult
from textual.widgets import DataTable, Log, Static

from orchestrator.core.events import OutputProduced
from orchestrator.core.ports import Gap, Session
from orchestrator.core.states import Status
from orchestrator.tui.feed import Feed

WIDTHS: Final = {"state": 11, "group": 8, "task": 20, "try": 4, "time": 6, "tokens": 8, "output": 50}


class Bare(App[None]):
    """An app that shows one line."""

    def compose(self) -> ComposeResult:
        yield Static("north/0000")


class Written(App[None]):
    """What all tasks write, ten times a second."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._run, self._told = session.attach()

    def compose(self) -> ComposeResult:
        self._lines = Log(max_lines=20_000)
        yield self._lines

    def on_mount(self) -> None:
        self.set_interval(0.1, self._look)

    def _look(self) -> None:
        found = self._told.drain()
        assert not isinstance(found, Gap)
        events = (record.event for record in found)
        self._lines.write_lines([event.text.rstrip() for event in events if isinstance(event, OutputProduced)])


class Table(App[None]):
    """All tasks in a table, all cells of what changed ten times a second; a line names the one under the cursor."""

    CSS = "#title { dock: bottom; height: 1; }"
    BINDINGS = [("j", "step(1)", "down"), ("k", "step(-1)", "up"), ("3", "open", "table")]  # noqa: RUF012 - Textual's own declaration

    def __init__(self, session: Session, *, at_once: bool = True) -> None:
        super().__init__()
        self._session = session
        self._feed = Feed(session)
        self._at_once = at_once
        self._clocks: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        yield Static("ready", id="title")

    async def on_mount(self) -> None:
        self._named = self.query_one(Static)
        if self._at_once:
            await self.action_open()

    async def action_open(self) -> None:
        self._table = DataTable[str](cursor_type="row")
        for name, width in WIDTHS.items():
            self._table.add_column(name, key=name, width=width)
        for task in self._feed.run.tasks:
            self._table.add_row(*self._cells(task), key=task)
        await self.mount(self._table)
        self._table.focus()
        self.set_interval(0.1, self._look)

    def _look(self) -> None:
        for task in self._feed.poll().tasks:
            for name, value in zip(WIDTHS, self._cells(task), strict=True):
                self._table.update_cell(task, name, value)
        for task, shown in self._clocks.items():
            if self._clock(task) != shown:
                self._clocks[task] = self._clock(task)
                self._table.update_cell(task, "time", self._clocks[task])

    def _cells(self, task: str) -> tuple[str, ...]:
        one = self._feed.run.tasks[task]
        if one.status is Status.RUNNING:
            self._clocks[task] = self._clock(task)
        else:
            self._clocks.pop(task, None)
        short = task.rpartition("/")[2]
        tries, tokens = str(one.attempt), str(one.tokens)
        return one.status.value, one.group, short, tries, self._clock(task), tokens, one.last_line

    def _clock(self, task: str) -> str:
        return f"{self._feed.run.tasks[task].elapsed(self._session.now()) or 0:.0f} s"

    def action_step(self, step: int) -> None:
        self._table.move_cursor(row=self._table.cursor_row + step)

    @on(DataTable.RowHighlighted)
    def name_row(self, message: DataTable.RowHighlighted) -> None:
        self._named.update(str(message.row_key.value))
