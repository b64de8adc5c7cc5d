"""A theme as plain values, and whether its colours can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

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

STYLE_WORDS: Final = ("bold", "dim", "italic", "underline", "reverse")
GROUNDS: Final = ("background", "surface", "panel")
"""What text can stand on."""

READABLE: Final = 4.5
HIGH_CONTRAST: Final = 7.0

_HEX: Final = re.compile(r"#[0-9a-fA-F]{6}\Z")
_EMPTY: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
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
        muted = mix(base["foreground"], base["background"], 0.45)
        derived = {
            "pending": muted,
            "queued": base["secondary"],
            "limited": base["accent"],
            "running": base["primary"],
            "retry": base["warning"],
            "blocked": base["warning"],
            "approval": base["warning"],
            "paused": mix(base["foreground"], base["background"], 0.25),
            "done": base["success"],
            "cached": mix(base["success"], base["foreground"], 0.5),
            "failed": base["error"],
            "ended": muted,
        }
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


def low_contrasts(spec: ThemeSpec) -> list[tuple[str, str, float]]:
    """Return what is hard to read: the state or text, what it stands on, and the ratio."""
    texts = {"foreground": spec.base["foreground"], **spec.state_colors()}
    ratios = ((text, ground, contrast(color, spec.base[ground])) for text, color in texts.items() for ground in GROUNDS)
    return [found for found in ratios if found[2] < spec.wanted_contrast]


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
