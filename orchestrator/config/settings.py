"""What the user and the project set for all flows: where that stands, and what of it is no flow's business.

The files lie in `.orchestrator/` of the flow's folder and of those above it, and in the user's own folder. The nearer
one wins, key by key. The sections that declare something for flows are handed on as they were read, with their places.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from orchestrator.config.complaints import Complaints, meant, read
from orchestrator.core.errors import FlowError, Problem
from orchestrator.core.fact import fact
from orchestrator.yamlsource import KeyPath, Source

T = TypeVar("T")

FILE: Final = "config.yaml"
PROJECT_FOLDER: Final = ".orchestrator"

OF_FLOWS: Final = ("backends", "mcp_servers", "roles", "prices")
"""The sections that the reader of flows understands."""

NOTIFICATIONS: Final = ("toast", "bell", "desktop")
HANGUPS: Final = ("cancel", "continue")
_OF_SCREEN: Final = ("keys", "theme", "notifications", "follow_failures", "on_hangup")
"""What may stand under `ui` as well as outside of it."""
_SECTIONS: Final = (*OF_FLOWS, *_OF_SCREEN, "ui")


@fact
class Binding:
    """The key that somebody wants for an action, as it is written, and where."""

    key: str
    file: str
    line: int | None = None
    column: int | None = None


@fact
class Settings:
    """All that is set. `files` are those that were found, the nearest first; None stands for what nobody set.

    `keys` are by action; nothing here knows which actions and keys there are. Of `notifications` those are named that
    are wanted.
    """

    files: tuple[tuple[str, Source], ...] = ()
    keys: Mapping[str, Binding] = field(default_factory=lambda: MappingProxyType({}))
    theme: str | None = None
    notifications: frozenset[str] | None = None
    follow_failures: bool | None = None
    on_hangup: str | None = None
    warnings: tuple[Problem, ...] = ()


def read_settings(start: Path, environ: Mapping[str, str]) -> Settings:
    """Return the settings that hold in a folder. Raises FlowError with everything that is wrong with any file."""
    problems: list[Problem] = []
    found: list[Settings] = []
    for path in settings_files(start, environ):
        try:
            found.append(_read(path, environ) if _is_trusted(path, start) else Settings(warnings=(_strange(path),)))
        except FlowError as error:
            problems += error.problems
    if problems:
        raise FlowError(*problems)
    return _merged(found)


def settings_files(start: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    """Yield the files that are there, the nearest first."""
    folder = start.absolute()
    places = (each / PROJECT_FOLDER / FILE for each in (folder, *folder.parents))
    yield from (path for path in places if path.is_file())
    users = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "~").expanduser() / ".config"
    own = Path(users) / "orchestrator" / FILE
    if own.is_file():
        yield own


def _is_trusted(path: Path, start: Path) -> bool:
    """Return whether the file is of one who may say what runs here, and not of whoever can write to `/tmp`."""
    with suppress(OSError):
        return path.stat().st_uid in {os.getuid(), 0, start.stat().st_uid}
    return False


def _strange(path: Path) -> Problem:
    return Problem("this configuration belongs to another user, so it is not used", str(path), hint="own it, or move")


def _merged(found: list[Settings]) -> Settings:
    """Return what holds of several files, the nearest of which comes first."""
    keys: dict[str, Binding] = {}
    for settings in reversed(found):
        keys |= settings.keys
    return Settings(
        files=tuple(file for settings in found for file in settings.files),
        keys=MappingProxyType(keys),
        theme=_first(one.theme for one in found),
        notifications=_first(one.notifications for one in found),
        follow_failures=_first(one.follow_failures for one in found),
        on_hangup=_first(one.on_hangup for one in found),
        warnings=tuple(warning for settings in found for warning in settings.warnings),
    )


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


# ── one file ────────────────────────────────────────────────────────────────────────────────────


def _read(path: Path, environ: Mapping[str, str]) -> Settings:
    source = read(path, environ, allow_empty=True)
    complaints = Complaints(path, source)
    data: Any = {} if source.data is None else source.data
    if not isinstance(data, dict):
        raise FlowError(complaints.problem((), "a configuration is a map", f"write one of {', '.join(_SECTIONS)}"))
    complaints.unknown_keys(data, _SECTIONS, ())
    at = _places(data, complaints)
    settings = Settings(
        files=((str(path), source),),
        keys=MappingProxyType(_keys(_value(data, at["keys"]), at["keys"], path, complaints)),
        theme=_theme(_value(data, at["theme"]), at["theme"], complaints),
        notifications=_notifications(_value(data, at["notifications"]), at["notifications"], complaints),
        follow_failures=_switch(_value(data, at["follow_failures"]), at["follow_failures"], complaints),
        on_hangup=_hangup(_value(data, at["on_hangup"]), at["on_hangup"], complaints),
    )
    complaints.raise_any()
    return settings


def _places(data: dict[Any, Any], complaints: Complaints) -> Mapping[str, KeyPath]:
    """Return where each of the screen's settings stands: under `ui`, or outside of it."""
    of_screen = data.get("ui") or {}
    if not isinstance(of_screen, dict):
        complaints.add(("ui",), "ui is a map", "write `ui: {theme: NAME}`")
        of_screen = {}
    complaints.unknown_keys(of_screen, _OF_SCREEN, ("ui",))
    for name in data.keys() & of_screen.keys():
        complaints.add(("ui", name), f"{name} is set twice", "write it once, here or outside of ui", key=True)
    return {name: ("ui", name) if name in of_screen else (name,) for name in _OF_SCREEN}


