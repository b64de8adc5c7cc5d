"""How far failures reached: what failed in each group, what was skipped for it inside, what outside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from orchestrator.core.progress import Tally, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import Status
from orchestrator.tui.bars import progress_bar
from orchestrator.tui.lines import Line, Span, gap, width
from orchestrator.tui.pages import Look, PageLine, heading
from orchestrator.tui.subjects import Subject
from orchestrator.tui.text import clean, fit, plural, shorten

_BAR: Final = 20
_SHORT_BAR: Final = 8
_SHOWN: Final = 8
"""Tasks that are named when a group is unfolded."""


class Reach(NamedTuple):
    """The proof in figures: groups in all, groups in which something failed, tasks that were affected outside those."""

    groups: int
    burning: int
    outside: int


def reach(run: Run) -> Reach:
    """Count how far failures reached, from what the events told."""
    tallies = [tally for tally in run.tallies.values() if tally.total]
    burning = [tally for tally in tallies if tally.failed]
    return Reach(len(tallies), len(burning), sum(tally.skipped_outside for tally in burning))


def isolation_lines(look: Look) -> Iterator[PageLine]:
    """Yield the section."""
    yield heading("ISOLATION", counted(look.run), look.cells)
    shown = {name: tally for name, tally in look.run.tallies.items() if tally.total}
    columns = _columns(look, shown)
    for name, tally in shown.items():
        subject = Subject("group", name).key
        yield _row(look, name, tally, columns), subject
        if subject in look.opened:
            yield from _details(look, name)
    yield proof(look.run), ""


def counted(run: Run) -> str:
    """Return what the figures rest on."""
    return f"counted from {run.seq + 1:,} events"


def proof(run: Run) -> Line:
    """Return the sum of it in one line."""
    found = reach(run)
    if not found.groups:
        return (Span("   No task yet.", "muted"),)
    if not found.burning:
        return (Span(f"   Nothing failed for good in {plural(found.groups, 'group')}.", "muted"),)
    whole = Span(
        f"   {found.groups - found.burning} of {plural(found.groups, 'group')} untouched by failures; ", "text"
    )
    if found.outside:
        return whole, Span(f"{plural(found.outside, 'task')} outside skipped", "bad")
    return whole, Span("0 tasks outside affected", "ok")


class _Columns(NamedTuple):
    """How wide names, figures and failures are, the space after them included."""

    names: int
    figures: int
    failed: int


def _columns(look: Look, tallies: Mapping[str, Tally]) -> _Columns:
    names = min(18, max([10, *(len(clean(name)) for name in tallies)])) + 1
    figures = max([8 if look.is_wide else 6, *(2 * len(str(tally.total)) + 1 for tally in tallies.values())]) + 1
    failed = max([10 if look.is_wide else 8, *(len(_failed(tally)) for tally in tallies.values())]) + 2
    return _Columns(names, figures, failed)


def _failed(tally: Tally) -> str:
    return f"{tally.failed} failed"


def _row(look: Look, name: str, tally: Tally, columns: _Columns) -> Line:
    start = (
        look.fold(Subject("group", name).key),
        Span(fit(clean(name), columns.names - 1, look.glyphs.ellipsis) + " ", "text"),
        *progress_bar(tally.counts, _BAR if look.is_wide else _SHORT_BAR, look.glyphs),
        gap(2),
        Span(fit(f"{tally.done}/{tally.total}", columns.figures), "muted"),
    )
    if not tally.failed:
        return (*start, *_unharmed(look.run, name, tally))
    failed = (*start, Span(fit(_failed(tally), columns.failed), "failed.plain"))
    return (*failed, _verdict(look, name, tally, look.cells - width(failed)))


def _verdict(look: Look, name: str, tally: Tally, room: int) -> Span:
    if not tally.skipped_outside and look.run.groups[name].info.on_failure == "cancel_run":
        return Span("ends the run, as declared", "warn")
    who = plural(tally.skipped_inside, "dependant") if look.is_wide else str(tally.skipped_inside)
    how, role = ("reached others", "bad") if tally.skipped_outside else ("contained", "ok")
    text = f"{how}: {who} skipped inside, {tally.skipped_outside} outside"
    return Span(text if len(text) <= room else text.replace(" skipped", ""), role)


def _unharmed(run: Run, name: str, tally: Tally) -> Line:
    skipped = tally.counts[Status.SKIPPED]
    if run.groups[name].cancelled or tally.counts[Status.CANCELED]:
        return (Span(f"{plural(tally.counts[Status.CANCELED], 'task')} canceled", "muted"),)
    if skipped:
        return (Span(f"{plural(skipped, 'task')} skipped", "muted"),)
    return (Span("healthy", "ok"),)


def _details(look: Look, group: str) -> Iterator[PageLine]:
    """Yield what failed in the group, and what was skipped elsewhere because of it."""
    run = look.run
    failed = [task for task in look.census.failed if task.group == group]
    struck = [task for task in run.tasks.values() if _is_struck(run, task, group)]
    for task in failed[:_SHOWN]:
        yield _task_line(look, task, task.error.message if task.error else ""), ""
    for task in struck[:_SHOWN]:
        yield _task_line(look, task, f"outside, in {task.group}: {task.because}"), ""
    more = max(0, len(failed) - _SHOWN) + max(0, len(struck) - _SHOWN)
    if more or not (failed or struck):
        yield (gap(6), Span(f"and {more} more" if more else "nothing failed here", "muted")), ""


def _is_struck(run: Run, task: TaskProgress, group: str) -> bool:
    if task.status is not Status.SKIPPED or task.group == group:
        return False
    cause = run.tasks.get(task.cause or "")
    return cause is not None and cause.group == group


def _task_line(look: Look, task: TaskProgress, why: str) -> Line:
    name = fit(clean(task.id), 30, look.glyphs.ellipsis)
    glyph = Span(f"{look.glyphs.status[task.status]} ", f"{task.status.value}.plain")
    room = max(10, look.cells - 40)
    return gap(6), glyph, Span(f"{name} ", "text"), Span(shorten(clean(why), room, look.glyphs.ellipsis), "muted")
