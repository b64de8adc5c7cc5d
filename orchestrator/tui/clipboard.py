"""Where copied text goes: to the terminal, and beside the run's files for terminals that refuse it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

NAME: Final = "clipboard.txt"
FOR_TERMINAL: Final = 74_000
"""Bytes of OSC 52 that terminal multiplexers let through, counted before base64 by three quarters."""


def for_terminal(text: str) -> str:
    """Return as much of the end as a terminal takes."""
    limit = FOR_TERMINAL * 3 // 4
    data = text.encode()
    return text if len(data) <= limit else data[-limit:].decode(errors="ignore")


def keep(text: str, folder: str) -> bool:
    """Write the text beside the run's files; return whether that worked."""
    if not folder:
        return False
    try:
        Path(folder, NAME).write_text(text, encoding="utf-8")
    except OSError:
        return False
    return True
