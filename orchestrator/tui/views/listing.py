"""What the views that list tasks share: the table with its cursor, the filter, the marks."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.widget import Widget

from orchestrator.tui.commands import Motion
from orchestrator.tui.faces import SORT
from orchestrator.tui.lines import Line, Span, plain
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.sorting import By
from orchestrator.tui.text import plural
from orchestrator.tui.views.view import Office, View
from orchestrator.tui.widgets.filterline import FilterLine
from orchestrator.tui.widgets.painted import Bar
from orchestrator.tui.widgets.table import TaskTable


class ListView(View):
    """A view with a table of tasks. The class below it composes, and says what a row looks like."""

    SCOPED_CSS = False
    DEFAULT_CSS = "ListView.-filtering .head { display: none; }"

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        paint = office.paint
        self.table = TaskTable(paint, self.face, id=f"{self.place}-table")
        self.filter_line = FilterLine(paint)
        self.head = Bar(paint, ground="surface", id=f"{self.place}-head")
        self.head.add_class("head")

    # ── what the class below it says ────────────────────────────────────────────────────────────

    def face(self, row: Row) -> Line:
        """Return the row as the table shows it."""
        raise NotImplementedError

    def rows(self, cursor: str | None) -> Sequence[Row]:
        """Return the rows; that of the cursor stays."""
        raise NotImplementedError

    def head_words(self) -> Line:
        """Return what stands above the rows."""
        raise NotImplementedError

    def draw_pane(self) -> None:
        """Draw what is about the cursor's row."""
        raise NotImplementedError

    # ── rows ────────────────────────────────────────────────────────────────────────────────────

    def rebuild(self) -> None:
        row = self.table.row
        self.table.empty = self._nothing()
        self.table.show(self.rows(row.task if row else None))
        self.draw_head()

    def redraw(self) -> None:
        super().redraw()
        self.table.renew()

    def draw_head(self) -> None:
        words = self.office.board.filter_words()
        self.head.show((Span(f" {words}", "warn"),) if words else self.head_words())

    def _nothing(self) -> Line:
        run, board = self.office.run, self.office.board
        if run.tally.total and board.matching is not None:
            text = f'No task matches "{board.filter.text}". Esc clears the filter.'
        elif run.started is None:
            text = "Preparing the run"
        else:
            text = f"Preparing {plural(run.tally.total, 'task')} in {plural(len(run.groups), 'group')}"
        return (Span(f" {text}", "muted"),)

    # ── where one is ────────────────────────────────────────────────────────────────────────────

    @property
    def target(self) -> Widget:
        return self.table

    @property
    def row(self) -> Row | None:
        return self.table.row if self.is_mounted else None

    def go_to_task(self, task: str) -> None:
        """Put the cursor on the task, unfolding what hides it; a filter that hides it is taken away."""
        board = self.office.board
        if task not in self.office.run.tasks:
            return
        if board.matching is not None and task not in board.matching:
            board.show_all()
        board.reveal(task)
        self.rebuild()
        if not self.table.go_to_key((Kind.TASK, task)):
            self.table.go_to_key((Kind.FAN, task))
        self.table.focus()

    # ── wishes ──────────────────────────────────────────────────────────────────────────────────

    def back(self) -> bool:
        """Take away the filter, else the marks."""
        row, board = self.table.row, self.office.board
        if board.show_all():
            self.rebuild()
            self._go_near(row)
        elif board.unmark():
            self.table.refresh()
        else:
            return False
        return True

    def _go_near(self, row: Row | None) -> None:
        """Where the row is folded away, go to what holds it."""
        holder = None if row is None or row == self.table.row else self.office.board.holder(row)
        if holder is not None:
            self.table.go_to_key(holder.key)

    def mark(self) -> None:
        row = self.table.row
        if row is not None:
            self.office.board.toggle_mark(row)
            self.table.refresh()
            self.table.move(Motion.DOWN)
            self.refresh_bindings()

    def line_text(self) -> str:
        row = self.table.row
        return "" if row is None else plain(self.face(row)).strip()

    # ── the filter ──────────────────────────────────────────────────────────────────────────────

    def edit_filter(self) -> None:
        self.add_class("-filtering")
        self.filter_line.open(self.office.board.filter.text)

    @on(FilterLine.Changed)
    def filter_changed(self, message: FilterLine.Changed) -> None:
        board = self.office.board
        board.filter = message.filter
        self.rebuild()
        self.filter_line.note((Span(board.found_words(), "muted"),))
        self.draw_pane()

    @on(FilterLine.Closed)
    def filter_closed(self, message: FilterLine.Closed) -> None:
        self.remove_class("-filtering")
        self.table.focus()
        row, board = self.table.row, self.office.board
        if message.kept and row is not None and board.is_faded(row):
            self.table.go_to_first(lambda row: row.kind is Kind.TASK and not board.is_faded(row))

    # ── messages of the table and its head ──────────────────────────────────────────────────────

    @on(Bar.Clicked)
    def head_clicked(self, message: Bar.Clicked) -> None:
        """Sort by the column."""
        if message.action.startswith(SORT):
            message.stop()
            self.office.sort_by(By(message.action.removeprefix(SORT)))

    @on(TaskTable.Moved)
    def cursor_moved(self) -> None:
        self.draw_pane()
        self.office.cursor_moved()
        if self.office.board.matching is not None:
            self.rebuild()

    @on(TaskTable.Opened)
    def row_opened(self) -> None:
        self.open_row()
