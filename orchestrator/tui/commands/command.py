"""What the keyboard can do.

A command is a class: its docstring is the help, and its fields give the key, the footer's label and the palette's
entry. It looks at a desk, says why it makes no sense now, or asks the desk to do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum, StrEnum
from typing import ClassVar, Final, NamedTuple, Protocol

from orchestrator.core import commands as ask
from orchestrator.core.commands import Command as Order
from orchestrator.core.flow import Condition
from orchestrator.core.ports import Guide
from orchestrator.core.progress import TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.simulation import Mood
from orchestrator.core.states import BreakerState, Reason, RunState, State, Status
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.sorting import By, Sort
from orchestrator.tui.subjects import Subject
from orchestrator.tui.text import clean, plural


class Section(StrEnum):
    """Where a command stands in the help."""

    MOVE = "Move"
    FIND = "Find"
    ACT = "Act"
    HEALTH = "Health"
    VIEW = "View"
    OUTPUT = "Output"
    RUN = "Run"
    DEMO = "Demo"


class Place(StrEnum):
    """Where a person can be: the views, by name."""

    TASKS = "tasks"
    DAG = "dag"
    TIMELINE = "timeline"
    LOGS = "logs"
    HEALTH = "health"
    SUMMARY = "summary"


LISTS: Final = frozenset({Place.TASKS, Place.TIMELINE})
"""The views that are a list of tasks, which a filter makes shorter."""
FILTERED: Final = LISTS | {Place.DAG}
"""The views in which the filter of tasks holds."""


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


class LogWish(Enum):
    """What can be changed about how the lines of all tasks are shown."""

    WRAP = "wrap"
    STAMPS = "stamps"
    LEVEL = "level"
    MARK = "mark"


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
    def subject(self) -> Subject | None: ...
    @property
    def marks(self) -> frozenset[str]: ...
    @property
    def sort(self) -> Sort: ...
    @property
    def guide(self) -> Guide | None: ...
    def key(self, command: str) -> str: ...
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
    def show_needs(self) -> None: ...
    def go_to_need(self) -> None: ...
    def hide_done(self) -> None: ...
    def sort_by(self, by: By) -> None: ...
    def describe(self) -> None: ...
    def adjust(self, step: int) -> None: ...
    def show_palette(self) -> None: ...
    def show_help(self) -> None: ...
    def mark(self) -> None: ...
    def answer(self, tasks: Sequence[str]) -> None: ...
    def follow(self) -> None: ...
    def change_log(self, wish: LogWish) -> None: ...
    def copy_line(self) -> None: ...
    def copy_log(self) -> None: ...
    def save_log(self) -> None: ...
    def open_log(self) -> None: ...
    def show_view(self, place: Place) -> None: ...
    def zoom(self, step: int) -> None: ...
    def centre(self) -> None: ...
    def leave(self) -> None: ...
    def toggle_mouse(self) -> None: ...
    def next_theme(self) -> None: ...
    def repaint(self) -> None: ...
    def interrupt(self) -> None: ...
    def quit(self) -> None: ...


class Command:
    """One thing the keyboard can do. `foot` orders the footer; what has none is not there.

    `everywhere` holds in dialogs and inputs too, and so must not be a letter. `places` are the views that have it;
    None is all of them. What several views have of their own may share a key. What is `guided` is there only where a
    guide leads through the run.
    """

    id: ClassVar[str]
    keys: ClassVar[str]
    label: ClassVar[str]
    section: ClassVar[Section]
    asks: ClassVar[bool] = False
    foot: ClassVar[int | None] = None
    everywhere: ClassVar[bool] = False
    places: ClassVar[frozenset[Place] | None] = None
    guided: ClassVar[bool] = False

    def refusal(self, desk: Desk) -> str | None:
        """Return why it makes no sense now, or None."""
        del desk
        return None

    def do(self, desk: Desk) -> None:
        raise NotImplementedError

    def label_at(self, desk: Desk) -> str:
        """Return the label that says what it would do now."""
        del desk
        return self.label

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
    """Fold the group; go or scroll left."""

    id, keys, label, section = "row.fold", "h,left", "Fold", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.fold(opened=False)


class Unfold(Command):
    """Unfold the group; go or scroll right."""

    id, keys, label, section = "row.unfold", "l,right", "Unfold", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.fold(opened=True)


class Open(Command):
    """Open the task, or fold the group; from the DAG and the timeline, go to the task."""

    id, keys, label, section, foot = "row.open", "enter", "Open", Section.MOVE, 1

    def do(self, desk: Desk) -> None:
        desk.open_row()


class Back(Command):
    """Go one step back: full pane, filter, marks, view."""

    id, keys, label, section = "back", "escape", "Back", Section.MOVE

    def do(self, desk: Desk) -> None:
        desk.back()


class NextPane(Command):
    """Go to the next pane."""

    id, keys, label, section = "pane.next", "tab", "Next pane", Section.MOVE
    places = frozenset({Place.TASKS})

    def do(self, desk: Desk) -> None:
        desk.next_pane(1)


class PreviousPane(Command):
    """Go to the previous pane."""

    id, keys, label, section = "pane.previous", "shift+tab", "Previous pane", Section.MOVE
    places = frozenset({Place.TASKS})

    def do(self, desk: Desk) -> None:
        desk.next_pane(-1)


class NextPage(Command):
    """Turn to the pane's next page."""

    id, keys, label, section = "page.next", "right_square_bracket", "Next page", Section.MOVE
    places = frozenset({Place.TASKS})

    def do(self, desk: Desk) -> None:
        desk.turn_page(1)


