"""Puts the parts together: the only module that knows every concrete class."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets as tokens
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

from orchestrator import plugins
from orchestrator.config.environment import read_env_file, secret_value
from orchestrator.config.places import state_folder, write_report
from orchestrator.core.commands import CancelRun
from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.flow import BackendSpec, Flow, Json, SecretSource
from orchestrator.core.ports import Backend, BackendServices, Journal, Kind, Session
from orchestrator.core.run import Run
from orchestrator.engine import Engine, EngineOptions, Parts
from orchestrator.engine.clock import Chance, LoopClock
from orchestrator.engine.hub import StandIn
from orchestrator.engine.redact import secret_values
from orchestrator.flows import (
    Limits,
    Loaded,
    Registry,
    asking,
    check_approvals,
    check_inputs,
    check_priced,
    load_flow,
    only,
    read_limit,
    resolve_inputs,
    simulated,
    with_limits,
)
from orchestrator.journal import JsonLines, TaskFiles
from orchestrator.kinds.simulated import run_simulated
from orchestrator.processes import kill_all_children, raise_descriptor_limit, stop_leftovers
from orchestrator.templates import render_data

T = TypeVar("T")

LEFTOVERS_GRACE: Final = 1.0
"""Seconds that programs get which tasks left behind in the background."""

_SIMULATED: Final = "simulated"
_STAY_REAL: Final = {
    "all": frozenset({_SIMULATED, "resource"}),
    "models": frozenset({_SIMULATED, "resource", "http"}),
}
"""The kinds of backend that `--simulate` leaves as they are."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the caller says beyond the flow. `inputs` are texts as written; `can_ask` tells that a person is there."""

    inputs: Mapping[str, str] = field(default_factory=dict)
    only: tuple[str, ...] = ()
    simulate: Literal["all", "models"] | None = None
    max_concurrency: int | None = None
    budget_usd: float | None = None
    deadline: float | None = None
    env_file: str | None = None
    approve: frozenset[str] = frozenset()
    approve_all: bool = False
    seed: int | None = None
    can_ask: bool = False


# ── loading ─────────────────────────────────────────────────────────────────────────────────────


@cache
def registry() -> Registry:
    """Return what kinds and backends are installed; none is imported before a flow names it."""
    return Registry(
        partial(plugins.names, plugins.KINDS),
        partial(plugins.load, plugins.KINDS),
        partial(plugins.names, plugins.BACKENDS),
        partial(plugins.load, plugins.BACKENDS),
    )


def load(file: str) -> Loaded:
    """Return the flow in the file. Raises FlowError with all that is wrong."""
    _here()
    return load_flow(file, registry(), environ=os.environ)


def _here() -> str:
    """Return the current folder. Raises FlowError if it was removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        raise FlowError(Problem("the current folder is gone", hint="change to one that exists")) from None


def prepare(file: str, options: RunOptions) -> Prepared:
    """Return a run of the flow that is ready to start. Raises FlowError for what is wrong with flow or options."""
    loaded = load(file)
    inputs = check_inputs(loaded.flow, options.inputs, cwd=_here())
    check_approvals(loaded.flow, options.approve)
    flow = _as_asked(loaded.flow, options)
    _check_approvals(flow, options)
    return Prepared(flow, loaded.warnings, inputs, options)


def _as_asked(flow: Flow, options: RunOptions) -> Flow:
    """Return the flow with what the caller overrides."""
    flow = with_limits(
        flow,
        max_concurrency=options.max_concurrency,
        budget_usd=options.budget_usd,
        deadline=options.deadline,
    )
    if options.budget_usd is not None:
        check_priced(flow, _is_priced)
    if options.only:
        flow = only(flow, options.only)
    if options.simulate is not None:
        simulator = registry().backend(_SIMULATED)
        assert simulator is not None, "the simulated backend is built in"
        flow = simulated(flow, simulator.settings(), real=_STAY_REAL[options.simulate])
    return flow


def _is_priced(spec: BackendSpec) -> bool:
    """Return whether calls have a price: the backend's own, or one that its kind knows."""
    return spec.price is not None or bool(getattr(registry().backend(spec.kind), "knows_prices", False))


def _check_approvals(flow: Flow, options: RunOptions) -> None:
    """Refuse a flow that would ask where nobody can answer."""
    if options.can_ask or options.approve_all:
        return
    task = next((task for task in asking(flow) if task not in options.approve), None)
    if task is not None:
        hint = f"say --approve {task} or --approve-all, or run it where a terminal can ask"
        raise FlowError(Problem(f"task {task} asks for approval, and nobody can be asked", flow.file, hint=hint))


# ── what a run needs from outside ───────────────────────────────────────────────────────────────


