"""What a box of the graph says: its name, and where all that it stands for stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final, NamedTuple

from orchestrator.core.progress import ENDED, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import State, Status
from orchestrator.tui.bars import progress_bar
from orchestrator.tui.dag import Edge
from orchestrator.tui.faces import next_words
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.graph import Graph
from orchestrator.tui.lines import Line, Span, clip, gap, muted, width
from orchestrator.tui.text import clean, countdown, shorten

_WORST_FIRST: Final = (
    Status.FAILED,
    Status.TIMEOUT,
    Status.APPROVE,
    Status.ANSWER,
    Status.BUDGET,
    Status.CIRCUIT,
    Status.STOPPING,
    Status.RETRY,
    Status.QUOTA,
    Status.LIMITED,
    Status.RUNNING,
    Status.SUBAGENT,
    Status.PAUSED,
    Status.QUEUED,
    Status.PENDING,
    Status.CANCELED,
    Status.SKIPPED,
    Status.DONE,
    Status.CACHED,
)
_FAN_BAR: Final = 7


class Look(NamedTuple):
    """What boxes are drawn from. `chain` holds the boxes that decide the end, `links` the edges between them.

    Those that are `faded` hold nothing that the filter lets through.
    """

    run: Run
    now: float
    graph: Graph
    glyphs: Glyphs
    chain: frozenset[str] = frozenset()
    links: frozenset[Edge] = frozenset()
    faded: frozenset[str] = frozenset()


class BoxFace(NamedTuple):
    """What a box says: the status that lends it its colour, its name, and how it stands."""

    status: Status
    name: Line
    state: Line


def worst(counts: Mapping[Status, int]) -> Status:
    """Return the status of which a person should know first."""
    return next((status for status in _WORST_FIRST if counts[status]), Status.PENDING)


def counts_of(look: Look, box: str) -> Counter[Status]:
    """Return how the tasks of the box stand; of a whole that became nothing, how it stands itself."""
    tasks = look.run.tasks
    found = Counter(tasks[name].status for name in look.graph.members[box])
    return found or Counter({tasks[box].status} if box in tasks else {Status.PENDING})


def face_of(look: Look, box: str, cells: int, state_cells: int) -> BoxFace:
    """Return what the box says: its name in so many cells, and how it stands."""
    face = _face(look, box, cells, state_cells)
    if box not in look.faded:
        return face
    return BoxFace(Status.PENDING, muted(face.name), muted(face.state))


def _face(look: Look, box: str, cells: int, state_cells: int) -> BoxFace:
    members = look.graph.members[box]
    counts = counts_of(look, box)
    status = worst(counts)
    if is_one(look, box):
        return BoxFace(status, _name(look, box, "", cells), _one_state(look, look.run.tasks[box], state_cells))
    number = f" {look.glyphs.times}{len(members)}"
    return BoxFace(status, _name(look, box, number, cells), _fan_state(look, counts, state_cells))


def is_one(look: Look, box: str) -> bool:
    """Return whether the box is a single task, or a whole that did not expand yet."""
    return look.graph.members[box] == (box,)


def _name(look: Look, box: str, number: str, cells: int) -> Line:
    task = look.run.tasks.get(box)
    if task is not None and task.info.whole and not number:
        number = f" {look.glyphs.times}?"
    name = shorten(clean(box), max(1, cells - len(number)), look.glyphs.ellipsis)
    return _filled((Span(name, "strong"), Span(number, "muted")), cells)


def _one_state(look: Look, task: TaskProgress, cells: int) -> Line:
    status = task.status
    words = Span(f"{look.glyphs.status[status]} {status.value}", f"{status.value}.plain")
    more = _beside(look, task)
    room = cells - len(words.text) - len(more)
    apart = 2 if room > 2 else 1  # a cell is kept free before the frame, if there is one
    return _filled((words, gap(apart), Span(more, "muted")) if more and room > 0 else (words,), cells)


def _beside(look: Look, task: TaskProgress) -> str:
    """Return how long it took or takes, or what it waits for, unless that is other boxes: the lines tell that."""
    if task.state is State.PENDING:
        return ""
    took = task.elapsed(look.now)
    if took is not None and (task.is_final or task.state is State.RUNNING):
        return countdown(took) if task.is_final else countdown(max(10.0, took)) if took >= 10 else f"{int(took)}s"
    return next_words(look.run, task, look.now)


def _fan_state(look: Look, counts: Mapping[Status, int], cells: int) -> Line:
    total = sum(counts.values())
    done = f" {sum(counts[status] for status in ENDED)}/{total}"
    bar = max(1, min(_FAN_BAR, cells - len(done)))
    return _filled((*progress_bar(counts, bar, look.glyphs), Span(done, "text")), cells)


def _filled(line: Line, cells: int) -> Line:
    kept = clip(line, cells)
    return (*kept, gap(cells - width(kept)))
