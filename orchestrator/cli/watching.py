"""Following a run from outside: a viewer folds what the session tells and shows it, as lines or as a live block."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Protocol, Self

from orchestrator.cli.block import Block, frame
from orchestrator.cli.lines import Line, counts_line, line_of
from orchestrator.cli.streams import Out, Reader
from orchestrator.cli.words import plain, wrap
from orchestrator.core.events import (
    AttemptSucceeded,
    BackendGauge,
    MessageSaid,
    OutputProduced,
    ProgressReported,
    Record,
    ToolCalled,
    ToolReturned,
)
from orchestrator.core.ports import Gap, Session
from orchestrator.core.run import Run
from orchestrator.core.states import RunState
from orchestrator.core.units import many

TICK: Final = 0.1
"""Seconds between two looks at the session."""

REDRAW: Final = 0.25
"""Seconds between two drawings of the block, at least."""

COUNTS_EVERY: Final = 30.0
"""Seconds between two lines of counts."""


_CONVERSATION: Final = frozenset[type]({MessageSaid, ToolCalled, ToolReturned})
_PROGRESS: Final = frozenset[type]({AttemptSucceeded, BackendGauge, OutputProduced, ProgressReported})


class Face(Protocol):
    """How a run is shown. Events that are `unused` are not folded: what is shown does not rest on them."""

    unused: frozenset[type]

    def saw(self, record: Record, run: Run) -> None:
        """Show what happened; the run has folded it, unless it is unused."""
        ...

    def missed(self, count: int) -> None:
        """Say that some of what happened was not told."""
        ...

    def tick(self, run: Run, now: float) -> None:
        """Show how the run stands, now and then."""
        ...

    def close(self) -> None:
        """Leave the screen as it shall stay."""
        ...


class Viewer:
    """Folds a session's events into a run of its own and hands them to a face."""

    def __init__(self, session: Session, face: Face) -> None:
        self._session = session
        self._face = face
        self.run, self._events = session.attach()

    def tick(self) -> None:
        """Take what happened since the last tick."""
        got = self._events.drain()
        if isinstance(got, Gap):
            self._attach_again(got)
            return
        run, face = self.run, self._face
        for record in got:
            if type(record.event) in face.unused:
                run.pass_over(record)
            else:
                run.apply(record)
            face.saw(record, run)
        face.tick(run, self._session.now())

    def close(self) -> None:
        """Show what is left and let go."""
        self.tick()
        self._events.close()
        self._face.close()

    def _attach_again(self, gap: Gap) -> None:
        self._events.close()
        self.run, self._events = self._session.attach()
        self._face.missed(gap.missed)


class Ticks(Protocol):
    """What wants to be called now and then."""

    def tick(self) -> None: ...


class Together:
    """Ticks several things in turn."""

    def __init__(self, *parts: Ticks) -> None:
        self._parts = parts

    def tick(self) -> None:
        for part in self._parts:
            part.tick()


class ReaderWatch:
    """Says once that nobody reads a stream any more."""

    def __init__(self, reader: Reader, on_gone: Callable[[], None]) -> None:
        self._reader = reader
        self._on_gone = on_gone
        self._told = False

    def tick(self) -> None:
        if not self._told and self._reader.is_gone():
            self._told = True
            self._on_gone()


class Watch:
    """Ticks something from a thread of its own, so that a slow terminal never slows the engine.

    When a tick raises, that is the last one, and `error` holds what it raised: who watches cannot hurt.
    """

    def __init__(self, what: Ticks, *, every: float = TICK) -> None:
        self._what = what
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, name="watch", daemon=True)
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _go(self) -> None:
        try:
            while not self._over.wait(self._every):
                self._what.tick()
        except Exception as error:  # noqa: BLE001 - a bug in what is shown must not touch the run
            self.error = error


class PlainFace:
    """Appends lines: for pipes, files and terminals that can do no more."""

    unused = _CONVERSATION | _PROGRESS

    def __init__(self, out: Out) -> None:
        self._out = out
        self._next_counts = COUNTS_EVERY
        self._lines: list[str] = []

    def saw(self, record: Record, run: Run) -> None:
        line = line_of(record, run)
        if line is not None:
            self._lines.append(_written(line, self._out))

    def missed(self, count: int) -> None:
        self._lines.append(f"... {many(count, 'event')} not shown")

    def tick(self, run: Run, now: float) -> None:
        if now >= self._next_counts and run.state is not RunState.FINISHED:
            self._next_counts = now - now % COUNTS_EVERY + COUNTS_EVERY
            self._lines.append(counts_line(run, now))
        self.close()

    def close(self) -> None:
        """Write what has gathered, in one go."""
        if self._lines:
            self._out.write("".join(f"{line}\n" for line in self._lines))
            self._lines = []


class BlockFace:
    """A live block on a terminal, with the lines worth keeping above it."""

    unused = _CONVERSATION

    def __init__(self, out: Out) -> None:
        self._out = out
        self._block = Block(out)
        self._lines: list[str] = []
        self._drawn = -REDRAW
        self.hidden = False

    def saw(self, record: Record, run: Run) -> None:
        line = line_of(record, run)
        if line is not None and line.loud:
            self._lines.append(_written(line, self._out))

    def missed(self, count: int) -> None:
        """The block shows how things stand all the same."""
        del count

    def tick(self, run: Run, now: float) -> None:
        if self.hidden or now - self._drawn < REDRAW:
            return
        self._drawn = now
        self._flush()
        columns, rows = self._out.size()
        self._block.draw(frame(run, now, width=columns, height=rows, looks=self._out.looks))

    def hide(self) -> None:
        """Make room for a question; nothing is drawn until `hidden` is false again."""
        self._block.clear()
        self._flush()
        self.hidden = True

    def close(self) -> None:
        self._block.clear()
        self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._block.above("".join(f"{line}\n" for line in self._lines))
            self._lines = []


def _written(line: Line, out: Out) -> str:
    text = line.text if out.looks.unicode else plain(line.text)
    if out.looks.terminal:
        text = wrap(text, out.size().columns - 1)
    return out.looks.paint(text, line.style) if line.style else text
