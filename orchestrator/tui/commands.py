"""What the keyboard can do.

A command is a class: its docstring is the help, and its fields give the key, the footer's label and the palette's
entry. It looks at a desk, says why it makes no sense now, or asks the desk to do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import ClassVar, Final, NamedTuple, Protocol

from orchestrator.core import commands as ask
from orchestrator.core.commands import Command as Order
from orchestrator.core.progress import ENDED_BADLY, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, RunState, State, Status
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.text import clean, plural


class Section(StrEnum):
    """Where a command stands in the help."""

    MOVE = "Move"
    FIND = "Find"
    ACT = "Act"
    HEALTH = "Health"
    OUTPUT = "Output"
    RUN = "Run"


class Motion(StrEnum):
    """How the cursor moves."""

    DOWN = "down"
    UP = "up"
    FIRST = "first"
    LAST = "last"
    PAGE_DOWN = "page down"
    PAGE_UP = "page up"
    HALF_DOWN = "half down"
    HALF_UP = "half up"


class Choice(NamedTuple):
    """One answer to a question: its key, its label, and whether it is the safe one."""

    key: str
    label: str
    safe: bool = False


class Question(NamedTuple):
    """What is asked before something is done. The answer is the chosen key, or None."""

    title: str
    body: str
    choices: tuple[Choice, ...]


class Desk(Protocol):
    """What a command sees and may ask for."""

    @property
    def run(self) -> Run: ...
    @property
    def row(self) -> Row | None: ...
    @property
    def marks(self) -> frozenset[str]: ...
    def send(self, orders: Sequence[Order], note: str = "") -> None: ...
    def ask(self, question: Question, then: Callable[[str], None]) -> None: ...
    def tell(self, text: str) -> None: ...
    def move(self, motion: Motion) -> None: ...
    def fold(self, *, opened: bool) -> None: ...
    def open_row(self) -> None: ...
    def back(self) -> None: ...
    def next_pane(self, step: int) -> None: ...
    def turn_page(self, step: int) -> None: ...
    def edit_filter(self) -> None: ...
    def go_to_need(self, step: int) -> None: ...
    def hide_done(self) -> None: ...
    def show_palette(self) -> None: ...
    def show_help(self) -> None: ...
    def mark(self) -> None: ...
    def answer(self, tasks: Sequence[str]) -> None: ...
    def follow(self) -> None: ...
    def copy_line(self) -> None: ...
    def copy_log(self) -> None: ...
    def leave(self) -> None: ...
    def next_theme(self) -> None: ...
    def repaint(self) -> None: ...
    def interrupt(self) -> None: ...
    def quit(self) -> None: ...


class Command:
    """One thing the keyboard can do. `foot` orders the footer; what has none is not there.

    `everywhere` holds in dialogs and inputs too, and so must not be a letter.
    """

    id: ClassVar[str]
    keys: ClassVar[str]
    label: ClassVar[str]
    section: ClassVar[Section]
    asks: ClassVar[bool] = False
    foot: ClassVar[int | None] = None
    everywhere: ClassVar[bool] = False

    def refusal(self, desk: Desk) -> str | None:
        """Return why it makes no sense now, or None."""
        del desk
        return None

    def do(self, desk: Desk) -> None:
        raise NotImplementedError

    @property
    def help(self) -> str:
        return (self.__doc__ or "").partition("\n")[0].rstrip(".")


# ── helpers ─────────────────────────────────────────────────────────────────────────────────────

YES: Final = "y"


def _confirm(title: str, body: str, yes: str, no: str = "No") -> Question:
    return Question(title, body, (Choice(YES, yes), Choice("n", no, safe=True)))


def chosen(desk: Desk) -> list[TaskProgress]:
    """Return the marked tasks, else the task under the cursor."""
    if desk.marks:
        return [desk.run.tasks[task] for task in sorted(desk.marks) if task in desk.run.tasks]
    task = desk.row.task if desk.row else None
    return [desk.run.tasks[task]] if task in desk.run.tasks else []


def _members(desk: Desk) -> Iterator[TaskProgress]:
    """Yield what a group's or a fan-out's row stands for, or the task itself."""
    run, row = desk.run, desk.row
    if row is None:
        return
    names = run.members[row.group] if row.kind is Kind.GROUP else run.instances.get(row.name, (row.name,))
    yield from (run.tasks[name] for name in names if name in run.tasks and name not in run.instances)


def _name(tasks: Sequence[TaskProgress]) -> str:
    return clean(tasks[0].id) if len(tasks) == 1 else plural(len(tasks), "task")


def _active(tasks: Iterable[TaskProgress]) -> list[TaskProgress]:
    return [task for task in tasks if task.state is State.RUNNING]


def _ended(run: Run) -> str | None:
    return "The run has ended." if run.state is RunState.FINISHED else None


_NO_TASK: Final = "Move to a task first."
_RESTARTABLE: Final = frozenset({State.FAILED, State.SKIPPED, State.CANCELLED})


# ── move ────────────────────────────────────────────────────────────────────────────────────────


class Down(Command):
    """Go down."""

    id, keys, label, section = "cursor.down", "j,down", "Down", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.DOWN)


class Up(Command):
    """Go up."""

    id, keys, label, section = "cursor.up", "k,up", "Up", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.UP)


class First(Command):
    """Go to the first line."""

    id, keys, label, section = "cursor.first", "g,home", "First", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.FIRST)


class Last(Command):
    """Go to the last line; a log follows again."""

    id, keys, label, section = "cursor.last", "G,end", "Last", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.LAST)


class PageDown(Command):
    """Go down a page."""

    id, keys, label, section = "cursor.page_down", "pagedown", "Page down", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.PAGE_DOWN)


class PageUp(Command):
    """Go up a page."""

    id, keys, label, section = "cursor.page_up", "pageup", "Page up", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.PAGE_UP)


class HalfDown(Command):
    """Go down half a page."""

    id, keys, label, section = "cursor.half_down", "ctrl+d", "Half page down", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.HALF_DOWN)


class HalfUp(Command):
    """Go up half a page."""

    id, keys, label, section = "cursor.half_up", "ctrl+u", "Half page up", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.move(Motion.HALF_UP)


class Fold(Command):
    """Fold the group; scroll a log left."""

    id, keys, label, section = "row.fold", "h,left", "Fold", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.fold(opened=False)


class Unfold(Command):
    """Unfold the group; scroll a log right."""

    id, keys, label, section = "row.unfold", "l,right", "Unfold", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.fold(opened=True)


class Open(Command):
    """Open the task's pane, or fold the group."""

    id, keys, label, section, foot = "row.open", "enter", "Open", Section.MOVE, 1

    def do(self, desk: Desk) -> None:
        desk.open_row()


