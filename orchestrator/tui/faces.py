"""The face of a task and of a group in the table: what each column says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from rich.cells import cell_len

from orchestrator.core.progress import ENDED_BADLY, Tally, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import FINAL, BreakerState, Reason, State, Status
from orchestrator.tui.bars import progress_bar
from orchestrator.tui.glyphs import UNICODE, Glyphs
from orchestrator.tui.lines import Line, Span, clip, gap, left, right, spread, width
from orchestrator.tui.rows import Kind, Row, starter_of
from orchestrator.tui.sorting import By, Sort
from orchestrator.tui.text import amount, bill, clean, count, countdown, duration, fit, fit_right, money, plural

TALLY_ORDER: Final = (
    Status.RUNNING,
    Status.STOPPING,
    Status.RETRY,
    Status.LIMITED,
    Status.CIRCUIT,
    Status.QUOTA,
    Status.BUDGET,
    Status.APPROVE,
    Status.ANSWER,
    Status.SUBAGENT,
    Status.PAUSED,
    Status.FAILED,
    Status.TIMEOUT,
    Status.DONE,
    Status.CACHED,
    Status.SKIPPED,
    Status.CANCELED,
    Status.QUEUED,
    Status.PENDING,
)
"""What is happening, then what went wrong, then what went well, then what is left."""


class Columns(NamedTuple):
    """How wide each column is; 0 leaves it out. What is over goes to the last output."""

    total: int
    state: int = 11
    task: int = 25
    tries: int = 4
    time: int = 7
    next: int = 9
    tokens: int = 7
    cost: int = 9
    agent: int = 14

    @property
    def output(self) -> int:
        return max(0, self.total - 2 - sum(self[1:]) - (1 if self.tokens else 0))

    @property
    def is_wide(self) -> bool:
        return self.tokens > 0


def columns(total: int) -> Columns:
    """Return the columns for so many cells: what things cost from 92 on, who does them from 108, then wider ones."""
    if total >= 108:
        wider = max(0, total - 120)
        return Columns(total, task=25 + min(20, wider // 3), agent=14 + min(10, wider // 8))
    if total >= 92:
        return Columns(total, agent=0)
    return Columns(total, task=22, time=6, tokens=0, cost=0, agent=0)


SORT: Final = "sort:"
"""Begins the action of a column's name, which sorts by that column."""

_SORTED_BY: Final = {
    "STATE": By.STATE,
    "TASK": By.NAME,
    "TRY": By.TRIES,
    "TIME": By.TIME,
    "TOKENS": By.TOKENS,
    "COST": By.COST,
}


def head_line(shape: Columns, sort: Sort | None = None, glyphs: Glyphs = UNICODE) -> Line:
    """Return the names of the columns; a click on one sorts by it, and an arrow marks the one that is sorted by."""
    names = [("STATE", shape.state), ("TASK", shape.task), ("TRY", shape.tries), ("TIME", shape.time)]
    names += [("NEXT", shape.next), ("TOKENS", shape.tokens), ("COST", shape.cost), (" ", 1 if shape.cost else 0)]
    names += [("AGENT", shape.agent), ("LAST OUTPUT", shape.output)]
    return (gap(2), *(_head(name, cells, sort or Sort(), glyphs) for name, cells in names if cells))


def _head(name: str, cells: int, sort: Sort, glyphs: Glyphs) -> Span:
    by = _SORTED_BY.get(name)
    is_sorted = by is not None and by is sort.by
    arrow = (glyphs.falls if sort.falls else glyphs.rises) if is_sorted else ""
    text = fit_right(name + arrow, cells) if name in {"TOKENS", "COST"} else fit(name + arrow, cells)
    return Span(text, "text" if is_sorted else "muted", f"{SORT}{by.value}" if by else "")


# ── tasks ───────────────────────────────────────────────────────────────────────────────────────


