"""Running a flow in the dashboard: the engine in a thread of its own, and plain lines when the screen is left."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from orchestrator.bootstrap import EngineThread, Prepared, configured, prepare
from orchestrator.cli.background import Background
from orchestrator.cli.bugs import report
from orchestrator.cli.exits import Exit, of_run
from orchestrator.cli.headless import (
    engine_options,
    last_state,
    outlives_terminal,
    print_summary,
    run_headless,
    ticker,
    warn,
)
from orchestrator.cli.interrupts import Interrupts, hangups_pass
from orchestrator.cli.stops import leave_nobody
from orchestrator.cli.streams import (
    NOTHING_SPECIAL,
    Out,
    Streams,
    can_ask,
    is_terminal,
    no_dashboard_because,
    standard_streams,
    wants_ascii,
    wants_lines,
)
from orchestrator.cli.swatches import changed_themes, known_themes
from orchestrator.cli.watching import TICK, PlainFace, Ticks, Viewer
from orchestrator.core.commands import CancelRun
from orchestrator.core.run import Run
from orchestrator.core.states import RunState
from orchestrator.tui import WAYS, DashboardExit, DashboardOptions, Left, load_dashboard, read_keys, run_dashboard

LINES: Final = "lines.log"
"""The file in the run's folder that has the lines of a run which outlived its terminal."""
LAST_WAIT: Final = 3.0
"""Seconds that a run has to end after the last Ctrl+C."""

_SIGNALS: Final = {
    Left.INTERRUPTED: signal.SIGINT,
    Left.FORCED: signal.SIGINT,
    Left.TERMINATED: signal.SIGTERM,
    Left.HANGUP: signal.SIGHUP,
}


def run_on_screen(flow: str, options: Mapping[str, Any], background: Background | None) -> int:
    """Run the flow in the dashboard, or without it where there is no terminal."""
    streams = standard_streams()
    plain = wants_lines(options, os.environ)
    why = None if plain else no_dashboard_because(sys.stdin, sys.stderr, os.environ)
    if why is not None:
        streams.err.line(f"no dashboard: {why}; the flow runs without it")
    if plain or why is not None:
        return run_headless(flow, {"output": "text", "dry_run": False, **options, "plain": True})
    look = dashboard_options(flow, options, streams, background)
    prepared = prepare(flow, engine_options(options, asks=True))
    warn(prepared, streams.err)
    prepared.claim_folder()
    look = replace(look, log_path=prepared.log_path)
    return OnScreen(prepared, options, streams, look, outlives=outlives_terminal(flow)).go()


def dashboard_options(
    flow: str | None, options: Mapping[str, Any], streams: Streams, background: Background | None
) -> DashboardOptions:
    """Return how the dashboard shall be: as it is set beside the flow, or for a flow of ours in the current folder.

    Raises FlowError for what the command line or the configuration has wrong.
    """
    settings = configured(flow)
    themes, current = known_themes(
        options["theme"], settings.theme, Path(flow or ".").parent, bright=_is_bright(background)
    )
    return DashboardOptions(
        theme=current,
        themes=themes,
        changed_themes=changed_themes(Path(flow or ".").parent),
        ascii=options["ascii"] or wants_ascii(streams.err.looks, os.environ),
        inline=options.get("inline", False),
        fps=options.get("fps"),
        keys=read_keys(settings.keys),
        notifications=WAYS if settings.notifications is None else settings.notifications,
        follows_failures=bool(settings.follow_failures),
    )


def _is_bright(background: Background | None) -> bool:
    """Return what the terminal says. While it does not answer, what the dashboard needs anyway is loaded."""
    if background is None:
        return False
    if background.is_awaited:
        load_dashboard()
    return background.is_bright()


