"""The output of tasks in files, from the first byte on."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final
from urllib.parse import quote

_OPEN: Final = 128
"""Files that stay open between two writes; a run may have thousands."""

_LONGEST: Final = 180
"""Bytes of a file's name that the task may take."""

_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE: Final = 0o600
"""What tasks write may be meant for their owner alone."""


@lru_cache(_OPEN)
def file_name(task: str) -> str:
    """Return the name of a task's files: `scrape[site-b]` is `scrape.site-b`, `outer/inner` is `outer.inner`."""
    plain = task.replace("[", ".").replace("]", "").replace("/", ".")
    name = quote(plain, safe="-_.,@+= ~")
    if len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}~{blake2b(task.encode(), digest_size=6).hexdigest()}"
    return name


class TaskFiles:
    """Implements core.ports.OutputFiles in a folder: `TASK.log`, and `TASK.N.out` of what attempt N wrote to a stream.

    What is written is on disk at once. `on_error` is told once that the disk takes no more.
    """

    def __init__(self, folder: Path, on_error: Callable[[OSError], None]) -> None:
        self._folder = folder
        self._prefix = f"{folder}/"
        self._on_error = on_error
        self._failed = False
        self._streams: OrderedDict[str, int] = OrderedDict()
        self._by_task: dict[str, set[str]] = {}
        self._within_line: set[str] = set()
        self._broken_off: set[str] = set()

    def log_path(self, task: str) -> str:
        return f"{self._prefix}{file_name(task)}.log"

    def path(self, task: str, attempt: int, stream: str) -> str:
        return f"{self._prefix}{file_name(task)}.{attempt}.{stream}"

    def log(self, task: str, text: str) -> None:
        if task in self._broken_off:
            self._broken_off.remove(task)
            text = f"\n{text}"
        self._append(task, self.log_path(task), text)
        (self._within_line.discard if text.endswith("\n") else self._within_line.add)(task)

    def write(self, task: str, attempt: int, stream: str, text: str) -> None:
        self._append(task, self.path(task, attempt, stream), text)

    def _append(self, task: str, path: str, text: str) -> None:
        data = text.encode("utf-8", "surrogateescape")
        try:
            stream = self._streams.get(path)
            if stream is None:
                stream = self._streams[path] = self._open(path)
                self._by_task.setdefault(task, set()).add(path)
            self._streams.move_to_end(path)
            _write_all(stream, data)
        except OSError as error:
            self._fail(error)

    def _open(self, path: str) -> int:
        """Return a descriptor: a file object would cost more than the write."""
        while len(self._streams) >= _OPEN:
            os.close(self._streams.popitem(last=False)[1])
        try:
            return os.open(path, _APPEND, _MODE)
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            return os.open(path, _APPEND, _MODE)

    def close(self, task: str) -> None:
        """End an attempt's output. What the next one logs begins a line of its own."""
        if task in self._within_line:
            self._within_line.remove(task)
            self._broken_off.add(task)
        for path in self._by_task.pop(task, ()):
            stream = self._streams.pop(path, None)
            if stream is not None:
                os.close(stream)

    def _fail(self, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            self._on_error(error)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
