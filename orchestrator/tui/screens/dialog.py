"""A question over the screen: a title, what follows from each answer, and the answers."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from orchestrator.tui.commands import Choice, Question
from orchestrator.tui.lines import Line, Span, gap, width
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.modal import Dialog, wrapped
from orchestrator.tui.text import clean
from orchestrator.tui.widgets.painted import Bar

_NEXT = frozenset({"right", "tab", "l", "down", "j"})
_BEFORE = frozenset({"left", "shift+tab", "h", "up", "k"})


def choice_line(choices: tuple[Choice, ...], focused: int) -> Line:
    """Return the answers, each with its key; the focused one is reversed."""
    spans: list[Span] = []
    for index, choice in enumerate(choices):
        role = "tab" if index == focused else "text"
        spans += [Span(f" {choice.label} ({choice.key}) ", role, f"choose:{choice.key}"), gap(1)]
    return tuple(spans[:-1])


class AskScreen(Dialog[str]):
    """Asks a question. The answer is the chosen key. The safe answer has the focus at first."""

    CSS = "AskScreen #box { width: 64; }"

    def __init__(self, question: Question, paint: Paint) -> None:
        super().__init__(paint)
        self.question = question
        self._focused = next((index for index, choice in enumerate(question.choices) if choice.safe), 0)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(self.paint, ground="surface", id="title")
            yield Bar(self.paint, ground="surface", id="body")
            yield Bar(self.paint, ground="surface", id="choices")

    def draw(self) -> None:
        title = self.query_one("#title", Bar)
        cells = max(20, title.size.width)
        title.show((Span(clean(self.question.title), "title"),))
        self.fill("body", [(), *wrapped(self.question.body, cells), ()])
        self.fill("choices", self._choice_lines(cells))

    def _choice_lines(self, cells: int) -> list[Line]:
        """One line if they find room in one, else one each."""
        line = choice_line(self.question.choices, self._focused)
        if width(line) <= cells:
            return [line]
        return [
            choice_line((choice,), 0 if index == self._focused else -1)
            for index, choice in enumerate(self.question.choices)
        ]

    def on_key(self, event: events.Key) -> None:
        """Keys of answers, Enter for the focused one, Escape for none."""
        event.stop()
        keys = {choice.key for choice in self.question.choices}
        if event.key in keys:
            self.answer(event.key)
        elif event.key == "escape":
            self.answer(None)
        elif event.key == "enter":
            self.answer(self.question.choices[self._focused].key)
        elif event.key in _NEXT | _BEFORE:
            self._step(1 if event.key in _NEXT else -1)

    def _step(self, step: int) -> None:
        self._focused = (self._focused + step) % len(self.question.choices)
        self.draw()

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        self.answer(message.action.removeprefix("choose:"))
