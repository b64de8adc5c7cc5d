"""The detail pane's words: its title, and the pages Attempts, Info and Deps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from orchestrator.core.critical import why_not_running
from orchestrator.core.errors import Code, Failure
from orchestrator.core.flow import Condition
from orchestrator.core.progress import Attempt, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import State, Status
from orchestrator.tui.faces import isolation, next_words, tally_spans, unsettled
from orchestrator.tui.glyphs import Glyphs
from orchestrator.tui.health import breaker_words
from orchestrator.tui.lines import Line, Span, gap, spread, width
from orchestrator.tui.rows import Kind, Row
from orchestrator.tui.text import bill, clean, count, countdown, duration, fit, money, plural, shorten, tenths

PAGES: Final = ("Talk", "Output", "Attempts", "Info", "Deps")
_LABEL: Final = 13


class Look(NamedTuple):
    """What the pane's words are drawn with."""

    run: Run
    now: float
    cells: int
    glyphs: Glyphs


def pages_of(run: Run, row: Row | None) -> tuple[str, ...]:
    """Return the pages that there are of it, first the one to begin with."""
    if row is None or row.kind is not Kind.TASK:
        return ("Info",)
    return PAGES if row.name in run.talks else PAGES[1:]


def title_line(look: Look, row: Row | None, page: str, note: Span) -> Line:
    """Return what the pane shows: the task, its state, the pages, and whether it follows."""
    if row is None:
        return (gap(look.cells),)
    subject, tabs = _fitted(look, row, pages_of(look.run, row), page, len(note.text))
    return spread((gap(1), *subject, gap(2), *tabs), (note, gap(1)), look.cells)


def _fitted(look: Look, row: Row, pages: tuple[str, ...], page: str, note: int) -> tuple[Line, Line]:
    """Shorten the names of the pages before that of the task."""
    subject, tabs = _subject(look, row, look.cells), _page_tabs(pages, page, full=True)
    if width(subject) + width(tabs) + note + 5 > look.cells:
        tabs = _page_tabs(pages, page, full=False)
        subject = _subject(look, row, look.cells - width(tabs) - note - 5)
    return subject, tabs


def _page_tabs(pages: tuple[str, ...], page: str, *, full: bool) -> Line:
    return tuple(
        Span(
            f" {name} " if full or name == page else f" {name[:3]}", "tab" if name == page else "muted", f"page:{name}"
        )
        for name in pages
    )


def _subject(look: Look, row: Row, room: int) -> Line:
    run, glyphs = look.run, look.glyphs
    if row.kind is Kind.GROUP:
        return (Span(shorten(f"group {clean(row.name)}", room, glyphs.ellipsis), "strong"),)
    task = run.tasks[row.name]
    state = f"{glyphs.status[task.status]} {task.status.value}"
    tries = f" {task.attempt}/{max(task.attempt, task.max_attempts)}" if task.attempt else ""
    more = f"{tries} {next_words(run, task, look.now)}".rstrip()
    return (
        Span(shorten(clean(task.id), max(8, room - len(state) - len(more) - 2), glyphs.ellipsis), "strong"),
        Span(f"  {state}", f"{task.status.value}.plain"),
        Span(more, "muted"),
    )


# ── empty pages ─────────────────────────────────────────────────────────────────────────────────


def no_output(run: Run, task: TaskProgress, now: float) -> str:
    """Say why there is no output yet."""
    if task.is_final:
        return _silent_end(task)
    waits = unsettled(run, task)
    if waits:
        more = f" and {len(waits) - 5} more" if len(waits) > 5 else ""
        return f"No output yet. Waiting for: {', '.join(clean(name) for name in waits[:5])}{more}."
    if task.started is None:
        return f"No output yet. {_wait_words(run, task, now)}"
    return f"No output yet. Started {countdown(now - task.started)} ago."


def _silent_end(task: TaskProgress) -> str:
    if task.state is State.SKIPPED:
        return f"Skipped: {clean(task.because)}"
    return f"No output. {clean(task.error.message) if task.error else ''}".rstrip()


