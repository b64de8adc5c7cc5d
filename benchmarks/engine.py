"""No-op tasks through the whole engine: admission, events, the fold and one viewer; beside a bare TaskGroup."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, ClassVar

from orchestrator.bootstrap import calm_collector
from orchestrator.core.flow import BackendSpec, Flow, Need, Task
from orchestrator.core.output import OutputShape
from orchestrator.core.ports import Backend, Calls, Context, Estimate, Gap, Kind, Scope
from orchestrator.engine import Engine, EngineOptions, Parts
from orchestrator.engine.clock import Chance, LoopClock
from table import Row, best


@dataclass(frozen=True, slots=True)
class Nothing:
    """The settings of a task that does nothing."""


class Noop(Kind):
    """Does nothing."""

    name: ClassVar[str] = "noop"
    settings: ClassVar[type] = Nothing
    short: ClassVar[str] = ""
    output: ClassVar[OutputShape] = OutputShape("value", {"value": None})
    calls: ClassVar[Calls] = "none"
    unrendered: ClassVar[frozenset[str]] = frozenset()

    def repeatable(self, settings: Any) -> bool:  # noqa: ANN401 - the port's signature
        del settings
        return False

    def prepare(self, settings: Any, scope: Scope) -> Any:  # noqa: ANN401 - the same
        del scope
        return settings

    def estimate(self, settings: Any, spec: BackendSpec) -> Estimate:  # noqa: ANN401 - the same
        del settings, spec
        return Estimate()

    async def run(self, settings: Any, context: Context) -> Mapping[str, object]:  # noqa: ANN401 - the same
        del settings, context
        return {"value": 1}


class NoFiles:
    """Nobody writes anything."""

    def log(self, task: str, text: str) -> None:
        """Nothing is kept."""

    def write(self, task: str, attempt: int, stream: str, text: str) -> None:
        """Nothing is written."""

    def path(self, task: str, attempt: int, stream: str) -> str:
        return f"{task}.{attempt}.{stream}"

    def close(self, task: str) -> None:
        """Nothing is open."""


def no_backend(spec: BackendSpec) -> Backend:
    raise LookupError(spec.name)


def wide(count: int) -> dict[str, tuple[str, ...]]:
    return {f"t{n}": () for n in range(count)}


def chain(count: int) -> dict[str, tuple[str, ...]]:
    return {f"t{n}": (f"t{n - 1}",) if n else () for n in range(count)}


def layered(count: int, width: int = 10) -> dict[str, tuple[str, ...]]:
    """Layers of ten, each task needing three of the layer before."""
    return {
        f"t{n}": tuple(f"t{(n // width - 1) * width + (n + step) % width}" for step in range(3)) if n >= width else ()
        for n in range(count)
    }


def scattered(count: int) -> dict[str, tuple[str, ...]]:
    """Up to three needs among all earlier tasks."""
    chance = Random(7)  # noqa: S311 - a graph, not a key
    return {
        f"t{n}": tuple({f"t{chance.randrange(n)}" for _ in range(chance.randrange(4))}) if n else ()
        for n in range(count)
    }


SHAPES: dict[str, Callable[[int], dict[str, tuple[str, ...]]]] = {
    "wide": wide,
    "chain": chain,
    "layered": layered,
    "random": scattered,
}


def run_engine(needs: Mapping[str, tuple[str, ...]]) -> float:
    """Return the seconds that the engine takes for the tasks, a viewer folding along."""
    noop, nothing = Noop(), Nothing()
    flow = Flow(
        name="bench",
        tasks={name: Task(name, "noop", nothing, needs=tuple(map(Need, before))) for name, before in needs.items()},
        max_concurrency=10,
    )

    async def main() -> float:
        parts = Parts(
            kinds=lambda _: noop,
            backends=no_backend,
            clock=LoopClock(),
            chance=Chance(0),
            files=NoFiles(),
            run_id="bench",
        )
        engine = Engine(flow, parts, EngineOptions(max_tasks=10**7))
        view, backlog = engine.session.attach()
        gc.collect()
        calm_collector()
        began = time.perf_counter()
        running = asyncio.ensure_future(engine.run())
        while not running.done():
            await asyncio.wait({running}, timeout=0.02)
            records = backlog.drain()
            if isinstance(records, Gap):
                raise SystemExit("the viewer fell behind")
            for record in records:
                view.apply(record)
        took = time.perf_counter() - began
        run = running.result()
        if run.tally.counts != view.tally.counts or run.tally.done != len(flow.tasks):
            raise SystemExit("the viewer saw something else than the engine")
        return took

    try:
        return asyncio.run(main())
    finally:
        gc.unfreeze()


def run_shape(shape: Callable[[int], dict[str, tuple[str, ...]]], count: int) -> float:
    return run_engine(shape(count))


def run_task_group(count: int) -> float:
    """Return the seconds that a bare TaskGroup takes for so many coroutines that do nothing."""

    async def nothing() -> None:
        return None

    async def main() -> float:
        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(nothing())
        return time.perf_counter() - began

    return asyncio.run(main())


def rows() -> list[Row]:
    found = []
    for name, shape in SHAPES.items():
        ours = best(partial(run_shape, shape, 1_000), 7) * 1_000
        bare = best(lambda: run_task_group(1_000), 7) * 1_000
        figure = f"{ours:.1f} µs a task, {ours / bare:.1f} × the baseline"
        found.append(Row(f"1,000 no-ops, {name}", figure, f"TaskGroup {bare:.1f} µs", "≤ 30 µs", ours <= 30))
    small, large = best(lambda: run_engine(wide(1_000))) / 1e3, run_engine(wide(100_000)) / 1e5
    ratio = large / small
    figure = f"{large * 1e6:.1f} µs a task, {ratio:.2f} × that of 1,000"
    found.append(Row("100,000 no-ops, wide", figure, f"1,000: {small * 1e6:.1f} µs", "flat (≤ 1.5 ×)", ratio <= 1.5))
    return found


if __name__ == "__main__":
    for row in rows():
        print(row)
