"""A question that a task asks while it runs: one of its choices is taken, or a text is typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from orchestrator.core.progress import Question
from orchestrator.tui.lines import Line, Span
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.modal import Dialog, wrapped
from orchestrator.tui.text import clean, fit
from orchestrator.tui.widgets.painted import Bar

_NEXT: Final = frozenset({"down", "j", "tab"})
_BEFORE: Final = frozenset({"up", "k", "shift+tab"})


class Told(NamedTuple):
    """What a person said: an answer, or that there will be none."""

    text: str | None


class AnswerScreen(Dialog[Told]):
    """Shows the question; the answer is None for later."""

    CSS = """
    AnswerScreen #box { width: 86; }
    AnswerScreen #message, AnswerScreen #choices { height: auto; }
    AnswerScreen #hint { margin-top: 1; }
    AnswerScreen Input { height: 1; border: none; padding: 0 1; background: $panel; }
    """

    def __init__(self, task: str, question: Question, paint: Paint) -> None:
        super().__init__(paint)
        self._asking = task
        self._question = question
        self._chosen = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(self.paint, ground="surface", id="title")
            yield Bar(self.paint, ground="surface", id="message")
            if self._question.choices:
                yield Bar(self.paint, ground="surface", id="choices")
            else:
                yield Input(placeholder="your answer", compact=True)
            yield Bar(self.paint, ground="surface", id="hint")

    def on_mount(self) -> None:
        if not self._question.choices:
            self.query_one(Input).focus()
        self.draw()

    def renew(self, questions: Mapping[str, Question], now: float) -> None:
        """Close once nobody needs the answer any more."""
        del now
        if questions.get(self._asking) is not self._question:
            self.answer(None)

    def draw(self) -> None:
        cells = max(20, self.query_one("#title", Bar).size.width)
        self.query_one("#title", Bar).show((Span(f"{clean(self._asking)} asks", "title"),))
        self.fill("message", [(), *wrapped(self._question.message, cells, "strong"), ()])
        if self._question.choices:
            self.fill("choices", self._choice_lines(cells))
        self.query_one("#hint", Bar).show(self._hint())

    def _choice_lines(self, cells: int) -> list[Line]:
        return [
            (
                Span(f" {place + 1 if place < 9 else ' '} ", "key", f"choose:{place}"),
                Span(
                    fit(f" {clean(choice)}", cells - 3, self.paint.glyphs.ellipsis),
                    "tab" if place == self._chosen else "text",
                    f"choose:{place}",
                ),
            )
            for place, choice in enumerate(self._question.choices)
        ]

    def _hint(self) -> Line:
        move = (Span("j k", "key"), Span(" choose  ", "muted")) if self._question.choices else ()
        enter = (Span("enter", "key"), Span(" answers  ", "muted"))
        refuse = (Span("^R", "key"), Span(" gives no answer  ", "muted"))
        return (*move, *enter, *refuse, Span("esc", "key"), Span(" later", "muted"))

    def on_key(self, event: events.Key) -> None:
        """Escape is for later; of choices, a digit takes one at once. What is typed is for the input alone."""
        if event.key in {"escape", "ctrl+r"}:
            event.stop()
            self.answer(None if event.key == "escape" else Told(None))
        elif self._question.choices:
            event.stop()
            self._press(event.key)

    def _press(self, key: str) -> None:
        choices = self._question.choices
        if key in _NEXT | _BEFORE:
            self._chosen = (self._chosen + (1 if key in _NEXT else -1)) % len(choices)
            self.draw()
        elif key == "enter":
            self.answer(Told(choices[self._chosen]))
        elif key.isdecimal() and 1 <= int(key) <= len(choices):
            self.answer(Told(choices[int(key) - 1]))

    @on(Input.Submitted)
    def typed(self, message: Input.Submitted) -> None:
        text = message.value.strip()
        if text:
            self.answer(Told(text))

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        self.answer(Told(self._question.choices[int(message.action.removeprefix("choose:"))]))
