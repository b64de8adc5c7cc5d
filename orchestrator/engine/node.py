"""The moving parts of a run: a flow file where it was expanded, a group, and a task with all that an attempt needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.core.errors import Code, ErrorClass, ErrorKind, Failure
from orchestrator.core.events import TaskWaiting
from orchestrator.core.flow import Flow, Group, Json, Task
from orchestrator.core.ports import Kind
from orchestrator.engine.gates import BudgetGate, Slots
from orchestrator.resilience.deadline import Stopwatch, soonest

if TYPE_CHECKING:
    from orchestrator.engine.admission import Grant
    from orchestrator.engine.attempt import Attempt
    from orchestrator.engine.desk import Desk
    from orchestrator.engine.line import Ticket


class Pauses:
    """How many flags of a run are up. Mostly none is, and then nobody has to look for one."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Pause:
    """A flag that a person sets: while it is up, nothing new starts."""

    __slots__ = ("_is_on", "all")

    def __init__(self, all_flags: Pauses) -> None:
        self.all = all_flags
        self._is_on = False

    @property
    def is_on(self) -> bool:
        return self._is_on

    @is_on.setter
    def is_on(self, up: bool) -> None:
        self.all.count += up - self._is_on
        self._is_on = up


class Shares(NamedTuple):
    """What a task shares with others: its group, what an attempt takes, what it spends from, what pauses it."""

    group: GroupDesk
    slots: tuple[Slots, ...]
    budgets: tuple[BudgetGate, ...]
    pauses: tuple[Pause, ...]


class GroupDesk:
    """A group at work: its slots, its pause, its budget, and when its deadline runs out."""

    __slots__ = ("deadline_at", "group", "name", "pause", "slots")

    def __init__(self, name: str, group: Group, pauses: Pauses) -> None:
        self.name = name
        self.group = group
        self.slots = Slots(f"group:{name}", group.max_concurrency)
        self.pause = Pause(pauses)
        self.deadline_at: float | None = None


class Level:
    """One flow file at one place of the run: the whole run's at the top, a sub-flow's under its task.

    `nodes` are found by the ids of the file. `prefix` begins the ids of its tasks; `path` is the same without labels,
    and begins the names of what all instances share.
    """

    __slots__ = (
        "desks",
        "environment",
        "flow",
        "groups",
        "inputs",
        "names",
        "nodes",
        "outer",
        "path",
        "prefix",
        "secrets",
    )

    def __init__(
        self,
        flow: Flow,
        inputs: Mapping[str, object],
        environment: Mapping[str, str],
        secrets: Mapping[str, str],
        *,
        prefix: str = "",
        path: str = "",
        outer: Node | None = None,
    ) -> None:
        self.flow = flow
        self.inputs = inputs
        self.environment = environment
        self.secrets = secrets
        self.prefix = prefix
        self.path = path
        self.outer = outer
        self.nodes: dict[str, Node] = {}
        self.desks: dict[str, Desk] = {}
        self.groups: dict[str, GroupDesk] = {}
        self.names = frozenset(name for name in (*flow.tasks, *flow.inputs) if "-" in name)