def _wait_words(run: Run, task: TaskProgress, now: float) -> str:
    why = clean(why_not_running(run, task, now))
    return f"{why[:1].upper()}{why[1:]}."


# ── attempts ────────────────────────────────────────────────────────────────────────────────────


def attempt_lines(task: TaskProgress, now: float) -> list[Line]:
    """Return a table of the task's tries."""
    if not task.attempts:
        return [(Span(" No attempt yet.", "muted"),)]
    lines: list[Line] = [(Span(_ATTEMPTS_HEAD, "muted"),)]
    for attempt in task.attempts:
        lines.append(_attempt_line(attempt, now))
        if attempt.error is not None:
            lines.append((gap(6), Span(f"{attempt.error.code} {clean(attempt.error.message)}", "bad")))
    return lines


_ATTEMPTS_HEAD: Final = "   N  START     TOOK    RESULT       CLASS       NEXT IN   TOKENS     COST  BACKEND"
_RESULT_ROLE: Final = {"succeeded": "done", "failed": "bad", "running": "running.plain"}


def _attempt_line(attempt: Attempt, now: float) -> Line:
    took = duration((now if attempt.ended is None else attempt.ended) - attempt.started)
    error = attempt.error.error_class.value if attempt.error else ""
    is_held = attempt.error is not None and attempt.error.code == Code.QUOTA
    again = "" if attempt.retry_in is None else "quota" if is_held else countdown(attempt.retry_in)
    tokens = attempt.input_tokens + attempt.output_tokens
    cost = "" if attempt.cost_usd is None else money(attempt.cost_usd)
    return (
        Span(f" {attempt.number:>3}  {tenths(attempt.started):<9} {took:<7} ", "text"),
        Span(f"{attempt.result:<12} ", _RESULT_ROLE.get(attempt.result, "muted")),
        Span(f"{error:<11} {again:<8} {count(tokens) if tokens else '':>7} {cost:>8}  ", "muted"),
        Span(clean(attempt.backend or ""), "muted"),
    )


# ── info ────────────────────────────────────────────────────────────────────────────────────────


def info_lines(run: Run, row: Row, now: float, glyphs: Glyphs) -> list[Line]:
    """Return what is declared and what is known of the row."""
    if row.kind is Kind.GROUP:
        return list(_group_info(run, row.group, glyphs))
    return list(_task_info(run, run.tasks[row.name], now))


def _pair(label: str, value: str, role: str = "text") -> Line:
    return (Span(" " + fit(label, _LABEL), "muted"), Span(clean(value), role))


def _task_info(run: Run, task: TaskProgress, now: float) -> Iterator[Line]:
    yield from _declared(run, task)
    why = why_not_running(run, task, now)
    if why:
        yield _pair("why not yet", why, f"{task.status.value}.plain")
    yield from _used(task, now)
    if task.backend:
        yield from _backend_info(run, task.backend, now)
    if task.error is not None:
        yield from _error_info(task.error)
    if task.because:
        yield _pair("because", task.because)
    if task.question is not None:
        yield _pair("asks", task.question.message, "approve.plain")


def _declared(run: Run, task: TaskProgress) -> Iterator[Line]:
    info = task.info
    yield _pair("task", task.id, "strong")
    if info.description:
        yield _pair("", info.description)
    yield _pair(
        "kind", info.kind + (f", instance of {info.of}" if info.of else "") + (", optional" if info.optional else "")
    )
    yield _pair("group", info.group)
    if task.id in run.instances:
        yield _pair("instances", str(len(run.instances[task.id])))


def _used(task: TaskProgress, now: float) -> Iterator[Line]:
    again = f", reset {plural(task.resets, 'time')}" if task.resets else ""
    yield _pair("attempts", f"{task.attempt} of {task.max_attempts}{again}")
    took = task.elapsed(now)
    if took is not None:
        yield _pair("time", f"{duration(took)}, waited {duration(task.waited)}")
    if task.tokens:
        cost = "unpriced" if task.cost_usd is None else money(task.cost_usd)
        yield _pair("tokens", f"{count(task.input_tokens)} in, {count(task.output_tokens)} out, {cost}")


