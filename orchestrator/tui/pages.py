"""What the pages of Health and Summary are made of: lines in sections, each with what it is about."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, TypeAlias

from orchestrator.core.run import Run
from orchestrator.tui.census import Census
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.lines import Line, Span, gap, spread
from orchestrator.tui.trends import Trends

PageLine: TypeAlias = tuple[Line, str]
"""A line, and the subject that it is about; without one, the cursor goes past it."""

WIDE: Final = 108
"""Cells from which on all columns find room."""


class Look(NamedTuple):
    """What a page is drawn with.

    `opened` are the subjects that are unfolded, `key` names the key of a command, `log_path` the file of a task's log.
    """

    run: Run
    now: float
    cells: int
    glyphs: Glyphs
    census: Census
    trends: Trends
    opened: AbstractSet[str] = frozenset()
    key: Callable[[str], str] = lambda command: command
    log_path: Callable[[str], str] = lambda _: ""

    @property
    def is_wide(self) -> bool:
        return self.cells >= WIDE

    @property
    def ascii_only(self) -> bool:
        return self.glyphs.arrow != "→"

    def fold(self, subject: str) -> Span:
        """Return the sign of a line that unfolds."""
        glyph = self.glyphs.opened if subject in self.opened else self.glyphs.closed
        return Span(f" {glyph} ", "muted")


def heading(title: str, note: str, cells: int) -> PageLine:
    """Return the line above a section, with a note at its right end."""
    return spread((Span(f" {title}", "title"),), (Span(note, "muted"), gap(1)), cells), ""


NOTHING: Final[PageLine] = ((), "")
