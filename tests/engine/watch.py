"""What must hold in an engine at every moment between two steps, and of everything that it told."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from orchestrator.core import events as ev
from orchestrator.core.codec import decode, encode
from orchestrator.core.events import Record
from orchestrator.core.flow import Algorithm, Flow, RateLimit
from orchestrator.core.run import Run, fold
from orchestrator.core.states import FINAL, BreakerState, State
from orchestrator.engine import Engine
from orchestrator.engine.admission import Grant
from orchestrator.engine.gates import Door, Gate, Slots
from orchestrator.engine.node import Node

PARTS = ("tasks", "groups", "backends", "budgets", "instances", "questions", "state", "outcome", "members", "ended")


class Watch:
    """A journal that also looks at the engine itself: what it must not see is in `problems`."""

    def __init__(self, engine: Engine) -> None:
        self.records: list[Record] = []
        self.problems: list[str] = []
        self._engine = engine

    def append(self, records: Sequence[Record]) -> None:
        self.records.extend(records)

    def look(self) -> None:
        """Look at the engine at a moment when it does nothing; one that has closed is done with its promises."""
        if not self.problems and not self._engine._scheduler.is_closed:
            run = self._engine._hub.run
            self.problems += [f"{run.seq} at {run.at:g}: {problem}" for problem in look_at(self._engine)]

    def close(self) -> None:
        """Keep what is there."""


# ── between two steps ───────────────────────────────────────────────────────────────────────────


def look_at(engine: Engine) -> Iterator[str]:
    """Yield what is wrong now: who waits holds nothing, who could go does not wait, and the counts are right."""
    yield from _slots(engine)
    yield from _calls(engine)
    yield from _reservations(engine)
    yield from _lines(engine)
    yield from _counts(engine)


def _nodes(engine: Engine) -> Iterable[Node]:
    return engine._scheduler.nodes.values()


def _grants(engine: Engine) -> Iterator[Grant]:
    """Yield what is taken: by attempts, by their calls, by sub-flows."""
    for node in _nodes(engine):
        if node.place is not None:
            yield node.place
        if node.attempt is not None:
            yield node.attempt.grant if node.attempt.holds_slots else node.attempt.grant._replace(slots=())
            if node.attempt.calling is not None:
                yield node.attempt.calling
            yield from node.attempt.beside


def _all_slots(engine: Engine) -> Iterator[Slots]:
    world = engine._world
    yield world.run_slots
    yield from (group.slots for group in world.groups.values())
    yield from world.fan_outs.values()


def _slots(engine: Engine) -> Iterator[str]:
    taken = Counter(slots for grant in _grants(engine) for slots in grant.slots)
    for slots in _all_slots(engine):
        if slots.used != taken[slots]:
            yield f"{slots.name}: {slots.used} slots are used, {taken[slots]} are taken"


def _calls(engine: Engine) -> Iterator[str]:
    calls = Counter(grant.desk for grant in _grants(engine))
    for desk in engine._world.desks.values():
        if desk.slots.used != calls[desk]:
            yield f"{desk.name}: {desk.slots.used} calls are counted, {calls[desk]} are made"
        if not 0 <= desk.breaker.breaker.probes <= desk.spec.breaker.half_open_calls:
            yield f"{desk.name}: {desk.breaker.breaker.probes} probes"


def _reservations(engine: Engine) -> Iterator[str]:
    reserved = Counter[str]()
    for grant in _grants(engine):
        for gate, reservation in grant.reservations:
            reserved[gate.name] += reservation.amount.tokens
    for name, gate in engine._world.budgets.items():
        told = engine._hub.run.budgets[name]
        if not gate.budget.reserved.tokens == reserved[name] == told.reserved_tokens:
            yield f"{name}: {gate.budget.reserved} reserved, {reserved[name]} taken, {told.reserved_tokens} told"
        if gate.budget.settled.tokens != told.tokens:
            yield f"{name}: {gate.budget.settled} settled, {told.tokens} told"


def _gates(engine: Engine) -> Iterator[Gate]:
    yield from _all_slots(engine)
    yield from (engine._hub.admission.paused, engine._hub.admission.approvals)
    for desk in engine._world.desks.values():
        yield from (desk.slots, desk.breaker, desk.hold, desk.rate)
    for gate in engine._world.budgets.values():
        yield from (gate, gate.spent)


def _lines(engine: Engine) -> Iterator[str]:
    waiting = 0
    for gate in _gates(engine):
        tickets = list(gate.line)
        waiting += len(tickets)
        if len(tickets) != gate.line.size:
            yield f"{gate.name} {gate.reason}: {gate.line.size} are counted, {len(tickets)} wait"
        strangers = [ticket.node.id for ticket in tickets if ticket.node.ticket is not ticket]
        if strangers:
            yield f"{gate.name} {gate.reason}: {strangers} wait and do not know"
        head = gate.line.head()
        if isinstance(gate, Door) and head is not None and _opens_by_itself(engine, gate) and gate.has_room(head):
            yield f"{gate.name} {gate.reason}: there is room, and {head.node.id} waits"
    owned = [node for node in _nodes(engine) if node.ticket is not None and node.ticket.gate is not None]
    if len(owned) != waiting:
        yield f"{waiting} wait, {len(owned)} know it"


def _opens_by_itself(engine: Engine, gate: Gate) -> bool:
    """Return whether nobody but others' ends makes room: gates that time opens do so a moment later than it comes."""
    return not gate.watched and all(gate is not desk.hold for desk in engine._world.desks.values())


