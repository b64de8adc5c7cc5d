"""Draws every screen of the dashboard in every theme that ships, from recorded runs: docs/screens/NAME-THEME.svg.

    .venv/bin/python docs/screens.py                 draws all of them
    .venv/bin/python docs/screens.py tasks dag       draws these
    .venv/bin/python docs/screens.py --record        runs their flows first, and records them anew; it takes minutes

The recordings are the events of real runs, so the pictures are always the same.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from orchestrator.bootstrap import RunOptions
from orchestrator.config.themes import find_themes
from orchestrator.core.ports import Guide, Session
from orchestrator.core.simulation import Dials
from orchestrator.core.theme import ThemeSpec
from orchestrator.demo.tour import Tour
from orchestrator.tui import DashboardOptions
from picture import DOCS, ROOT, Replay, Watcher, local, record, recorded

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from orchestrator.tui.app import Dashboard
    from orchestrator.tui.options import DashboardExit

SCREENS: Final = DOCS / "screens"
SIZE: Final = (120, 40)


# ── what is recorded ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Recording:
    """A run of a flow, for so many seconds; one that is `guided` is led through by the demo's tour."""

    name: str
    flow: str
    seconds: float
    guided: bool = False

    @property
    def file(self) -> Path:
        return SCREENS / f"{self.name}.jsonl"

    def make(self) -> None:
        dials = Dials()
        watch = (lambda session: _looks(session, dials)) if self.guided else None
        record(self.flow, self.file, self.seconds, RunOptions(can_ask=True, dials=dials), watch)

    def guide(self, session: Session) -> Guide | None:
        return Tour(session, Dials()) if self.guided else None


def _looks(session: Session, dials: Dials) -> Watcher:
    return Tour(session, dials).look


ISOLATION: Final = Recording("isolation", "sample_flows/failure_isolation.yaml", 40.0)
APPROVALS: Final = Recording("approvals", "sample_flows/approvals.yaml", 3.0)
DEMO: Final = Recording("demo", "sample_flows/parts/demo.yaml", 60.0, guided=True)
AGENTS: Final = Recording("agents", "sample_flows/agents.yaml", 7.5)
RECORDINGS: Final = (ISOLATION, APPROVALS, DEMO, AGENTS)


# ── what is shown ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Picture:
    """A screen at a second of a recording: the task that the cursor is on, and the keys that are pressed then."""

    name: str
    recording: Recording
    moment: float
    task: str = ""
    keys: tuple[str, ...] = ()


PICTURES: Final = (
    Picture("tasks", ISOLATION, 11.6, "unit_tests"),
    Picture("attempts", ISOLATION, 24.0, "page[market]", ("right_square_bracket",)),
    Picture("filter", ISOLATION, 11.6, "page[market]", ("slash", *"state:failed,retry")),
    Picture("dag", ISOLATION, 11.6, keys=("2",)),
    Picture("timeline", ISOLATION, 24.0, keys=("3",)),
    Picture("logs", ISOLATION, 11.6, keys=("4",)),
    Picture("health", ISOLATION, 11.6, keys=("5",)),
    Picture("summary", ISOLATION, 40.0, keys=("6",)),
    Picture("help", ISOLATION, 11.6, keys=("question_mark",)),
    Picture("palette", ISOLATION, 11.6, keys=("colon", *"br")),
    Picture("approval", APPROVALS, 2.2, "publish", ("a",)),
    Picture("talk", AGENTS, 7.0, "read"),
    Picture("stop", ISOLATION, 11.6, "unit_tests", ("ctrl+c",)),
    Picture("demo", DEMO, 21.5),
    Picture("proof", DEMO, 60.0),
)


async def draw(picture: Picture, theme: str, themes: tuple[ThemeSpec, ...]) -> str:
    """Return the screen as an SVG that fetches nothing."""
    from orchestrator.tui.app import Dashboard  # noqa: PLC0415 - Textual reads the environment when it is imported

    replay = Replay(recorded(picture.recording.file))
    options = DashboardOptions(theme=theme, themes=themes, guide=picture.recording.guide(replay))
    app = Dashboard(replay, options, engine_error=lambda: None)
    async with app.run_test(size=SIZE) as pilot:
        await _tell(replay, picture.moment, app, pilot)
        if picture.task:
            app.main.go_to_task(picture.task)
        await pilot.press(*picture.keys)
        await pilot.pause(0.5)
        return local(app.export_screenshot(title="orchestrator"))


async def _tell(replay: Replay, moment: float, app: Dashboard, pilot: Pilot[DashboardExit]) -> None:
    """Let the screen see the run from its beginning to the moment."""
    await pilot.pause(0.3)
    for _ in replay.steps_to(moment):
        app.main.tick()
    await pilot.pause(0.3)


async def draw_all(wanted: Callable[[Picture], bool]) -> None:
    themes = find_themes([ROOT / "themes"], environ={}).specs
    for picture in filter(wanted, PICTURES):
        for theme in themes:
            svg = await draw(picture, theme.name, themes)
            name = f"{picture.name}-{theme.name.removeprefix('orchestra-')}.svg"
            (SCREENS / name).write_text(svg)


def main(arguments: Sequence[str]) -> None:
    os.environ["TEXTUAL_ANIMATIONS"] = "none"
    os.environ.pop("NO_COLOR", None)
    SCREENS.mkdir(exist_ok=True)
    names = [name for name in arguments if not name.startswith("--")]
    if "--record" in arguments:
        for recording in RECORDINGS:
            if not names or any(picture.recording is recording for picture in PICTURES if picture.name in names):
                recording.make()
    asyncio.run(draw_all(lambda picture: not names or picture.name in names))


if __name__ == "__main__":
    main(sys.argv[1:])
