"""Which known name may have been meant by an unknown one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

_MOST_LOOKUPS: Final = 200
"""A file with thousands of wrong names is not helped by more, and each may be compared with thousands."""

_MOST_NAMES: Final = 2_000


class Suggest:
    """Answers `did you mean 'x'?`, or None; after a few hundred questions it gives up."""

    def __init__(self) -> None:
        self._asked = 0

    def __call__(self, name: str, known: Iterable[str]) -> str | None:
        """Return the question, if one of the known names is close."""
        self._asked += 1
        if self._asked > _MOST_LOOKUPS or len(name) > 100:
            return None
        meant = closest(name, known)
        return f"did you mean {meant!r}?" if meant else None


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like this one, if any is."""
    from difflib import get_close_matches  # noqa: PLC0415 - most files need none

    lowered = {candidate.lower(): candidate for candidate in _nearby(name, known) if candidate != name}
    found = get_close_matches(name.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def _nearby(name: str, known: Iterable[str]) -> list[str]:
    """Return the names worth comparing: all of a few, of many those that begin alike."""
    names = list(known)
    if len(names) <= _MOST_NAMES:
        return names
    return [candidate for candidate in names if candidate[:2] == name[:2] or candidate == name][:_MOST_NAMES]
