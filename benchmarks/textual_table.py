"""The baseline of the dashboard: the same run in Textual's own table, all cells of what changed ten times a second."""

from __future__ import annotations

from typing import Final

from textual import on
from textual.app import App, ComposeResult
from textual.widgets import DataTable, Static

from orchestrator.core.ports import Session
from orchestrator.tui.feed import Feed

WIDTHS: Final = {"state": 11, "group": 8, "task": 20, "try": 4, "tokens": 8, "output": 56}


class Table(App[None]):
    """All tasks in a table; a line below it names the one under the cursor."""

    CSS = "#title { dock: bottom; height: 1; }"
    BINDINGS = [("j", "step(1)", "down"), ("k", "step(-1)", "up")]  # noqa: RUF012 - Textual's own declaration

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._feed = Feed(session)

    def compose(self) -> ComposeResult:
        yield DataTable[str](cursor_type="row")
        yield Static(id="title")

    def on_mount(self) -> None:
        self._table: DataTable[str] = self.query_one(DataTable)
        self._named = self.query_one(Static)
        for name, width in WIDTHS.items():
            self._table.add_column(name, key=name, width=width)
        for task in self._feed.run.tasks:
            self._table.add_row(*self._cells(task), key=task)
        self.set_interval(0.1, self._look)

    def _look(self) -> None:
        for task in self._feed.poll().tasks:
            for name, value in zip(WIDTHS, self._cells(task), strict=True):
                self._table.update_cell(task, name, value)

    def _cells(self, task: str) -> tuple[str, ...]:
        one = self._feed.run.tasks[task]
        short = task.rpartition("/")[2]
        return one.status.value, one.group, short, str(one.attempt), str(one.tokens), one.last_line

    def action_step(self, step: int) -> None:
        self._table.move_cursor(row=self._table.cursor_row + step)

    @on(DataTable.RowHighlighted)
    def name_row(self, message: DataTable.RowHighlighted) -> None:
        self._named.update(str(message.row_key.value))
