"""What the standard streams are, and how to write to them when the other end may be gone."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

from orchestrator.cli.words import plain

_RESET: Final = "\x1b[0m"
_STYLES: Final = {
    "bold": "\x1b[1m",
    "dim": "\x1b[2m",
    "red": "\x1b[31m",
    "green": "\x1b[32m",
    "yellow": "\x1b[33m",
    "blue": "\x1b[34m",
    "cyan": "\x1b[36m",
}


@dataclass(frozen=True, slots=True)
class Looks:
    """What a stream can show: whether it is a terminal, takes colours, and has signs beyond ASCII."""

    terminal: bool = False
    colour: bool = False
    unicode: bool = True

    def paint(self, text: str, *styles: str) -> str:
        """Return the text in these styles where the stream takes them."""
        if not self.colour or not styles or not text:
            return text
        return "".join(_STYLES[style] for style in styles) + text + _RESET


NOTHING_SPECIAL: Final = Looks()
"""A file or a pipe that takes UTF-8."""


def looks_of(stream: IO[str], environ: Mapping[str, str]) -> Looks:
    terminal = is_terminal(stream)
    dumb = environ.get("TERM", "dumb") in ("", "dumb")
    return Looks(
        terminal=terminal and not dumb,
        colour=terminal and not dumb and not environ.get("NO_COLOR"),
        unicode=_has_unicode(stream),
    )


def is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # it was closed
        return False


def wants_ascii(looks: Looks, environ: Mapping[str, str]) -> bool:
    """Say whether a screen is better drawn in ASCII: the locale has no more, or the terminal's font."""
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    named = "utf" in locale.lower().replace("-", "") or not locale
    return not (looks.unicode and named) or environ.get("TERM") in _FEW_SIGNS


_FEW_SIGNS: Final = frozenset({"linux", "vt100", "vt102", "vt220", "ansi"})


def _has_unicode(stream: IO[str]) -> bool:
    try:
        "✓…►".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def wants_lines(options: Mapping[str, Any], environ: Mapping[str, str]) -> bool:
    """Say whether a person wants lines that stay, and nothing that is drawn anew in its place."""
    return bool(options.get("plain") or environ.get("ORCHESTRATOR_PLAIN"))


def no_dashboard_because(stdin: IO[str], stderr: IO[str], environ: Mapping[str, str]) -> str | None:
    """Return why the dashboard cannot be shown, or None where it can."""
    reasons = (
        (not is_terminal(stdin), "stdin is not a terminal"),
        (not is_terminal(stderr), "stderr is not a terminal"),
        (environ.get("TERM", "dumb") in ("", "dumb"), "TERM says that the terminal is dumb"),
        (bool(environ.get("CI")), "CI is set"),
    )
    return next((why for holds, why in reasons if holds), None)


def can_ask(stdin: IO[str], stderr: IO[str]) -> bool:
    """Say whether a person can be asked: both ends are terminals, and we are in the foreground of ours."""
    if not (is_terminal(stdin) and is_terminal(stderr)):
        return False
    try:
        return os.tcgetpgrp(stdin.fileno()) == os.getpgrp()
    except OSError:
        return False


def size_of(stream: IO[str]) -> os.terminal_size:
    """Return columns and rows; a terminal that tells none is taken for 80 by 24."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return os.terminal_size((80, 24))
    return size if size.columns and size.lines else os.terminal_size((80, 24))


class Reader:
    """Whoever reads a stream. That it is gone is seen without writing, as long as the stream is a pipe."""

    def __init__(self, stream: IO[str]) -> None:
        self._poll = select.poll()
        self._poll.register(stream.fileno(), 0)

    def is_gone(self) -> bool:
        return any(event & (select.POLLERR | select.POLLNVAL) for _, event in self._poll.poll(0))


class Out:
    """A stream that may lose its reader: writing then does nothing, and `gone` says so.

    What is `essential` is told of as OSError where it finds no place, as on a full disk.
    """

    def __init__(self, stream: IO[str], looks: Looks, *, essential: bool = False) -> None:
        self._stream = stream
        self._essential = essential
        self.looks = looks
        self.gone = False

    def write(self, text: str) -> None:
        """Write at once, or not at all when nobody reads any more."""
        if self.gone:
            return
        try:
            self._stream.write(self._encodable(text))
            self._stream.flush()
        except (OSError, ValueError) as error:
            self.gone = True
            if self._essential and not isinstance(error, BrokenPipeError | ValueError):
                raise

    def line(self, text: str = "") -> None:
        self.write(text + "\n")

    def size(self) -> os.terminal_size:
        return size_of(self._stream)

    def _encodable(self, text: str) -> str:
        """Return what the stream can take: our own signs in ASCII where it has no Unicode, and marks for the rest."""
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        shown = text if self.looks.unicode else plain(text)
        return shown.encode(encoding, "replace").decode(encoding)


@dataclass(frozen=True, slots=True)
class Streams:
    """Where results and messages go."""

    out: Out
    err: Out


def standard_streams() -> Streams:
    environ = os.environ
    return Streams(
        Out(sys.stdout, looks_of(sys.stdout, environ), essential=True), Out(sys.stderr, looks_of(sys.stderr, environ))
    )


def fill_gaps() -> None:
    """Open what our caller closed: else the first file that we open would become our stdout."""
    for descriptor, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one
            setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - it stays open


def last_flush() -> bool:
    """Flush now: the interpreter's own last flush of a broken pipe would print a message of its own.

    Return whether all of stdout found its place; a reader that left wanted no more.
    """
    arrived = _flushed(sys.stdout)
    _flushed(sys.stderr)
    return arrived


def _flushed(stream: IO[str]) -> bool:
    try:
        stream.flush()
    except (OSError, ValueError) as error:
        _point_at_nothing(stream)
        return isinstance(error, BrokenPipeError | ValueError)
    return True


def _point_at_nothing(stream: IO[str]) -> None:
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, stream.fileno())
    except (OSError, ValueError):
        return
    finally:
        os.close(nothing)
