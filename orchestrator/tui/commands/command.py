"""What a command is: what it sees, what it may ask for, and the question that may come first.

A command is a class: its docstring is the help, and its fields give the key, the footer's label and the palette's
entry. It looks at a desk, says why it makes no sense now, or asks the desk to do it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum, StrEnum
from typing import ClassVar, Final, NamedTuple, Protocol

from orchestrator.core.commands import Command as Order
from orchestrator.core.ports import Guide
from orchestrator.core.run import Run
from orchestrator.tui.rows import Row
from orchestrator.tui.sorting import By, Sort
from orchestrator.tui.subjects import Subject


class Section(StrEnum):
    """Where a command stands in the help."""

    MOVE = "Move"
    FIND = "Find"
    ACT = "Act"
    HEALTH = "Health"
    VIEW = "View"
    OUTPUT = "Output"
    RUN = "Run"
    DEMO = "Demo"


class Place(StrEnum):
    """Where a person can be: the views, by name."""

    TASKS = "tasks"
    DAG = "dag"
    TIMELINE = "timeline"
    LOGS = "logs"
    HEALTH = "health"
    SUMMARY = "summary"


LISTS: Final = frozenset({Place.TASKS, Place.TIMELINE})
"""The views that are a list of tasks, which a filter makes shorter."""
FILTERED: Final = LISTS | {Place.DAG}
"""The views in which the filter of tasks holds."""


class Motion(StrEnum):
    """How the cursor moves."""

    DOWN = "down"
    UP = "up"
    FIRST = "first"
    LAST = "last"
    PAGE_DOWN = "page down"
    PAGE_UP = "page up"
    HALF_DOWN = "half down"
    HALF_UP = "half up"


class LogWish(Enum):
    """What can be changed about how the lines of all tasks are shown."""

    WRAP = "wrap"
    STAMPS = "stamps"
    LEVEL = "level"
    MARK = "mark"


class Choice(NamedTuple):
    """One answer to a question: its key, its label, and whether it is the safe one."""

    key: str
    label: str
    safe: bool = False


class Question(NamedTuple):
    """What is asked before something is done. The answer is the chosen key, or None."""

    title: str
    body: str
    choices: tuple[Choice, ...]


YES: Final = "y"


def confirm(title: str, body: str, yes: str, no: str = "No") -> Question:
    return Question(title, body, (Choice(YES, yes), Choice("n", no, safe=True)))


class Desk(Protocol):
    """What a command sees and may ask for."""

    @property
    def run(self) -> Run: ...
    @property
    def row(self) -> Row | None: ...
    @property
    def subject(self) -> Subject | None: ...
    @property
    def marks(self) -> frozenset[str]: ...
    @property
    def sort(self) -> Sort: ...
    @property
    def guide(self) -> Guide | None: ...
    def key(self, command: str) -> str: ...
    def send(self, orders: Sequence[Order], note: str = "") -> None: ...
    def ask(self, question: Question, then: Callable[[str], None]) -> None: ...
    def tell(self, text: str) -> None: ...
    def move(self, motion: Motion) -> None: ...
    def fold(self, *, opened: bool) -> None: ...
    def open_row(self) -> None: ...
    def back(self) -> None: ...
    def next_pane(self, step: int) -> None: ...
    def turn_page(self, step: int) -> None: ...
    def edit_filter(self) -> None: ...
    def show_needs(self) -> None: ...
    def go_to_need(self) -> None: ...
    def hide_done(self) -> None: ...
    def sort_by(self, by: By) -> None: ...
    def describe(self) -> None: ...
    def adjust(self, step: int) -> None: ...
    def show_palette(self) -> None: ...
    def show_help(self) -> None: ...
    def mark(self) -> None: ...
    def answer(self, tasks: Sequence[str]) -> None: ...
    def follow(self) -> None: ...
    def change_log(self, wish: LogWish) -> None: ...
    def copy_line(self) -> None: ...
    def copy_log(self) -> None: ...
    def save_log(self) -> None: ...
    def open_log(self) -> None: ...
    def show_view(self, place: Place) -> None: ...
    def zoom(self, step: int) -> None: ...
    def centre(self) -> None: ...
    def leave(self) -> None: ...
    def toggle_mouse(self) -> None: ...
    def next_theme(self) -> None: ...
    def repaint(self) -> None: ...
    def interrupt(self) -> None: ...
    def quit(self) -> None: ...


class Command:
    """One thing the keyboard can do. `foot` orders the footer; what has none is not there.

    `everywhere` holds in dialogs and inputs too, and so must not be a letter. `places` are the views that have it;
    None is all of them. What several views have of their own may share a key. What is `guided` is there only where a
    guide leads through the run.
    """

    id: ClassVar[str]
    keys: ClassVar[str]
    label: ClassVar[str]
    section: ClassVar[Section]
    asks: ClassVar[bool] = False
    foot: ClassVar[int | None] = None
    everywhere: ClassVar[bool] = False
    places: ClassVar[frozenset[Place] | None] = None
    guided: ClassVar[bool] = False

    def refusal(self, desk: Desk) -> str | None:
        """Return why it makes no sense now, or None."""
        del desk
        return None

    def do(self, desk: Desk) -> None:
        raise NotImplementedError

    def label_at(self, desk: Desk) -> str:
        """Return the label that says what it would do now."""
        del desk
        return self.label

    @property
    def help(self) -> str:
        return (self.__doc__ or "").partition("\n")[0].rstrip(".")
