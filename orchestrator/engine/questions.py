"""What a person is asked while a task runs: a question that wants an answer, or leave to do something."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from orchestrator.core.errors import CommandError, DeniedError
from orchestrator.core.events import (
    ApprovalDenied,
    ApprovalGiven,
    ApprovalRequested,
    QuestionAnswered,
    QuestionAsked,
    QuestionWithdrawn,
)
from orchestrator.core.states import Reason
from orchestrator.engine.aside import Aside
from orchestrator.engine.attempt import Attempt
from orchestrator.engine.node import Node

if TYPE_CHECKING:
    from orchestrator.engine.scheduler import Scheduler


class _Open(NamedTuple):
    """A question that nobody has answered yet; an approval's answer is what the person had to say."""

    answer: asyncio.Future[str]
    choices: tuple[str, ...] | None


class Questions:
    """Asks on behalf of attempts, one question of each at a time, and takes the answers."""

    def __init__(self, scheduler: Scheduler, aside: Aside) -> None:
        self._scheduler = scheduler
        self._hub = scheduler.hub
        self._aside = aside
        self._open: dict[Node, _Open] = {}

    async def ask(self, attempt: Attempt, message: str, choices: Sequence[str]) -> str:
        """Return the answer. Raises DeniedError where nobody can give one."""
        if not self._hub.options.answers_questions:
            raise DeniedError("nobody is there to answer", hint="run it in the dashboard, or in a terminal")
        text = self._hub.redactor.text
        asked = QuestionAsked(attempt.task, text(message), tuple(map(text, choices)))
        return await self._answered(attempt, Reason.ANSWER, asked, asked.choices)

    async def confirm(self, attempt: Attempt, message: str, show: str) -> None:
        """Return once it is allowed. Raises DeniedError where it is not, or nobody can be asked."""
        if self._scheduler.approvals.is_approved_beforehand(attempt.node):
            return
        if not self._hub.options.answers_questions:
            raise DeniedError(
                f"{message} Nobody is there to be asked",
                hint=f"run it in the dashboard, say --approve {attempt.task}, or write `confirm: never`",
            )
        text = self._hub.redactor.text
        await self._answered(attempt, Reason.APPROVAL, ApprovalRequested(attempt.task, text(message), text(show)), None)

    async def _answered(
        self,
        attempt: Attempt,
        reason: Reason,
        asked: QuestionAsked | ApprovalRequested,
        choices: tuple[str, ...] | None,
    ) -> str:
        answer: asyncio.Future[str] = self._hub.loop.create_future()
        self._open[attempt.node] = _Open(answer, choices)
        self._hub.emit(asked)
        try:
            return await self._aside.wait(attempt, reason, answer)
        finally:
            self._open.pop(attempt.node, None)

    # ── what a person says ──

    def is_confirming(self, node: Node) -> bool:
        """Return whether the task asks for leave while it runs, and not before it starts."""
        question = self._open.get(node)
        return question is not None and question.choices is None

    def check_answer(self, node: Node, text: str) -> None:
        """Raise CommandError for what is no answer to what the task asks."""
        question = self._open.get(node)
        if question is None or question.choices is None:
            raise CommandError(f"{node.id} asks nothing that wants an answer")
        if question.choices and text not in question.choices:
            raise CommandError(f"{text!r} is no answer; choose one of {', '.join(question.choices)}")

    def answer(self, node: Node, text: str, by: str) -> None:
        shown = self._hub.redactor.text(text)
        self._hub.emit(QuestionAnswered(node.id, shown, by))
        self._open[node].answer.set_result(text)

    def approve(self, node: Node, by: str, reason: str) -> None:
        self._hub.emit(ApprovalGiven(node.id, by, reason))
        self._open[node].answer.set_result(reason)

    def deny(self, node: Node, by: str, reason: str) -> None:
        self._hub.emit(ApprovalDenied(node.id, by, reason))
        self._open[node].answer.set_exception(DeniedError(f"denied by {by}{_because(reason)}"))

    def decline(self, node: Node, by: str, reason: str) -> None:
        """Leave a question without an answer: the task goes on without one."""
        self._hub.emit(QuestionWithdrawn(node.id))
        self._open[node].answer.set_exception(DeniedError(f"{by} gave none{_because(reason)}"))


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