class View(NamedTuple):
    """What a row is drawn with."""

    run: Run
    now: float
    shape: Columns
    glyphs: Glyphs
    names: int = 10


def task_line(view: View, row: Row, *, marked: bool = False, faded: bool = False) -> Line:
    """Return the row of one task."""
    task = view.run.tasks[row.name]
    shape, glyphs, status = view.shape, view.glyphs, task.status
    name = gap(2 * row.depth).text + clean(short_name(view.run, row))
    line = (
        Span(f"{glyphs.mark} " if marked else "  ", "key"),
        Span(glyphs.status[status] + " ", f"{status.value}.plain"),
        Span(status.value, status.value),
        gap(shape.state - 2 - len(status.value)),
        left(name, shape.task, "text", glyphs.ellipsis),
        *_tries(task, shape),
        Span(fit(_time(task, view.now), shape.time), "text"),
        left(next_words(view.run, task, view.now), shape.next, _next_role(status), glyphs.ellipsis),
        *_spent(task, shape),
        *_agent(task, shape, glyphs),
        Span(fit(clean(last_words(task)), shape.output, glyphs.ellipsis), _output_role(status)),
    )
    return tuple(span._replace(role="muted") for span in line) if faded else line


def short_name(run: Run, row: Row) -> str:
    """Return the id without what the rows above say already."""
    info = run.tasks[row.name].info
    if info.label is not None and (info.of == row.group or row.depth > 1):
        return info.label
    if row.depth > 1 and starter_of(run, row.name) is not None:
        return info.task.removeprefix(f"{info.of}/")
    return info.task.removeprefix(f"{row.group}/")


def _tries(task: TaskProgress, shape: Columns) -> Line:
    if not task.attempt:
        return (gap(shape.tries),)
    role = "retry.plain" if task.attempt > 1 and task.max_attempts > 1 else "muted"
    return (Span(fit(f"{task.attempt}/{max(task.attempt, task.max_attempts)}", shape.tries), role),)


def _time(task: TaskProgress, now: float) -> str:
    elapsed = task.elapsed(now)
    return "" if elapsed is None else duration(elapsed)


def _spent(task: TaskProgress, shape: Columns) -> Line:
    if not shape.tokens:
        return ()
    tokens = count(task.tokens) if task.tokens else ""
    cost = money(task.cost_usd) if task.cost_usd is not None else "unpriced" if task.tokens else ""
    return (right(tokens, shape.tokens, "muted"), right(cost[: shape.cost - 1], shape.cost, "muted"), gap(1))


def _agent(task: TaskProgress, shape: Columns, glyphs: Glyphs) -> Line:
    if not shape.agent:
        return ()
    return (left(clean(task.backend or task.info.kind), shape.agent, "muted", glyphs.ellipsis),)


def _next_role(status: Status) -> str:
    return "muted" if status in {Status.PENDING, Status.RUNNING, Status.QUEUED} else f"{status.value}.plain"


def _output_role(status: Status) -> str:
    return "bad" if status in ENDED_BADLY else "approve.plain" if status is Status.APPROVE else "muted"


# ── what comes next ─────────────────────────────────────────────────────────────────────────────


def next_words(run: Run, task: TaskProgress, now: float) -> str:
    """Return what the task waits for, or how far it is."""
    words = _NEXT.get(task.status)
    return words(run, task, now) if words else ""


def _left(task: TaskProgress, now: float) -> str:
    until = task.wait.until if task.wait else None
    return "" if until is None else countdown(until - now)


def unsettled(run: Run, task: TaskProgress) -> list[str]:
    """Return the dependencies that have not ended."""
    return [need.task for need in task.info.needs if need.task in run.tasks and not run.tasks[need.task].is_final]


def _deps(run: Run, task: TaskProgress, now: float) -> str:
    del now
    if task.paused:
        return "paused"
    open_needs = len(unsettled(run, task))
    return plural(open_needs, "dep") if open_needs else ""


