"""The main screen: the title, the tabs, the view that is shown, and the keys that do something in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Final

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.timer import Timer
from textual.widgets import Input
from textual.widgets._toast import ToastRack

from orchestrator.core.events import RunFinished
from orchestrator.core.ports import Session
from orchestrator.core.states import RunState
from orchestrator.tui import heads
from orchestrator.tui.board import Situation
from orchestrator.tui.commands import COMMANDS, Place, tab_of
from orchestrator.tui.feed import Changes
from orchestrator.tui.heads import Tab
from orchestrator.tui.hints import Hint, key_line
from orchestrator.tui.keymap import Keymap
from orchestrator.tui.leaving import Leaving
from orchestrator.tui.lines import Line
from orchestrator.tui.needs import first_failure, needs
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.answer import AnswerScreen
from orchestrator.tui.screens.approval import ApprovalScreen
from orchestrator.tui.screens.attention import AttentionScreen
from orchestrator.tui.screens.desk import DeskScreen, Means
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.screens.telling import SHORT
from orchestrator.tui.text import clean
from orchestrator.tui.views.all import VIEWS, load
from orchestrator.tui.views.view import bind, bindings
from orchestrator.tui.widgets.painted import Bar
from orchestrator.tui.widgets.table import TaskTable

FRAME: Final = 0.1
"""Seconds between two looks at what happened."""
CLOCKS: Final = 0.25
"""Seconds between two repaints of what only the time changes."""
SLOW: Final = 0.05
"""A frame that takes longer makes the next ones rarer."""
IDLE: Final = 5.0
"""Seconds without a key after which the end of the run shows its summary."""
AWAY: Final = 10.0
"""Seconds without a key or the mouse after which the cursor may go to a failure by itself."""
MINIMUM: Final = (60, 16)
INLINE: Final = (60, 8)
"""The least room, in cells and lines: of a whole terminal, and below a prompt."""


_BESIDE: Final = 2
"""Cells at the right of a toast, as in the styles of the app."""


def tab(place: Place, keymap: Keymap) -> Tab:
    """Return the view's tab."""
    command = tab_of(place)
    return Tab(keymap.name(command.id), command.label, command.short or command.label, command.id)


