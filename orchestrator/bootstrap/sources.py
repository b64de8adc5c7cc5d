"""Where the variables, secrets and keys of a flow come from, and of the flows within it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from orchestrator.config.environment import read_env_file
from orchestrator.core.errors import FlowError, Problem
from orchestrator.core.flow import BackendSpec, Flow, Json
from orchestrator.core.secrecy import sounds_secret
from orchestrator.templates import render_data, text_of


def variables(flow: Flow) -> dict[str, str]:
    """Return what stands in the flow's own `env_file`. Raises FlowError if it cannot be read."""
    return read_env_file(Path(flow.folder, flow.env_file)) if flow.env_file is not None else {}


def unread(flow: Flow) -> Iterator[Problem]:
    """Yield what keeps a run from reading the `env_file` of the flow, or of one within it."""
    for one in {one.file: one for one in with_inner(flow)}.values():
        try:
            variables(one)
        except FlowError as error:
            yield from (
                replace(problem, hint=problem.hint or "a run is refused without it") for problem in error.problems
            )


def key_of(backend: str) -> str:
    return f"the key of backend {backend}"


def used_specs(flow: Flow, above: frozenset[str] = frozenset()) -> Iterator[tuple[Flow, BackendSpec]]:
    """Yield every backend with the flow that declares it, but those in whose place one of a flow above is used."""
    yield from ((flow, spec) for name, spec in flow.backends.items() if name not in above)
    for inner in flow.flows.values():
        yield from used_specs(inner, above | flow.backends.keys())


def marked_values(flow: Flow, inputs: Mapping[str, Json]) -> Iterator[str]:
    """Yield the values of the inputs that are secret."""
    for name in (name for name, one in flow.inputs.items() if one.secret and name in inputs):
        yield from texts(inputs[name])


def texts(value: object) -> Iterator[str]:
    """Yield a value as text, and every text within it."""
    yield str(value)
    if isinstance(value, Mapping | list | tuple):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from texts(one)


_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
"""Headers whose values are secret although their names do not sound like it."""


def secrets_within(spec: BackendSpec, scope: Mapping[str, object]) -> Iterator[str]:
    """Yield the values of a backend's headers and variables that nobody should see, however they came there."""
    env = getattr(spec.settings, "env", None)
    given = [*spec.headers.items(), *(env.items() if isinstance(env, Mapping) else ())]
    for name, value in given:
        if sounds_secret(name) or name.lower() in _CREDENTIALS:
            with suppress(ValueError):  # what cannot be rendered is told of when the backend is made
                text = text_of(render_data(value, scope))
                yield from (text, text.partition(" ")[2])


def with_inner(flow: Flow) -> list[Flow]:
    return [flow, *(one for inner in flow.flows.values() for one in with_inner(inner))]
