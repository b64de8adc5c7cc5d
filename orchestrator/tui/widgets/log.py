"""The output of one task: it follows what is written until somebody scrolls up."""

from __future__ import annotations

from textual.geometry import Offset, Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from orchestrator.core.progress import Tail, TaskProgress
from orchestrator.tui.commands import Motion
from orchestrator.tui.lines import Line, Span, plain
from orchestrator.tui.loglines import LogLines, log_spans, log_text
from orchestrator.tui.paint import Paint
from orchestrator.tui.widgets.painted import Listing


class LogView(Listing):
    """Shows one task's lines. `missed` counts those that came while it was held still."""

    class Changed(Message):
        """It began or ceased to follow."""

    def __init__(self, paint: Paint, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(paint, id=id)
        self._shown: str | None = None
        self._log = LogLines()
        self._left = 0
        self.following = True
        self.missed = 0
        self.empty = ""

    # ── state down ──────────────────────────────────────────────────────────────────────────────

    def show(self, task: TaskProgress, tail: Tail | None) -> None:
        """Show what the task wrote; another task than before starts at its end."""
        if task.id != self._shown:
            self._shown, self._left, self.following, self.missed = task.id, 0, True, 0
            self._log = LogLines()
            self.refresh()
        elif tail is not None and self._log.tail not in {None, tail}:
            self._log = LogLines()
        before = len(self._log.lines)
        if self._log.sync(task, tail):
            self._came(len(self._log.lines) - before)

    def _came(self, number: int) -> None:
        self.resize_to_count()
        self.refresh()
        if self.following:
            self.scroll_to(y=self.count, animate=False)
        else:
            self.missed += max(0, number)
            self.post_message(self.Changed())

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    @property
    def count(self) -> int:
        return len(self._log.lines)

    def say_when_empty(self, text: str) -> None:
        """Set what stands there while there is nothing."""
        if text != self.empty:
            self.empty = text
            self.refresh()

    def line(self, index: int) -> Strip:
        spans = log_spans(self._log.lines[index], self.paint.glyphs)
        strip = self._selected(self._shifted(spans), index)
        return strip.apply_offsets(self._left, index)

    def render_line(self, y: int) -> Strip:
        if self.count:
            return super().render_line(y)
        empty: Line = (Span(f" {self.empty}", "muted"),) if y == 0 else ()
        return self.paint.strip(empty, self.size.width)

    def _shifted(self, spans: Line) -> Strip:
        """Return the line without what lies left of the view; its time and tag stay."""
        if not self._left:
            return self.paint.strip(spans, self.size.width)
        *fixed, text = spans
        return self.paint.strip((*fixed, text._replace(text=text.text[self._left :])), self.size.width)

    def _selected(self, strip: Strip, index: int) -> Strip:
        selection = self.text_selection
        span = selection.get_span(index) if selection is not None else None
        if span is None:
            return strip
        start, end = span[0], strip.cell_length if span[1] == -1 else span[1]
        style = self.screen.get_component_rich_style("screen--selection")
        before, chosen, after = strip.crop(0, start), strip.crop(start, end), strip.crop(end, strip.cell_length)
        return Strip.join([before, chosen.apply_style(style), after])

    # ── moving ──────────────────────────────────────────────────────────────────────────────────

    def move(self, motion: Motion) -> None:
        """Scroll; away from the end it stops following, at the end it goes on."""
        if motion is Motion.LAST:
            self.follow(on=True)
            return
        self.scroll_by(motion)
        self.follow(on=self._is_at_end())

    def follow(self, *, on: bool) -> None:
        """Follow what is written, or hold still."""
        if on:
            self.missed = 0
            self.scroll_to(y=self.count, animate=False)
        if on != self.following:
            self.following = on
            self.post_message(self.Changed())

    def shift(self, step: int) -> None:
        """Scroll sideways by two thirds of the width."""
        longest = max((len(line.text) for line in self._log.lines[self.top : self.top + self.page]), default=0)
        self._left = max(0, min(longest - 8, self._left + step * (2 * self.columns // 3)))
        self.refresh()

    def _is_at_end(self) -> bool:
        return self.top + self.page >= self.count

    def _wheel(self, event: object, step: int) -> None:
        super()._wheel(event, step)  # type: ignore[arg-type]  # the wheel's event, whatever its direction
        self.follow(on=step > 0 and self._is_at_end())

    # ── copying ─────────────────────────────────────────────────────────────────────────────────

    def last_line(self) -> str:
        """Return the last line in view."""
        index = min(self.count, self.top + self.page) - 1
        return log_text(self._log.lines[index]) if index >= 0 else ""

    def whole(self) -> str:
        """Return all that is kept of the output."""
        return "\n".join(log_text(line) for line in self._log.lines)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected text, for Textual."""
        glyphs = self.paint.glyphs
        return selection.extract("\n".join(plain(log_spans(line, glyphs)) for line in self._log.lines)), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Repaint what is selected, for Textual."""
        del selection
        self.refresh(Region.from_offset(Offset(0, 0), self.size))
