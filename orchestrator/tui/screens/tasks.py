"""The Tasks screen: title, tabs, health, the task table, the detail pane and the keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input

from orchestrator.core.events import ApprovalRequested
from orchestrator.core.ports import Session
from orchestrator.core.states import RunState
from orchestrator.tui import detail, faces, heads, health
from orchestrator.tui.board import Situation
from orchestrator.tui.commands import COMMANDS
from orchestrator.tui.feed import Changes
from orchestrator.tui.filter import FilterError, parse
from orchestrator.tui.heads import Tab
from orchestrator.tui.hints import Hint, key_line
from orchestrator.tui.leaving import Leaving
from orchestrator.tui.lines import Line, Span
from orchestrator.tui.news import News, Toast
from orchestrator.tui.paint import Paint
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.screens.desk import DeskScreen
from orchestrator.tui.text import clean, plural
from orchestrator.tui.widgets.log import LogView
from orchestrator.tui.widgets.painted import Bar, Listing, Text
from orchestrator.tui.widgets.table import TaskTable

T = TypeVar("T")

FRAME: Final = 0.1
"""Seconds between two looks at what happened."""
CLOCKS: Final = 0.25
"""Seconds between two repaints of what only the time changes."""
SLOW: Final = 0.05
"""A frame that takes longer makes the next ones rarer."""
MINIMUM: Final = (60, 16)
TABS: Final = (Tab("1", "Tasks"),)
DEBOUNCE: Final = 0.08


def bindings() -> list[BindingType]:
    """Return the bindings of every command that is not in force everywhere."""
    return [
        Binding(command.keys, f"command('{command.id}')", command.label, id=command.id, show=command.foot is not None)
        for command in COMMANDS.values()
        if not command.everywhere
    ]


class TasksScreen(DeskScreen):
    """Draws a run: all of it at first, then only what changed."""

    BINDINGS = bindings()
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (170, "-xwide")]  # noqa: RUF012 - Textual's own declaration
    VERTICAL_BREAKPOINTS = [(0, "-h-short"), (30, "-h-normal")]  # noqa: RUF012 - the same
    CSS = """
    TasksScreen { layers: base over; }
    TasksScreen #strip { height: 5; }
    TasksScreen.-narrow #strip, TasksScreen.-h-short #strip { height: 1; }
    TasksScreen #body { layout: vertical; height: 1fr; }
    TasksScreen #main { height: 1fr; width: 1fr; }
    TasksScreen #pane { height: 30%; min-height: 7; width: 100%; }
    TasksScreen.-xwide #body { layout: horizontal; }
    TasksScreen.-xwide #pane { height: 100%; width: 72; }
    TasksScreen.-zoomed #main { display: none; }
    TasksScreen.-zoomed #pane { height: 1fr; width: 1fr; }
    TasksScreen #table, TasksScreen #log, TasksScreen #page { height: 1fr; }
    TasksScreen #page { display: none; }
    TasksScreen.-paged #page { display: block; }
    TasksScreen.-paged #log { display: none; }
    TasksScreen #filter { display: none; height: 1; }
    TasksScreen #filter Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel; }
    TasksScreen #filter-note { width: 50%; }
    TasksScreen.-filtering #filter { display: block; }
    TasksScreen.-filtering #head { display: none; }
    TasksScreen #filter Input.-bad { color: $error; }
    TasksScreen #small { layer: over; display: none; height: 100%; }
    TasksScreen.-small #small { display: block; }
    """

    def __init__(
        self,
        session: Session,
        paint: Paint,
        leaving: Leaving,
        *,
        engine_error: Callable[[], BaseException | None],
        next_theme: Callable[[], None],
    ) -> None:
        super().__init__(session, paint, leaving, engine_error=engine_error, next_theme=next_theme)
        self._news = News()
        self._asked: dict[str, Toast] = {}
        self._painted = float("-inf")
        self._names = 10
        self._debounce: Timer | None = None
        self._frame: Timer | None = None
        self._pause = FRAME
        self._redraws = False
        self._situation: Situation | None = None

    # ── layout ──────────────────────────────────────────────────────────────────────────────────

    def compose(self) -> ComposeResult:
        paint = self.paint
        yield Bar(paint, ground="panel", id="title")
        yield Bar(paint, id="tabs")
        yield Bar(paint, id="strip")
        with Container(id="body"):
            with Vertical(id="main"):
                with Horizontal(id="filter"):
                    yield Input(compact=True, placeholder="words  state:failed  g:group  try>1  !not  /regex/")
                    yield Bar(paint, ground="panel", id="filter-note")
                yield Bar(paint, ground="surface", id="head")
                yield TaskTable(paint, self.face, id="table")
            with Vertical(id="pane"):
                yield Bar(paint, ground="panel", id="pane-title")
                yield LogView(paint, id="log")
                yield Text(paint, id="page")
        yield Bar(paint, ground="panel", id="keys")
        yield Bar(paint, id="small")

    def on_mount(self) -> None:
        self._title_bar = self.query_one("#title", Bar)
        self._tabs = self.query_one("#tabs", Bar)
        self._strip = self.query_one("#strip", Bar)
        self._head = self.query_one("#head", Bar)
        self.table = self.query_one(TaskTable)
        self._pane_title = self.query_one("#pane-title", Bar)
        self.output = self.query_one(LogView)
        self.sheet = self.query_one("#page", Text)
        self._keys = self.query_one("#keys", Bar)
        self.input = self.query_one(Input)
        self._filter_note = self.query_one("#filter-note", Bar)
        self.table.focus()
        self.bindings_updated_signal.subscribe(self, lambda _: self._draw_keys())
        self.rebuild()
        self._frame = self.set_interval(self._pause, self.tick)

    def on_resize(self, event: events.Resize) -> None:
        small = event.size.width < MINIMUM[0] or event.size.height < MINIMUM[1]
        self.set_class(small, "-small")

    @on(Bar.Resized)
    def bar_resized(self) -> None:
        """All bars resize together; draw once."""
        if not self._redraws:
            self._redraws = True
            self.call_after_refresh(self._redraw_once)

    def _redraw_once(self) -> None:
        self._redraws = False
        self.redraw()

    def use(self, paint: Paint) -> None:
        """Show another theme."""
        self.paint = paint
        for widget in (*self.query(Bar), *self.query(Listing)):
            widget.use(paint)
        self.redraw()

    # ── frames ──────────────────────────────────────────────────────────────────────────────────

    def tick(self) -> None:
        """Take in what happened and repaint what it changed; clocks run four times a second."""
        began = self.session.now()
        changes = self.feed.poll()
        if changes.everything or changes.layout or self.board.is_stale(began):
            self.rebuild()
        self._tell_all(changes)
        if changes.tasks:
            self.table.touch(changes.tasks | {self.run.tasks[task].group for task in changes.tasks})
        if began - self._painted >= CLOCKS or self._is_telling():
            self._painted = began
            self._draw_clocks()
        elif self.table.row is not None and self.table.row.name in changes.tasks:
            self.draw_pane()
        self.leaving.look(self.run)
        self._pace(self.session.now() - began)

    def _pace(self, took: float) -> None:
        """Look less often while looking takes long, down to once a second."""
        pause = min(1.0, self._pause * 2) if took > SLOW else max(FRAME, self._pause / 2)
        if pause != self._pause and self._frame is not None:
            self._frame.stop()
            self._pause = pause
            self._frame = self.set_interval(pause, self.tick)

    def rebuild(self) -> None:
        row = self.table.row
        self._names = faces.name_width(self.run.members)
        self.table.empty = self._nothing()
        self.table.show(self.board.rows(self.now, row.task if row else None))
        self._draw_head()

    def redraw(self) -> None:
        """Draw everything anew."""
        self.rebuild()
        self.table.refresh()
        self._draw_clocks()
        self._draw_keys()
        self._draw_small()

    def _is_telling(self) -> bool:
        """Return whether something has changed that cannot wait for the next beat of the clocks, as counts can."""
        return self.board.situation(self.table.row) != self._situation

    def _draw_clocks(self) -> None:
        ticking = [row.name for row in self.table.in_view() if self._has_clock(row)]
        self.table.touch(ticking)
        self._draw_top()
        self.draw_pane()

    def _has_clock(self, row: Row) -> bool:
        return row.kind is Kind.TASK and faces.has_clock(self.run.tasks[row.name])

    # ── the bars ────────────────────────────────────────────────────────────────────────────────

    def _draw_top(self) -> None:
        run, now, cells, glyphs = self.run, self.now, self.size.width, self.paint.glyphs
        self._title_bar.show(heads.title_line(run, now, cells, glyphs, self.feed.late()))
        error = self.engine_error()
        banner = None if error is None else f"Engine stopped: {type(error).__name__}: {error}  q quit"
        self._tabs.show(
            heads.banner_line(clean(banner), cells) if banner else heads.tab_line(run, TABS, "1", cells, glyphs)
        )
        if self._strip.size.height > 1:
            self._strip.show(*health.boxes(run, now, cells, glyphs))
        else:
            self._strip.show(health.one_line(run, now, cells, glyphs))
        if self.has_class("-small"):
            self._draw_small()
        if self.run.state is RunState.CANCELLING:
            self._draw_keys()
        self._renew_keys()

    def _renew_keys(self) -> None:
        """Ask the commands anew whether they make sense once what they look at has changed."""
        situation = self.board.situation(self.table.row)
        if situation != self._situation:
            self._situation = situation
            self.refresh_bindings()

    def _draw_small(self) -> None:
        cells, rows = self.app.size
        self.query_one("#small", Bar).show(*heads.small_lines(self.run, cells, rows, MINIMUM))

    def _draw_head(self) -> None:
        shape = faces.columns(self.table.columns)
        words = self.board.filter_words()
        line = (Span(f" {words}", "warn"),) if words else faces.head_line(shape)
        self._head.show(line)

    def _draw_keys(self) -> None:
        warning = heads.stopping_words(self.run, self.now)
        self._keys.show(heads.banner_line(warning, self.size.width) if warning else self._key_line())

    def _key_line(self) -> Line:
        """Return the keys of the commands that make sense now."""
        shown = sorted(
            (COMMANDS[name].foot or 0, name, active.binding.key)
            for active in self.active_bindings.values()
            if (name := active.binding.id or "") in COMMANDS and COMMANDS[name].foot is not None
        )
        first: dict[str, Hint] = {}
        for _, name, key in shown:
            if name not in first or self._comes_first(name, key):
                first[name] = Hint(key, COMMANDS[name].label, name)
        return key_line(first.values(), self.size.width)

    @staticmethod
    def _comes_first(name: str, key: str) -> bool:
        return COMMANDS[name].keys.split(",")[0] == key

    def face(self, row: Row) -> Line:
        view = faces.View(self.run, self.now, faces.columns(self.table.columns), self.paint.glyphs, self._names)
        if row.kind is Kind.GROUP:
            return faces.group_line(view, row, opened=self.board.folds.is_open(row))
        if row.kind is Kind.FAN:
            return faces.fan_line(view, row, self.feed.family.counts[row.name], opened=self.board.folds.is_open(row))
        return faces.task_line(view, row, marked=row.name in self.board.marks, faded=self.board.is_faded(row))

    def _nothing(self) -> Line:
        run = self.run
        if run.tally.total and self.board.matching is not None:
            text = f'No task matches "{self.board.filter.text}". Esc clears the filter.'
        elif run.started is None:
            text = "Preparing the run"
        else:
            text = f"Preparing {plural(run.tally.total, 'task')} in {plural(len(run.groups), 'group')}"
        return (Span(f" {text}", "muted"),)

    # ── the pane ────────────────────────────────────────────────────────────────────────────────

    def draw_pane(self) -> None:
        row = self.table.row
        page = self.page if row is None or row.kind is Kind.TASK else "Info"
        self.set_class(page != "Output", "-paged")
        if row is not None:
            self._draw_page(row, page)
        note = detail.follow_note(following=self.output.following, missed=self.output.missed)
        note = note if page == "Output" else Span("")
        look = detail.Look(self.run, self.now, self._pane_title.size.width, self.paint.glyphs)
        self._pane_title.show(detail.title_line(look, row, page, note))

    def _draw_page(self, row: Row, page: str) -> None:
        if page == "Info":
            self.sheet.show([(line, "") for line in detail.info_lines(self.run, row, self.now, self.paint.glyphs)])
            return
        task = self.run.tasks[row.name]
        if page == "Attempts":
            self.sheet.show([(line, "") for line in detail.attempt_lines(task, self.now)])
        elif page == "Deps":
            self.sheet.show(detail.dep_lines(self.run, task, self.board.dependants(row.name), self.paint.glyphs))
        else:
            self.output.show(task, self.run.tails.get(row.name))
            self.output.say_when_empty(detail.no_output(self.run, task, self.now))

    # ── news ────────────────────────────────────────────────────────────────────────────────────

    def _tell_all(self, changes: Changes) -> None:
        for record in changes.news:
            toast = self._news.toast(record, self.run)
            if toast is not None:
                self._toast(toast)
            if toast is not None and isinstance(record.event, ApprovalRequested):
                self._asked[record.event.task] = toast

        self._forget_answered()

    def _forget_answered(self) -> None:
        """A question's toast goes when the question does, whoever answered it; the others are shown again."""
        answered = self._asked.keys() - self.run.questions.keys()
        if not answered:
            return
        self._asked = {task: toast for task, toast in self._asked.items() if task not in answered}
        self.app.clear_notifications()
        for toast in self._asked.values():
            self._toast(toast._replace(bell=False))

    def _toast(self, toast: Toast) -> None:
        self.app.notify(toast.text, title=toast.title, severity=toast.severity, timeout=toast.seconds, markup=False)
        if toast.bell:
            self.app.bell()

    # ── messages of the widgets ─────────────────────────────────────────────────────────────────

    @on(TaskTable.Moved)
    def cursor_moved(self) -> None:
        self.draw_pane()
        self.refresh_bindings()
        if self.board.matching is not None:
            self.rebuild()

    @on(TaskTable.Opened)
    def row_opened(self) -> None:
        self.open_row()

    @on(LogView.Changed)
    def log_changed(self) -> None:
        self.draw_pane()

    @on(Text.Chosen)
    def dep_chosen(self, message: Text.Chosen) -> None:
        self.go_to_task(message.action)

    @on(Bar.Clicked)
    def bar_clicked(self, message: Bar.Clicked) -> None:
        action = message.action
        if action.startswith("page:"):
            self.show_page(action.removeprefix("page:"))
        elif action in COMMANDS:
            self.action_command(action)

    @on(Input.Changed)
    def filter_changed(self) -> None:
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(DEBOUNCE, self._apply_filter)

    @on(Input.Submitted)
    def filter_submitted(self) -> None:
        self._apply_filter()
        self._close_filter()
        row = self.table.row
        if row is not None and self.board.is_faded(row):
            self.table.go_to_first(lambda row: row.kind is Kind.TASK and not self.board.is_faded(row))

    def _apply_filter(self) -> None:
        """Take over what is typed; what cannot be read leaves the last good filter in force."""
        try:
            self.board.filter = parse(self.input.value)
        except FilterError as error:
            self.input.add_class("-bad")
            self._filter_note.show((Span(clean(str(error)), "bad"),))
            return
        self.input.remove_class("-bad")
        self.rebuild()
        self._filter_note.show(self._found())
        self.draw_pane()

    def _found(self) -> Line:
        matching = self.board.matching
        return () if matching is None else (Span(f"{len(matching)} of {self.run.tally.total}", "muted"),)

    def _close_filter(self) -> None:
        self.remove_class("-filtering")
        self.table.focus()

    def on_key(self, event: events.Key) -> None:
        """Escape leaves the filter's input; a key that makes no sense now says why."""
        if self.has_class("-filtering") and self.focused is self.input:
            if event.key == "escape":
                event.stop()
                self.input.value = ""
                self._apply_filter()
                self._close_filter()
            return
        for binding in self._bindings.key_to_bindings.get(event.key, ()):
            refusal = COMMANDS[binding.id].refusal(self) if binding.id in COMMANDS else None
            if refusal is not None:
                event.stop()
                self.tell(refusal)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A command that makes no sense now is not in the footer."""
        if action != "command":
            return True
        command = COMMANDS.get(str(parameters[0]))
        return command is None or command.refusal(self) is None

    def action_command(self, name: str) -> None:
        """Carry out a command."""
        command = COMMANDS[name]
        refusal = command.refusal(self)
        if refusal is None:
            command.do(self)
        else:
            self.tell(refusal)
