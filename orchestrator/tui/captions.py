"""What a guide says, as lines under the view, and the dials that a person may turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from orchestrator.core.ports import Caption
from orchestrator.core.simulation import Mood
from orchestrator.core.states import Status
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.lines import Line, Span, clip, gap, spread
from orchestrator.tui.text import clean, shorten

KEYS: Final = {"demo.burn": "burn", "demo.slow": "slow", "demo.heal": "heal"}
"""The commands that turn dials, with their names where there is little room."""

_FACES: Final = {Mood.WELL: Status.DONE, Mood.SLOW: Status.RETRY, Mood.BURNING: Status.FAILED}
_INDENT: Final = 6


class Look(NamedTuple):
    """Where captions are drawn. `key` returns the key that a command has now."""

    cells: int
    rows: int
    glyphs: Glyphs
    key: Callable[[str], str]


def caption_lines(caption: Caption, moods: Mapping[str, Mood], look: Look) -> list[Line]:
    """Return what is said, why, what to look at, and the dials; without room for all of it, what counts most."""
    texts = [_text(caption.why, "text", look), _text(caption.look, "accent", look)]
    if look.rows < 2 + len(texts):
        del texts[0 if caption.affected is None else 1]
    return [_heading(caption, look), *texts, _dials(moods, look)]


def _heading(caption: Caption, look: Look) -> Line:
    role = "strong" if caption.affected is None else "bad.strong" if caption.affected else "ok.strong"
    text = shorten(clean(caption.heading), look.cells - _INDENT - 1, look.glyphs.ellipsis)
    return (Span(f" {caption.step}/{caption.steps} ", "tab"), gap(1), Span(text, role))


def _text(text: str, role: str, look: Look) -> Line:
    return (gap(_INDENT), Span(shorten(clean(text), look.cells - _INDENT - 1, look.glyphs.ellipsis), role))


def _dials(moods: Mapping[str, Mood], look: Look) -> Line:
    """Return the keys at the left, and at the right how each backend is made to behave."""
    keys = [span for name, word in KEYS.items() for span in _key(name, word, look)]
    ends = [span for name, mood in moods.items() for span in _dial(name, mood, look.glyphs)]
    return clip(spread((gap(_INDENT), *keys), (*ends, gap(1)), look.cells), look.cells)


def _key(name: str, word: str, look: Look) -> Iterator[Span]:
    yield Span(look.key(name), "key", name)
    yield Span(f" {word}  ", "muted", name)


def _dial(name: str, mood: Mood, glyphs: Glyphs) -> Iterator[Span]:
    status = _FACES[mood]
    yield Span(f"  {clean(name)} ", "muted")
    yield Span(f"{glyphs.status[status]} {mood}", f"{status.value}.plain")
