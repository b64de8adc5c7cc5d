"""A desk of paper: it notes what commands ask of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.core.commands import Command as Order
from orchestrator.core.ports import Guide
from orchestrator.core.run import Run
from orchestrator.tui.commands import COMMANDS, LogWish, Motion, Place, Question
from orchestrator.tui.keymap import Keymap
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.sorting import By, Sort
from orchestrator.tui.subjects import Subject
from tests.tui.scene import Scene


class PaperDesk:
    """Implements the desk. Questions are answered with `reply`."""

    def __init__(
        self, scene: Scene, row: Row | None = None, marks: frozenset[str] = frozenset(), reply: str = "y"
    ) -> None:
        self._scene = scene
        self._row = row
        self._marks = marks
        self.subject: Subject | None = None
        self.reply = reply
        self.leads: Guide | None = None
        self.sent: list[Order] = []
        self.asked: list[Question] = []
        self.done: list[str] = []

    @property
    def run(self) -> Run:
        return self._scene.run

    @property
    def row(self) -> Row | None:
        return self._row

    @property
    def marks(self) -> frozenset[str]:
        return self._marks

    @property
    def guide(self) -> Guide | None:
        return self.leads

    def send(self, orders: Sequence[Order], note: str = "") -> None:
        self.sent += orders
        self.done += [note] if note else []

    def ask(self, question: Question, then: Callable[[str], None]) -> None:
        self.asked.append(question)
        safe = {choice.key for choice in question.choices if choice.safe}
        if self.reply in {choice.key for choice in question.choices} - safe:
            then(self.reply)

    def tell(self, text: str) -> None:
        self.done.append(text)

    def move(self, motion: Motion) -> None:
        self.done.append(f"move {motion}")

    def fold(self, *, opened: bool) -> None:
        self.done.append(f"fold {opened}")

    def open_row(self) -> None:
        self.done.append("open")

    def back(self) -> None:
        self.done.append("back")

    def next_pane(self, step: int) -> None:
        self.done.append(f"pane {step}")

    def turn_page(self, step: int) -> None:
        self.done.append(f"page {step}")

    def edit_filter(self) -> None:
        self.done.append("filter")

    def show_needs(self) -> None:
        self.done.append("needs")

    def go_to_need(self) -> None:
        self.done.append("need")

    @property
    def sort(self) -> Sort:
        return Sort()

    def key(self, command: str) -> str:
        return Keymap().name(command)

    def sort_by(self, by: By) -> None:
        self.done.append(f"sort {by}")

    def describe(self) -> None:
        self.done.append("describe")

    def adjust(self, step: int) -> None:
        self.done.append(f"adjust {step}")

    def save_log(self) -> None:
        self.done.append("save")

    def open_log(self) -> None:
        self.done.append("open log")

    def toggle_mouse(self) -> None:
        self.done.append("mouse")

    def hide_done(self) -> None:
        self.done.append("hide")

    def show_palette(self) -> None:
        self.done.append("palette")

    def show_help(self) -> None:
        self.done.append("help")

    def mark(self) -> None:
        self.done.append("mark")

    def answer(self, tasks: Sequence[str]) -> None:
        self.done.append(f"answer {' '.join(tasks)}")

    def follow(self) -> None:
        self.done.append("follow")

    def change_log(self, wish: LogWish) -> None:
        self.done.append(f"log {wish.value}")

    def copy_line(self) -> None:
        self.done.append("copy line")

    def copy_log(self) -> None:
        self.done.append("copy log")

    def show_view(self, place: Place) -> None:
        self.done.append(f"view {place}")

    def zoom(self, step: int) -> None:
        self.done.append(f"zoom {step}")

    def centre(self) -> None:
        self.done.append("centre")

    def leave(self) -> None:
        self.done.append("leave")

    def next_theme(self) -> None:
        self.done.append("theme")

    def repaint(self) -> None:
        self.done.append("repaint")

    def interrupt(self) -> None:
        self.done.append("interrupt")

    def quit(self) -> None:
        self.done.append("quit")


def on_task(scene: Scene, task: str) -> PaperDesk:
    return PaperDesk(scene, Row(Kind.TASK, task, scene.run.tasks[task].group, 1))


def on_group(scene: Scene, group: str) -> PaperDesk:
    return PaperDesk(scene, Row(Kind.GROUP, group, group))


def do(desk: PaperDesk, command: str) -> PaperDesk:
    COMMANDS[command].do(desk)
    return desk


def refusal(desk: PaperDesk, command: str) -> str | None:
    return COMMANDS[command].refusal(desk)
