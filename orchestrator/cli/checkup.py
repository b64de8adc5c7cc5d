"""How the backends of a flow are: whether they answer, and know the models, the tools and the prices that are needed.

Nothing here costs a token: a backend is asked what it can tell for nothing, all at once, each for a limited time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final, cast

from orchestrator.bootstrap import run_to_the_end
from orchestrator.cli.findings import Finding, Level
from orchestrator.cli.words import money
from orchestrator.core.errors import AttemptError, Code, FlowError, Problem
from orchestrator.core.flow import MCP, BackendSpec, Flow
from orchestrator.core.ports import Backend, Checkable, Context, ModelBackend, ToolServer
from orchestrator.flows.demands import Demand, demands
from orchestrator.processes import stop_leftovers

LONGEST: Final = 30.0
"""Seconds that a backend has to say how it is; a server may have to be started for it."""

_GRACE: Final = 1.0

Build = Callable[[BackendSpec], Backend]
"""Makes a backend of its declaration. Raises FlowError where something is missing for it."""

_SIMULATED: Final = "simulated"


def check_backends(flow: Flow, build: Build, limit: float = LONGEST) -> list[Finding]:
    """Ask every backend that the flow uses, and return what there is to say of each, in the order of the file."""
    asked = [demand for demand in demands(flow) if demand.is_used and demand.spec.kind != _SIMULATED]
    return run_to_the_end(_check_all(asked, build, limit))


async def _check_all(asked: Iterable[Demand], build: Build, limit: float) -> list[Finding]:
    async with asyncio.TaskGroup() as group:
        answers = [group.create_task(_check(demand, build, limit)) for demand in asked]
    await stop_leftovers(_GRACE)
    return [finding for answer in answers for finding in answer.result()]


async def _check(demand: Demand, build: Build, limit: float) -> list[Finding]:
    try:
        backend = build(demand.spec)
    except FlowError as error:
        return [_unmade(demand, problem) for problem in error.problems]
    try:
        async with asyncio.timeout(limit):
            return [finding async for finding in _found(demand, backend)]
    except AttemptError as error:
        failure = error.failure
        return [Finding(Level.MISSING, _sort(demand), _named(demand, failure.message), failure.hint or "")]
    except TimeoutError:
        advice = "check its address, the network, and whether it runs"
        return [Finding(Level.MISSING, _sort(demand), f"{demand.name}: no answer within {limit:g} s", advice)]
    finally:
        await backend.aclose()


def _unmade(demand: Demand, problem: Problem) -> Finding:
    """Say why a backend could not be asked; of a variable that is not set the finding on keys says it."""
    source = demand.spec.api_key
    if problem.code == Code.SECRET and source is not None and source.env is not None:
        return Finding(Level.NOTE, _sort(demand), f"{demand.name}: not asked, for want of its key")
    return Finding(Level.MISSING, _sort(demand), _named(demand, str(problem)))


def _named(demand: Demand, message: str) -> str:
    """Return what is said of a backend, with its name unless it is told already."""
    return message if demand.spec.name in message.partition(":")[0].split() else f"{demand.name}: {message}"


def _sort(demand: Demand) -> str:
    return "server" if demand.spec.kind == MCP else "backend"


async def _found(demand: Demand, backend: Backend) -> AsyncIterator[Finding]:
    if isinstance(backend, Checkable):
        answer = await backend.check(sorted(demand.models))
        yield Finding(Level.GOOD, _sort(demand), f"{demand.name}: {answer}")
    if isinstance(backend, ToolServer):
        tools = await backend.tools(cast("Context", None))  # a server has the same tools for every task
        for finding in _tools(demand, [tool.spec.name for tool in tools]):
            yield finding
    if isinstance(backend, ModelBackend):
        for finding in _prices(demand, backend):
            yield finding


def _tools(demand: Demand, known: list[str]) -> Iterator[Finding]:
    """Yield whether the tools that are named are there."""
    missing = [tool for tool in sorted(demand.tools) if not any(fnmatchcase(one, tool) for one in known)]
    for tool in missing:
        close = get_close_matches(tool, known, n=1)
        advice = f"did you mean {close[0]!r}?" if close else f"it has {_few(known) or 'none'}"
        yield Finding(Level.MISSING, "tool", f"{demand.name} has no tool {tool!r}", advice)
    if demand.tools and not missing:
        yield Finding(Level.GOOD, "tool", f"{demand.name} has {_few(demand.tools)}")


def _prices(demand: Demand, backend: ModelBackend) -> Iterator[Finding]:
    """Yield what each model costs that is asked there."""
    own = getattr(backend.spec.settings, "model", None)
    for model in sorted({*demand.models, *([own] if isinstance(own, str) else [])}):
        price = backend.price(model)
        if price is None:
            advice = "give the backend a `price`, or list the model under `prices:` in the configuration"
            text = f"{demand.name}: nobody knows what {model} costs, so no budget in dollars can be kept"
            yield Finding(Level.NOTE, "price", text, advice)
        else:
            costs = f"{money(price.input)} in and {money(price.output)} out for a million tokens"
            yield Finding(Level.GOOD, "price", f"{demand.name}: {model} costs {costs}")


def _few(names: Iterable[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return ", ".join(found[:5]) + more
