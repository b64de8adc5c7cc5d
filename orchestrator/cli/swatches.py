"""The list of themes with their colours."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from orchestrator.cli.exits import Exit
from orchestrator.cli.places import shipped
from orchestrator.cli.streams import Looks, standard_streams
from orchestrator.config.themes import Themes, chosen_theme, find_themes, theme_folders
from orchestrator.core.theme import ThemeSpec

_SHOWN: Final = ("primary", "secondary", "accent", "success", "warning", "error", "foreground", "surface")


def all_themes() -> Themes:
    """Return our themes, the user's and the project's."""
    return find_themes(theme_folders(shipped("themes"), os.environ, Path.cwd()), environ=os.environ)


def known_themes(wanted: str | None) -> tuple[tuple[ThemeSpec, ...], str]:
    """Return the themes and the name of the one to begin with. Raises FlowError where there is none of that name."""
    themes = all_themes()
    return themes.specs, chosen_theme(wanted, themes, os.environ)


def print_themes() -> int:
    """List the themes; files that cannot be used are told of, and make the status 2."""
    streams, themes = standard_streams(), all_themes()
    for line in theme_lines(themes.specs, chosen_theme(None, themes, os.environ), streams.out.looks):
        streams.out.line(line)
    for problem in (*themes.problems, *themes.warnings):
        streams.err.line(str(problem))
    return Exit.USAGE if themes.problems else Exit.OK


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
