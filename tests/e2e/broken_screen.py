"""A program: the dashboard over a session that fails the screen after a while. The run knows nothing of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.bootstrap import EngineThread, prepare
from orchestrator.cli.headless import engine_options
from orchestrator.cli.screen import OnScreen, dashboard_options
from orchestrator.cli.streams import standard_streams
from orchestrator.core.commands import Command
from orchestrator.core.events import Record
from orchestrator.core.ports import Gap, Session, Subscription
from orchestrator.core.run import Run
from orchestrator.tui import DashboardExit, run_dashboard

ERRORS = {
    "bug": RuntimeError,
    "memory": MemoryError,
    "cancelled": asyncio.CancelledError,
}
OPTIONS: dict[str, Any] = {
    "inputs": {},
    "only": (),
    "simulate": None,
    "max_concurrency": None,
    "budget_usd": None,
    "deadline": None,
    "env_file": None,
    "approve": (),
    "approve_all": False,
    "seed": None,
    "print_logs": "none",
    "theme": None,
    "ascii": False,
}


@dataclass
class FailingEvents:
    """Hands events on until its patience is over."""

    events: Subscription
    error: type[BaseException]
    left: int = 12

    def drain(self) -> Sequence[Record] | Gap:
        self.left -= 1
        if self.left < 0:
            raise self.error("the screen [/] breaks \x1b[2J here")
        return self.events.drain()

    def close(self) -> None:
        self.events.close()


@dataclass
class FailingSession:
    """A session whose first viewer breaks."""

    session: Session
    error: type[BaseException]

    def attach(self) -> tuple[Run, Subscription]:
        run, events = self.session.attach()
        return run, FailingEvents(events, self.error)

    def send(self, command: Command) -> None:
        self.session.send(command)

    def now(self) -> float:
        return self.session.now()


class Breaking(OnScreen):
    """Shows the run through that session."""

    error: type[BaseException] = RuntimeError

    def _show(self, engine: EngineThread) -> DashboardExit:
        session = FailingSession(engine.session, self.error)
        return run_dashboard(session, self._look, engine_error=lambda: engine.error)


def main(flow: str, how: str) -> int:
    streams = standard_streams()
    prepared = prepare(flow, engine_options(OPTIONS, asks=True))
    prepared.claim_folder()
    screen = Breaking(prepared, OPTIONS, streams, dashboard_options(flow, OPTIONS, streams, None))
    screen.error = ERRORS[how]
    return screen.go()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
