"""How a flow names tools: its own by name, those of servers as `server.tool`; either part may be a pattern."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase


def fits(name: str, pattern: str) -> bool:
    """Return whether a tool fits; the name of a server alone stands for all of its tools."""
    server, dot, tool = name.partition(".")
    wanted_server, wanted_dot, wanted_tool = pattern.partition(".")
    if not dot:
        return not wanted_dot and fnmatchcase(name, pattern)
    return fnmatchcase(server, wanted_server) and (not wanted_dot or fnmatchcase(tool, wanted_tool))


def fits_one(name: str, patterns: Iterable[str]) -> bool:
    return any(fits(name, pattern) for pattern in patterns)


def meant(name: str, known: Iterable[str]) -> str:
    """Return the advice for a name that nothing has."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there are: {', '.join(names)}" if names else "there is none"