class Outside:
    """Environment, secrets and keys of one run: found, or refused, before its first task."""

    def __init__(self, flow: Flow, inputs: Mapping[str, Json], options: RunOptions) -> None:
        self._flow = flow
        self._simulated = options.simulate == "all"
        self._environ = {**os.environ, **self._files(options.env_file)}
        self.secrets = self._resolved(flow.secrets)
        self.keys: dict[str, str] = {}
        for place in _with_inner(flow):
            self.keys |= self._resolved({name: spec.api_key for name, spec in place.backends.items()})
        self.scope = {"inputs": inputs, "input": inputs, "env": self._environ, "secrets": self.secrets}
        self.environment = {
            **self._environ,
            **{name: str(render_data(value, self.scope)) for name, value in flow.env.items()},
        }
        self._inputs = inputs

    def _files(self, given: str | None) -> dict[str, str]:
        own = Path(self._flow.folder) / self._flow.env_file if self._flow.env_file is not None else None
        paths = [path for path in (own, Path(given) if given is not None else None) if path is not None]
        return {name: value for path in paths for name, value in read_env_file(path).items()}

    def _resolved(self, sources: Mapping[str, SecretSource | None]) -> dict[str, str]:
        """Return the secrets by name; a simulated run needs none."""
        given = {name: source for name, source in sources.items() if source is not None}
        if self._simulated:
            return dict.fromkeys(given, _SIMULATED)
        return {name: secret_value(name, source, self._environ, self._flow.folder) for name, source in given.items()}

    def hidden(self) -> frozenset[str]:
        """Return every value that must not be seen."""
        marked = {str(self._inputs[name]) for name, one in self._flow.inputs.items() if one.secret}
        resolved = set() if self._simulated else {*self.secrets.values(), *self.keys.values()}
        return frozenset(resolved | marked | secret_values(self.environment))


def _with_inner(flow: Flow) -> list[Flow]:
    return [flow, *(one for inner in flow.flows.values() for one in _with_inner(inner))]


# ── a run that is ready ─────────────────────────────────────────────────────────────────────────


class Prepared:
    """One run that has not started. `folder` holds its events and the output of its tasks."""

    def __init__(
        self, flow: Flow, warnings: tuple[Problem, ...], inputs: Mapping[str, Json], options: RunOptions
    ) -> None:
        self.flow = flow
        self.warnings = warnings
        self.trouble: str | None = None
        self._options = options
        self._outside = Outside(flow, inputs, options)
        self._clock = LoopClock()
        self._state = state_folder(os.environ)
        self._kinds: dict[str, Kind] = {}
        self._chance = Chance(self._seed)
        self.run_id = _run_id(self._clock.wall())
        self.folder = str(self._state / "runs" / self.run_id)
        self._files = TaskFiles(Path(self.folder) / "tasks", self._disk_failed)
        self.log_path: Callable[[str], str] = self._files.log_path
        self._engine = Engine(flow, self._parts(inputs), self._engine_options())
        self.session: Session = self._engine.session

    @property
    def _seed(self) -> int:
        given = self._options.seed if self._options.seed is not None else self.flow.seed
        return _DEFAULT_SEED if given is None else given

    def _parts(self, inputs: Mapping[str, Json]) -> Parts:
        return Parts(
            kinds=self._kind,
            backends=self._backend,
            clock=self._clock,
            chance=self._chance,
            files=self._files,
            run_id=self.run_id,
            folder=self.folder,
            seed=self._seed,
            inputs=inputs,
            secrets=self._outside.secrets,
            hidden=self._outside.hidden(),
            environment=self._outside.environment,
            resolve_inputs=resolve_inputs,
            bug=lambda report: write_report(report, self._state),
            stand_in=_stand_in(self._options),
        )

    def _engine_options(self) -> EngineOptions:
        options = self._options
        return EngineOptions(
            stops_when_held=True,
            answers_questions=options.can_ask,
            approved=options.approve,
            approve_all=options.approve_all,
            max_tasks=Limits.from_environ(os.environ).tasks,
            max_output=read_limit(os.environ, "ORCHESTRATOR_MAX_OUTPUT", EngineOptions().max_output),
            simulated=options.simulate is not None,
        )

    def _kind(self, name: str) -> Kind:
        kind = self._kinds.get(name)
        if kind is None:
            found = registry().kind(name)
            assert found is not None, f"the loader let kind {name!r} pass"
            kind = self._kinds[name] = found()
        return kind

    def _backend(self, spec: BackendSpec) -> Backend:
        found = registry().backend(_SIMULATED if self._options.simulate == "all" else spec.kind)
        assert found is not None, f"the loader let backend {spec.kind!r} pass"
        settings = rendered(found.settings() if spec.settings is None else spec.settings, self._outside.scope)
        services = BackendServices(self._clock, self._chance, self._outside.keys.get(spec.name))
        make: Callable[[BackendSpec, BackendServices], Backend] = found
        return make(replace(spec, settings=settings), services)

    def _disk_failed(self, error: OSError) -> None:
        self.trouble = f"the output of tasks cannot be written: {error}"

    def _events_lost(self) -> None:
        self.trouble = "the run's events cannot be written"

    # ── running ──

    def claim_folder(self) -> None:
        """Make the run's folder. Raises FlowError where that cannot be."""
        try:
            Path(self.folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            hint = "set ORCHESTRATOR_STATE_DIR to a folder that can be written"
            why = f"the run cannot be kept in {self._state}: {error.strerror}"
            raise FlowError(Problem(why, hint=hint, code=Code.JOURNAL)) from error

    async def run(self, *, journals: Sequence[Journal] = (), lingers: bool = False) -> Run:
        """Carry out the flow in the caller's loop, until the run is finished, or held with nobody to ask.

        One that `lingers` stays open after its end, for retries, until `leave` is called.
        """
        raise_descriptor_limit()
        calm_collector()
        try:
            return await self._engine.run((self._journal(), *journals), lingers=lingers)
        finally:
            await stop_leftovers(LEFTOVERS_GRACE)

    def _journal(self) -> Journal:
        self.claim_folder()
        stream = (Path(self.folder) / "events.jsonl").open("w", encoding="utf-8", buffering=1 << 16)
        return JsonLines(stream, self._events_lost, owns_stream=True)

    def leave(self) -> None:
        """Let a run that lingers end. Call it on the run's loop."""
        self._engine.leave()


_DEFAULT_SEED: Final = 0

_COLLECT_AFTER: Final = 100_000
"""New objects between two looks for cycles. A run makes few, and a thousand tasks make tens of thousands of objects."""


def calm_collector() -> None:
    """Let Python look for cycles less often, and not at all among what was loaded: that stays."""
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 20, 20)