class Node:
    """One task of the run: what was declared of it, where it stands, and what it has at hand.

    A `whole` stands for `instances`, of which `open` have not settled. `tries` counts attempts since the reset or the
    last round of `until`; `number` counts all. `order` is its place among those who became ready, for all its attempts
    until a reset; 0 before. `bindings` are the names that only this instance's templates know.
    `place` is what a sub-flow took to expand, until it ends. `given` are the rendered settings of a task that another
    task started. `parent` is what the task is a part of: the whole of a
    fan-out, or a sub-flow's task.
    """

    __slots__ = (
        "always",
        "approved",
        "attempt",
        "bindings",
        "budgets",
        "callees",
        "candidates",
        "deadline_at",
        "doomed_by",
        "expected",
        "first_try_at",
        "given",
        "group",
        "id",
        "instances",
        "kind",
        "label",
        "left_over",
        "level",
        "now",
        "number",
        "of",
        "open",
        "order",
        "output",
        "parent",
        "pause",
        "pauses",
        "place",
        "resets",
        "rounds",
        "settings",
        "simulate",
        "slots",
        "task",
        "ticket",
        "timer",
        "tries",
        "watch",
        "whole",
    )

    def __init__(  # noqa: PLR0913 - what a node is
        self,
        task: Task,
        level: Level,
        shares: Shares,
        kind: Kind | None,
        now: Callable[[], float],
        *,
        node_id: str,
        of: Node | None = None,
        bindings: Mapping[str, object] | None = None,
        label: str | None = None,
        whole: bool = False,
    ) -> None:
        self.id = node_id
        self.task = task
        self.level = level
        self.group, self.slots, self.budgets, self.pauses = shares
        self.kind = kind
        self.now = now
        self.of = of
        self.parent: Node | None = of if of is not None else level.outer
        self.bindings = bindings or _NO_BINDINGS
        self.label = label
        self.whole = whole
        self.instances: list[Node] = []
        self.open = 0
        self.pause: Pause | None = None
        self.candidates: tuple[Desk, ...] = ()
        self.callees: tuple[Desk, ...] = ()
        self.place: Grant | None = None
        self.left_over = False
        self.given: object = None
        self.number = 0
        self.resets = 0
        self.always: bool = task.always or (self.parent is not None and self.parent.always)
        self.clear()

    def clear(self) -> None:
        """Forget all that a reset forgets."""
        self.approved = self.task.approval is None
        self.attempt: Attempt | None = None
        self.ticket: Ticket | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.order = 0
        self.tries = 0
        self.rounds = 0
        self.settings: object = None
        self.simulate: Json = None
        self.output: Mapping[str, object] | None = None
        self.first_try_at: float | None = None
        self.watch: Stopwatch | None = None
        self.doomed_by: str | None = None
        self.deadline_at: float | None = None

    @property
    def is_optional(self) -> bool:
        """Return whether the run goes well without it: it is optional, or a part of what is."""
        node: Node | None = self
        while node is not None and not node.task.optional:
            node = node.parent
        return node is not None

    @property
    def is_gone(self) -> bool:
        """Return whether the task is left over from an expansion that was made anew without it."""
        node: Node | None = self
        while node is not None and not node.left_over:
            node = node.parent
        return node is not None

    @property
    def is_paused(self) -> bool:
        if not self.pauses[0].all.count:
            return False
        return any(pause.is_on for pause in self.pauses) or self._is_paused_itself()

    def _is_paused_itself(self) -> bool:
        """Return whether a person paused the task, or what it is a part of."""
        node: Node | None = self
        while node is not None and (node.pause is None or not node.pause.is_on):
            node = node.parent
        return node is not None

    def became_ready(self, run_deadline: float | None) -> None:
        """Start the clocks that count everything from here on. A part has no longer than what it is a part of."""
        group, above = self.group, self.parent
        if group.deadline_at is None and group.group.deadline is not None:
            group.deadline_at = self.now() + group.group.deadline
        self.deadline_at = run_deadline
        if group.deadline_at is not None or above is not None or self.task.deadline is not None:
            own = None if self.task.deadline is None else self.now() + self.task.deadline
            self.deadline_at = soonest(own, above.deadline_at if above else None, group.deadline_at, run_deadline)

    @property
    def is_timed(self) -> bool:
        """Return whether any limit of time holds for an attempt."""
        task = self.task
        return not (task.attempt_timeout is task.timeout is task.idle_timeout is self.deadline_at is None)

    def past_deadline(self) -> Failure | None:
        """Return the failure that a passed deadline is."""
        if self.deadline_at is None or self.now() < self.deadline_at:
            return None
        return deadline_passed()

    def time_left(self) -> float | None:
        """Return the seconds of `timeout` that attempts and backoffs have left."""
        if self.task.timeout is None:
            return None
        return self.task.timeout - (self.watch.elapsed if self.watch else 0.0)

    def stop_timer(self) -> None:
        """Forget the end of a backoff."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    def start_watch(self) -> None:
        if self.task.timeout is not None:
            self.watch = self.watch or Stopwatch(self.now)
            self.watch.start()

    def stop_watch(self) -> None:
        if self.watch is not None:
            self.watch.stop()

    @property
    def idempotency_key(self) -> str:
        return f"{self.id}/{self.resets}"


_NO_BINDINGS: Mapping[str, object] = {}


def deadline_passed(wait: TaskWaiting | None = None) -> Failure:
    """Return the failure of a task that did not end in time; `wait` is what it was waiting for by then."""
    waiting = f" while it waited: {wait.reason.replace('_', ' ')}" if wait is not None else ""
    at = f" of {wait.gate}" if wait is not None and wait.gate not in {None, wait.reason} else ""
    return Failure(
        Code.DEADLINE,
        ErrorClass.PERMANENT,
        ErrorKind.TIMEOUT,
        f"the deadline passed{waiting}{at}",
        hint="`deadline` counts everything, waiting too; raise it or start earlier",
    )
