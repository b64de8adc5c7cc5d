"""What needs a person, in dialogs: questions are answered there, and the list of all of it leads on to what helps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from orchestrator.core.commands import Answer as Reply
from orchestrator.core.commands import Approve, Deny, ResetBreaker, RetryTask, SkipWait
from orchestrator.core.commands import Command as Order
from orchestrator.core.progress import Question
from orchestrator.core.run import Run
from orchestrator.tui.needs import Need, Want, needs
from orchestrator.tui.paint import Paint
from orchestrator.tui.screens.answer import AnswerScreen, Told
from orchestrator.tui.screens.approval import Answer, ApprovalScreen
from orchestrator.tui.screens.attention import Act, AttentionScreen
from orchestrator.tui.screens.modal import Dialog
from orchestrator.tui.subjects import Subject

T = TypeVar("T")
Then = Callable[[bool], None]
"""What goes on once a dialog is closed; told whether there was an answer."""


class Front(Protocol):
    """The screen behind the dialogs."""

    paint: Paint

    @property
    def run(self) -> Run: ...
    @property
    def now(self) -> float: ...
    def send(self, orders: Sequence[Order], note: str = "") -> None: ...
    def tell(self, text: str) -> None: ...
    def show_task(self, task: str) -> None: ...
    def open_dialog(self, dialog: Dialog[T], then: Callable[[T | None], None]) -> None: ...
    def adjust_limit(self, subject: Subject) -> None: ...


class People:
    """Opens what needs a person, and does what the person decides."""

    def __init__(self, front: Front) -> None:
        self._front = front

    # ── questions ───────────────────────────────────────────────────────────────────────────────

    def answer(self, tasks: Sequence[str]) -> None:
        """Open the questions one after another."""
        if tasks:
            self._open(tasks[0], lambda _: self.answer(tasks[1:]))

    def _open(self, task: str, then: Then) -> None:
        question = self._front.run.questions.get(task)
        if question is None:
            then(False)  # noqa: FBT003 - as a dialog would tell it
        elif question.wants_answer:
            self._ask_text(task, question, then)
        else:
            self._ask_leave(task, question, then)

    def _ask_text(self, task: str, question: Question, then: Then) -> None:
        def answered(told: Told | None) -> None:
            if told is not None:
                self._front.send([Deny(task=task) if told.text is None else Reply(task=task, text=told.text)])
            then(told is not None)

        self._front.open_dialog(AnswerScreen(task, question, self._front.paint), answered)

    def _ask_leave(self, task: str, question: Question, then: Then) -> None:
        def answered(answer: Answer | None) -> None:
            if answer is not None:
                self._front.send([_order(task, answer)])
            then(answer is not None)

        self._front.open_dialog(ApprovalScreen(task, question, self._front.now, self._front.paint), answered)

    # ── the list ────────────────────────────────────────────────────────────────────────────────

    def show_needs(self) -> None:
        """Open the list of what needs a person, if anything does."""
        if not self._show_list():
            self._front.tell("Nothing failed, and nobody waits for you.")

    def _show_list(self, place: int = 0, done: Need | None = None) -> bool:
        """Open the list; what was done just now is not in it, though the run may not have told yet."""
        found = [need for need in needs(self._front.run) if done is None or need.key != done.key]
        if found:
            screen = AttentionScreen(found, self._front.now, self._front.paint, min(place, len(found) - 1))
            self._front.open_dialog(screen, self._chosen)
        return bool(found)

    def _chosen(self, act: Act | None) -> None:
        if act is None:
            return
        need = act.need
        if act.go and need.task is not None:
            self._front.show_task(need.task)
        elif need.want in {Want.APPROVAL, Want.ANSWER}:
            self._open(need.name, lambda answered: self._list_again(act, answered=answered))
        elif need.want is Want.BUDGET:
            self._front.adjust_limit(Subject("budget", need.name, _unit(self._front.run, need.name)))
        else:
            self._help(need)
            self._list_again(act, answered=True)

    def _list_again(self, act: Act, *, answered: bool) -> None:
        """Come back to the list; a question that was put off is still there."""
        self._show_list(act.place, act.need if answered else None)

    def _help(self, need: Need) -> None:
        order: Order | None = None
        match need.want:
            case Want.BREAKER:
                order = ResetBreaker(backend=need.name)
            case Want.QUOTA:
                order = SkipWait(task=need.task) if need.task is not None else None
            case Want.FAILURE:
                order = RetryTask(task=need.name)
            case Want.APPROVAL | Want.ANSWER | Want.BUDGET:
                pass  # a dialog of its own does it
        if order is None:
            self._front.tell("Nothing waits there now; the next call will try it.")
        else:
            self._front.send([order])


def _unit(run: Run, budget: str) -> str:
    """Return the unit of a budget that is most used up."""
    spent, info = run.budgets[budget], run.budgets[budget].info
    shares = {
        "cost_usd": spent.cost_usd / info.cost_usd if info.cost_usd else 0.0,
        "tokens": spent.tokens / info.tokens if info.tokens else 0.0,
    }
    unit = max(shares, key=lambda unit: shares[unit])
    return unit if shares[unit] or info.time is None else "time"


def _order(task: str, answer: Answer) -> Order:
    if answer.approved:
        return Approve(task=task, reason=answer.reason)
    return Deny(task=task, reason=answer.reason)
