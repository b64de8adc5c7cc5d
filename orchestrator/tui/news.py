"""What a person is told without asking, and how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from orchestrator.core import events as ev
from orchestrator.core.events import Record
from orchestrator.core.run import Run
from orchestrator.core.states import BreakerState, Outcome, Reason, Status
from orchestrator.tui.text import clean, countdown, plural, shorten

Severity = Literal["information", "warning", "error"]
QUIET: Final = 10.0
"""Seconds in which the same kind of news about the same thing is told once."""
UNTIL_ANSWERED: Final = 3600.0
LONG: Final = 30.0
"""A run that took longer rings the bell at its end."""
AT_ONCE: Final = 3
"""Toasts that stand at the same time."""
ASKS: Final = "asks"
"""What the toast is about that stands as long as there are questions,"""
ANSWER: Final = "answer"
"""and the one that tells what a key did: of those only the last stands."""


class Toast(NamedTuple):
    """A short message. The same `key` is not told again for a while; what is `about` the same replaces what stands.

    `hints` are commands that help now, with what each does. One that is `urgent` reaches who looks elsewhere; one that
    is `last` does so only then.
    """

    key: str
    title: str
    text: str
    severity: Severity = "information"
    seconds: float = 4.0
    bell: bool = False
    urgent: bool = False
    last: bool = False
    hints: tuple[tuple[str, str], ...] = ()
    about: str = ""

    @property
    def topic(self) -> str:
        return self.about or self.key

    def words(self, key_of: Callable[[str], str]) -> str:
        """Return the text with the keys that the hints have now."""
        return f"{self.text}  ({self.tips(key_of)})" if self.hints else self.text

    def brief(self, key_of: Callable[[str], str], cells: int) -> str:
        """Return one line of at most so many cells: title, text, and the hint that helps most."""
        command, does = self.hints[0] if self.hints else ("", "")
        tip = f"  ({key_of(command)} {does})" if command else ""
        return shorten(f"{self.title}: {self.text}" if self.title else self.text, cells - len(tip)) + tip

    def tips(self, key_of: Callable[[str], str]) -> str:
        return ", ".join(f"{key_of(command)} {does}" for command, does in self.hints)


class News:
    """Turns events into toasts, and keeps them from repeating."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def toast(self, record: Record, run: Run) -> Toast | None:
        """Return what to tell about the event, if anything."""
        make = _TOASTS.get(type(record.event))
        toast = make(run, record.event) if make else None
        return toast if toast and self.is_new(toast.key, record.at) else None

    def is_new(self, key: str, at: float) -> bool:
        """Return whether it has been quiet about this for long enough; if so, it is not from here on."""
        before = self._told.get(key)
        if before is not None and at - before < QUIET:
            return False
        self._told[key] = at
        return True


class Rack:
    """The toasts that stand now, a few at most: what a new one replaces, or has no room beside it, goes."""

    def __init__(self) -> None:
        self._standing: dict[str, tuple[float, Toast]] = {}

    def put(self, toast: Toast, now: float) -> bool:
        """Let the toast stand; return whether others went for it."""
        went = self.drop(toast.topic, now)
        while len(self._standing) >= AT_ONCE:
            went = True
            del self._standing[self._first_to_go()]
        self._standing[toast.topic] = now + toast.seconds, toast
        return went

    def _first_to_go(self) -> str:
        """Return the oldest, but not the one about questions."""
        return next((topic for topic in self._standing if topic != ASKS), ASKS)

    def drop(self, topic: str, now: float) -> bool:
        """Take a toast away, and forget those whose time is over; return whether it stood."""
        self._standing = {name: entry for name, entry in self._standing.items() if entry[0] > now}
        return self._standing.pop(topic, None) is not None

    def standing(self, now: float) -> list[Toast]:
        """Return those that still stand, each with the seconds that it has left."""
        return [toast._replace(seconds=until - now) for until, toast in self._standing.values() if until > now]

    def foremost(self, now: float) -> list[Toast]:
        """Return the one about questions and one more, where there is no room for all: an answer, or the newest."""
        standing = {toast.topic: toast for toast in self.standing(now)}
        asks = standing.pop(ASKS, None)
        other = standing.get(ANSWER) or next(reversed(standing.values()), None)
        return [toast for toast in (asks, other) if toast is not None]


def questions(run: Run) -> Toast | None:
    """Return the toast about the questions that wait: the only one in full, of several how many."""
    if not run.questions:
        return None
    title = "A question" if len(run.questions) == 1 else "Questions"
    if len(run.questions) > 1:
        text = f"{plural(len(run.questions), 'task')} ask you."
    else:
        (task, question), *_ = run.questions.items()
        text = f"{clean(task)}: {shorten(clean(question.message), 120)}"
    hints = (("need.list", "lists what needs you"),)
    return Toast(ASKS, title, text, "warning", UNTIL_ANSWERED, bell=True, urgent=True, hints=hints)


