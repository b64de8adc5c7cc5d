"""The command palette: what is typed, and under it what fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.timer import Timer
from textual.widgets import Input

from orchestrator.tui.commands import Motion
from orchestrator.tui.lines import Line, Span, clip, spread
from orchestrator.tui.paint import Paint
from orchestrator.tui.palette import Entry
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.text import plural, shorten
from orchestrator.tui.widgets.painted import Bar, Text

_MOVES: Final = {
    "down": Motion.DOWN,
    "up": Motion.UP,
    "ctrl+n": Motion.DOWN,
    "ctrl+p": Motion.UP,
    "tab": Motion.DOWN,
    "shift+tab": Motion.UP,
    "pagedown": Motion.PAGE_DOWN,
    "pageup": Motion.PAGE_UP,
}
_ROWS: Final = 14
_GLANCE: Final = 0.15
"""Seconds that an entry is under the cursor before its theme is shown: nobody sees those that one only passes."""


class PaletteScreen(Dialog[Entry]):
    """Finds while one types. The answer is the chosen entry; `preview` is told what the cursor rests on."""

    CSS = """
    PaletteScreen { align: center top; }
    PaletteScreen #box { width: 84; margin-top: 3; }
    PaletteScreen Input { height: 1; border: none; padding: 0; background: $panel; }
    PaletteScreen Text { height: 14; background: $surface; }
    """

    def __init__(
        self, find: Callable[[str], Sequence[Entry]], paint: Paint, preview: Callable[[Entry | None], None]
    ) -> None:
        super().__init__(paint)
        self._find = find
        self._preview = preview
        self._glance: Timer | None = None
        self._found: Sequence[Entry] = find("")
        self._chosen = 0

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Input(placeholder="command, task, sort, filter, theme;  /words filters", compact=True)
            yield Text(self.paint, ground="surface")
            yield Bar(self.paint, ground="surface", id="hint")

    def on_mount(self) -> None:
        self.query_one(Input).focus()
        self.draw()

    def draw(self) -> None:
        text = self.query_one(Text)
        text.styles.height = min(_ROWS, max(3, self.app.size.height - 9))
        nothing: Line = (Span("Nothing fits.", "muted"),)
        lines = [self._line(place) for place in range(len(self._found))] or [nothing]
        text.show([(line, "") for line in lines], lit=self._chosen if self._found else -1)
        text.scroll_to(y=max(0, self._chosen - text.page + 1), animate=False)
        self._draw_hint()

    def _draw_hint(self) -> None:
        entry = self._entry
        hint = self.query_one("#hint", Bar)
        words = entry.help if entry else ""
        end = (Span(plural(len(self._found), "entry", "entries") if self._found else "", "muted"),)
        hint.show(spread((Span(words, "muted"),), end, max(20, hint.size.width)))

    def _line(self, place: int) -> Line:
        entry, cells = self._found[place], max(20, self.query_one(Text).columns)
        mark = f"{self.paint.glyphs.closed} " if place == self._chosen else "  "
        room = cells - len(entry.note) - 4
        name = marked(shorten(entry.text, room, self.paint.glyphs.ellipsis), entry.places)
        return spread((Span(mark, "key"), *clip(name, room)), (Span(entry.note, "muted"),), cells)

    @on(Input.Changed)
    def typed(self, message: Input.Changed) -> None:
        message.stop()
        self._found, self._chosen = self._find(message.value), 0
        self._show_chosen()

    @on(Input.Submitted)
    def submitted(self, message: Input.Submitted) -> None:
        message.stop()
        if self._found:
            self.answer(self._found[self._chosen])

    def on_key(self, event: events.Key) -> None:
        """Walk over what fits; every other key is for the input."""
        if event.key == "escape":
            event.stop()
            self.answer(None)
        elif event.key in _MOVES and self._found:
            event.stop()
            event.prevent_default()
            self._move(_MOVES[event.key])

    def _move(self, motion: Motion) -> None:
        steps = {Motion.DOWN: 1, Motion.UP: -1, Motion.PAGE_DOWN: _ROWS, Motion.PAGE_UP: -_ROWS}
        last = len(self._found) - 1
        place = self._chosen + steps[motion]
        self._chosen = place % (last + 1) if abs(steps[motion]) == 1 else max(0, min(last, place))
        self._show_chosen()

    def _show_chosen(self) -> None:
        self.draw()
        if self._glance is not None:
            self._glance.stop()
        self._glance = self.set_timer(_GLANCE, lambda: self._preview(self._entry))

    @property
    def _entry(self) -> Entry | None:
        return self._found[self._chosen] if self._found else None

    def on_click(self, event: events.Click) -> None:
        text = self.query_one(Text)
        if event.widget is text and text.top + event.y < len(self._found):
            self.answer(self._found[text.top + event.y])


def marked(text: str, places: Sequence[int]) -> Line:
    """Return the text with the letters at those places standing out."""
    wanted = set(places)
    runs = groupby(enumerate(text), key=lambda pair: pair[0] in wanted)
    return tuple(Span("".join(char for _, char in run), "key" if is_in else "text") for is_in, run in runs)