class PreviousPage(Command):
    """Turn to the pane's previous page."""

    id, keys, label, section = "page.previous", "left_square_bracket", "Previous page", Section.MOVE
    places = frozenset({Place.TASKS})

    def do(self, desk: Desk) -> None:
        desk.turn_page(-1)


# ── find ────────────────────────────────────────────────────────────────────────────────────────


class FilterRows(Command):
    """Filter: words state:failed g:group backend:x text:503 try>1 cost>0.1 tok>10k !word /re/."""

    id, keys, label, section, foot = "filter", "slash", "Filter", Section.FIND, 4

    def do(self, desk: Desk) -> None:
        desk.edit_filter()


class ShowNeeds(Command):
    """List what needs you; in a log that was searched, go to the next match."""

    id, keys, label, section = "need.list", "n", "Needs you", Section.FIND

    def do(self, desk: Desk) -> None:
        desk.show_needs()


class NextNeed(Command):
    """Go to the next task that needs you; in a log that was searched, to the previous match."""

    id, keys, label, section = "need.next", "N", "Next that needs you", Section.FIND

    def do(self, desk: Desk) -> None:
        desk.go_to_need()


class HideDone(Command):
    """Hide what ended well, or show it again."""

    id, keys, label, section = "hide.done", "v", "Hide done", Section.FIND
    places = LISTS

    def do(self, desk: Desk) -> None:
        desk.hide_done()


class SortRows(Command):
    """Sort the tasks of each group: o and a letter; the same again turns it round."""

    id, keys, label, section = "sort", "o", "Sort", Section.FIND
    places = LISTS

    def do(self, desk: Desk) -> None:
        choices = tuple(Choice(key, by.value.capitalize()) for key, by in SORT_KEYS.items())
        question = Question(
            "Sort the tasks of each group by", f"Now: {desk.sort}. The same again turns it round.", choices
        )
        desk.ask(question, lambda key: desk.sort_by(SORT_KEYS[key]))


SORT_KEYS: Final = {
    "f": By.FLOW,
    "s": By.STATE,
    "t": By.TIME,
    "e": By.TOKENS,
    "c": By.COST,
    "r": By.TRIES,
    "n": By.NAME,
}
"""The letters of the menu."""


