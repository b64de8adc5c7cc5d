"""Closed sets of words: what states, policies and errors are told in."""

from __future__ import annotations

from enum import StrEnum


class Word(StrEnum):
    """A closed set of words. Hashed as the text it is: an enum's own hash is a call, and tables need millions."""

    __hash__ = str.__hash__
