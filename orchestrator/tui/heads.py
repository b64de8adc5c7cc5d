"""The title row and the tab row: where the run stands as a whole."""

from __future__ import annotations

from typing import Final, NamedTuple

from orchestrator.core.run import Run
from orchestrator.core.states import Outcome, RunState, Status
from orchestrator.tui.bars import progress_bar
from orchestrator.tui.faces import tally_spans
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.lines import Line, Span, gap, spread, width
from orchestrator.tui.needs import count
from orchestrator.tui.text import clean, countdown, duration, fit, plural, shorten

_ETA_FROM: Final = 0.2
_NARROW: Final = 100
_URGENT: Final = frozenset(
    {
        Status.DONE,
        Status.RUNNING,
        Status.RETRY,
        Status.CIRCUIT,
        Status.BUDGET,
        Status.FAILED,
        Status.TIMEOUT,
    }
)
"""The counts that a narrow screen shows."""

_FACES: Final = {
    RunState.STARTING: (Status.QUEUED, "STARTING"),
    RunState.RUNNING: (Status.RUNNING, "RUNNING"),
    RunState.PAUSED: (Status.PAUSED, "PAUSED"),
    RunState.HELD: (Status.APPROVE, "HELD"),
    RunState.CANCELLING: (Status.STOPPING, "CANCELLING"),
}
_ENDINGS: Final = {
    Outcome.SUCCEEDED: (Status.DONE, "DONE"),
    Outcome.DEGRADED: (Status.DONE, "DONE, DEGRADED"),
    Outcome.FAILED: (Status.FAILED, "FAILED"),
    Outcome.CANCELLED: (Status.CANCELED, "CANCELED"),
    Outcome.HELD: (Status.APPROVE, "HELD"),
}


class Tab(NamedTuple):
    """A view that can be switched to; `command` does it, `short` is the label where there is little room."""

    key: str
    label: str
    short: str
    command: str


def elapsed(run: Run, now: float) -> float:
    return run.ended if run.ended is not None else now


def run_face(run: Run, now: float, ellipsis: str) -> tuple[Status, str]:
    """Return the status that lends its glyph and colour, and the words."""
    if run.outcome is not None:
        status, words = _ENDINGS[run.outcome]
        return status, f"{words} {run.tally.failed} of {run.tally.total}" if run.outcome is Outcome.FAILED else words
    status, words = _FACES[run.state]
    return status, words + _more(run, now, ellipsis)


def _more(run: Run, now: float, ellipsis: str) -> str:
    if run.state is RunState.CANCELLING and run.cancelling is not None:
        if run.cancelling.draining:
            return " after what runs"
        return "" if run.cancelling.until is None else f" {countdown(run.cancelling.until - now)}"
    if run.state is RunState.PAUSED:
        return " (you)" if run.paused_by == "operator" else f" ({clean(run.paused_by or '')})"
    if run.state is RunState.HELD and run.held_for:
        return f" ({shorten(clean(', '.join(run.held_for)), 24, ellipsis)})"
    return ""


def title_line(run: Run, now: float, cells: int, glyphs: Glyphs, late: float = 0.0) -> Line:
    """Return the flow, the run, its state and its time at the left, its progress at the right.

    What finds no room is left out: first the estimate of the end, then our name, then the run's.
    """
    narrow = cells < _NARROW
    end = (*_progress(run, 11 if narrow else 20, glyphs), gap(0 if narrow else 1))
    own, name = (Span("orchestrator ", "title"),), _run_name(run)
    flow = (Span(_flow_name(run, glyphs, narrow=narrow), "strong"),)
    state = _state(run, now, glyphs, narrow=narrow) + _late(late)
    full = (gap(1), *own, *flow, *name, *state, *_eta(run, now))
    starts = [full, (gap(1), *own, *flow, *name, *state), (gap(1), *flow, *name, *state), (gap(1), *flow, *state)]
    shown = [start for start in starts[3 if narrow else 0 :] if width(start) + width(end) < cells]
    return spread(shown[0] if shown else starts[-1], end, cells)


def _run_name(run: Run) -> Line:
    return (Span(f"  run {run_name(run.id)}", "muted"),) if run.id else ()


def _state(run: Run, now: float, glyphs: Glyphs, *, narrow: bool) -> Line:
    status, words = run_face(run, now, glyphs.ellipsis)
    space = " " if narrow else "  "
    return (
        Span(f"{space}{glyphs.status[status]} ", f"{status.value}.plain"),
        Span(words, status.value),
        Span(f"{space}{duration(elapsed(run, now))}", "text"),
    )