def _breaker(run: Run, event: ev.BreakerMoved) -> Toast | None:
    name = clean(event.backend)
    if event.to is BreakerState.CLOSED:
        return Toast(f"closed {name}", "Circuit breaker closed", f"{name} answers again.")
    if event.to is BreakerState.HALF_OPEN or event.from_ is BreakerState.HALF_OPEN:
        return None
    verb = "was tripped" if event.to is BreakerState.TRIPPED else "opened"
    probe = "" if event.until is None else f" Probe in {countdown(event.until - run.at)}."
    text = f"{name} {verb}: {shorten(clean(event.why), 160)}.{probe} What does not need it goes on."
    return Toast(f"open {name}", "Circuit breaker open", text, "error", 8.0)


def _threshold(run: Run, event: ev.BudgetThreshold) -> Toast:
    del run
    over = event.percent >= 100
    text = f"{clean(event.budget)}: {event.percent}% of {event.unit.removesuffix('_usd')} is spent."
    severity: Severity = "warning" if event.percent < 90 else "error"
    key = f"budget {event.budget} {event.unit} {event.percent}"
    return Toast(key, "Budget", text, severity, 8.0, bell=over, urgent=over, about=f"budget {event.budget}")


def _exceeded(run: Run, event: ev.BudgetExceeded) -> Toast | None:
    """Where the rule is to warn, the thresholds have told already."""
    del run
    if event.rule == "warn":
        return None
    waits, about = event.rule == "hold", f"budget {event.budget}"
    text, title = f"{clean(event.budget)}: {clean(event.why)}", "Budget exceeded"
    hints = (("need.list", "lists what needs you"),) if waits else ()
    key = f"exceeded {event.budget}"
    return Toast(key, title, text, "error", 8.0, bell=True, urgent=waits, hints=hints, about=about)


def _held(run: Run, event: ev.BackendHeld) -> Toast | None:
    """A hold with an end is told by the rows that wait; one without waits for a person."""
    del run
    if event.reason is not Reason.QUOTA or event.until is not None:
        return None
    name, hints = clean(event.backend), (("need.list", "lists what needs you"),)
    text = f"{name} takes no calls until you act: {shorten(clean(event.why), 120)}"
    return Toast(f"held {name}", "Usage limit", text, "warning", 8.0, bell=True, urgent=True, hints=hints)


def _run_held(run: Run, event: ev.RunHeld) -> Toast | None:
    """Questions have a toast of their own."""
    if run.questions:
        return None
    waits, hints = shorten(clean(", ".join(event.waits)), 120), (("need.list", "lists what needs you"),)
    return Toast("held", "The run waits for you", waits, "warning", 8.0, bell=True, urgent=True, hints=hints)


def _level(run: Run, event: ev.LevelChanged) -> Toast:
    del run
    text = f"{clean(event.level)} now: {shorten(clean(event.why), 120)}"
    severity: Severity = "information" if event.level == "full" else "warning"
    return Toast("level", "Degradation", text, severity, 6.0)


def _failed(run: Run, event: ev.TaskFailed) -> Toast | None:
    task = run.tasks[event.task]
    failed = run.tallies[task.group].failed
    group = clean(task.group)
    if event.task in run.instances:
        return None
    if failed <= 1:
        text = f"{clean(task.id)}: {shorten(clean(event.error.message), 160)}"
        return Toast(f"first {group}", f"First failure in {group}", text, "error", 6.0)
    return Toast(f"failed {group}", "More failures", f"{group}: {failed} failed", "error")


def _finished(run: Run, event: ev.RunFinished) -> Toast:
    tally, long = run.tally, run.at > LONG
    summary, leave = ("view.summary", "shows the summary"), ("quit", "quits")
    if event.outcome is Outcome.SUCCEEDED:
        text = f"{tally.done} of {tally.total} done."
        return Toast("finished", "Finished", text, bell=long, urgent=long, last=True, hints=(summary, leave))
    counts = [f"{tally.failed} failed"] if tally.failed else []
    counts += [
        f"{tally.counts[status]} {status.value}" for status in (Status.SKIPPED, Status.CANCELED) if tally.counts[status]
    ]
    text = f"{', '.join(counts) or 'nothing failed'} of {tally.total}."
    hints = (summary, ("run.retry_failed", "retries"), leave)
    title = f"Finished: {event.outcome.value}"
    severity: Severity = "warning" if event.outcome is Outcome.DEGRADED else "error"
    return Toast("finished", title, text, severity, 8.0, bell=long, urgent=long, last=True, hints=hints)


def _refused(run: Run, event: ev.CommandRefused) -> Toast:
    del run
    return Toast(f"refused {event.id}", "Refused", clean(event.why), "warning", 6.0)


_TOASTS: Final[dict[type, Callable[[Run, Any], Toast | None]]] = {
    ev.BreakerMoved: _breaker,
    ev.BudgetThreshold: _threshold,
    ev.BudgetExceeded: _exceeded,
    ev.BackendHeld: _held,
    ev.RunHeld: _run_held,
    ev.LevelChanged: _level,
    ev.TaskFailed: _failed,
    ev.CommandRefused: _refused,
    ev.RunFinished: _finished,
}

TOASTED: Final = frozenset(_TOASTS)
"""The types of events that may become a toast."""
