"""Where the words go that a function prints: to its attempt, never over the screen or into a result on stdout."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextvars import ContextVar, Token
from typing import Any, Final, Literal, TextIO, cast

Sink = Callable[[Literal["out", "err"], str], object]

_sink: Final[ContextVar[Sink | None]] = ContextVar("sink", default=None)


class Routed:
    """A standard stream that asks for each text whether it belongs to an attempt."""

    def __init__(self, original: TextIO, stream: Literal["out", "err"]) -> None:
        self._original = original
        self._stream: Literal["out", "err"] = stream

    def write(self, text: str) -> int:
        sink = _sink.get()
        if sink is None:
            return self._original.write(text)
        sink(self._stream, text)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def isatty(self) -> bool:
        return _sink.get() is None and self._original.isatty()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else the stream can do
        return getattr(self._original, name)


class PrintingTo:
    """Sends what is printed in here, and on threads started from here, to the sink."""

    def __init__(self, sink: Sink) -> None:
        self._new = sink
        self._token: Token[Sink | None] | None = None

    def __enter__(self) -> None:
        _install()
        self._token = _sink.set(self._new)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _sink.reset(self._token)


def _install() -> None:
    """Stand in front of the standard streams. Others replace them too, so that is looked at each time."""
    if not isinstance(sys.stdout, Routed):
        sys.stdout = cast("TextIO", Routed(sys.stdout, "out"))
    if not isinstance(sys.stderr, Routed):
        sys.stderr = cast("TextIO", Routed(sys.stderr, "err"))
