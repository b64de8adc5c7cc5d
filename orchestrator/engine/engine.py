"""Carries out one flow from its start to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from math import inf

from orchestrator.core.errors import Code, FlowError, InputError, Problem
from orchestrator.core.events import Event, RunHeld, RunStarted
from orchestrator.core.flow import Flow
from orchestrator.core.ports import Journal
from orchestrator.core.progress import TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import NEEDS_A_PERSON, BreakerState, Outcome, Reason, RunState, State, Status
from orchestrator.engine.admission import Admission
from orchestrator.engine.desk import Desk
from orchestrator.engine.gates import Gate
from orchestrator.engine.hub import EngineOptions, Hub, Parts
from orchestrator.engine.node import Level
from orchestrator.engine.operator import Operator
from orchestrator.engine.scheduler import Scheduler
from orchestrator.engine.session import EngineSession
from orchestrator.engine.world import Place, World, build, level_of
from orchestrator.resilience.breaker import Move

log = logging.getLogger(__name__)

_BAD = frozenset({State.FAILED, State.CANCELLED})
_FOR_OTHERS = (Reason.SLOT, Reason.SUBAGENT)
_GOES_ON = (Status.LIMITED, Status.RETRY, Status.RUNNING, Status.STOPPING)


class Engine:
    """One run. `session` is for front ends, from any thread; `run` is awaited once."""

    def __init__(self, flow: Flow, parts: Parts, options: EngineOptions | None = None) -> None:
        self._flow = flow
        self._parts = parts
        self._options = options or EngineOptions()
        self._hub = Hub(flow, parts, self._options)
        self._world: World = build(flow, self._hub.now, self._make_desk)
        self._scheduler = Scheduler(self._hub, self._world, self._idle, self._broke)
        self._hub.admission = Admission(self._hub.timers, self._emit, self._scheduler.waits, self._woken)
        self._hub.scheduler = self._scheduler
        self._operator = Operator(self._scheduler)
        self._over: asyncio.Future[None] | None = None
        self._lingers = False
        self._left = True
        self.session = EngineSession(self._hub, self._operator)

    def _emit(self, event: Event) -> None:
        self._hub.emit(event)

    def _make_desk(self, name: str, place: Place, own_name: str) -> Desk:
        spec = place.flow.backends[own_name]
        return Desk(
            name,
            spec,
            self._parts.backends,
            self._hub.now,
            tell=self._emit,
            moved=self._breaker_moved,
            held=self._held,
        )

    async def run(self, journals: Iterable[Journal] = (), *, lingers: bool = False) -> Run:
        """Carry out the flow. Returns the run when it has finished, or is held and nobody can be asked.

        The journals are given every event, and are closed at the end. A run that `lingers` stays open when it has
        finished, so that tasks can be retried, until `leave` is called.
        """
        over = self._over = asyncio.get_running_loop().create_future()
        self._lingers = lingers
        self._left = not lingers
        for journal in journals:
            self._hub.bus.add(journal)
        self._hub.open(asyncio.get_running_loop(), self._scheduler.attempt_ended)
        try:
            self._start()
            await over
            return self._hub.run
        finally:
            await self._close()

    def leave(self) -> None:
        """Let a finished run that lingers return. Call it on the engine's loop."""
        self._left = True
        if self._over is not None:
            self._scheduler.work()

    def _start(self) -> None:
        groups, backends, budgets = self._world.infos()
        flow, parts = self._flow, self._parts
        self._hub.emit(
            RunStarted(
                flow.name,
                flow.file,
                parts.clock.wall(),
                parts.seed,
                folder=parts.folder,
                max_concurrency=flow.max_concurrency,
                groups=groups,
                backends=backends,
                budgets=budgets,
                deadline=flow.deadline,
                simulated=self._options.simulated,
            )
        )
        level = level_of(
            self._world.places[""],
            self._world,
            inputs=parts.inputs,
            environment=parts.environment,
            secrets=parts.secrets,
        )
        self._scheduler.levels[""] = level
        self._add(level)
        for gate in self._world.budgets.values():
            self._scheduler.ledger.watch_time(gate)
        self._scheduler.checkups.start()
        self._scheduler.work()

    def _add(self, level: Level) -> None:
        try:
            self._scheduler.expander.add_level(level)
        except InputError as error:
            raise FlowError(
                Problem(str(error), self._flow.file, hint=error.failure.hint, code=Code.FLOW_LIMIT)
            ) from error

    async def _close(self) -> None:
        self._end()
        for runner in tuple(self._hub.runners):
            runner.cancel()
        self._hub.timers.close()
        async with asyncio.TaskGroup() as closing:
            for closes in (*(desk.aclose for desk in self._world.desks.values()), self._hub.aclose):
                closing.create_task(_closed(closes))

    # ── what the scheduler and the desks tell ──

    def _woken(self, gate: Gate) -> None:
        self._scheduler.do(self._hub.admission.moved, gate)

    def _held(self, desk: Desk, until: float) -> None:
        if until < inf:
            self._hub.timers.wake((desk, "hold"), until, lambda _: self._hold_due(desk))
        self._scheduler.then(self._scheduler.degradation.look)

    def _hold_due(self, desk: Desk) -> None:
        """Let in who waited for the end of a hold, unless it was extended meanwhile."""
        until = desk.hold.hold.until
        if until is not None:
            self._held(desk, until)
            return
        desk.end_hold()
        self._scheduler.then(self._scheduler.degradation.look)
        self._scheduler.then(self._hub.admission.moved, desk.hold)
        self._scheduler.do(self._hub.admission.moved_elsewhere, desk)

    def _breaker_moved(self, desk: Desk, move: Move) -> None:
        """Plan the next move, give up who waited too long, and let in who may go now."""
        self._hub.timers.forget((desk, "breaker"))
        if move.until is not None:
            self._hub.timers.wake((desk, "breaker"), move.until, lambda _: self._breaker_due(desk))
        breaker = desk.breaker.breaker
        if move.to is BreakerState.OPEN and breaker.failed_probes >= desk.spec.breaker.give_up:
            self._scheduler.then(self._scheduler.give_up, desk)
        self._scheduler.then(self._scheduler.degradation.look)
        self._scheduler.then(self._let_in, desk)
        self._scheduler.ledger.gauge(desk)

    def _breaker_due(self, desk: Desk) -> None:
        self._scheduler.do(desk.breaker.breaker.tick)

    def _let_in(self, desk: Desk) -> None:
        self._hub.admission.moved(desk.breaker)
        self._hub.admission.moved_elsewhere(desk)

    def _idle(self) -> None:
        """Nothing is on the agenda: perhaps the run has ended, or waits for a person."""
        run = self._hub.run
        if self._scheduler.unsettled and self._world.run_slots.used:
            return  # whoever has a slot runs, and comes back here
        if run.state is RunState.FINISHED:
            if self._left:
                self._end()
        elif self._scheduler.unsettled == 0:
            self._finish(self._outcome())
        elif run.state is not RunState.HELD and self._is_held():
            self._hold()

    def _finish(self, outcome: Outcome) -> None:
        for desk in self._world.desks.values():
            if desk.calls:
                self._scheduler.ledger.tell_gauge(desk)
        self._hub.emit(self._scheduler.expander.finished(outcome))
        if self._left:
            self._end()

    def _end(self) -> None:
        """Tell nobody anything any more: the run is over."""
        self._scheduler.is_closed = True
        self._hub.bus.close()
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _broke(self, error: Exception) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)
        self._end()

    def _outcome(self) -> Outcome:
        """Judge the run by how its tasks ended; what was left over from earlier expansions is not among them."""
        tasks = self._hub.run.tasks
        bad = [node for node in self._scheduler.nodes.values() if tasks[node.id].state in _BAD and not node.is_gone]
        was_stopped = any(self._scheduler.state(node) is State.CANCELLED for node in bad)
        if was_stopped and self._scheduler.cancelled_by is not None and not self._scheduler.cancelled_by_rule:
            return Outcome.CANCELLED
        if any(not node.is_optional for node in bad):
            return Outcome.FAILED
        return Outcome.DEGRADED if bad or self._scheduler.degradation.has_left_out else Outcome.SUCCEEDED

    # ── held ──

    def _is_held(self) -> bool:
        """Return whether nothing runs and every wait needs a person; a wait with an end is never held.

        Where nothing runs, what waits for a slot or a subagent waits for others that in their turn need a person.
        """
        counts = self._hub.run.tally.counts
        if counts[Status.RUNNING] or any(counts[status] for status in _GOES_ON):
            return False
        waiting = [task for task in self._waiting() if task.wait is None or task.wait.reason not in _FOR_OTHERS]
        return bool(waiting) and all(map(self._needs_a_person, waiting))

    def _waiting(self) -> list[TaskProgress]:
        return [task for task in self._hub.run.tasks.values() if task.state is State.WAITING]

    def _needs_a_person(self, task: TaskProgress) -> bool:
        wait, attempt = task.wait, self._scheduler.nodes[task.id].attempt
        if wait is None or (attempt is not None and attempt.is_stopping):
            return False
        if wait.reason is Reason.BREAKER:
            return self._world.desks[wait.gate or ""].breaker.breaker.state is BreakerState.TRIPPED
        if wait.reason is Reason.QUOTA:
            return self._world.desks[wait.gate or ""].hold.hold.until == inf
        return wait.until is None and wait.reason in NEEDS_A_PERSON

    @property
    def _waits_in_vain(self) -> bool:
        """Return whether nobody is there to do what a held run waits for."""
        if self._lingers or not self._options.stops_when_held:
            return False
        return not (self._options.answers_questions and self._hub.run.questions)

    def _hold(self) -> None:
        """Say what the run waits for; one that ends meanwhile, or that nobody watches, waits no longer."""
        if self._hub.run.state is RunState.CANCELLING:
            if self._waits_in_vain:
                self._scheduler.do(self._scheduler.cancel_rest, "the end of the run")
            return
        waits = (f"{task.id}: {task.wait.reason}" for task in self._waiting() if task.wait is not None)
        self._hub.emit(RunHeld(tuple(waits)))
        if self._waits_in_vain:
            self._finish(Outcome.HELD)


async def _closed(closes: Callable[[], Awaitable[None]]) -> None:
    try:
        await closes()
    except Exception:  # foreign code: a backend that cannot be closed hurts neither the others nor the run
        log.exception("a backend could not be closed")
