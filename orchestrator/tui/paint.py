"""What a role looks like in the present theme: the one place where words become colours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.theme import BUILTIN_THEMES, Theme

from orchestrator.core.states import Status
from orchestrator.core.theme import BASE_KEYS, ThemeSpec, cursor_rows, is_color, legible, mix, readable
from orchestrator.tui.glyphs import ASCII, UNICODE, Glyphs
from orchestrator.tui.lines import Span

STATE_OF: Final = {
    Status.PENDING: "pending",
    Status.QUEUED: "queued",
    Status.LIMITED: "limited",
    Status.QUOTA: "limited",
    Status.RUNNING: "running",
    Status.RETRY: "retry",
    Status.BUDGET: "retry",
    Status.STOPPING: "retry",
    Status.CIRCUIT: "blocked",
    Status.APPROVE: "approval",
    Status.ANSWER: "approval",
    Status.SUBAGENT: "running",
    Status.PAUSED: "paused",
    Status.DONE: "done",
    Status.CACHED: "cached",
    Status.FAILED: "failed",
    Status.TIMEOUT: "failed",
    Status.CANCELED: "ended",
    Status.SKIPPED: "ended",
}
"""Which colour of the theme each word of the screen has."""

_ALIASES: Final = {
    "bar.ok": "done",
    "bar.bad": "failed",
    "bar.active": "running",
    "bar.over": "ended",
    "tag.out": "muted",
    "tag.err": "failed",
    "tag.sys": "accent",
    "tag.log": "secondary",
    "tag.ask": "approval",
    "tag.tool": "secondary",
    "tag.mark": "accent",
    "ok": "done",
    "warn": "retry",
    "bad": "failed",
}
_WORDS: Final = {
    "strong": ("foreground", "bold"),
    "text": ("foreground", ""),
    "key": ("accent", "bold"),
    "title": ("primary", "bold"),
    "tab": ("foreground", "bold reverse"),
    "found": ("accent", "bold reverse"),
    "over": ("error", "bold reverse"),
    "banner": ("error", "bold reverse"),
    "accent": ("accent", ""),
    "primary": ("primary", ""),
    "secondary": ("secondary", ""),
}
_HUES: Final = ("accent", "limited", "cached", "approval", "primary", "secondary")
"""Colours that tell groups apart."""
HUES: Final = len(_HUES)
_ROWS: Final = frozenset({"cursor", "quiet"})
"""The grounds of the cursor's row."""


