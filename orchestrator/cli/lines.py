"""What each event of a run reads like, as one plain line; most events read like nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from orchestrator.cli.words import amount, clip, clock, money, one_line, span
from orchestrator.core import events as ev
from orchestrator.core.errors import Code, Failure
from orchestrator.core.events import Event, Record
from orchestrator.core.flow import OnExceeded
from orchestrator.core.progress import Tally, TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, Health, Status
from orchestrator.core.units import many


class Line(NamedTuple):
    """A line for people. One that is `loud` is worth reading by somebody who does not follow every task."""

    text: str
    loud: bool = False
    style: str | None = None


_Told: TypeAlias = "str | Line | None"
_E = TypeVar("_E", bound=Event)
_Teller: TypeAlias = "Callable[[Any, Run, float], _Told]"
_TELLERS: Final[dict[type, _Teller]] = {}

LONGEST_WHY: Final = 80
"""Columns of a reason in brackets."""


def line_of(record: Record, run: Run) -> Line | None:
    """Return the line for a record that the run has folded already, or None where nobody needs one."""
    teller = _TELLERS.get(type(record.event))
    told = teller(record.event, run, record.at) if teller else None
    if not told:
        return None
    text, loud, style = told if isinstance(told, Line) else (told, False, None)
    return Line(f"{clock(record.at)} {text}", loud, style)


def counts_line(run: Run, now: float) -> str:
    """Return how the run stands: what is done, what runs, what waits and why."""
    return f"{clock(now)} {counts(run.tally)}"


_IN_WORDS: Final[tuple[tuple[Status, str], ...]] = (
    (Status.RUNNING, "running"),
    (Status.STOPPING, "stopping"),
    (Status.RETRY, "in backoff"),
    (Status.QUEUED, "queued"),
    (Status.LIMITED, "rate limited"),
    (Status.QUOTA, "held by quota"),
    (Status.CIRCUIT, "parked at a breaker"),
    (Status.BUDGET, "waiting for budget"),
    (Status.APPROVE, "waiting for approval"),
    (Status.ANSWER, "waiting for an answer"),
    (Status.SUBAGENT, "waiting for subagents"),
    (Status.PAUSED, "paused"),
    (Status.PENDING, "pending"),
    (Status.SKIPPED, "skipped"),
    (Status.CANCELED, "cancelled"),
)


def counts(tally: Tally) -> str:
    well = tally.counts[Status.DONE] + tally.counts[Status.CACHED]
    parts = [f"{well} of {tally.total} done"]
    if tally.failed:
        parts.append(f"{tally.failed} failed")
    parts += [f"{tally.counts[status]} {words}" for status, words in _IN_WORDS if tally.counts[status]]
    return ", ".join(parts)


def spent(tokens: int, cost_usd: float | None) -> str:
    """Return what was used, ready to be appended: ` (489k tokens, $4.16)`, or nothing."""
    parts = [f"{amount(tokens)} tokens"] if tokens else []
    if cost_usd:
        parts.append(money(cost_usd))
    return f" ({', '.join(parts)})" if parts else ""


def reason_of(error: Failure) -> str:
    return one_line(error.message)


def _tells(teller: Callable[[_E, Run, float], _Told]) -> Callable[[_E, Run, float], _Told]:
    """Register a teller under the type of its event, which its first parameter's annotation names."""
    name = teller.__annotations__["event"].removeprefix("ev.")
    _TELLERS[getattr(ev, name)] = teller
    return teller


def _in(seconds: float | None, at: float) -> str:
    return "" if seconds is None else span(max(0.0, seconds - at))


def _because(why: str) -> str:
    return f" ({clip(one_line(why), LONGEST_WHY)})" if why else ""


# ── run and group ───────────────────────────────────────────────────────────────────────────────


@_tells
def _run_started(event: ev.RunStarted, run: Run, at: float) -> _Told:
    del at
    how = ", simulated" if event.simulated else ""
    return f"run {run.id} of {event.flow} starts{how}; its files are in {event.folder}"


@_tells
def _run_paused(event: ev.RunPaused, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"run paused by {event.by}", loud=True, style="yellow")


@_tells
def _run_unpaused(event: ev.RunUnpaused, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"run goes on: unpaused by {event.by}", loud=True)


@_tells
def _run_held(event: ev.RunHeld, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"run held: {one_line('; '.join(event.waits))}", loud=True, style="yellow")


@_tells
def _run_cancelling(event: ev.RunCancelling, run: Run, at: float) -> _Told:
    del run
    if event.draining:
        return Line(f"draining: what runs may finish, nothing starts ({event.by})", loud=True, style="yellow")
    grace = f", killing what is left in {_in(event.until, at)}" if event.until is not None else ""
    return Line(f"cancelling ({event.by}){grace}", loud=True, style="yellow")


