"""What front ends have of an engine: a copy of the state, what happens after it, and no way to do harm."""

import asyncio
import logging
from collections.abc import Sequence
from threading import Thread

import pytest

from orchestrator.core import events as ev
from orchestrator.core.commands import CancelTask
from orchestrator.core.events import Record
from orchestrator.core.ports import Gap, Subscription
from orchestrator.core.run import Run
from orchestrator.core.states import Outcome, RunState
from orchestrator.engine import Engine, EngineOptions, Parts
from orchestrator.engine.bus import Backlog
from orchestrator.engine.clock import Chance, LoopClock, VirtualClock, run_virtual
from tests.engine.kit import KINDS, Free, Memory, Nowhere, backend, flow, task


def engine_of(*tasks: Free, clock: Free = None, **fields: Free) -> Engine:
    parts = Parts(KINDS.__getitem__, Nowhere, clock or VirtualClock(), Chance(1), Memory(), "r1")
    return Engine(flow(*tasks, **fields), parts, EngineOptions())


class Viewer:
    """Folds what it is given on its own."""

    def __init__(self, attached: tuple[Run, Subscription]) -> None:
        self.run, self.subscription = attached

    def catch_up(self) -> None:
        records = self.subscription.drain()
        assert not isinstance(records, Gap)
        for record in records:
            self.run.apply(record)


def test_a_viewer_that_attaches_at_any_moment_sees_the_same_in_the_end() -> None:
    engine = engine_of(task("a", [1.0, "text", 1.0]), task("b", [3.0], needs=["a"]))
    viewers: list[Viewer] = []

    async def main() -> Run:
        loop = asyncio.get_running_loop()
        for moment in (0.5, 1.0, 1.005, 2.001, 4.9):
            loop.call_at(moment, lambda: viewers.append(Viewer(engine.session.attach())))
        return await engine.run()

    viewers.append(Viewer(engine.session.attach()))
    run = run_virtual(main())
    for viewer in viewers:
        viewer.catch_up()
        assert (viewer.run.tasks, viewer.run.state, viewer.run.seq) == (run.tasks, run.state, run.seq)


def test_a_copy_goes_its_own_way() -> None:
    engine = engine_of(task("a", [1.0]))
    before, _ = engine.session.attach()
    run_virtual(engine.run())
    after, _ = engine.session.attach()
    assert (before.state, after.state) == (RunState.STARTING, RunState.FINISHED)


def test_whoever_falls_too_far_behind_is_told_of_the_gap_and_forgotten() -> None:
    backlog = Backlog(limit=3)
    record = Record("r", 0, 0.0, ev.RunPaused("x"))
    backlog.publish([record] * 2)
    backlog.publish([record] * 2)
    backlog.publish([record])
    assert backlog.drain() == Gap(5)
    assert backlog.is_closed


def test_a_viewer_that_has_gone_is_given_nothing_more() -> None:
    engine = engine_of(task("a", [1.0]))
    viewer = Viewer(engine.session.attach())
    viewer.subscription.close()
    run_virtual(engine.run())
    assert viewer.subscription.drain() == []


class Broken:
    """A journal whose disk is full."""

    def __init__(self, *, from_the_start: bool) -> None:
        self.records = 0
        self._breaks = from_the_start

    def append(self, records: Sequence[Record]) -> None:
        self.records += len(records)
        if self._breaks or self.records > 3:
            raise OSError("no space left")

    def close(self) -> None:
        raise OSError("no space left for that either")


@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_journal_that_raises_is_dropped_and_the_run_goes_on(
    from_the_start: bool,  # noqa: FBT001 - a parameter of the test
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = engine_of(task("a", [1.0]), task("b", [1.0], needs=["a"]))
    broken = Broken(from_the_start=from_the_start)
    with caplog.at_level(logging.ERROR):
        run = run_virtual(engine.run([broken]))
    assert run.outcome is Outcome.SUCCEEDED
    assert "journal failed" in caplog.text


def test_backends_are_closed_with_the_run_and_one_that_cannot_be_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    made: list[Nowhere] = []

    class Sticky(Nowhere):
        async def aclose(self) -> None:
            await super().aclose()
            raise OSError("stuck")

    def make(spec: Free) -> Nowhere:
        made.append(Sticky(spec))
        return made[-1]

    parts = Parts(KINDS.__getitem__, make, VirtualClock(), Chance(1), Memory(), "r1")
    uses = [lambda context: context.backend and None, 1.0]
    told = flow(task("a", uses, backend="x"), task("b", uses, backend="y"), backends=[backend("x"), backend("y")])
    with caplog.at_level(logging.ERROR):
        run = run_virtual(Engine(told, parts, EngineOptions()).run())
    assert run.outcome is Outcome.SUCCEEDED
    assert [one.is_closed for one in made] == [True, True]


def test_another_thread_can_attach_and_ask() -> None:
    engine = engine_of(task("a", [30.0]), clock=LoopClock())
    seen: list[object] = []

    def front_end() -> None:
        run, subscription = engine.session.attach()
        seen.append(run.state)
        engine.session.send(CancelTask(task="a"))
        seen.append(subscription)

    async def main() -> Run:
        thread = Thread(target=front_end)
        asyncio.get_running_loop().call_later(0.01, thread.start)
        return await engine.run()

    assert asyncio.run(main()).tasks["a"].state == "cancelled"
    assert seen[0] is RunState.RUNNING


def test_after_the_end_a_session_still_shows_how_it_ended_and_takes_no_harm_from_commands() -> None:
    engine = engine_of(task("a"), clock=LoopClock())
    asyncio.run(engine.run())
    engine.session.send(CancelTask(task="a"))
    run, subscription = engine.session.attach()
    assert run.state is RunState.FINISHED
    assert subscription.drain() == []
