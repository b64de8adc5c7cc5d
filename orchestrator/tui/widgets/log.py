"""The output of one task: it follows what is written until somebody scrolls up."""

from __future__ import annotations

from textual.geometry import Offset, Region
from textual.message import Message
from textual.selection import Selection
from textual.strip import Strip

from orchestrator.core.progress import Tail, TaskProgress
from orchestrator.tui.commands import Motion
from orchestrator.tui.filter import EVERYTHING, Filter
from orchestrator.tui.lines import Line, Span, plain, standing_out
from orchestrator.tui.loglines import LogLine, LogLines, log_spans, log_text
from orchestrator.tui.paint import Paint
from orchestrator.tui.widgets.painted import Listing

_DRAWN = 400
"""Lines that are remembered as they were drawn."""


class LogView(Listing):
    """Shows one task's lines. `missed` counts those that came while it was held still."""

    class Changed(Message):
        """It began or ceased to follow."""

    def __init__(self, paint: Paint, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(paint, id=id)
        self._shown: str | None = None
        self._log = LogLines()
        self._left = 0
        self._wanted: Filter = EVERYTHING
        self._found = -1
        self._here = 0
        self._drawn: dict[int, tuple[LogLine, object, Strip]] = {}
        self.following = True
        self.missed = 0
        self.empty = ""

    # ── state down ──────────────────────────────────────────────────────────────────────────────

    def show(self, task: TaskProgress, tail: Tail | None) -> None:
        """Show what the task wrote; another task than before starts at its end."""
        if task.id != self._shown:
            self._shown, self._left, self.following, self.missed = task.id, 0, True, 0
            self._found = -1
            self._log = LogLines()
            self.refresh()
        elif tail is not None and self._log.tail not in {None, tail}:
            self._log = LogLines()
        before = len(self._log.lines)
        if self._log.sync(task, tail):
            self._came(len(self._log.lines) - before)

    def _came(self, number: int) -> None:
        self.resize_to_count()
        self.refresh(self.size.region)  # without the scrollbar's column
        if self.following:
            self.scroll_to(y=self.count, animate=False)
        else:
            self.missed += max(0, number)
            self.post_message(self.Changed())

    def on_resize(self) -> None:
        """The end stays in view, whatever room there is."""
        if self.following:
            self.scroll_to(y=self.count, animate=False)

    # ── drawing ─────────────────────────────────────────────────────────────────────────────────

    @property
    def count(self) -> int:
        return len(self._log.lines)

    def say_when_empty(self, text: str) -> None:
        """Set what stands there while there is nothing."""
        if text != self.empty:
            self.empty = text
            if not self.count:
                self.refresh()

    def line(self, index: int) -> Strip:
        """Return the line as it is drawn; what has been drawn like that before is not drawn again."""
        line, ground = self._log.lines[index], "quiet" if index == self._found else self.ground
        look = (self._left, ground, self.size.width, self.paint, self._wanted, self.text_selection)
        known = self._drawn.get(index)
        if known is not None and known[0] is line and known[1] == look:
            return known[2]
        if len(self._drawn) > _DRAWN:
            self._drawn.clear()
        strip = self.selected(self._shifted(log_spans(line, self.paint.glyphs), ground), index)
        self._drawn[index] = line, look, strip
        return strip

    def drawn(self, y: int) -> Strip:
        if self.count:
            return super().render_line(y)
        empty: Line = (Span(f" {self.empty}", "muted"),) if y == 0 else ()
        return self.paint.strip(empty, self.size.width)

    def render_line(self, y: int) -> Strip:
        """Return the line and where its text stands, for Textual, which selects it."""
        index = self.top + y
        return self.drawn(y).apply_offsets(self._left, index) if index < self.count else self.drawn(y)

    # ── searching ───────────────────────────────────────────────────────────────────────────────

    def search(self, wanted: Filter) -> None:
        """Mark these words from now on, and show the line before here that has them; with none, mark nothing.

        While words are typed, "here" stays where it was at the first letter.
        """
        if wanted.text == self._wanted.text:
            return
        if not self._wanted:
            self._here = min(self.count, self.top + self.page)
        self._wanted, self._found = wanted, -1
        if wanted:
            self._go_on(self._here, -1)
        self.refresh()

    @property
    def is_searching(self) -> bool:
        return bool(self._wanted)

    def matches(self) -> int:
        """Return how many lines have what is searched for."""
        return sum(self._has(line) for line in self._log.lines) if self._wanted else 0

    def next_match(self, step: int) -> bool:
        """Show the next line that has what is searched for, or the one before; return whether there is one."""
        below = min(self.count, self.top + self.page)
        return self._go_on(self._found if self._found >= 0 else below if step < 0 else self.top - 1, step)

    def _go_on(self, start: int, step: int) -> bool:
        lines = self._log.lines
        order = ((start + step * steps) % len(lines) for steps in range(1, len(lines) + 1))
        self._found = next((index for index in order if self._has(lines[index])), -1)
        if self._found >= 0:
            self.scroll_to(y=max(0, self._found - self.page // 2), animate=False)
            self.follow(on=False)
        self.refresh()
        return self._found >= 0

    def _has(self, line: LogLine) -> bool:
        return self._wanted.shows(line.tag, line.text)

    def _marked(self, spans: Line) -> Line:
        """Return the line with the words that are searched for standing out."""
        *fixed, text = spans
        patterns = [word.pattern for word in self._wanted.words if not word.negated]
        return (*fixed, *standing_out(text, patterns)) if patterns else spans

    # ── drawing a line ──────────────────────────────────────────────────────────────────────────

    def _shifted(self, spans: Line, ground: str) -> Strip:
        """Return the line without what lies left of the view; its time and tag stay."""
        *fixed, text = spans
        shown = (*fixed, text._replace(text=text.text[self._left :])) if self._left else spans
        return self.paint.strip(self._marked(shown), self.size.width, ground)

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