def _backend_info(run: Run, name: str, now: float) -> Iterator[Line]:
    backend = run.backends.get(name)
    if backend is None:
        yield _pair("backend", name)
        return
    word, after = breaker_words(backend, now)
    yield _pair("backend", f"{name} ({backend.info.kind})")
    yield _pair("breaker", f"{word}, {after}" if after else word)
    for limit in backend.info.limits:
        yield _pair("limit", limit)
    if backend.last_error:
        yield _pair("last error", backend.last_error)


def _error_info(error: Failure) -> Iterator[Line]:
    yield _pair("error", f"{error.code} {error.message}", "bad")
    yield _pair("", f"{error.error_class.value}, {error.kind.value}")
    if error.hint:
        yield _pair("hint", error.hint, "accent")
    if error.exit_code is not None:
        yield _pair("exit code", str(error.exit_code))


def _group_info(run: Run, group: str, glyphs: Glyphs) -> Iterator[Line]:
    tally, info = run.tallies[group], run.groups[group].info
    yield _pair("group", group, "strong")
    if info.description:
        yield _pair("", info.description)
    yield (
        Span(" " + fit("tasks", _LABEL), "muted"),
        Span(f"{tally.done} of {tally.total}  ", "text"),
        *tally_spans(tally.counts, glyphs),
    )
    yield _pair("at once", "as many as the run allows" if info.max_concurrency is None else str(info.max_concurrency))
    yield _pair("on failure", info.on_failure.replace("_", " "))
    reach = isolation(run, group, tally)
    if reach is not None:
        inside = f", {plural(tally.skipped_inside, 'task')} skipped inside"
        yield _pair("isolation", reach.text + (inside if tally.skipped_inside else ""), reach.role)
    yield _pair("attempts", str(tally.attempts))
    if tally.tokens:
        yield _pair("tokens", f"{count(tally.tokens)}, {bill(tally.cost_usd, tally.unpriced_tokens)}")
    for budget in (found for name, found in run.budgets.items() if name == f"group:{group}"):
        yield _pair("budget", f"{count(budget.tokens)} tok, {bill(budget.cost_usd, budget.unpriced_tokens)} spent")


# ── dependencies ────────────────────────────────────────────────────────────────────────────────


Dependants = tuple[tuple[str, Condition], ...]


def dependants(run: Run, task: str) -> Dependants:
    """Return the tasks that need this one. It looks at every task: ask once for each membership, not for each frame."""
    return tuple(
        (other.id, need.condition) for other in run.tasks.values() for need in other.info.needs if need.task == task
    )


def dep_lines(run: Run, task: TaskProgress, down: Dependants, glyphs: Glyphs) -> list[tuple[Line, str]]:
    """Return what the task needs and what needs it, each with the id that Enter jumps to."""
    up = [(need.task, need.condition) for need in task.info.needs]
    lines: list[tuple[Line, str]] = [((Span(f" needs {len(up) or 'nothing'}", "muted"),), "")]
    lines += [(_dep_line(run, *dep, glyphs), dep[0]) for dep in up]
    lines.append(((Span(f" needed by {len(down) or 'nothing'}", "muted"),), ""))
    return lines + [(_dep_line(run, *dep, glyphs), dep[0]) for dep in down]


def _dep_line(run: Run, name: str, condition: Condition, glyphs: Glyphs) -> Line:
    task = run.tasks.get(name)
    status = task.status if task else Status.PENDING
    how = "" if condition is Condition.SUCCEEDED else f"  ({condition.value.replace('_', ' ')})"
    return (
        Span(f"   {glyphs.status[status]} ", f"{status.value}.plain"),
        Span(fit(status.value, 9), f"{status.value}.plain"),
        Span(clean(name), "text"),
        Span(how, "muted"),
    )


def follow_note(*, following: bool, missed: int) -> Span:
    """Return whether the log keeps up with what is written."""
    if following:
        return Span("FOLLOW", "done")
    return Span(f"PAUSED +{missed}" if missed else "PAUSED", "warn")
