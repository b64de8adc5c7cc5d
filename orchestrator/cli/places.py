"""Where things lie: the state directory, and the files that ship with the package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return where runs and reports are kept: ORCHESTRATOR_STATE_DIR, or `orchestrator` under XDG_STATE_HOME."""
    own = environ.get("ORCHESTRATOR_STATE_DIR")
    if own:
        return Path(own).expanduser().absolute()
    base = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser().absolute() / "orchestrator"


def shipped(name: str) -> Path:
    """Return a folder that ships with us: inside an installed package, or beside it in a source tree."""
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / name


def short(path: str, environ: Mapping[str, str]) -> str:
    """Return the path with the home folder as `~`, for people."""
    home = environ.get("HOME", "").rstrip("/")
    return f"~{path[len(home) :]}" if home and (path == home or path.startswith(f"{home}/")) else path
