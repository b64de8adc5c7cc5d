"""A run that is ready: its parts put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from orchestrator.bootstrap.asked import SIMULATED, as_asked, check_answerable
from orchestrator.bootstrap.filling import filled
from orchestrator.bootstrap.loading import current_folder, load, registry
from orchestrator.bootstrap.loops import calm_collector
from orchestrator.bootstrap.options import DEFAULT_SEED, RunOptions
from orchestrator.bootstrap.outside import Outside
from orchestrator.config.places import Answers, state_folder, write_report, write_whole
from orchestrator.core import units
from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.flow import BackendSpec, Flow, Json
from orchestrator.core.ports import Backend, BackendServices, Journal, Kind, Session
from orchestrator.core.run import Run
from orchestrator.engine import Engine, EngineOptions, Parts
from orchestrator.engine.clock import Chance, LoopClock
from orchestrator.engine.hub import StandIn
from orchestrator.engine.redact import Redactor
from orchestrator.flows import MODEL_KINDS, Limits, check_approvals, check_inputs, read_limit, resolve_inputs
from orchestrator.journal import JsonLines, TaskFiles
from orchestrator.kinds.simulated import run_simulated
from orchestrator.processes import end_alone, raise_descriptor_limit, stop_leftovers

LEFTOVERS_GRACE: Final = 1.0
"""Seconds that programs get which tasks left behind in the background."""


def prepare(file: str, options: RunOptions) -> Prepared:
    """Return a run of the flow that is ready to start. Raises FlowError for what is wrong with flow or options."""
    loaded = load(file)
    inputs = check_inputs(loaded.flow, options.inputs, cwd=current_folder())
    check_approvals(loaded.flow, options.approve)
    flow = as_asked(loaded.flow, options)
    check_answerable(flow, inputs, options)
    return Prepared(flow, loaded.warnings, inputs, options)


class Prepared:
    """One run that has not started. `folder` holds its events and the output of its tasks."""

    def __init__(
        self, flow: Flow, warnings: tuple[Problem, ...], inputs: Mapping[str, Json], options: RunOptions
    ) -> None:
        self.flow = flow
        self.inputs = inputs
        self.trouble: str | None = None
        self._options = options
        self._outside = Outside(flow, inputs, options)
        self.warnings = (*warnings, *self._outside.missing)
        self._check_backends()
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
        return DEFAULT_SEED if given is None else given

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
            max_output=read_limit(os.environ, "ORCHESTRATOR_MAX_OUTPUT", EngineOptions().max_output, units.size),
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
        found, home = self._backend_kind(spec), self._outside.home(spec)
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
        return make(filled(spec, found, self._outside.scope(home)), services)

    def _backend_kind(self, spec: BackendSpec) -> type[Backend]:
        found = registry().backend(SIMULATED if self._options.simulate == "all" else spec.kind)
        assert found is not None, f"the loader let backend {spec.kind!r} pass"
        return found

    def _check_backends(self) -> None:
        """Refuse what templates of backends come to before the first task. A dry run may lack the secrets in them."""
        for home, spec in () if self._options.dry_run else self._outside.backends:
            filled(spec, self._backend_kind(spec), self._outside.scope(home))

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
        end_alone()
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


def _run_id(wall: float) -> str:
    """Return an id that sorts by time: `20260131-235959-1a2b3c`."""
    return f"{datetime.fromtimestamp(wall, tz=UTC):%Y%m%d-%H%M%S}-{os.urandom(3).hex()}"


def _stand_in(options: RunOptions) -> Callable[[str, Json], StandIn | None]:
    """Return what does tasks' work in a rehearsal: where it would touch something, or they say what comes of it."""

    def stand_in(kind: str, simulate: Json) -> StandIn | None:
        answers = kind in _TOUCH_THE_WORLD or (kind in MODEL_KINDS and simulate is not None)
        return run_simulated if answers and options.simulate == "all" else None

    return stand_in


_TOUCH_THE_WORLD: Final = frozenset({"shell", "http", "function", "mcp"})
