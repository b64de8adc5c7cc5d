"""Questions that a person answers before a task starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from orchestrator.core.errors import AttemptError, DeniedError
from orchestrator.core.events import ApprovalDenied, ApprovalGiven, ApprovalRequested
from orchestrator.core.flow import Approval, OnTimeout, whole_of
from orchestrator.engine.node import Node

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler


class _Asked(NamedTuple):
    """A question that is open: who asks, and when it answers itself."""

    node: Node
    until: float | None


class Approvals:
    """Asks, and takes answers. With `once`, the first instance of a fan-out asks for all."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub
        self._asked: dict[str, _Asked] = {}

    def ask(self, node: Node) -> float | None:
        """Ask for the task, unless that was done; return when the question answers itself."""
        if self.is_approved_beforehand(node):
            self._scheduler.then(self.approve, node, "the command line", "")
            return None
        key = _key(node)
        if key not in self._asked:
            seconds = _approval(node).timeout
            self._asked[key] = _Asked(node, None if seconds is None else self._hub.now() + seconds)
            self._scheduler.then(self._request, self._asked[key])
        return self._asked[key].until

    def is_approved_beforehand(self, node: Node) -> bool:
        """Return whether the command line named it, the instance that it is part of, or all instances."""
        ids = {node.id, node.of.id if node.of is not None else node.id}
        names = ids | {whole_of(one) for one in ids}
        return self._hub.options.approve_all or bool(names & self._hub.options.approved)

    def _request(self, asked: _Asked) -> None:
        node, until = asked
        if self._asked.get(_key(node)) is not asked:
            return
        approval = _approval(node)
        try:
            message = self._scheduler.renderer.text(approval.message, node)
            show = None if approval.show is None else self._scheduler.renderer.text(approval.show, node)
        except AttemptError as error:
            self._scheduler.leave(node)
            self._scheduler.fail(node, self._scheduler.blame(node, error.failure))
            return
        text = self._hub.redactor.text
        self._hub.emit(ApprovalRequested(node.id, text(message), text(show) if show else None, until))
        if until is not None:
            self._hub.timers.wake((node, "approval"), until, lambda _: self._unanswered(node, approval))

    def _unanswered(self, node: Node, approval: Approval) -> None:
        answer = self.approve if approval.on_timeout is OnTimeout.APPROVE else self.deny
        self._scheduler.then(answer, node, "time", f"no answer within {approval.timeout:g} s")
        self._scheduler.work()

    def approve(self, node: Node, by: str, reason: str) -> None:
        if node.approved or self._scheduler.is_final(node):
            return
        self._hub.emit(ApprovalGiven(node.id, by, reason))
        for one in self._answered(node):
            one.approved = True
            if one.ticket is not None:
                self._hub.admission.retest(one.ticket)

    def deny(self, node: Node, by: str, reason: str) -> None:
        """Fail the task; with `once`, all for whom it asked."""
        self._hub.emit(ApprovalDenied(node.id, by, reason))
        because = f": {reason}" if reason else ""
        failure = DeniedError(f"denied by {by}{because}").failure
        for one in self._answered(node):
            self._scheduler.leave(one)
            self._scheduler.fail(one, self._scheduler.blame(one, failure))

    def _answered(self, node: Node) -> list[Node]:
        """Return those whom an answer for the task is for: with `once`, all that have not ended or been approved."""
        self._forget(node)
        all_of_them = node.of.instances if _approval(node).once and node.of is not None else [node]
        return [one for one in all_of_them if not one.approved and not self._scheduler.is_final(one)]

    def withdraw(self, node: Node) -> None:
        """Forget the question of a task that has ended; with `once`, the next that is tested asks in its place."""
        asked = self._asked.get(_key(node))
        if asked is not None and asked.node is node:
            self._forget(node)

    def _forget(self, node: Node) -> None:
        self._hub.timers.forget((node, "approval"))
        self._asked.pop(_key(node), None)


def _approval(node: Node) -> Approval:
    approval = node.task.approval
    assert approval is not None, "only a task with `approve` waits for an answer"
    return approval


def _key(node: Node) -> str:
    """Return the name under which a question is asked once."""
    return node.of.id if node.of is not None and _approval(node).once else node.id
