"""Questions that a person answers before a task starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.core.errors import AttemptError, DeniedError
from orchestrator.core.events import ApprovalDenied, ApprovalGiven, ApprovalRequested
from orchestrator.core.flow import Approval, OnTimeout
from orchestrator.engine.node import Node

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler


class Approvals:
    """Asks, and takes answers. With `once`, the first instance of a fan-out asks for all."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub
        self._asked: dict[str, Node] = {}

    def ask(self, node: Node) -> float | None:
        """Ask for the task, unless that was done; return when the question answers itself."""
        approval = node.task.approval
        assert approval is not None, "only a task with `approve` waits for an answer"
        if self._is_approved_beforehand(node):
            self._scheduler.then(self.approve, node, "the command line", "")
            return None
        key = self._key(node)
        if key not in self._asked:
            self._asked[key] = node
            self._scheduler.then(self._request, node, approval)
        return None if approval.timeout is None else (node.ready_at or 0.0) + approval.timeout

    def _is_approved_beforehand(self, node: Node) -> bool:
        names = {node.id, node.task.id, node.of.id if node.of is not None else node.id}
        return self._hub.options.approve_all or bool(names & self._hub.options.approved)

    def _request(self, node: Node, approval: Approval) -> None:
        if self._scheduler.is_final(node):
            return
        try:
            message = self._scheduler.renderer.text(approval.message, node)
            show = None if approval.show is None else self._scheduler.renderer.text(approval.show, node)
        except AttemptError as error:
            self._scheduler.leave(node)
            self._scheduler.fail(node, self._scheduler.blame(node, error.failure))
            return
        until = None if approval.timeout is None else (node.ready_at or 0.0) + approval.timeout
        text = self._hub.redactor.text
        self._hub.emit(ApprovalRequested(node.id, text(message), text(show) if show else None, until))
        if until is not None:
            self._hub.timers.wake((node, "approval"), until, lambda _: self._unanswered(node, approval))

    def _unanswered(self, node: Node, approval: Approval) -> None:
        if approval.on_timeout is OnTimeout.APPROVE:
            self.approve(node, "time", f"no answer within {approval.timeout:g} s")
        else:
            self.deny(node, "time", f"no answer within {approval.timeout:g} s")
        self._scheduler.work()

    def approve(self, node: Node, by: str, reason: str) -> None:
        for one in self._answered(node):
            if not one.approved:
                one.approved = True
                if one is node:
                    self._hub.emit(ApprovalGiven(node.id, by, reason))
                if one.ticket is not None:
                    self._hub.admission.retest(one.ticket)

    def deny(self, node: Node, by: str, reason: str) -> None:
        """Fail the task; with `once`, all for whom it asked."""
        self._hub.emit(ApprovalDenied(node.id, by, reason))
        because = f": {reason}" if reason else ""
        failure = DeniedError(f"denied by {by}{because}").failure
        for one in self._answered(node):
            if not self._scheduler.is_final(one):
                self._scheduler.leave(one)
                self._scheduler.fail(one, self._scheduler.blame(one, failure))

    def _answered(self, node: Node) -> list[Node]:
        """Return those whom an answer for the task is for."""
        self._hub.timers.forget((node, "approval"))
        self._asked.pop(self._key(node), None)
        approval = node.task.approval
        if approval is not None and approval.once and node.of is not None:
            return list(node.of.instances)
        return [node]

    @staticmethod
    def _key(node: Node) -> str:
        approval = node.task.approval
        return node.of.id if node.of is not None and approval is not None and approval.once else node.id
