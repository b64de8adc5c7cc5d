"""A task's question: what it asks and shows, to approve or to deny with a reason. Only here is it answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from orchestrator.core.progress import Question
from orchestrator.tui.commands import Choice, Motion
from orchestrator.tui.lines import Span
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.dialog import choice_line
from orchestrator.tui.screens.modal import Dialog, wrapped
from orchestrator.tui.text import clean, clean_lines, countdown
from orchestrator.tui.widgets.painted import Bar, Text

_CHOICES = (Choice("a", "Approve"), Choice("d", "Deny"), Choice("Esc", "Later", safe=True))
_SCROLL = {
    "j": Motion.DOWN,
    "down": Motion.DOWN,
    "k": Motion.UP,
    "up": Motion.UP,
    "pagedown": Motion.PAGE_DOWN,
    "pageup": Motion.PAGE_UP,
    "g": Motion.FIRST,
    "G": Motion.LAST,
}


class Answer(NamedTuple):
    """What a person said."""

    approved: bool
    reason: str = ""


class ApprovalScreen(Dialog[Answer]):
    """Shows the question; the answer is None for later."""

    CSS = """
    ApprovalScreen #box { width: 86; max-height: 90%; }
    ApprovalScreen #message { height: auto; }
    ApprovalScreen #choices { margin-top: 1; }
    ApprovalScreen #payload { height: auto; max-height: 16; background: $surface; }
    ApprovalScreen Input { display: none; height: 1; border: none; padding: 0; background: $panel; }
    ApprovalScreen.-denying Input { display: block; }
    """

    def __init__(self, task: str, question: Question, now: float, paint: Paint) -> None:
        super().__init__(paint)
        self._asking = task
        self._question = question
        self._now = now

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(self.paint, ground="surface", id="title")
            yield Bar(self.paint, ground="surface", id="message")
            yield Text(self.paint, ground="surface", id="payload")
            yield Input(placeholder="reason (optional), Enter denies, Esc goes back", compact=True)
            yield Bar(self.paint, ground="surface", id="choices")

    def on_mount(self) -> None:
        self.query_one(Text).focus()
        self.draw()

    def renew(self, questions: Mapping[str, Question], now: float) -> None:
        """Count down; close once it is answered otherwise, by itself or by somebody else."""
        self._now = now
        if questions.get(self._asking) is not self._question:
            self.answer(None)
        elif self._question.until is not None:
            self.draw()

    def draw(self) -> None:
        title = self.query_one("#title", Bar)
        cells = max(20, title.size.width)
        title.show((Span(f"{clean(self._asking)} asks", "title"), Span(self._until(), "muted")))
        self.fill("message", [(), *wrapped(self._question.message, cells, "strong"), ()])
        self._draw_payload(cells)
        self.query_one("#choices", Bar).show(choice_line(_CHOICES, -1))

    def _until(self) -> str:
        until = self._question.until
        return "" if until is None else f"  answers itself in {countdown(until - self._now)}"

    def _draw_payload(self, cells: int) -> None:
        payload = self.query_one(Text)
        payload.display = bool(self._question.show)
        lines = [part for line in clean_lines(self._question.show or "") for part in wrapped(line, max(20, cells - 2))]
        payload.styles.height = min(16, len(lines))
        payload.show([(line, "") for line in lines])

    def on_key(self, event: events.Key) -> None:
        """Escape steps back; `a` and `d` answer; the rest scrolls what is shown."""
        if event.key == "escape":
            event.stop()
            self._step_back()
        elif not self.has_class("-denying"):
            event.stop()
            self._press(event.key)

    def _press(self, key: str) -> None:
        if key in {"a", "d"}:
            self._press_answer(key)
        elif key in _SCROLL:
            self.query_one(Text).move(_SCROLL[key])

    def _press_answer(self, key: str) -> None:
        if key == "a":
            self.answer(Answer(approved=True))
            return
        self.add_class("-denying")
        self.query_one(Input).focus()

    def _step_back(self) -> None:
        if self.has_class("-denying"):
            self.remove_class("-denying")
            self.query_one(Text).focus()
        else:
            self.answer(None)

    @on(Input.Submitted)
    def deny(self, message: Input.Submitted) -> None:
        self.answer(Answer(approved=False, reason=message.value.strip()))

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        key = message.action.removeprefix("choose:")
        if key == "Esc":
            self._step_back()
        else:
            self._press_answer(key)
