"""Flows and commands as the dice fall: small, and full of what can go wrong.

Hypothesis draws whole numbers, and everything else is thrown with dice that such a number loads: drawn choice by
choice, most flows would be next to empty, since hypothesis likes what is simple.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, TypeVar

from orchestrator.core import commands as cmd
from orchestrator.core.commands import Command
from orchestrator.core.errors import WorkError
from orchestrator.core.flow import (
    Algorithm,
    Approval,
    BackendSpec,
    BreakerPolicy,
    BudgetPolicy,
    Condition,
    Flow,
    FlowCall,
    ForEach,
    OnExceeded,
    OnFailure,
    OnTimeout,
    Price,
    RateLimit,
    RetryPolicy,
    Task,
    Until,
    WhenOpen,
)
from orchestrator.core.ports import Context
from orchestrator.engine.clock import Chance
from tests.engine.kit import Group, Need, Usage, backend, busy, call, flow, task

T = TypeVar("T")

BACKENDS = ("x", "y", "z")
GROUPS = ("default", "g", "h")
NAMES = ("a", "b", "c", "d", "e", "f")
MOMENTS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0)
OFTEN, SELDOM, RARELY = 0.5, 0.25, 0.1


async def _stubborn(context: Context) -> None:
    """Take no notice of being asked to stop for a while."""
    until = context.clock.now() + 20.0
    while context.clock.now() < until:
        with suppress(asyncio.CancelledError):
            await context.clock.sleep(until - context.clock.now())


def tidies(seconds: float) -> Callable[[Context], Awaitable[None]]:
    """Return a step that cleans up when it is stopped."""

    async def step(context: Context) -> None:
        try:
            await context.clock.sleep(100.0)
        finally:
            await context.clock.sleep(seconds)

    return step


def _list_of_its_own(context: Context) -> Mapping[str, object]:
    """Return another list with every attempt."""
    return {"list": [*"pqrs"[context.attempt % 3 : 3]]}


def _fed_by(fan_out: ForEach | None) -> str | None:
    """Return the task from which the items come."""
    if fan_out is None or fan_out.each is not None or not str(fan_out.items).startswith("{{"):
        return None if fan_out is None else fan_out.each
    return str(fan_out.items).removeprefix("{{ ").removesuffix(".list }}")


class Dice:
    """Always fall the same way for the same number."""

    def __init__(self, number: int) -> None:
        self._chance = Chance(number)
        self._thrown = count()

    def happens(self, probability: float) -> bool:
        return self._chance.random(next(self._thrown)) < probability

    def number(self, low: int, high: int) -> int:
        return low + int(self._chance.random(next(self._thrown)) * (high + 1 - low))

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.number(0, len(options) - 1)]

    def some(self, low: int, high: int, make: Callable[[], T]) -> list[T]:
        return [make() for _ in range(self.number(low, high))]

    def perhaps(self, probability: float, make: Callable[[], T]) -> T | None:
        return make() if self.happens(probability) else None

    def moment(self) -> float:
        return self.one_of(MOMENTS)


class Author:
    """Makes up flows, and what operators ask for."""

    def __init__(self, number: int) -> None:
        self._dice = Dice(number)

    def flow(self) -> Flow:
        """Return a flow of up to six tasks, perhaps with a sub-flow at its end."""
        dice = self._dice
        tasks = self._tasks(dice.number(1, 5))
        inner = {}
        if dice.happens(0.4):
            tasks.append(self._sub_flow(tasks))
            inner["sub"] = self._inner_flow(deeper=dice.happens(SELDOM))
        return flow(
            *tasks,
            backends=[self._backend(name) for name in BACKENDS],
            groups=[self._group(name) for name in GROUPS[1:]],
            flows=inner,
            max_concurrency=dice.number(1, 4),
            budget=dice.perhaps(SELDOM, self._budget),
            deadline=dice.perhaps(RARELY, lambda: dice.one_of((6.0, 20.0))),
        )

    def commands(self, most: int = 12) -> list[tuple[float, Command]]:
        """Return commands with the moments at which they are given."""
        moments = sorted(self._dice.some(0, most, lambda: self._dice.number(0, 32) / 4))
        return [(moment, self._command(f"asked {index}")) for index, moment in enumerate(moments)]

    # ── policies ──

    def _backend(self, name: str) -> BackendSpec:
        dice = self._dice
        others = [other for other in BACKENDS if other != name]
        return backend(
            name,
            rate_limits=tuple(dice.some(0, 1, self._rate_limit)),
            breaker=self._breaker(),
            max_concurrency=dice.perhaps(SELDOM, lambda: dice.number(1, 2)),
            fallback=tuple(dice.some(0, 1, lambda: dice.one_of(others))),
            price=dice.perhaps(SELDOM, lambda: Price(1.0, 1.0)),
        )

    def _rate_limit(self) -> RateLimit:
        dice = self._dice
        return RateLimit(
            per=dice.one_of((1.0, 4.0)),
            requests=dice.number(1, 3),
            tokens=dice.perhaps(SELDOM, lambda: dice.number(30, 60)),
            algorithm=dice.one_of(tuple(Algorithm)),
        )

    def _breaker(self) -> BreakerPolicy:
        dice = self._dice
        return BreakerPolicy(
            failure_threshold=dice.number(1, 2),
            reset_timeout=dice.one_of((1.0, 3.0)),
            half_open_calls=dice.number(1, 2),
            success_threshold=dice.number(1, 2),
            when_open=dice.one_of((WhenOpen.PARK, WhenOpen.PARK, WhenOpen.FAIL)),
            give_up=dice.number(1, 3),
        )

    def _budget(self) -> BudgetPolicy:
        dice = self._dice
        return BudgetPolicy(
            tokens=dice.perhaps(OFTEN, lambda: dice.number(30, 120)),
            cost_usd=dice.perhaps(SELDOM, lambda: 0.0001),
            time=dice.perhaps(RARELY, lambda: dice.one_of((4.0, 9.0))),
            on_exceeded=dice.one_of(tuple(OnExceeded)),
        )

    def _group(self, name: str) -> Group:
        dice = self._dice
        return Group(
            name,
            max_concurrency=dice.perhaps(SELDOM, lambda: dice.number(1, 2)),
            on_failure=dice.one_of((OnFailure.ISOLATE, *OnFailure)),
            budget=dice.perhaps(SELDOM, self._budget),
            deadline=dice.perhaps(RARELY, dice.moment),
        )

    def _retry(self) -> RetryPolicy:
        dice = self._dice
        return RetryPolicy(
            max_attempts=dice.number(1, 3),
            initial_delay=dice.one_of((0.5, 1.0)),
            jitter=dice.one_of((0.0, 0.5)),
            max_elapsed=dice.perhaps(RARELY, lambda: 6.0),
        )

    def _approval(self) -> Approval:
        dice = self._dice
        return Approval(
            "go?",
            timeout=dice.perhaps(0.7, dice.moment),
            on_timeout=dice.one_of((OnTimeout.APPROVE, *OnTimeout)),
            once=dice.happens(OFTEN),
        )

    # ── tasks ──

    def _tasks(self, number: int) -> list[Task]:
        tasks: list[Task] = []
        for name in NAMES[:number]:
            tasks.append(self._task(name, tasks))
        return tasks

    def _task(self, name: str, earlier: list[Task]) -> Task:
        dice = self._dice
        kind = dice.one_of(("scripted", "scripted", "scripted", "agentic", "agentic", "gate"))
        fan_out = dice.perhaps(SELDOM, lambda: self._fan_out(earlier))
        script = self._script(kind)
        return task(
            name,
            *script,
            kind=kind,
            needs=self._needs(earlier, fan_out),
            fan_out=fan_out,
            tokens=dice.number(0, 40),
            group=dice.one_of(GROUPS),
            backend=dice.one_of(BACKENDS) if kind == "agentic" else dice.perhaps(0.7, lambda: dice.one_of(BACKENDS)),
            retry=self._retry(),
            grace=0.5,
            timeout=dice.perhaps(RARELY, dice.moment),
            attempt_timeout=dice.perhaps(SELDOM, dice.moment),
            idle_timeout=dice.perhaps(RARELY, dice.moment),
            deadline=dice.perhaps(RARELY, dice.moment),
            budget=dice.perhaps(RARELY, self._budget),
            when=dice.perhaps(RARELY, lambda: dice.one_of(("1 > 0", "1 > 2", "nonsense"))),
            until=dice.perhaps(RARELY, lambda: Until("text == 'done'", 0.5, 3)) if kind == "scripted" else None,
            optional=dice.happens(RARELY),
            always=dice.happens(RARELY),
            approval=self._approval() if kind == "gate" else dice.perhaps(RARELY, self._approval),
        )

    def _needs(self, earlier: list[Task], fan_out: ForEach | None) -> list[Need]:
        dice = self._dice
        fed_by = _fed_by(fan_out)
        needed = {dice.one_of(earlier).id for _ in range(dice.number(0, 2))} - {fed_by} if earlier else set()
        conditions = (*[Condition.SUCCEEDED] * 4, *Condition)
        needs = [Need(name, dice.one_of(conditions)) for name in sorted(needed)]
        return needs if fed_by is None else [*needs, Need(fed_by)]

    def _fan_out(self, earlier: list[Task]) -> ForEach:
        dice = self._dice
        bound = dice.perhaps(SELDOM, lambda: dice.number(1, 2))
        partners = [one.id for one in earlier if isinstance(one.fan_out, ForEach)]
        if partners and dice.happens(OFTEN):
            return ForEach(each=dice.one_of(partners), max_concurrency=bound)
        lists = [one.id for one in earlier if one.fan_out is None and one.kind == "scripted"]
        if lists and dice.happens(OFTEN):
            return ForEach(f"{{{{ {dice.one_of(lists)}.list }}}}", max_concurrency=bound)
        items = "no list" if dice.happens(0.05) else [*"pqrs"][: dice.number(0, 4)]
        return ForEach(items, max_concurrency=bound)

    def _script(self, kind: str) -> list[list[Any]]:
        dice = self._dice
        if kind == "gate":
            return []
        if kind == "scripted":
            return dice.some(1, 3, self._steps)
        return dice.some(1, 2, lambda: dice.some(1, 3, self._agents_step))

    def _agents_step(self) -> object:
        dice = self._dice
        return call(*self._steps(), tokens=dice.number(0, 40)) if dice.happens(0.7) else self._step()

    def _steps(self) -> list[Any]:
        return self._dice.some(0, 3, self._step)

    def _step(self) -> object:
        dice = self._dice
        if dice.happens(OFTEN):
            return dice.one_of((0.5, 2.0, "text\n", Usage(10, 10), {"text": "done"}, _list_of_its_own))
        failures: tuple[Callable[[], object], ...] = (
            busy,
            busy,
            lambda: busy(429, dice.one_of((0.5, 3.0))),
            lambda: busy(400),
            lambda: WorkError("broken"),
            lambda: KeyError("a bug"),
            lambda: 100.0,
            lambda: tidies(dice.one_of((0.2, 4.0))),
            lambda: _stubborn,
        )
        return dice.one_of(failures)() if dice.happens(OFTEN) else dice.moment()

    # ── sub-flows ──

    def _sub_flow(self, earlier: list[Task]) -> Task:
        dice = self._dice
        bound = dice.perhaps(OFTEN, lambda: 1)
        return task(
            "sub",
            kind="flow",
            settings=FlowCall("inner.yaml"),
            needs=self._needs(earlier, None),
            fan_out=dice.perhaps(SELDOM, lambda: ForEach(["p", "q"], max_concurrency=bound)),
            group=dice.one_of(GROUPS),
            approval=dice.perhaps(RARELY, self._approval),
            deadline=dice.perhaps(RARELY, dice.moment),
            optional=dice.happens(RARELY),
            always=dice.happens(RARELY),
        )

    def _inner_flow(self, *, deeper: bool) -> Flow:
        tasks = self._tasks(self._dice.number(1, 3))
        inner = {}
        if deeper:
            tasks.append(self._sub_flow(tasks))
            inner["sub"] = self._inner_flow(deeper=False)
        return flow(
            *tasks,
            flows=inner,
            backends=[self._backend(name) for name in BACKENDS],
            budget=self._dice.perhaps(RARELY, self._budget),
            name="inner",
        )

    # ── commands ──

    def _command(self, name: str) -> Command:
        dice = self._dice
        kind = dice.one_of((*["task"] * 8, *["group"] * 2, *["backend"] * 2, *["run"] * 4, "bound", "budget"))
        match kind:
            case "task":
                return dice.one_of(_ON_TASKS)(task=self._name(), id=name)
            case "group":
                return dice.one_of(_ON_GROUPS)(group=dice.one_of(GROUPS), id=name)
            case "backend":
                return dice.one_of(_ON_BACKENDS)(backend=dice.one_of(BACKENDS), id=name)
            case "run":
                return dice.one_of(_ON_RUNS)(id=name)
            case "bound":
                return cmd.SetConcurrency(scope=dice.one_of(_SCOPES), limit=dice.number(1, 3), id=name)
            case _:
                return cmd.RaiseBudget(budget=dice.one_of(_BUDGETS), tokens=500, cost_usd=1.0, id=name)

    def _name(self) -> str:
        dice = self._dice
        name = dice.one_of((*"aaabbbccd", "sub", "sub/a", "sub[p]", "sub[q]/b"))
        return f"{name}[{dice.one_of('pqr')}]" if dice.happens(SELDOM) else name


_ON_TASKS: tuple[Callable[..., Command], ...] = (
    *(cmd.CancelTask, cmd.KillTask, cmd.SkipTask, cmd.SkipWait, cmd.SkipWait, cmd.PauseTask, cmd.UnpauseTask),
    *(cmd.RetryTask, cmd.RetryTask, cmd.RerunFrom, cmd.RerunFrom, cmd.Approve, cmd.Approve, cmd.Approve, cmd.Deny),
)
_ON_GROUPS: tuple[Callable[..., Command], ...] = (cmd.CancelGroup, cmd.PauseGroup, cmd.UnpauseGroup, cmd.UnpauseGroup)
_ON_BACKENDS: tuple[Callable[..., Command], ...] = (cmd.TripBreaker, cmd.ResetBreaker, cmd.ResetBreaker)
_ON_RUNS: tuple[Callable[..., Command], ...] = (
    *(cmd.PauseRun, cmd.UnpauseRun, cmd.UnpauseRun, cmd.CancelRun, cmd.Drain),
    *(cmd.RetryFailed, cmd.RetryFailed, cmd.RetryFailed),
)
_SCOPES = ("run", "group:g", "backend:x", "backend:y", "task:a", "task:b")
_BUDGETS = ("run", "group:g", "task:a", "task:b")
