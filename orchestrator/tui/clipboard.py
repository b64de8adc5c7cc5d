"""Where copied and saved text goes: to the terminal, to the desktop's clipboard, and beside the run's files."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

NAME: Final = "clipboard.txt"
FOR_TERMINAL: Final = 74_000
"""Bytes of OSC 52 that terminal multiplexers let through, counted before base64 by three quarters."""
PATIENCE: Final = 2.0
"""Seconds that a program has to take a text."""

_TOOLS: Final = (
    ("WAYLAND_DISPLAY", ("wl-copy",)),
    ("DISPLAY", ("xclip", "-selection", "clipboard")),
    ("DISPLAY", ("xsel", "--clipboard", "--input")),
)


def for_terminal(text: str) -> str:
    """Return as much of the end as a terminal takes."""
    limit = FOR_TERMINAL * 3 // 4
    data = text.encode(errors="replace")
    return data.decode() if len(data) <= limit else data[-limit:].decode(errors="ignore")


def keep(text: str, folder: str) -> bool:
    """Write the text beside the run's files; return whether that worked."""
    return bool(folder) and _written(Path(folder, NAME), text)


def _written(path: Path, text: str) -> bool:
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError:
        return False
    return True


def export(text: str, folder: str, name: str) -> Path | None:
    """Write the text to a new file beside the run's; return its path, or None where it cannot be written."""
    if not folder:
        return None
    stem = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:80] or "log"
    for number in range(1, 10_000):
        path = Path(folder, f"export-{stem}-{number}.log")
        if not path.exists():
            return path if _written(path, text) else None
    return None


def tool(platform: str, environ: Mapping[str, str], which: Callable[[str], str | None]) -> list[str] | None:
    """Return the command that takes a text for the desktop's clipboard; None where the desktop is not this one's."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return None
    tools = [("pbcopy",)] if platform == "darwin" else [words for name, words in _TOOLS if environ.get(name)]
    return next((list(words) for words in tools if which(words[0])), None)


def hand_over(text: str, command: list[str]) -> None:
    """Let the command have the text. What it makes of that is its own affair."""
    with suppress(OSError, subprocess.SubprocessError):
        _ = subprocess.run(  # noqa: S603 - one of the commands above, without a shell
            command,
            input=text.encode(errors="replace"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE,
            check=False,
        )
