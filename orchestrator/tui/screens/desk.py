"""The desk that commands work at: what each wish of a command does to the screen, and what it sends to the run."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from textual.app import SuspendNotSupported
from textual.binding import BindingsMap
from textual.reactive import Reactive
from textual.screen import Screen
from textual.theme import BUILTIN_THEMES
from textual.widget import Widget

from orchestrator.core.commands import CancelGroup, CancelTask
from orchestrator.core.commands import Command as Order
from orchestrator.core.ports import Guide, Session
from orchestrator.core.run import Run
from orchestrator.core.states import RunState
from orchestrator.tui import clipboard, pager
from orchestrator.tui.board import Board
from orchestrator.tui.census import Counting
from orchestrator.tui.commands import COMMANDS, FILTERED, LISTS, LogWish, Motion, Place, Question, quit_question
from orchestrator.tui.compositor import LeanCompositor
from orchestrator.tui.feed import Feed
from orchestrator.tui.filter import FilterError, parse
from orchestrator.tui.hints import key_name
from orchestrator.tui.keymap import Keymap
from orchestrator.tui.leaving import Leaving
from orchestrator.tui.limits import first_choice, limits, place_of
from orchestrator.tui.mergedlog import MergedLog
from orchestrator.tui.news import ANSWER, Severity, Toast
from orchestrator.tui.options import WAYS, Left
from orchestrator.tui.paint import Paint
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.screens.dialog import AskScreen
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.screens.people import People
from orchestrator.tui.screens.stop import StopScreen
from orchestrator.tui.screens.telling import Teller
from orchestrator.tui.sorting import By, Sort
from orchestrator.tui.stopping import Step
from orchestrator.tui.subjects import Subject
from orchestrator.tui.text import clean_lines, plural
from orchestrator.tui.trends import Trends
from orchestrator.tui.views.view import View

if TYPE_CHECKING:
    from orchestrator.tui.palette import Entry
    from orchestrator.tui.screens.help import Key

T = TypeVar("T")


class Means(NamedTuple):
    """What the app gives its desk beside the run: keys, where a task's log lies, why the engine ended, themes."""

    keymap: Keymap
    log_path: Callable[[str], str] | None
    engine_error: Callable[[], BaseException | None]
    next_theme: Callable[[], None]