def _counts(engine: Engine) -> Iterator[str]:
    open_nodes = [node for node in _nodes(engine) if not engine._scheduler.is_final(node)]
    if len(open_nodes) != engine._scheduler.unsettled:
        yield f"{len(open_nodes)} have not ended, {engine._scheduler.unsettled} are counted"
    for node in open_nodes:
        yield from _count(engine, node)


def _waits_for_others(engine: Engine, node: Node) -> bool:
    """Return whether a person or a subagent has its turn."""
    return node in engine._scheduler.questions._open or node in engine._scheduler.delegation._waiting


def _count(engine: Engine, node: Node) -> Iterator[str]:
    state = engine._scheduler.state(node)
    parts = [part for part in engine._scheduler.expander.parts(node) if not engine._scheduler.is_final(part)]
    stands_for = state is State.RUNNING and node.attempt is None
    if stands_for and node.open != len(parts):
        yield f"{node.id}: {node.open} parts are counted, {len(parts)} have not ended"
    if stands_for and not parts:
        yield f"{node.id} stands for nothing"
    waits = node.ticket is not None or node.timer is not None or _waits_for_others(engine, node)
    if state is State.WAITING and not waits and not _is_about_to_go_on(node):
        yield f"{node.id} waits for nothing"
    if state is State.WAITING and node.attempt is not None and node.attempt.holds_slots:
        yield f"{node.id} waits and holds slots"


def _is_about_to_go_on(node: Node) -> bool:
    over = node.attempt.awaits if node.attempt is not None else None
    return over is not None and over.done()


# ── what was told ───────────────────────────────────────────────────────────────────────────────

_STARTS = (ev.AttemptStarted, ev.AttemptResumed)
_STOPS = (ev.AttemptSucceeded, ev.AttemptFailed, ev.AttemptInterrupted, ev.TaskWaiting)


def judge(flow: Flow, records: Sequence[Record], run: Run) -> Iterator[str]:
    """Yield what is wrong with a whole story."""
    yield from _order(records)
    yield from _bounds(flow, records)
    yield from _backends(flow, records)
    yield from _budgets(records)
    other = fold(records)
    yield from (f"fold: {part} differ" for part in PARTS if getattr(other, part) != getattr(run, part))
    if other.tally.counts != run.tally.counts:
        yield "fold: the counts differ"
    for record in records:
        text = encode(record)
        if encode(decode(json.loads(text))) != text:
            yield f"codec: {record.event}"
    yield from _tally(run)


def _order(records: Sequence[Record]) -> Iterator[str]:
    if [record.seq for record in records] != list(range(len(records))):
        yield "the numbers have gaps"
    if any(later.at < earlier.at for earlier, later in pairwise(records)):
        yield "time goes back"
    yield from _after_the_end(records)
    running: dict[str, int] = {}
    for record in records:
        yield from _attempts_in_order(record.event, running)


_OF_OPERATORS = (ev.CommandAccepted, ev.CommandRefused, ev.ConcurrencySet, ev.BudgetRaised)
_OF_BACKENDS = (ev.BreakerMoved, ev.BackendHeld)


def _after_the_end(records: Sequence[Record]) -> Iterator[str]:
    """Yield what happens between a run's end and its going on, where only backends and operators still do something."""
    has_ended = False
    for record in records:
        if isinstance(record.event, ev.RunReopened):
            has_ended = False
        if has_ended and not isinstance(record.event, _OF_OPERATORS + _OF_BACKENDS):
            yield f"{record.event} comes after the end"
        has_ended = has_ended or isinstance(record.event, ev.RunFinished)
    if not has_ended:
        yield f"the last is {records[-1].event}"


_ENDS = (ev.AttemptSucceeded, ev.AttemptFailed, ev.AttemptInterrupted)
_WITHIN = (ev.OutputProduced, ev.UsageReported, ev.ProgressReported, ev.AttemptResumed)
_AFTER = (ev.TaskSucceeded, ev.TaskFailed, ev.TaskSkipped, ev.TaskCancelled, ev.TaskReset, ev.AttemptStarted)