@_tells
def _run_finished(event: ev.RunFinished, run: Run, at: float) -> _Told:
    del at
    return f"run {event.outcome}: {counts(run.tally)}"


@_tells
def _level_changed(event: ev.LevelChanged, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"the flow is {event.level} now{_because(event.why)}", loud=True, style="yellow")


@_tells
def _run_reopened(event: ev.RunReopened, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"run goes on: reopened by {event.by}", loud=True)


@_tells
def _group_paused(event: ev.GroupPaused, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"group {event.group} paused by {event.by}", loud=True, style="yellow")


@_tells
def _group_unpaused(event: ev.GroupUnpaused, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"group {event.group} goes on: unpaused by {event.by}", loud=True)


@_tells
def _group_cancelled(event: ev.GroupCancelled, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"group {event.group} cancelled ({event.by})", loud=True, style="yellow")


# ── task and attempt ────────────────────────────────────────────────────────────────────────────


@_tells
def _task_expanded(event: ev.TaskExpanded, run: Run, at: float) -> _Told:
    del at
    word = "task" if run.tasks[event.task].info.kind == "flow" else "instance"
    return f"{event.task} has {many(len(event.instances), word)}"


@_tells
def _task_paused(event: ev.TaskPaused, run: Run, at: float) -> _Told:
    del run, at
    return f"{event.task} paused by {event.by}"


@_tells
def _task_unpaused(event: ev.TaskUnpaused, run: Run, at: float) -> _Told:
    del run, at
    return f"{event.task} unpaused by {event.by}"


@_tells
def _task_reset(event: ev.TaskReset, run: Run, at: float) -> _Told:
    del run, at
    return f"{event.task} starts over{_because(event.why)}"


@_tells
def _task_stopping(event: ev.TaskStopping, run: Run, at: float) -> _Told:
    del run
    grace = f", killed in {_in(event.until, at)}" if event.until is not None else ""
    return f"{event.task} stopping ({event.by}){grace}"


@_tells
def _task_succeeded(event: ev.TaskSucceeded, run: Run, at: float) -> _Told:
    task = run.tasks[event.task]
    if event.cached:
        return f"{event.task} done before"
    elapsed = task.elapsed(at)
    took = "" if elapsed is None else f" in {span(elapsed)}"
    return f"{event.task} done{took}{spent(task.tokens, task.cost_usd)}"


@_tells
def _task_failed(event: ev.TaskFailed, run: Run, at: float) -> _Told:
    del at
    task = run.tasks[event.task]
    advice = f"; {one_line(event.error.hint)}" if event.error.hint else ""
    optional = " (optional)" if task.info.optional else ""
    text = f"{event.task} failed{optional}{tries(task)}: {reason_of(event.error)} [{event.error.code}]{advice}"
    return Line(text, loud=True, style="red")


def tries(task: TaskProgress) -> str:
    """Return after how many attempts a task ended, where that says something: ` after 5 tries`."""
    return f" after {task.attempt} tries" if task.attempt > 1 else ""


@_tells
def _task_skipped(event: ev.TaskSkipped, run: Run, at: float) -> _Told:
    del run, at
    return f"{event.task} skipped: {one_line(event.because)}"


@_tells
def _task_cancelled(event: ev.TaskCancelled, run: Run, at: float) -> _Told:
    del run, at
    return f"{event.task} cancelled ({event.by})"


@_tells
def _attempt_started(event: ev.AttemptStarted, run: Run, at: float) -> _Told:
    """Tell the first start alone: a retry has been announced, and one that comes back from a gate goes on."""
    attempts = run.tasks[event.task].attempts
    if len(attempts) != 1 or attempts[0].started != at:
        return None
    return f"{event.task} starts" + (f" on {event.backend}" if event.backend else "")


@_tells
def _attempt_succeeded(event: ev.AttemptSucceeded, run: Run, at: float) -> _Told:
    del run, at
    return None if event.satisfied else f"{event.task} round {event.attempt}: not yet what `until` asks for"


@_tells
def _attempt_failed(event: ev.AttemptFailed, run: Run, at: float) -> _Told:
    del at
    if event.retry_in is None:
        return None
    if event.error.code == Code.QUOTA:  # nothing was tried, so nothing is tried again
        return f"{event.task} goes on when the usage limit ends{_because(event.error.message)}"
    limit, when = run.tasks[event.task].max_attempts, f"in {span(event.retry_in)}" if event.retry_in else "at once"
    return f"{event.task} retry {event.attempt + 1}/{limit} {when}{_because(event.error.message)}"


