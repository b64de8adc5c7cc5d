"""A question over the screen: a title, what follows from each answer, and the answers."""

from __future__ import annotations

from textwrap import wrap

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen

from orchestrator.tui.commands import Choice, Question
from orchestrator.tui.lines import Line, Span, gap, width
from orchestrator.tui.paint import Paint
from orchestrator.tui.text import clean
from orchestrator.tui.widgets.painted import Bar

_NEXT = frozenset({"right", "tab", "l", "down", "j"})
_BEFORE = frozenset({"left", "shift+tab", "h", "up", "k"})


def wrapped(text: str, cells: int, role: str = "text") -> list[Line]:
    """Return the text as harmless lines of at most so many cells."""
    paragraphs = [clean(line) for line in text.split("\n")]
    return [(Span(part, role),) for paragraph in paragraphs for part in wrap(paragraph, cells) or [""]]


def choice_line(choices: tuple[Choice, ...], focused: int) -> Line:
    """Return the answers, each with its key; the focused one is reversed."""
    spans: list[Span] = []
    for index, choice in enumerate(choices):
        role = "tab" if index == focused else "text"
        spans += [Span(f" {choice.label} ({choice.key}) ", role, f"choose:{choice.key}"), gap(1)]
    return tuple(spans[:-1])


class AskScreen(ModalScreen[str | None]):
    """Asks a question. The answer is the chosen key, or None. The safe answer has the focus at first."""

    CSS = """
    AskScreen { align: center middle; background: $background 55%; }
    AskScreen #box { width: 64; max-width: 96%; height: auto; border: round $primary; background: $surface; padding: 0 1; }
    AskScreen.-ascii #box { border: ascii $primary; }
    AskScreen #body, AskScreen #choices { height: auto; }
    """
    BINDINGS = ()

    def __init__(self, question: Question, paint: Paint) -> None:
        super().__init__(classes="-ascii" if paint.ascii else "")
        self.question = question
        self.paint = paint
        self._focused = next((index for index, choice in enumerate(question.choices) if choice.safe), 0)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(self.paint, ground="surface", id="title")
            yield Bar(self.paint, ground="surface", id="body")
            yield Bar(self.paint, ground="surface", id="choices")

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        cells = max(20, self.query_one("#title", Bar).size.width)
        self.query_one("#title", Bar).show((Span(clean(self.question.title), "title"),))
        body = [(), *wrapped(self.question.body, cells), ()]
        self._fill("body", body)
        self._fill("choices", self._choice_lines(cells))

    def _fill(self, name: str, lines: list[Line]) -> None:
        bar = self.query_one(f"#{name}", Bar)
        bar.styles.height = len(lines)
        bar.show(*lines)

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
            self.dismiss(event.key)
        elif event.key == "escape":
            self.dismiss(None)
        elif event.key == "enter":
            self.dismiss(self.question.choices[self._focused].key)
        elif event.key in _NEXT | _BEFORE:
            self._step(1 if event.key in _NEXT else -1)

    def _step(self, step: int) -> None:
        self._focused = (self._focused + step) % len(self.question.choices)
        self._draw()

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        self.dismiss(message.action.removeprefix("choose:"))
