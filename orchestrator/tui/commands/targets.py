"""What a command is about: the row, what it stands for, or what is marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from orchestrator.core.progress import TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import RunState, State
from orchestrator.tui.commands.command import Desk
from orchestrator.tui.rows import Kind
from orchestrator.tui.text import clean, plural

NO_TASK: Final = "Move to a task first."


def chosen(desk: Desk) -> list[TaskProgress]:
    """Return the marked tasks, else the task under the cursor."""
    if desk.marks:
        return [desk.run.tasks[task] for task in sorted(desk.marks) if task in desk.run.tasks]
    task = desk.row.task if desk.row else None
    return [desk.run.tasks[task]] if task in desk.run.tasks else []


def members(desk: Desk) -> Iterator[TaskProgress]:
    """Yield what a group's or a fan-out's row stands for, or the task itself."""
    run, row = desk.run, desk.row
    if row is None:
        return
    names = run.members[row.group] if row.kind is Kind.GROUP else run.instances.get(row.name, (row.name,))
    yield from (run.tasks[name] for name in names if name in run.tasks and name not in run.instances)


def name_of(tasks: Sequence[TaskProgress]) -> str:
    return clean(tasks[0].id) if len(tasks) == 1 else plural(len(tasks), "task")


def active_of(tasks: Iterable[TaskProgress]) -> list[TaskProgress]:
    return [task for task in tasks if task.state is State.RUNNING]


def ended(run: Run) -> str | None:
    return "The run has ended." if run.state is RunState.FINISHED else None