class Mark(Command):
    """Mark the task; on a group, all of it."""

    id, keys, label, section = "row.mark", "space", "Mark", Section.FIND
    places = LISTS

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
    """Cancel the task or the marked ones; asks if one runs, asks you or is needed."""

    id, keys, label, section, asks, foot = "task.cancel", "x", "Cancel", Section.ACT, True, 6

    def refusal(self, desk: Desk) -> str | None:
        if any(True for _ in _cancellable(desk)):
            return None
        return "What is here has ended already." if desk.row else _NO_TASK

    def do(self, desk: Desk) -> None:
        if desk.row and desk.row.kind is Kind.GROUP and not desk.marks:
            COMMANDS["group.cancel"].do(desk)
            return
        orders = [ask.CancelTask(task=task.id) for task in _targets(desk)]
        tasks = list(_cancellable(desk))
        lost, note = _lost(desk.run, tasks), f"Cancelling {_name(tasks)}"
        if not lost:
            desk.send(orders, note)
            return
        it = "it" if len(tasks) == 1 else "them"
        body = f"{lost} Everything else goes on."
        question = _confirm(f"Cancel {_name(tasks)}?", body, f"Cancel {it}", f"Keep {it}")
        desk.ask(question, lambda _: desk.send(orders, note))


def _lost(run: Run, tasks: Sequence[TaskProgress]) -> str:
    """Say what a cancel of these ends beside them: attempts, questions, tasks that need them."""
    active, asked, followers = _active(tasks), [task for task in tasks if task.question], _followers(run, tasks)
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
        desk.ask(question, lambda _: desk.send([ask.CancelGroup(group=group)], f"Cancelling group {clean(group)}"))


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
    orders = [] if _backend_here(desk) else _retries(desk)
    return bool(orders) and all(isinstance(order, ask.SkipWait) for order in orders)


def _retries(desk: Desk) -> list[Order]:
    """Return one order for each task here that can be tried again, or need not wait; one tries a held backend."""
    here = _backend_here(desk)
    if here is not None:
        return _probe(desk.run, here)
    if desk.marks or (desk.row and desk.row.kind is Kind.TASK):
        return [order for task in chosen(desk) for order in _retry(task)]
    return [ask.RetryTask(task=task.id) for task in _members(desk) if task.state in {State.FAILED, State.CANCELLED}]


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


_NEVER_SKIPPED: Final = frozenset({Reason.BREAKER, Reason.BUDGET, Reason.APPROVAL, Reason.ANSWER, Reason.SUBAGENT})
"""What ends by something else that a person does, or by itself."""


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
        return None if chosen(desk) else _NO_TASK

    def do(self, desk: Desk) -> None:
        tasks = chosen(desk)
        orders = [ask.RerunFrom(task=task.id) for task in tasks]
        whose, it = ("Its result is", "it") if len(tasks) == 1 else ("Their results are", "them")
        body = f"{whose} given up, and the results of all that followed from {it}. The rest is kept."
        question = _confirm(f"Rerun {_name(tasks)} and what follows?", body, "Rerun")
        desk.ask(question, lambda _: desk.send(orders, f"Rerunning {_name(tasks)} and what follows"))


class Skip(Command):
    """Skip the task: it will not run."""

    id, keys, label, section, asks = "task.skip", "S", "Skip", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        if desk.row is None and not desk.marks:
            return _NO_TASK
        return None if _skippable(desk) else "Only a task that has not started can be skipped."

    def do(self, desk: Desk) -> None:
        tasks = _skippable(desk)
        what = "it" if len(tasks) == 1 else "them"
        body = f"What needs {what} is skipped too, unless it says otherwise. Everything else goes on."
        orders = [ask.SkipTask(task=task.id) for task in tasks]
        question = _confirm(f"Skip {_name(tasks)}?", body, "Skip")
        desk.ask(question, lambda _: desk.send(orders, f"Skipping {_name(tasks)}"))


