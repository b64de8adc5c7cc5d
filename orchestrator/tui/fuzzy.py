"""How well a few typed letters fit a text, and which letters of it they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from heapq import nsmallest
from itertools import pairwise
from typing import Final, NamedTuple

_WORD_STARTS: Final = re.compile(r"(?<![^\W_])\w")


class Fit(NamedTuple):
    """How a query fits: the smaller the better, and the places of the letters that it names."""

    cost: float
    places: tuple[int, ...]


class Query:
    """Words that were typed. All of them have to be in a text, each as a whole or letter by letter."""

    def __init__(self, text: str) -> None:
        self.words = text.lower().split()
        letters = (".*?".join(map(re.escape, word)) for word in self.words)
        self._maybe = [re.compile(pattern, re.DOTALL).search for pattern in letters]

    def fits(self, text: str) -> bool:
        """Return whether the text can fit at all; quick, for many."""
        lower = text.lower()
        return all(search(lower) for search in self._maybe)

    def fit(self, text: str) -> Fit | None:
        """Return how well the text fits, or None."""
        lower = text.lower()
        if len(lower) != len(text):  # a letter whose small one is longer would move the places
            return None if not self.fits(text) else Fit(50.0, ())
        found = [_fit(word, lower) for word in self.words]
        fits = [fit for fit in found if fit is not None]
        if len(fits) < len(found):
            return None
        places = {place for fit in fits for place in fit.places}
        return Fit(sum(fit.cost for fit in fits) + len(text) / 100, tuple(sorted(places)))


@lru_cache(maxsize=4096)
def _starts(text: str) -> frozenset[int]:
    return frozenset(match.start() for match in _WORD_STARTS.finditer(text))


def _fit(word: str, text: str) -> Fit | None:
    """A whole word costs nothing, one that begins another little, and every gap between letters something."""
    place = _whole(word, text)
    if place >= 0:
        return Fit(0.0 if place in _starts(text) else 1.0, tuple(range(place, place + len(word))))
    places = _letters(word, text)
    if places is None:
        return None
    gaps = sum(after != before + 1 for before, after in pairwise(places))
    inside = sum(place not in _starts(text) for place in places)
    return Fit(2.0 + gaps + inside / 2, places)


def _whole(word: str, text: str) -> int:
    """Return where the word stands: where it begins a word, else wherever it is, else -1."""
    place = text.find(word)
    first = place
    while place >= 0 and place not in _starts(text):
        place = text.find(word, place + 1)
    return place if place >= 0 else first


def _letters(word: str, text: str) -> tuple[int, ...] | None:
    """Return the places of the letters in their order: at the beginnings of words, where all fit so, else early."""
    return _greedy(word, text, prefers_starts=True) or _greedy(word, text, prefers_starts=False)


def _greedy(word: str, text: str, *, prefers_starts: bool) -> tuple[int, ...] | None:
    starts = _starts(text) if prefers_starts else frozenset()
    places: list[int] = []
    for letter in word:
        after = places[-1] + 1 if places else 0
        place = text.find(letter, after)
        if place < 0:
            return None
        if place not in starts and not (places and place == after):
            place = next((start for start in sorted(starts) if start >= after and text[start] == letter), place)
        places.append(place)
    return tuple(places)


def best(query: Query, texts: Sequence[str], limit: int) -> list[tuple[int, Fit]]:
    """Return the places of the texts that fit best, the best first; of equals the first."""
    found = ((query.fit(texts[index]), index) for index in _candidates(query, texts, limit))
    ranked = nsmallest(limit, ((fit.cost, index, fit) for fit, index in found if fit is not None))
    return [(index, fit) for _, index, fit in ranked]


_ENOUGH: Final = 8
"""So many times the wanted number are looked at closely."""


def _candidates(query: Query, texts: Sequence[str], limit: int) -> Iterable[int]:
    """Return what is worth a close look: texts with the words as they are, and the others while those are few."""
    words = query.words
    whole = [index for index, text in enumerate(texts) if all(word in text.lower() for word in words)]
    if len(whole) >= limit:
        return whole[: _ENOUGH * limit]
    return [index for index, text in enumerate(texts) if query.fits(text)][: _ENOUGH * limit]
