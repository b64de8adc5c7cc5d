"""Makes the README's picture: the dashboard in the middle of a recorded run of the isolation flow.

    .venv/bin/python docs/picture.py             draws docs/dashboard.svg from docs/dashboard.jsonl
    .venv/bin/python docs/picture.py --record    runs the flow first, and records it anew

The recording holds the events of a real run of `sample_flows/failure_isolation.yaml` up to the moment that is shown, so
the picture is always the same.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields
from html import escape, unescape
from pathlib import Path
from typing import Final

from orchestrator.bootstrap import EngineThread, RunOptions, prepare
from orchestrator.config.themes import find_themes
from orchestrator.core import codec
from orchestrator.core.commands import Command
from orchestrator.core.events import Record, RunStarted, TaskSucceeded
from orchestrator.core.ports import Gap, Subscription
from orchestrator.core.run import Run, fold
from orchestrator.tui import DashboardOptions

DOCS: Final = Path(__file__).resolve().parent
ROOT: Final = DOCS.parent
FLOW: Final = "sample_flows/failure_isolation.yaml"
RECORDING: Final = DOCS / "dashboard.jsonl"
PICTURE: Final = DOCS / "dashboard.svg"

SIZE: Final = (120, 40)
MOMENT: Final = 11.6
"""The second that is shown: the group that burns has failed, the others are in the middle of their work."""

SHOWN: Final = "unit_tests"
"""The task under the cursor, whose output the pane shows."""

FONTS: Final = "ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', 'Liberation Mono', monospace"


# ── recording ───────────────────────────────────────────────────────────────────────────────────


def record() -> None:
    """Run the flow until the moment and write down its events, without what only this machine knows."""
    prepared = prepare(str(ROOT / FLOW), RunOptions(can_ask=True))
    _, stream = prepared.session.attach()
    with EngineThread(prepared) as engine:
        engine.wait(MOMENT)
        records = stream.drain()
    assert not isinstance(records, Gap), "the recording has a gap"
    RECORDING.write_text("".join(f"{json.dumps(_told(one), ensure_ascii=False)}\n" for one in records))


def _told(record: Record) -> dict[str, object]:
    """Return the event as plain data, without what no screen shows, this machine's folders, and what is as usual."""
    data = codec.encode(record)
    if isinstance(record.event, RunStarted):
        data |= {"file": FLOW, "folder": ""}
    elif isinstance(record.event, TaskSucceeded):
        data["output"] = None
    usual = {
        field.name: list(field.default) if field.default == () else field.default for field in fields(record.event)
    }
    return {key: value for key, value in data.items() if key not in usual or value != usual[key]}


# ── drawing ─────────────────────────────────────────────────────────────────────────────────────


class Still:
    """The session of a run that stands still at the moment."""

    def __init__(self, records: Iterator[Record]) -> None:
        self._run = fold(record for record in records if record.at <= MOMENT)

    def attach(self) -> tuple[Run, Subscription]:
        return self._run, self

    def drain(self) -> Sequence[Record]:
        return ()

    def close(self) -> None:
        """Nothing is open."""

    def send(self, command: Command) -> None:
        """Nobody is there who would carry it out."""

    def now(self) -> float:
        return MOMENT


def recorded() -> Iterator[Record]:
    return (codec.decode(json.loads(line)) for line in RECORDING.read_text().splitlines())


async def draw(theme: str = "orchestra-dark", size: tuple[int, int] = SIZE) -> str:
    """Return the dashboard at the moment, as an SVG that fetches nothing."""
    from orchestrator.tui.app import Dashboard  # noqa: PLC0415 - Textual reads the environment when it is imported

    options = DashboardOptions(theme=theme, themes=find_themes([ROOT / "themes"], environ={}).specs)
    app = Dashboard(Still(recorded()), options, engine_error=lambda: None)
    async with app.run_test(size=size) as pilot:
        app.main.go_to_task(SHOWN)
        await pilot.pause(0.3)
        return local(app.export_screenshot(title="orchestrator"))


def local(svg: str) -> str:
    """Let the picture use the reader's own fonts; give its parts short names that stay the same."""
    svg = re.sub(r"@font-face\s*\{[^}]*\}\s*", "", svg)
    svg = re.sub(r"font-family:\s*Fira Code[^;]*;", f"font-family: {FONTS};", svg).replace(
        "family: arial", "family: system-ui, sans-serif"
    )
    svg = re.sub(r"<!--.*?-->\s*", "", svg)
    return _TEXT.sub(_placed, re.sub(r"terminal-\d+", "terminal", svg))


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


def main(arguments: Sequence[str]) -> None:
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ.pop("NO_COLOR", None)
    if "--record" in arguments:
        record()
    PICTURE.write_text(asyncio.run(draw()))


if __name__ == "__main__":
    main(sys.argv[1:])