def _skippable(desk: Desk) -> list[TaskProgress]:
    """Return what here has not started: marked tasks, the task, or all of a group or a fan-out."""
    tasks = chosen(desk) if desk.marks else _members(desk)
    return [task for task in tasks if task.state in {State.PENDING, State.WAITING} and not task.attempts]


class Pause(Command):
    """Pause or resume the task or the group."""

    id, keys, label, section, foot = "task.pause", "p", "Pause", Section.ACT, 9

    def refusal(self, desk: Desk) -> str | None:
        if desk.row is None:
            return _NO_TASK
        if desk.row.kind is Kind.GROUP and not desk.marks:
            return _ended(desk.run)
        return None if _targets(desk) else "What is here has ended already."

    def do(self, desk: Desk) -> None:
        if desk.row and desk.row.kind is Kind.GROUP and not desk.marks:
            paused, name = desk.run.groups[desk.row.group].paused, f"group {clean(desk.row.group)}"
            desk.send([_toggle_group(desk.run, desk.row.group)], f"{'Resuming' if paused else 'Pausing'} {name}")
            return
        tasks = _targets(desk)
        paused = all(task.paused for task in tasks)
        orders = [_toggle_task(task) for task in tasks if task.paused is paused]
        desk.send(orders, f"{'Resuming' if paused else 'Pausing'} {_name(tasks)}")


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
        note = "The run goes on" if paused else "Pausing the run: what runs goes on, nothing new starts"
        desk.send([ask.UnpauseRun() if paused else ask.PauseRun()], note)


class DrainRun(Command):
    """Finish what runs, start nothing, then end the run."""

    id, keys, label, section, asks = "run.drain", "D", "Drain", Section.ACT, True

    def refusal(self, desk: Desk) -> str | None:
        return "The run is ending already." if desk.run.state is RunState.CANCELLING else _ended(desk.run)

    def do(self, desk: Desk) -> None:
        running = len(_active(desk.run.tasks.values()))
        left = desk.run.tally.total - desk.run.tally.done - running
        body = f"{plural(running, 'running task')} may finish, {plural(max(0, left), 'task')} will not start."
        question = _confirm("Let the run end after what runs?", body, "Drain", "Go on")
        desk.ask(question, lambda _: desk.send([ask.Drain()], "Draining: what runs may finish"))


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


# ── health ──────────────────────────────────────────────────────────────────────────────────────


def troubled_backend(desk: Desk) -> str | None:
    """Return the backend to reset: the one that the cursor is on, the only one in trouble, else the row's own."""
    here = _backend_here(desk)
    if here is not None:
        return None if desk.run.backends[here].breaker is BreakerState.CLOSED else here
    open_ones = [name for name, backend in desk.run.backends.items() if backend.breaker is not BreakerState.CLOSED]
    if len(open_ones) <= 1:
        return open_ones[0] if open_ones else None
    near = (name for task in _members(desk) for name in (task.backend, task.wait.gate if task.wait else None))
    return next((name for name in near if name in open_ones), None)


def _backend_here(desk: Desk) -> str | None:
    """Return the backend that the cursor is on."""
    subject = desk.subject
    found = subject is not None and subject.kind in {"backend", "limit"} and subject.name in desk.run.backends
    return subject.name if subject is not None and found else None