class Back(Command):
    """Go one step back: full pane, filter, marks."""

    id, keys, label, section = "back", "escape", "Back", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.back()


class NextPane(Command):
    """Go to the next pane."""

    id, keys, label, section = "pane.next", "tab", "Next pane", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.next_pane(1)


class PreviousPane(Command):
    """Go to the previous pane."""

    id, keys, label, section = "pane.previous", "shift+tab", "Previous pane", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.next_pane(-1)


class NextPage(Command):
    """Turn to the pane's next page."""

    id, keys, label, section = "page.next", "right_square_bracket", "Next page", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.turn_page(1)


class PreviousPage(Command):
    """Turn to the pane's previous page."""

    id, keys, label, section = "page.previous", "left_square_bracket", "Previous page", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.turn_page(-1)


# ── find ────────────────────────────────────────────────────────────────────────────────────────


class FilterRows(Command):
    """Filter: words state:failed g:group agent:x try>1 cost>0.1 tok>10k time>2m !word /regex/."""

    id, keys, label, section, foot = "filter", "slash", "Filter", Section.FIND, 4

    def do(self, desk: Desk) -> None:
        desk.edit_filter()


class NextNeed(Command):
    """Go to the next task that needs you."""

    id, keys, label, section = "need.next", "n", "Next that needs you", Section.FIND

    def do(self, desk: Desk) -> None:
        desk.go_to_need(1)


class PreviousNeed(Command):
    """Go to the previous task that needs you."""

    id, keys, label, section = "need.previous", "N", "Previous that needs you", Section.FIND

    def do(self, desk: Desk) -> None:
        desk.go_to_need(-1)


class HideDone(Command):
    """Hide what ended well, or show it again."""

    id, keys, label, section = "hide.done", "v", "Hide done", Section.FIND

    def do(self, desk: Desk) -> None:
        desk.hide_done()


class Mark(Command):
    """Mark the task; on a group, all of it."""

    id, keys, label, section = "row.mark", "space", "Mark", Section.FIND

    def do(self, desk: Desk) -> None:
        desk.mark()


class Palette(Command):
    """Find a command, task or theme by typing."""

    id, keys, label, section, foot = "palette", "colon,ctrl+p", "Command", Section.FIND, 5

    def do(self, desk: Desk) -> None:
        desk.show_palette()


