"""A theme as plain values, and whether its colours can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from types import MappingProxyType
from typing import Final

from orchestrator.core.fact import fact

BASE_KEYS: Final = (
    "primary",
    "secondary",
    "accent",
    "foreground",
    "background",
    "surface",
    "panel",
    "success",
    "warning",
    "error",
)
"""The colours that every theme names."""

STATE_KEYS: Final = (
    "pending",
    "queued",
    "limited",
    "running",
    "retry",
    "blocked",
    "approval",
    "paused",
    "done",
    "cached",
    "failed",
    "ended",
)
"""The colours of states; what a theme leaves out is derived from its base."""

DERIVED: Final = {
    "pending": "foreground",
    "queued": "secondary",
    "limited": "accent",
    "running": "primary",
    "retry": "warning",
    "blocked": "warning",
    "approval": "warning",
    "paused": "foreground",
    "done": "success",
    "cached": "success",
    "failed": "error",
    "ended": "foreground",
}
"""Which colour of the base a state has, or a shade of, where a theme names none."""

STYLE_WORDS: Final = ("bold", "dim", "italic", "underline", "reverse")
GROUNDS: Final = ("background", "surface", "panel")
"""What text can stand on."""

TEXTS: Final = ("foreground", "primary", "secondary", "accent")
"""What else of the base text is written in, besides the states' colours."""

READABLE: Final = 4.5
HIGH_CONTRAST: Final = 7.0

_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}\Z")
_EMPTY: Final[Mapping[str, str]] = MappingProxyType({})


@fact
class ThemeSpec:
    """The colours and glyphs of a screen. Colours are `#rrggbb`; `styles` are words such as `bold reverse`."""

    name: str
    dark: bool
    base: Mapping[str, str]
    states: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    styles: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    glyphs: str = "unicode"

    @property
    def wanted_contrast(self) -> float:
        return HIGH_CONTRAST if self.name.endswith("-contrast") else READABLE

    def state_colors(self) -> dict[str, str]:
        """Return a colour for every state."""
        base = self.base
        derived = {state: base[key] for state, key in DERIVED.items()}
        derived["pending"] = derived["ended"] = mix(base["foreground"], base["background"], 0.45)
        derived["paused"] = mix(base["foreground"], base["background"], 0.25)
        derived["blocked"] = mix(base["warning"], base["error"], 0.45)
        derived["approval"] = mix(base["warning"], base["foreground"], 0.4)
        derived["cached"] = mix(base["success"], base["foreground"], 0.5)
        return {**derived, **self.states}


def is_color(text: str) -> bool:
    return _HEX.match(text) is not None


def mix(color: str, other: str, share: float) -> str:
    """Return the colour with that share of the other in it."""
    pairs = zip(_channels(color), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it: 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@fact
class LowContrast:
    """A text, by the name of its base colour or its state, that is hard to read on a ground."""

    text: str
    color: str
    ground: str
    ratio: float


def low_contrasts(spec: ThemeSpec) -> list[LowContrast]:
    """Return what is hard to read."""
    texts = {**{key: spec.base[key] for key in TEXTS}, **spec.state_colors()}
    pairs = (
        LowContrast(text, color, ground, contrast(color, spec.base[ground]))
        for text, color in texts.items()
        for ground in GROUNDS
    )
    return [pair for pair in pairs if pair.ratio < spec.wanted_contrast]


def cursor_rows(spec: ThemeSpec) -> dict[str, str]:
    """Return the grounds of the cursor's row, with the focus and without it."""
    return {name: _row(spec, share) for name, share in _ROWS.items()}


_ROWS: Final = {"cursor": 0.34, "quiet": 0.14}
"""How much of the primary colour these grounds have in them, at most."""


def _row(spec: ThemeSpec, share: float) -> str:
    """Return a ground on which text can be read, be it black or white, if it can be on the background."""
    shares = (share * step / _STEPS for step in range(_STEPS, -1, -1))
    rows = [mix(spec.base["background"], spec.base["primary"], each) for each in shares]
    return next((row for row in rows if contrast(_furthest([row]), row) >= spec.wanted_contrast), rows[-1])


def readable(color: str, ground: str, wanted: float) -> str:
    """Return the colour made lighter or darker, as little as it needs to be read on that ground."""
    return _legible(color, [ground], wanted)


def legible(spec: ThemeSpec) -> ThemeSpec:
    """Return the theme with what is hard to read made lighter or darker, as little as it needs."""
    grounds = [spec.base[ground] for ground in GROUNDS]

    def fixed(color: str) -> str:
        return _legible(color, grounds, spec.wanted_contrast)

    base = {**spec.base, **{key: fixed(spec.base[key]) for key in TEXTS}}
    states = {state: fixed(color) for state, color in replace(spec, base=base).state_colors().items()}
    return replace(spec, base=base, states=states)


_STEPS: Final = 20


def _legible(color: str, grounds: Sequence[str], wanted: float) -> str:
    """Mix in black or white, whichever the grounds are further from, until the colour can be read on all of them."""
    away = _furthest(grounds)
    steps = (mix(color, away, step / _STEPS) for step in range(_STEPS + 1))
    return next((step for step in steps if min(contrast(step, ground) for ground in grounds) >= wanted), away)


def _furthest(grounds: Sequence[str]) -> str:
    """Return black or white, whichever can be read better on all of them."""
    return max(("#000000", "#ffffff"), key=lambda end: min(contrast(end, ground) for ground in grounds))


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
