"""The tasks: health in short, the task table, and the pane of one task."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.widget import Widget

from orchestrator.core.progress import TaskProgress
from orchestrator.core.talk import Talk
from orchestrator.tui import detail, faces, health, talking
from orchestrator.tui.commands import Motion, Place
from orchestrator.tui.feed import Changes
from orchestrator.tui.filter import EVERYTHING
from orchestrator.tui.lines import Line, Span
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.text import plural
from orchestrator.tui.views.listing import ListView
from orchestrator.tui.views.view import Office, bindings
from orchestrator.tui.widgets.filterline import SearchLine
from orchestrator.tui.widgets.log import LogView
from orchestrator.tui.widgets.painted import Bar, Text
from orchestrator.tui.widgets.table import TaskTable


class TasksView(ListView):
    """Draws a run: all of it at first, then only what changed."""

    place = Place.TASKS
    BINDINGS = bindings(place)
    SCOPED_CSS = False
    DEFAULT_CSS = """
    TasksView #strip { height: 5; }
    Screen.-narrow TasksView #strip, Screen.-h-short TasksView #strip { height: 1; }
    TasksView #body { layout: vertical; height: 1fr; }
    TasksView #main { height: 1fr; width: 1fr; }
    TasksView #pane { height: 30%; min-height: 7; width: 100%; }
    Screen.-xwide TasksView #body { layout: horizontal; }
    Screen.-xwide TasksView #pane { height: 100%; width: 72; }
    TasksView.-zoomed #main { display: none; }
    Screen TasksView.-zoomed #pane { height: 1fr; width: 1fr; }
    TasksView #tasks-table, TasksView #log, TasksView #page { height: 1fr; }
    TasksView #page { display: none; }
    TasksView.-paged #page { display: block; }
    TasksView.-paged #log { display: none; }
    """

    def __init__(self, office: Office) -> None:
        super().__init__(office)
        self._chosen_page = ""
        self._opened_calls: set[str] = set()
        self._names = 10
        self._clocks: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        paint = self.office.paint
        self._strip = Bar(paint, id="strip")
        self._pane_title = Bar(paint, ground="panel", id="pane-title")
        self.output = LogView(paint, id="log")
        self.sheet = Text(paint, id="page")
        self._search = SearchLine(paint)
        yield self._strip
        with Container(id="body"):
            with Vertical(id="main") as self._main:
                yield self.filter_line
                yield self.head
                yield self.table
            with Vertical(id="pane") as self._pane:
                yield self._pane_title
                yield self._search
                yield self.output
                yield self.sheet

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def rows(self, cursor: str | None) -> Sequence[Row]:
        self._names = faces.name_width(self.office.run.members)
        return self.office.board.rows(self.office.now, cursor)

    def take(self, changes: Changes) -> None:
        tasks = self.office.run.tasks
        if changes.tasks:
            self.table.touch(changes.tasks | {tasks[task].group for task in changes.tasks})
        if self.row is not None and self.row.name in changes.tasks:
            self.draw_pane()

    def tick(self) -> None:
        self.table.touch(self._ticked())
        run, now, cells, glyphs = self.office.run, self.office.now, self.size.width, self.office.paint.glyphs
        if self._strip.size.height > 1:
            self._strip.show(*health.boxes(run, now, cells, glyphs))
        else:
            self._strip.show(health.one_line(run, now, cells, glyphs))
        self.draw_pane()

    def _ticked(self) -> Collection[str]:
        """Return the tasks in view whose clocks show something else than at the last tick."""
        run, now, before = self.office.run, self.office.now, self._clocks
        seen = [run.tasks[row.name] for row in self.table.in_view() if row.kind is Kind.TASK]
        self._clocks = {task.id: faces.clock_words(run, task, now) for task in seen if faces.has_clock(task)}
        return {name for name, words in self._clocks.items() if before.get(name) != words}

    def head_words(self) -> Line:
        office = self.office
        return faces.head_line(faces.columns(self.table.columns), office.board.sort, office.paint.glyphs)

    def face(self, row: Row) -> Line:
        office, board = self.office, self.office.board
        shape = faces.columns(self.table.columns)
        view = faces.View(office.run, office.now, shape, office.paint.glyphs, self._names)
        if row.kind is Kind.GROUP:
            return faces.group_line(view, row, opened=board.folds.is_open(row))
        if row.kind is Kind.FAN:
            counts = office.feed.family.counts[row.name]
            return faces.fan_line(view, row, counts, opened=board.folds.is_open(row))
        return faces.task_line(view, row, marked=row.name in board.marks, faded=board.is_faded(row))

    @property
    def kept_free(self) -> tuple[int, int]:
        """What a task writes is read at its end, where toasts would stand; the table has room for them."""
        main, pane = self._main.size, self._pane.size
        if not main.area or not pane.area:
            return 0, 0
        return (pane.width, 0) if self._pane.region.x else (0, pane.height)

    # ── the pane ────────────────────────────────────────────────────────────────────────────────

    @property
    def page(self) -> str:
        """Return the page that is shown: the one that was chosen, if there is one of what the cursor is on."""
        pages = detail.pages_of(self.office.run, self.table.row)
        return self._chosen_page if self._chosen_page in pages else pages[0]

    def draw_pane(self) -> None:
        row, page = self.table.row, self.page
        self.set_class(page != "Output", "-paged")
        if row is not None:
            self._draw_page(row, page)
        note = detail.follow_note(following=self.output.following, missed=self.output.missed)
        note = note if page == "Output" else Span("")
        if page == "Output" and self.output.is_searching:
            note = self._search_note(note)
        look = detail.Look(self.office.run, self.office.now, self._pane_title.size.width, self.office.paint.glyphs)
        self._pane_title.show(detail.title_line(look, row, page, note))

    def _draw_page(self, row: Row, page: str) -> None:
        run, now, glyphs = self.office.run, self.office.now, self.office.paint.glyphs
        if page == "Info":
            self.sheet.show([(line, "") for line in detail.info_lines(run, row, now, glyphs)])
            return
        task = run.tasks[row.name]
        if page == "Talk":
            self._draw_talk(task, run.talks[row.name])
        elif page == "Attempts":
            self.sheet.show([(line, "") for line in detail.attempt_lines(task, now)])
        elif page == "Deps":
            self.sheet.show(detail.dep_lines(run, task, self.office.board.dependants(row.name), glyphs))
        else:
            self.output.show(task, run.tails.get(row.name))
            self.output.say_when_empty(detail.no_output(run, task, now))

    def _draw_talk(self, task: TaskProgress, talk: Talk) -> None:
        """Show the conversation, and its end as long as nobody looks further up."""
        was_at_end = self.sheet.is_at_end
        place = talking.Place(self.sheet.columns, self.office.paint.glyphs, self._opened_calls)
        self.sheet.show(talking.talk_lines(talk, task, self.office.now, place))
        if was_at_end:
            self.sheet.scroll_to(y=self.sheet.count, animate=False)

    # ── where one is ────────────────────────────────────────────────────────────────────────────

    @property
    def target(self) -> Widget:
        return self._listing() if self.has_class("-zoomed") else self.table

    def _listing(self) -> LogView | Text:
        return self.sheet if self.has_class("-paged") else self.output

    # ── wishes ──────────────────────────────────────────────────────────────────────────────────

    @property
    def _focused(self) -> Widget | None:
        return self.screen.focused

    def move(self, motion: Motion) -> None:
        focused = self._focused
        if isinstance(focused, TaskTable | LogView | Text):
            focused.move(motion)
        if focused is self.table:
            self.draw_pane()  # now, not once the message comes: the row and its pane are painted in one frame

    def fold(self, *, opened: bool) -> None:
        if self._focused is self.output:
            self.output.shift(1 if opened else -1)
            return
        row = self.table.row
        if row is None:
            return
        if faces.is_foldable(row) and self.office.board.set_fold(row, opened=opened):
            self.rebuild()
        elif not opened:
            self._go_to_holder(row)

    def _go_to_holder(self, row: Row) -> None:
        holder = self.office.board.holder(row)
        if holder is not None:
            self.table.go_to_key(holder.key)

    def open_row(self) -> None:
        row, board = self.table.row, self.office.board
        if self._focused is self.sheet:
            self.sheet.choose()
        elif row is not None and faces.is_foldable(row) and self._focused is self.table:
            board.set_fold(row, opened=not board.folds.is_open(row))
            self.rebuild()
        elif row is not None:
            self._zoom(on=not self.has_class("-zoomed"))

    def _zoom(self, *, on: bool) -> None:
        self.set_class(on, "-zoomed")
        self.target.focus()
        self.call_after_refresh(self.redraw)

    def back(self) -> bool:
        if self.output.is_searching:
            self.output.search(EVERYTHING)
            self.draw_pane()
        elif self.has_class("-zoomed"):
            self._zoom(on=False)
        elif not super().back():
            self.table.focus()
        return True

    # ── searching the log ───────────────────────────────────────────────────────────────────────

    def edit_filter(self) -> None:
        """In the log, search; elsewhere, filter."""
        if self._focused is self.output:
            self._search.open("")
        else:
            super().edit_filter()

    @on(SearchLine.Changed)
    def search_changed(self, message: SearchLine.Changed) -> None:
        message.prevent_default()  # it is a filter's message too, and that of the list would act on it
        self.output.search(message.filter)
        found = self.output.matches()
        self._search.note((Span(plural(found, "line") if message.filter else "", "muted" if found else "bad"),))

    @on(SearchLine.Closed)
    def search_closed(self, message: SearchLine.Closed) -> None:
        message.prevent_default()
        self.output.focus()
        self.draw_pane()

    def next_match(self, step: int) -> bool:
        is_on = self.output.is_searching and self._focused is self.output
        if is_on and not self.output.next_match(step):
            self.office.tell("The log has no such line.")
        return is_on

    def _search_note(self, note: Span) -> Span:
        keys = f"{self.office.keymap.name('need.list')} {self.office.keymap.name('need.next')}"
        return note._replace(text=f"{keys} next match  {note.text}")

    # ── panes ───────────────────────────────────────────────────────────────────────────────────

    def next_pane(self, step: int) -> None:
        del step  # there are two panes, so both directions lead to the other one
        target = self._listing() if self._focused is self.table else self.table
        target.focus()

    def turn_page(self, step: int) -> None:
        row = self.table.row
        if row is not None and row.kind is Kind.TASK:
            pages = detail.pages_of(self.office.run, row)
            self.show_page(pages[(pages.index(self.page) + step) % len(pages)])

    def show_page(self, page: str) -> None:
        in_pane = self._focused is not self.table
        self._chosen_page = page
        self.draw_pane()
        self.sheet.scroll_to(y=self.sheet.count if page == "Talk" else 0, animate=False)
        if in_pane:
            self._listing().focus()

    def describe(self) -> None:
        self.show_page("Info")

    def follow(self) -> None:
        self.output.follow(on=not self.output.following)

    def line_text(self) -> str:
        return self.output.last_line() if self._focused is self.output else super().line_text()

    def log_text(self) -> str:
        if self.page == "Output":
            return self.output.whole()
        talk = self.office.run.talks.get(self.row.name) if self.row is not None else None
        return talking.talk_text(talk) if talk is not None and self.page == "Talk" else self.sheet.whole()

    @property
    def log_task(self) -> str | None:
        return self.row.name if self.row is not None and self.page == "Output" else None

    # ── messages of the widgets ─────────────────────────────────────────────────────────────────

    @on(LogView.Changed)
    def log_changed(self) -> None:
        self.draw_pane()

    @on(Text.Chosen)
    def line_chosen(self, message: Text.Chosen) -> None:
        """Go to a task that is named, or unfold what a tool was given and answered."""
        if message.action.startswith(talking.TOGGLE):
            self._opened_calls ^= {message.action.removeprefix(talking.TOGGLE)}
            self.draw_pane()
        else:
            self.go_to_task(message.action)

    @on(Bar.Clicked)
    def bar_clicked(self, message: Bar.Clicked) -> None:
        if message.action.startswith("page:"):
            message.stop()
            self.show_page(message.action.removeprefix("page:"))
