"""Tasks that a running task starts, and whose outputs it waits for."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from orchestrator.core.errors import Failure, InputError
from orchestrator.core.flow import DEEPEST_TEAM, Task
from orchestrator.core.ports import Handed, Work
from orchestrator.core.states import Reason, State
from orchestrator.engine.aside import Aside
from orchestrator.engine.attempt import Attempt
from orchestrator.engine.node import Node, Shares

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler


class Delegation:
    """Adds such tasks to the run. They spend what their starter may spend, and belong to the run until it has heard."""

    def __init__(self, scheduler: Scheduler, aside: Aside) -> None:
        self._scheduler = scheduler
        self._aside = aside
        self._waiting: dict[Node, asyncio.Future[None]] = {}
        self._used_below: Counter[Node] = Counter()

    async def delegate(self, attempt: Attempt, works: Sequence[Work]) -> Sequence[Handed]:
        """Return what became of each work, in their order. Raises InputError for too many, or too deep."""
        starter = attempt.node
        if not works:
            return ()
        self._check_depth(starter)
        children = self._added(starter, works)
        over = self._waiting[starter] = self._scheduler.hub.loop.create_future()
        try:
            await self._aside.wait(attempt, Reason.SUBAGENT, over)
        finally:
            self._waiting.pop(starter, None)
            used = [self._tokens_of(child) for child in children]
            self._used_below[starter] += sum(used)
            self._dismiss(children)
        return [Handed(self._end_of(child), tokens) for child, tokens in zip(children, used, strict=True)]

    @staticmethod
    def _check_depth(starter: Node) -> None:
        above, depth = starter.parent, 0
        while above is not None:
            above, depth = above.parent, depth + 1
        if depth >= DEEPEST_TEAM:
            message = f"{starter.id} is {depth} tasks deep, which is the most; it can start no subagents"
            raise InputError(message, hint="do the work without them")

    def _added(self, starter: Node, works: Sequence[Work]) -> list[Node]:
        scheduler = self._scheduler
        ids = self._free_ids(starter, [work.name for work in works])
        scheduler.expander.check_size(ids)
        children = [self._child(starter, work, node_id) for work, node_id in zip(works, ids, strict=True)]
        starter.open = len(children)
        for child in children:
            scheduler.add(child, ())
        for child in children:
            scheduler.look_at(child)
        return children

    def _child(self, starter: Node, work: Work, node_id: str) -> Node:
        task = Task(
            id=work.name,
            kind=work.kind,
            settings=work.settings,
            group=starter.task.group,
            backend=work.backend or starter.task.backend,
            retry=starter.task.retry,
            fallback=starter.task.fallback,
            attempt_timeout=starter.task.attempt_timeout,
            idle_timeout=starter.task.idle_timeout,
            optional=True,
        )
        hub = self._scheduler.hub
        slots = (starter.group.slots, self._scheduler.world.run_slots)
        shares = Shares(starter.group, slots, starter.budgets, starter.pauses)
        kind = hub.parts.kinds(work.kind)
        node = Node(task, starter.level, shares, kind, hub.now, node_id=node_id, of=starter)
        node.given = work.settings
        return node

    def _free_ids(self, starter: Node, names: Sequence[str]) -> list[str]:
        """Return ids that no task has: works may have one name, and a retried starter may start them again."""
        ids: list[str] = []
        for name in names:
            first = found = f"{starter.id}/{name}"
            number = 1
            while found in self._scheduler.nodes or found in ids:
                number += 1
                found = f"{first}-{number}"
            ids.append(found)
        return ids

    def _dismiss(self, children: list[Node]) -> None:
        """Let go of what was started: nobody waits for it any more."""
        for child in children:
            self._scheduler.cancel(child, "the end of what started it")
            child.left_over = True
        self._scheduler.work()

    def _end_of(self, child: Node) -> Mapping[str, object] | Failure:
        progress = self._scheduler.hub.run.tasks[child.id]
        if progress.error is not None and progress.state is State.FAILED:
            return progress.error
        if progress.state is State.SUCCEEDED:
            return child.output or {}
        return InputError(f"{child.id} was {progress.state}").failure

    def _tokens_of(self, child: Node) -> int:
        """Return what the task used in all its attempts, and what was used below it."""
        return self._scheduler.hub.run.tasks[child.id].tokens + self._used_below.pop(child, 0)

    def ended(self, starter: Node) -> bool:
        """Take note that all that a task started has ended; return whether it waits for that."""
        over = self._waiting.get(starter)
        if over is not None and not over.done():
            over.set_result(None)
        return over is not None or starter.attempt is not None
