"""Which chain of tasks decides when the run ends, and why a task does not run: read from a run and the time alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from orchestrator.core.progress import TaskProgress
from orchestrator.core.run import Run
from orchestrator.core.states import FINAL, BreakerState, RunState, State, Status

_UNKNOWN: Final = 1.0
"""Seconds that a task is thought to take while nothing of the run has ended yet."""


# ── the chain ───────────────────────────────────────────────────────────────────────────────────


def critical_chain(run: Run, now: float) -> tuple[str, ...]:
    """Return the tasks, first to last, each of which made or makes the next one wait, up to the one that ends last.

    Of a run that is over, that is what decided its end. Of one that goes on, the ends of what has not ended are
    guessed: a task takes what its like took. It looks at every task: ask now and then, not for each frame.
    """
    ends = _Ends(run, now)
    here = ends.last()
    chain: dict[str, None] = {}
    while here is not None and here not in chain:
        chain[here] = None
        here = max(ends.before(here), key=ends.rank, default=None)
    return tuple(task for task in reversed(chain) if task not in run.instances)


class _Ends:
    """When each task ended, or will. A whole ends with the last of its instances."""

    def __init__(self, run: Run, now: float) -> None:
        self._run = run
        self._now = now
        self._known: dict[str, float] = {}
        self._typical = _Typical(run)
        self._holders = {task: whole for whole, tasks in run.instances.items() for task in tasks}

    def last(self) -> str | None:
        """Return the task that ends last."""
        tasks = self._run.tasks
        left = [name for name, task in tasks.items() if task.state not in FINAL]
        if left:
            self._learn(left)
            return max(left, key=self.of)
        return max(tasks, key=self.rank, default=None)

    def rank(self, name: str) -> tuple[float, bool, bool]:
        """Return when the task ends; of those that end together, what goes on or really ran comes later."""
        task = self._run.tasks[name]
        return self.of(name), not task.is_final, task.started is not None

    def _learn(self, left: list[str]) -> None:
        """Reckon at once for all that wait for no other task, which most do where there are many."""
        run, known, now, typical = self._run, self._known, self._now, self._typical
        for name in left:
            task = run.tasks[name]
            if task.state is State.WAITING and name not in run.instances:
                wait = task.wait
                until = wait.until if wait is not None else None
                known[name] = (now if until is None or until < now else until) + typical.of(task)

    def before(self, name: str) -> list[str]:
        """Return what the task waited for, or waits for. What is part of a whole waits for what the whole needs."""
        tasks = self._run.tasks
        if name in self._run.instances:
            return [child for child in self._run.instances[name] if child in tasks]
        at: str | None = name
        while at is not None:
            needs = [need.task for need in tasks[at].info.needs if need.task in tasks] if at in tasks else []
            if needs:
                return needs
            at = self._holders.get(at)
        return []

    def of(self, name: str) -> float:
        """Return when the task ended, or will."""
        known = self._known
        if name in known:
            return known[name]
        todo, asked = [name], {name}
        while todo:
            here = todo[-1]
            before = self._open_before(here)
            missing = [other for other in before if other not in known and other not in asked]
            if missing:
                todo += missing
                asked.update(missing)
            else:
                known[here] = self._end(here, before)
                todo.pop()
        return known[name]

    def _open_before(self, name: str) -> list[str]:
        """Return what has to be known first: nothing, for a task that has begun or ended."""
        task = self._run.tasks[name]
        if task.is_final or (task.state is not State.PENDING and name not in self._run.instances):
            return []
        return self.before(name)

    def _end(self, name: str, before: list[str]) -> float:
        task = self._run.tasks[name]
        if task.is_final:
            return task.since if task.ended is None else task.ended
        latest = max([self._known.get(other, 0.0) for other in before], default=self._now)
        if name in self._run.instances:
            return latest
        takes = self._typical.of(task)
        if task.state is State.RUNNING:  # whoever waits is known already
            begun = task.attempts[-1].started if task.attempts else task.since
            return max(self._now, begun + takes)
        return max(self._now, latest) + takes


class _Typical:
    """How long tasks take: those of the same whole, else of the same kind, else all that ended well."""

    def __init__(self, run: Run) -> None:
        sums: dict[tuple[str | None, ...], tuple[float, int]] = {}
        for task in run.tasks.values():
            if task.status is Status.DONE and task.attempts and task.ended is not None:
                info = task.info
                key = (info.of, info.kind, info.backend)
                total, number = sums.get(key, (0.0, 0))
                sums[key] = total + task.ended - task.attempts[-1].started, number + 1
        self._sums = sums
        self._means: dict[tuple[str | None, ...], float] = {}

    def of(self, task: TaskProgress) -> float:
        info = task.info
        key = (info.of, info.kind, info.backend)
        if key not in self._means:
            self._means[key] = self._mean(key)
        return self._means[key]

    def _mean(self, key: tuple[str | None, ...]) -> float:
        """Return the mean of the closest like of which there are any."""
        found = self._sums.get(key) if key[0] else None
        alike = [found] if found else [some for other, some in self._sums.items() if other[1:] == key[1:]]
        alike = alike or list(self._sums.values())
        number = sum(count for _, count in alike)
        return sum(total for total, _ in alike) / number if number else _UNKNOWN


# ── why a task does not run ─────────────────────────────────────────────────────────────────────


def why_not_running(run: Run, task: TaskProgress, now: float) -> str:
    """Return one line that says why the task does not run and when it will; nothing if it runs or has ended."""
    if task.is_final or task.state is State.RUNNING:
        return ""
    return _held(run, task) or _WHY[task.status](run, task, now)


def _held(run: Run, task: TaskProgress) -> str:
    """Return what keeps the task from starting whatever it waits for besides."""
    group = run.groups.get(task.group)
    if run.state is RunState.CANCELLING:
        return "will not start: the run is being stopped"
    if task.stopping:
        return "will not start: it is being cancelled"
    if task.paused:
        return "is paused until somebody lets it go on"
    if group is not None and group.paused:
        return f"group {task.group} is paused until somebody lets it go on"
    if run.paused_by is not None:
        return f"the run is paused ({run.paused_by}) until somebody lets it go on"
    return ""


def _pending(run: Run, task: TaskProgress, now: float) -> str:
    needs = [run.tasks[need.task] for need in task.info.needs if need.task in run.tasks]
    needs = [need for need in needs if not need.is_final]
    if not needs:
        return "starts at once"
    first = max(needs, key=lambda need: (need.state is State.RUNNING, need.state is State.WAITING))
    more = f" and {len(needs) - 1} more" if len(needs) > 1 else ""
    return f"waits for {first.id} ({_stand(run, first, now)}){more}"


def _stand(run: Run, need: TaskProgress, now: float) -> str:
    """Return how a task stands that another one needs."""
    children = [run.tasks[child] for child in run.instances.get(need.id, ()) if child in run.tasks]
    if children:
        return f"{sum(child.is_final for child in children)} of {len(children)} done"
    if need.state is State.RUNNING:
        begun = need.attempts[-1].started if need.attempts else need.since
        return f"running {_span(now - begun)}"
    return need.status.value


def _slot(run: Run, task: TaskProgress, now: float) -> str:
    del now
    gate = task.wait.gate if task.wait else None
    before = _before(run, task, gate)
    return f"waits for a slot {_where(run, gate)}, " + (f"{before} before it" if before else "it is next")


def _where(run: Run, gate: str | None) -> str:
    kind, _, name = (gate or "").partition(":")
    if kind in {"group", "task"} and name:
        return f"in group {name}" if kind == "group" else f"in {name}"
    return f"at {gate}" if gate in run.backends else "in the run"


def _before(run: Run, task: TaskProgress, gate: str | None) -> int:
    """Return how many wait there for longer, or came first."""
    queued = [other for other in run.tasks.values() if other.status is Status.QUEUED and other.since <= task.since]
    there = [other for other in queued if other.wait is not None and other.wait.gate == gate]
    return sorted(there, key=lambda other: other.since).index(task)


def _limited(run: Run, task: TaskProgress, now: float) -> str:
    del run
    return f"the rate limit{_of(task)} lets its call through{_in(task, now) or ' soon'}"


def _quota(run: Run, task: TaskProgress, now: float) -> str:
    del run
    return f"the usage limit{_of(task)} lets it go on{_in(task, now) or ' once it is renewed'}"


def _retry(run: Run, task: TaskProgress, now: float) -> str:
    del run
    number = f"try {task.attempt + 1} of {max(task.max_attempts, task.attempt + 1)}"
    after = f", after {task.error.message}" if task.error else ""
    return f"{number} starts{_in(task, now) or ' soon'}{after}"


def _breaker(run: Run, task: TaskProgress, now: float) -> str:
    name = task.wait.gate if task.wait else None
    backend = run.backends.get(name or "")
    if backend is None:
        return f"a breaker is open{_in(task, now)}"
    if backend.breaker is BreakerState.TRIPPED:
        return f"breaker {name} was opened by hand, until somebody resets it"
    if backend.breaker is BreakerState.OPEN and backend.until is not None:
        return f"breaker {name} opens its probe in {_clock(backend.until - now)}"
    if backend.breaker is BreakerState.CLOSED:
        return f"breaker {name} is closed again and lets the waiting through, a few at a time"
    wanted = backend.info.success_threshold
    return f"breaker {name} is being probed, {backend.probes} of {wanted} calls have succeeded"


def _budget(run: Run, task: TaskProgress, now: float) -> str:
    del now
    name = task.wait.gate if task.wait else None
    budget = run.budgets.get(name or "")
    why = f" ({budget.exceeded})" if budget is not None and budget.exceeded else ""
    if why:
        return f"budget {name} is spent{why}, until somebody raises it"
    return f"budget {name or 'of the run'} has no room until calls under way are settled"


def _subagent(run: Run, task: TaskProgress, now: float) -> str:
    other = run.tasks.get(task.wait.gate or "") if task.wait else None
    return "waits for a subagent" if other is None else f"waits for {other.id} ({_stand(run, other, now)})"


def _person(what: str) -> Callable[[Run, TaskProgress, float], str]:
    def why(run: Run, task: TaskProgress, now: float) -> str:
        del run
        until = task.question.until if task.question else None
        return what if until is None else f"{what}, {_clock(until - now)} left"

    return why


_WHY: Final[dict[Status, Callable[[Run, TaskProgress, float], str]]] = {
    Status.PENDING: _pending,
    Status.QUEUED: _slot,
    Status.LIMITED: _limited,
    Status.QUOTA: _quota,
    Status.RETRY: _retry,
    Status.CIRCUIT: _breaker,
    Status.BUDGET: _budget,
    Status.APPROVE: _person("waits for your approval"),
    Status.ANSWER: _person("waits for your answer"),
    Status.SUBAGENT: _subagent,
    Status.PAUSED: _person("is paused until somebody lets it go on"),
}


def _of(task: TaskProgress) -> str:
    return f" of {task.wait.gate}" if task.wait and task.wait.gate else ""


def _in(task: TaskProgress, now: float) -> str:
    until = task.wait.until if task.wait else None
    return "" if until is None else f" in {_clock(until - now)}"


def _clock(seconds: float) -> str:
    """Return `0:23`; under ten seconds `4.2 s`."""
    left = max(0.0, seconds)
    if left < 10:
        return f"{left:.1f} s"
    hours, minutes = divmod(int(left) // 60, 60)
    return f"{hours}:{minutes:02d}:{int(left) % 60:02d}" if hours else f"{minutes}:{int(left) % 60:02d}"


def _span(seconds: float) -> str:
    """Return `12 s`; from two minutes on `2:05`."""
    return f"{max(0, int(seconds))} s" if seconds < 120 else _clock(seconds)
