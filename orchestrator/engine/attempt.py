"""One try of a task: the context that its kind works in, its clocks, and its one end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from orchestrator.core.errors import AttemptError, Code, ErrorClass, ErrorKind, Failure, TimeLimitError
from orchestrator.core.events import OutputProduced, ProgressReported, TaskStopping, UsageReported
from orchestrator.core.fact import fact
from orchestrator.core.model import NO_USAGE, Allowance, Message, ToolCall, ToolResult, Usage
from orchestrator.core.output import Cut
from orchestrator.core.ports import Backend, Clock, Estimate, Handed, Kind, RunFacts, Stream, Work
from orchestrator.engine.admission import Grant
from orchestrator.engine.node import Node, deadline_passed
from orchestrator.engine.sink import Sink
from orchestrator.resilience.deadline import soonest

if TYPE_CHECKING:
    from orchestrator.engine.desk import Desk
    from orchestrator.engine.hub import Hub

GRACE = 5.0
"""Seconds between asking a child to stop and killing it, where the flow does not say."""

TELL_STOPPING_AFTER = 0.03
"""Seconds after which an attempt that was asked to stop and has not ended is shown as stopping."""

PROGRESS_EVERY = 0.1
"""Seconds between two tellings of how far an attempt is."""

ABANDON_AFTER = 2.0
"""Seconds beyond its grace after which an attempt that ignores being cancelled is left behind."""


@fact
class Done:
    """The work ended well."""

    output: Mapping[str, object]


@fact
class Broke:
    """The work failed."""

    failure: Failure
    output: Mapping[str, object] | None = None


@fact
class Stopped:
    """Somebody stopped the work."""

    by: str


End: TypeAlias = Done | Broke | Stopped

_PLAIN: Final = (str, int, float, Cut, type(None))
_MAPPINGS: Final = (dict, Mapping)
"""What is a dict is known for one at once; asking the abstract class takes ten times as long."""


class Attempt:
    """Implements core.ports.Context. Ends once: with the first of result, time limit and cancel.

    What stands here is how it is with every attempt at first, and with most to their end.
    """

    verdict: End | None = None
    is_over = False
    is_stopping = False
    usage = NO_USAGE
    reported = False
    is_second_best = False
    """Whether a fallback was asked, or a cheaper model: such an answer is not the one to the task's own question."""
    holds_slots = True
    calling: Grant | None = None
    given_up: Failure | None = None
    awaits: asyncio.Future[Any] | None = None
    _progress: tuple[float, float | None, str] | None = None
    _is_quiet = False
    _grace: float | None = None
    _has_begun = False
    _was_refused = False
    _opened: Sink | None = None
    _runner: asyncio.Task[None] | None = None
    _ran = 0.0

    def __init__(self, hub: Hub, node: Node, grant: Grant) -> None:
        self._hub = hub
        self.node = node
        self.grant = grant
        self.number = node.number
        self.beside: list[Grant] = []
        self._tools_in_use: set[str] = set()
        self._timers: list[asyncio.TimerHandle] = []
        self._last_sign = self._counts_from = hub.run.at

    # ── life ──

    def start(self) -> None:
        """Begin the work, and the clocks that bound it."""
        hub = self._hub
        self._runner = hub.loop.create_task(self._work())
        hub.runners.add(self._runner)
        if self.node.is_timed:
            self.start_clocks()

    def pause(self) -> None:
        """Let the clocks stand still: the attempt waits, and holds nothing."""
        self.holds_slots = False
        self.stop_clocks()
        self._ran += self._hub.now() - self._counts_from
        self._counts_from = self._hub.now()

    def resume(self) -> None:
        """Go on where the clocks stood."""
        self.holds_slots = True
        self._last_sign += self._hub.now() - self._counts_from
        self._counts_from = self._hub.now()
        self.node.start_watch()
        if self.node.is_timed:
            self.start_clocks()

    async def refuse_call(self) -> None:
        """Stop who makes a call while the attempt ends. Whoever takes no notice is kept waiting, lest it never rest."""
        if self._was_refused:
            await self._hub.loop.create_future()
        self._was_refused = True
        raise asyncio.CancelledError

    def end_backoff(self) -> None:
        """Let the call that waits to be repeated be repeated now."""
        if self.awaits is not None and not self.awaits.done():
            self.awaits.set_result(None)

    def start_clocks(self) -> None:
        task, now = self.node.task, self._hub.now()
        limits = (
            (None if task.attempt_timeout is None else task.attempt_timeout - self._ran, _attempt_timeout),
            (self.node.time_left(), _task_timeout),
            (None if self.node.deadline_at is None else self.node.deadline_at - now, lambda _: deadline_passed()),
        )
        soon = soonest(*(seconds for seconds, _ in limits))
        if soon is not None:
            failure = next(make(task) for seconds, make in limits if seconds == soon)
            self._timers.append(self._hub.timers.at(now + soon, self.end_with, Broke(failure)))
        if task.idle_timeout is not None:
            self._watch_silence()

    def stop_clocks(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    async def _work(self) -> None:
        self._has_begun = True
        end = await self._outcome()
        if self._runner is not None:
            self._hub.runners.discard(self._runner)
        self._end(self.verdict or end)

    async def _outcome(self) -> End:
        try:
            output = {} if self.node.kind is None else await self._worked(self.node.kind)
        except asyncio.CancelledError:
            return Stopped("cancelled from inside")
        except AttemptError as error:
            return Broke(error.failure, error.output)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - foreign code: what it raises is this attempt's own end
            return Broke(self._hub.bug(self.node, error))
        if not isinstance(output, _MAPPINGS) or not _is_data(output):
            what = f"{_shortened(repr(output))} is no output: it is not made of fields of plain data"
            return Broke(self._hub.bug(self.node, TypeError(what)))
        return Done(output)

    def _worked(self, kind: Kind) -> Awaitable[object]:
        """Do the work, or let another answer for it where the run is simulated."""
        node = self.node
        stand_in = self._hub.parts.stand_in(node.task.kind, node.simulate)
        if stand_in is not None:
            return stand_in(kind.output, node.settings, node.simulate, self)
        return kind.run(node.settings if self.grant.desk is None else self._settings(self.grant.desk), self)

    def _settings(self, desk: Desk) -> Any:  # noqa: ANN401 - each kind has its own settings type
        """Return the task's settings; its `model` is a name at its own backend, and means nothing to a fallback."""
        settings: Any = self.node.settings
        if desk is self.node.candidates[0] or getattr(settings, "model", None) is None:
            return settings
        return replace(settings, model=None)

    def _end(self, end: End) -> None:
        if self.is_over:
            return
        if self._timers:
            self.stop_clocks()
        if self._opened is not None:
            self._opened.end()
            self._hub.files.close(self.node.id)
        self.is_over = True
        self._hub.attempt_ended(self, end)

    # ── being stopped ──

    def end_with(self, end: End, grace: float | None = None) -> None:
        """Decide how the attempt ends, unless it is decided, and ask the work to stop."""
        if self.verdict is not None or self.is_over:
            return
        self.verdict = end
        self.is_stopping = True
        self.stop_clocks()
        if grace is not None:
            self._grace = grace
        by = end.by if isinstance(end, Stopped) else "timeout"
        until = self._hub.now() + self.grace
        self._timers.append(self._hub.timers.at(self._hub.now() + TELL_STOPPING_AFTER, self._tell_stopping, until, by))
        self._cancel()

    def why_stopped(self, otherwise: Failure) -> Failure:
        """Return the failure that the attempt's end is to those whom it called."""
        return self.blame(self.verdict.failure) if isinstance(self.verdict, Broke) else otherwise

    def kill(self, by: str) -> None:
        """Stop at once: a work that was asked before is asked a second time, which means without grace."""
        if self.verdict is None:
            self.end_with(Stopped(by), grace=0.0)
        else:
            self._grace = 0.0
            self._cancel()

    def _cancel(self) -> None:
        if self._runner is None:
            return
        self._runner.cancel()
        self._timers.append(self._hub.timers.at(self._hub.now() + self.grace + ABANDON_AFTER, self._abandon))
        if not self._has_begun and self.verdict is not None:  # a task cancelled before its first step runs none of it
            self._hub.runners.discard(self._runner)
            self._timers.append(self._hub.timers.at(self._hub.now(), self._end, self.verdict))

    def _tell_stopping(self, until: float, by: str) -> None:
        if not self.is_over:
            self._hub.emit(TaskStopping(self.node.id, until, by))

    def _abandon(self) -> None:
        """End the attempt although its work goes on: it ignores being cancelled, and the run does not wait for it."""
        assert self.verdict is not None, "only what was stopped can be abandoned"
        self._end(self.verdict)

    def _watch_silence(self) -> None:
        limit = self.node.task.idle_timeout
        if limit is None or self.is_over or self.verdict is not None:
            return
        if self._tools_in_use:  # a tool that works says nothing until it is done
            self._last_sign = self._hub.now()
        due = self._last_sign + limit
        if due <= self._hub.now():
            self.end_with(Broke(_idle_timeout(limit)))
        else:
            self._timers.append(self._hub.timers.at(due, self._watch_silence))

    # ── what the kind sees ──

    @property
    def run(self) -> RunFacts:
        facts, level = self._hub.facts, self.node.level
        return facts if level.outer is None else replace(facts, flow_folder=level.flow.folder)

    @property
    def task(self) -> str:
        return self.node.id

    @property
    def attempt(self) -> int:
        return self.number

    @property
    def idempotency_key(self) -> str:
        return f"{self._hub.facts.id}/{self.node.idempotency_key}"

    @property
    def environment(self) -> Mapping[str, str]:
        return self.node.level.environment

    @property
    def backend(self) -> Backend | None:
        desk = self.grant.desk or next(iter(self.node.callees), None)
        return desk.backend if desk is not None else self._hub.default_backend(self.node)

    @property
    def clock(self) -> Clock:
        return self._hub.clock

    @property
    def grace(self) -> float:
        """Return the seconds that the work has to end by itself, as its settings or whoever stopped it say."""
        if self._grace is not None:
            return self._grace
        return float(getattr(self.node.settings, "grace", None) or GRACE)

    @property
    def stopping(self) -> bool:
        return self.is_stopping

    def chance(self, *purpose: str | int) -> float:
        return self._hub.chance.random(self.node.id, self.number, *purpose)

    def write(self, stream: Stream, data: bytes | str) -> None:
        if not self.is_over:
            self._last_sign = self._hub.now()
            self._sink.write(stream, data)

    def written(self, stream: Stream) -> str | Cut:
        return self._sink.written(stream)

    def path(self, stream: Stream) -> str:
        return self._sink.path(stream)

    def model(self, own: str | None) -> str | None:
        desk = (self.calling or self.grant).desk
        if desk is None:
            return own
        is_own = desk is (self.node.callees or self.node.candidates)[0]
        cheaper = self._hub.scheduler.degradation.model_at(desk)
        self.is_second_best |= not is_own or cheaper is not None
        return cheaper or (own if is_own else None)

    def used(self, usage: Usage, model: str | None = None, window: int | None = None) -> None:
        if self.is_over:
            return
        desk = (self.calling or self.grant).desk
        cost = usage.cost_usd
        if cost is None and desk is not None:
            cost = desk.cost_of(usage)
        self.reported = True
        total = self.usage
        self.usage = Usage(
            total.input_tokens + usage.input_tokens,
            total.output_tokens + usage.output_tokens,
            total.cost_usd if cost is None else (total.cost_usd or 0.0) + cost,
        )
        name = desk.name if desk is not None else ""
        event = UsageReported(
            self.node.id,
            self.number,
            name,
            usage.input_tokens,
            usage.output_tokens,
            cost,
            None if model is None else self._hub.redactor.text(model),
            usage.cached_tokens,
            usage.reasoning_tokens,
            window,
        )
        self._hub.emit(event)

    def progress(self, done: float, total: float | None = None, message: str = "") -> None:
        if not self.is_over:
            self._last_sign = self._hub.now()
            self._progress = done, total, message
            if not self._is_quiet:
                self._tell_progress(self)

    def _tell_progress(self, _key: object) -> None:
        """Tell how far the work is, then be quiet for a moment, and tell what came last meanwhile."""
        progress, self._progress = self._progress, None
        self._is_quiet = progress is not None and not self.is_over
        if progress is not None and not self.is_over:
            done, total, message = progress
            text = self._hub.redactor.text(message)
            self._hub.emit(ProgressReported(self.node.id, self.number, done, total, text))
            self._hub.timers.wake(self, self._hub.now() + PROGRESS_EVERY, self._tell_progress)

    def call_soon(self, function: Callable[..., object], *args: object) -> None:
        self._hub.call_soon(function, *args)

    async def call(
        self, estimate: Estimate, work: Callable[[Backend], Awaitable[Any]], *, backend: str | None = None
    ) -> Any:  # noqa: ANN401 - what the work returns
        calls = self._hub.scheduler.calls
        if backend is None:
            return await calls.make(self, estimate, work)
        return await calls.make_beside(self, estimate, work, backend)

    def say(self, part: Message | ToolCall | ToolResult) -> None:
        if not self.is_over:
            self._last_sign = self._hub.now()
            self._note_tool(part)
            self._hub.conversations.say(self, part)

    def _note_tool(self, part: Message | ToolCall | ToolResult) -> None:
        if isinstance(part, ToolCall):
            self._tools_in_use.add(part.id)
        elif isinstance(part, ToolResult):
            self._tools_in_use.discard(part.call)

    async def ask(self, message: str, choices: Sequence[str] = ()) -> str:
        return await self._hub.scheduler.questions.ask(self, message, choices)

    async def confirm(self, message: str, show: str) -> None:
        await self._hub.scheduler.questions.confirm(self, message, show)

    async def delegate(self, works: Sequence[Work]) -> Sequence[Handed]:
        return await self._hub.scheduler.delegation.delegate(self, works)

    def recall(self, conversation: str) -> tuple[Message, ...]:
        return self._hub.conversations.recall(self.node, conversation)

    def remember(self, conversation: str, messages: Sequence[Message]) -> None:
        self._hub.conversations.remember(self.node, conversation, messages)

    def allowed(self, allowances: Sequence[Allowance]) -> None:
        desk = (self.calling or self.grant).desk
        if desk is not None and not self.is_over:
            desk.learn(allowances)

    # ── telling ──

    @property
    def _sink(self) -> Sink:
        """Return where output goes; most attempts that are quick write nothing."""
        if self._opened is None:
            hub, limit = self._hub, self._hub.options.max_output
            tell, soon = self._tell_output, hub.timers.within
            self._opened = Sink(self.node.id, self.number, hub.files, hub.redactor, limit, tell=tell, within=soon)
        return self._opened

    def _tell_output(self, stream: str, text: str) -> None:
        if not self.is_over:
            self._hub.emit(OutputProduced(self.node.id, self.number, stream, text))

    def partial(self) -> dict[str, object]:
        """Return what the attempt had written when it was cut short, as the main field of its output."""
        kind = self.node.kind
        text = self._opened.written("out") if self._opened is not None else ""
        return {kind.output.main: text} if kind is not None and text else {}

    def take_usage(self) -> Usage | None:
        """Return what was reported since the last time, None if nothing was."""
        if not self.reported:
            return None
        usage, self.usage, self.reported = self.usage, NO_USAGE, False
        return usage

    def blame(self, failure: Failure) -> Failure:
        """Return the failure with the attempt's own id, and without secrets."""
        text = self._hub.redactor.text
        return replace(
            failure,
            message=self._hub.redactor.message(failure.message),
            hint=text(failure.hint) if failure.hint else None,
            correlation_id=f"{self._hub.facts.id}/{self.node.id}/{self.number}",
        )


def _is_data(value: object) -> bool:
    """Return whether a value can be told in events and written down as JSON."""
    if isinstance(value, _PLAIN):
        return True
    if isinstance(value, _MAPPINGS):
        return all(map(_is_text, value)) and all(map(_is_data, value.values()))
    return isinstance(value, list | tuple) and all(map(_is_data, value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _shortened(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]} …"


def _attempt_timeout(task: Any) -> Failure:  # noqa: ANN401 - one signature for all makers
    message = f"no result within attempt_timeout ({task.attempt_timeout:g} s)"
    return TimeLimitError(message, hint="raise attempt_timeout, or find what hangs").failure


def _task_timeout(task: Any) -> Failure:  # noqa: ANN401 - as above
    message = f"no result within timeout ({task.timeout:g} s for all attempts)"
    return Failure(Code.TASK_TIMEOUT, ErrorClass.PERMANENT, ErrorKind.TIMEOUT, message, hint="raise timeout")


def _idle_timeout(seconds: float) -> Failure:
    return TimeLimitError(
        f"no output for {seconds:g} s (idle_timeout)", code=Code.IDLE_TIMEOUT, hint="raise idle_timeout"
    ).failure