def _rate(run: Run, task: TaskProgress, now: float) -> str:
    del run
    return f"in {_left(task, now)}" if _left(task, now) else "rate"


def _soon(run: Run, task: TaskProgress, now: float) -> str:
    del run
    ahead = _left(task, now)
    return f"in {ahead}" if ahead else ""


def _until(run: Run, task: TaskProgress, now: float) -> str:
    del run
    return _left(task, now)


def _breaker(run: Run, task: TaskProgress, now: float) -> str:
    backend = run.backends.get(task.wait.gate or "") if task.wait else None
    if backend is None:
        return _left(task, now)
    if backend.breaker is BreakerState.TRIPPED:
        return "by you"
    return countdown(backend.until - now) if backend.until is not None else "probe"


def _step(run: Run, task: TaskProgress, now: float) -> str:
    del run, now
    step = task.progress
    if step is None:
        return "pausing" if task.paused else ""
    if step.total is None:
        return amount(step.done)
    whole = f"{amount(step.done)}/{amount(step.total)}"
    return whole if len(whole) < 9 else f"{step.done / (step.total or 1):.0%}"


def _grace(run: Run, task: TaskProgress, now: float) -> str:
    del run
    return "" if task.stopping_until is None else countdown(task.stopping_until - now)


_NEXT: Final[dict[Status, Callable[[Run, TaskProgress, float], str]]] = {
    Status.PENDING: _deps,
    Status.QUEUED: lambda run, task, now: "slot",  # noqa: ARG005 - the table's shape
    Status.LIMITED: _rate,
    Status.QUOTA: _until,
    Status.CIRCUIT: _breaker,
    Status.RETRY: _soon,
    Status.BUDGET: lambda run, task, now: "budget",  # noqa: ARG005
    Status.APPROVE: lambda run, task, now: "you",  # noqa: ARG005
    Status.ANSWER: lambda run, task, now: "you",  # noqa: ARG005
    Status.SUBAGENT: lambda run, task, now: "subagent",  # noqa: ARG005
    Status.PAUSED: lambda run, task, now: "by you",  # noqa: ARG005
    Status.RUNNING: _step,
    Status.STOPPING: _grace,
}


def last_words(task: TaskProgress) -> str:
    """Return the one line that says most about the task now."""
    if task.question is not None:
        return task.question.message
    if task.state is State.FAILED or task.status is Status.RETRY:
        return task.error.message if task.error else task.last_line
    if task.state is State.SKIPPED:
        return task.because
    if task.state is State.CANCELLED:
        return f"by {task.because}" if task.because else ""
    if task.status is Status.CIRCUIT:
        return f"{task.wait.gate} is open" if task.wait and task.wait.gate else "breaker open"
    if task.progress is not None and task.progress.message and not task.is_final:
        return task.progress.message
    return task.last_line or _why_waiting(task)


def _why_waiting(task: TaskProgress) -> str:
    if task.state is not State.WAITING or not task.wait or task.wait.gate is None:
        return ""
    if task.wait.reason is not Reason.SLOT:
        return ""
    what = task.wait.gate.replace(":", " ") if ":" in task.wait.gate else task.wait.gate
    return f"no free slot: {what}"


def clock_words(run: Run, task: TaskProgress, now: float) -> str:
    """Return what of the row changes as time goes by."""
    return f"{_time(task, now)} {next_words(run, task, now)}"


def has_clock(task: TaskProgress) -> bool:
    """Return whether the row changes as time goes by."""
    return task.state not in FINAL and (task.started is not None or (task.wait is not None))


# ── groups and fan-outs ─────────────────────────────────────────────────────────────────────────


