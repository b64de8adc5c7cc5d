"""How a terminal is asked to tell somebody who looks elsewhere: one escape sequence, as this terminal takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orchestrator.tui.text import clean, shorten

_LONGEST: Final = 200
_TAKES_777: Final = ("foot", "rxvt")
"""Terminals that know the notice with a title, and not the other one."""


def notice(title: str, body: str, environ: Mapping[str, str]) -> str:
    """Return what to write to the terminal; a multiplexer between is asked to hand it on."""
    title, body = _harmless(title), _harmless(body)
    if environ.get("TERM", "").startswith(_TAKES_777):
        sequence = f"\x1b]777;notify;{title};{body}\x1b\\"
    else:
        sequence = f"\x1b]9;{title}: {body}\x07"
    return _through_tmux(sequence) if environ.get("TMUX") else sequence


def _harmless(text: str) -> str:
    return shorten(clean(text).replace(";", ","), _LONGEST)


def _through_tmux(sequence: str) -> str:
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\"