class OnScreen:
    """One run with the dashboard, from its first event to its exit status; it may outlive its terminal."""

    def __init__(
        self,
        prepared: Prepared,
        options: Mapping[str, Any],
        streams: Streams,
        look: DashboardOptions,
        *,
        outlives: bool = False,
    ) -> None:
        self._prepared = prepared
        self._options = options
        self._streams = streams
        self._look = look
        self._outlives = outlives
        self._is_alone = False
        self._interrupts = Interrupts(prepared.session.send, outlives=outlives)

    def go(self) -> int:
        with ExitStack() as stack:
            if self._outlives:
                stack.enter_context(hangups_pass())
            return self._go(stack)

    def _go(self, stack: ExitStack) -> int:
        with self._engine() as engine:
            left = self._show(engine)
            if left.how is Left.HANGUP and self._outlives:
                self._go_on_alone(stack)
            self._after(left, engine)
            run = last_state(engine.session)
        if run.state is not RunState.HELD:  # the end of the program cancels a held run, which is no outcome of its own
            run = last_state(self._prepared.session)
        self._sum_up(run)
        return self._status(run, left, engine.error)

    def _go_on_alone(self, stack: ExitStack) -> None:
        """Write into a file of the run's folder what no terminal shows any more; nobody can be asked."""
        self._is_alone = True
        with suppress(OSError):
            lines = stack.enter_context((Path(self._prepared.folder) / LINES).open("w", encoding="utf-8"))
            self._streams = Streams(self._streams.out, Out(lines, NOTHING_SPECIAL))

    def _engine(self) -> EngineThread:
        return EngineThread(self._prepared)

    def _show(self, engine: EngineThread) -> DashboardExit:
        left = run_dashboard(engine.session, self._look, engine_error=lambda: engine.error)
        gone = left.how is Left.CRASHED and not is_terminal(sys.stdin)
        return replace(left, how=Left.HANGUP) if gone else left

    def _sum_up(self, run: Run) -> None:
        print_summary(run, self._prepared, self._options["print_logs"], self._streams.err)

    def _after(self, left: DashboardExit, engine: EngineThread) -> None:
        """See the run to its end when the screen is gone and it is not there yet."""
        if left.how is Left.CRASHED:
            self._streams.err.line(f"the dashboard failed ({left.error}); the run goes on in plain lines")
        if left.how in _SIGNALS:
            self._interrupts.caught(_SIGNALS[left.how])
        if left.how is Left.FORCED:
            self._kill(engine)
        else:
            self._follow(engine)

    def _kill(self, engine: EngineThread) -> None:
        """Kill what runs and go; an engine that does not answer is not waited for."""
        self._prepared.session.send(CancelRun(force=True, by="Ctrl+C"))
        engine.leave()
        if not engine.wait(LAST_WAIT):
            leave_nobody()
            self._streams.err.line(f"the run does not end; what it kept is in {self._prepared.folder}")
            os._exit(Exit.INTERRUPTED)

    def _follow(self, engine: EngineThread) -> None:
        face = PlainFace(self._streams.err)
        viewer = Viewer(engine.session, face)
        ticks = self._ticks(viewer, face)
        with self._interrupts.in_main_thread() as act_on_signals:
            while not (engine.finished or _is_over(viewer.run, asks=not self._is_alone)):
                engine.wait(TICK)
                act_on_signals()
                ticks.tick()
        viewer.close()

    def _ticks(self, viewer: Viewer, face: PlainFace) -> Ticks:
        asks = not self._is_alone and can_ask(sys.stdin, sys.stderr)
        return ticker(viewer, face, self._prepared.session, self._streams.err, asks=asks)

    def _status(self, run: Run, left: DashboardExit, error: BaseException | None) -> int:
        if error is not None:
            self._streams.err.line(report(error, sys.argv[1:], os.environ))
            return Exit.BUG
        cancelled = signal.SIGINT if left.cancelled else None
        return of_run(run, stopped_by=self._interrupts.first or cancelled)


def _is_over(run: Run, *, asks: bool) -> bool:
    """Say whether nothing more will come: the run ended, or waits for a person in a way that lines cannot answer."""
    return run.state is RunState.FINISHED or (run.state is RunState.HELD and not (asks and run.questions))
