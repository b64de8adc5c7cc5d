"""Where runs and reports are kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return where runs and reports are kept: ORCHESTRATOR_STATE_DIR, or `orchestrator` under XDG_STATE_HOME."""
    own = environ.get("ORCHESTRATOR_STATE_DIR")
    if own:
        return Path(own).expanduser().absolute()
    base = environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser().absolute() / "orchestrator"


def write_report(text: str, state: Path) -> str:
    """Write a report of a bug and return its path; empty if no place takes it."""
    stamp = datetime.now(tz=UTC).strftime("%Y%m%dT%H%M%S%f")
    for folder in (state / "reports", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"bug-{stamp}-{os.getpid()}.txt"
            path.write_text(text, encoding="utf-8", errors="backslashreplace")
        except OSError:
            continue
        return str(path)
    return ""