class Help(Command):
    """Show this help."""

    id, keys, label, section, foot = "help", "question_mark,f1", "Help", Section.FIND, 2

    def do(self, desk: Desk) -> None:
        desk.show_help()


# ── act ─────────────────────────────────────────────────────────────────────────────────────────


class Cancel(Command):
    """Cancel the task or the marked ones."""

    id, keys, label, section, asks, foot = "task.cancel", "x", "Cancel", Section.ACT, True, 6

    def refusal(self, desk: Desk) -> str | None:
        if any(True for _ in _cancellable(desk)):
            return None
        return "What is here has ended already." if desk.row else _NO_TASK

    def do(self, desk: Desk) -> None:
        if desk.row and desk.row.kind is Kind.GROUP and not desk.marks:
            CancelGroup().do(desk)
            return
        orders = [ask.CancelTask(task=task.id) for task in _targets(desk)]
        tasks = list(_cancellable(desk))
        active = _active(tasks)
        if not active:
            desk.send(orders)
            return
        body = f"{plural(len(active), 'attempt')} will be stopped. What needs this is skipped; everything else goes on."
        desk.ask(_confirm(f"Cancel {_name(tasks)}?", body, "Cancel it", "Keep it"), lambda _: desk.send(orders))


def _targets(desk: Desk) -> list[TaskProgress]:
    return [task for task in chosen(desk) if not task.is_final]


def _cancellable(desk: Desk) -> Iterator[TaskProgress]:
    """Yield the tasks that a cancel here would stop."""
    tasks = chosen(desk) if desk.marks else _members(desk)
    return (task for task in tasks if not task.is_final)


class CancelGroup(Command):
    """Cancel the whole group."""

    id, keys, label, section, asks = "group.cancel", "X", "Cancel group", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        if desk.row is None:
            return _NO_TASK
        tally = desk.run.tallies[desk.row.group]
        return f"All of group {desk.row.group} has ended." if tally.done == tally.total else None

    def do(self, desk: Desk) -> None:
        if desk.row is None:
            return
        group = desk.row.group
        tally = desk.run.tallies[group]
        left, kept = plural(tally.total - tally.done, "task"), plural(tally.done, "result")
        body = f"{left} will be stopped, {kept} kept. Other groups go on."
        question = _confirm(f"Cancel group {clean(group)}?", body, "Cancel group", "Keep it")
        desk.ask(question, lambda _: desk.send([ask.CancelGroup(group=group)]))


class Retry(Command):
    """Retry what failed; end a wait."""

    id, keys, label, section, foot = "task.retry", "r", "Retry", Section.ACT, 7

    def refusal(self, desk: Desk) -> str | None:
        if desk.row and desk.row.kind is Kind.GROUP and not desk.marks:
            return None if desk.run.tallies[desk.row.group].failed else "Nothing here failed."
        return None if _retries(desk) else "Nothing here failed or waits."

    def do(self, desk: Desk) -> None:
        orders = _retries(desk)
        desk.send(orders, f"Retrying {plural(len(orders), 'task')}")


def _retries(desk: Desk) -> list[Order]:
    """Return one order for each task here that can be tried again, or need not wait."""
    if desk.marks or (desk.row and desk.row.kind is Kind.TASK):
        return [order for task in chosen(desk) for order in _retry(task)]
    return [ask.RetryTask(task=task.id) for task in _members(desk) if task.status in ENDED_BADLY]


def _retry(task: TaskProgress) -> list[Order]:
    if task.state in _RESTARTABLE:
        return [ask.RetryTask(task=task.id)]
    return [ask.SkipWait(task=task.id)] if task.state is State.WAITING else []


class RetryFailed(Command):
    """Retry all that failed."""

    id, keys, label, section, asks = "run.retry_failed", "R", "Retry failed", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        counts = desk.run.tally.counts
        return None if desk.run.tally.failed or counts[Status.CANCELED] else "Nothing failed."

    def do(self, desk: Desk) -> None:
        tally = desk.run.tally
        number = tally.failed + tally.counts[Status.CANCELED]
        body = "They are reset, with what was skipped because of them. What succeeded is kept."
        question = _confirm(f"Retry {plural(number, 'failed task')}?", body, "Retry")
        desk.ask(question, lambda _: desk.send([ask.RetryFailed()], "Retrying all that failed"))


