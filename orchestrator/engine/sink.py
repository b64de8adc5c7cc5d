"""What an attempt writes: decoded, redacted, kept whole in files and bounded in memory, and told in batches."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Final

from orchestrator.core.output import Cut
from orchestrator.core.ports import OutputFiles
from orchestrator.engine.redact import RedactedStream, Redactor

BATCH: Final = 16 << 10
"""The most text in one event, in characters."""

COALESCE: Final = 0.05
"""Seconds over which output is gathered into one event."""


class Channel:
    """One stream of one attempt. Bytes that are no UTF-8 are shown as replacement characters, never an error."""

    def __init__(self, redactor: Redactor, limit: int, put: Callable[[str], None]) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._redacted = RedactedStream(redactor)
        self._limit = limit
        self._put = put
        self._kept: list[str] = []
        self._size = 0
        self._is_cut = False
        self._pending: list[str] = []
        self._pending_size = 0

    def write(self, data: bytes | str) -> None:
        text = _encodable(data) if isinstance(data, str) else self._decode(data)
        self._take(self._redacted.feed(text))

    def end(self) -> None:
        """Let out what was held back."""
        self._take(self._redacted.feed(self._decode(b"", final=True)) + self._redacted.end())

    def _take(self, text: str) -> None:
        if not text:
            return
        self._put(text)
        self._pending.append(text)
        self._pending_size += len(text)
        if not self._is_cut:
            self._keep(text)

    def _keep(self, text: str) -> None:
        room = self._limit - self._size
        size = len(text) if text.isascii() else len(text.encode())
        if size > room:
            self._is_cut = True
            text = text.encode()[:room].decode(errors="ignore")
        self._kept.append(text)
        self._size += size

    def text(self, path: str) -> str | Cut:
        """Return what was kept; a Cut where the stream was longer than memory allows."""
        kept = "".join(self._kept)
        self._kept = [kept]
        return Cut(kept, self._limit, path) if self._is_cut else kept

    def batches(self) -> list[str]:
        """Return what was not told yet, in pieces of at most a batch."""
        text = "".join(self._pending)
        self._pending, self._pending_size = [], 0
        return [text[start : start + BATCH] for start in range(0, len(text), BATCH)]

    @property
    def is_full(self) -> bool:
        return self._pending_size >= BATCH


def _encodable(text: str) -> str:
    """Return the text without halves of characters, which no file takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


class Sink:
    """All that one attempt writes. `tell` is given a stream and a batch, `later` plans the next telling."""

    def __init__(
        self,
        task: str,
        attempt: int,
        files: OutputFiles,
        redactor: Redactor,
        limit: int,
        *,
        tell: Callable[[str, str], None],
        later: Callable[[Callable[[], None]], object],
    ) -> None:
        self._task = task
        self._attempt = attempt
        self._files = files
        self._redactor = redactor
        self._limit = limit
        self._tell = tell
        self._later = later
        self._channels: dict[str, Channel] = {}
        self._planned = False

    def write(self, stream: str, data: bytes | str) -> None:
        channel = self._channels.get(stream)
        if channel is None:
            channel = self._channels[stream] = Channel(self._redactor, self._limit, self._writer(stream))
        channel.write(data)
        if channel.is_full:
            self.flush()
        elif not self._planned:
            self._planned = True
            self._later(self._flush_planned)

    def _writer(self, stream: str) -> Callable[[str], None]:
        return lambda text: self._files.write(self._task, self._attempt, stream, text)

    def _flush_planned(self) -> None:
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
        return channel.text(self.path(stream))

    def path(self, stream: str) -> str:
        return self._files.path(self._task, self._attempt, stream)

    def end(self) -> None:
        """Tell all of it: the attempt is over."""
        for channel in self._channels.values():
            channel.end()
        self.flush()
