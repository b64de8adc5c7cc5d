"""The page of the Summary: what ran, what failed and where its log lies, what took and cost most, what came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from orchestrator.core.flow import Json
from orchestrator.core.progress import BackendProgress, Tally, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, Outcome, RunState, Status
from orchestrator.tui.bars import level_bar
from orchestrator.tui.census import Span as Time
from orchestrator.tui.heads import elapsed, run_face
from orchestrator.tui.isolation import counted, proof
from orchestrator.tui.lines import Line, Span, gap, right, spread, width
from orchestrator.tui.pages import NOTHING, Look, PageLine, heading
from orchestrator.tui.subjects import Subject
from orchestrator.tui.text import bill, clean, clean_lines, count, duration, fit, money, plural, shorten

_FAILURES: Final = 20
_TAIL: Final = 3
_OUTPUT: Final = 12
"""Lines of one output that are shown."""
_BAR: Final = 24


def summary_lines(look: Look) -> list[PageLine]:
    """Return all of it, as long as it may be."""
    if look.run.started is None:
        return [((Span(" Preparing the run", "muted"),), "")]
    return list(_sections(look))


def _sections(look: Look) -> Iterator[PageLine]:
    yield NOTHING
    yield from _result(look)
    yield NOTHING
    yield from _groups(look)
    for section in (_failures, _outputs, _most, _backends):
        lines = list(section(look))
        if lines:
            yield NOTHING
            yield from lines
    yield NOTHING
    yield heading("ISOLATION", counted(look.run), look.cells)
    yield proof(look.run), ""


# ── the result ──────────────────────────────────────────────────────────────────────────────────


def _result(look: Look) -> Iterator[PageLine]:
    run, glyphs = look.run, look.glyphs
    status, words = run_face(run, look.now, glyphs.ellipsis)
    so_far = () if run.state is RunState.FINISHED else (Span("so far  ", "muted"),)
    start = (
        Span(f" {glyphs.status[status]} ", f"{status.value}.plain"),
        Span(words, status.value),
        gap(3),
        *so_far,
        Span(f"{tally_words(run)}  in {duration(elapsed(run, look.now))}", "strong"),
    )
    end = (Span(_spent(run.tally), "text"), gap(1))
    if width(start) + width(end) < look.cells:
        yield spread(start, end, look.cells), ""
    else:
        yield start, ""
        yield (gap(3), *end), ""
    if run.level is not None and run.level.level != "full":
        yield (gap(3), Span(clean(f"{run.level.level}: {run.level.why}"), "warn")), ""
    for wait in run.held_for:
        yield (gap(3), Span(f"held: {clean(wait)}", "approve.plain")), ""


_WORDS: Final = ((Status.SKIPPED, "skipped"), (Status.CANCELED, "canceled"))


def tally_words(run: Run) -> str:
    """Return how many tasks ended how; a run that failed has said already how many did."""
    tally = run.tally
    well = tally.counts[Status.DONE] + tally.counts[Status.CACHED]
    says_failed = tally.failed and run.outcome is not Outcome.FAILED
    parts = [f"{tally.failed} of {tally.total} failed"] if says_failed else []
    parts += [f"{tally.counts[status]} {word}" for status, word in _WORDS if tally.counts[status]]
    parts += [f"{well} done" if tally.failed else f"{well} of {tally.total} done"]
    left = tally.total - tally.done
    return ", ".join([*parts, f"{left} left"] if left else parts)


def _spent(tally: Tally) -> str:
    if not tally.tokens:
        return ""
    return f"{bill(tally.cost_usd, tally.unpriced_tokens)}  {count(tally.tokens)} tokens"


# ── groups ──────────────────────────────────────────────────────────────────────────────────────


def _groups(look: Look) -> Iterator[PageLine]:
    names = min(24 if look.is_wide else 14, max([8, *(len(clean(name)) for name in look.run.tallies)])) + 1
    yield _group_head(look, names), ""
    for name, tally in look.run.tallies.items():
        if tally.total:
            yield _group_row(look, name, tally, names), Subject("group", name).key


_COLUMNS: Final = (
    ("DONE", 6),
    ("FAIL", 6),
    ("SKIP", 6),
    ("CANC", 6),
    ("TRIES", 7),
    ("TIME", 9),
    ("TOKENS", 9),
    ("COST", 9),
)
_NARROW: Final = _COLUMNS[:-2] + _COLUMNS[-1:]


def _group_head(look: Look, names: int) -> Line:
    columns = _COLUMNS if look.is_wide else _NARROW
    return (
        gap(1),
        Span(fit("GROUP", names + 2), "title"),
        Span(fit("RESULT", 11), "muted"),
        *(right(word, cells, "muted") for word, cells in columns),
    )


def _group_row(look: Look, name: str, tally: Tally, names: int) -> Line:
    status = _verdict(tally)
    span = look.census.spans.get(name, Time())
    well = tally.counts[Status.DONE] + tally.counts[Status.CACHED]
    skipped, cancelled = tally.counts[Status.SKIPPED], tally.counts[Status.CANCELED]
    tokens = count(tally.tokens) if tally.tokens else ""
    cost = bill(tally.cost_usd, tally.unpriced_tokens) if tally.tokens else ""
    figures = [
        (str(well), 6, "text"),
        (str(tally.failed), 6, "failed.plain" if tally.failed else "muted"),
        *((str(number), 6, "text" if number else "muted") for number in (skipped, cancelled)),
        (str(tally.attempts), 7, "muted"),
        (_took(span, look.now), 9, "text"),
        *([(tokens, 9, "muted")] if look.is_wide else []),
        (cost, 9, "muted"),
    ]
    return (
        gap(3),
        Span(fit(clean(name), names - 1, look.glyphs.ellipsis) + " ", "text"),
        Span(f"{look.glyphs.status[status]} ", f"{status.value}.plain"),
        Span(fit(status.value, 9), f"{status.value}.plain"),
        *(right(text, cells, role) for text, cells, role in figures),
    )


def _verdict(tally: Tally) -> Status:
    """Return the status that says most about a group."""
    if tally.failed:
        return Status.FAILED
    if tally.done < tally.total:
        begun = tally.attempts or tally.done
        return Status.RUNNING if begun else Status.PENDING
    return max((Status.DONE, Status.CACHED, Status.SKIPPED, Status.CANCELED), key=lambda status: tally.counts[status])


def _took(span: Time, now: float) -> str:
    if span.began is None:
        return ""
    return duration((now if span.ended is None else span.ended) - span.began)


# ── failures ────────────────────────────────────────────────────────────────────────────────────


def _failures(look: Look) -> Iterator[PageLine]:
    failed = look.census.failed
    if not failed:
        return
    keys = f"{look.key('run.retry_failed')} retry all  {look.key('row.open')} go there"
    yield heading(f"FAILED {len(failed)}", keys, look.cells)
    names = min(36 if look.is_wide else 24, max(len(clean(task.id)) for task in failed[:_FAILURES])) + 1
    for task in failed[:_FAILURES]:
        yield _failure(look, task, names), Subject("task", task.id).key
        yield from _tail(look, task)
    if len(failed) > _FAILURES:
        yield (Span(f"   and {len(failed) - _FAILURES} more", "muted"),), ""


def _failure(look: Look, task: TaskProgress, names: int) -> Line:
    tries = f" after {plural(task.attempt, 'try', 'tries')}" if task.attempt > 1 else ""
    optional = " (optional)" if task.info.optional else ""
    took = duration(task.elapsed(look.now) or 0.0)
    why = f"{clean(task.error.message) if task.error else 'failed'}{tries}{optional}"
    room = max(10, look.cells - names - 14)
    return (
        gap(1),
        Span(f"{look.glyphs.status[task.status]} ", f"{task.status.value}.plain"),
        Span(fit(clean(task.id), names - 1, look.glyphs.ellipsis) + " ", "strong"),
        Span(fit(why, room, look.glyphs.ellipsis), "bad"),
        right(took, 9, "muted"),
    )


def _tail(look: Look, task: TaskProgress) -> Iterator[PageLine]:
    """Yield the last lines that the task wrote, and where all of them are."""
    tail = look.run.tails.get(task.id)
    lines = (
        [line for line in islice(reversed(tail.lines), 20) if line.stream != "sys" and line.text.strip()]
        if tail
        else []
    )
    for line in reversed(lines[:_TAIL]):
        text = shorten(clean(line.text), look.cells - 8, look.glyphs.ellipsis)
        yield (gap(4), Span(f"{look.glyphs.box[5]} ", "border"), Span(text, "muted")), ""
    path = look.log_path(task.id) if lines else ""
    if path:
        yield (gap(4), Span(f"{look.glyphs.box[5]} ", "border"), Span(clean(path), "secondary")), ""


# ── what took and cost most ─────────────────────────────────────────────────────────────────────


def _most(look: Look) -> Iterator[PageLine]:
    found = look.census
    lists: tuple[tuple[str, Sequence[TaskProgress], Callable[[TaskProgress], float], Callable[[float], str]], ...] = (
        ("SLOWEST", found.slowest, lambda task: task.elapsed(look.now) or 0.0, duration),
        ("MOST EXPENSIVE", found.dearest, lambda task: task.cost_usd or 0.0, money),
        ("MOST TOKENS", () if found.dearest else found.hungriest, lambda task: task.tokens, count),
        ("MOST RETRIES", found.most_tried, lambda task: task.attempt - 1, lambda number: f"{number:.0f}"),
    )
    shown = [one for one in lists if one[1]]
    names = max((len(clean(task.id)) for _, tasks, _, _ in shown for task in tasks), default=0)
    names = min(36 if look.is_wide else 26, names) + 1
    for place, (title, tasks, measure, words) in enumerate(shown):
        yield from [NOTHING] * (place > 0)
        yield heading(title, "", look.cells)
        yield from _ranking(look, names, tasks, measure, words)


def _ranking(
    look: Look,
    names: int,
    tasks: Sequence[TaskProgress],
    measure: Callable[[TaskProgress], float],
    words: Callable[[float], str],
) -> Iterator[PageLine]:
    most = measure(tasks[0])
    for task in tasks:
        value = measure(task)
        line = (
            gap(1),
            Span(f"{look.glyphs.status[task.status]} ", f"{task.status.value}.plain"),
            Span(fit(clean(task.id), names - 1, look.glyphs.ellipsis) + " ", "text"),
            level_bar(value / most if most else 0.0, _BAR, "running", look.glyphs)[0],
            gap(_BAR - max(1, round(_BAR * value / most)) if most else _BAR),
            right(words(value), 9, "text"),
        )
        yield line, Subject("task", task.id).key


# ── backends ────────────────────────────────────────────────────────────────────────────────────


def _backends(look: Look) -> Iterator[PageLine]:
    told = [(backend, words) for backend in look.run.backends.values() if (words := backend_words(backend))]
    if not told:
        return
    yield heading("BACKENDS", "", look.cells)
    names = min(24, max(len(clean(backend.info.name)) for backend, _ in told)) + 1
    for backend, words in told:
        glyph = look.glyphs.breaker[backend.breaker]
        role = "done" if backend.breaker is BreakerState.CLOSED else "blocked"
        name = fit(clean(backend.info.name), names - 1, look.glyphs.ellipsis)
        line = (gap(1), Span(f"{glyph} ", f"{role}.plain"), Span(f"{name} ", "text"), Span(words, "muted"))
        yield line, Subject("backend", backend.info.name).key


_SHUT: Final = frozenset({BreakerState.OPEN, BreakerState.TRIPPED})


def backend_words(backend: BackendProgress) -> str:
    """Return what a backend went through, or nothing if nobody called it."""
    if not backend.calls and not backend.moves:
        return ""
    opened = sum(move.to in _SHUT and move.from_ not in _SHUT for _, move in backend.moves)
    parts = [plural(backend.calls, "call")]
    parts += [f"{backend.failed} failed"] if backend.failed else []
    parts += ["breaker opened " + ("once" if opened == 1 else f"{opened} times")] if opened else []
    return ", ".join(parts)


# ── outputs ─────────────────────────────────────────────────────────────────────────────────────


def _outputs(look: Look) -> Iterator[PageLine]:
    outputs = look.run.outputs.outputs if look.run.outputs else {}
    if not outputs:
        return
    yield heading("OUTPUTS", "", look.cells)
    names = min(20, max(len(clean(name)) for name in outputs)) + 1
    for name, value in outputs.items():
        for index, whole in enumerate(_output_lines(value)):
            label = fit(clean(name), names, look.glyphs.ellipsis) if index == 0 else gap(names).text
            text = shorten(whole, look.cells - names - 5, look.glyphs.ellipsis)
            yield (gap(3), Span(label, "strong"), Span(text, "text")), ""


def _output_lines(value: Json) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
    lines = clean_lines(text.strip("\n"))
    more = len(lines) - _OUTPUT
    return lines if more <= 0 else [*lines[:_OUTPUT], f"and {plural(more, 'more line')}"]


def _plain(value: object) -> object:
    """Return what JSON does not know as what it knows."""
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else str(value)
