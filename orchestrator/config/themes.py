"""Themes as YAML files: where they lie, what they may say, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Final

from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.theme import BASE_KEYS, STATE_KEYS, STYLE_WORDS, ThemeSpec, is_color, low_contrasts
from orchestrator.yamlsource import KeyPath, Source, YamlError, read

DEFAULT_THEME: Final = "orchestra-dark"
VARIABLE: Final = "ORCHESTRATOR_THEME"
GLYPHS: Final = ("unicode", "ascii")
_KEYS: Final = ("name", "dark", "extends", "base", "states", "styles", "glyphs")


@dataclass(frozen=True, slots=True)
class Themes:
    """What was found. A file that cannot be used is left out, and its problems are told; so is what is hard to read."""

    specs: tuple[ThemeSpec, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def named(self, name: str) -> ThemeSpec | None:
        return next((spec for spec in self.specs if spec.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self.specs)


def theme_folders(shipped: Path, environ: Mapping[str, str], here: Path) -> tuple[Path, ...]:
    """Return where themes lie: ours, the user's, the project's. A later one wins by its theme's name."""
    user = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".config"
    return (shipped, Path(user) / "orchestrator" / "themes", here / ".orchestrator" / "themes")


def find_themes(folders: Iterable[Path], *, environ: Mapping[str, str]) -> Themes:
    """Load every theme of the folders, the default first; broken files do not hide the others."""
    specs: dict[str, ThemeSpec] = {}
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml"))):
        try:
            spec = load_theme(path, known=specs, environ=environ)
        except FlowError as error:
            problems += error.problems
            continue
        specs[spec.name] = spec
        warnings += _hard_to_read(spec, path)
    ordered = sorted(
        specs.values(), key=lambda spec: (spec.name != DEFAULT_THEME, not spec.name.startswith("orchestra-"))
    )
    return Themes(tuple(ordered), tuple(problems), tuple(warnings))


def chosen_theme(wanted: str | None, themes: Themes, environ: Mapping[str, str]) -> str:
    """Return the theme to begin with: the one asked for, ORCHESTRATOR_THEME's, or the default.

    Raises:
        FlowError: there is no theme of that name.
    """
    name = wanted or environ.get(VARIABLE) or DEFAULT_THEME
    if themes.specs and themes.named(name) is None:
        where = "--theme" if wanted else VARIABLE
        raise FlowError(
            Problem(f"{where}: there is no theme {name!r}", hint=_meant(name, themes.names), code=Code.UNKNOWN_NAME)
        )
    return name


def load_theme(path: Path, *, known: Mapping[str, ThemeSpec], environ: Mapping[str, str]) -> ThemeSpec:
    """Read one theme; `known` holds those that it may extend.

    Raises:
        FlowError: with every problem of the file, each with its line.
    """
    try:
        source = read(path, environ=environ)
    except YamlError as error:
        raise FlowError(*(_from_yaml(problem, path) for problem in error.problems)) from error
    return _Reader(path, source, known).theme()


def _from_yaml(problem: object, path: Path) -> Problem:
    position = getattr(problem, "position", None)
    line, column = (position.line, position.column) if position else (None, None)
    text, hint = str(getattr(problem, "message", problem)), getattr(problem, "hint", None)
    return Problem(text, str(path), line, column, hint, getattr(problem, "code", Code.SYNTAX))