class RerunFrom(Command):
    """Run the task and what follows again."""

    id, keys, label, section, asks = "task.rerun", "u", "Rerun from here", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        return None if desk.row and desk.row.task else _NO_TASK

    def do(self, desk: Desk) -> None:
        task = desk.row.task if desk.row else None
        if task is None:
            return
        body = "Its result is given up, and the results of all that followed from it. The rest is kept."
        question = _confirm(f"Rerun {clean(task)} and what follows?", body, "Rerun")
        desk.ask(question, lambda _: desk.send([ask.RerunFrom(task=task)]))


class Skip(Command):
    """Skip the task: it will not run."""

    id, keys, label, section, asks = "task.skip", "S", "Skip", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        tasks = chosen(desk)
        if not tasks:
            return _NO_TASK
        return None if _skippable(tasks) else "Only a task that has not started can be skipped."

    def do(self, desk: Desk) -> None:
        tasks = _skippable(chosen(desk))
        body = "What needs it is skipped too, unless it says otherwise. Everything else goes on."
        orders = [ask.SkipTask(task=task.id) for task in tasks]
        desk.ask(_confirm(f"Skip {_name(tasks)}?", body, "Skip"), lambda _: desk.send(orders))


def _skippable(tasks: Iterable[TaskProgress]) -> list[TaskProgress]:
    return [task for task in tasks if task.state in {State.PENDING, State.WAITING}]


class Pause(Command):
    """Pause or resume the task or the group."""

    id, keys, label, section, foot = "task.pause", "p", "Pause", Section.ACT, 9

    def refusal(self, desk: Desk) -> str | None:
        if desk.row is None:
            return _NO_TASK
        if desk.row.kind is Kind.GROUP and not desk.marks:
            return None
        return None if _targets(desk) else "What is here has ended already."

    def do(self, desk: Desk) -> None:
        if desk.row and desk.row.kind is Kind.GROUP and not desk.marks:
            desk.send([_toggle_group(desk.run, desk.row.group)])
        else:
            desk.send([_toggle_task(task) for task in _targets(desk)])


def _toggle_group(run: Run, group: str) -> Order:
    return ask.UnpauseGroup(group=group) if run.groups[group].paused else ask.PauseGroup(group=group)


def _toggle_task(task: TaskProgress) -> Order:
    return ask.UnpauseTask(task=task.id) if task.paused else ask.PauseTask(task=task.id)


class PauseRun(Command):
    """Pause or resume the run."""

    id, keys, label, section = "run.pause", "P", "Pause run", Section.ACT

    def refusal(self, desk: Desk) -> str | None:
        return _ended(desk.run)

    def do(self, desk: Desk) -> None:
        paused = desk.run.paused_by is not None
        desk.send([ask.UnpauseRun() if paused else ask.PauseRun()])


class Approve(Command):
    """Open what a task asks, to answer it."""

    id, keys, label, section, foot = "task.approve", "a", "Approve", Section.ACT, 3

    def refusal(self, desk: Desk) -> str | None:
        if _asking(desk):
            return None
        others = len(desk.run.questions)
        return f"Nothing is asked here; n goes to {plural(others, 'question')}." if others else "Nothing is asked."

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


# ── health ──────────────────────────────────────────────────────────────────────────────────────


def troubled_backend(desk: Desk) -> str | None:
    """Return the backend to reset: the only one in trouble, else the row's own."""
    open_ones = [name for name, backend in desk.run.backends.items() if backend.breaker is not BreakerState.CLOSED]
    if len(open_ones) <= 1:
        return open_ones[0] if open_ones else None
    here = (name for task in _members(desk) for name in (task.backend, task.wait.gate if task.wait else None))
    return next((name for name in here if name in open_ones), None)


class ResetBreaker(Command):
    """Reset the breaker that holds this row."""

    id, keys, label, section, foot = "breaker.reset", "b", "Reset breaker", Section.HEALTH, 8

    def refusal(self, desk: Desk) -> str | None:
        if troubled_backend(desk):
            return None
        open_ones = any(backend.breaker is not BreakerState.CLOSED for backend in desk.run.backends.values())
        return "This row's breaker is closed; go to a row that is held." if open_ones else "Every breaker is closed."

    def do(self, desk: Desk) -> None:
        backend = troubled_backend(desk)
        if backend:
            desk.send([ask.ResetBreaker(backend=backend)], f"Resetting {clean(backend)}")


