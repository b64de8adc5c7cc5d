"""Takes secrets out of text, once, on its way into the engine; across the borders of chunks too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from json import dumps
from typing import Final
from urllib.parse import quote, quote_plus

from orchestrator.core.secrecy import sounds_secret

MASK: Final = "***"

SHORTEST: Final = 4
"""Values shorter than this are not hidden: masking every `1` would hide the text, not the secret."""


def secret_values(environment: Mapping[str, str]) -> set[str]:
    """Return the values of variables whose names say that they are secret."""
    return {value for name, value in environment.items() if sounds_secret(name)}


def _ways_of_writing(secret: str) -> set[str]:
    """Return the secret as it stands in plain text, in JSON, in Python's messages and in a URL."""
    in_json = {dumps(secret)[1:-1], dumps(secret, ensure_ascii=False)[1:-1]}
    raw = secret.encode("utf-8", "surrogateescape")
    in_url = {quote(raw), quote(raw, safe=""), quote_plus(raw)}
    return {secret, repr(secret)[1:-1]} | in_json | in_url


class Redactor:
    """Knows what must not be seen. A secret of several lines is hidden line by line too, and as others write it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        parts = {part for secret in secrets for part in (secret, *secret.splitlines()) if len(part) >= SHORTEST}
        words = {way for part in parts for way in _ways_of_writing(part)}
        self._words = sorted(words, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, self._words))) if words else None
        self._shortest = len(self._words[-1]) if words else 0

    @property
    def is_idle(self) -> bool:
        return self._pattern is None

    def text(self, text: str) -> str:
        return text if self._pattern is None or len(text) < self._shortest else self._pattern.sub(MASK, text)

    def message(self, text: str) -> str:
        """Return a message that may quote the beginning of something: a secret that was cut off there is hidden too."""
        text = self.text(text)
        quoted = text.rstrip("'\"…")
        shown = self._held_back(quoted)
        return text if shown < SHORTEST * 2 else f"{quoted[:-shown]}{MASK}{text[len(quoted) :]}"

    def data(self, value: object) -> object:
        """Return JSON-able data with every text in it redacted, keys too, and numbers that are secrets."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self.fields(value)
        if isinstance(value, Sequence) and not isinstance(value, bytes):
            return [self.data(item) for item in value]
        return MASK if isinstance(value, int | float) and str(value) in self._words else value

    def fields(self, values: Mapping[str, object]) -> Mapping[str, object]:
        """Return the fields of an output with every text in them redacted."""
        if self._pattern is None:
            return values
        return {self.text(str(key)): self.data(item) for key, item in values.items()}

    def safe_length(self, text: str) -> int:
        """Return how much of the text can be redacted now: what follows may be the beginning of a secret."""
        cut = len(text) - self._held_back(text)
        if cut == len(text):
            return cut
        for found in self._pattern.finditer(text) if self._pattern else ():
            if found.start() < cut < found.end():
                return found.start()
        return cut

    def _held_back(self, text: str) -> int:
        return max((_begun(word, text) for word in self._words), default=0)


def _begun(word: str, text: str) -> int:
    """Return how many of the word's characters, short of all, the text ends with."""
    start = text.find(word[0], max(len(text) - len(word) + 1, 0))
    while start >= 0 and not word.startswith(text[start:]):
        start = text.find(word[0], start + 1)
    return len(text) - start if start >= 0 else 0


class RedactedStream:
    """Redacts text that comes in chunks: what may be the beginning of a secret is held back until more is known."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._rest = ""

    def feed(self, text: str) -> str:
        if self._redactor.is_idle:
            return text
        text = self._rest + text
        cut = self._redactor.safe_length(text)
        self._rest = text[cut:]
        return self._redactor.text(text[:cut])

    def end(self) -> str:
        rest, self._rest = self._rest, ""
        return self._redactor.text(rest)