class MainScreen(DeskScreen):
    """Draws the frame, and lets the view draw what is in it."""

    BINDINGS = bindings(None)
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-normal"), (170, "-xwide")]  # noqa: RUF012 - Textual's own declaration
    VERTICAL_BREAKPOINTS = [(0, "-h-short"), (SHORT, "-h-normal")]  # noqa: RUF012 - the same
    STYLES: ClassVar[str] = """
    MainScreen { layers: base over; }
    MainScreen #small { layer: over; display: none; height: 100%; }
    MainScreen.-small #small { display: block; }
    MainScreen:inline { height: 12; border: none; }
    MainScreen:inline #strip, MainScreen:inline #pane { display: none; }
    MainScreen:inline TasksView.-zoomed #pane { display: block; }
    """
    """For the app: Textual parses all styles again for those of a screen."""

    def __init__(self, session: Session, paint: Paint, leaving: Leaving, means: Means) -> None:
        super().__init__(session, paint, leaving, means)
        bind(self, bindings(None, means.keymap))
        self._tabs_shown = tuple(tab(place, means.keymap) for place in VIEWS)
        self.follows_failures = False
        self._has_gone = False
        self._touched = float("-inf")
        self._painted = float("-inf")
        self._frame: Timer | None = None
        self.ticks = 0
        self._least = self._pause = FRAME
        self._clocks = CLOCKS
        self._redraws = False
        self._situation: Situation | None = None
        self.view = load(Place.TASKS)(self)
        self._views = {Place.TASKS: self.view}
        self._wanted: Place | None = None

    # ── layout ──────────────────────────────────────────────────────────────────────────────────

    def compose(self) -> ComposeResult:
        self._title_bar = Bar(self.paint, ground="panel", id="title")
        self._tabs = Bar(self.paint, id="tabs")
        self._keys = Bar(self.paint, ground="panel", id="keys")
        yield self._title_bar
        yield self._tabs
        yield self.view
        yield self._keys
        yield Bar(self.paint, id="small")

    def on_mount(self) -> None:
        self._toasts = tuple(self.query_children(ToastRack))  # none where Textual is told to show no notifications
        self.view.target.focus()
        self.bindings_updated_signal.subscribe(self, lambda _: self._draw_keys())
        self.view.rebuild()
        self.teller.tell(self.app, (), self.run, self.session.now())
        self._frame = self.set_interval(self._pause, self.tick)

    async def complete(self) -> None:
        """Bring the log and the other views. Call it once the first one is seen: together they take as long again."""
        self._begin_log()
        others = {place: load(place)(self) for place in VIEWS if place not in self._views}
        for view in others.values():
            view.display = False
        await self.mount_all(others.values(), before=self._keys)
        self._views |= others
        if self._wanted is not None:
            self.show_view(self._wanted)

    def show_view(self, place: Place) -> None:
        """Show another view. It is drawn once it has its size, but can be walked through at once."""
        if place not in self._views:
            self._wanted = place
        if place is self.view.place or place not in self._views:
            return
        self.view.display = False
        self.view = self._views[place]
        self.view.display = True
        self.set_focus(self.view.target)  # at once: the next key may have been typed already
        self.view.rebuild()
        self._draw_top()
        self.refresh_bindings()

    def on_resize(self, event: events.Resize) -> None:
        cells, lines = self._minimum
        self.set_class(event.size.width < cells or event.size.height < lines, "-small")

    @property
    def _minimum(self) -> tuple[int, int]:
        return INLINE if self.app.is_inline else MINIMUM

    def draw_at_most(self, fps: float) -> None:
        """Draw what changes by itself no more often than so many times a second; keys are answered at once."""
        self._least = self._pause = max(FRAME, 1 / fps)
        self._clocks = max(CLOCKS, 1 / fps)

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
        for bar in self.query(Bar):
            bar.use(paint)
        for view in self._views.values():
            view.use(paint)
        for screen in self.app.screen_stack:
            if isinstance(screen, Dialog):
                screen.use(paint)
        self.redraw()

    # ── frames ──────────────────────────────────────────────────────────────────────────────────

    def tick(self) -> None:
        """Take in what happened and repaint what it changed; clocks run four times a second."""
        self.ticks += 1
        began = self.session.now()
        changes = self.feed.poll()
        self._read_log(changes)
        self.trends.look(self.run, self.now)
        if changes.everything or changes.layout or self.board.is_stale(began):
            self.view.rebuild()
        self._tell_all(changes)
        self._go_to_failure(began)
        self.view.take(changes)
        if began - self._painted >= self._clocks or self._is_telling():
            self._painted = began
            self._draw_clocks()
        self.leaving.look(self.run)
        self._pace(self.session.now() - began)

    def _begin_log(self) -> None:
        """Read what the run remembers once the screen is there: of a long run that takes a while."""
        self.merged.begin(self.run)
        if self.view.place is Place.LOGS:
            self.view.redraw()

    def _read_log(self, changes: Changes) -> None:
        """Keep the merged log up to date, whether it is shown or not."""
        if changes.everything:
            self.merged.begin(self.run)
        else:
            changes.grown = self.merged.take(self.run, changes.tasks, changes.news)

    @property
    def pause(self) -> float:
        """Return the seconds between two looks."""
        return self._pause

    def _pace(self, took: float) -> None:
        """Look less often while looking takes long, down to once a second."""
        pause = min(1.0, self._pause * 2) if took > SLOW else max(self._least, self._pause / 2)
        if pause != self._pause and self._frame is not None:
            self._frame.stop()
            self._pause = pause
            self._frame = self.set_interval(pause, self.tick)

    def redraw(self) -> None:
        """Draw everything anew."""
        self.view.redraw()
        self._draw_top()
        self._draw_keys()
        self._draw_small()

    def _is_telling(self) -> bool:
        """Return whether something has changed that cannot wait for the next beat of the clocks, as counts can."""
        return self.board.situation(self.row) != self._situation

    def _draw_clocks(self) -> None:
        self.view.tick()
        self._renew_dialog()
        self._draw_top()

    # ── the bars ────────────────────────────────────────────────────────────────────────────────

    def _draw_top(self) -> None:
        run, now, cells, glyphs = self.run, self.now, self.size.width, self.paint.glyphs
        self._title_bar.show(heads.title_line(run, now, cells, glyphs, self.feed.late()))
        error = self.engine_error()
        banner = None if error is None else f"Engine stopped: {type(error).__name__}: {error}  q quit"
        self._tabs.show(heads.banner_line(clean(banner), cells) if banner else self._tab_line())
        if self.has_class("-small"):
            self._draw_small()
        if run.state is RunState.CANCELLING:
            self._draw_keys()
        self._renew_keys()
        self._place_toasts()

    def _place_toasts(self) -> None:
        """Let toasts stand where they hide no output; where lines are few, they have a place of their own."""
        right, below = self.view.kept_free
        is_short = self.has_class("-h-short") or self.app.is_inline
        for toasts in self._toasts:
            toasts.styles.padding = None if is_short else (0, right + _BESIDE, below, 0)

    def _tab_line(self) -> Line:
        chosen = tab(self.view.place, self.keymap).key
        return heads.tab_line(self.run, self._tabs_shown, chosen, self.size.width, self.paint.glyphs)

    def _renew_keys(self) -> None:
        """Ask the commands anew whether they make sense once what they look at has changed."""
        situation = self.board.situation(self.row)
        if situation != self._situation:
            self._situation = situation
            self.refresh_bindings()

    def _draw_small(self) -> None:
        cells, rows = self.app.size
        self.query_one("#small", Bar).show(*heads.small_lines(self.run, cells, rows, self._minimum))

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
                first[name] = Hint(key, COMMANDS[name].label_at(self), name)
        return key_line(first.values(), self.size.width)

    def _comes_first(self, name: str, key: str) -> bool:
        return self.keymap.of(name)[0] == key

    # ── news ────────────────────────────────────────────────────────────────────────────────────

    def _tell_all(self, changes: Changes) -> None:
        now = self.session.now()
        self.teller.tell(self.app, changes.news, self.run, now)
        if any(isinstance(record.event, RunFinished) for record in changes.news) and self._is_idle(now):
            self.show_view(Place.SUMMARY)

    def _is_idle(self, now: float) -> bool:
        """Return whether nobody does anything here, so that another view surprises nobody."""
        return self.guide is None and self.app.screen is self and now - self._touched >= IDLE

    def _go_to_failure(self, now: float) -> None:
        """Go to the first failure once, where that is wished and nobody is there; to another when none is left of it.

        What somebody opened or filtered stays as it is.
        """
        self._has_gone = self._has_gone and bool(self.run.tally.failed)
        if self._has_gone or not (self.follows_failures and self.run.tally.failed and self._is_away(now)):
            return
        task, matching = first_failure(self.run), self.board.matching
        if task is not None and (matching is None or task in matching):
            self._has_gone = True
            self.view.go_to_task(task)

    def _is_away(self, now: float) -> bool:
        if self.app.screen is not self:
            self._touched = now
        return now - self._touched >= AWAY and isinstance(self.focused, TaskTable)

    def _renew_dialog(self) -> None:
        """Keep what a dialog shows of the run in step with it."""
        screen = self.app.screen
        if isinstance(screen, AttentionScreen):
            screen.renew(needs(self.run), self.now)
        elif isinstance(screen, AnswerScreen | ApprovalScreen):
            screen.renew(self.run.questions, self.now)

    # ── keys and clicks ─────────────────────────────────────────────────────────────────────────

    def cursor_moved(self) -> None:
        """The view's cursor is on another row: other keys make sense."""
        self.refresh_bindings()

    @on(Bar.Clicked)
    def bar_clicked(self, message: Bar.Clicked) -> None:
        if message.action in COMMANDS:
            self.action_command(message.action)

    @on(events.MouseDown)
    @on(events.MouseMove)
    @on(events.MouseScrollDown)
    @on(events.MouseScrollUp)
    def mouse_used(self) -> None:
        self._touched = self.session.now()

    def on_key(self, event: events.Key) -> None:
        """A key that makes no sense now says why; what is typed is for the input alone."""
        self._touched = self.session.now()
        if isinstance(self.focused, Input):
            return
        refusals = [COMMANDS[binding.id].refusal(self) for binding in self._bound(event.key) if binding.id in COMMANDS]
        if refusals and refusals[0] is not None:
            event.stop()
            self.tell(refusals[0])

    def _bound(self, key: str) -> Iterator[Binding]:
        for bindings_map in self.bindings_here():
            yield from bindings_map.key_to_bindings.get(key, ())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A command that makes no sense now is not in the footer."""
        if action != "command":
            return True
        command = COMMANDS.get(str(parameters[0]))
        return command is None or command.refusal(self) is None

    def action_command(self, name: str) -> None:
        """Carry out a command."""
        self.board.pressed = self.session.now()
        command = COMMANDS[name]
        refusal = command.refusal(self)
        if refusal is None:
            command.do(self)
        else:
            self.tell(refusal)
