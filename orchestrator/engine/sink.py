"""What an attempt writes: decoded, redacted, kept whole in files and bounded in memory, and told in batches."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from orchestrator.core.output import Cut
from orchestrator.core.ports import OutputFiles
from orchestrator.engine.redact import RedactedStream, Redactor

BATCH: Final = 16 << 10
"""The most text in one event, in characters."""

COALESCE: Final = 0.05
"""Seconds over which output is gathered into one event."""

_LOGGED: Final = frozenset({"out", "err", "log"})
"""Streams that are in the task's log."""

_Put: TypeAlias = Callable[[str], None]


class Channel:
    """One stream of one attempt. Bytes that are no UTF-8 are shown as replacement characters, never an error.

    What is written gathers first: each step on its way is taken once for many small writes. All of it is logged; a file
    of its own the stream has only when somebody wants one or memory cannot hold it, or, where it is not logged, always.
    """

    def __init__(self, redactor: Redactor, limit: int, *, log: _Put | None, write: _Put) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._redacted = RedactedStream(redactor)
        self._limit = limit
        self._log = log
        self._write = write
        self._is_apart = log is None
        self._fresh: list[str] = []
        self._kept: list[str] = []
        self._size = 0
        self._is_cut = False
        self._pending: list[str] = []
        self._waiting = 0

    def write(self, data: bytes | str) -> None:
        text = data if isinstance(data, str) else self._decoded(data)
        self._fresh.append(text)
        self._waiting += len(text)

    def put(self) -> None:
        """Put what has gathered into its files."""
        if self._fresh:
            text = "".join(self._fresh)
            self._fresh.clear()
            self._take(self._redacted.feed(_encodable(text)))

    def end(self) -> None:
        """Let out what was held back."""
        if self._decoder is not None:
            self._fresh.append(self._decoder.decode(b"", final=True))
        self.put()
        self._take(self._redacted.end())

    def _decoded(self, data: bytes) -> str:
        if self._decoder is None:
            self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        return self._decoder.decode(data)

    def _take(self, text: str) -> None:
        if not text:
            return
        kept = "" if self._is_cut else self._fitting(text)
        if self._log is not None:
            self._log(text)
        if self._is_apart:
            self._write(text)
        self._pending.append(text)
        if kept:
            self._kept.append(kept)

    def _fitting(self, text: str) -> str:
        """Return as much of the text as memory may hold; where that is not all, a file holds it from here on."""
        room = self._limit - self._size
        size = len(text) if text.isascii() else len(text.encode())
        self._size += size
        if size <= room:
            return text
        self.set_apart()
        self._is_cut = True
        return text.encode()[:room].decode(errors="ignore")

    def set_apart(self) -> None:
        """See that the stream has a file of its own, with all that was written to it."""
        if not self._is_apart:
            self._is_apart = True
            self._write("".join(self._kept))  # also where that is nothing: whoever was told the path finds a file

    def text(self, path: Callable[[], str]) -> str | Cut:
        """Return what was kept; a Cut where the stream was longer than memory allows."""
        kept = "".join(self._kept)
        self._kept = [kept]
        return Cut(kept, self._limit, path()) if self._is_cut else kept

    def batches(self) -> list[str]:
        """Return what was not told yet, in pieces of at most a batch."""
        self.put()
        text = "".join(self._pending)
        self._pending.clear()
        self._waiting = 0
        return [text[start : start + BATCH] for start in range(0, len(text), BATCH)]

    @property
    def is_full(self) -> bool:
        return self._waiting >= BATCH


def _encodable(text: str) -> str:
    """Return the text without halves of characters, which no file takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _untold(_stream: str, _text: str) -> None:
    """Take what nobody is told any more."""


def _never(_seconds: float, _function: Callable[[], None]) -> None:
    """Plan nothing."""


class Sink:
    """All that one attempt writes. `tell` is given a stream and a batch, `within` plans the next telling."""

    def __init__(
        self,
        task: str,
        attempt: int,
        files: OutputFiles,
        redactor: Redactor,
        limit: int,
        *,
        tell: Callable[[str, str], None],
        within: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._task = task
        self._attempt = attempt
        self._files = files
        self._redactor = redactor
        self._limit = limit
        self._tell = tell
        self._within = within
        self._channels: dict[str, Channel] = {}
        self._current: Channel | None = None
        self._planned = False

    def write(self, stream: str, data: bytes | str) -> None:
        channel = self._channels.get(stream) or self._opened(stream)
        if channel is not self._current:
            self._turn_to(channel)
        channel.write(data)
        if channel.is_full:
            self.flush()
        elif not self._planned:
            self._planned = True
            self._within(COALESCE, self._flush_planned)

    def _opened(self, stream: str) -> Channel:
        log = partial(self._files.log, self._task) if stream in _LOGGED else None
        write = partial(self._files.write, self._task, self._attempt, stream)
        channel = self._channels[stream] = Channel(self._redactor, self._limit, log=log, write=write)
        return channel

    def _turn_to(self, channel: Channel) -> None:
        """Let what other streams wrote come first: some of them share a file."""
        if self._current is not None:
            self._current.put()
        self._current = channel

    def _flush_planned(self) -> None:
        if self._planned:
            self._planned = False
            self.flush()

    def flush(self) -> None:
        """Tell what was not told yet."""
        for stream, channel in self._channels.items():
            for batch in channel.batches():
                self._tell(stream, batch)

    def written(self, stream: str) -> str | Cut:
        channel = self._channels.get(stream)
        if channel is None:
            return ""
        channel.end()
        return channel.text(partial(self.path, stream))

    def path(self, stream: str) -> str:
        if self._current is not None:
            self._current.put()
        (self._channels.get(stream) or self._opened(stream)).set_apart()
        return self._files.path(self._task, self._attempt, stream)

    def end(self) -> None:
        """Tell all of it: the attempt is over."""
        for channel in self._channels.values():
            channel.end()
        self.flush()
        self._planned = False
        self._tell, self._within = _untold, _never  # theirs who made this: a circle that only the collector would find
