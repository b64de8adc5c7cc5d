"""Backends without a run: what the doctor looks at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from orchestrator.bootstrap.filling import filled
from orchestrator.bootstrap.loading import current_folder, registry
from orchestrator.bootstrap.options import DEFAULT_SEED
from orchestrator.bootstrap.sources import (
    key_of,
    marked_values,
    secrets_within,
    texts,
    used_specs,
    variables,
    with_inner,
)
from orchestrator.config.environment import secret_value
from orchestrator.core.errors import FlowError, Problem
from orchestrator.core.flow import BackendSpec, Flow, Json, SecretSource
from orchestrator.core.ports import Backend, BackendServices
from orchestrator.engine.clock import Chance, LoopClock
from orchestrator.engine.redact import Redactor, secret_values
from orchestrator.flows import check_inputs
from orchestrator.flows.handing import inputs_of_all
from orchestrator.flows.values import known_inputs


class Workshop:
    """Makes the backends of a flow that does not run, each for itself: what one of them lacks stops no other.

    `problems` say what is wrong with the inputs, which are then their defaults.
    """

    def __init__(self, flow: Flow, given: Mapping[str, str], folder: str) -> None:
        self._flow = flow
        self._folder = folder
        self._clock = LoopClock()
        self.problems: tuple[Problem, ...] = ()
        self._variables = {one.file: self._own_variables(one) for one in with_inner(flow)}
        self._secrets = {one.file: dict(self._known_secrets(one)) for one in with_inner(flow)}
        self._inputs_of = inputs_of_all(flow, self._inputs(given), self._known)
        self._specs = list(used_specs(flow))
        self._keys = dict(self._found_keys())
        self.redact = Redactor(self._hidden()).message

    @staticmethod
    def _own_variables(flow: Flow) -> Mapping[str, str]:
        with suppress(FlowError):  # who cannot read the file is told so elsewhere
            return variables(flow)
        return {}

    def _environ(self, flow: Flow) -> Mapping[str, str]:
        return {**os.environ, **self._variables[self._flow.file], **self._variables[flow.file]}

    def _inputs(self, given: Mapping[str, str]) -> Mapping[str, Json]:
        try:
            return check_inputs(self._flow, given, cwd=current_folder())
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
                    key: str | FlowError = secret_value(key_of(spec.name), spec.api_key, environ, home.folder)
                except FlowError as error:
                    key = error
                yield (home.folder, spec.api_key), key

    def _hidden(self) -> Iterator[str]:
        environs = [self._environ(one) for one in with_inner(self._flow)]
        yield from texts(self._secrets)
        for one in with_inner(self._flow):
            yield from marked_values(one, self._inputs_of[id(one)])
        yield from (value for environ in environs for value in secret_values(environ))
        yield from (key for key in self._keys.values() if isinstance(key, str))
        for home, spec in self._specs:
            yield from secrets_within(spec, self._scope(home))

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
            Chance(DEFAULT_SEED),
            key,
            folder=self._folder,
            flow_folder=home.folder,
            environment=self._environ(home),
            redact=self.redact,
        )
        make: Callable[[BackendSpec, BackendServices], Backend] = found
        return make(filled(spec, found, scope), services)
