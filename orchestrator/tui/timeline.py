"""When each task ran and waited, as cells on a scale of time: the scale, a task's bar, and the axis above them.

A bar is made of a task's attempts and of its present wait alone. Of what lies between two attempts only the wait for
the next try is known, so it is drawn as that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from orchestrator.core.progress import Attempt, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import FINAL, State, Status
from orchestrator.tui.glyphs import ASCII, Glyphs
from orchestrator.tui.lines import Line, Span, clip, gap, width
from orchestrator.tui.text import clean, duration, fit

_STEPS: Final = (
    *(0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.5, 0.6, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5),
    *(10.0, 12.0, 15.0, 20.0, 30.0),
    *(60.0 * minutes for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)),
    *(3600.0 * hours for hours in (1, 2, 3, 4, 6, 12, 24, 48, 96, 240)),
)
"""Seconds that a cell may stand for: such that whole minutes and hours fall on cells."""

_ROUND: Final = (
    *(0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(60.0 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600.0 * hours for hours in (1, 2, 3, 6, 12, 24, 48, 96, 240, 480, 960, 2400)),
)
"""Seconds between two lines of the grid."""

_APART: Final = 12
"""Cells between two lines of the grid, at least."""
_ROOM: Final = 0.08
"""What is kept free at the right of a run that goes on, so that the scale does not change all the time."""

_SHORTEST: Final = 5.0
"""Seconds that are shown at least, so that a run that has just begun does not race through the scales."""


class Marks(NamedTuple):
    """The characters of bars and of the grid."""

    run: str
    bad: str
    retry: str
    limited: str
    circuit: str
    other: str
    grid: str
    now: str


_UNICODE: Final = Marks("▇", "▓", "·", "▒", "─", "·", "┊", "│")
_ASCII: Final = Marks("=", "x", ".", "~", "-", ".", ":", "|")


def marks_of(glyphs: Glyphs) -> Marks:
    return _ASCII if glyphs is ASCII else _UNICODE


# ── the scale ───────────────────────────────────────────────────────────────────────────────────


class Scale(NamedTuple):
    """Which moment each cell of the chart stands for: `start` is the first one's, `step` the seconds of each."""

    start: float
    step: float
    cells: int

    @property
    def end(self) -> float:
        return self.start + self.step * self.cells

    def cell(self, at: float) -> int:
        """Return the cell of a moment; it may lie outside."""
        return int((at - self.start) // self.step)

    def zoomed(self, steps: int, around: float) -> Scale:
        """Return a scale that shows more or less at once, with the moment where it was."""
        place = max(0, min(len(_STEPS) - 1, _step_at_least(self.step) - steps))
        step = _STEPS[place]
        return self._replace(step=step).starting(around - (around - self.start) * step / self.step)

    def moved(self, cells: int, last: float) -> Scale:
        """Return a scale that shows what is so many cells further on, but not beyond what there is."""
        furthest = last - self.step * (self.cells - 1)
        return self.starting(min(furthest, self.start + cells * self.step))

    def following(self, now: float) -> Scale:
        """Return a scale on which now is in view, near the right edge."""
        return self.starting(now - self.step * int(self.cells * (1 - _ROOM)))

    def starting(self, at: float) -> Scale:
        """Return a scale that starts there, at a whole cell: so bars keep their shape when it moves."""
        return self._replace(start=max(0.0, round(at / self.step) * self.step))


def fitting(run: Run, now: float, cells: int) -> Scale:
    """Return the scale on which the whole run has room."""
    length = now if run.ended is not None else now * (1 + _ROOM)
    wanted = max(_SHORTEST, length) / max(1, cells - 1)
    return Scale(0.0, _STEPS[_step_at_least(wanted)], cells)


def _step_at_least(seconds: float) -> int:
    return next((place for place, step in enumerate(_STEPS) if step >= seconds * 0.999), len(_STEPS) - 1)


def _grid(scale: Scale) -> float:
    """Return the seconds between two lines of the grid."""
    return next((each for each in _ROUND if _divides(scale.step, each) and each >= _APART * scale.step), _ROUND[-1])


def _divides(step: float, each: float) -> bool:
    return abs(each / step - round(each / step)) < 1e-6


def axis(scale: Scale) -> str:
    """Return the labels above the grid."""
    each, text = _grid(scale), [" "] * scale.cells
    number = -int(-scale.start // each)
    while (at := scale.cell(number * each + scale.step / 2)) < scale.cells:
        label = _label(number * each, each)
        if at >= 0 and at + len(label) <= scale.cells:
            text[at : at + len(label)] = label
        number += 1
    return "".join(text)


def _label(seconds: float, each: float) -> str:
    return f"{seconds:.1f}s" if each < 1 else duration(seconds + 1e-6)


def _grid_cells(scale: Scale) -> Iterator[int]:
    each = _grid(scale)
    number = -int(-scale.start // each)
    while (at := scale.cell(number * each + scale.step / 2)) < scale.cells:
        yield at
        number += 1


# ── bars ────────────────────────────────────────────────────────────────────────────────────────


class Segment(NamedTuple):
    """A stretch of a bar; the second mark closes it where something ended."""

    start: float
    end: float
    mark: str
    role: str


def segments(task: TaskProgress, now: float, marks: Marks) -> Iterator[Segment]:
    """Yield the stretches of a task's bar, in their order."""
    before: Attempt | None = None
    for attempt in task.attempts:
        if before is not None and before.ended is not None:
            yield Segment(before.ended, attempt.started, marks.retry, "retry.plain")
        yield _try(attempt, task, now, marks)
        before = attempt
    since = task.since if task.state is State.WAITING else task.ended
    if before is not None and before.ended is not None and since is not None and before.ended < since:
        yield Segment(before.ended, since, marks.retry, "retry.plain")
    mark = _WAIT_MARKS.get(task.status, "")
    if mark:
        yield Segment(task.since, now, getattr(marks, mark), f"{task.status.value}.plain")


_WAIT_MARKS: Final = {
    Status.RETRY: "retry",
    Status.LIMITED: "limited",
    Status.QUOTA: "limited",
    Status.CIRCUIT: "circuit",
    Status.APPROVE: "other",
    Status.ANSWER: "other",
    Status.BUDGET: "other",
    Status.SUBAGENT: "other",
}
"""What a present wait is drawn with. Who waits for a slot, or is paused, has no bar: nothing was begun."""


def _try(attempt: Attempt, task: TaskProgress, now: float, marks: Marks) -> Segment:
    end = now if attempt.ended is None else attempt.ended
    if attempt.result == "failed":
        return Segment(attempt.started, end, marks.bad, "failed.plain")
    if attempt.ended is None and task.state not in FINAL:
        return Segment(attempt.started, end, marks.run, f"{task.status.value}.plain")
    role = "done.plain" if attempt.result in {"succeeded", "unsatisfied"} else "ended"
    return Segment(attempt.started, end, marks.run, role)


class Chart(NamedTuple):
    """What bars are drawn with. `now` is None once the run has ended."""

    scale: Scale
    time: float
    now: float | None
    glyphs: Glyphs


def bar(chart: Chart, task: TaskProgress) -> Line:
    """Return the cells of one task's row: its bar over the grid, and the line of now."""
    scale, glyphs, marks = chart.scale, chart.glyphs, marks_of(chart.glyphs)
    now = None if chart.now is None else scale.cell(chart.now)
    chars, roles = map(list, _ground(scale, now, marks))
    for start, end, mark, role in segments(task, chart.time, marks):
        first, last = scale.cell(start), scale.cell(end)
        last = last if last == now else max(first + 1, last)
        first, last = max(0, first), min(scale.cells, last)
        if first < last:
            chars[first:last] = mark * (last - first)
            roles[first:last] = [role] * (last - first)
    if task.ended is not None and task.attempts:
        at = max(scale.cell(task.ended), scale.cell(task.attempts[-1].started) + 1)
        if 0 <= at < scale.cells:
            chars[at], roles[at] = glyphs.status[task.status], f"{task.status.value}.plain"
    return _joined(chars, roles)


@lru_cache(maxsize=4)
def _ground(scale: Scale, now: int | None, marks: Marks) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the characters and roles of a row without a bar."""
    chars, roles = [" "] * scale.cells, ["text"] * scale.cells
    for at in _grid_cells(scale):
        chars[at], roles[at] = marks.grid, "grid"
    if now is not None and 0 <= now < scale.cells:
        chars[now], roles[now] = marks.now, "accent"
    return tuple(chars), tuple(roles)


def _joined(chars: list[str], roles: list[str]) -> Line:
    """Return the cells as spans; neighbours of one role stand together."""
    spans: list[Span] = []
    text, start = "".join(chars), 0
    for role, cells in groupby(roles):
        end = start + len(list(cells))
        spans.append(Span(text[start:end], role))
        start = end
    return tuple(spans)


# ── rows ────────────────────────────────────────────────────────────────────────────────────────


class Shape(NamedTuple):
    """How wide the parts of a row are: the name with its glyph, the chart, and the time it took in all."""

    name: int
    chart: int
    total: int


def shape_of(cells: int, names: int) -> Shape:
    """Return the parts for so many cells; `names` is how wide the longest name is."""
    total = 8
    name = min(max(12, names + 5), 24 if cells < 100 else 36 if cells < 160 else 48)
    return Shape(name, max(10, cells - name - total), total)


def row_line(chart: Chart, task: TaskProgress, shape: Shape, *, critical: bool, marked: bool, faded: bool) -> Line:
    """Return a task's row: what it is, when it ran, and how long it took in all."""
    glyphs, status = chart.glyphs, task.status
    took = task.elapsed(chart.time)
    return (
        Span(glyphs.critical if critical else glyphs.mark if marked else " ", "title" if critical else "key"),
        Span(f"{glyphs.status[status]} ", f"{status.value}.plain"),
        Span(fit(clean(task.id), shape.name - 4, glyphs.ellipsis) + " ", "muted" if faded else "text"),
        *bar(chart, task),
        Span(f"{'' if took is None else duration(took):>{shape.total - 1}} ", "text"),
    )


def head_line(scale: Scale, shape: Shape) -> Line:
    """Return the axis with its labels."""
    return (
        Span(fit(" TASK", shape.name), "muted"),
        Span(axis(scale), "muted"),
        Span(f"{'TOTAL':>{shape.total - 1}} ", "muted"),
    )


def legend_line(glyphs: Glyphs, cells: int) -> Line:
    """Return what the characters of the bars mean, in as few words as need be."""
    marks = marks_of(glyphs)
    entries = (
        (marks.run, "running.plain", "running", "run"),
        (marks.run, "done.plain", "ok", "ok"),
        (marks.bad, "failed.plain", "failed try", "failed"),
        (marks.retry, "retry.plain", "retry wait", "retry"),
        (marks.limited, "limited.plain", "limited", "limited"),
        (marks.circuit, "circuit.plain", "circuit open", "circuit"),
        (glyphs.critical, "title", "decides the end", "the end"),
    )
    lines = [_legend(entries, *style) for style in ((2, 2), (3, 2), (3, 1))]
    return next((line for line in lines if width(line) <= cells), clip(lines[-1], cells))


def _legend(entries: Sequence[tuple[str, str, str, str]], words: int, apart: int) -> Line:
    pairs = ((Span(entry[0], entry[1]), Span(f" {entry[words]}{' ' * apart}", "muted")) for entry in entries)
    return (gap(1), *(span for pair in pairs for span in pair))


def step_words(step: float) -> str:
    """Return what a cell stands for: `20 ms`, `4 s`, `5 min`, `2 h`."""
    for size, unit in ((3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if step >= size:
            return f"{step / size:g} {unit}"
    return f"{step * 1000:g} ms"
