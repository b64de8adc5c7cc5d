"""What stands below the graph about the box that is chosen: how it stands and why, what it needs and what it feeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from orchestrator.core.critical import why_not_running
from orchestrator.core.progress import ENDED_BADLY, TaskProgress
from orchestrator.core.states import State, Status
from orchestrator.tui.boxes import Look, counts_of, is_one, worst
from orchestrator.tui.faces import last_words, tally_spans
from orchestrator.tui.graph import Graph
from orchestrator.tui.lines import Line, Span, gap, shortened, spread
from orchestrator.tui.text import clean, duration, fit, plural

_LABEL: Final = 9


def pane_title(look: Look, box: str | None, cells: int) -> Line:
    """Return the box's name and state, and whether it decides the end."""
    if box is None:
        return (gap(cells),)
    counts = counts_of(look, box)
    status = worst(counts)
    end = (Span("decides the end", "title"), gap(1)) if box in look.chain else ()
    many = "" if is_one(look, box) else f" {look.glyphs.times}{len(look.graph.members[box])}"
    start = (
        gap(1),
        Span(clean(box), "strong"),
        Span(many, "muted"),
        Span(f"  {look.glyphs.status[status]} {status.value}", f"{status.value}.plain"),
        Span(f"  {_group(look, box)}", "muted"),
    )
    return spread(start, end, cells)


def _group(look: Look, box: str) -> str:
    names = look.graph.members[box] or (box,)
    task = look.run.tasks.get(names[0])
    return f"group {clean(task.group)}" if task is not None else ""


def pane_lines(look: Look, box: str | None, chain: Sequence[str], cells: int) -> list[Line]:
    """Return what is to be known of the box, the most important first; each line fits into so many cells."""
    if box is None:
        return []
    lines = [
        (Span(fit(" now", _LABEL), "muted"), *_now(look, box)),
        (Span(fit(" needs", _LABEL), "muted"), *_names(look, look.graph.needs[box])),
        (Span(fit(" feeds", _LABEL), "muted"), *_names(look, look.graph.feeds[box]), *_beyond(look.graph, box)),
        (Span(fit(" the end", _LABEL), "muted"), *_chain(look, chain)),
    ]
    return [shortened(line, cells, look.glyphs.ellipsis) for line in lines]


def _now(look: Look, box: str) -> Iterable[Span]:
    """Return why a task does not run, how long it runs, or how it ended; of many, how many stand how."""
    if not is_one(look, box):
        yield from tally_spans(counts_of(look, box), look.glyphs)
        yield from _first_failure(look, box)
        return
    task = look.run.tasks[box]
    why = why_not_running(look.run, task, look.now)
    if why:
        yield Span(clean(why), "text")
        return
    yield Span(_time(task, look.now), "text")
    yield Span(f"  {clean(last_words(task))}", "bad" if task.status in ENDED_BADLY else "muted")


def _first_failure(look: Look, box: str) -> Iterable[Span]:
    tasks = (look.run.tasks[name] for name in look.graph.members[box])
    failed = next((task for task in tasks if task.status in ENDED_BADLY), None)
    if failed is not None:
        yield Span(f" {clean(failed.id)}: {clean(last_words(failed))}", "bad")


def _time(task: TaskProgress, now: float) -> str:
    took = task.elapsed(now)
    if took is None:
        return "never ran" if task.is_final else "starts"
    tries = f", try {task.attempt} of {max(task.attempt, task.max_attempts)}" if task.max_attempts > 1 else ""
    word = "runs for" if task.state is State.RUNNING else "took"
    return f"{word} {duration(took)}{tries}"


def _names(look: Look, boxes: Sequence[str]) -> Iterable[Span]:
    if not boxes:
        yield Span("nothing", "muted")
    for box in boxes:
        status = worst(counts_of(look, box))
        yield Span(f"{look.glyphs.status[status]} ", f"{status.value}.plain")
        yield Span(f"{clean(box)}  ", "text")


def _beyond(graph: Graph, box: str) -> Iterable[Span]:
    """Return how many boxes follow later."""
    found: set[str] = set()
    todo = [*graph.feeds[box]]
    while todo:
        here = todo.pop()
        if here not in found:
            found.add(here)
            todo += graph.feeds[here]
    further = len(found) - len(set(graph.feeds[box]))
    if further:
        yield Span(f"and then {plural(further, 'more box', 'more boxes')}", "muted")


def _chain(look: Look, chain: Sequence[str]) -> Iterable[Span]:
    for place, name in enumerate(chain):
        status = look.run.tasks[name].status if name in look.run.tasks else Status.PENDING
        if place:
            yield Span(f" {look.glyphs.arrow} ", "title")
        yield Span(f"{look.glyphs.status[status]} ", f"{status.value}.plain")
        yield Span(clean(name), "text")