class Paint:
    """A theme's styles by role and ground, made once each. `colorless` leaves bold, reverse and underline alone."""

    def __init__(self, spec: ThemeSpec, *, ascii_only: bool = False, colorless: bool = False) -> None:
        self.spec = spec
        self.colorless = colorless
        self.glyphs: Glyphs = ASCII if ascii_only or spec.glyphs == "ascii" else UNICODE
        self.ascii = self.glyphs is ASCII
        self._grounds = self._all_grounds()
        self._colors = self._all_colors()
        self.style = lru_cache(maxsize=2048)(self._style)

    def strip(self, line: Iterable[Span], width: int, ground: str = "background") -> Strip:
        """Return the line in colours, exactly so many cells wide."""
        style = self.style
        segments = [Segment(span.text, style(span.role, ground)) for span in line if span.text]
        return Strip(segments).adjust_cell_length(width, style("text", ground))

    def _all_grounds(self) -> dict[str, str]:
        base = self.spec.base
        grounds = {ground: base[ground] for ground in ("background", "surface", "panel")}
        return grounds | cursor_rows(self.spec)

    def _all_colors(self) -> dict[str, tuple[str, str]]:
        """Return a colour and its style words for each role."""
        base, styles = self.spec.base, self.spec.styles
        states = self.spec.state_colors()
        colors = {name: (color, styles.get(name, "")) for name, color in states.items()}
        colors |= {role: (base[key], words) for role, (key, words) in _WORDS.items()}
        colors["muted"] = colors["bar.left"] = (states["pending"], "")
        colors["border"] = (mix(base["primary"], base["background"], 0.55), "")
        colors["grid"] = (mix(base["primary"], base["background"], 0.75), "")
        colors |= {status.value: colors[state] for status, state in STATE_OF.items()}
        colors |= {f"bar.{name}": (color, "") for name, color in states.items()}
        colors |= {alias: (colors[role][0], "") for alias, role in _ALIASES.items()}
        colors["tag.ask"] = colors["approval"]
        colors |= {f"{role}.strong": (colors[role][0], "bold") for role in ("ok", "warn", "bad")}
        colors |= {f"hue.{number}": (colors[role][0], "") for number, role in enumerate(_HUES)}
        return colors

    def _style(self, role: str, ground: str) -> Style:
        """A role with `.plain` at its end drops the words: a bar or a count is never reversed."""
        name = role.removesuffix(".plain")
        color, words = self._colors.get(name, self._colors["text"])
        style = Style.parse(words if name == role else words.replace("reverse", "").strip() or "none")
        if ground in _ROWS and not name.startswith("bar."):
            style += self._cursor_words(ground)
            color = readable(color, self._grounds[ground], self.spec.wanted_contrast)
        return style + Style(color=Color.parse(color), bgcolor=Color.parse(self._grounds[ground]))

    def _cursor_words(self, ground: str) -> Style:
        """Without colours the cursor is what is reversed; an unfocused one is underlined."""
        if not self.colorless:
            return Style(bold=True) if ground == "cursor" else Style()
        return Style(reverse=True) if ground == "cursor" else Style(underline=True)


def to_textual(spec: ThemeSpec) -> Theme:
    """Return the theme as Textual wants it, for the widgets that are its own."""
    base = spec.base
    quiet = mix(base["primary"], base["background"], 0.55)
    return Theme(
        name=spec.name,
        dark=spec.dark,
        primary=base["primary"],
        secondary=base["secondary"],
        accent=base["accent"],
        foreground=base["foreground"],
        background=base["background"],
        surface=base["surface"],
        panel=base["panel"],
        success=base["success"],
        warning=base["warning"],
        error=base["error"],
        variables={"border": base["primary"], "border-blurred": quiet, **_scrollbars(base), **_cursors(base)},
    )


def _scrollbars(base: Mapping[str, str]) -> dict[str, str]:
    grounds = ("background", "background-hover", "background-active", "corner-color")
    return {
        "scrollbar": mix(base["foreground"], base["background"], 0.6),
        "scrollbar-hover": mix(base["foreground"], base["background"], 0.4),
        "scrollbar-active": base["primary"],
        **{f"scrollbar-{ground}": base["background"] for ground in grounds},
    }


def _cursors(base: Mapping[str, str]) -> dict[str, str]:
    return {
        "block-cursor-background": base["primary"],
        "block-cursor-foreground": base["background"],
        "input-cursor-background": base["foreground"],
        "input-cursor-foreground": base["background"],
    }


def textual_themes() -> tuple[ThemeSpec, ...]:
    """Return Textual's own themes but those that leave the colours to the terminal."""
    themes = (theme for theme in BUILTIN_THEMES.values() if not theme.ansi)
    return tuple(from_textual(theme, theme.to_color_system().generate()) for theme in themes)


def from_textual(theme: Theme, variables: Mapping[str, str]) -> ThemeSpec:
    """Return one of Textual's own themes as a spec, made easy to read.

    What is no plain colour falls back to black or white.
    """
    fallback = {"background": "#000000", "surface": "#101010", "panel": "#202020"} if theme.dark else {}
    text = "#ffffff" if theme.dark else "#000000"
    ground = "#ffffff"
    base = {
        key: value
        if is_color(value)
        else fallback.get(key, ground if key in {"background", "surface", "panel"} else text)
        for key in BASE_KEYS
        for value in [variables.get(key, "")[:7]]
    }
    return legible(ThemeSpec(theme.name, theme.dark, base))
