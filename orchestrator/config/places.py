"""Where runs, reports and answers are kept, and how a file is written whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from orchestrator.core.output import Cut
from orchestrator.core.ports import Kept


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


def write_whole(path: Path, content: str | Cut) -> None:
    """Write a file in one step: whoever reads it sees the old one or the new one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="") as file:
            _copy(content, file)
        Path(draft).chmod(0o666 & ~_umask())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _copy(content: str | Cut, file: TextIO) -> None:
    """Write the content; of what was cut for memory's sake, the file that holds all of it."""
    if isinstance(content, str):
        file.write(content)
        return
    with Path(content.path).open(encoding="utf-8", errors="replace", newline="") as whole:
        shutil.copyfileobj(whole, file)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


class Answers:
    """Implements core.ports.Cache in a folder: one file for each answer, of use to its owner alone."""

    def __init__(self, folder: Path, wall: Callable[[], float]) -> None:
        self._folder = folder
        self._wall = wall

    def get(self, key: str) -> Kept | None:
        try:
            kept = json.loads(self._path(key).read_text(encoding="utf-8"))
            return Kept(max(self._wall() - kept["at"], 0.0), kept["output"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, output: Mapping[str, object]) -> None:
        """Keep an answer; a disk that takes none costs the next run a call, and this one nothing."""
        with suppress(OSError):
            write_whole(self._path(key), json.dumps({"at": self._wall(), "output": output}, default=str))
            self._path(key).chmod(0o600)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}.json"
