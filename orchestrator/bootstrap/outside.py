"""What a run needs from outside."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from orchestrator.bootstrap.asked import SIMULATED
from orchestrator.bootstrap.options import RunOptions
from orchestrator.bootstrap.sources import key_of, marked_values, secrets_within, used_specs, variables, with_inner
from orchestrator.config.environment import read_env_file, secret_value
from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.flow import BackendSpec, Flow, Json, SecretSource
from orchestrator.engine.redact import secret_values
from orchestrator.flows.handing import inputs_of_all
from orchestrator.templates import render_data


class Outside:
    """Environment, secrets and keys of one run: found, or refused, before its first task.

    A flow within the flow has variables, secrets and backends of its own: two files may give the same name to different
    keys. `missing` are those that a dry run goes on without.
    """

    def __init__(self, flow: Flow, inputs: Mapping[str, Json], options: RunOptions) -> None:
        self._flow = flow
        self._simulated = options.simulate == "all"
        self._is_dry = options.dry_run
        self.missing: list[Problem] = []
        self._given = read_env_file(Path(options.env_file)) if options.env_file is not None else {}
        self._variables = {one.file: variables(one) for one in with_inner(flow)}
        self._values: dict[tuple[SecretSource, str], str] = {}
        self._secrets = {
            one.file: {name: self._value(f"secret {name}", source, one) for name, source in one.secrets.items()}
            for one in with_inner(flow)
        }
        self._specs = list(used_specs(flow))
        self._inputs_of = inputs_of_all(flow, inputs, self._of_tasks)
        self._keys = {
            (home.file, spec.name): self._value(key_of(spec.name), spec.api_key, home)
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
            return SIMULATED
        if (source, home.file) not in self._values:
            find = self._if_at_hand if self._is_dry else secret_value
            self._values[source, home.file] = find(what, source, self._environ(home), home.folder)
        return self._values[source, home.file]

    def _if_at_hand(self, what: str, source: SecretSource, environ: Mapping[str, str], folder: str) -> str:
        """Return a secret that stands in the environment; in the place of any other, what a simulated run has."""
        try:
            return SIMULATED if source.command is not None else secret_value(what, source, environ, folder)
        except FlowError as error:
            self.missing += error.problems
            return SIMULATED

    def secrets(self, flow: Flow) -> Mapping[str, str]:
        """Return the secrets of a flow, or of one within it."""
        return self._secrets[flow.file]

    @property
    def backends(self) -> Sequence[tuple[Flow, BackendSpec]]:
        """Return every backend with the flow that declares it."""
        return self._specs

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
        told = {text for home, spec in self._specs for text in secrets_within(spec, self.scope(home))}
        known = [(one, self._inputs_of[id(one)]) for one in with_inner(self._flow)]
        inner = {value for one, inputs in known for value in secret_values(self._own_as_known(one, inputs))}
        marked = {value for one, inputs in known for value in marked_values(one, inputs)}
        own = {*marked, *told, *inner, *secret_values(self.environment)}
        return frozenset(own if self._simulated else own | resolved)