class _Reader:
    """Checks one file key by key and collects what is wrong."""

    def __init__(self, path: Path, source: Source, known: Mapping[str, ThemeSpec]) -> None:
        self._path = path
        self._source = source
        self._known = known
        self._problems: list[Problem] = []
        self._data: Mapping[str, object] = {}

    def theme(self) -> ThemeSpec:
        data = self._source.data
        if not isinstance(data, dict):
            raise FlowError(self._problem((), "a theme is a mapping of keys to values"))
        self._data = data
        self._check_keys(data, _KEYS, ())
        parent = self._parent()
        spec = ThemeSpec(
            name=self._name(),
            dark=self._dark(parent),
            base={**(parent.base if parent else {}), **self._colors("base", BASE_KEYS)},
            states={**(parent.states if parent else {}), **self._colors("states", STATE_KEYS)},
            styles={**(parent.styles if parent else {}), **self._styles()},
            glyphs=self._glyphs(parent),
        )
        self._check_base(spec)
        if self._problems:
            raise FlowError(*sorted(self._problems, key=lambda problem: (problem.line or 0, problem.column or 0)))
        return spec

    # ── keys ────────────────────────────────────────────────────────────────────────────────────

    def _name(self) -> str:
        name = self._data.get("name")
        if isinstance(name, str) and name.strip():
            return name
        self._add(("name",), "a theme needs a name", "write `name: my-theme`")
        return ""

    def _dark(self, parent: ThemeSpec | None) -> bool:
        dark = self._data.get("dark", parent.dark if parent else True)
        if isinstance(dark, bool):
            return dark
        self._add(("dark",), "dark is true or false")
        return True

    def _glyphs(self, parent: ThemeSpec | None) -> str:
        glyphs = self._data.get("glyphs", parent.glyphs if parent else "unicode")
        if glyphs in GLYPHS:
            return str(glyphs)
        self._add(("glyphs",), f"glyphs is one of {', '.join(GLYPHS)}")
        return "unicode"

    def _parent(self) -> ThemeSpec | None:
        name = self._data.get("extends")
        if name is None:
            return None
        parent = self._known.get(str(name))
        if parent is None:
            self._add(("extends",), f"there is no theme {name!r} to extend", _meant(str(name), self._known))
        return parent

    def _colors(self, key: str, allowed: Iterable[str]) -> dict[str, str]:
        return self._section(key, allowed, is_color, "a colour is written as '#rrggbb', in quotes")

    def _styles(self) -> dict[str, str]:
        def is_style(text: str) -> bool:
            return set(text.split()) <= set(STYLE_WORDS)

        return self._section("styles", STATE_KEYS, is_style, f"a style is made of {', '.join(STYLE_WORDS)}")

    def _section(self, key: str, allowed: Iterable[str], is_good: Callable[[str], bool], advice: str) -> dict[str, str]:
        section = self._data.get(key, {})
        if not isinstance(section, dict):
            self._add((key,), f"{key} is a mapping")
            return {}
        names = tuple(allowed)
        self._check_keys(section, names, (key,))
        for name, value in section.items():
            if name in names and not (isinstance(value, str) and is_good(value)):
                self._add((key, name), f"{value!r} is no {'style' if key == 'styles' else 'colour'}", advice)
        return {name: value for name, value in section.items() if name in names and isinstance(value, str)}

    # ── problems ────────────────────────────────────────────────────────────────────────────────

    def _check_keys(self, section: Mapping[str, object], allowed: tuple[str, ...], path: KeyPath) -> None:
        for name in section:
            if name not in allowed:
                self._add((*path, name), f"unknown key {name!r}", _meant(str(name), allowed), key=True)

    def _check_base(self, spec: ThemeSpec) -> None:
        missing = [key for key in BASE_KEYS if key not in spec.base]
        if missing:
            hint = f"add them, or write `extends: {DEFAULT_THEME}`"
            self._add(("base",), f"base lacks {', '.join(missing)}", hint)

    def _add(self, path: KeyPath, message: str, hint: str | None = None, *, key: bool = False) -> None:
        self._problems.append(self._problem(path, message, hint, key=key))

    def _problem(self, path: KeyPath, message: str, hint: str | None = None, *, key: bool = False) -> Problem:
        place = self._source.position(path, key=key)
        line, column = (place.line, place.column) if place else (None, None)
        return Problem(message, str(self._path), line, column, hint)


def _meant(name: str, known: Iterable[str]) -> str:
    names = tuple(known)
    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}"


def _hard_to_read(spec: ThemeSpec, path: Path) -> Iterator[Problem]:
    for text, ground, ratio in low_contrasts(spec):
        message = f"{spec.name}: {text} on {ground} has a contrast of {ratio:.1f}"
        yield Problem(message, str(path), hint=f"{spec.wanted_contrast} can be read by most people")
