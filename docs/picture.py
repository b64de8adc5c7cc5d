"""How a run is recorded, told again up to a moment, and how a screen of it becomes a picture that fetches nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from html import escape, unescape
from pathlib import Path
from typing import Final

from orchestrator.bootstrap import EngineThread, RunOptions, prepare
from orchestrator.core import codec
from orchestrator.core.commands import Command
from orchestrator.core.events import Record, RunStarted, TaskSucceeded
from orchestrator.core.ports import Gap, Session, Subscription
from orchestrator.core.run import Run

DOCS: Final = Path(__file__).resolve().parent
ROOT: Final = DOCS.parent

LOOK: Final = 0.1
"""Seconds between two looks at a run that is recorded."""
STEP: Final = 0.25
"""Seconds between two looks at a run that is told again."""
FONTS: Final = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


# ── recording ───────────────────────────────────────────────────────────────────────────────────

Watcher = Callable[[], object]
"""Called now and then while a run is recorded."""


def record(
    flow: str, file: Path, seconds: float, options: RunOptions, watch: Callable[[Session], Watcher] | None = None
) -> None:
    """Run a flow for so long and write down its events, without what only this machine knows."""
    prepared = prepare(str(ROOT / flow), options)
    look = watch(prepared.session) if watch is not None else None
    _, stream = prepared.session.attach()
    with EngineThread(prepared) as engine:
        while engine.session.now() < seconds:
            engine.wait(LOOK)
            if look is not None:
                look()
        records = stream.drain()
    assert not isinstance(records, Gap), "the recording has a gap"
    file.write_text("".join(f"{json.dumps(_told(one, flow), ensure_ascii=False)}\n" for one in records))


def _told(record: Record, flow: str) -> dict[str, object]:
    """Return the event as plain data, without what no screen shows, this machine's folders, and what is as usual."""
    data: dict[str, object] = json.loads(codec.encode(record))
    if isinstance(record.event, RunStarted):
        data |= {"file": flow, "folder": ""}
    elif isinstance(record.event, TaskSucceeded):
        data["output"] = None
    usual = {
        field.name: list(field.default) if field.default == () else field.default for field in fields(record.event)
    }
    return {key: value for key, value in data.items() if key not in usual or value != usual[key]}


def recorded(file: Path) -> list[Record]:
    return [codec.decode(json.loads(line)) for line in file.read_text().splitlines()]


# ── telling it again ────────────────────────────────────────────────────────────────────────────


class Replay:
    """The session of a recorded run, told as far as its clock has come."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self.at = 0.0

    def steps_to(self, moment: float) -> Iterator[float]:
        """Move the clock on, step by step, and stop at the moment."""
        while self.at < moment:
            self.at = min(moment, self.at + STEP)
            yield self.at

    def attach(self) -> tuple[Run, Subscription]:
        return Run(self._records[0].run), Told(self, self._records)

    def send(self, command: Command) -> None:
        """Nobody is there who would carry it out."""

    def now(self) -> float:
        return self.at


class Told:
    """What one viewer has not been told yet."""

    def __init__(self, replay: Replay, records: Sequence[Record]) -> None:
        self._replay = replay
        self._records = records
        self._next = 0

    def drain(self) -> Sequence[Record]:
        start = self._next
        while self._next < len(self._records) and self._records[self._next].at <= self._replay.at:
            self._next += 1
        return self._records[start : self._next]

    def close(self) -> None:
        """Nothing is open."""


# ── the picture ─────────────────────────────────────────────────────────────────────────────────


def local(svg: str) -> str:
    """Let the picture use the reader's own fonts; give its parts short names that stay the same."""
    svg = re.sub(r"@font-face\s*\{[^}]*\}\s*", "", svg)
    svg = re.sub(r"font-family:\s*Fira Code[^;]*;", f"font-family: {FONTS};", svg).replace(
        "family: arial", "family: system-ui, sans-serif"
    )
    svg = re.sub(r"<!--.*?-->\s*", "", svg)
    return _TEXT.sub(_placed, short(re.sub(r"terminal-\d+", "terminal", svg)))


def short(svg: str) -> str:
    """Leave out what no reader needs: each line's own clip, which lets all of the line through, and long names."""
    svg = re.sub(r'<clipPath id="terminal-line-\d+">.*?</clipPath>\s*', "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="url\(#terminal-line-\d+\)"', "", svg)
    svg = svg.replace(' shape-rendering="crispEdges"', "").replace(
        "<style>", "<style>\n    g rect { shape-rendering: crispEdges; }", 1
    )
    return re.sub(r"terminal-(r\d+)", r"\1", svg)


_TEXT: Final = re.compile(r'(<text [^>]*?)x="([\d.]+)" y="([\d.]+)" textLength="([\d.]+)"([^>]*>)([^<]*)(</text>)')
_SPACE: Final = "\N{NO-BREAK SPACE}"


def _placed(found: re.Match[str]) -> str:
    """Begin a text at its first letter: some readers of SVG drop spaces at its start and shift what follows."""
    before, x, y, length, after, text, end = found.groups()
    letters = unescape(text)
    cell = float(length) / len(letters)
    start = float(x) + cell * (len(letters) - len(letters.lstrip(_SPACE)))
    words = letters.strip(_SPACE)
    shown = escape(words).replace(_SPACE, "&#160;")
    return f'{before}x="{start:g}" y="{y}" textLength="{cell * len(words):g}"{after}{shown}{end}' if words else ""
