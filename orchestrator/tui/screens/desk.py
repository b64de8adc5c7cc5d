"""The desk of the Tasks screen: what each wish of a command does to the screen, and what it sends to the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from textual.screen import Screen
from textual.widgets import Input

from orchestrator.core.commands import Approve, CancelGroup, CancelTask, Deny
from orchestrator.core.commands import Command as Order
from orchestrator.core.ports import Session
from orchestrator.core.run import Run
from orchestrator.core.states import RunState
from orchestrator.tui import clipboard, detail, faces
from orchestrator.tui.board import Board
from orchestrator.tui.commands import COMMANDS, Motion, Question, quit_question
from orchestrator.tui.feed import Feed
from orchestrator.tui.filter import EVERYTHING
from orchestrator.tui.hints import key_name
from orchestrator.tui.leaving import Leaving
from orchestrator.tui.lines import Line, plain
from orchestrator.tui.options import Left
from orchestrator.tui.paint import Paint
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.screens.approval import Answer, ApprovalScreen
from orchestrator.tui.screens.dialog import AskScreen
from orchestrator.tui.screens.help import HelpScreen, Key
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.screens.stop import StopScreen
from orchestrator.tui.stopping import Step
from orchestrator.tui.text import plural
from orchestrator.tui.widgets.log import LogView
from orchestrator.tui.widgets.painted import Text
from orchestrator.tui.widgets.table import TaskTable

T = TypeVar("T")


class DeskScreen(Screen[None]):
    """A screen that commands work at. It keeps what the screen remembers; the class below it draws."""

    table: TaskTable
    output: LogView
    sheet: Text
    input: Input

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
        self.session = session
        self.feed = Feed(session)
        self.board = Board(self.feed)
        self.page = detail.PAGES[0]
        self.engine_error = engine_error
        self._next_theme = next_theme

    @property
    def run(self) -> Run:
        return self.feed.run

    @property
    def now(self) -> float:
        """Return the second on the run's clock; it stands still once the run has ended."""
        return self.run.ended if self.run.ended is not None else self.session.now()

    # ── what the drawing class does ─────────────────────────────────────────────────────────────

    def tick(self) -> None:
        """Take in what happened, and draw it."""
        raise NotImplementedError

    def rebuild(self) -> None:
        """Make the rows anew."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw everything anew."""
        raise NotImplementedError

    def draw_pane(self) -> None:
        """Draw the detail pane."""
        raise NotImplementedError

    def face(self, row: Row) -> Line:
        """Return the row as the table shows it."""
        raise NotImplementedError

    # ── wishes ────────────────────────────────────────────────────────────────────────────────

    @property
    def row(self) -> Row | None:
        return self.table.row if self.is_mounted else None

    @property
    def marks(self) -> frozenset[str]:
        return self.board.marks

    def send(self, orders: Sequence[Order], note: str = "") -> None:
        """Hand the orders over and look soon, so that their effect is seen at once."""
        for order in orders:
            self.session.send(order)
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
        if focused is self.table:
            self.draw_pane()  # now, not once the message comes: the row and its pane are painted in one frame

    def fold(self, *, opened: bool) -> None:
        if self.focused is self.output:
            self.output.shift(1 if opened else -1)
            return
        row = self.table.row
        if row is None:
            return
        if faces.is_foldable(row) and self.board.set_fold(row, opened=opened):
            self.rebuild()
        elif not opened:
            self._go_to_holder(row)

    def _go_to_holder(self, row: Row) -> None:
        holder = self.board.holder(row)
        if holder is not None:
            self.table.go_to_key(holder.key)

    def open_row(self) -> None:
        row = self.table.row
        if self.focused is self.sheet:
            self.sheet.choose()
        elif row is not None and faces.is_foldable(row) and self.focused is self.table:
            self.board.set_fold(row, opened=not self.board.folds.is_open(row))
            self.rebuild()
        elif row is not None:
            self._zoom(on=not self.has_class("-zoomed"))

    def _zoom(self, *, on: bool) -> None:
        self.set_class(on, "-zoomed")
        target = self._pane_listing() if on else self.table
        target.focus()
        self.call_after_refresh(self.redraw)

    def _pane_listing(self) -> LogView | Text:
        return self.sheet if self.has_class("-paged") else self.output

    def back(self) -> None:
        if self.has_class("-zoomed"):
            self._zoom(on=False)
        elif self.get_selected_text():
            self.clear_selection()
        elif self.board.filter or self.board.hides_done:
            self.board.filter, self.board.hides_done = EVERYTHING, False
            self.input.value = ""
            self.rebuild()
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
            place = detail.PAGES.index(self.page) + step
            self.show_page(detail.PAGES[place % len(detail.PAGES)])

    def show_page(self, page: str) -> None:
        in_pane = self.focused is not self.table
        self.page = page
        self.draw_pane()
        self.sheet.scroll_to(y=0, animate=False)
        if in_pane:
            self._pane_listing().focus()

    def edit_filter(self) -> None:
        self.add_class("-filtering")
        self.input.focus()

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
        self.rebuild()
        if not self.table.go_to_key((Kind.TASK, task)):
            self.table.go_to_key((Kind.FAN, task))
        self.table.focus()

    def hide_done(self) -> None:
        self.board.hides_done = not self.board.hides_done
        self.rebuild()

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
            if rest:
                self.answer(rest)

        self._open(ApprovalScreen(first, question, self.now, self.paint), answered)

    def follow(self) -> None:
        self.output.follow(on=not self.output.following)

    def copy_line(self) -> None:
        selected = self.get_selected_text()
        row = self.table.row
        if selected:
            self._copy(selected)
        elif self.focused is self.output:
            self._copy(self.output.last_line())
        elif row is not None:
            self._copy(plain(self.face(row)).strip())

    def copy_log(self) -> None:
        self._copy(self.output.whole())

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
        if self.run.state is RunState.FINISHED or self.engine_error() is not None:
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
