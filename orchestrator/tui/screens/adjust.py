"""Limits to be raised or lowered: each with the value it has and the one it would get."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from orchestrator.core.commands import Command as Order
from orchestrator.tui.limits import Limit
from orchestrator.tui.lines import Line, Span
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.text import fit
from orchestrator.tui.widgets.painted import Bar, Text

_MORE = frozenset({"plus", "equals_sign", "right", "l"})
_LESS = frozenset({"minus", "left", "h"})
_DOWN = frozenset({"down", "j", "tab"})
_UP = frozenset({"up", "k", "shift+tab"})
_LABEL = 38
_VALUE = 11
_USED = 11


class AdjustScreen(Dialog[list[Order]]):
    """Shows the limits; the answer is what to ask of the run. The chosen one begins a step away from where it is."""

    CSS = """
    AdjustScreen #box { width: 78; }
    AdjustScreen Text { height: auto; background: $surface; }
    AdjustScreen #hint { margin-top: 1; }
    """

    def __init__(self, limits: Sequence[Limit], chosen: int, step: int, paint: Paint) -> None:
        super().__init__(paint)
        self._limits = limits
        self._values = [limit.value for limit in limits]
        self._chosen = chosen
        self._change(step)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(self.paint, ground="surface", id="title")
            yield Text(self.paint, ground="surface")
            yield Bar(self.paint, ground="surface", id="hint")

    def draw(self) -> None:
        self.query_one("#title", Bar).show((Span("Limits", "title"), Span("   takes effect at once", "muted")))
        text = self.query_one(Text)
        text.styles.height = min(len(self._limits), max(3, int(self.app.size.height * 0.9) - 6))
        text.show([(self._line(place), "") for place in range(len(self._limits))], lit=self._chosen)
        text.scroll_to(y=max(0, self._chosen - text.page + 1), animate=False)
        hint = (Span("+ -", "key"), Span(" change  ", "muted"), Span("j k", "key"), Span(" choose  ", "muted"))
        end = (Span("enter", "key"), Span(" set  ", "muted"), Span("esc", "key"), Span(" leave as it is", "muted"))
        self.query_one("#hint", Bar).show((*hint, *end))

    def _line(self, place: int) -> Line:
        limit, value = self._limits[place], self._values[place]
        label = max(12, min(_LABEL, self.query_one(Text).columns - 2 - 2 * _VALUE - _USED))
        is_chosen, changed = place == self._chosen, self._values[place] != limit.value
        mark = f"{self.paint.glyphs.closed} " if is_chosen else "  "
        arrow = f"{self.paint.glyphs.arrow} {limit.words(value)}" if changed else ""
        return (
            Span(mark, "key"),
            Span(fit(limit.label, label, self.paint.glyphs.ellipsis), "strong" if is_chosen else "text"),
            Span(fit(limit.words(limit.value), _VALUE), "text"),
            Span(fit(arrow, _VALUE), "key"),
            Span(f"{limit.unit.words(limit.used)} now", "muted"),
        )

    def _change(self, step: int) -> None:
        limit = self._limits[self._chosen]
        self._values[self._chosen] = limit.stepped(self._values[self._chosen], step)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in _MORE | _LESS:
            self._change(1 if event.key in _MORE else -1)
        elif event.key in _DOWN | _UP:
            self._chosen = (self._chosen + (1 if event.key in _DOWN else -1)) % len(self._limits)
        elif event.key in {"enter", "escape"}:
            self.answer(self._orders() if event.key == "enter" else None)
            return
        self.draw()

    def _orders(self) -> list[Order]:
        pairs = zip(self._limits, self._values, strict=True)
        return [limit.order(value) for limit, value in pairs if value is not None and value != limit.value]
