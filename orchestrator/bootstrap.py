"""Puts the parts together: the only module that knows every concrete class."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, fields, is_dataclass, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeVar

from orchestrator import plugins
from orchestrator.config.environment import read_env_file, secret_value
from orchestrator.config.places import Answers, state_folder, write_report, write_whole
from orchestrator.config.settings import Settings, read_settings
from orchestrator.core.commands import CancelRun
from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.fact import fact
from orchestrator.core.flow import BackendSpec, Flow, Json, SecretSource
from orchestrator.core.ports import Backend, BackendServices, Journal, Kind, Session
from orchestrator.core.run import Run
from orchestrator.core.secrecy import sounds_secret
from orchestrator.core.simulation import Dials
from orchestrator.engine import Engine, EngineOptions, Parts
from orchestrator.engine.clock import Chance, LoopClock, QuickLoop
from orchestrator.engine.hub import StandIn
from orchestrator.engine.redact import Redactor, secret_values
from orchestrator.flows import (
    MODEL_KINDS,
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
from orchestrator.flows.handing import inputs_of_all
from orchestrator.flows.pricing import may_be_priced
from orchestrator.flows.values import known_inputs
from orchestrator.journal import JsonLines, TaskFiles
from orchestrator.kinds.simulated import run_simulated
from orchestrator.processes import kill_all_children, raise_descriptor_limit, stop_leftovers
from orchestrator.templates import render_data, text_of

T = TypeVar("T")

LEFTOVERS_GRACE: Final = 1.0
"""Seconds that programs get which tasks left behind in the background."""

_SIMULATED: Final = "simulated"
_STAY_REAL: Final = {
    "all": frozenset({_SIMULATED, "resource"}),
    "models": frozenset({_SIMULATED, "resource", "http", "mcp"}),
}
"""The kinds of backend that `--simulate` leaves as they are."""


@fact
class RunOptions:
    """What the caller says beyond the flow. `inputs` are texts as written; `can_ask` tells that a person is there.

    With `dials` simulated backends are broken and mended while the run is on.
    """

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
    dials: Dials = field(default_factory=Dials)


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
    settings = configured(file)
    loaded = load_flow(file, registry(), environ=os.environ, configuration=settings.files)
    return replace(loaded, warnings=settings.warnings + loaded.warnings)


def configured(file: str | None = None) -> Settings:
    """Return what is set beside the flow file, or in the current folder. Raises FlowError with all that is wrong."""
    here = _here()
    return read_settings(Path(here, file).parent if file is not None else Path(here), os.environ)


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


def _is_priced(spec: BackendSpec, model: str | None) -> bool:
    """Return whether calls have a price: one that is declared, or that the backend's kind knows."""
    return may_be_priced(spec, registry().backend(spec.kind), model)


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
    """Environment, secrets and keys of one run: found, or refused, before its first task.

    A flow within the flow has variables, secrets and backends of its own: two files may give the same name to different
    keys.
    """

    def __init__(self, flow: Flow, inputs: Mapping[str, Json], options: RunOptions) -> None:
        self._flow = flow
        self._simulated = options.simulate == "all"
        self._given = read_env_file(Path(options.env_file)) if options.env_file is not None else {}
        self._variables = {one.file: _variables(one) for one in _with_inner(flow)}
        self._values: dict[tuple[SecretSource, str], str] = {}
        self._secrets = {
            one.file: {name: self._value(f"secret {name}", source, one) for name, source in one.secrets.items()}
            for one in _with_inner(flow)
        }
        self._specs = list(_used_specs(flow))
        self._inputs_of = inputs_of_all(flow, inputs, self._of_tasks)
        self._keys = {
            (home.file, spec.name): self._value(_key_of(spec.name), spec.api_key, home)
            for home, spec in self._specs
            if spec.api_key is not None
        }
        self.environment = {**os.environ, **self.own_environment(flow, inputs)}

    def _environ(self, flow: Flow) -> Mapping[str, str]:
        """Return what a flow finds in its environment: nearer files count more, and most what the caller gives."""
        return {**os.environ, **self._variables[self._flow.file], **self._variables[flow.file], **self._given}

    def own_environment(self, flow: Flow, inputs: Mapping[str, Json]) -> Mapping[str, str]:
        """Return the variables that a flow adds for its tasks. Raises FlowError where they cannot be rendered."""
        scope = self._known(flow, inputs)
        try:
            rendered_ones = {name: str(render_data(value, scope)) for name, value in flow.env.items()}
        except ValueError as error:
            raise FlowError(Problem(f"env: {error}", flow.file, code=Code.TEMPLATE)) from error
        return {**self._variables[flow.file], **self._given, **rendered_ones}

    def _value(self, what: str, source: SecretSource, home: Flow) -> str:
        """Return a secret; a simulated run needs none. A program that prints it is asked once."""
        if self._simulated:
            return _SIMULATED
        if (source, home.file) not in self._values:
            self._values[source, home.file] = secret_value(what, source, self._environ(home), home.folder)
        return self._values[source, home.file]

    def secrets(self, flow: Flow) -> Mapping[str, str]:
        """Return the secrets of a flow, or of one within it."""
        return self._secrets[flow.file]

    def home(self, spec: BackendSpec) -> Flow:
        """Return the flow that declares the backend."""
        return next((home for home, one in self._specs if one is spec), self._flow)

    def key(self, spec: BackendSpec) -> str | None:
        return self._keys.get((self.home(spec).file, spec.name))

    def scope(self, flow: Flow) -> Mapping[str, object]:
        """Return what the templates of a flow's backends may name."""
        return self._known(flow, self._inputs_of[id(flow)])

    def _known(self, flow: Flow, inputs: Mapping[str, Json]) -> Mapping[str, object]:
        return {"inputs": inputs, "input": inputs, "env": self._environ(flow), "secrets": self.secrets(flow)}

    def _of_tasks(self, flow: Flow, inputs: Mapping[str, Json]) -> Mapping[str, object]:
        """Return what templates of a flow's tasks may name before one of them has run."""
        known = self._known(flow, inputs)
        return {**known, "env": {**self._environ(flow), **self._own_as_known(flow, inputs)}}

    def services_environment(self, home: Flow) -> Mapping[str, str]:
        """Return the environment for what a flow's backends start."""
        if home is self._flow:
            return self.environment
        return {**self.environment, **self._own_as_known(home, self._inputs_of[id(home)])}

    def _own_as_known(self, flow: Flow, inputs: Mapping[str, Json]) -> Mapping[str, str]:
        """Return the variables of a flow as far as they are known before it is called."""
        try:
            return self.own_environment(flow, inputs)
        except FlowError:
            return self._variables[flow.file]

    def hidden(self) -> frozenset[str]:
        """Return every value that must not be seen."""
        resolved = {value for one in self._secrets.values() for value in one.values()} | {*self._keys.values()}
        told = {text for home, spec in self._specs for text in _secrets_within(spec, self.scope(home))}
        known = [(one, self._inputs_of[id(one)]) for one in _with_inner(self._flow)]
        inner = {value for one, inputs in known for value in secret_values(self._own_as_known(one, inputs))}
        marked = {value for one, inputs in known for value in _marked(one, inputs)}
        own = {*marked, *told, *inner, *secret_values(self.environment)}
        return frozenset(own if self._simulated else own | resolved)


