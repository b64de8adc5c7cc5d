"""What a run can come to at worst: attempts, time, tokens, cost; and what rate limits force at least.

Waits that have no end of their own (approvals, holds, open breakers, budgets) are not counted: nobody knows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from orchestrator.core.fact import fact
from orchestrator.core.flow import (
    ALWAYS_SECONDS,
    GATE_KIND,
    Algorithm,
    BackendSpec,
    Flow,
    ForEach,
    Matrix,
    RateLimit,
    RetryPolicy,
)
from orchestrator.flows.dependencies import in_order
from orchestrator.flows.estimates import backend_of, call_of, estimate_of, kept_budget, rounds_of
from orchestrator.flows.grammar import has_template
from orchestrator.flows.people import asks_a_person
from orchestrator.flows.plan import Step, steps
from orchestrator.flows.pricing import price_for
from orchestrator.flows.registry import Registry
from orchestrator.flows.tasks import MODEL_KINDS


@fact
class Bounds:
    """The worst case of a run. None stands for no bound; `notes` say why, and what is counted only once.

    `seconds` holds if every attempt takes all of its time; `tokens` and `cost_usd` count what templates add to a
    prompt as nothing. `forced` says what rate limits make a run take at least, with the seconds.
    """

    attempts: int
    seconds: float | None
    tokens: int
    cost_usd: float | None
    forced: tuple[tuple[float, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def at_least(self) -> float:
        """The seconds that a run takes at least, if every task runs."""
        return max((seconds for seconds, _ in self.forced), default=0.0)


def bounds(flow: Flow, registry: Registry) -> Bounds:
    """Return the bounds of a flow that was loaded."""
    everything = steps(flow)
    all_steps = [step for step in everything if step.is_work]
    spent = [estimate_of(step, registry) for step in all_steps]
    budget = kept_budget(flow.budget)
    return Bounds(
        attempts=sum(one.attempts for one in spent),
        seconds=_seconds(flow, everything),
        tokens=_capped(sum(one.tokens for one in spent), budget.tokens if budget else None),
        cost_usd=_cost([one.cost_usd for one in spent], budget.cost_usd if budget else None),
        forced=tuple((seconds, text) for seconds, _, text in _forced(all_steps, registry)),
        notes=tuple(_notes(flow, all_steps, registry)),
    )


def _capped(value: int, limit: int | None) -> int:
    return value if limit is None else min(value, limit)


# ── time ────────────────────────────────────────────────────────────────────────────────────────


_GROWING: Final = 1_000
"""Delays that are added up one by one; of more, each counts as the longest."""


def longest_delays(policy: RetryPolicy) -> float:
    """Return the most seconds that a task waits between its attempts, if no backend asks for more."""
    total, delay, left = 0.0, policy.initial_delay, policy.max_attempts - 1
    for _ in range(min(left, _GROWING)):
        total += min(delay * (1 + policy.jitter), policy.max_delay)
        delay = min(delay * policy.multiplier, policy.max_delay)
    total += max(left - _GROWING, 0) * (policy.max_delay if delay else 0.0)
    return total if policy.max_elapsed is None else min(total, policy.max_elapsed)


def _longest(step: Step) -> float | None:
    """Return the most seconds that one instance runs and backs off; None without a limit."""
    task = step.task
    if task.kind == GATE_KIND or not step.is_work:
        return 0.0
    if task.attempt_timeout is None:
        return task.timeout
    once = task.retry.max_attempts * task.attempt_timeout + longest_delays(task.retry)
    pauses = (rounds_of(step) - 1) * task.until.every if task.until else 0.0
    total = once * rounds_of(step) + pauses
    return total if task.timeout is None else min(total, task.timeout)


def _seconds(flow: Flow, all_steps: list[Step]) -> float | None:
    """Return the most seconds of the whole run.

    At any moment either a task of the longest chain runs, or what it waits for is full: the run, its group, its
    fan-out or its backend. So the time is at most that of the chain and, for each of these, all its work shared by
    its slots.
    """
    longest = {step.id: _longest(step) for step in all_steps}
    if any(seconds is None for seconds in longest.values()) or any(step.instances is None for step in all_steps):
        return _end(flow, all_steps)
    known = {name: seconds or 0.0 for name, seconds in longest.items()}
    work = {step.id: known[step.id] * step.times for step in all_steps}
    total = min(_chain(all_steps, known) + sum(_shares(flow, all_steps, work)), sum(work.values()))
    total += sum(seconds for seconds, _, _ in _forced(all_steps, None))
    end = _end(flow, all_steps)
    return total if end is None else min(total, end)


def _end(flow: Flow, all_steps: list[Step]) -> float | None:
    """Return when the deadline has ended the run: after it, `always` tasks have their time, one after another."""
    if flow.deadline is None:
        return None
    return flow.deadline + _chain(all_steps, {step.id: ALWAYS_SECONDS * step.task.always for step in all_steps})


def _chain(all_steps: list[Step], longest: Mapping[str, float]) -> float:
    by_id = {step.id: step for step in all_steps}
    ends: dict[str, float] = {}
    for name in in_order({step.id: step.after for step in all_steps}):
        begin = max((ends[need] for need in by_id[name].after), default=0.0)
        ends[name] = begin + longest[name]
    return max(ends.values(), default=0.0)


def _shares(flow: Flow, all_steps: list[Step], work: Mapping[str, float]) -> Iterator[float]:
    """Yield, for whatever has slots, the time that all its work takes with all its slots busy."""
    sums: dict[tuple[str, ...], float] = {}
    slots: dict[tuple[str, ...], int] = {}
    for step in all_steps:
        for name, count in _slots(flow, step):
            slots[name] = count
            sums[name] = sums.get(name, 0.0) + work[step.id]
    yield from (total / slots[name] for name, total in sums.items())


def _slots(flow: Flow, step: Step) -> Iterator[tuple[tuple[str, ...], int]]:
    yield ("run",), flow.max_concurrency
    if step.max_concurrency:
        yield ("group", step.group), step.max_concurrency
    match step.task.fan_out:
        case ForEach(max_concurrency=int() as count) | Matrix(max_concurrency=int() as count):
            yield ("task", step.id), count
        case _:
            pass
    backend = backend_of(step)
    if backend and backend.max_concurrency:
        yield ("backend", backend.name), backend.max_concurrency


# ── tokens and cost ─────────────────────────────────────────────────────────────────────────────


def _cost(costs: list[float | None], limit: float | None) -> float | None:
    if any(cost is None for cost in costs):
        return limit
    total = sum(cost or 0.0 for cost in costs)
    return total if limit is None else min(total, limit)


# ── rate limits ─────────────────────────────────────────────────────────────────────────────────

LONG: Final = 300.0
"""Seconds from which on it is worth a warning that rate limits make a run take so long."""


def slow_backends(flow: Flow, registry: Registry) -> Iterator[tuple[str, str]]:
    """Yield the backends whose limits make the run take longer than one thinks, with what there is to say of each."""
    work = [step for step in steps(flow) if step.is_work]
    yield from ((name, text) for seconds, name, text in _forced(work, registry) if seconds >= LONG)


Forced: TypeAlias = tuple[float, str, str]
"""Seconds, the backend whose limit takes them, and what there is to say of it."""


def _forced(all_steps: list[Step], registry: Registry | None) -> Iterator[Forced]:
    """Yield what the limits of each backend force, if every task runs and every call succeeds at once."""
    sharing: dict[str, list[Step]] = {}
    specs: dict[str, BackendSpec] = {}
    for step in all_steps:
        backend = backend_of(step)
        if backend is not None and backend.rate_limits:
            sharing.setdefault(backend.name, []).append(step)
            specs[backend.name] = backend
    for name, users in sharing.items():
        calls = sum(step.times for step in users)
        for limit in specs[name].rate_limits:
            tokens = _tokens(users, registry) if registry and limit.tokens is not None else 0
            yield from _forced_by(limit, name, calls, tokens)


def _tokens(users: list[Step], registry: Registry) -> int:
    return sum(step.times * call_of(step, registry).tokens for step in users)


def _forced_by(limit: RateLimit, name: str, calls: int, tokens: int) -> Iterator[Forced]:
    span = _period(limit.per)
    if limit.requests is not None and (seconds := _least(limit, calls, limit.requests, limit.burst)) > 0:
        share = f"{calls} tasks share" if calls > 1 else "1 task has"
        what = f"{share} the backend {name!r} of {limit.requests} requests {span}"
        yield seconds, name, f"{what}: at least {say_seconds(seconds)}"
    if limit.tokens is not None and (seconds := _least(limit, tokens, limit.tokens, None)) > 0:
        what = f"about {tokens} tokens go through the backend {name!r} of {limit.tokens} tokens {span}"
        yield seconds, name, f"{what}: at least {say_seconds(seconds)}"


def _least(limit: RateLimit, wanted: int, amount: int, burst: int | None) -> float:
    """Return the seconds before the last of so many can begin, after a full burst at the start."""
    if limit.algorithm is Algorithm.TOKEN_BUCKET:
        return max(wanted - (burst or amount), 0) * limit.per / amount
    return max(-(-wanted // amount) - 1, 0) * limit.per


# ── words ───────────────────────────────────────────────────────────────────────────────────────

_UNITS: Final = ((86_400.0, "a day", "d"), (3_600.0, "an hour", "h"), (60.0, "a minute", "min"), (1.0, "a second", "s"))


def _period(seconds: float) -> str:
    """Return `a minute`, `an hour`, `in 10 s`."""
    word = next((word for size, word, _ in _UNITS if seconds == size), None)
    return word or f"in {say_seconds(seconds)}"


def say_seconds(seconds: float) -> str:
    """Return `3 min`, `1 h 30 min`, `45 s`."""
    parts: list[str] = []
    for size, _, short in _UNITS:
        count = int(seconds // size) if size > 1 else round(seconds, 1)
        if count and len(parts) < 2:
            parts.append(f"{count:g} {short}")
        seconds -= int(seconds // size) * size
    return " ".join(parts) or "0 s"


def _notes(flow: Flow, all_steps: list[Step], registry: Registry) -> Iterator[str]:
    unknown = [step.id for step in all_steps if step.instances is None]
    if unknown:
        yield f"how many instances run is not known before the run of {_few(unknown)}: counted as one each"
    endless = [step.id for step in all_steps if _longest(step) is None]
    if endless:
        rest = f"; the deadline of {say_seconds(flow.deadline)} ends the run" if flow.deadline else ""
        yield f"no time limit holds for {_few(endless)}{rest}"
    asked = [step.id for step in all_steps if step.task.approval]
    if asked:
        yield f"the run waits for a person at {_few(asked)}"
    confirmed = [step.id for step in all_steps if asks_a_person(step.task)]
    if confirmed:
        yield f"a person is asked about what agents do: {_few(confirmed)}; where nobody can be, that is refused"
    yield from _notes_on_backends(all_steps, registry)


def _notes_on_backends(all_steps: list[Step], registry: Registry) -> Iterator[str]:
    asking = [(step, one) for step in all_steps if step.task.kind in MODEL_KINDS and (one := backend_of(step))]
    unpriced = sorted({one.name for step, one in asking if _is_unpriced(step, one, registry)})
    if unpriced:
        yield f"no price is known of {_few(unpriced)}"
    named = [step.id for step in all_steps if step.task.backend and has_template(step.task.backend)]
    if named:
        yield f"which backend is used is not known before the run of {_few(named)}"
    agents = [step.id for step, _ in asking if step.task.kind != "llm"]
    if agents:
        yield f"what tools add to a conversation is not counted: {_few(agents)}"


def _is_unpriced(step: Step, backend: BackendSpec, registry: Registry) -> bool:
    model = getattr(step.task.settings, "model", None)
    return price_for(backend, registry.backend(backend.kind), model) is None


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
