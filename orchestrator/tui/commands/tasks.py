"""Commands that act on tasks: cancel, retry, rerun, skip, pause, answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.core import commands as ask
from orchestrator.core.commands import Command as Order
from orchestrator.core.flow import Condition
from orchestrator.core.progress import TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import Reason, State
from orchestrator.tui.commands.command import Command, Desk, Section, confirm
from orchestrator.tui.commands.groups import CancelGroup
from orchestrator.tui.commands.health import backend_here
from orchestrator.tui.commands.targets import NO_TASK, active_of, chosen, ended, members, name_of
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.text import clean, plural


class Cancel(Command):
    """Cancel the task, or the marked ones; asks if one runs, asks you or is needed."""

    id, keys, label, section, asks, foot = "task.cancel", "x", "Cancel", Section.ACT, True, 6

    def refusal(self, desk: Desk) -> str | None:
        if any(True for _ in _cancellable(desk)):
            return None
        return "What is here has ended already." if desk.row else NO_TASK

    def do(self, desk: Desk) -> None:
        if desk.row and desk.row.kind is Kind.GROUP and not desk.marks:
            CancelGroup().do(desk)
            return
        orders = [ask.CancelTask(task=task.id) for task in _targets(desk)]
        tasks = list(_cancellable(desk))
        lost, note = _lost(desk.run, tasks), f"Cancelling {name_of(tasks)}"
        if not lost:
            desk.send(orders, note)
            return
        it = "it" if len(tasks) == 1 else "them"
        body = f"{lost} Everything else goes on."
        question = confirm(f"Cancel {name_of(tasks)}?", body, f"Cancel {it}", f"Keep {it}")
        desk.ask(question, lambda _: desk.send(orders, note))


def _lost(run: Run, tasks: Sequence[TaskProgress]) -> str:
    """Say what a cancel of these ends beside them: attempts, questions, tasks that need them."""
    active, asked, followers = active_of(tasks), [task for task in tasks if task.question], _followers(run, tasks)
    parts = [f"{plural(len(active), 'attempt')} will be stopped."] if active else []
    parts += [f"{plural(len(asked), 'question')} will not be answered."] if asked else []
    needs, is_ = ("needs", "is") if followers == 1 else ("need", "are")
    it = "it" if len(tasks) == 1 else "them"
    parts += [f"{plural(followers, 'task')} that {needs} {it} {is_} skipped."] if followers else []
    return " ".join(parts)


def _followers(run: Run, tasks: Sequence[TaskProgress]) -> int:
    """Count the others that run only if these succeed, or the fan-outs that these are of."""
    names = {task.id for task in tasks} | {task.info.of for task in tasks if task.info.of in run.instances}
    others = (task for task in run.tasks.values() if not task.is_final and task.id not in names)
    return sum(
        any(need.task in names and need.condition is Condition.SUCCEEDED for need in task.info.needs) for task in others
    )


def _targets(desk: Desk) -> list[TaskProgress]:
    return [task for task in chosen(desk) if not task.is_final]


def _cancellable(desk: Desk) -> Iterator[TaskProgress]:
    """Yield the tasks that a cancel here would stop."""
    tasks = chosen(desk) if desk.marks else members(desk)
    return (task for task in tasks if not task.is_final)


class Retry(Command):
    """Retry what failed; skip the wait of what waits."""

    id, keys, label, section, foot = "task.retry", "r", "Retry", Section.ACT, 7

    def refusal(self, desk: Desk) -> str | None:
        if _retries(desk):
            return None
        if any(task.state is State.WAITING for task in chosen(desk)):
            return "This wait cannot be skipped: reset the breaker, raise the budget, or answer."
        on_group = desk.row is not None and desk.row.kind is Kind.GROUP and not desk.marks
        return "Nothing here failed." if on_group else "Nothing here failed or waits."

    def do(self, desk: Desk) -> None:
        orders = _retries(desk)
        doing = "Skipping the wait of" if _skips_waits(desk) else "Retrying"
        desk.send(orders, f"{doing} {plural(len(orders), 'task')}")

    def label_at(self, desk: Desk) -> str:
        return "Skip wait" if _skips_waits(desk) else self.label


def _skips_waits(desk: Desk) -> bool:
    orders = [] if backend_here(desk) else _retries(desk)
    return bool(orders) and all(isinstance(order, ask.SkipWait) for order in orders)


def _retries(desk: Desk) -> list[Order]:
    """Return one order for each task here that can be tried again, or need not wait; one tries a held backend."""
    here = backend_here(desk)
    if here is not None:
        return _probe(desk.run, here)
    if desk.marks or (desk.row and desk.row.kind is Kind.TASK):
        return [order for task in chosen(desk) for order in _retry(task)]
    return [ask.RetryTask(task=task.id) for task in members(desk) if task.state in {State.FAILED, State.CANCELLED}]


def _probe(run: Run, backend: str) -> list[Order]:
    """Let one of the tasks that a held backend holds try it."""
    held = run.backends[backend].held_for is not None
    waiting = (task for task in run.tasks.values() if task.wait is not None and task.wait.gate == backend)
    first = next((task for task in waiting if task.wait and task.wait.reason in _HOLDS), None) if held else None
    return [ask.SkipWait(task=first.id)] if first is not None else []


_HOLDS: Final = frozenset({Reason.QUOTA, Reason.RATE_LIMIT})


def _retry(task: TaskProgress) -> list[Order]:
    if task.state in _RESTARTABLE:
        return [ask.RetryTask(task=task.id)]
    ends_otherwise = task.wait is not None and task.wait.reason in _NEVER_SKIPPED
    return [ask.SkipWait(task=task.id)] if task.state is State.WAITING and not ends_otherwise else []


_RESTARTABLE: Final = frozenset({State.FAILED, State.SKIPPED, State.CANCELLED})
_NEVER_SKIPPED: Final = frozenset({Reason.BREAKER, Reason.BUDGET, Reason.APPROVAL, Reason.ANSWER, Reason.SUBAGENT})
"""What ends by something else that a person does, or by itself."""


class RerunFrom(Command):
    """Run the task and what follows again."""

    id, keys, label, section, asks = "task.rerun", "u", "Rerun from here", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        if not chosen(desk):
            return NO_TASK
        return None if _rerunnable(desk) else "Only what has ended can run again."

    def do(self, desk: Desk) -> None:
        tasks = _rerunnable(desk)
        orders = [ask.RerunFrom(task=task.id) for task in tasks]
        whose, it = ("Its result is", "it") if len(tasks) == 1 else ("Their results are", "them")
        body = f"{whose} given up, and the results of all that followed from {it}. The rest is kept."
        question = confirm(f"Rerun {name_of(tasks)} and what follows?", body, "Rerun")
        desk.ask(question, lambda _: desk.send(orders, f"Rerunning {name_of(tasks)} and what follows"))


def _rerunnable(desk: Desk) -> list[TaskProgress]:
    return [task for task in chosen(desk) if task.is_final]


class Skip(Command):
    """Skip the task: it will not run."""

    id, keys, label, section, asks = "task.skip", "S", "Skip", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        if desk.row is None and not desk.marks:
            return NO_TASK
        return None if _skippable(desk) else "Only a task that has not started can be skipped."

    def do(self, desk: Desk) -> None:
        tasks = _skippable(desk)
        what = "it" if len(tasks) == 1 else "them"
        body = f"What needs {what} is skipped too, unless it says otherwise. Everything else goes on."
        orders = [ask.SkipTask(task=task.id) for task in tasks]
        question = confirm(f"Skip {name_of(tasks)}?", body, "Skip")
        desk.ask(question, lambda _: desk.send(orders, f"Skipping {name_of(tasks)}"))


def _skippable(desk: Desk) -> list[TaskProgress]:
    """Return what here has not started: marked tasks, the task, or all of a group or a fan-out."""
    tasks = chosen(desk) if desk.marks else members(desk)
    return [task for task in tasks if task.state in {State.PENDING, State.WAITING} and not task.attempts]


class Pause(Command):
    """Pause or resume the task or the group."""

    id, keys, label, section, foot = "task.pause", "p", "Pause", Section.ACT, 9

    def refusal(self, desk: Desk) -> str | None:
        if desk.row is None:
            return NO_TASK
        if desk.row.kind is Kind.GROUP and not desk.marks:
            return ended(desk.run)
        return None if _targets(desk) else "What is here has ended already."

    def do(self, desk: Desk) -> None:
        if desk.row and desk.row.kind is Kind.GROUP and not desk.marks:
            paused, name = desk.run.groups[desk.row.group].paused, f"group {clean(desk.row.group)}"
            desk.send([_toggle_group(desk.run, desk.row.group)], f"{'Resuming' if paused else 'Pausing'} {name}")
            return
        tasks = _targets(desk)
        paused = all(task.paused for task in tasks)
        orders = [_toggle_task(task) for task in tasks if task.paused is paused]
        desk.send(orders, f"{'Resuming' if paused else 'Pausing'} {name_of(tasks)}")


def _toggle_group(run: Run, group: str) -> Order:
    return ask.UnpauseGroup(group=group) if run.groups[group].paused else ask.PauseGroup(group=group)


def _toggle_task(task: TaskProgress) -> Order:
    return ask.UnpauseTask(task=task.id) if task.paused else ask.PauseTask(task=task.id)


class Approve(Command):
    """Open what a task asks, to answer it."""

    id, keys, label, section, foot = "task.approve", "a", "Approve", Section.ACT, 3

    def refusal(self, desk: Desk) -> str | None:
        if _asking(desk):
            return None
        if any(task.wait is not None and task.wait.reason is Reason.BUDGET for task in chosen(desk)):
            return f"Nothing is asked: it waits for a budget, which {desk.key('limit.raise')} raises."
        others = len(desk.run.questions)
        if not others:
            return "Nothing is asked."
        return f"Nothing is asked here; {desk.key('need.list')} lists {plural(others, 'question')}."

    def do(self, desk: Desk) -> None:
        desk.answer(_asking(desk))


def _asking(desk: Desk) -> list[str]:
    """Return the questions of what is marked, else of the row: a task, a fan-out or a group."""
    questions = desk.run.questions
    if desk.marks:
        return [task for task in questions if task in desk.marks]
    row = desk.row
    return [] if row is None else [task for task in questions if _is_of(desk.run.tasks[task], row)]


def _is_of(task: TaskProgress, row: Row) -> bool:
    return task.group == row.group if row.kind is Kind.GROUP else row.name in {task.id, task.info.of}