class ResetBreaker(Command):
    """Reset the breaker that holds this row."""

    id, keys, label, section, foot = "breaker.reset", "b", "Reset breaker", Section.HEALTH, 8

    def refusal(self, desk: Desk) -> str | None:
        if troubled_backend(desk):
            return None
        here = _backend_here(desk)
        if here is not None:
            return f"The breaker of {clean(here)} is closed."
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
            return "Move to a backend, or to a task that has one."
        tripped = desk.run.backends[backend].breaker is BreakerState.TRIPPED
        return f"{clean(backend)} is tripped already; {desk.key('breaker.reset')} resets it." if tripped else None

    def do(self, desk: Desk) -> None:
        backend = _own_backend(desk)
        if backend is None:
            return
        calls = desk.run.backends[backend].in_use
        body = f"{plural(calls, 'running call')} will finish; new calls wait or fail until you reset it."
        question = _confirm(f"Trip {clean(backend)}?", body, "Trip")
        desk.ask(question, lambda _: desk.send([ask.TripBreaker(backend=backend)], f"Tripping {clean(backend)}"))


def _own_backend(desk: Desk) -> str | None:
    here = _backend_here(desk)
    if here is not None:
        return here
    task = desk.run.tasks.get(desk.row.task or "") if desk.row else None
    return task.backend if task and task.backend in desk.run.backends else None


class CheckNow(Command):
    """Ask the backend now how it is."""

    id, keys, label, section, foot = "backend.check", "c", "Check now", Section.HEALTH, 9
    places = frozenset({Place.HEALTH})

    def refusal(self, desk: Desk) -> str | None:
        return _ended(desk.run) or (None if _backend_here(desk) else "Move to a backend.")

    def do(self, desk: Desk) -> None:
        backend = _backend_here(desk)
        if backend:
            desk.send([ask.CheckHealth(backend=backend)], f"Asking {clean(backend)} how it is")


class RaiseLimit(Command):
    """Raise a budget, or how many run at once."""

    id, keys, label, section, asks = "limit.raise", "plus,equals_sign", "Raise a limit", Section.HEALTH, True
    places = frozenset({Place.TASKS, Place.HEALTH})

    def refusal(self, desk: Desk) -> str | None:
        return _ended(desk.run)

    def do(self, desk: Desk) -> None:
        desk.adjust(1)


class LowerLimit(Command):
    """Lower how many run at once."""

    id, keys, label, section, asks = "limit.lower", "minus", "Lower a limit", Section.HEALTH, True
    places = frozenset({Place.TASKS, Place.HEALTH})

    def refusal(self, desk: Desk) -> str | None:
        return _ended(desk.run)

    def do(self, desk: Desk) -> None:
        desk.adjust(-1)


# ── views ───────────────────────────────────────────────────────────────────────────────────────


class _Show(Command):
    """Shows a view; its tab has the command's key and label. `short` is the label where there is little room."""

    section = Section.VIEW
    place: ClassVar[Place]
    short: ClassVar[str] = ""

    def do(self, desk: Desk) -> None:
        desk.show_view(self.place)


class ShowTasks(_Show):
    """Show the tasks, with the output of one."""

    id, keys, label, place = "view.tasks", "1", "Tasks", Place.TASKS


class ShowDag(_Show):
    """Show what needs what."""

    id, keys, label, place = "view.dag", "2", "DAG", Place.DAG


class ShowTimeline(_Show):
    """Show when each task ran, and waited."""

    id, keys, label, place, short = "view.timeline", "3", "Timeline", Place.TIMELINE, "Time"


class ShowLogs(_Show):
    """Show what all tasks write, in one stream."""

    id, keys, label, place = "view.logs", "4", "Logs", Place.LOGS


class ShowHealth(_Show):
    """Show backends, limits, budgets, and how far failures reached."""

    id, keys, label, place = "view.health", "5", "Health", Place.HEALTH


class ShowSummary(_Show):
    """Show how the run went, or goes so far."""

    id, keys, label, place, short = "view.summary", "6", "Summary", Place.SUMMARY, "Sum"


class ZoomIn(Command):
    """Zoom in."""

    id, keys, label, section, foot = "timeline.zoom_in", "plus,equals_sign", "Zoom in", Section.VIEW, 5
    places = frozenset({Place.TIMELINE})

    def do(self, desk: Desk) -> None:
        desk.zoom(1)