def _variables(flow: Flow) -> dict[str, str]:
    """Return what stands in the flow's own `env_file`. Raises FlowError if it cannot be read."""
    return read_env_file(Path(flow.folder, flow.env_file)) if flow.env_file is not None else {}


def _key_of(backend: str) -> str:
    return f"the key of backend {backend}"


def _used_specs(flow: Flow, above: frozenset[str] = frozenset()) -> Iterator[tuple[Flow, BackendSpec]]:
    """Yield every backend with the flow that declares it, but those in whose place one of a flow above is used."""
    yield from ((flow, spec) for name, spec in flow.backends.items() if name not in above)
    for inner in flow.flows.values():
        yield from _used_specs(inner, above | flow.backends.keys())


def _marked(flow: Flow, inputs: Mapping[str, Json]) -> Iterator[str]:
    """Yield the values of the inputs that are secret."""
    for name in (name for name, one in flow.inputs.items() if one.secret and name in inputs):
        yield from _texts(inputs[name])


def _texts(value: object) -> Iterator[str]:
    """Yield a value as text, and every text within it."""
    yield str(value)
    if isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(one)


_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Headers whose values are secret although their names do not sound like it."""


def _secrets_within(spec: BackendSpec, scope: Mapping[str, object]) -> Iterator[str]:
    """Yield the values of a backend's headers and variables that nobody should see, however they came there."""
    variables = getattr(spec.settings, "env", None)
    given = [*spec.headers.items(), *(variables.items() if isinstance(variables, Mapping) else ())]
    for name, value in given:
        if sounds_secret(name) or name.lower() in _CREDENTIALS:
            with suppress(ValueError):  # what cannot be rendered is told of when the backend is made
                text = text_of(render_data(value, scope))
                yield from (text, text.partition(" ")[2])