def _value(data: Any, path: KeyPath) -> Any:  # noqa: ANN401 - plain data
    for name in path:
        data = data.get(name)
    return data


def _keys(written: Any, at: KeyPath, path: Path, complaints: Complaints) -> dict[str, Binding]:  # noqa: ANN401 - plain data
    if written is not None and not isinstance(written, dict):
        complaints.add(at, "keys is a map of actions and keys", "write `keys: {ACTION: KEY}`")
        return {}
    bindings: dict[str, Binding] = {}
    for action, key in (written or {}).items():
        text = str(key) if isinstance(key, str | int) and not isinstance(key, bool) else ""
        if text.strip():
            bindings[action] = Binding(text, str(path), *complaints.place((*at, action)))
        else:
            complaints.add((*at, action), f"{action!r} has no key", "write one, in quotes if it is a sign")
    return bindings


def _theme(written: object, at: KeyPath, complaints: Complaints) -> str | None:
    if written is None or (isinstance(written, str) and written.strip()):
        return written
    complaints.add(at, "theme is the name of a theme", "`orchestrator themes` lists them")
    return None


def _switch(written: object, at: KeyPath, complaints: Complaints) -> bool | None:
    if written is None or isinstance(written, bool):
        return written
    complaints.add(at, "follow_failures is true or false")
    return None


def _hangup(written: object, at: KeyPath, complaints: Complaints) -> str | None:
    if written is None or written in HANGUPS:
        return None if written is None else str(written)
    complaints.add(at, f"{written!r} is nothing to do on a hang-up", meant(str(written), HANGUPS))
    return None


def _notifications(written: Any, at: KeyPath, complaints: Complaints) -> frozenset[str] | None:  # noqa: ANN401 - plain data
    """Return which notifications are wanted, from one word or a list of them."""
    if written is None or written == "none":
        return None if written is None else frozenset()
    words = written if isinstance(written, list) else [written]
    for number, word in enumerate(words):
        if word not in NOTIFICATIONS:
            place = (*at, number) if isinstance(written, list) else at
            complaints.add(place, f"{word!r} is no notification", meant(str(word), (*NOTIFICATIONS, "none")))
    return frozenset(word for word in words if isinstance(word, str))