def _attempts_in_order(event: ev.Event, running: dict[str, int]) -> Iterator[str]:
    if isinstance(event, _AFTER) and event.task in running:
        yield f"{event} while an attempt runs"
    if isinstance(event, _WITHIN) and running.get(event.task) != event.attempt:
        yield f"{event} is outside of its attempt"
    if isinstance(event, _ENDS) and running.pop(event.task, None) != event.attempt:
        yield f"{event} ends nothing"
    if isinstance(event, ev.AttemptStarted):
        running[event.task] = event.attempt


def _bounds(flow: Flow, records: Sequence[Record]) -> Iterator[str]:
    """Yield the moments at which more ran than a bound of the flow allows; commands that set bounds switch it off."""
    if any(isinstance(record.event, ev.ConcurrencySet) for record in records):
        return
    infos = {record.event.task: record.event for record in records if isinstance(record.event, ev.TaskAdded)}
    limits = {f"group:{name}": group.max_concurrency for name, group in flow.groups.items()}
    limits["run"] = flow.max_concurrency
    for task in flow.tasks.values():
        limits[f"task:{task.id}"] = task.fan_out.max_concurrency if task.fan_out is not None else None
    running: set[str] = set()
    for record in records:
        event = record.event
        if isinstance(event, _STOPS):
            running.discard(event.task)
        if isinstance(event, _STARTS) and infos[event.task].kind != "gate":
            running.add(event.task)
            used = Counter(scope for task in running for scope in _scopes(infos[task]))
            yield from (
                f"{record.seq}: {used[scope]} run in {scope}"
                for scope, limit in limits.items()
                if limit is not None and used[scope] > limit
            )


def _scopes(info: ev.TaskAdded) -> tuple[str, ...]:
    return ("run", f"group:{info.group}", f"task:{info.of}")


def _backends(flow: Flow, records: Sequence[Record]) -> Iterator[str]:
    """Yield the calls that go to a backend whose breaker is open, or are more than its limits let through.

    The attempt of a kind that makes many calls is none itself: it only says where they go.
    """
    starts: dict[str, list[float]] = {}
    shut: set[str] = set()
    added = (record.event for record in records if isinstance(record.event, ev.TaskAdded))
    callers = {event.task for event in added if event.kind == "agentic"}
    for record in records:
        match record.event:
            case ev.BreakerMoved(backend=name, to=to):
                shut = shut | {name} if to in (BreakerState.OPEN, BreakerState.TRIPPED) else shut - {name}
            case ev.AttemptStarted(backend=str(name), task=task) if task not in callers:
                starts.setdefault(name, []).append(record.at)
                if name in shut:
                    yield f"{record.seq}: {task} calls {name}, which is open"
            case _:
                pass
    for name, moments in starts.items():
        for limit in flow.backends[name].rate_limits if name in flow.backends else ():
            yield from _crowds(limit, moments, name)


def _crowds(limit: RateLimit, moments: list[float], name: str) -> Iterator[str]:
    """Yield where more calls begin within a period, or two of them, than the limit's algorithm allows."""
    if limit.requests is None:
        return
    periods = 1 if limit.algorithm is Algorithm.SLIDING_WINDOW else 2
    most = limit.requests * periods if limit.burst is None else limit.requests + limit.burst
    for first, moment in enumerate(moments):
        within = [other for other in moments[first:] if other < moment + limit.per - 1e-5]
        if len(within) > most:
            yield f"{name}: {len(within)} calls from {moment} on, {limit}"


def _budgets(records: Sequence[Record]) -> Iterator[str]:
    """Yield where more is reserved than a budget has left, unless it only warns."""
    limits: dict[str, ev.BudgetInfo | ev.BudgetRaised] = {}
    rules: dict[str, str] = {}
    used = Counter[str]()
    for record in records:
        match record.event:
            case ev.RunStarted(budgets=budgets):
                limits = {budget.name: budget for budget in budgets}
                rules = {budget.name: budget.on_exceeded for budget in budgets}
            case ev.BudgetRaised() as raised:
                limits[raised.budget] = raised
            case ev.BudgetSettled() as settled:
                used[settled.budget] += settled.tokens - settled.reserved_tokens
            case ev.BudgetReserved() as reserved:
                used[reserved.budget] += reserved.tokens
                limit = limits[reserved.budget].tokens
                if limit is not None and used[reserved.budget] > limit and rules[reserved.budget] != "warn":
                    yield f"{record.seq}: {used[reserved.budget]} of {limit} are spent or reserved"
            case _:
                pass


def _tally(run: Run) -> Iterator[str]:
    """Yield where the counts that are kept differ from what can be counted."""
    counted = Counter(task.status for task in run.tasks.values() if task.id not in run.instances)
    if {status: n for status, n in run.tally.counts.items() if n} != counted:
        yield f"the tally says {run.tally.counts}, there are {counted}"
    if run.outcome is not None and run.outcome != "held":
        yield from (f"{task.id} is {task.state}" for task in run.tasks.values() if task.state not in FINAL)