@_tells
def _attempt_interrupted(event: ev.AttemptInterrupted, run: Run, at: float) -> _Told:
    del run, at
    return f"{event.task} interrupted ({event.by})"


# ── backend ─────────────────────────────────────────────────────────────────────────────────────


def _breaker(state: BreakerState) -> str:
    return state.replace("_", "-")


@_tells
def _breaker_moved(event: ev.BreakerMoved, run: Run, at: float) -> _Told:
    del run
    probe = f", probe in {_in(event.until, at)}" if event.until is not None else ""
    style = "green" if event.to is BreakerState.CLOSED else "red" if event.to is BreakerState.OPEN else "yellow"
    move = f"{_breaker(event.from_)} -> {_breaker(event.to)}"
    return Line(f"breaker {event.backend} {move}{_because(event.why)}{probe}", loud=True, style=style)


@_tells
def _backend_held(event: ev.BackendHeld, run: Run, at: float) -> _Told:
    del run
    if event.reason is None:
        return Line(f"backend {event.backend} takes calls again", loud=True)
    how_long = "until somebody lets it go on" if event.until is None else f"for {_in(event.until, at)}"
    text = f"backend {event.backend} held {how_long}{_because(event.why)}"
    return Line(text, loud=True, style="yellow")


@_tells
def _fallback_used(event: ev.FallbackUsed, run: Run, at: float) -> _Told:
    del run, at
    return f"{event.task} goes to {event.backend} instead of {event.instead_of}{_because(event.why)}"


# ── budget ──────────────────────────────────────────────────────────────────────────────────────

_BUDGET_UNITS: Final = {"tokens": "tokens", "cost_usd": "dollars", "time": "time"}


@_tells
def _budget_threshold(event: ev.BudgetThreshold, run: Run, at: float) -> _Told:
    del run, at
    unit = _BUDGET_UNITS.get(event.unit, event.unit)
    return Line(f"budget {event.budget}: {event.percent} % of its {unit} are spent", loud=True, style="yellow")


@_tells
def _budget_exceeded(event: ev.BudgetExceeded, run: Run, at: float) -> _Told:
    del run, at
    goes_on = event.rule == OnExceeded.WARN
    what = f"lets {event.task} go on" if goes_on else f"refuses {event.task}"
    text = f"budget {event.budget} {what} ({event.rule}): {one_line(event.why)}"
    return Line(text, loud=True, style="yellow")


@_tells
def _budget_raised(event: ev.BudgetRaised, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"budget {event.budget} raised by {event.by}", loud=True)


# ── person ──────────────────────────────────────────────────────────────────────────────────────


@_tells
def _approval_requested(event: ev.ApprovalRequested, run: Run, at: float) -> _Told:
    del run
    until = f", answers itself in {_in(event.until, at)}" if event.until is not None else ""
    return Line(f"{event.task} asks for approval: {one_line(event.message)}{until}", loud=True, style="yellow")


@_tells
def _approval_given(event: ev.ApprovalGiven, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"{event.task} approved by {event.by}{_because(event.reason)}", loud=True)


@_tells
def _approval_denied(event: ev.ApprovalDenied, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"{event.task} denied by {event.by}{_because(event.reason)}", loud=True, style="red")


@_tells
def _question_asked(event: ev.QuestionAsked, run: Run, at: float) -> _Told:
    del run, at
    choices = f" ({' | '.join(event.choices)})" if event.choices else ""
    return Line(f"{event.task} asks: {one_line(event.message)}{choices}", loud=True, style="yellow")


@_tells
def _question_answered(event: ev.QuestionAnswered, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"{event.task} was answered by {event.by}: {one_line(event.answer)}", loud=True)


@_tells
def _tool_called(event: ev.ToolCalled, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"{event.task} uses {event.tool} {one_line(event.arguments)}")


@_tells
def _tool_returned(event: ev.ToolReturned, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"{event.task} is told by a tool: {one_line(event.text)}", style="red") if event.is_error else None


@_tells
def _health_checked(event: ev.HealthChecked, run: Run, at: float) -> _Told:
    del at
    before = run.backends[event.backend].was or Health.HEALTHY
    if event.health is before:
        return None
    if event.health is Health.HEALTHY:
        return Line(f"{event.backend} is well again: {one_line(event.found)}", loud=True)
    return Line(f"{event.backend} is {event.health}: {one_line(event.found)}", loud=True, style="yellow")


@_tells
def _command_refused(event: ev.CommandRefused, run: Run, at: float) -> _Told:
    del run, at
    return Line(f"refused: {one_line(event.why)}", loud=True, style="yellow")