def _with_inner(flow: Flow) -> list[Flow]:
    return [flow, *(one for inner in flow.flows.values() for one in _with_inner(inner))]


class Workshop:
    """Makes the backends of a flow that does not run, each for itself: what one of them lacks stops no other.

    `problems` say what is wrong with the inputs, which are then their defaults.
    """

    def __init__(self, flow: Flow, given: Mapping[str, str], folder: str) -> None:
        self._flow = flow
        self._folder = folder
        self._clock = LoopClock()
        self.problems: tuple[Problem, ...] = ()
        self._variables = {one.file: self._own_variables(one) for one in _with_inner(flow)}
        self._secrets = {one.file: dict(self._known_secrets(one)) for one in _with_inner(flow)}
        self._inputs_of = inputs_of_all(flow, self._inputs(given), self._known)
        self._specs = list(_used_specs(flow))
        self._keys = dict(self._found_keys())
        self.redact = Redactor(self._hidden()).message

    @staticmethod
    def _own_variables(flow: Flow) -> Mapping[str, str]:
        with suppress(FlowError):  # who cannot read the file is told so elsewhere
            return _variables(flow)
        return {}

    def _environ(self, flow: Flow) -> Mapping[str, str]:
        return {**os.environ, **self._variables[self._flow.file], **self._variables[flow.file]}

    def _inputs(self, given: Mapping[str, str]) -> Mapping[str, Json]:
        try:
            return check_inputs(self._flow, given, cwd=_here())
        except FlowError as error:
            self.problems = error.problems
            return known_inputs(self._flow, {})

    def _known_secrets(self, flow: Flow) -> Iterator[tuple[str, str]]:
        for name, source in flow.secrets.items():
            with suppress(FlowError):
                yield name, secret_value(f"secret {name}", source, self._environ(flow), flow.folder)

    def _scope(self, flow: Flow) -> Mapping[str, object]:
        return self._known(flow, self._inputs_of[id(flow)])

    def _known(self, flow: Flow, inputs: Mapping[str, Json]) -> Mapping[str, object]:
        return {"inputs": inputs, "input": inputs, "env": self._environ(flow), "secrets": self._secrets[flow.file]}

    def _found_keys(self) -> Iterator[tuple[tuple[str, SecretSource], str | FlowError]]:
        """Yield each key, or why it is not there; a command that prints one cannot be run from within a loop."""
        for home, spec in self._specs:
            if spec.api_key is not None:
                try:
                    environ = self._environ(home)
                    key: str | FlowError = secret_value(_key_of(spec.name), spec.api_key, environ, home.folder)
                except FlowError as error:
                    key = error
                yield (home.folder, spec.api_key), key

    def _hidden(self) -> Iterator[str]:
        environs = [self._environ(one) for one in _with_inner(self._flow)]
        yield from _texts(self._secrets)
        for one in _with_inner(self._flow):
            yield from _marked(one, self._inputs_of[id(one)])
        yield from (value for environ in environs for value in secret_values(environ))
        yield from (key for key in self._keys.values() if isinstance(key, str))
        for home, spec in self._specs:
            yield from _secrets_within(spec, self._scope(home))

    def backend(self, spec: BackendSpec) -> Backend:
        """Return a backend of its own, made on the loop on which it is used.

        Raises:
            FlowError: its key, or what its templates name, is not there.
        """
        found = registry().backend(spec.kind)
        assert found is not None, f"the loader let backend {spec.kind!r} pass"
        home = next((home for home, one in self._specs if one is spec), self._flow)
        key = self._keys[home.folder, spec.api_key] if spec.api_key is not None else None
        if isinstance(key, FlowError):
            raise key
        scope = self._scope(home)
        services = BackendServices(
            self._clock,
            Chance(_DEFAULT_SEED),
            key,
            folder=self._folder,
            flow_folder=home.folder,
            environment=self._environ(home),
            redact=self.redact,
        )
        make: Callable[[BackendSpec, BackendServices], Backend] = found
        return make(filled(_with_settings(spec, found), scope), services)


# ── a run that is ready ─────────────────────────────────────────────────────────────────────────