def _late(seconds: float) -> Line:
    return (Span(f"  (screen {seconds:.0f}s behind)", "warn"),) if seconds >= 2 else ()


def _flow_name(run: Run, glyphs: Glyphs, *, narrow: bool) -> str:
    if run.started is None:
        return "..."
    file = run.started.file.rpartition("/")[2]
    name = run.started.flow if narrow or not file else file
    return shorten(clean(name), 24 if narrow else 36, glyphs.ellipsis)


def run_name(run_id: str) -> str:
    """Return the end of a run's id, which tells runs of the same day apart."""
    return clean(run_id) if len(run_id) <= 12 else clean(run_id)[-6:]


def _eta(run: Run, now: float) -> Line:
    done, total = run.tally.done, run.tally.total
    if run.state is not RunState.RUNNING or not total or done == total:
        return ()
    if done / total < _ETA_FROM:
        return ()
    return (Span(f"  eta ~{duration(now * (total - done) / done)}", "muted"),)


def _progress(run: Run, cells: int, glyphs: Glyphs) -> Line:
    done, total = run.tally.done, run.tally.total
    if not total:
        return ()
    return (*progress_bar(run.tally.counts, cells, glyphs), Span(f" {done}/{total} {percent(done, total)}", "strong"))


def percent(done: int, total: int) -> str:
    """Round down, so that 100% means all."""
    return f"{100 * done // total if total else 0}%"


def tab_line(run: Run, tabs: tuple[Tab, ...], chosen: str, cells: int, glyphs: Glyphs) -> Line:
    """Return the views at the left, the counts by state at the right. `chosen` is the key of the view that is shown."""
    start: list[Span] = [gap(1)]
    narrow = cells < _NARROW
    for tab in tabs:
        role = "tab" if tab.key == chosen else "muted"
        label = tab.short if narrow else tab.label
        start += [Span(f" {tab.key} {label} ", role, tab.command), gap(0 if narrow else 1)]
    counts = {status: number for status, number in run.tally.counts.items() if _is_shown(status, narrow=narrow)}
    badge = _badge(run)
    full = tuple(tally_spans(_Counts(counts), glyphs, " " if narrow else "  "))
    end = full[:-1]
    while width(end) + width(badge) > cells - width(start) - 1 and len(end) > 1:
        end = end[:-2]
    return spread(tuple(start), (*badge, *end, gap(0 if narrow else 1)), cells)


def _is_shown(status: Status, *, narrow: bool) -> bool:
    """What waits for a person is counted by the badge."""
    return status not in {Status.APPROVE, Status.ANSWER} and (not narrow or status in _URGENT)


def _badge(run: Run) -> Line:
    """Return how many things wait for a person, at the head of the counts so that it is never cut off."""
    number = count(run)
    return (Span(f"?{number}", Status.APPROVE.value, "need.list"), gap(2)) if number else ()


class _Counts(dict[Status, int]):
    def __missing__(self, status: Status) -> int:
        return 0


def stopping_words(run: Run, now: float) -> str:
    """Return what stands over everything else while a run is being stopped."""
    if run.state is not RunState.CANCELLING or run.cancelling is None or run.cancelling.draining:
        return ""
    left = run.tally.counts[Status.RUNNING] + run.tally.counts[Status.STOPPING]
    until = run.cancelling.until
    grace = "" if until is None else f", {countdown(until - now)} of grace left"
    return f"CANCELLING  {plural(left, 'task')} stopping{grace}. Ctrl+C again: kill."


def banner_line(text: str, cells: int) -> Line:
    """Return a line that nobody overlooks."""
    return (Span(fit(f" {text}", cells), "banner"),)


def small_lines(run: Run, cells: int, rows: int, wanted: tuple[int, int]) -> list[Line]:
    """Return the page for a terminal in which nothing finds room."""
    state = f"{run.tally.done}/{run.tally.total}" + (f", {run.tally.failed} failed" if run.tally.failed else "")
    goes_on = "The run goes on" if run.outcome is None else "The run has ended"
    texts = [
        f"Terminal {cells}x{rows} is too small.",
        f"Need {wanted[0]}x{wanted[1]}.",
        f"{goes_on}: {state}.",
        "Ctrl+C cancel" if run.outcome is None else "q quit",
    ]
    lines: list[Line] = [() for _ in range(max(0, (rows - len(texts)) // 2))]
    return lines + [(Span(shorten(text, cells).center(cells)),) for text in texts]
