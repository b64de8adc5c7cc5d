"""The Tasks screen: title, tabs, health, the task table, the detail pane and the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input

from orchestrator.core.commands import Approve, CancelGroup, CancelTask, Deny
from orchestrator.core.commands import Command as Order
from orchestrator.core.ports import Session
from orchestrator.core.run import Run
from orchestrator.core.states import RunState
from orchestrator.tui import clipboard, detail, faces, heads, health
from orchestrator.tui.board import Board, Situation
from orchestrator.tui.commands import COMMANDS, Motion, Question, quit_question
from orchestrator.tui.feed import Changes, Feed
from orchestrator.tui.filter import EVERYTHING, FilterError, parse
from orchestrator.tui.heads import Tab
from orchestrator.tui.hints import Hint, key_line, key_name
from orchestrator.tui.leaving import Leaving
from orchestrator.tui.lines import Line, Span, plain
from orchestrator.tui.news import News, Toast
from orchestrator.tui.options import Left
from orchestrator.tui.paint import Paint
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.screens.approval import Answer, ApprovalScreen
from orchestrator.tui.screens.dialog import AskScreen
from orchestrator.tui.screens.help import HelpScreen, Key
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.screens.stop import StopScreen
from orchestrator.tui.stopping import Step
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


class TasksScreen(Screen[None]):
    """Shows a run and is the desk that commands work at."""

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
        super().__init__(id="tasks")
        self.paint = paint
        self.leaving = leaving
        self.feed = Feed(session)
        self.board = Board(self.feed)
        self._session = session
        self._engine_error = engine_error
        self._next_theme = next_theme
        self._news = News()
        self._page = detail.PAGES[0]
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
                yield TaskTable(paint, self._face, id="table")
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
        self._output = self.query_one(LogView)
        self._sheet = self.query_one("#page", Text)
        self._keys = self.query_one("#keys", Bar)
        self._input = self.query_one(Input)
        self._filter_note = self.query_one("#filter-note", Bar)
        self.table.focus()
        self.bindings_updated_signal.subscribe(self, lambda _: self._draw_keys())
        self._rebuild()
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
        for widget in self.query("Bar, Listing").results(Bar | Listing):  # type: ignore[arg-type]  # a union is a class for isinstance
            widget.use(paint)
        self.redraw()

    # ── frames ──────────────────────────────────────────────────────────────────────────────────

    @property
    def run(self) -> Run:
        return self.feed.run

    @property
    def now(self) -> float:
        """Return the second on the run's clock; it stands still once the run has ended."""
        return self.run.ended if self.run.ended is not None else self._session.now()

    def tick(self) -> None:
        """Take in what happened and repaint what it changed; clocks run four times a second."""
        began = self._session.now()
        changes = self.feed.poll()
        if changes.everything or changes.layout or self.board.is_stale(began):
            self._rebuild()
        self._tell_all(changes)
        if changes.tasks:
            self.table.touch(changes.tasks | {self.run.tasks[task].group for task in changes.tasks})
        if changes.seen or began - self._painted >= CLOCKS:
            self._painted = began
            self._draw_clocks()
        self.leaving.look(self.run)
        self._pace(self._session.now() - began)

    def _pace(self, took: float) -> None:
        """Look less often while looking takes long, down to once a second."""
        pause = min(1.0, self._pause * 2) if took > SLOW else max(FRAME, self._pause / 2)
        if pause != self._pause and self._frame is not None:
            self._frame.stop()
            self._pause = pause
            self._frame = self.set_interval(pause, self.tick)

    def _rebuild(self) -> None:
        row = self.table.row
        self._names = faces.name_width(self.run.members)
        self.table.empty = self._nothing()
        self.table.show(self.board.rows(self.now, row.task if row else None))
        self._draw_head()

    def redraw(self) -> None:
        """Draw everything anew."""
        self._rebuild()
        self.table.refresh()
        self._draw_clocks()
        self._draw_keys()
        self._draw_small()

    def _draw_clocks(self) -> None:
        ticking = [row.name for row in self.table.in_view() if self._has_clock(row)]
        self.table.touch(ticking)
        self._draw_top()
        self._draw_pane()

    def _has_clock(self, row: Row) -> bool:
        return row.kind is Kind.TASK and faces.has_clock(self.run.tasks[row.name])

    # ── the bars ────────────────────────────────────────────────────────────────────────────────

    def _draw_top(self) -> None:
        run, now, cells, glyphs = self.run, self.now, self.size.width, self.paint.glyphs
        self._title_bar.show(heads.title_line(run, now, cells, glyphs, self.feed.late()))
        error = self._engine_error()
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

    def _face(self, row: Row) -> Line:
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

    def _draw_pane(self) -> None:
        row = self.table.row
        page = self._page if row is None or row.kind is Kind.TASK else "Info"
        self.set_class(page != "Output", "-paged")
        if row is not None:
            self._draw_page(row, page)
        note = detail.follow_note(following=self._output.following, missed=self._output.missed)
        note = note if page == "Output" else Span("")
        look = detail.Look(self.run, self.now, self._pane_title.size.width, self.paint.glyphs)
        self._pane_title.show(detail.title_line(look, row, page, note))

    def _draw_page(self, row: Row, page: str) -> None:
        if page == "Info":
            self._sheet.show([(line, "") for line in detail.info_lines(self.run, row, self.now, self.paint.glyphs)])
            return
        task = self.run.tasks[row.name]
        if page == "Attempts":
            self._sheet.show([(line, "") for line in detail.attempt_lines(task, self.now)])
        elif page == "Deps":
            self._sheet.show(detail.dep_lines(self.run, task, self.board.dependants(row.name), self.paint.glyphs))
        else:
            self._output.show(task, self.run.tails.get(row.name))
            self._output.say_when_empty(detail.no_output(self.run, task, self.now))

    # ── news ────────────────────────────────────────────────────────────────────────────────────

    def _tell_all(self, changes: Changes) -> None:
        for record in changes.news:
            toast = self._news.toast(record, self.run)
            if toast is not None:
                self._toast(toast)

    def _toast(self, toast: Toast) -> None:
        self.app.notify(toast.text, title=toast.title, severity=toast.severity, timeout=toast.seconds, markup=False)
        if toast.bell:
            self.app.bell()

    # ── messages of the widgets ─────────────────────────────────────────────────────────────────

    @on(TaskTable.Moved)
    def cursor_moved(self) -> None:
        self._draw_pane()
        self.refresh_bindings()
        if self.board.matching is not None:
            self._rebuild()

    @on(TaskTable.Opened)
    def row_opened(self) -> None:
        self.open_row()

    @on(LogView.Changed)
    def log_changed(self) -> None:
        self._draw_pane()

    @on(Text.Chosen)
    def dep_chosen(self, message: Text.Chosen) -> None:
        self.go_to_task(message.action)

    @on(Bar.Clicked)
    def bar_clicked(self, message: Bar.Clicked) -> None:
        action = message.action
        if action.startswith("page:"):
            self._show_page(action.removeprefix("page:"))
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
            self.board.filter = parse(self._input.value)
        except FilterError as error:
            self._input.add_class("-bad")
            self._filter_note.show((Span(clean(str(error)), "bad"),))
            return
        self._input.remove_class("-bad")
        self._rebuild()
        self._filter_note.show(self._found())
        self._draw_pane()

    def _found(self) -> Line:
        matching = self.board.matching
        return () if matching is None else (Span(f"{len(matching)} of {self.run.tally.total}", "muted"),)

    def _close_filter(self) -> None:
        self.remove_class("-filtering")
        self.table.focus()

    def on_key(self, event: events.Key) -> None:
        """Escape leaves the filter's input; a key that makes no sense now says why."""
        if self.has_class("-filtering") and self.focused is self._input:
            if event.key == "escape":
                event.stop()
                self._input.value = ""
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

    # ── the desk ────────────────────────────────────────────────────────────────────────────────

    @property
    def row(self) -> Row | None:
        return self.table.row if self.is_mounted else None

    @property
    def marks(self) -> frozenset[str]:
        return self.board.marks

    def send(self, orders: Sequence[Order], note: str = "") -> None:
        """Hand the orders over and look soon, so that their effect is seen at once."""
        for order in orders:
            self._session.send(order)
        if self.board.marks:
            self.board.marks = frozenset()
            self.table.refresh()
        if note:
            self.tell(note)
        for delay in (0.03, 0.08):
            self.set_timer(delay, self.tick)

    def ask(self, question: Question, then: Callable[[str], None]) -> None:
        """Ask; only an answer that is not the safe one is acted on."""
        safe = {choice.key for choice in question.choices if choice.safe}

        def answered(key: str | None) -> None:
            if key is not None and key not in safe:
                then(key)

        self._open(AskScreen(question, self.paint), answered)

    def _open(self, dialog: Dialog[T], then: Callable[[T | None], None]) -> None:
        _ = self.app.push_screen(dialog, then)  # what is awaited is the mount; the answer comes to `then`

    def tell(self, text: str) -> None:
        self.app.notify(text, timeout=3, markup=False)

    def move(self, motion: Motion) -> None:
        focused = self.focused
        if isinstance(focused, TaskTable | LogView | Text):
            focused.move(motion)

    def fold(self, *, opened: bool) -> None:
        if self.focused is self._output:
            self._output.shift(1 if opened else -1)
            return
        row = self.table.row
        if row is None:
            return
        if faces.is_foldable(row) and self.board.set_fold(row, opened=opened):
            self._rebuild()
        elif not opened:
            self._go_to_holder(row)

    def _go_to_holder(self, row: Row) -> None:
        holder = self.board.holder(row)
        if holder is not None:
            self.table.go_to_key(holder.key)

    def open_row(self) -> None:
        row = self.table.row
        if self.focused is self._sheet:
            self._sheet.choose()
        elif row is not None and faces.is_foldable(row) and self.focused is self.table:
            self.board.set_fold(row, opened=not self.board.folds.is_open(row))
            self._rebuild()
        elif row is not None:
            self._zoom(on=not self.has_class("-zoomed"))

    def _zoom(self, *, on: bool) -> None:
        self.set_class(on, "-zoomed")
        target = self._pane_listing() if on else self.table
        target.focus()
        self.call_after_refresh(self.redraw)

    def _pane_listing(self) -> LogView | Text:
        return self._sheet if self.has_class("-paged") else self._output

    def back(self) -> None:
        if self.has_class("-zoomed"):
            self._zoom(on=False)
        elif self.get_selected_text():
            self.clear_selection()
        elif self.board.filter or self.board.hides_done:
            self.board.filter, self.board.hides_done = EVERYTHING, False
            self._input.value = ""
            self._rebuild()
        elif self.board.marks:
            self.board.marks = frozenset()
            self.table.refresh()
        else:
            self.table.focus()

    def next_pane(self, step: int) -> None:
        del step  # there are two panes, so both directions lead to the other one
        target = self._pane_listing() if self.focused is self.table else self.table
        target.focus()

    def turn_page(self, step: int) -> None:
        row = self.table.row
        if row is not None and row.kind is Kind.TASK:
            place = detail.PAGES.index(self._page) + step
            self._show_page(detail.PAGES[place % len(detail.PAGES)])

    def _show_page(self, page: str) -> None:
        in_pane = self.focused is not self.table
        self._page = page
        self._draw_pane()
        self._sheet.scroll_to(y=0, animate=False)
        if in_pane:
            self._pane_listing().focus()

    def edit_filter(self) -> None:
        self.add_class("-filtering")
        self._input.focus()

    def go_to_need(self, step: int) -> None:
        task = self.board.next_need(self.table.row, step)
        if task is None:
            self.tell("Nothing failed, and nobody waits for you.")
        else:
            self.go_to_task(task)

    def go_to_task(self, task: str) -> None:
        """Put the cursor on the task, unfolding what hides it; a filter that hides it is taken away."""
        if task not in self.run.tasks:
            return
        self.board.reveal(task)
        if self.board.matching is not None and task not in self.board.matching:
            self.board.filter, self.board.hides_done = EVERYTHING, False
        self._rebuild()
        if not self.table.go_to_key((Kind.TASK, task)):
            self.table.go_to_key((Kind.FAN, task))
        self.table.focus()

    def hide_done(self) -> None:
        self.board.hides_done = not self.board.hides_done
        self._rebuild()

    def show_palette(self) -> None:
        self.app.action_command_palette()

    def show_help(self) -> None:
        self._open(HelpScreen(self.help_keys(), self.paint), lambda _: None)

    def help_keys(self) -> list[Key]:
        """Return every bound command with the keys it has now."""
        found: dict[str, list[str]] = {}
        for bindings_map in (self._bindings, self.app._bindings):  # noqa: SLF001 - the live bindings; Textual has no public list of them
            for key, bound in bindings_map.key_to_bindings.items():
                for binding in bound:
                    if binding.id in COMMANDS:
                        found.setdefault(binding.id, []).append(key_name(key))
        return [Key(name, tuple(found[name])) for name in COMMANDS if name in found]

    def mark(self) -> None:
        row = self.table.row
        if row is not None:
            self.board.toggle_mark(row)
            self.table.refresh()
            self.table.move(Motion.DOWN)
            self.refresh_bindings()

    def answer(self, tasks: Sequence[str]) -> None:
        """Open the questions one after another."""
        first, rest = tasks[0], tasks[1:]
        question = self.run.questions.get(first)
        if question is None:
            return

        def answered(answer: Answer | None) -> None:
            if answer is not None:
                self.send([_order(first, answer)])
                if not rest:
                    self.app.clear_notifications()
            if rest:
                self.answer(rest)

        self._open(ApprovalScreen(first, question, self.now, self.paint), answered)

    def follow(self) -> None:
        self._output.follow(on=not self._output.following)

    def copy_line(self) -> None:
        selected = self.get_selected_text()
        row = self.table.row
        if selected:
            self._copy(selected)
        elif self.focused is self._output:
            self._copy(self._output.last_line())
        elif row is not None:
            self._copy(plain(self._face(row)).strip())

    def copy_log(self) -> None:
        self._copy(self._output.whole())

    def _copy(self, text: str) -> None:
        """Copy to the terminal's clipboard and to a file beside the run's."""
        if not text:
            self.tell("Nothing to copy.")
            return
        self.app.copy_to_clipboard(clipboard.for_terminal(text))
        kept = clipboard.keep(text, self.run.started.folder if self.run.started else "")
        lines = plural(text.count("\n") + 1, "line")
        self.tell(f"Copied {lines}" + (f" (also {clipboard.NAME})" if kept else ""))

    def leave(self) -> None:
        self.leaving.go(Left.LEFT)

    def next_theme(self) -> None:
        self._next_theme()

    def repaint(self) -> None:
        self.app.refresh(layout=True)
        self.redraw()

    # ── stopping and quitting ───────────────────────────────────────────────────────────────────

    def interrupt(self) -> None:
        """A press of Ctrl+C, wherever the focus is."""
        if self._copies_selection():
            return
        step = self.leaving.press(self.run)
        if step is Step.ASK:
            self._ask_to_stop()
        elif step in {Step.CANCEL, Step.KILL}:
            self._close_question()
            self.tell("Cancelling the run. Ctrl+C again kills." if step is Step.CANCEL else "Killing what still runs.")
            self.send([])

    def _copies_selection(self) -> bool:
        selected = self.app.screen.get_selected_text()
        if selected:
            self._copy(selected)
            self.app.screen.clear_selection()
        return bool(selected)

    def _ask_to_stop(self) -> None:
        row = self.table.row
        on_task = row is not None and row.kind is Kind.TASK and not self.run.tasks[row.name].is_final
        screen = StopScreen(self.run, self.paint, on_task=on_task, in_group=row is not None)
        self._open(screen, self._stop_answered)

    def _stop_answered(self, key: str | None) -> None:
        row = self.table.row
        if key == "y":
            self.leaving.cancel()
            self.send([])
            return
        self.leaving.went_on()
        if key == "t" and row is not None:
            self.send([CancelTask(task=row.name)])
        elif key == "g" and row is not None:
            self.send([CancelGroup(group=row.group)])

    def _close_question(self) -> None:
        if isinstance(self.app.screen, StopScreen):
            _ = self.app.pop_screen()

    def quit(self) -> None:
        """Leave; while the run is on, ask what becomes of it."""
        if self.run.state is RunState.FINISHED or self._engine_error() is not None:
            self.leaving.go(Left.QUIT)
        elif not self._is_asking_to_quit():
            self.ask(quit_question(self.run), self._quit_answered)

    def _is_asking_to_quit(self) -> bool:
        screen = self.app.screen
        return isinstance(screen, AskScreen) and screen.question.title == quit_question(self.run).title

    def _quit_answered(self, key: str) -> None:
        if key == "y":
            self.leaving.cancel_and_quit()
        elif key == "d":
            self.leaving.finish_and_quit()
        else:
            self.leaving.go(Left.LEFT)


def _order(task: str, answer: Answer) -> Order:
    if answer.approved:
        return Approve(task=task, reason=answer.reason)
    return Deny(task=task, reason=answer.reason)