class Prepared:
    """One run that has not started. `folder` holds its events and the output of its tasks."""

    def __init__(
        self, flow: Flow, warnings: tuple[Problem, ...], inputs: Mapping[str, Json], options: RunOptions
    ) -> None:
        self.flow = flow
        self.inputs = inputs
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
        self._redactor = Redactor(self._outside.hidden())
        self._files = TaskFiles(Path(self.folder) / "tasks", self._disk_failed)
        self.log_path: Callable[[str], str] = self._files.log_path
        self._engine = Engine(flow, self._parts(inputs), self._engine_options())
        self.session: Session = self._engine.session

    @property
    def _seed(self) -> int:
        given = self._options.seed if self._options.seed is not None else self.flow.seed
        return _DEFAULT_SEED if given is None else given

    def _parts(self, inputs: Mapping[str, Json]) -> Parts:
        is_rehearsal = self._options.simulate == "all"
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
            secrets=self._outside.secrets(self.flow),
            inner_secrets=self._outside.secrets,
            inner_environment=self._outside.own_environment,
            hidden=self._outside.hidden(),
            environment=self._outside.environment,
            resolve_inputs=resolve_inputs,
            bug=lambda report: write_report(report, self._state),
            stand_in=_stand_in(self._options),
            save=None if is_rehearsal else write_whole,
            cache=None if is_rehearsal else Answers(self._state / "answers", self._clock.wall),
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
            rehearsal=options.simulate == "all",
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
        home = self._outside.home(spec)
        services = BackendServices(
            self._clock,
            self._chance,
            self._outside.key(spec),
            folder=self.folder,
            flow_folder=home.folder,
            environment=self._outside.services_environment(home),
            redact=self._redactor.text,
            dials=self._options.dials,
        )
        make: Callable[[BackendSpec, BackendServices], Backend] = found
        return make(filled(_with_settings(spec, found), self._outside.scope(home)), services)

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
    return f"{datetime.fromtimestamp(wall, tz=UTC):%Y%m%d-%H%M%S}-{os.urandom(3).hex()}"


def _with_settings(spec: BackendSpec, kind: type[Backend]) -> BackendSpec:
    return spec if spec.settings is not None else replace(spec, settings=kind.settings())


def filled(spec: BackendSpec, scope: Mapping[str, object]) -> BackendSpec:
    """Return the declaration with its templates rendered. Raises FlowError where that cannot be."""
    try:
        headers = {name: text_of(render_data(value, scope)) for name, value in spec.headers.items()}
        return replace(spec, settings=rendered(spec.settings, scope), headers=headers)
    except ValueError as error:  # a template, or what the settings say of the value that came of it
        hint = getattr(error, "hint", None)
        raise FlowError(Problem(f"{spec.kind} {spec.name!r}: {error}", hint=hint, code=Code.TEMPLATE)) from error


def rendered(settings: object, scope: Mapping[str, object]) -> object:
    """Return a backend's settings with the templates in its texts rendered."""
    assert is_dataclass(settings), "settings are a frozen dataclass"
    assert not isinstance(settings, type), "and a value of it"
    values = {one.name: getattr(settings, one.name) for one in fields(settings)}
    changed = {
        name: render_data(value, scope)
        for name, value in values.items()
        if name not in _RENDERED_LATER and _has_template(value)
    }
    return replace(settings, **changed) if changed else settings


_RENDERED_LATER: Final = frozenset({"answer", "answers"})
"""A simulated answer is a template over each prompt, not over the run's inputs."""


def _has_template(value: object) -> bool:
    """Return whether there is one in a text, in a list or in the values of a map."""
    if isinstance(value, Mapping):
        return any(map(_has_template, value.values()))
    if isinstance(value, tuple | list):
        return any(map(_has_template, value))
    return isinstance(value, str) and ("{{" in value or "${" in value)


def _stand_in(options: RunOptions) -> Callable[[str, Json], StandIn | None]:
    """Return what does tasks' work in a rehearsal: where it would touch something, or they say what comes of it."""

    def stand_in(kind: str, simulate: Json) -> StandIn | None:
        answers = kind in _TOUCH_THE_WORLD or (kind in MODEL_KINDS and simulate is not None)
        return run_simulated if answers and options.simulate == "all" else None

    return stand_in


_TOUCH_THE_WORLD: Final = frozenset({"shell", "http", "function", "mcp"})


# ── a loop of its own ───────────────────────────────────────────────────────────────────────────


def run_to_the_end(main: Coroutine[Any, Any, T], *, speed: float = 1.0) -> T:
    """Run a coroutine in a loop of its own, as `asyncio.run` does, and close the loop whatever was left in it.

    A function that ignores being cancelled is left behind by its attempt; `asyncio.run` would wait for it for ever.
    With a `speed` the loop's clock runs so many times as fast; what has a clock of its own, such as a child program,
    does not.
    """
    loop = asyncio.new_event_loop() if speed == 1.0 else QuickLoop(speed)
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

    def __init__(self, prepared: Prepared, *, speed: float = 1.0) -> None:
        self._prepared = prepared
        self._speed = speed
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
            run_to_the_end(self._run(), speed=self._speed)
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
