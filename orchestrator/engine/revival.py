"""Which tasks start again when one is retried or rerun, and how they do."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.core.errors import CommandError
from orchestrator.core.events import TaskExpanded
from orchestrator.core.states import State
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
        if node.doomed_by is not None:
            cause = self._scheduler.hub.run.tasks[node.id].cause or node.doomed_by
            raise CommandError(f"{node.id} was skipped because {cause} did not succeed; retry {cause}")
        return self._with_skipped(self._failed_parts(node))

    def retry_failed(self) -> list[Node]:
        """Return every failed or cancelled task, and what was skipped because of them."""
        ended = (State.FAILED, State.CANCELLED)
        nodes = [
            node
            for node in self._scheduler.nodes.values()
            if self._scheduler.state(node) in ended and not self._scheduler.expander.parts(node)
        ]
        if not nodes:
            raise CommandError("no task has failed or was cancelled")
        return self._with_skipped(nodes)

    def rerun(self, node: Node) -> list[Node]:
        """Return the task and all that follows from it. Refuses while any of that runs."""
        nodes = list(dict.fromkeys(self._following([node])))
        busy = [one.id for one in nodes if self._scheduler.state(one) in (State.RUNNING, State.WAITING)]
        busy = [task for task in busy if not self._stands_above(self._scheduler.nodes[task], node)]
        if busy:
            raise CommandError(f"{busy[0]} follows from {node.id} and is not done; cancel it first")
        if not self._scheduler.is_final(node):
            raise CommandError(f"{node.id} has not run yet")
        return [one for one in nodes if self._scheduler.is_final(one)]

    def _stands_above(self, above: Node, node: Node) -> bool:
        """Return whether the one is what the other is a part of."""
        part: Node | None = node
        while part is not None:
            if part is above:
                return True
            part = part.of if part.of is not None else part.level.outer
        return False

    def _failed_parts(self, node: Node) -> list[Node]:
        """Return what of a whole or a sub-flow has to run again; of a plain task, itself."""
        parts = self._scheduler.expander.parts(node)
        if not parts:
            return [node]
        return [
            one
            for part in parts
            if self._scheduler.state(part) in _RETRYABLE and part.doomed_by is None
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
        return [
            other
            for other in self._dependants(node)
            if self._scheduler.state(other) is State.SKIPPED and other.doomed_by is not None
        ]

    def _dependants(self, node: Node) -> list[Node]:
        dependencies = self._scheduler.dependencies
        names = (*dependencies.dependants(node.id), *dependencies.dependants(node.id + "#expanded"))
        return [self._scheduler.nodes[name] for name in names]

    def _above(self, node: Node) -> list[Node]:
        above = node.of if node.of is not None else node.level.outer
        return [] if above is None else [above]

    def _following(self, nodes: Iterable[Node]) -> list[Node]:
        found: dict[Node, None] = {}
        waiting = list(nodes)
        while waiting:
            node = waiting.pop(0)
            if node not in found:
                found[node] = None
                waiting += [*self._dependants(node), *self._above(node)]
        return list(found)

    # ── doing it ──

    def revive(self, nodes: list[Node], why: str) -> None:
        """Make the nodes pending, and let those start that can. What a node is part of opens again."""
        expander = self._scheduler.expander
        opened = [node for node in nodes if self._reopens(node, nodes)]
        for node in nodes:
            expander.reset(node, why)
        for node in nodes:
            self._count_again(node)
        for node in opened:
            self._scheduler.then(self._reopen, node)
        for node in nodes:
            if node not in opened:
                self._scheduler.look_at(node)

    def _reopens(self, node: Node, nodes: list[Node]) -> bool:
        """Return whether the node stands for parts of which only some start again."""
        return any(part in nodes for part in self._scheduler.expander.parts(node))

    def _count_again(self, node: Node) -> None:
        above = node.of if node.of is not None else node.level.outer
        if above is not None:
            above.open += 1

    def _reopen(self, node: Node) -> None:
        parts = tuple(part.id for part in self._scheduler.expander.parts(node))
        self._scheduler.hub.emit(TaskExpanded(node.id, parts))
