"""Running a flow in the dashboard: the engine in a thread of its own, and plain lines when the screen is left."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, Final

from orchestrator.bootstrap import EngineThread, Prepared, prepare
from orchestrator.cli.bugs import report
from orchestrator.cli.exits import Exit, of_run
from orchestrator.cli.headless import (
    engine_options,
    last_state,
    print_summary,
    run_headless,
    ticker,
    warn,
)
from orchestrator.cli.interrupts import Interrupts
from orchestrator.cli.streams import Streams, can_ask, no_dashboard_because, standard_streams
from orchestrator.cli.swatches import known_themes
from orchestrator.cli.watching import TICK, PlainFace, Viewer
from orchestrator.core.commands import CancelRun
from orchestrator.core.run import Run
from orchestrator.core.states import RunState
from orchestrator.tui import DashboardExit, DashboardOptions, Left, run_dashboard

_SIGNALS: Final = {
    Left.INTERRUPTED: signal.SIGINT,
    Left.FORCED: signal.SIGINT,
    Left.TERMINATED: signal.SIGTERM,
    Left.HANGUP: signal.SIGHUP,
}


def run_on_screen(flow: str, options: Mapping[str, Any]) -> int:
    """Run the flow in the dashboard, or without it where there is no terminal."""
    streams = standard_streams()
    why = no_dashboard_because(sys.stdin, sys.stderr, os.environ)
    if why is not None:
        streams.err.line(f"no dashboard: {why}; the flow runs without it")
        return run_headless(flow, {"output": "text", "dry_run": False, **options})
    prepared = prepare(flow, engine_options(options, asks=True))
    warn(prepared, streams.err)
    prepared.claim_folder()
    return OnScreen(prepared, options, streams).go()


class OnScreen:
    """One run with the dashboard, from its first event to its exit status."""

    def __init__(self, prepared: Prepared, options: Mapping[str, Any], streams: Streams) -> None:
        self._prepared = prepared
        self._options = options
        self._streams = streams
        self._interrupts = Interrupts(prepared.session.send)

    def go(self) -> int:
        look = self._dashboard_options()
        with EngineThread(self._prepared) as engine:
            left = run_dashboard(engine.session, look, engine_error=lambda: engine.error)
            self._after(left, engine)
            run = last_state(engine.session)
        if run.state is not RunState.HELD:  # the end of the program cancels a held run, which is no outcome of its own
            run = last_state(self._prepared.session)
        print_summary(run, self._prepared, self._options["print_logs"], self._streams.err)
        return self._status(run, left, engine.error)

    def _dashboard_options(self) -> DashboardOptions:
        themes, current = known_themes(self._options["theme"])
        ascii_only = self._options["ascii"] or not self._streams.err.looks.unicode
        return DashboardOptions(theme=current, themes=themes, ascii=ascii_only)

    def _after(self, left: DashboardExit, engine: EngineThread) -> None:
        """See the run to its end when the screen is gone and it is not there yet."""
        if left.how is Left.CRASHED:
            self._streams.err.line(f"the dashboard failed ({left.error}); the run goes on in plain lines")
        if left.how in _SIGNALS:
            self._interrupts.caught(_SIGNALS[left.how])
        if left.how is Left.FORCED:
            self._prepared.session.send(CancelRun(force=True, by="Ctrl+C"))
        self._follow(engine)

    def _follow(self, engine: EngineThread) -> None:
        face = PlainFace(self._streams.err)
        viewer = Viewer(engine.session, face)
        ticks = ticker(viewer, face, self._prepared.session, self._streams.err, asks=can_ask(sys.stdin, sys.stderr))
        with self._interrupts.in_main_thread() as act_on_signals:
            while not (engine.finished or _is_over(viewer.run)):
                engine.wait(TICK)
                act_on_signals()
                ticks.tick()
        viewer.close()

    def _status(self, run: Run, left: DashboardExit, error: BaseException | None) -> int:
        if error is not None:
            self._streams.err.line(report(error, sys.argv[1:], os.environ))
            return Exit.BUG
        cancelled = signal.SIGINT if left.cancelled else None
        return of_run(run, stopped_by=self._interrupts.first or cancelled)


def _is_over(run: Run) -> bool:
    """Say whether nothing more will come: the run ended, or waits for a person in a way that lines cannot answer."""
    return run.state is RunState.FINISHED or (run.state is RunState.HELD and not run.questions)
