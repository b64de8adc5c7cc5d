"""What stands on the screen when a run is over: how it went, what failed, where its output lies, its last lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final, Literal

from orchestrator.cli.lines import reason_of, tries
from orchestrator.cli.remedies import remedies
from orchestrator.cli.report import plain_json
from orchestrator.cli.streams import NOTHING_SPECIAL, Looks
from orchestrator.cli.words import amount, cells, clean, clip, clock, money, one_line, pad, plain, wrap
from orchestrator.core.fact import fact
from orchestrator.core.progress import Line, Tally, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import Outcome, State, Status
from orchestrator.core.units import many

MOST_FAILURES: Final = 20
MOST_WAITS: Final = 20
TAIL_LINES: Final = 20
LONGEST_REASON: Final = 60

Logs = Literal["failed", "all", "none"]

_SIGNS: Final = {
    Outcome.SUCCEEDED: ("✓", "green"),
    Outcome.DEGRADED: ("✓", "yellow"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.CANCELLED: ("■", "yellow"),
    Outcome.HELD: ("◷", "yellow"),
}


@fact
class Paper:
    """What a summary is written on: what signs, whose logs, where a task's log lies; 0 `columns` bound no line."""

    looks: Looks = NOTHING_SPECIAL
    logs: Logs = "failed"
    log_path: Callable[[str], str | None] = lambda _: None
    columns: int = 0

    def line(self, text: str, *styles: str) -> str:
        """Return the text in these styles; one that is longer than a line is broken between words."""
        return self.looks.paint(wrap(text, self.columns - 1) if self.columns else text, *styles)


def summary(run: Run, paper: Paper) -> str:
    """Return the text, which ends with a line end."""
    lines = [_result(run, paper), *_failures(run, paper), *_isolation(run), *_unrendered(run, paper)]
    lines += _waits(run, paper)
    lines += [line for task in _with_logs(run, paper.logs) for line in _tail(run, task, paper)]
    text = "".join(f"{line}\n" for line in lines)
    return text if paper.looks.unicode else plain(text)


# ── the result ──────────────────────────────────────────────────────────────────────────────────


def _result(run: Run, paper: Paper) -> str:
    outcome = run.outcome or Outcome.HELD
    sign, style = _SIGNS[outcome]
    name = _name(run)
    parts = [f"{name}  run {run.id}", str(outcome), _tally(run.tally), clock(_end(run)), *_spend(run.tally)]
    return paper.line(f"{sign} {'  '.join(parts)}", style)


def _name(run: Run) -> str:
    if run.started is None:
        return "flow"
    return run.started.file.rpartition("/")[2] or run.started.flow


def _end(run: Run) -> float:
    return run.at if run.ended is None else run.ended


def _tally(tally: Tally) -> str:
    well = tally.counts[Status.DONE] + tally.counts[Status.CACHED]
    bad = f"{tally.failed} of {tally.total} failed" if tally.failed else ""
    done = f"{well} done" if bad else f"{well} of {tally.total} done"
    others = ((Status.SKIPPED, "skipped"), (Status.CANCELED, "cancelled"))
    rest = [f"{tally.counts[status]} {word}" for status, word in others if tally.counts[status]]
    open_ = tally.total - tally.done
    return ", ".join(filter(None, [bad, *rest, done, f"{open_} not finished" if open_ else ""]))


def _spend(tally: Tally) -> Iterator[str]:
    if tally.cost_usd:
        yield money(tally.cost_usd) + (" + unpriced" if tally.unpriced_tokens else "")
    elif tally.unpriced_tokens:
        yield "unpriced"
    if tally.tokens:
        yield f"{amount(tally.tokens)} tok"


# ── what failed ─────────────────────────────────────────────────────────────────────────────────


def _failed(run: Run) -> Iterator[TaskProgress]:
    """Yield the tasks that failed themselves: a whole fails through its instances alone."""
    for task in run.tasks.values():
        if task.state is State.FAILED and not run.instances.get(task.id):
            yield task


