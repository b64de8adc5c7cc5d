"""Brings each task from its declaration to its end, the moment it can. The one place that decides what follows what.

Whatever follows from an event is put on the agenda and done before anything else happens, one after the other: so a
cancelled group or a long chain of skips costs no recursion, and events stand in the order of cause and effect.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, TypeVarTuple

from orchestrator.core.dependencies import Dependencies, Doomed, Ready, Settled
from orchestrator.core.errors import AttemptError, Failure
from orchestrator.core.events import (
    AttemptStarted,
    Event,
    GroupCancelled,
    RunCancelling,
    TaskAdded,
    TaskCancelled,
    TaskFailed,
    TaskSkipped,
    TaskSucceeded,
    TaskWaiting,
)
from orchestrator.core.flow import ALWAYS_SECONDS, FLOW_KIND, GATE_KIND, Need, OnFailure
from orchestrator.core.states import FINAL, Reason, State
from orchestrator.engine.admission import Grant, given_up
from orchestrator.engine.approvals import Approvals
from orchestrator.engine.aside import Aside
from orchestrator.engine.attempt import Attempt, Broke, End, Stopped
from orchestrator.engine.calls import Calls
from orchestrator.engine.degradation import Degradation
from orchestrator.engine.delegation import Delegation
from orchestrator.engine.desk import Desk
from orchestrator.engine.endings import Endings
from orchestrator.engine.expander import Expander, public, public_needs
from orchestrator.engine.gates import Gate
from orchestrator.engine.health import Checkups
from orchestrator.engine.hub import Hub
from orchestrator.engine.ledger import Ledger
from orchestrator.engine.line import NOTHING, Ticket
from orchestrator.engine.node import Level, Node, deadline_passed
from orchestrator.engine.questions import Questions
from orchestrator.engine.renderer import Renderer, kind_calls
from orchestrator.engine.saving import Saving
from orchestrator.engine.world import World

Ts = TypeVarTuple("Ts")

_RUN: Final = ("run",)
_PENDING: Final = State.PENDING


class Scheduler:
    """Owns the nodes. `idle` is called whenever the agenda is empty, `broke` with an error that is a bug of ours."""

    def __init__(self, hub: Hub, world: World, idle: Callable[[], None], broke: Callable[[Exception], None]) -> None:
        self.hub = hub
        self.world = world
        self.renderer = Renderer(hub)
        self.ledger = Ledger(hub, self.then, self.do)
        self.endings = Endings(self)
        self.expander = Expander(self)
        self.approvals = Approvals(self)
        aside = Aside(self)
        self.calls = Calls(self, aside)
        self.questions = Questions(self, aside)
        self.delegation = Delegation(self, aside)
        self.checkups = Checkups(self)
        self.degradation = Degradation(self)
        self.saving = Saving(self)
        self.dependencies = Dependencies()
        self.nodes: dict[str, Node] = {}
        self.levels: dict[str, Level] = {}
        self.unsettled = 0
        self.cancelled_by: str | None = None
        self.cancelled_by_rule = False
        self.draining = False
        self.deadline_at = hub.flow.deadline
        self.is_closed = False
        self._idle = idle
        self._broke = broke
        self._agenda: deque[tuple[Callable[..., object], tuple[object, ...]]] = deque()
        self._working = False
        self._order = 0

    # ── the agenda ──

    def then(self, act: Callable[[*Ts], object], *arguments: *Ts) -> None:
        """Put something on the agenda."""
        self._agenda.append((act, arguments))

    def work(self) -> None:
        """Do what is on the agenda, and what that puts there, until it is empty.

        Whatever comes to the engine from outside ends here: timers, ends of attempts, commands, calls.
        """
        if self._working or self.is_closed:
            return
        self._working = True
        try:
            self._work_off()
            while self._agenda:
                self._work_off()
        except Exception as error:  # noqa: BLE001 - a bug of ours ends the run with it, lest the run stand still for ever
            self._broke(error)
        finally:
            self._working = False

    def _work_off(self) -> None:
        while self._agenda:
            act, arguments = self._agenda.popleft()
            act(*arguments)
        self._idle()

    def do(self, act: Callable[[*Ts], object], *arguments: *Ts) -> None:
        """Do something that comes from outside, and all that follows."""
        self._agenda.append((act, arguments))
        self.work()

    def state(self, node: Node) -> State:
        return self.hub.run.tasks[node.id].state

    def is_final(self, node: Node) -> bool:
        return self.hub.run.tasks[node.id].state in FINAL

    # ── from declared to ready ──

    def add(self, node: Node, needs: tuple[Need, ...]) -> None:
        """Let a task belong to the run; its verdict is asked for separately, once all beside it are there."""
        task = node.task
        self.nodes[node.id] = node
        self.unsettled += 1
        self.dependencies.add(node.id, needs)
        attempts = None if node.whole or task.kind in (FLOW_KIND, GATE_KIND) else task.retry.max_attempts
        self.hub.emit(
            TaskAdded(
                node.id,
                task.kind,
                node.group.name,
                needs=public_needs(needs),
                whole=node.whole,
                of=node.of.id if node.of is not None else None,
                label=node.label,
                backend=task.backend,
                max_attempts=attempts,
                optional=task.optional,
                description=task.description,
            )
        )

    def look_at(self, node: Node) -> None:
        """Act on what can be said of the task now."""
        verdict = self.dependencies.verdict(node.id)
        if verdict is not None:
            self.then(self.on_verdict, verdict)

    def on_verdict(self, verdict: Ready | Doomed) -> None:
        node = self.nodes.get(verdict.task)
        if node is None or self.hub.run.tasks[node.id].state is not _PENDING:
            return
        if isinstance(verdict, Ready):
            self._ready(node)
        else:
            self._doomed(node, verdict)

    def _doomed(self, node: Node, verdict: Doomed) -> None:
        node.doomed_by = verdict.cause
        if self.cancelled_by is not None and not node.always:
            self.cancel(node, self.cancelled_by)
        else:
            self.settle(
                node, TaskSkipped(node.id, public(verdict.because), verdict.root), State.SKIPPED, root=verdict.root
            )

    def _ready(self, node: Node) -> None:
        if self.cancelled_by is not None and not node.always:
            self.cancel(node, self.cancelled_by)
            return
        node.became_ready(self.deadline_at if not node.always else self._minute_longer())
        try:
            if node.whole:
                self.expander.expand_whole(node)
            elif node.task.when is not None and not self.renderer.holds(node.task.when, node):
                self.settle(node, TaskSkipped(node.id, f"when: {node.task.when}"), State.SKIPPED)
            elif (because := self.degradation.leaves_out(node)) is not None:
                self._leave_out(node, because)
            else:
                self._prepare(node)
        except AttemptError as error:
            self.fail(node, self.blame(node, error.failure))

    def _leave_out(self, node: Node, because: str) -> None:
        """Skip an optional task, and let those who need it go on without it."""
        node.output = self.endings.recovered(node)
        self.settle(node, TaskSkipped(node.id, because), State.SKIPPED, left_out=True)

    def _minute_longer(self) -> float | None:
        """Return until when the run lets `always` tasks go on: they get a minute, also after the run's deadline."""
        return None if self.deadline_at is None else max(self.deadline_at, self.hub.now() + ALWAYS_SECONDS)

    def _prepare(self, node: Node) -> None:
        """Render what the task holds, and ask to be admitted."""
        node.settings = self.renderer.settings(node) if node.given is None else node.given
        if self.hub.options.simulated and node.task.simulate is not None:
            node.simulate = self.renderer.data(node.task.simulate, self.renderer.scope(node))
        if node.task.backend is not None:
            self._find_backends(node)
        if node.deadline_at is not None:
            self.hub.timers.wake(node, node.deadline_at, self._deadline)
        self.request(node)

    def _find_backends(self, node: Node) -> None:
        """Find those who may take the task's call; for one that makes many, those who may take each of them."""
        found = self.renderer.candidates(node)
        if kind_calls(node.kind, node.settings) == "many":
            node.callees = found
        else:
            node.candidates = found

    def _take_over(self, node: Node, known: Mapping[str, object]) -> None:
        """Let an earlier answer be the task's own."""
        try:
            self.saving.save(node, known)
        except AttemptError as error:
            self.fail(node, self.blame(node, error.failure))
        else:
            self.succeed(node, dict(known), cached=True)

    def reconsider(self) -> None:
        """Look again at those who wait and have not begun: with another level, some need not wait."""
        for node in tuple(self.nodes.values()):
            if node.attempt is None and node.ticket is not None and self.state(node) is State.WAITING:
                self._reconsider(node)

    def _reconsider(self, node: Node) -> None:
        because = self.degradation.leaves_out(node)
        known = self.saving.known(node) if node.task.cache_ttl is not None else None
        if because is None and known is None:
            return
        self.leave(node)
        if because is not None:
            self._leave_out(node, because)
        elif known is not None:
            self._take_over(node, known)

    # ── admission ──

    def next_order(self) -> int:
        self._order += 1
        return self._order

    def request(self, node: Node) -> None:
        """Ask for the next attempt of the node, unless an earlier answer will do."""
        if node.task.cache_ttl is not None and (known := self.saving.known(node)) is not None:
            self._take_over(node, known)
            return
        granted = self._expand if node.task.kind == FLOW_KIND else self._start
        try:
            estimate = self.renderer.estimate(node, node.candidates) if node.candidates else NOTHING
        except AttemptError as error:
            self.fail(node, self.blame(node, error.failure))
            return
        node.order = node.order or self.next_order()
        node.ticket = Ticket(
            node,
            node.order,
            granted,
            self._rejected,
            candidates=node.candidates,
            estimate=estimate,
            needs_slots=bool(node.slots),
        )
        self.hub.admission.request(node.ticket)

    def waits(self, ticket: Ticket, gate: Gate, until: float | None) -> None:
        """Tell that a ticket waits, where that is news."""
        node = ticket.node
        if ticket.beside:
            return
        if gate is self.hub.admission.approvals:
            until = self.approvals.ask(node)
        wait = self.hub.run.tasks[node.id].wait
        if wait is None or (wait.reason, wait.until, wait.gate) != (gate.reason, until, gate.name):
            self.hub.emit(TaskWaiting(node.id, gate.reason, until, gate.name))

    def _expand(self, node: Node, grant: Grant) -> None:
        node.ticket = None
        node.place = grant
        self.then(self.expander.expand_flow, node)

    def _start(self, node: Node, grant: Grant) -> None:
        node.ticket = None
        node.number += 1
        node.tries += 1
        node.start_watch()
        of = node.number - node.tries + node.task.retry.max_attempts
        desk = grant.desk or (node.callees[0] if node.callees else None)
        self.hub.emit(AttemptStarted(node.id, node.number, of, desk.name if desk is not None else None))
        if node.first_try_at is None:
            node.first_try_at = self.hub.run.at
        if grant.desk is not None:
            self.ledger.gauge(grant.desk)
        node.attempt = Attempt(self.hub, node, grant)
        node.attempt.start()

    def attempt_ended(self, attempt: Attempt, end: End) -> None:
        """Take note of an attempt's end, and of all that follows."""
        attempt.node.attempt = None
        self.do(self.endings.of, attempt, end)

    def again_at(self, node: Node, moment: float) -> None:
        """Let the node wait until then, holding nothing, and ask for another attempt."""
        self.hub.emit(TaskWaiting(node.id, Reason.BACKOFF, moment))
        node.timer = self.hub.timers.at(moment, self.after_backoff, node)

    def after_backoff(self, node: Node) -> None:
        """End a backoff, because it is over or because somebody said so: that of a task, or of a call that it makes."""
        node.stop_timer()
        if node.attempt is not None:
            node.attempt.end_backoff()
            return
        node.stop_watch()
        self.do(self.request, node)

    def _deadline(self, node: Node) -> None:
        """Fail a task that has not ended; the parts of a whole or a sub-flow have deadlines of their own."""
        failure = deadline_passed(self.hub.run.tasks[node.id].wait)
        if node.attempt is not None:
            node.attempt.end_with(Broke(failure))
        elif self.state(node) in (State.PENDING, State.WAITING):
            self.leave(node)
            self.fail(node, self.blame(node, failure))
            self.work()

    # ── ends ──

    def _rejected(self, node: Node, failure: Failure) -> None:
        self.then(self.reject, node, failure)

    def reject(self, node: Node, failure: Failure) -> None:
        """Fail a task that will never be admitted."""
        node.ticket = None
        if not self.is_final(node):
            self.fail(node, self.blame(node, failure))

    def give_up(self, desk: Desk) -> None:
        """Fail those who are parked at a breaker whose probes failed too often."""
        for ticket in desk.breaker.line:
            self.hub.admission.withdraw(ticket)
            ticket.rejected(ticket.node, given_up(desk))

    def blame(self, node: Node, failure: Failure) -> Failure:
        return self.endings.blamed(failure, node)

    def succeed(self, node: Node, output: dict[str, object] | None, *, cached: bool = False) -> None:
        node.output = output
        self.settle(node, TaskSucceeded(node.id, output, cached), State.SUCCEEDED)  # type: ignore[arg-type]  # JSON-able by now

    def fail(self, node: Node, failure: Failure, output: dict[str, object] | None = None) -> None:
        """Fail the task for good; an optional one leaves its `recover` value instead."""
        if node.task.optional:
            output = self.endings.recovered(node)
        node.output = output
        self.settle(node, TaskFailed(node.id, failure, output), State.FAILED)  # type: ignore[arg-type]  # JSON-able by now
        if not node.task.optional:
            self._apply_group_rule(node)

    def _apply_group_rule(self, node: Node) -> None:
        rule = node.group.group.on_failure
        if rule is OnFailure.CANCEL_GROUP:
            self.then(self.cancel_group, node.group.name, f"{node.id} failed (on_failure: cancel_group)")
        elif rule is OnFailure.CANCEL_RUN:
            self.then(self._cancel_run_by_rule, f"{node.id} failed (on_failure: cancel_run)")

    def _cancel_run_by_rule(self, by: str) -> None:
        self.cancelled_by_rule = self.cancelled_by is None
        self.cancel_run(by)

    def settle(self, node: Node, event: Event, state: State, root: str = "", *, left_out: bool = False) -> None:
        """Make the end of a task a fact, and put on the agenda what follows from it."""
        self.hub.emit(event)
        if node.deadline_at is not None:
            self.hub.timers.forget(node)
        node.settings = None
        node.stop_watch()
        if node.task.approval is not None:
            self.approvals.withdraw(node)
        if node.place is not None:
            self.ledger.give_slots_back(node.place)
            node.place = None
        self.unsettled -= 1
        for verdict in self.dependencies.settle(node.id, Settled(state, node.task.optional, root, left_out)):
            self.then(self.on_verdict, verdict)
        self.expander.settled(node, state)

    # ── cancelling ──

    def cancel(self, node: Node, by: str) -> None:
        """Stop a task that has not ended: a waiting one at once, a running one with its grace."""
        if self.is_final(node):
            return
        if node.attempt is not None:
            node.attempt.end_with(Stopped(by))
        elif self.state(node) is State.RUNNING:  # it stands for its parts, and ends with the last of them
            for part in self.expander.parts(node):
                self.cancel(part, by)
        else:
            self.leave(node)
            self.settle(node, TaskCancelled(node.id, by), State.CANCELLED)

    def leave(self, node: Node) -> None:
        """Let a task that waits leave whatever it waits at."""
        node.stop_timer()
        if node.ticket is not None:
            ticket, node.ticket = node.ticket, None
            gate = self.hub.admission.withdraw(ticket)
            if gate is not None:
                self.then(self.hub.admission.moved, gate)

    def members(self, group: str) -> list[Node]:
        """Return the group's tasks that have not ended."""
        nodes = (self.nodes[task] for task in self.hub.run.members.get(group, ()))
        return [node for node in nodes if not self.is_final(node)]

    def cancel_group(self, name: str, by: str) -> None:
        """Stop the group's tasks but for `always` ones, which get a minute."""
        stopped = [node for node in self.members(name) if not node.always]
        if stopped:
            self.hub.emit(GroupCancelled(name, by))
            self._give_a_minute(("group", name), self.members(name), by)
            self._cancel_parts_alone(stopped, by)

    def cancel_run(self, by: str, *, draining: bool = False) -> None:
        """Stop everything but `always` tasks, which get a minute; a draining run lets finish what runs."""
        if self.cancelled_by is not None and (draining or not self.draining):
            return
        self.cancelled_by, self.draining = by, draining
        self.world.pause.is_on = False
        self.hub.emit(RunCancelling(by, None if draining else self.hub.now() + self._longest_grace(), draining))
        nodes = list(self.nodes.values())
        if not draining:
            self._give_a_minute(_RUN, nodes, by)
        self._cancel_parts_alone(
            [node for node in nodes if not node.always and not (draining and node.attempt is not None)], by
        )
        self.then(self.hub.admission.moved, self.hub.admission.paused)

    def _cancel_parts_alone(self, nodes: list[Node], by: str) -> None:
        """Stop the tasks; what has been expanded ends with the last of its parts, of which some may go on."""
        for node in nodes:
            if node.attempt is not None or self.state(node) is not State.RUNNING:
                self.cancel(node, by)

    def _give_a_minute(self, key: tuple[str, ...], nodes: list[Node], by: str) -> None:
        """Plan the end of those `always` tasks that by then have not ended."""
        if any(node.always and not self.is_final(node) for node in nodes):
            self.hub.timers.wake(key, self.hub.now() + ALWAYS_SECONDS, lambda _: self._minute_over(key, by))

    def _minute_over(self, key: tuple[str, ...], by: str) -> None:
        for node in list(self.nodes.values()) if key == _RUN else self.members(key[1]):
            self.cancel(node, by)
        self.work()

    def reopened(self) -> None:
        """Let a run that has finished go on: nothing of its end holds any more, and its deadline counts anew."""
        self.cancelled_by, self.cancelled_by_rule, self.draining = None, False, False
        self.world.pause.is_on = False
        self.deadline_at = None if self.hub.flow.deadline is None else self.hub.now() + self.hub.flow.deadline
        self.hub.timers.forget(_RUN)
        for group in self.world.groups.values():
            group.deadline_at = None
            self.hub.timers.forget(("group", group.name))

    def kill_run(self, by: str) -> None:
        """Stop everything at once, without grace."""
        self.cancelled_by = self.cancelled_by or by
        for node in tuple(self.nodes.values()):
            if node.attempt is not None:
                node.attempt.kill(by)
            else:
                self.cancel(node, by)

    def _longest_grace(self) -> float:
        return max((node.attempt.grace for node in self.nodes.values() if node.attempt is not None), default=0.0)

    def cancel_rest(self, by: str) -> None:
        """Stop all that has not ended, `always` tasks too."""
        for node in tuple(self.nodes.values()):
            self.cancel(node, by)
