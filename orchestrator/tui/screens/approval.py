"""A task's question: what it asks and shows, to approve or to deny with a reason. Only here is it answered."""

from __future__ import annotations

from typing import NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from orchestrator.core.progress import Question
from orchestrator.tui.commands import Choice, Motion
from orchestrator.tui.lines import Line, Span
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.dialog import choice_line, wrapped
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


class ApprovalScreen(ModalScreen[Answer | None]):
    """Shows the question; the answer is None for later."""

    CSS = """
    ApprovalScreen { align: center middle; background: $background 55%; }
    ApprovalScreen #box { width: 86; max-width: 96%; height: auto; max-height: 90%; border: round $primary;
        background: $surface; padding: 0 1; }
    ApprovalScreen.-ascii #box { border: ascii $primary; }
    ApprovalScreen #message { height: auto; }
    ApprovalScreen #payload { height: auto; max-height: 16; background: $surface; }
    ApprovalScreen Input { display: none; height: 1; border: none; padding: 0; background: $panel; }
    ApprovalScreen.-denying Input { display: block; }
    """

    def __init__(self, task: str, question: Question, now: float, paint: Paint) -> None:
        super().__init__(classes="-ascii" if paint.ascii else "")
        self._asking = task
        self._question = question
        self._now = now
        self.paint = paint

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(self.paint, ground="surface", id="title")
            yield Bar(self.paint, ground="surface", id="message")
            yield Text(self.paint, ground="surface", id="payload")
            yield Input(placeholder="reason (optional), Enter denies, Esc goes back", compact=True)
            yield Bar(self.paint, ground="surface", id="choices")

    def on_mount(self) -> None:
        self.query_one(Text).focus()
        self._draw()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        cells = max(20, self.query_one("#title", Bar).size.width)
        self.query_one("#title", Bar).show((Span(f"{clean(self._asking)} asks", "title"), Span(self._until(), "muted")))
        message: list[Line] = [(), *wrapped(self._question.message, cells, "strong"), ()]
        bar = self.query_one("#message", Bar)
        bar.styles.height = len(message)
        bar.show(*message)
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
            self._answer(key)
        elif key in _SCROLL:
            self.query_one(Text).move(_SCROLL[key])

    def _answer(self, key: str) -> None:
        if key == "a":
            self.dismiss(Answer(approved=True))
            return
        self.add_class("-denying")
        self.query_one(Input).focus()

    def _step_back(self) -> None:
        if self.has_class("-denying"):
            self.remove_class("-denying")
            self.query_one(Text).focus()
        else:
            self.dismiss(None)

    @on(Input.Submitted)
    def deny(self, message: Input.Submitted) -> None:
        self.dismiss(Answer(approved=False, reason=message.value.strip()))

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        key = message.action.removeprefix("choose:")
        if key == "Esc":
            self._step_back()
        else:
            self._answer(key)
