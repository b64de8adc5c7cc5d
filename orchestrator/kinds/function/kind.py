"""One call of one function, from its arguments to its result."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from orchestrator.core.errors import AttemptError
from orchestrator.core.flow import BackendSpec, Json
from orchestrator.core.output import OutputShape
from orchestrator.core.ports import Calls, Context, Estimate, Kind, Performer, Scope
from orchestrator.kinds.function import lookup
from orchestrator.kinds.function.arguments import Arguments, arguments
from orchestrator.kinds.function.printing import PrintingTo
from orchestrator.kinds.function.results import failure, fields, story
from orchestrator.kinds.function.task_context import AttemptContext
from orchestrator.kinds.function.threads import Ended, Raised, Returned, start
from orchestrator.processes import take_charge

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FunctionSettings:
    """The keys of a function task."""

    call: str = field(
        metadata={"description": "The function: module:callable. Modules beside the flow file are found first."}
    )
    args: tuple[Json, ...] = field(default=(), metadata={"description": "What it is called with, in order."})
    kwargs: Mapping[str, Json] = field(
        default_factory=lambda: MappingProxyType({}), metadata={"description": "What it is called with, by name."}
    )

    def __post_init__(self) -> None:
        module, colon, function = self.call.partition(":")
        if "{{" not in self.call and not (module and colon and function):
            raise ValueError(f"{self.call!r} names no function; write module:callable")


class FunctionKind(Kind):
    """Calls a function: an async one on the loop, any other on a thread that does nothing else meanwhile."""

    name: ClassVar[str] = "function"
    settings: ClassVar[type] = FunctionSettings
    short: ClassVar[str] = "call"
    output: ClassVar[OutputShape] = OutputShape(main="value", fields=MappingProxyType({"value": None}))
    calls: ClassVar[Calls] = "one"
    unrendered: ClassVar[frozenset[str]] = frozenset()

    def repeatable(self, settings: FunctionSettings) -> bool:
        del settings
        return False

    def prepare(self, settings: FunctionSettings, scope: Scope) -> FunctionSettings:
        del scope
        return settings

    def estimate(self, settings: FunctionSettings, spec: BackendSpec) -> Estimate:
        del settings, spec
        return Estimate()

    async def run(self, settings: FunctionSettings, context: Context) -> Mapping[str, object]:
        if context.backend is not None and isinstance(context.backend, Performer):
            await context.backend.perform(context)
        attempt = Attempt(context)
        with PrintingTo(attempt.told.write):
            return await attempt.fields_of(settings)


class Attempt:
    """One attempt at a function: what it is told, and what becomes of it when it is cancelled."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.told = AttemptContext(context)

    async def fields_of(self, settings: FunctionSettings) -> Mapping[str, object]:
        """Return the output's fields."""
        function = await self._function(settings.call)
        given = arguments(function, settings.args, settings.kwargs, self.told)
        if _is_async(function):
            return fields(await self._awaited(given.call(function)))
        result = await self._on_a_thread(partial(_called, function, given))
        return fields(await self._awaited(result)) if inspect.isawaitable(result) else result

    async def _function(self, call: str) -> lookup.Function:
        """Look the function up: to import a module can take long, so that is done on a thread too."""
        take_charge()  # of the programs that functions start
        folder = self._context.run.flow_folder
        function = lookup.known(call, folder)
        return await self._on_a_thread(partial(lookup.find, call, folder)) if function is None else function

    async def _on_a_thread(self, work: Callable[[], T]) -> T:
        ended = start(work, self._context.call_soon)
        try:
            outcome = await ended.outcome()
        except asyncio.CancelledError:
            self.told.cancel()
            await self._patience(ended)
            raise
        return self._result(outcome)

    async def _patience(self, ended: Ended[Any]) -> None:
        """Give the thread its time to end, before it is left behind."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._context.grace):
                await ended.outcome()

    async def _awaited(self, work: Awaitable[Any]) -> object:
        try:
            return await work
        except asyncio.CancelledError as error:
            if _is_cancelled():
                self.told.cancel()
                raise
            raise self._failed(error) from error  # the function's own doing
        except (Exception, SystemExit) as error:
            raise self._failed(error) from error

    def _result(self, outcome: Returned[T] | Raised) -> T:
        if isinstance(outcome, Returned):
            return outcome.value
        raise self._failed(outcome.error) from outcome.error

    def _failed(self, error: BaseException) -> AttemptError:
        if not isinstance(error, AttemptError):
            self._context.write("err", story(error))
        return failure(error)


def _called(function: lookup.Function, given: Arguments) -> Any:  # noqa: ANN401 - what the function returns
    """Return the output's fields, or what is to be awaited for them."""
    result = given.call(function)
    return result if inspect.isawaitable(result) else fields(result)


@lru_cache(maxsize=1024)
def _is_async(function: lookup.Function) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