class ZoomOut(Command):
    """Zoom out."""

    id, keys, label, section = "timeline.zoom_out", "minus", "Zoom out", Section.VIEW
    places = frozenset({Place.TIMELINE})

    def do(self, desk: Desk) -> None:
        desk.zoom(-1)


class ZoomFit(Command):
    """Show the whole run."""

    id, keys, label, section, foot = "timeline.fit", "0", "Fit", Section.VIEW, 6
    places = frozenset({Place.TIMELINE})

    def do(self, desk: Desk) -> None:
        desk.zoom(0)


class Centre(Command):
    """Put the chosen box into the middle."""

    id, keys, label, section, foot = "dag.centre", "c", "Centre", Section.VIEW, 6
    places = frozenset({Place.DAG})

    def do(self, desk: Desk) -> None:
        desk.centre()


# ── output ──────────────────────────────────────────────────────────────────────────────────────


class Follow(Command):
    """Follow the log or the time, or hold it still."""

    id, keys, label, section = "log.follow", "f", "Follow", Section.OUTPUT
    places = LISTS | {Place.LOGS}

    def do(self, desk: Desk) -> None:
        desk.follow()


class LogLevel(Command):
    """Show all lines, warnings and errors, or errors alone."""

    id, keys, label, section, foot = "log.level", "i", "Level", Section.OUTPUT, 6
    places = frozenset({Place.LOGS})

    def do(self, desk: Desk) -> None:
        desk.change_log(LogWish.LEVEL)


class WrapLines(Command):
    """Wrap long lines, or cut them off."""

    id, keys, label, section, foot = "log.wrap", "w", "Wrap", Section.OUTPUT, 7
    places = frozenset({Place.LOGS})

    def do(self, desk: Desk) -> None:
        desk.change_log(LogWish.WRAP)


class LogStamps(Command):
    """Show the run's time, the time of day, or none."""

    id, keys, label, section, foot = "log.stamps", "t", "Time", Section.OUTPUT, 8
    places = frozenset({Place.LOGS})

    def do(self, desk: Desk) -> None:
        desk.change_log(LogWish.STAMPS)


class MarkLog(Command):
    """Draw a line under what is there."""

    id, keys, label, section, foot = "log.mark", "m", "Mark", Section.OUTPUT, 9
    places = frozenset({Place.LOGS})

    def do(self, desk: Desk) -> None:
        desk.change_log(LogWish.MARK)


class CopyLine(Command):
    """Copy the selection, or the line."""

    id, keys, label, section = "copy.line", "y", "Copy line", Section.OUTPUT

    def do(self, desk: Desk) -> None:
        desk.copy_line()


class CopyAll(Command):
    """Copy all that is shown here."""

    id, keys, label, section = "copy.all", "Y", "Copy all", Section.OUTPUT
    places = frozenset({Place.LOGS, Place.HEALTH, Place.SUMMARY})

    def do(self, desk: Desk) -> None:
        desk.copy_log()


class CopyLog(Command):
    """Copy the task's whole log."""

    id, keys, label, section = "copy.log", "Y", "Copy log", Section.OUTPUT
    places = frozenset({Place.TASKS})

    def refusal(self, desk: Desk) -> str | None:
        return None if desk.row and desk.row.kind is Kind.TASK else _NO_TASK

    def do(self, desk: Desk) -> None:
        desk.copy_log()


class SaveLog(Command):
    """Save the log, or what the view shows, as a file beside the run's."""

    id, keys, label, section = "log.save", "s", "Save", Section.OUTPUT

    def do(self, desk: Desk) -> None:
        desk.save_log()


class OpenLog(Command):
    """Open the log in $PAGER; the run goes on behind it."""

    id, keys, label, section = "log.open", "e", "Open in pager", Section.OUTPUT

    def do(self, desk: Desk) -> None:
        desk.open_log()


