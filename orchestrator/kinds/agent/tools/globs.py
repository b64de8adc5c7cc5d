"""Patterns of paths: `*` within a name, `**` across folders; one without a slash is for names, wherever they are."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache


def fits(path: str, pattern: str) -> bool:
    """Return whether a path fits; it never takes longer than the product of their lengths."""
    if "/" not in pattern:
        return fnmatchcase(path.rpartition("/")[2], pattern)
    return _fits(tuple(path.split("/")), tuple(pattern.strip("/").split("/")))


def _fits(names: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    @cache
    def from_here(at: int, piece: int) -> bool:
        if piece == len(wanted):
            return at == len(names)
        if wanted[piece] == "**":
            return from_here(at, piece + 1) or (at < len(names) and from_here(at + 1, piece))
        return at < len(names) and fnmatchcase(names[at], wanted[piece]) and from_here(at + 1, piece + 1)

    return from_here(0, 0)
