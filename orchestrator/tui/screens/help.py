"""Every key that does something, from the bindings that are in force, and what the glyphs mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Final, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from orchestrator.core.states import Status
from orchestrator.tui.commands import COMMANDS, Command, Motion, Section
from orchestrator.tui.faces import TALLY_ORDER
from orchestrator.tui.lines import Line, Span, gap, width
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.text import fit
from orchestrator.tui.widgets.painted import Bar, Text

_SCROLL = {
    "j": Motion.DOWN,
    "down": Motion.DOWN,
    "k": Motion.UP,
    "up": Motion.UP,
    "pagedown": Motion.PAGE_DOWN,
    "space": Motion.PAGE_DOWN,
    "pageup": Motion.PAGE_UP,
    "g": Motion.FIRST,
    "G": Motion.LAST,
}
_KEYS = 11


class Key(NamedTuple):
    """A command as the help shows it: its keys as they are bound now."""

    command: str
    keys: tuple[str, ...]


def help_lines(keys: Sequence[Key], cells: int, paint: Paint) -> list[Line]:
    """Return the sections in columns, then how filters are written and the legend."""
    columns = 3 if cells >= 105 else 2 if cells >= 70 else 1
    room = (cells - 2 * (columns - 1)) // columns
    blocks = [block for section in Section if (block := _block(section, keys, room))]
    lines = _side_by_side(blocks, columns, room)
    return [*lines, *_grammar(cells), (), *_legend(cells, paint)]


def _block(section: Section, keys: Sequence[Key], room: int) -> list[Line]:
    found = [key for key in keys if COMMANDS[key.command].section is section]
    if not found:
        return []
    return [(Span(section.value, "title"),), *(line for key in found for line in _key_lines(key, room)), ()]


def _key_lines(key: Key, room: int) -> Iterable[Line]:
    command = COMMANDS[key.command]
    star = " *" if command.asks else ""
    words = _words(command, room - _KEYS - len(star))
    yield (Span(fit(" ".join(key.keys), _KEYS), "key"), Span(words + star, "text"))


def _words(command: Command, room: int) -> str:
    """Return as much of what the command does as fits into one line and makes sense alone; at least its label."""
    parts = [command.help[: end.start()] for end in _ENDS.finditer(command.help)]
    return max([command.label, *(part for part in parts if len(part) <= room)], key=len)


_ENDS: Final = re.compile("[,;:] |$")
"""Where a sentence can stop."""


def _side_by_side(blocks: list[list[Line]], columns: int, room: int) -> list[Line]:
    """Put each block into the shortest column so far."""
    piles: list[list[Line]] = [[] for _ in range(columns)]
    for block in blocks:
        min(piles, key=len).extend(block)
    height = max(map(len, piles))
    for pile in piles:
        pile.extend([()] * (height - len(pile)))
    return [_joined(row, room) for row in zip(*piles, strict=True)]


def _joined(parts: Sequence[Line], room: int) -> Line:
    spans: list[Span] = []
    for part in parts:
        spans += [*part, gap(room + 2 - width(part))]
    return tuple(spans)


_FILTERS: Final = (
    'words  "in quotes"  /regex/  !not  state:failed,retry  g:group  backend:name  kind:shell  task:id  text:503',
    "try>1  cost>0.1  tok>10k  time>2m   in logs also  tag:err",
)


def _grammar(cells: int) -> list[Line]:
    """Return how filters are written."""
    parts = [part for line in _FILTERS for part in wrap(line, cells, break_on_hyphens=False)]
    return [(Span("Filters", "title"), Span("   all of them must hold", "muted")), *((Span(part),) for part in parts)]


_ASKS: Final = "* asks first; Cancel only if a task runs, asks you or is needed"


def _legend(cells: int, paint: Paint) -> list[Line]:
    entries = [_legend_entry(status, paint) for status in TALLY_ORDER]
    each = max(1, cells // 12)
    rows = [entries[start : start + each] for start in range(0, len(entries), each)]
    legend: list[Line] = [(Span("States", "title"), Span(f"   {_ASKS}", "muted"))]
    return legend + [tuple(span for entry in row for span in entry) for row in rows]


def _legend_entry(status: Status, paint: Paint) -> Line:
    role = f"{status.value}.plain"
    return (Span(f"{paint.glyphs.status[status]} ", role), Span(fit(status.value, 10), role))


class HelpScreen(Dialog[str]):
    """Shows the help until Escape, q or ?."""

    CSS = """
    HelpScreen #box { width: 160; max-width: 98%; }
    HelpScreen Text { height: auto; background: $surface; }
    """

    def __init__(self, keys: Sequence[Key], paint: Paint) -> None:
        super().__init__(paint)
        self._keys = keys

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Bar(self.paint, ground="surface", id="title")
            yield Text(self.paint, ground="surface")

    def on_mount(self) -> None:
        self.query_one(Text).focus()
        self.draw()

    def draw(self) -> None:
        cells = min(154, int(self.app.size.width * 0.98) - 6)
        self.query_one("#title", Bar).show((Span("Keys", "title"), Span("   Esc closes, j k scroll", "muted")))
        lines = help_lines(self._keys, cells, self.paint)
        text = self.query_one(Text)
        text.styles.height = min(len(lines), max(4, int(self.app.size.height * 0.96) - 3))
        text.show([(line, "") for line in lines])

    def on_key(self, event: events.Key) -> None:
        event.stop()
        if event.key in {"escape", "q", "question_mark", "f1", "enter"}:
            self.answer(None)
        elif event.key in _SCROLL:
            self.query_one(Text).move(_SCROLL[event.key])
