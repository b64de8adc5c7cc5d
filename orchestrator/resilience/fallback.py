"""Which of several backends takes a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Candidate = TypeVar("Candidate")


@dataclass(frozen=True, slots=True)
class Choice(Generic[Candidate]):
    """Who takes the call; `passed_over` are those before it, each with what stood in its way."""

    candidate: Candidate
    passed_over: tuple[tuple[Candidate, str], ...] = ()


def choose(candidates: Sequence[Candidate], obstacle: Callable[[Candidate], str | None]) -> Choice[Candidate] | None:
    """Return the first candidate without an obstacle, None if each has one: then the first one's own rule decides."""
    passed_over: list[tuple[Candidate, str]] = []
    for candidate in candidates:
        why = obstacle(candidate)
        if why is None:
            return Choice(candidate, tuple(passed_over))
        passed_over.append((candidate, why))
    return None
