"""How the lines of the merged log look: when, whose, from where, what; in one row each or wrapped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Final, NamedTuple

from rich.cells import cell_len, chop_cells

from orchestrator.core.run import Run
from orchestrator.tui.filter import Filter
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.lines import Line, Span, gap, plain
from orchestrator.tui.loglines import Level
from orchestrator.tui.mergedlog import Entry
from orchestrator.tui.paint import HUES
from orchestrator.tui.text import clean, duration, fit, shorten, tenths

_TAG: Final = 5
_NAMES: Final = (22, 30)
"""Cells of a task's name: at least, and at most where names are longer and there is room."""
_WIDE: Final = 110
_ROLES: Final = {"sys": "muted", "log": "secondary", "tool": "secondary", "ask": "approve.plain"}
_LEVELS: Final = {Level.WARN: "warn", Level.ERR: "bad"}


class Stamps(Enum):
    """How the time of a line is written."""

    ELAPSED = "elapsed"
    CLOCK = "clock"
    OFF = "off"

    @property
    def next(self) -> Stamps:
        every = list(Stamps)
        return every[(every.index(self) + 1) % len(every)]


class Look(NamedTuple):
    """What lines are drawn with. `left` is how far they are scrolled sideways; words of the filter stand out."""

    run: Run
    glyphs: Glyphs
    cells: int
    names: int = _NAMES[0]
    stamps: Stamps = Stamps.ELAPSED
    left: int = 0
    filter: Filter = Filter()

    @property
    def indent(self) -> int:
        """Return the cells before the text."""
        return len(_stamp(self, 0.0)) + 2 + self.names + 1 + _TAG

    @property
    def room(self) -> int:
        return max(8, self.cells - self.indent)


def name_cells(run: Run, cells: int) -> int:
    """Return how wide names stand."""
    if cells < _WIDE:
        return _NAMES[0]
    longest = max((len(full_name(run, name)) for name in run.tasks), default=0)
    return max(_NAMES[0], min(_NAMES[1], longest))


def full_name(run: Run, task: str) -> str:
    """Return the task's id after its group's name, unless it begins with that."""
    group = run.tasks[task].group
    return clean(task if task.startswith(group) else f"{group}/{task}")


def line_spans(entry: Entry, look: Look, part: int) -> Line:
    """Return one row of a line: the whole of it, or the part with that number of one that is wrapped."""
    if entry.tag == "mark":
        return _mark(entry, look)
    whole = _shown(entry.text, look)
    if part == UNWRAPPED:
        seen = shorten(whole, look.room, look.glyphs.ellipsis)
        return (*_head(entry, look), *_lit(entry, whole, seen, 0, look))
    pieces = chopped(whole, look.room)
    start = sum(map(len, pieces[:part]))
    before = _head(entry, look) if part == 0 else (gap(look.indent),)
    text = pieces[part] if part < len(pieces) else ""
    return (*before, *_lit(entry, whole, text, start, look))


UNWRAPPED: Final = -1
"""The part that is the whole line."""


def chopped(text: str, room: int) -> Sequence[str]:
    """Return the text in pieces of at most so many cells, broken between words where there are some."""
    if len(text) <= room and text.isascii():
        return [text]
    return _at_words(text, room) if text.isascii() else chop_cells(text, room) or [""]


def _at_words(text: str, room: int) -> Sequence[str]:
    pieces: list[str] = []
    start = 0
    while len(text) - start > room:
        space = text.rfind(" ", start + 2 * room // 3, start + room)
        end = start + room if space < 0 else space + 1
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]


def parts(entry: Entry, look: Look) -> int:
    """Return in how many rows the line finds room."""
    return len(chopped(_shown(entry.text, look), look.room))


def _shown(text: str, look: Look) -> str:
    ascii_only = look.glyphs.arrow != "→"
    shown = text.replace("→", "->").replace("·", "-") if ascii_only else text
    return shown[look.left :]


def _head(entry: Entry, look: Look) -> Line:
    task = look.run.tasks.get(entry.task)
    glyph, state = (" ", "muted") if task is None else (look.glyphs.status[task.status], f"{task.status.value}.plain")
    name, hue = ("run", "muted") if task is None else (_name(look, entry.task), hue_of(look.run, task.group))
    return (
        Span(_stamp(look, entry.at), "muted"),
        Span(f"{glyph} ", state),
        Span(fit(name, look.names, look.glyphs.ellipsis) + " ", hue),
        Span(fit(entry.tag, _TAG), f"tag.{entry.tag}"),
    )


def _name(look: Look, task: str) -> str:
    """Return the full name where it finds room, else the id, which says more than its group."""
    name = full_name(look.run, task)
    return name if cell_len(name) <= look.names else clean(task)


def hue_of(run: Run, group: str) -> str:
    """Return the role that tells the group from its neighbours."""
    return f"hue.{next((index for index, name in enumerate(run.groups) if name == group), 0) % HUES}"


def _stamp(look: Look, at: float) -> str:
    match look.stamps:
        case Stamps.ELAPSED:
            return f" {tenths(at)} "
        case Stamps.CLOCK:
            wall = look.run.started.wall if look.run.started else 0.0
            return f" {datetime.fromtimestamp(wall + at, UTC).astimezone():%H:%M:%S} "
        case Stamps.OFF:
            return " "


def _role(entry: Entry) -> str:
    return _LEVELS.get(entry.level) or _ROLES.get(entry.tag, "text")


def _lit(entry: Entry, whole: str, text: str, start: int, look: Look) -> Iterator[Span]:
    """Yield a piece of the whole with what the filter looks for standing out."""
    role, at = _role(entry), 0
    for begin, end in _found(whole, text, start, look.filter):
        if begin > at:
            yield Span(text[at:begin], role)
        yield Span(text[begin:end], "found")
        at = end
    yield Span(text[at:], role)


def _found(whole: str, text: str, start: int, wanted: Filter) -> list[tuple[int, int]]:
    """Return where in the text the words stand, in order and apart; the text begins at `start` in the whole."""
    spots = sorted(
        (match.start() - start, match.end() - start)
        for word in wanted.words
        if not word.negated
        for match in re.finditer(word.pattern, whole)
        if match.end() > match.start()
    )
    found: list[tuple[int, int]] = []
    for begin, end in spots:
        begin, end = max(begin, found[-1][1] if found else 0), min(end, len(text))  # noqa: PLW2901 - cut to what is seen
        if begin < end:
            found.append((begin, end))
    return found


def _mark(entry: Entry, look: Look) -> Line:
    flat = look.glyphs.box[4]
    words = f"{flat * 4} {duration(entry.at)} "
    return (gap(1), Span(words + flat * max(0, look.cells - len(words) - 2), "accent"))


def line_text(entry: Entry, look: Look) -> str:
    """Return the line to be copied or saved."""
    if entry.tag == "mark":
        return f"---- {duration(entry.at)} ----"
    return f"{plain(_head(entry, look)).strip()} {entry.text}".rstrip()
