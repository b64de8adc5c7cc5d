"""The line in which a filter is typed: it is live, and what cannot be read leaves the last good one in force."""

from __future__ import annotations

from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input

from orchestrator.tui.filter import EVERYTHING, Filter, FilterError, parse
from orchestrator.tui.lines import Line, Span
from orchestrator.tui.paint import Paint
from orchestrator.tui.text import clean
from orchestrator.tui.widgets.painted import Bar

DEBOUNCE: Final = 0.08
_EXAMPLES: Final = "words  state:failed  g:group  try>1  !not  /regex/"


class FilterLine(Horizontal):
    """Hidden until it is opened."""

    DEFAULT_CSS = """
    FilterLine { display: none; height: 1; }
    FilterLine.-open { display: block; }
    FilterLine Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel; }
    FilterLine Input.-bad { color: $error; }
    FilterLine Bar { width: 50%; }
    """

    class Changed(Message):
        """Another filter holds from now on."""

        def __init__(self, wanted: Filter) -> None:
            self.filter = wanted
            super().__init__()

    class Closed(Message):
        """The line was left: the filter stays, or was taken away."""

        def __init__(self, *, kept: bool) -> None:
            self.kept = kept
            super().__init__()

    def __init__(self, paint: Paint, *, of_lines: bool = False) -> None:
        super().__init__()
        self._of_lines = of_lines
        self._input = Input(compact=True, placeholder=_EXAMPLES + ("  tag:err" if of_lines else ""))
        self._note = Bar(paint, ground="panel", id="filter-note")
        self._debounce: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self._input
        yield self._note

    def open(self, text: str) -> None:
        """Let the filter be typed, from this text on."""
        if self._input.value != text:
            with self.prevent(Input.Changed):
                self._input.value = text
        self.add_class("-open")
        self._input.focus()

    def note(self, line: Line) -> None:
        """Show what the filter found."""
        self._note.show(line)

    @on(Input.Changed)
    def _typed(self, message: Input.Changed) -> None:
        message.stop()
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(DEBOUNCE, self._apply)

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self._apply()
        self._close(kept=True)

    def _apply(self) -> None:
        self._drop_timer()
        try:
            wanted = parse(self._input.value, of_lines=self._of_lines)
        except FilterError as error:
            self._input.add_class("-bad")
            self.note((Span(clean(str(error)), "bad"),))
            return
        self._input.remove_class("-bad")
        self.post_message(self.Changed(wanted))

    def _drop_timer(self) -> None:
        if self._debounce is not None:
            self._debounce.stop()
            self._debounce = None

    def _close(self, *, kept: bool) -> None:
        self.remove_class("-open")
        self.post_message(self.Closed(kept=kept))

    def on_key(self, event: events.Key) -> None:
        """Escape takes the filter away; every other key is for the input alone."""
        if event.key == "escape":
            event.stop()
            self._drop_timer()
            self._input.remove_class("-bad")
            self.post_message(self.Changed(EVERYTHING))
            self._close(kept=False)


class SearchLine(FilterLine):
    """The line in which words are typed that a log is searched for. Its messages are its own."""

    class Changed(FilterLine.Changed):
        """Other words are searched for from now on."""

    class Closed(FilterLine.Closed):
        """The line was left: what was found stays marked, or the search was given up."""

    def __init__(self, paint: Paint) -> None:
        super().__init__(paint, of_lines=True)
        self._input.placeholder = "search the log: words  /regex/  tag:err"
