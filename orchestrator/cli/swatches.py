"""The list of themes with their colours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Final

import click

from orchestrator.cli.streams import Looks, looks_of
from orchestrator.core.theme import ThemeSpec

_SHOWN: Final = ("primary", "secondary", "accent", "success", "warning", "error", "foreground", "surface")


def theme_lines(themes: Sequence[ThemeSpec], current: str, looks: Looks) -> Iterator[str]:
    """Yield a line for each theme: a mark on the current one, its name, its ground, its colours."""
    width = max((len(theme.name) for theme in themes), default=0)
    for theme in themes:
        mark = "*" if theme.name == current else " "
        ground = "dark" if theme.dark else "light"
        yield f"{mark} {theme.name:<{width}}  {ground:<5}  {_swatch(theme, looks)}".rstrip()


def _swatch(theme: ThemeSpec, looks: Looks) -> str:
    colours = [theme.base[key] for key in _SHOWN]
    if not looks.colour:
        return " ".join(colours)
    return "".join(f"\x1b[48;2;{_rgb(colour)}m   " for colour in colours) + "\x1b[0m"


def _rgb(colour: str) -> str:
    return ";".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
