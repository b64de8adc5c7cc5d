"""Which tasks start again when one is retried or rerun, and how they do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from orchestrator.core.errors import CommandError
from orchestrator.core.flow import ForEach
from orchestrator.core.states import State
from orchestrator.engine.expander import EXPANDED, public
from orchestrator.engine.node import Node
from orchestrator.engine.scheduler import Scheduler

_RETRYABLE = frozenset({State.FAILED, State.SKIPPED, State.CANCELLED})


class Revival:
    """Picks the tasks, and resets them from the causes down."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def retry(self, node: Node) -> list[Node]:
        """Return the task and what was skipped because of it. Refuses what has a cause that stands."""
        state = self._scheduler.state(node)
        if state not in _RETRYABLE:
            raise CommandError(f"{node.id} is {state}; only a failed, skipped or cancelled task is retried")
        self._refuse_gone(node)
        cause = self._cause(node)
        if cause is not None:
            raise CommandError(f"{node.id} cannot start because of how {cause} ended; retry {cause}")
        return self._with_skipped(self._failed_parts(node))

    def retry_failed(self) -> list[Node]:
        """Return every failed or cancelled task, and what was skipped because of them."""
        ended = (State.FAILED, State.CANCELLED)
        nodes = [
            node
            for node in self._scheduler.nodes.values()
            if self._scheduler.state(node) in ended and not self._scheduler.expander.parts(node) and not node.is_gone
        ]
        if not nodes:
            raise CommandError("no task has failed or was cancelled")
        return self._with_skipped(nodes)

    def rerun(self, node: Node) -> list[Node]:
        """Return the task and all that follows from it. Refuses while any of that runs."""
        self._refuse_gone(node)
        if not self._scheduler.is_final(node):
            raise CommandError(f"{node.id} has not ended yet ({self._scheduler.state(node)})")
        nodes = self._following(node)
        for one in nodes:
            busy = self._scheduler.state(one) in (State.RUNNING, State.WAITING)
            if busy and not self._stands_above(one, node):
                raise CommandError(f"{one.id} follows from {node.id} and has not ended; cancel it first")
        chosen = {one for one in nodes if self._scheduler.is_final(one)}
        return [one for one in nodes if one in chosen and (one.of is None or not self._expands_anew(one.of, chosen))]

    def _expands_anew(self, whole: Node, chosen: set[Node]) -> bool:
        """Return whether what a fan-out's items come from starts again too: then all its instances are made anew."""
        if whole not in chosen:
            return False
        each = whole.task.fan_out.each if isinstance(whole.task.fan_out, ForEach) else None
        needed = [whole.level.nodes[need.task] for need in whole.task.needs]
        return any(one in chosen and (one.task.id != each or self._expands_anew(one, chosen)) for one in needed)

    def _stands_above(self, above: Node, node: Node) -> bool:
        """Return whether the one is what the other is a part of."""
        part: Node | None = node
        while part is not None:
            if part is above:
                return True
            part = part.parent
        return False

    def _refuse_gone(self, node: Node) -> None:
        if node.is_gone:
            raise CommandError(f"{node.id} belongs to an earlier expansion and is no part of the run any more")

    def _cause(self, node: Node) -> str | None:
        """Return the task that keeps this one, or all that ended badly of its parts, from starting."""
        doomed = self._scheduler.dependencies.doomed(node.id)
        if doomed is not None:
            return public(doomed.root)
        parts = [part for part in self._scheduler.expander.parts(node) if self._scheduler.state(part) in _RETRYABLE]
        causes = [self._cause(part) for part in parts]
        return causes[0] if causes and all(causes) else None

    def _failed_parts(self, node: Node) -> list[Node]:
        """Return what of a whole or a sub-flow has to run again; of a plain task, itself."""
        parts = self._scheduler.expander.parts(node)
        if not parts:
            return [node]
        return [
            one
            for part in parts
            if self._scheduler.state(part) in _RETRYABLE and self._cause(part) is None
            for one in self._failed_parts(part)
        ] or [node]

    def _with_skipped(self, nodes: Iterable[Node]) -> list[Node]:
        """Add, transitively, what was skipped because of the nodes, and what they are parts of."""
        found = dict.fromkeys(nodes)
        waiting = list(found)
        while waiting:
            node = waiting.pop()
            for other in (*self._skipped_because_of(node), *self._above(node)):
                if other not in found and self._scheduler.is_final(other):
                    found[other] = None
                    waiting.append(other)
        return list(found)

    def _skipped_because_of(self, node: Node) -> list[Node]:
        names = (node.id, node.id + EXPANDED)
        return [
            other
            for other in self._dependants(node)
            if self._scheduler.state(other) is State.SKIPPED and other.doomed_by in names
        ]

    def _dependants(self, node: Node) -> list[Node]:
        dependencies = self._scheduler.dependencies
        names = (*dependencies.dependants(node.id), *dependencies.dependants(node.id + EXPANDED))
        return [self._scheduler.nodes[name] for name in names]

    def _above(self, node: Node) -> list[Node]:
        return [] if node.parent is None else [node.parent]

    def _following(self, node: Node) -> list[Node]:
        found = {node: None}
        waiting = deque(found)
        while waiting:
            one = waiting.popleft()
            for other in (*self._dependants(one), *self._above(one)):
                if other not in found:
                    found[other] = None
                    waiting.append(other)
        return list(found)

    # ── doing it ──

    def revive(self, nodes: list[Node], why: str) -> None:
        """Make the nodes pending, and let those start that can. What a node is part of opens again."""
        expander = self._scheduler.expander
        opened = {node.parent for node in nodes if node.parent is not None}
        for node in nodes:
            self._scheduler.hub.timers.forget(("group", node.group.name))
            expander.reset(node, why)
        for node in nodes:
            if node.parent is not None:
                node.parent.open += 1
        for node in nodes:
            if node in opened:
                expander.reopen(node)
            else:
                self._scheduler.look_at(node)