class TripBreaker(Command):
    """Trip the breaker of this task's backend."""

    id, keys, label, section, asks = "breaker.trip", "B", "Trip breaker", Section.HEALTH, True

    def refusal(self, desk: Desk) -> str | None:
        backend = _own_backend(desk)
        if backend is None:
            return "Move to a task that has a backend."
        tripped = desk.run.backends[backend].breaker is BreakerState.TRIPPED
        return f"{backend} is tripped already; b resets it." if tripped else None

    def do(self, desk: Desk) -> None:
        backend = _own_backend(desk)
        if backend is None:
            return
        calls = desk.run.backends[backend].in_use
        body = f"{plural(calls, 'running call')} will finish; new calls wait or fail until you reset it."
        question = _confirm(f"Trip {clean(backend)}?", body, "Trip")
        desk.ask(question, lambda _: desk.send([ask.TripBreaker(backend=backend)]))


def _own_backend(desk: Desk) -> str | None:
    task = desk.run.tasks.get(desk.row.task or "") if desk.row else None
    return task.backend if task and task.backend in desk.run.backends else None


# ── output ──────────────────────────────────────────────────────────────────────────────────────


class Follow(Command):
    """Follow the log, or hold it still."""

    id, keys, label, section = "log.follow", "f", "Follow", Section.OUTPUT

    def do(self, desk: Desk) -> None:
        desk.follow()


class CopyLine(Command):
    """Copy the selection, or the line."""

    id, keys, label, section = "copy.line", "y", "Copy line", Section.OUTPUT

    def do(self, desk: Desk) -> None:
        desk.copy_line()


class CopyLog(Command):
    """Copy the task's whole log."""

    id, keys, label, section = "copy.log", "Y", "Copy log", Section.OUTPUT

    def refusal(self, desk: Desk) -> str | None:
        return None if desk.row and desk.row.kind is Kind.TASK else _NO_TASK

    def do(self, desk: Desk) -> None:
        desk.copy_log()


# ── run ─────────────────────────────────────────────────────────────────────────────────────────


class Leave(Command):
    """Leave; the run goes on as plain lines."""

    id, keys, label, section = "screen.leave", "L", "Leave screen", Section.RUN

    def do(self, desk: Desk) -> None:
        desk.leave()


class NextTheme(Command):
    """Show the next theme."""

    id, keys, label, section, everywhere = "theme.next", "ctrl+t", "Next theme", Section.RUN, True

    def do(self, desk: Desk) -> None:
        desk.next_theme()


class Repaint(Command):
    """Paint the screen anew."""

    id, keys, label, section, everywhere = "screen.repaint", "ctrl+l", "Repaint", Section.RUN, True

    def do(self, desk: Desk) -> None:
        desk.repaint()


class Interrupt(Command):
    """Stop in stages, or copy what is selected."""

    id, keys, label, section, everywhere = "run.interrupt", "ctrl+c", "Stop", Section.RUN, True
    asks = True

    def do(self, desk: Desk) -> None:
        desk.interrupt()


class QuitEverywhere(Command):
    """Quit, also from a dialog or an input."""

    id, keys, label, section, everywhere = "quit.everywhere", "ctrl+q", "Quit", Section.RUN, True
    asks = True

    def do(self, desk: Desk) -> None:
        desk.quit()


class Quit(Command):
    """Quit."""

    id, keys, label, section, foot, asks = "quit", "q", "Quit", Section.RUN, 3, True

    def do(self, desk: Desk) -> None:
        desk.quit()


COMMANDS: Final[dict[str, Command]] = {
    command.id: command()
    for command in (
        Down,
        Up,
        First,
        Last,
        PageDown,
        PageUp,
        HalfDown,
        HalfUp,
        Fold,
        Unfold,
        Open,
        Back,
        NextPane,
        PreviousPane,
        NextPage,
        PreviousPage,
        FilterRows,
        NextNeed,
        PreviousNeed,
        HideDone,
        Mark,
        Palette,
        Help,
        Cancel,
        CancelGroup,
        Retry,
        RetryFailed,
        RerunFrom,
        Skip,
        Pause,
        PauseRun,
        Approve,
        ResetBreaker,
        TripBreaker,
        Follow,
        CopyLine,
        CopyLog,
        Leave,
        NextTheme,
        Repaint,
        Interrupt,
        Quit,
        QuitEverywhere,
    )
}


def quit_question(run: Run) -> Question:
    """Ask what becomes of a run that is left while it is on."""
    running = run.tally.counts[Status.RUNNING] + run.tally.counts[Status.STOPPING]
    left = run.tally.total - run.tally.done
    body = f"{plural(running, 'task')} running, {left} of {run.tally.total} not ended."
    return Question(
        "The run is still on. Quit?",
        body,
        (
            Choice("y", "Cancel run and quit"),
            Choice("d", "Finish what runs, then quit"),
            Choice("l", "Leave screen, keep running"),
            Choice("n", "Stay", safe=True),
        ),
    )