def group_line(view: View, row: Row, *, opened: bool) -> Line:
    """Return the row of a group: its bar, its counts, what it spent, and how far its failures reached."""
    tally = view.run.tallies[row.group]
    start = (
        Span(f"{view.glyphs.opened if opened else view.glyphs.closed} ", "title"),
        Span(fit(clean(row.name), view.names, view.glyphs.ellipsis) + " ", "title"),
        *_bar_and_counts(view, tally.counts, tally.done, tally.total),
        *_paused(view, row.group),
    )
    return _with_end(start, view, tally, row.group)


def fan_line(view: View, row: Row, counts: Mapping[Status, int], *, opened: bool) -> Line:
    """Return the row of a large fan-out."""
    total = sum(counts.values())
    ended = sum(number for status, number in counts.items() if status in _ENDED)
    name = f"{clean(short_name(view.run, row))} {view.glyphs.times}{total}"
    indent = 2 * row.depth
    line = (
        gap(indent),
        Span(f"{view.glyphs.opened if opened else view.glyphs.closed} ", "secondary"),
        Span(fit(name, max(10, view.names - indent + 11), view.glyphs.ellipsis) + " ", "text"),
        *_bar_and_counts(view, counts, ended, total),
    )
    return (*clip(line, view.shape.total), gap(view.shape.total - width(line)))


_ENDED: Final = frozenset({Status.DONE, Status.CACHED, Status.FAILED, Status.TIMEOUT, Status.SKIPPED, Status.CANCELED})


def _bar_and_counts(view: View, counts: Mapping[Status, int], done: int, total: int) -> Iterable[Span]:
    yield from progress_bar(counts, 14, view.glyphs)
    yield Span(" " + f"{done}/{total}".ljust(6 if total < 100 else 10) + " ", "strong")
    yield from tally_spans(counts, view.glyphs)


def tally_spans(counts: Mapping[Status, int], glyphs: Glyphs, sep: str = " ") -> Iterable[Span]:
    """Return `►3 ✓5` for all that is not zero."""
    for status in TALLY_ORDER:
        if counts[status]:
            yield Span(f"{glyphs.status[status]}{counts[status]}", f"{status.value}.plain")
            yield Span(sep)


def _paused(view: View, group: str) -> Line:
    progress = view.run.groups[group]
    if progress.cancelled:
        return (Span(" cancelled", "ended"),)
    return (Span(f" {view.glyphs.status[Status.PAUSED]} paused", "paused"),) if progress.paused else ()


def _with_end(start: Line, view: View, tally: Tally, group: str) -> Line:
    """Put what the group spent and how far its failures reached at the right; drop what finds no room."""
    reach = isolation(view.run, group, tally)
    short = (reach._replace(text=reach.text.partition(":")[0]),) if reach else ()
    spent = _group_spent(tally) if view.shape.is_wide else ""
    ends: list[Line] = [
        (Span(spent, "muted"), *((gap(3), reach) if reach and spent else (reach,) if reach else ())),
        (Span(spent, "muted"), *((gap(2), *short) if spent else short)),
        short,
    ]
    for end in ends:
        if width(start) + width(end) + 2 <= view.shape.total:
            return spread(start, (*end, gap(1)), view.shape.total)
    return spread(start, (), view.shape.total)


def _group_spent(tally: Tally) -> str:
    if not tally.tokens:
        return ""
    return f"{count(tally.tokens)} tok {bill(tally.cost_usd, tally.unpriced_tokens):>6}"


def isolation(run: Run, group: str, tally: Tally) -> Span | None:
    """Return how far a group's failures reached; nothing while it has none."""
    if not tally.failed or run.groups[group].info.on_failure == "cancel_run":
        return None
    if tally.skipped_outside:
        return Span(f"{tally.skipped_outside} outside skipped", "failed.plain")
    return Span("isolated: failures contained", "done.plain")


def name_width(names: Iterable[str]) -> int:
    """Return how wide group names stand: 10 cells, up to 18 where one needs it."""
    return min(18, max([10, *(cell_len(clean(name)) for name in names)]))


def is_foldable(row: Row) -> bool:
    return row.kind is not Kind.TASK
