"""Where the files lie that ship with the package, and how paths are written for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def shipped(name: str) -> Path:
    """Return a folder that ships with us: inside an installed package, or beside it in a source tree."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def short(path: str, environ: Mapping[str, str]) -> str:
    """Return the path with the home folder as `~`, for people."""
    home = environ.get("HOME", "").rstrip("/")
    return f"~{path[len(home) :]}" if home and (path == home or path.startswith(f"{home}/")) else path
