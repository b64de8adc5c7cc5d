"""What every view is, and what it may know.

A view fills the screen between the tabs and the keys. To add one:

1. give it a name in `commands.Place` and a `Show...` command in `commands.COMMANDS`, whose key and label its tab has;
2. write a `View` with that `place` and name it in `views.all.VIEWS`. One that lists tasks is a `ListView`, which
   brings the table, its cursor, the filter and the marks.

Its own commands name it in `places`; they are bound where the view is, so several views may use a key for different
things. The keys in the footer, the help and the palette follow from the commands. A command reaches the view through
the desk, which hands every wish on that it does not grant itself.

State goes down: `rebuild` when rows come or go, `take` what changed since the last frame, `tick` for what only time
changes, `redraw` for everything anew: another theme, another size, or because the view is shown again. Hidden views
are told nothing. Each paints from the run and the time alone.
"""

from __future__ import annotations

from typing import ClassVar, Protocol

from textual.binding import Binding, BindingsMap, BindingType
from textual.containers import Vertical
from textual.dom import DOMNode
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widget import Widget

from orchestrator.core.run import Run
from orchestrator.tui.board import Board
from orchestrator.tui.census import Counting
from orchestrator.tui.commands import COMMANDS, LogWish, Motion, Place
from orchestrator.tui.feed import Changes, Feed
from orchestrator.tui.keymap import Keymap
from orchestrator.tui.mergedlog import MergedLog
from orchestrator.tui.paint import Paint
from orchestrator.tui.rows import Row
from orchestrator.tui.sorting import By
from orchestrator.tui.subjects import Subject
from orchestrator.tui.trends import Trends
from orchestrator.tui.widgets.painted import Bar, Listing


class Office(Protocol):
    """What a view may know and ask for."""

    @property
    def run(self) -> Run: ...
    @property
    def now(self) -> float: ...
    @property
    def feed(self) -> Feed: ...
    @property
    def board(self) -> Board: ...
    @property
    def paint(self) -> Paint: ...
    @property
    def merged(self) -> MergedLog: ...
    @property
    def trends(self) -> Trends: ...
    @property
    def counting(self) -> Counting: ...
    @property
    def keymap(self) -> Keymap: ...
    def show_view(self, place: Place) -> None: ...
    def show_task(self, task: str) -> None: ...
    def show_subject(self, subject: Subject) -> None: ...
    def log_path(self, task: str) -> str: ...
    def cursor_moved(self) -> None: ...
    def sort_by(self, by: By) -> None: ...
    def tell(self, text: str) -> None: ...
    def action_command(self, name: str) -> None: ...
    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None: ...


def bindings(place: Place | None, keymap: Keymap | None = None, *, guided: bool = False) -> list[BindingType]:
    """Return the bindings of the view's own commands; without one, of those that all views share.

    Those of a guide are left out unless there is one.
    """
    keys = keymap or Keymap()
    return [
        Binding(",".join(keys.of(command.id)), f"command('{command.id}')", command.label, id=command.id)
        for command in COMMANDS.values()
        if not command.everywhere
        and keys.of(command.id)
        and (place in command.places if command.places else place is None)
        and (guided or not command.guided)
    ]


def bind(node: DOMNode, wanted: list[BindingType]) -> None:
    """Give a node these bindings of commands in place of those that its class has."""
    live = node._bindings.key_to_bindings  # noqa: SLF001 - Textual's own keymap drops keys that two commands swap
    for key in [key for key, bound in live.items() if any(binding.id in COMMANDS for binding in bound)]:
        del live[key]
    live.update(BindingsMap(wanted).key_to_bindings)


class View(Vertical):
    """One way to look at the run. What a view has no use for, it leaves as it is here: nothing happens."""

    SCOPED_CSS = False
    DEFAULT_CSS = "View { height: 1fr; width: 100%; }"
    virtual_size = Reactive(Size(0, 0), repaint=False)
    place: ClassVar[Place]

    def __init__(self, office: Office) -> None:
        super().__init__(id=f"view-{self.place}")
        self.office = office
        bind(self, bindings(self.place, office.keymap))

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    def rebuild(self) -> None:
        """Make the rows anew."""

    def take(self, changes: Changes) -> None:
        """Repaint what changed."""

    def tick(self) -> None:
        """Repaint what only time changes, and all that shows sums; four times a second."""

    def redraw(self) -> None:
        """Draw everything anew."""
        self.rebuild()
        self.tick()

    @property
    def kept_free(self) -> tuple[int, int]:
        """Return how many columns at the right, or lines at the bottom, no toast may hide."""
        return 0, 0

    def use(self, paint: Paint) -> None:
        """Show another theme."""
        for widget in (*self.query(Bar), *self.query(Listing)):
            widget.use(paint)

    # ── its own keys ────────────────────────────────────────────────────────────────────────────

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The desk says which commands make sense now."""
        return self.office.check_action(action, parameters)

    def action_command(self, name: str) -> None:
        """The desk carries out the commands."""
        self.office.action_command(name)

    # ── where one is ────────────────────────────────────────────────────────────────────────────

    @property
    def target(self) -> Widget:
        """Return what has the focus when the view is shown."""
        raise NotImplementedError

    @property
    def row(self) -> Row | None:
        """Return what commands are about."""
        return None

    @property
    def subject(self) -> Subject | None:
        """Return what commands are about where it is no task."""
        return None

    def go_to_subject(self, subject: Subject) -> None:
        """Put the cursor on it."""

    def go_to_task(self, task: str) -> None:
        """Put the cursor on the task, and show it whatever hides it."""

    def next_need(self) -> str | None:
        """Return the next task that failed or waits for a person."""
        return self.office.board.next_need(self.row, 1)

    # ── wishes ──────────────────────────────────────────────────────────────────────────────────

    def move(self, motion: Motion) -> None:
        """Move the cursor."""

    def fold(self, *, opened: bool) -> None:
        """Fold or unfold; go or scroll to the left or the right."""

    def open_row(self) -> None:
        """Open what the cursor is on."""

    def back(self) -> bool:
        """Take one step back; return whether there was one."""
        return False

    def next_pane(self, step: int) -> None:
        """Go to another pane."""

    def turn_page(self, step: int) -> None:
        """Turn to another page of the pane."""

    def edit_filter(self) -> None:
        """Let the filter be typed."""

    def mark(self) -> None:
        """Mark the row, and go on to the next."""

    def follow(self) -> None:
        """Follow what goes on, or hold still."""

    def change_log(self, wish: LogWish) -> None:
        """Show the lines in another way, or mark the place."""

    def zoom(self, step: int) -> None:
        """Show more or less at once; 0 shows all."""

    def centre(self) -> None:
        """Put what the cursor is on into the middle."""

    def next_match(self, step: int) -> bool:
        """Go to the next place that was searched for; return whether anything is searched for."""
        del step
        return False

    def describe(self) -> None:
        """Show what is known of what the cursor is on."""

    def line_text(self) -> str:
        """Return the line to copy."""
        return ""

    def log_text(self) -> str:
        """Return the whole log to copy or save."""
        return ""

    @property
    def log_name(self) -> str:
        """Return what the log is of, for the name of its file."""
        return (self.row.task if self.row is not None else None) or str(self.place)

    @property
    def log_task(self) -> str | None:
        """Return the task that alone the log is of."""
        return None
