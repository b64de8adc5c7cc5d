"""The themes: which there are, which one was chosen, and the list of them with their colours."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from orchestrator.bootstrap import configured
from orchestrator.cli.exits import Exit
from orchestrator.cli.places import shipped
from orchestrator.cli.streams import Looks, standard_streams
from orchestrator.config.themes import (
    BRIGHT_THEME,
    DEFAULT_THEME,
    Themes,
    ThemeWatch,
    chosen_theme,
    find_themes,
    theme_folders,
)
from orchestrator.core.theme import ThemeSpec
from orchestrator.tui import textual_themes

_SAMPLE: Final = (
    ("running", "running"),
    ("done", "done"),
    ("retry", "retry"),
    ("blocked", "circuit"),
    ("approval", "approve"),
    ("failed", "failed"),
)
"""The colours of states that the swatch shows, and the words of the screen that have them."""


def themes_at(folder: Path) -> Themes:
    """Return our themes, the user's and the project's."""
    return find_themes(theme_folders(shipped("themes"), os.environ, folder.absolute()), environ=os.environ)


def known_themes(
    wanted: str | None, configured: str | None = None, folder: Path = Path(), *, bright: bool = False
) -> tuple[tuple[ThemeSpec, ...], str]:
    """Return the themes and the name of the one to begin with. Raises FlowError where there is none of that name.

    Without a choice it is the one that suits a bright background, or a dark one.
    """
    themes = themes_at(folder)
    name = chosen_theme(wanted, themes, os.environ, configured, _textual_names)
    for problem in themes.problems:
        standard_streams().err.line(f"warning: {problem}")
    return themes.specs, name or _suiting(themes, bright=bright)


def changed_themes(folder: Path) -> Callable[[], Themes | None]:
    """Return what says which themes there are once a file of theirs was changed."""
    return ThemeWatch(theme_folders(shipped("themes"), os.environ, folder.absolute()), os.environ).look


def _suiting(themes: Themes, *, bright: bool) -> str:
    return BRIGHT_THEME if bright and themes.named(BRIGHT_THEME) is not None else DEFAULT_THEME


def _textual_names() -> Iterator[str]:
    return (theme.name for theme in textual_themes())


def print_themes() -> int:
    """List the themes; files that cannot be used are told of, and make the status 2."""
    streams, themes = standard_streams(), themes_at(Path())
    current = chosen_theme(None, themes, os.environ, configured().theme, _textual_names) or DEFAULT_THEME
    for line in theme_lines((*themes.specs, *textual_themes()), current, streams.out.looks):
        streams.out.line(line)
    for problem in themes.problems:
        streams.err.line(str(problem))
    return Exit.USAGE if themes.problems else Exit.OK


def theme_lines(themes: Sequence[ThemeSpec], current: str, looks: Looks) -> Iterator[str]:
    """Yield a line for each theme: a mark on the current one, its name, its ground, and its colours if any are seen."""
    width = max((len(theme.name) for theme in themes), default=0)
    for theme in themes:
        mark = "*" if theme.name == current else " "
        ground = "dark" if theme.dark else "light"
        yield f"{mark} {theme.name:<{width}}  {ground:<5}  {_swatch(theme, looks)}".rstrip()


def _swatch(theme: ThemeSpec, looks: Looks) -> str:
    """Return some words of the screen in the theme's own colours."""
    if not looks.colour:
        return ""
    colors = theme.state_colors()
    words = (f"\x1b[38;2;{_rgb(colors[state])}m{word}" for state, word in _SAMPLE)
    return f"\x1b[48;2;{_rgb(theme.base['background'])}m {' '.join(words)} \x1b[0m"


def _rgb(colour: str) -> str:
    return ";".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