def _failures(run: Run, paper: Paper) -> Iterator[str]:
    tasks = list(_failed(run))
    shown = tasks[:MOST_FAILURES]
    names = max((cells(one_line(task.id)) for task in shown), default=0)
    reasons = [_why(task) for task in shown]
    width = max((cells(why) for why in reasons), default=0)
    for task, why in zip(shown, reasons, strict=True):
        sign = "◷" if task.status is Status.TIMEOUT else "✗"
        path = paper.log_path(task.id) or ""
        text = f"  {sign} {pad(one_line(task.id), names)}  {pad(why, width)}  {path}"
        yield paper.line(text.rstrip(), "red")
    if len(tasks) > len(shown):
        yield f"  … and {len(tasks) - len(shown)} more"


def _why(task: TaskProgress) -> str:
    optional = " (optional)" if task.info.optional else ""
    reason = "failed" if task.error is None else clip(reason_of(task.error), LONGEST_REASON)
    return f"{reason}{tries(task)}{optional}"


def _isolation(run: Run) -> Iterator[str]:
    """Say how far a failure reached, where there is more than one group and some failed; a person's cancel hides it."""
    if run.outcome is Outcome.CANCELLED:
        return
    tallies = {name: tally for name, tally in run.tallies.items() if tally.total}
    untouched = [name for name, tally in tallies.items() if _untouched(tally)]
    if len(tallies) > 1 and len(untouched) < len(tallies) and run.tally.failed:
        yield f"  isolated: {len(untouched)} of {many(len(tallies), 'group')} untouched"


def _untouched(tally: Tally) -> bool:
    return not (tally.failed or tally.counts[Status.SKIPPED] or tally.counts[Status.CANCELED])


def _unrendered(run: Run, paper: Paper) -> Iterator[str]:
    for name, why in run.outputs.unrendered.items() if run.outputs else ():
        yield paper.line(f"  output {one_line(name)} is null: {one_line(why)}", "yellow")


def _waits(run: Run, paper: Paper) -> Iterator[str]:
    if run.outcome not in (None, Outcome.HELD):
        return
    yield from (paper.line(f"  held: {one_line(wait)}") for wait in run.held_for[:MOST_WAITS])
    if len(run.held_for) > MOST_WAITS:
        yield f"  … and {len(run.held_for) - MOST_WAITS} more"
    yield from (f"  to go on: {one_line(remedy)}" for remedy in remedies(run))


# ── the last lines ──────────────────────────────────────────────────────────────────────────────


def _with_logs(run: Run, logs: Logs) -> Iterator[TaskProgress]:
    if logs == "failed":
        yield from islice(_failed(run), MOST_FAILURES)
    elif logs == "all":
        yield from (task for task in run.tasks.values() if task.id in run.tails)


def _tail(run: Run, task: TaskProgress, paper: Paper) -> Iterator[str]:
    tail = run.tails.get(task.id)
    lines = [line for line in tail.lines if line.stream != "sys"] if tail else []
    if not lines:
        return
    shown = lines[-TAIL_LINES:]
    more = "" if len(shown) == len(lines) and not (tail and tail.dropped) else f", the last {many(len(shown), 'line')}"
    yield ""
    yield paper.looks.paint(f"── {one_line(task.id)}{more} ──", "bold")
    yield from (_tail_line(line, paper) for line in shown)


def _tail_line(line: Line, paper: Paper) -> str:
    text = clip(clean(line.text), 2000)
    return paper.looks.paint(f"  {text}".rstrip(), "dim") if line.stream == "log" else f"  {text}".rstrip()


def outputs_text(run: Run) -> str:
    """Return the flow's outputs as text: `name: value`, and values of several lines below their names."""
    lines = []
    for name, value in run.outputs.outputs.items() if run.outputs else ():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=plain_json)
        lines.append(f"{name}:\n{text}" if "\n" in text else f"{name}: {text}")
    return "".join(f"{line}\n" for line in lines)