class Describe(Command):
    """Describe what the cursor is on."""

    id, keys, label, section = "task.describe", "d", "Describe", Section.OUTPUT
    places = frozenset({Place.TASKS})

    def refusal(self, desk: Desk) -> str | None:
        return None if desk.row else _NO_TASK

    def do(self, desk: Desk) -> None:
        desk.describe()


# ── run ─────────────────────────────────────────────────────────────────────────────────────────


class Leave(Command):
    """Leave; the run goes on as plain lines."""

    id, keys, label, section = "screen.leave", "L", "Leave screen", Section.RUN

    def do(self, desk: Desk) -> None:
        desk.leave()


class Mouse(Command):
    """Leave the mouse to the terminal, for its own selection, or take it back."""

    id, keys, label, section = "mouse", "f2", "Mouse", Section.RUN

    def do(self, desk: Desk) -> None:
        desk.toggle_mouse()


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


# ── demo ────────────────────────────────────────────────────────────────────────────────────────


class _Turn(Command):
    """Turns the dial of a simulated backend."""

    section = Section.DEMO
    guided = True
    mood: ClassVar[Mood]
    now: ClassVar[str]
    already: ClassVar[str]

    def refusal(self, desk: Desk) -> str | None:
        if desk.guide is None:
            return "Backends are broken and mended in the demo alone."
        return None if self._backend(desk) else f"{self.already}; move to a row of another backend."

    def do(self, desk: Desk) -> None:
        backend = self._backend(desk)
        if backend is not None and desk.guide is not None:
            desk.guide.turn(backend, self.mood)
            desk.send([], f"{clean(backend)} {self.now}")

    def _backend(self, desk: Desk) -> str | None:
        """Return the backend whose dial stands elsewhere: the row's own, or the only one of which that is true."""
        if desk.guide is None:
            return None
        others = [name for name, mood in desk.guide.moods.items() if mood is not self.mood]
        here = {task.info.backend for task in _members(desk)}
        own = next((name for name in others if name in here), None)
        return own or (others[0] if len(others) == 1 else None)


class SetOnFire(_Turn):
    """Set the row's backend on fire: it answers every call with 503."""

    id, keys, label, mood = "demo.burn", "F", "Set on fire", Mood.BURNING
    now, already = "burns", "It burns already"


class SlowDown(_Turn):
    """Make the row's backend slow, eight times."""

    id, keys, label, mood = "demo.slow", "Z", "Slow down", Mood.SLOW
    now, already = "is slow now", "It is slow already"


class Heal(_Turn):
    """Make the row's backend well again."""

    id, keys, label, mood = "demo.heal", "H", "Heal", Mood.WELL
    now, already = "is well again", "It is well"


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
        ShowNeeds,
        NextNeed,
        HideDone,
        SortRows,
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
        DrainRun,
        Approve,
        ResetBreaker,
        TripBreaker,
        CheckNow,
        RaiseLimit,
        LowerLimit,
        ShowTasks,
        ShowDag,
        ShowTimeline,
        ShowLogs,
        ShowHealth,
        ShowSummary,
        ZoomIn,
        ZoomOut,
        ZoomFit,
        Centre,
        Follow,
        LogLevel,
        WrapLines,
        LogStamps,
        MarkLog,
        CopyLine,
        CopyAll,
        CopyLog,
        SaveLog,
        OpenLog,
        Describe,
        Leave,
        Mouse,
        NextTheme,
        Repaint,
        Interrupt,
        Quit,
        QuitEverywhere,
        SetOnFire,
        SlowDown,
        Heal,
    )
}


def commands_of(place: Place) -> list[Command]:
    """Return the commands that hold in the view: those of all views and its own."""
    return [command for command in COMMANDS.values() if command.places is None or place in command.places]


def tab_of(place: Place) -> _Show:
    """Return the command that shows the view."""
    command = COMMANDS[f"view.{place}"]
    assert isinstance(command, _Show)
    return command


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