def _run_id(wall: float) -> str:
    """Return an id that sorts by time: `20260131-235959-1a2b3c`."""
    return f"{datetime.fromtimestamp(wall, tz=UTC):%Y%m%d-%H%M%S}-{tokens.token_hex(3)}"


def rendered(settings: object, scope: Mapping[str, object]) -> object:
    """Return a backend's settings with the templates in its texts rendered."""
    assert is_dataclass(settings), "settings are a frozen dataclass"
    assert not isinstance(settings, type), "and a value of it"
    texts = {one.name: getattr(settings, one.name) for one in fields(settings)}
    changed = {
        name: render_data(text, scope)
        for name, text in texts.items()
        if isinstance(text, str) and name not in _RENDERED_LATER and ("{{" in text or "${" in text)
    }
    return replace(settings, **changed) if changed else settings


_RENDERED_LATER: Final = frozenset({"answer"})
"""A simulated answer is a template over each prompt, not over the run's inputs."""


def _stand_in(options: RunOptions) -> Callable[[str], StandIn | None]:
    """Return what carries out kinds whose work must not touch anything: those that no simulated backend answers."""

    def stand_in(kind: str) -> StandIn | None:
        return run_simulated if options.simulate == "all" and kind in _TOUCH_THE_WORLD else None

    return stand_in


_TOUCH_THE_WORLD: Final = frozenset({"shell", "http", "function", "mcp"})


# ── a loop of its own ───────────────────────────────────────────────────────────────────────────


def run_to_the_end(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a loop of its own, as `asyncio.run` does, and close the loop whatever was left in it.

    A function that ignores being cancelled is left behind by its attempt; `asyncio.run` would wait for it for ever.
    """
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(main)
    finally:
        _leave_behind(loop)
        loop.close()


def _leave_behind(loop: asyncio.AbstractEventLoop) -> None:
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        _, stubborn = loop.run_until_complete(asyncio.wait(left, timeout=_LAST_WAIT))
        for task in stubborn:
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio has no public way
    loop.run_until_complete(loop.shutdown_asyncgens())


_LAST_WAIT: Final = 0.5
"""Seconds that what is left in a loop has to take note that it was cancelled."""


# ── a run in a thread of its own ────────────────────────────────────────────────────────────────


class EngineThread:
    """A run with a loop and a thread of its own, so that nothing that happens to a screen happens to the run.

    `error` is what ended the engine, if that was no end of the run. Leaving cancels what still runs.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._thread = threading.Thread(target=self._main, name="engine", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._started = threading.Event()
        self._ended = threading.Event()
        self.session = prepared.session
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def _main(self) -> None:
        try:
            run_to_the_end(self._run())
        except BaseException as error:  # noqa: BLE001 - whatever ends the engine is told to who owns the screen
            self.error = error
        finally:
            self._started.set()
            self._ended.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._started.set)
        await self._prepared.run(lingers=True)

    @property
    def finished(self) -> bool:
        """Return whether the engine has ended: its run is over and was left, or it failed."""
        return self._ended.is_set()

    def wait(self, seconds: float | None = None) -> bool:
        return self._ended.wait(seconds)

    def leave(self) -> None:
        """Let the engine end as soon as its run has."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._prepared.leave)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        self.session.send(CancelRun(by="the end of the program"))
        if not self.wait(_LONGEST_GOODBYE):
            self.session.send(CancelRun(force=True, by="the end of the program"))
            self.wait(_LONGEST_GOODBYE)
        kill_all_children()


_LONGEST_GOODBYE: Final = 8.0
"""Seconds that tasks get when the program ends while they run; then they are killed."""
