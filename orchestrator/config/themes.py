"""Themes as YAML files: where they lie, what they may say, and what is wrong with one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestrator.config.complaints import Complaints, meant, read
from orchestrator.config.settings import PROJECT_FOLDER
from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.fact import fact
from orchestrator.core.theme import (
    BASE_KEYS,
    DERIVED,
    STATE_KEYS,
    STYLE_WORDS,
    LowContrast,
    ThemeSpec,
    is_color,
    low_contrasts,
)
from orchestrator.yamlsource import Source

DEFAULT_THEME: Final = "orchestra-dark"
BRIGHT_THEME: Final = "orchestra-light"
VARIABLE: Final = "ORCHESTRATOR_THEME"
GLYPHS: Final = ("unicode", "ascii")
_KEYS: Final = ("name", "dark", "extends", "base", "states", "styles", "glyphs")


@fact
class Themes:
    """What was found. A file that cannot be used, or read on the screen, is left out, and its problems are told."""

    specs: tuple[ThemeSpec, ...]
    problems: tuple[Problem, ...] = ()

    def named(self, name: str) -> ThemeSpec | None:
        return next((spec for spec in self.specs if spec.name == name), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(spec.name for spec in self.specs)


def theme_folders(shipped: Path, environ: Mapping[str, str], here: Path) -> tuple[Path, ...]:
    """Return where themes lie: ours, the user's, those of the project's folders. A later one wins by its name."""
    user = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".config"
    project = (folder / PROJECT_FOLDER / "themes" for folder in reversed((here, *here.parents)))
    return (shipped, Path(user) / "orchestrator" / "themes", *project)


def find_themes(folders: Iterable[Path], *, environ: Mapping[str, str]) -> Themes:
    """Load every theme of the folders, the default first; broken files do not hide the others."""
    specs: dict[str, ThemeSpec] = {}
    problems: list[Problem] = []
    for path in (path for folder in folders for path in sorted(folder.glob("*.yaml"))):
        try:
            spec = load_theme(path, known=specs, environ=environ)
        except FlowError as error:
            problems += error.problems
            continue
        specs[spec.name] = spec
    ordered = sorted(
        specs.values(), key=lambda spec: (spec.name != DEFAULT_THEME, not spec.name.startswith("orchestra-"))
    )
    return Themes(tuple(ordered), tuple(problems))


class ThemeWatch:
    """Reads the themes of some folders again once one of their files is another."""

    def __init__(self, folders: Iterable[Path], environ: Mapping[str, str]) -> None:
        self._folders = tuple(folders)
        self._environ = environ
        self._seen = self._stamps()

    def look(self) -> Themes | None:
        """Return what there is if it has changed since the last look."""
        stamps = self._stamps()
        if stamps == self._seen:
            return None
        self._seen = stamps
        return find_themes(self._folders, environ=self._environ)

    def _stamps(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for path in (path for folder in self._folders for path in folder.glob("*.yaml")):
            with suppress(OSError):  # it went away
                status = path.stat()
                found[str(path)] = (status.st_mtime_ns, status.st_size)
        return found


def chosen_theme(
    wanted: str | None,
    themes: Themes,
    environ: Mapping[str, str],
    configured: str | None = None,
    others: Callable[[], Iterable[str]] = tuple,
) -> str | None:
    """Return the theme that somebody chose: the one asked for, ORCHESTRATOR_THEME's, or the configured one.

    `others` returns the names of themes that are no files.

    Raises:
        FlowError: there is no theme of that name, or its file cannot be used.
    """
    name = wanted or environ.get(VARIABLE) or configured
    if name is None or themes.named(name) is not None:
        return name
    more = tuple(others())
    if name in more:
        return name
    where = "--theme" if wanted else VARIABLE if environ.get(VARIABLE) else "theme in the configuration"
    hint = meant(name, (*themes.names, *more))
    problem = Problem(f"{where}: there is no theme {name!r}", hint=hint, code=Code.UNKNOWN_NAME)
    raise FlowError(problem, *themes.problems)


def load_theme(path: Path, *, known: Mapping[str, ThemeSpec], environ: Mapping[str, str]) -> ThemeSpec:
    """Read one theme; `known` holds those that it may extend.

    Raises:
        FlowError: with every problem of the file, each with its line.
    """
    return _Reader(path, read(path, environ), known).theme()


class _Reader:
    """Checks one file key by key and collects what is wrong."""

    def __init__(self, path: Path, source: Source, known: Mapping[str, ThemeSpec]) -> None:
        self._source = source
        self._known = known
        self._complaints = Complaints(path, source)
        self._data: Mapping[str, object] = {}

    def theme(self) -> ThemeSpec:
        data = self._source.data
        if not isinstance(data, dict):
            raise FlowError(self._complaints.problem((), "a theme is a mapping of keys to values"))
        self._data = data
        self._complaints.unknown_keys(data, _KEYS, ())
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
        self._complaints.raise_any()
        self._check_contrast(spec)
        self._complaints.raise_any()
        return spec

    # ── keys ────────────────────────────────────────────────────────────────────────────────────

    def _name(self) -> str:
        name = self._data.get("name")
        if isinstance(name, str) and name.strip():
            return name
        self._complaints.add(("name",), "a theme needs a name", "write `name: my-theme`")
        return ""

    def _dark(self, parent: ThemeSpec | None) -> bool:
        dark = self._data.get("dark", parent.dark if parent else True)
        if isinstance(dark, bool):
            return dark
        self._complaints.add(("dark",), "dark is true or false")
        return True

    def _glyphs(self, parent: ThemeSpec | None) -> str:
        glyphs = self._data.get("glyphs", parent.glyphs if parent else "unicode")
        if glyphs in GLYPHS:
            return str(glyphs)
        self._complaints.add(("glyphs",), f"glyphs is one of {', '.join(GLYPHS)}")
        return "unicode"

    def _parent(self) -> ThemeSpec | None:
        name = self._data.get("extends")
        if name is None:
            return None
        parent = self._known.get(str(name))
        if parent is None:
            self._complaints.add(("extends",), f"there is no theme {name!r} to extend", meant(str(name), self._known))
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
            self._complaints.add((key,), f"{key} is a mapping")
            return {}
        names = tuple(allowed)
        self._complaints.unknown_keys(section, names, (key,))
        for name, value in section.items():
            if name in names and not (isinstance(value, str) and is_good(value)):
                self._complaints.add((key, name), f"{value!r} is no {'style' if key == 'styles' else 'colour'}", advice)
        return {name: value for name, value in section.items() if name in names and isinstance(value, str)}

    # ── problems ────────────────────────────────────────────────────────────────────────────────

    def _check_base(self, spec: ThemeSpec) -> None:
        missing = [key for key in BASE_KEYS if key not in spec.base]
        if missing:
            hint = f"add them, or write `extends: {DEFAULT_THEME}`"
            self._complaints.add(("base",), f"base lacks {', '.join(missing)}", hint)

    def _check_contrast(self, spec: ThemeSpec) -> None:
        """Refuse texts that are hard to read, each on the ground that is worst for it."""
        worst: dict[str, LowContrast] = {}
        for low in sorted(low_contrasts(spec), key=lambda low: low.ratio):
            worst.setdefault(low.text, low)
        for low in worst.values():
            pair = f"{low.text} {low.color} on {low.ground} {spec.base[low.ground]}"
            message = f"{pair} has a contrast of {low.ratio:.1f}"
            self._complaints.add(self._place_of(low), message, f"at least {spec.wanted_contrast:g} can be read")

    def _place_of(self, low: LowContrast) -> tuple[str, ...]:
        """Return the key that this file has of the pair: the text's, what it is derived from, or the ground's."""
        source = DERIVED.get(low.text, low.text)
        places = (("states", low.text), ("base", source), ("base", low.ground))
        return next((place for place in places if self._has(place)), ("name",))

    def _has(self, place: tuple[str, str]) -> bool:
        section = self._data.get(place[0])
        return isinstance(section, dict) and place[1] in section
