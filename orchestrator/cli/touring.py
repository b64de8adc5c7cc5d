"""The demo: a guided run of a shipped flow, in the dashboard or in plain lines, and what its events prove."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from orchestrator.bootstrap import EngineThread, Prepared, RunOptions, prepare
from orchestrator.cli.background import Background
from orchestrator.cli.exits import Exit
from orchestrator.cli.headless import Headless
from orchestrator.cli.places import shipped
from orchestrator.cli.screen import OnScreen, dashboard_options
from orchestrator.cli.streams import Looks, Out, Streams, no_dashboard_because, standard_streams, wants_lines
from orchestrator.cli.watching import BlockFace, PlainFace, Ticks, Together, Viewer, Watch
from orchestrator.core.ports import Guide
from orchestrator.core.run import Run
from orchestrator.core.simulation import Dials
from orchestrator.core.states import Outcome
from orchestrator.core.units import many
from orchestrator.demo.tour import Tour
from orchestrator.demo.witness import Proof, Side
from orchestrator.tui import DashboardExit, DashboardOptions

FAST: Final = 4.0
"""How many times as fast the clock runs for those in a hurry."""


def show_demo(options: Mapping[str, Any], background: Background | None) -> int:
    """Lead through the fire and return the exit status."""
    streams = standard_streams()
    plain = wants_lines(options, os.environ)
    why = None if plain else no_dashboard_because(sys.stdin, sys.stderr, os.environ)
    if why is not None:
        streams.err.line(f"no dashboard: {why}; the demo is told in lines")
    flow = str(shipped("sample_flows") / "parts" / "demo.yaml")
    in_lines = plain or why is not None
    look = None if in_lines else dashboard_options(None, options, streams, background)
    dials, speed = Dials(), FAST if options["fast"] else 1.0
    prepared = prepare(flow, RunOptions(can_ask=not in_lines, dials=dials))
    prepared.claim_folder()
    tour = Tour(prepared.session, dials, speed)
    if look is None:
        return DemoInLines(prepared, options, streams, tour, speed).go()
    guided = replace(look, guide=tour, log_path=prepared.log_path)
    return DemoOnScreen(prepared, options, streams, guided, tour, speed).go()


class DemoInLines(Headless):
    """The demo without the dashboard: captions among the lines of what happens."""

    def __init__(
        self, prepared: Prepared, options: Mapping[str, Any], streams: Streams, tour: Tour, speed: float
    ) -> None:
        as_lines = {**options, "output": "text", "plain": True}
        super().__init__(prepared, as_lines, streams, asks=False, speed=speed)
        self._tour = tour

    def _ticks(self, viewer: Viewer, face: BlockFace | PlainFace) -> Ticks:
        return Together(super()._ticks(viewer, face), Narrator(self._tour, self._streams.err))

    def _sum_up(self, run: Run) -> None:
        super()._sum_up(run)
        tell_proof(self._tour.proof(), self._streams.err)

    def _status(self, run: Run, watch: Watch) -> int:
        return status_of(super()._status(run, watch), run, self._tour.proof())


class DemoOnScreen(OnScreen):
    """The demo in the dashboard."""

    def __init__(
        self,
        prepared: Prepared,
        options: Mapping[str, Any],
        streams: Streams,
        look: DashboardOptions,
        tour: Tour,
        speed: float,
    ) -> None:
        super().__init__(prepared, options, streams, look)
        self._tour = tour
        self._speed = speed

    def _engine(self) -> EngineThread:
        return EngineThread(self._prepared, speed=self._speed)

    def _ticks(self, viewer: Viewer, face: PlainFace) -> Ticks:
        return Together(super()._ticks(viewer, face), Narrator(self._tour, self._streams.err))

    def _sum_up(self, run: Run) -> None:
        super()._sum_up(run)
        tell_proof(self._tour.proof(), self._streams.err)

    def _status(self, run: Run, left: DashboardExit, error: BaseException | None) -> int:
        return status_of(super()._status(run, left, error), run, self._tour.proof())


def status_of(status: int, run: Run, proof: Proof) -> int:
    """Return 0 for a run that failed only where it was meant to."""
    as_meant = run.outcome is Outcome.FAILED and not proof.outside.affected
    return Exit.OK if status == Exit.FAILED and as_meant else status


# ── what is said ────────────────────────────────────────────────────────────────────────────────


class Narrator:
    """Writes what the guide says while the run is on, each caption once."""

    def __init__(self, guide: Guide, out: Out) -> None:
        self._guide = guide
        self._out = out
        self._told = ""

    def tick(self) -> None:
        caption = self._guide.look()
        if caption.moment == self._told or caption.affected is not None:
            return
        self._told = caption.moment
        heading = self._out.looks.paint(f"── {caption.step}/{caption.steps}  {caption.heading}", "bold")
        self._out.write(f"{heading}\n        {caption.why}\n")


def tell_proof(proof: Proof, out: Out) -> None:
    for line in proof_lines(proof, out.looks):
        out.line(line)


def proof_lines(proof: Proof, looks: Looks) -> Iterator[str]:
    """Yield what the events say of who was hurt."""
    inside, outside = proof.inside, proof.outside
    if not inside.groups:
        yield f"  proof: nothing was broken, as {many(proof.events, 'event')} tell"
        return
    where = f"{outside.affected} of {many(outside.total, 'task')} outside {' and '.join(inside.groups)}"
    text = f"  proof: {where} were affected, counted from {many(proof.events, 'event')}"
    yield looks.paint(text, "bold", "red" if outside.affected else "green")
    width = max(len(", ".join(side.groups)) for side in (inside, outside))
    yield f"    outside  {', '.join(outside.groups):<{width}}  {_counts(outside)}"
    yield f"    inside   {', '.join(inside.groups):<{width}}  {_counts(inside)}"


def _counts(side: Side) -> str:
    hurt = ((side.failed, "failed"), (side.skipped, "skipped"))
    return ", ".join([f"{side.done} of {side.total} done", *(f"{number} {word}" for number, word in hurt if number)])
