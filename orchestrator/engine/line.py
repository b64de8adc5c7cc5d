"""Who waits at a gate, in the order in which they became ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final

from orchestrator.core.errors import Failure
from orchestrator.core.ports import Estimate
from orchestrator.resilience.budget import Amount

if TYPE_CHECKING:
    from orchestrator.engine.admission import Grant
    from orchestrator.engine.desk import Desk
    from orchestrator.engine.gates import Gate
    from orchestrator.engine.node import Node

NOTHING: Final = Estimate()
NO_AMOUNT: Final = Amount()


class Ticket:
    """The wish of one task to start an attempt, or to make one call of an attempt that runs.

    `order` is its place in every line: the moment it became ready, counted; a ticket that comes back from a wait
    inside an attempt goes before newcomers. It holds nothing while it waits. `amount` is what its call would reserve at
    the backend that is being considered; `exceeded` names the budgets that were told of it. A ticket `beside` others is
    for a call that an attempt makes while it goes on: it waits quietly, and not for a breaker.
    """

    __slots__ = (
        "amount",
        "beside",
        "candidates",
        "estimate",
        "exceeded",
        "gate",
        "granted",
        "needs_slots",
        "node",
        "order",
        "rejected",
    )

    def __init__(
        self,
        node: Node,
        order: int,
        granted: Callable[[Node, Grant], None],
        rejected: Callable[[Node, Failure], None],
        *,
        candidates: tuple[Desk, ...] = (),
        estimate: Estimate = NOTHING,
        needs_slots: bool = True,
        beside: bool = False,
    ) -> None:
        self.node = node
        self.order = order
        self.granted = granted
        self.rejected = rejected
        self.candidates = candidates
        self.estimate = estimate
        self.needs_slots = needs_slots
        self.beside = beside
        self.gate: Gate | None = None
        self.amount = NO_AMOUNT
        self.exceeded: frozenset[str] = frozenset()


class Line:
    """Tickets by their order, `size` of them. Leaving is lazy: a ticket that is elsewhere by now is passed over."""

    __slots__ = ("_heap", "_ties", "gate", "size")

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._heap: list[tuple[int, int, Ticket]] = []
        self._ties = count()
        self.size = 0

    def __iter__(self) -> Iterator[Ticket]:
        """Yield those who wait, in order; the line may change meanwhile."""
        seen = [entry[2] for entry in sorted(self._heap) if self._is_here(entry)]
        return iter(dict.fromkeys(seen))

    def add(self, ticket: Ticket) -> None:
        ticket.gate = self.gate
        self.size += 1
        heappush(self._heap, (ticket.order, next(self._ties), ticket))

    def remove(self, ticket: Ticket) -> None:
        assert ticket.gate is self.gate, "the ticket waits elsewhere"
        ticket.gate = None
        self.size -= 1

    def head(self) -> Ticket | None:
        heap = self._heap
        while heap:
            order, _, ticket = heap[0]
            if ticket.gate is self.gate and ticket.order == order:
                return ticket
            heappop(heap)
        return None

    def is_before(self, ticket: Ticket) -> bool:
        """Return whether somebody in the line goes before the ticket."""
        if not self.size:
            return False
        head = self.head()
        return head is not None and head is not ticket and head.order <= ticket.order

    def _is_here(self, entry: tuple[int, int, Ticket]) -> bool:
        ticket = entry[2]
        return ticket.gate is self.gate and ticket.order == entry[0]
