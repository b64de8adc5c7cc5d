"""Running a flow without the dashboard: the engine in the main thread, what people read from a thread beside it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from orchestrator.bootstrap import Prepared, RunOptions, configured, prepare, run_to_the_end
from orchestrator.cli.asking import Asker, Keyboard
from orchestrator.cli.bugs import report
from orchestrator.cli.eventlog import OutputsKept
from orchestrator.cli.exits import Exit, of_run
from orchestrator.cli.interrupts import Interrupts
from orchestrator.cli.options import instances
from orchestrator.cli.places import short
from orchestrator.cli.report import report_text
from orchestrator.cli.streams import Out, Reader, Streams, can_ask, standard_streams, wants_lines
from orchestrator.cli.summary import Logs, Paper, outputs_text, summary
from orchestrator.cli.watching import BlockFace, PlainFace, ReaderWatch, Ticks, Together, Viewer, Watch
from orchestrator.cli.words import clean
from orchestrator.core.commands import CancelRun
from orchestrator.core.flow import Flow
from orchestrator.core.ports import Journal, Session
from orchestrator.core.run import Run
from orchestrator.flows.overriding import asking_at_work
from orchestrator.journal import JsonLines


def run_headless(flow: str, options: Mapping[str, Any]) -> int:
    """Run the flow and return the exit status."""
    asks = can_ask(sys.stdin, sys.stderr)
    streams = standard_streams()
    prepared = prepare(flow, engine_options(options, asks=asks or options["dry_run"]))
    warn(prepared, streams.err)
    if options["dry_run"]:
        from orchestrator.cli.plan import plan_text  # noqa: PLC0415 - planning costs time that a run does not need
        from orchestrator.flows.counting import with_known_lists  # noqa: PLC0415 - as above

        streams.out.write(plan_text(with_known_lists(prepared.flow, prepared.inputs), by_task=True))
        return Exit.OK
    prepared.claim_folder()
    if not asks and options["simulate"] != "all" and not options["approve_all"]:
        warn_of_refusals(prepared.flow, options["approve"], streams.err)
    return Headless(prepared, options, streams, asks=asks, outlives=outlives_terminal(flow)).go()


def outlives_terminal(flow: str) -> bool:
    """Say whether a run goes on when its terminal is closed, as it is set beside the flow."""
    return configured(flow).on_hangup == "continue"


def engine_options(options: Mapping[str, Any], *, asks: bool) -> RunOptions:
    """Return what the engine needs of what the command line said."""
    return RunOptions(
        inputs=options["inputs"],
        only=instances(options["only"]),
        simulate=options["simulate"],
        max_concurrency=options["max_concurrency"],
        budget_usd=options["budget_usd"],
        deadline=options["deadline"],
        env_file=options["env_file"],
        approve=frozenset(instances(options["approve"])),
        approve_all=options["approve_all"],
        seed=options["seed"],
        can_ask=asks,
        dry_run=options.get("dry_run", False),
    )


def warn(prepared: Prepared, err: Out) -> None:
    for problem in prepared.warnings:
        err.line(f"warning: {problem}")


def warn_of_refusals(flow: Flow, approved: Collection[str], err: Out) -> None:
    """Say which agents will be refused what a person would have to allow."""
    names = [name for name in asking_at_work(flow) if name not in approved]
    if names:
        why = "nobody can be asked here, so what agents need leave for is refused"
        hint = f"--approve {names[0]} allows all that it wants, `confirm: never` asks nobody"
        err.line(f"warning: {why}: {', '.join(names)}; {hint}")


class Headless:
    """One run without the dashboard, from its first event to its exit status."""

    def __init__(
        self,
        prepared: Prepared,
        options: Mapping[str, Any],
        streams: Streams,
        *,
        asks: bool,
        speed: float = 1.0,
        outlives: bool = False,
    ) -> None:
        self._prepared = prepared
        self._output: str = options["output"]
        self._logs: Logs = options["print_logs"]
        self._streams = streams
        self._asks = asks
        self._speed = speed
        self._plain = wants_lines(options, os.environ)
        self._kept = OutputsKept()
        self._delivered = False
        self._interrupts = Interrupts(prepared.session.send, outlives=outlives)

    def go(self) -> int:
        face = self._face()
        viewer = Viewer(self._prepared.session, face)
        watch = Watch(self._ticks(viewer, face))
        run = self._run(watch)
        if watch.error is None:
            viewer.close()
        self._sum_up(run)
        self._delivered = self._deliver(run)
        return self._status(run, watch)

    def _face(self) -> BlockFace | PlainFace:
        in_place = self._streams.err.looks.terminal and not self._plain
        return BlockFace(self._streams.err) if in_place else PlainFace(self._streams.err)

    def _sum_up(self, run: Run) -> None:
        print_summary(run, self._prepared, self._logs, self._streams.err)

    def _ticks(self, viewer: Viewer, face: BlockFace | PlainFace) -> Ticks:
        shown = ticker(viewer, face, self._prepared.session, self._streams.err, asks=self._asks)
        if self._output != "jsonl":
            return shown
        return Together(shown, ReaderWatch(Reader(sys.stdout), self._reader_gone))

    def _run(self, watch: Watch) -> Run:
        with ExitStack() as stack:
            journals: list[Journal] = [self._kept] if self._output == "json" else []
            if self._output == "jsonl":
                printed = JsonLines(sys.stdout, self._reader_gone)
                stack.callback(printed.close)
                journals.append(printed)
            return run_to_the_end(self._run_under(watch, journals), speed=self._speed)

    async def _run_under(self, watch: Watch, journals: Sequence[Journal]) -> Run:
        with self._interrupts.on_loop(asyncio.get_running_loop()), watch:
            return await self._prepared.run(journals=journals)

    def _reader_gone(self) -> None:
        """Stop: nobody reads the events any more, as when `head` has seen enough."""
        self._prepared.session.send(CancelRun(by="closed pipe"))

    def _deliver(self, run: Run) -> bool:
        """Print the results and return whether they found their place: without them no run is a success."""
        try:
            self._print(run)
        except OSError as error:
            self._streams.err.line(f"the results cannot be written: {error.strerror}")
            return False
        return True

    def _print(self, run: Run) -> None:
        if self._output == "json":
            self._streams.out.line(report_text(run, self._kept.outputs, ascii_only=not self._streams.out.looks.unicode))
        elif self._output == "text":
            text = outputs_text(run)
            self._streams.out.write(clean(text) if self._streams.out.looks.terminal else text)

    def _status(self, run: Run, watch: Watch) -> int:
        if watch.error is not None:
            self._streams.err.line(report(watch.error, sys.argv[1:], os.environ))
            return Exit.BUG
        status = of_run(run, stopped_by=self._interrupts.first)
        return status if self._delivered else status or Exit.FAILED


def ticker(viewer: Viewer, face: BlockFace | PlainFace, session: Session, err: Out, *, asks: bool) -> Ticks:
    """Return what is to be ticked: the viewer, and with it whoever asks the person at the terminal."""
    if not asks:
        return viewer
    block = face if isinstance(face, BlockFace) else None
    return Together(viewer, Asker(session, viewer, Keyboard(sys.stdin), err, block))


def print_summary(run: Run, prepared: Prepared, logs: Logs, err: Out) -> None:
    columns = err.size().columns if err.looks.terminal else 0
    paper = Paper(looks=err.looks, logs=logs, log_path=lambda task: _log(prepared.log_path(task)), columns=columns)
    err.write(summary(run, paper))
    if prepared.trouble is not None:
        err.line(f"warning: {prepared.trouble}; the run went on without")


def _log(path: str) -> str | None:
    """Return the path for people; none of a task that wrote nothing."""
    return short(path, os.environ) if Path(path).exists() else None


def last_state(session: Session) -> Run:
    """Return the run as it stands now."""
    run, events = session.attach()
    events.close()
    return run