class DeskScreen(Screen[None]):
    """A screen that commands work at. It keeps what the screen remembers; the class below it draws."""

    view: View
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)
    """Textual paints the whole screen for another focus; who gets or loses it paints itself."""

    def __init__(self, session: Session, paint: Paint, leaving: Leaving, means: Means) -> None:
        super().__init__(id="desk")
        self._compositor = LeanCompositor()
        self.paint = paint
        self.keymap, self._log_path, self.engine_error, self._next_theme = means
        self._has_mouse = True
        self.leaving = leaving
        self.session = session
        self.feed = Feed(session)
        self.board = Board(self.feed)
        self.merged = MergedLog()
        self.trends = Trends()
        self.counting = Counting()
        self.people = People(self)
        self.teller = Teller(WAYS, self.keymap.name)

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

    def redraw(self) -> None:
        """Draw everything anew."""
        raise NotImplementedError

    def show_view(self, place: Place) -> None:
        """Show another view."""
        raise NotImplementedError

    # ── wishes ────────────────────────────────────────────────────────────────────────────────

    @property
    def row(self) -> Row | None:
        return self.view.row if self.is_mounted else None

    @property
    def subject(self) -> Subject | None:
        return self.view.subject if self.is_mounted else None

    @property
    def guide(self) -> Guide | None:
        """Return who leads through the run, if anybody does."""
        return None

    @property
    def marks(self) -> frozenset[str]:
        """Return the marked tasks, where marks can be seen."""
        return self.board.marks if self.view.place in LISTS else frozenset()

    @property
    def sort(self) -> Sort:
        return self.board.sort

    def key(self, command: str) -> str:
        """Return the command's key as people write it."""
        return self.keymap.name(command)

    def send(self, orders: Sequence[Order], note: str = "") -> None:
        """Hand the orders over and look soon, so that their effect is seen at once."""
        for order in orders:
            self.session.send(order)
        if self.marks and self.board.unmark():
            self.view.redraw()
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

        self.open_dialog(AskScreen(question, self.paint), answered)

    def open_dialog(self, dialog: Dialog[T], then: Callable[[T | None], None]) -> None:
        """Show a dialog over everything; its answer goes to `then`."""
        _ = self.app.push_screen(dialog, then)  # what is awaited is the mount; the answer comes to `then`

    def tell(self, text: str, severity: Severity = "information") -> None:
        self.teller.answer(self.app, Toast(text, "", text, severity, about=ANSWER), self.session.now())

    def move(self, motion: Motion) -> None:
        self.view.move(motion)

    def fold(self, *, opened: bool) -> None:
        self.view.fold(opened=opened)

    def open_row(self) -> None:
        self.view.open_row()

    def back(self) -> None:
        if self.get_selected_text():
            self.clear_selection()
        elif not self.view.back():
            self.show_view(Place.TASKS)

    def next_pane(self, step: int) -> None:
        self.view.next_pane(step)

    def turn_page(self, step: int) -> None:
        self.view.turn_page(step)

    def edit_filter(self) -> None:
        """Let a filter be typed; where there is nothing to filter, that of the tasks."""
        if self.view.place not in FILTERED | {Place.LOGS}:
            self.show_view(Place.TASKS)
        self.view.edit_filter()

    def show_needs(self) -> None:
        if not self.view.next_match(1):
            self.people.show_needs()

    def go_to_need(self) -> None:
        if self.view.next_match(-1):
            return
        task = self.view.next_need()
        if task is None:
            self.tell("Nothing failed, and nobody waits for you.")
        else:
            self.go_to_task(task)

    def go_to_task(self, task: str) -> None:
        """Put the cursor on the task, in the view that is shown."""
        self.view.go_to_task(task)

    def show_task(self, task: str) -> None:
        """Show the task among the tasks."""
        self.show_view(Place.TASKS)
        self.go_to_task(task)

    def show_subject(self, subject: Subject) -> None:
        """Show the backend, the limit or the group in its health."""
        self.show_view(Place.HEALTH)
        self.view.go_to_subject(subject)

    def log_path(self, task: str) -> str:
        """Return the file of the task's log."""
        return "" if self._log_path is None else self._log_path(task)

    def hide_done(self) -> None:
        self.board.hides_done = not self.board.hides_done
        self.view.rebuild()

    def sort_by(self, by: By) -> None:
        self.board.sort = self.board.sort.again(by)
        self.view.rebuild()
        self.tell(f"Sorted by {self.board.sort}")

    def describe(self) -> None:
        self.view.describe()

    def adjust(self, step: int) -> None:
        self._adjust(step, self.subject)

    def adjust_limit(self, subject: Subject) -> None:
        """Open the limits at this one, a step above where it is."""
        self._adjust(1, subject)

    def _adjust(self, step: int, subject: Subject | None) -> None:
        """Open the limits, the likeliest one chosen and a step away from where it is."""
        from orchestrator.tui.screens.adjust import AdjustScreen  # noqa: PLC0415 - loaded once it is opened

        found = limits(self.run, self.now)

        def answered(orders: list[Order] | None) -> None:
            if orders:
                self.send(orders, f"Setting {plural(len(orders), 'limit')}")

        chosen = place_of(found, subject) if subject else None
        first = first_choice(self.run, found, self.row) if chosen is None else chosen
        self.open_dialog(AdjustScreen(found, first, step, self.paint), answered)

    @property
    def place(self) -> Place:
        return self.view.place

    def filter_by(self, text: str) -> None:
        """Show the tasks that match, in a view that shows tasks."""
        try:
            wanted = parse(text)
        except FilterError as error:
            self.tell(str(error))
            return
        if self.view.place not in FILTERED:
            self.show_view(Place.TASKS)
        self.board.filter = wanted
        self.view.rebuild()

    def themes(self) -> list[str]:
        """Return the themes, ours first; those of the terminal's own colours are for NO_COLOR alone."""
        known = self.app.available_themes
        names = (name for name, theme in known.items() if not theme.ansi)
        return sorted(names, key=lambda name: name in BUILTIN_THEMES)

    def use_theme(self, name: str) -> None:
        self.app.theme = name

    def show_palette(self) -> None:
        from orchestrator.tui.palette import Palette  # noqa: PLC0415 - loaded once it is opened
        from orchestrator.tui.screens.palette import PaletteScreen  # noqa: PLC0415 - the same

        before = shown = self.app.theme

        def preview(entry: Entry | None) -> None:
            nonlocal before, shown
            if self.app.theme != shown:  # somebody chose it, with a key of its own
                before = self.app.theme
            self.app.theme = shown = (entry.theme if entry is not None else "") or before

        def chosen(entry: Entry | None) -> None:
            preview(entry)
            if entry is not None:
                entry.do()

        self.open_dialog(PaletteScreen(Palette(self).find, self.paint, preview), chosen)

    def show_help(self) -> None:
        from orchestrator.tui.screens.help import HelpScreen  # noqa: PLC0415 - loaded once it is opened

        self.open_dialog(HelpScreen(self.help_keys(), self.paint), lambda _: None)

    def help_keys(self) -> list[Key]:
        """Return every command that is bound here with the keys it has now."""
        from orchestrator.tui.screens.help import Key  # noqa: PLC0415 - loaded once it is opened

        found: dict[str, list[str]] = {}
        for bindings_map in self.bindings_here():
            for key, bound in bindings_map.key_to_bindings.items():
                for binding in bound:
                    if binding.id in COMMANDS:
                        found.setdefault(binding.id, []).append(key_name(key))
        return [Key(name, tuple(found[name])) for name in COMMANDS if name in found]

    def bindings_here(self) -> tuple[BindingsMap, ...]:
        """Return the bindings in force: those of the view come first."""
        return tuple(node._bindings for node in (self.view, self, self.app))  # noqa: SLF001 - the live bindings; Textual has no public list of them

    def mark(self) -> None:
        self.view.mark()

    def answer(self, tasks: Sequence[str]) -> None:
        self.people.answer(tasks)

    def follow(self) -> None:
        self.view.follow()

    def change_log(self, wish: LogWish) -> None:
        self.view.change_log(wish)

    def zoom(self, step: int) -> None:
        self.view.zoom(step)

    def centre(self) -> None:
        self.view.centre()

    def copy_line(self) -> None:
        self._copy(self.get_selected_text() or self.view.line_text())

    def copy_log(self) -> None:
        self._copy(self._whole_log())

    def _whole_log(self) -> str:
        """Return the log; all of it from its file where the screen remembers only the end."""
        task = self.view.log_task
        tail = self.run.tails.get(task or "")
        path = self._log_file()
        if path is None or tail is None or not tail.dropped:
            return self.view.log_text()
        return "\n".join(clean_lines(path.read_text(encoding="utf-8", errors="replace")))

    def _log_file(self) -> Path | None:
        task = self.view.log_task
        path = Path(self._log_path(task)) if task is not None and self._log_path is not None else None
        return path if path is not None and path.is_file() else None

    def save_log(self) -> None:
        path = self._exported()
        if path is not None:
            self.tell(f"Saved as {path}")

    def _exported(self) -> Path | None:
        text = self._whole_log()
        path = clipboard.export(text, self._folder, self.view.log_name) if text else None
        if path is None:
            self.tell("It cannot be saved: the run has no folder that can be written." if text else "Nothing to save.")
        return path

    @property
    def _folder(self) -> str:
        return self.run.started.folder if self.run.started else ""

    def open_log(self) -> None:
        """Let the pager have the terminal. The engine has a thread of its own and goes on."""
        command = pager.pager(os.environ, which)
        path = self._log_file() or self._exported()
        if command is None:
            self.tell("There is no pager: set PAGER.")
        elif path is not None:
            self._page(command, str(path))

    def _page(self, command: list[str], path: str) -> None:
        try:
            with self.app.suspend():
                why = pager.read(command, path)
        except SuspendNotSupported:
            why = "The terminal cannot be given to a pager here."
        if why is not None:
            self.tell(why)

    def _copy(self, text: str) -> None:
        """Copy to the terminal's clipboard and to a file beside the run's."""
        if not text:
            self.tell("Nothing to copy.")
            return
        self.app.copy_to_clipboard(clipboard.for_terminal(text))
        tool = clipboard.tool(sys.platform, os.environ, which)
        if tool is not None:
            self.run_worker(partial(clipboard.hand_over, text, tool), thread=True, exit_on_error=False)
        kept = clipboard.keep(text, self._folder)
        lines = plural(text.count("\n") + 1, "line")
        self.tell(f"Copied {lines}" + (f" (also {clipboard.NAME})" if kept else ""))

    def leave(self) -> None:
        self.leaving.go(Left.LEFT)

    def toggle_mouse(self) -> None:
        """Give the mouse to the terminal, whose own selection reaches everything, or take it back."""
        switch = "_disable_mouse_support" if self._has_mouse else "_enable_mouse_support"
        self._has_mouse = not self._has_mouse
        getattr(self.app._driver, switch, lambda: None)()  # noqa: SLF001 - Textual has no public way while it runs
        taken = f"The mouse is the terminal's own; {self.key('mouse')} takes it back."
        self.tell("The mouse is back." if self._has_mouse else taken)

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
        row = self.row
        on_task = row is not None and row.kind is Kind.TASK and not self.run.tasks[row.name].is_final
        screen = StopScreen(self.run, self.paint, on_task=on_task, in_group=row is not None)
        self.open_dialog(screen, self._stop_answered)

    def _stop_answered(self, key: str | None) -> None:
        row = self.row
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
