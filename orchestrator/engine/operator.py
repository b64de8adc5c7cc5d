"""Carries out what an operator asks, or says why it makes no sense now and what would help."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, TypeAlias

from orchestrator.core.commands import (
    Answer,
    Approve,
    CancelGroup,
    CancelRun,
    CancelTask,
    CheckHealth,
    Command,
    Deny,
    Drain,
    KillTask,
    PauseGroup,
    PauseRun,
    PauseTask,
    RaiseBudget,
    RerunFrom,
    ResetBreaker,
    RetryFailed,
    RetryTask,
    SetConcurrency,
    SkipTask,
    SkipWait,
    TripBreaker,
    UnpauseGroup,
    UnpauseRun,
    UnpauseTask,
)
from orchestrator.core.errors import CommandError
from orchestrator.core.events import (
    BudgetRaised,
    CommandAccepted,
    CommandRefused,
    ConcurrencySet,
    Event,
    GroupPaused,
    GroupUnpaused,
    RunPaused,
    RunReopened,
    RunUnpaused,
    TaskPaused,
    TaskSkipped,
    TaskUnpaused,
)
from orchestrator.core.states import Reason, RunState, State
from orchestrator.engine.approvals import Approvals
from orchestrator.engine.desk import Desk
from orchestrator.engine.gates import Gate, Slots
from orchestrator.engine.line import Ticket
from orchestrator.engine.node import GroupDesk, Node, Pause
from orchestrator.engine.questions import Questions
from orchestrator.engine.revival import Revival
from orchestrator.engine.scheduler import Scheduler

_SEEN: Final = 10_000
"""Ids of commands that are remembered, so that one that comes twice is carried out once."""

_FRONT: Final = -(1 << 41)

Act: TypeAlias = Callable[[], None]
"""What a command that makes sense does."""


class Operator:
    """One method a command: it says what is to be done, or refuses, before anything has been."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub
        self._revival = Revival(scheduler)
        self._seen: dict[str, None] = {}
        self._front = _FRONT
        self._methods: dict[type, Callable[[Any], Act]] = {
            CancelTask: self._cancel_task,
            CancelGroup: self._cancel_group,
            CancelRun: self._cancel_run,
            KillTask: self._kill_task,
            RetryTask: self._retry_task,
            RetryFailed: self._retry_failed,
            RerunFrom: self._rerun_from,
            SkipTask: self._skip_task,
            PauseTask: self._pause_task,
            UnpauseTask: self._unpause_task,
            PauseGroup: self._pause_group,
            UnpauseGroup: self._unpause_group,
            PauseRun: self._pause_run,
            UnpauseRun: self._unpause_run,
            Drain: self._drain,
            SetConcurrency: self._set_concurrency,
            ResetBreaker: self._reset_breaker,
            TripBreaker: self._trip_breaker,
            RaiseBudget: self._raise_budget,
            Approve: self._approve,
            Deny: self._deny,
            Answer: self._answer,
            CheckHealth: self._check_health,
            SkipWait: self._skip_wait,
        }

    def receive(self, command: Command) -> None:
        """Carry out a command, and all that follows from it."""
        self._scheduler.do(self.carry_out, command)

    def carry_out(self, command: Command) -> None:
        """Carry out a command once. What it does follows its CommandAccepted."""
        if command.id in self._seen:
            return
        self._seen[command.id] = None
        if len(self._seen) > _SEEN:
            del self._seen[next(iter(self._seen))]
        name = type(command).__name__
        try:
            self._check(command)
            act = self._methods[type(command)](command)
        except CommandError as error:
            self._hub.emit(CommandRefused(command.id, name, str(error)))
            return
        self._hub.emit(CommandAccepted(command.id, name, command.by))
        act()

    def _check(self, command: Command) -> None:
        """Refuse what names something that is not there, and what only helps a run that goes on."""
        run = self._hub.run
        for field, known in (("task", run.tasks), ("group", run.groups), ("backend", run.backends)):
            name = getattr(command, field, None)
            if name is not None and name not in known:
                raise CommandError(f"there is no {field} {name!r}")
        if run.state is RunState.FINISHED and not isinstance(command, _AFTER_THE_END):
            raise CommandError("the run has ended; retry or rerun something first")

    def _node(self, task: str) -> Node:
        return self._scheduler.nodes[task]

    def _told(self, event: Event, *moved: Gate) -> Act:
        """Return an act that tells of the event, and that the gates have moved."""

        def act() -> None:
            self._hub.emit(event)
            for gate in moved:
                self._scheduler.then(self._hub.admission.moved, gate)

        return act

    # ── stopping ──

    def _cancel_task(self, command: CancelTask) -> Act:
        node = self._node(command.task)
        self._refuse_final(node, "cancelled")
        return partial(self._scheduler.cancel, node, command.by)

    def _refuse_final(self, node: Node, wished: str) -> None:
        if self._scheduler.is_final(node):
            raise CommandError(f"{node.id} has ended ({self._scheduler.state(node)}) and cannot be {wished}; retry it?")

    def _kill_task(self, command: KillTask) -> Act:
        node = self._node(command.task)
        self._refuse_final(node, "killed")

        def act() -> None:
            for one in self._running_parts(node):
                if one.attempt is not None:
                    one.attempt.kill(command.by)
            self._scheduler.cancel(node, command.by)

        return act

    def _running_parts(self, node: Node) -> Iterable[Node]:
        parts = self._scheduler.expander.parts(node)
        if not parts:
            return [node]
        return [one for part in parts for one in self._running_parts(part)]

    def _cancel_group(self, command: CancelGroup) -> Act:
        if all(node.always for node in self._scheduler.members(command.group)):
            raise CommandError(f"every task of group {command.group} has ended, but for those that run always")
        return partial(self._scheduler.cancel_group, command.group, command.by)

    def _cancel_run(self, command: CancelRun) -> Act:
        if self._hub.run.state is RunState.CANCELLING and not (command.force or self._scheduler.draining):
            raise CommandError("the run is being cancelled already; kill it, if it takes too long")

        def act() -> None:
            self._scheduler.cancel_run(command.by)
            if command.force:
                self._scheduler.kill_run(command.by)

        return act

    def _drain(self, command: Drain) -> Act:
        if self._hub.run.state is RunState.CANCELLING:
            raise CommandError("the run is ending already")
        return partial(self._scheduler.cancel_run, command.by, draining=True)

    def _skip_task(self, command: SkipTask) -> Act:
        node = self._node(command.task)
        if self._scheduler.state(node) not in (State.PENDING, State.WAITING) or node.attempt is not None:
            raise CommandError(
                f"{node.id} is {self._scheduler.state(node)}; only a task that has not started is skipped"
            )

        def act() -> None:
            self._scheduler.leave(node)
            skipped = TaskSkipped(node.id, f"skipped by {command.by}")
            self._scheduler.settle(node, skipped, State.SKIPPED, root=node.id)

        return act

    # ── again ──

    def _retry_task(self, command: RetryTask) -> Act:
        node = self._node(command.task)
        if node.timer is not None:
            return partial(self._scheduler.after_backoff, node)
        return self._again(self._revival.retry(node), f"retried by {command.by}", command.by)

    def _retry_failed(self, command: RetryFailed) -> Act:
        return self._again(self._revival.retry_failed(), f"retried by {command.by}", command.by)

    def _rerun_from(self, command: RerunFrom) -> Act:
        nodes = self._revival.rerun(self._node(command.task))
        return self._again(nodes, f"rerun from {command.task} by {command.by}", command.by)

    def _again(self, nodes: list[Node], why: str, by: str) -> Act:
        if self._hub.run.state is RunState.CANCELLING:
            raise CommandError("the run is being cancelled; wait until it has ended")

        def act() -> None:
            if self._hub.run.state is RunState.FINISHED:
                self._hub.emit(RunReopened(by))
                self._scheduler.reopened()
            self._revival.revive(nodes, why)

        return act

    # ── pauses ──

    def _pause_task(self, command: PauseTask) -> Act:
        node = self._node(command.task)
        self._refuse_final(node, "paused")
        node.pause = node.pause or self._new_pause()
        self._raise_flag(node.pause, on=True, what=node.id)
        return self._told(TaskPaused(node.id, command.by))

    def _unpause_task(self, command: UnpauseTask) -> Act:
        node = self._node(command.task)
        self._raise_flag(node.pause or self._new_pause(), on=False, what=node.id)
        return self._told(TaskUnpaused(node.id, command.by), self._hub.admission.paused)

    def _pause_group(self, command: PauseGroup) -> Act:
        self._raise_flag(self._group(command.group).pause, on=True, what=f"group {command.group}")
        return self._told(GroupPaused(command.group, command.by))

    def _unpause_group(self, command: UnpauseGroup) -> Act:
        self._raise_flag(self._group(command.group).pause, on=False, what=f"group {command.group}")
        return self._told(GroupUnpaused(command.group, command.by), self._hub.admission.paused)

    def _pause_run(self, command: PauseRun) -> Act:
        if self._hub.run.state not in (RunState.RUNNING, RunState.HELD):
            raise CommandError(f"the run is {self._hub.run.state} and cannot be paused")
        self._raise_flag(self._scheduler.world.pause, on=True, what="the run")
        return self._told(RunPaused(command.by))

    def _unpause_run(self, command: UnpauseRun) -> Act:
        self._raise_flag(self._scheduler.world.pause, on=False, what="the run")
        return self._told(RunUnpaused(command.by), self._hub.admission.paused)

    def _new_pause(self) -> Pause:
        return Pause(self._scheduler.world.pauses)

    @staticmethod
    def _raise_flag(pause: Pause, *, on: bool, what: str) -> None:
        if pause.is_on == on:
            raise CommandError(f"{what} is {'paused already' if on else 'not paused'}")
        pause.is_on = on

    def _group(self, name: str) -> GroupDesk:
        return self._scheduler.world.groups[name]

    # ── limits ──

    def _set_concurrency(self, command: SetConcurrency) -> Act:
        if command.limit < 1:
            raise CommandError("a concurrency is at least 1")
        slots = self._slots(command.scope)

        def act() -> None:
            slots.limit = command.limit
            self._told(ConcurrencySet(command.scope, command.limit), slots)()

        return act

    def _slots(self, scope: str) -> Slots:
        what, _, name = scope.partition(":")
        world = self._scheduler.world
        known: dict[str, Callable[[], Slots]] = {
            "run": lambda: world.run_slots,
            "group": lambda: world.groups[name].slots,
            "backend": lambda: world.desks[name].slots,
            "task": lambda: world.fan_outs[name],
        }
        try:
            return known[what]()
        except KeyError:
            hint = "write run, group:NAME, backend:NAME or task:ID"
            raise CommandError(f"there is no {scope!r} to bound; {hint}") from None

    def _desk(self, name: str) -> Desk:
        return self._scheduler.world.desks[name]

    def _reset_breaker(self, command: ResetBreaker) -> Act:
        desk = self._desk(command.backend)

        def act() -> None:
            desk.breaker.breaker.reset(f"reset by {command.by}")
            self._scheduler.ledger.gauge(desk)

        return act

    def _trip_breaker(self, command: TripBreaker) -> Act:
        return partial(self._desk(command.backend).breaker.breaker.trip, f"tripped by {command.by}")

    def _raise_budget(self, command: RaiseBudget) -> Act:
        gate = self._scheduler.world.budgets.get(command.budget)
        if gate is None:
            known = ", ".join(self._scheduler.world.budgets) or "none"
            raise CommandError(f"there is no budget {command.budget!r} (there are: {known})")
        old = self._hub.run.budgets[command.budget].info
        raised = BudgetRaised(
            command.budget,
            _higher(old.tokens, command.tokens),
            _higher(old.cost_usd, command.cost_usd),
            _higher(old.time, command.time),
            command.by,
        )
        if (raised.tokens, raised.cost_usd, raised.time) == (old.tokens, old.cost_usd, old.time):
            raise CommandError(f"that raises nothing of budget {command.budget}")

        def act() -> None:
            self._scheduler.ledger.raised(gate, raised)
            for desk in self._scheduler.world.desks.values():
                self._scheduler.then(self._hub.admission.moved_elsewhere, desk)

        return act

    # ── answers ──

    def _approve(self, command: Approve) -> Act:
        node = self._asked(command.task)
        return partial(self._asker(node).approve, node, command.by, command.reason)

    def _deny(self, command: Deny) -> Act:
        node = self._asked(command.task)
        if self._hub.run.questions[node.id].wants_answer:
            return partial(self._scheduler.questions.decline, node, command.by, command.reason)
        return partial(self._asker(node).deny, node, command.by, command.reason)

    def _asker(self, node: Node) -> Approvals | Questions:
        """Return who asks for leave: the task before it starts, or its attempt while it runs."""
        if self._hub.run.questions[node.id].wants_answer:
            raise CommandError(f"{node.id} wants an answer, not an approval")
        questions = self._scheduler.questions
        return questions if questions.is_confirming(node) else self._scheduler.approvals

    def _answer(self, command: Answer) -> Act:
        node = self._asked(command.task)
        self._scheduler.questions.check_answer(node, command.text)
        return partial(self._scheduler.questions.answer, node, command.text, command.by)

    def _check_health(self, command: CheckHealth) -> Act:
        desk = self._desk(command.backend)
        self._scheduler.checkups.refuse(desk)
        return partial(self._scheduler.checkups.check, desk)

    def _asked(self, task: str) -> Node:
        if task not in self._hub.run.questions:
            raise CommandError(f"{task} asks nothing now")
        return self._node(task)

    def _skip_wait(self, command: SkipWait) -> Act:
        node = self._node(command.task)
        if node.timer is not None:
            return partial(self._scheduler.after_backoff, node)
        ticket, wait = node.ticket, self._hub.run.tasks[node.id].wait
        if wait is None or ticket is None or ticket.gate is None:
            raise CommandError(f"{node.id} waits for nothing that can be skipped")
        if wait.reason in _INSTEAD:
            raise CommandError(f"{node.id} waits for {_INSTEAD[wait.reason]}")
        return partial(self._to_the_front, ticket)

    def _to_the_front(self, ticket: Ticket) -> None:
        for desk in ticket.candidates[:1]:
            desk.hold.hold.probe()
        self._front -= 1
        self._hub.admission.head(ticket, self._front)


_AFTER_THE_END: Final = (RetryTask, RetryFailed, RerunFrom, RaiseBudget, SetConcurrency, ResetBreaker, TripBreaker)
"""What brings a finished run back, and what one may want to change before."""

_INSTEAD: Final = {
    Reason.BREAKER: "a breaker: reset it",
    Reason.BUDGET: "a budget: raise it",
    Reason.APPROVAL: "an approval: approve or deny it",
    Reason.PAUSED: "the end of a pause: unpause it",
    Reason.ANSWER: "an answer: give it",
    Reason.SUBAGENT: "its subagents",
}


def _higher(old: Any, new: Any) -> Any:  # noqa: ANN401 - tokens, dollars or seconds
    return old if old is None or new is None else max(old, new)
