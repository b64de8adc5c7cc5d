"""What a flow hands to the files that it calls before the run begins: the inputs that their backends read.

A backend is made once for each place of its file in the run, so what its templates read has to be known by then.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeAlias

from orchestrator.core.flow import Flow, FlowCall, Json
from orchestrator.flows.templating import texts
from orchestrator.flows.values import known_inputs
from orchestrator.templates import parse_template, render_data

Path: TypeAlias = tuple[str | int, ...]
INPUTS: Final = frozenset({"inputs", "input"})
EARLY: Final = INPUTS | {"env", "secrets"}
"""The names whose values are known before the run begins."""


def references(value: object) -> Iterator[Path]:
    """Yield what the templates within a value name. Raises TemplateError for what is none."""
    for _, text in texts(value, ()):
        for reference in parse_template(text).references:
            yield reference.path


def inputs_among(paths: Iterable[Path], declared: Mapping[str, object]) -> Iterator[str]:
    """Yield the inputs that are named; who names them as a whole names each of them."""
    for path in paths:
        if path[0] in INPUTS:
            yield from (str(path[1]),) if len(path) > 1 else declared


def readers(flow: Flow, own: Mapping[str, Collection[str]]) -> dict[str, frozenset[str]]:
    """Return the inputs that backends of a flow, and of those that it calls, read: `own` are those of its own."""
    found = {name: set(backends) for name, backends in own.items()}
    for task, inner in flow.flows.items():
        given = _call(flow, task).inputs
        for name, backends in inner.early.items():
            for source in inputs_among(references(given.get(name)), flow.inputs):
                found.setdefault(source, set()).update(backends - flow.backends.keys())
    return {name: frozenset(backends) for name, backends in found.items() if backends}


def told_apart(flow: Flow) -> Flow:
    """Return the flow in which each call of a file whose backends read inputs has backends of its own."""
    inner = {task: _apart(called) for task, called in flow.flows.items()}
    is_changed = any(called is not flow.flows[task] for task, called in inner.items())
    return replace(flow, flows=inner) if is_changed else flow


def _apart(flow: Flow) -> Flow:
    flow = told_apart(flow)
    return replace(flow, backends={name: replace(spec) for name, spec in flow.backends.items()}) if flow.early else flow


def handed(flow: Flow, task: str, scope: Mapping[str, object]) -> Mapping[str, Json]:
    """Return the inputs of the file that a task calls, as far as they are known before the run begins."""
    given: dict[str, Json] = {}
    for name, value in _call(flow, task).inputs.items():
        if all(path[0] in EARLY for path in references(value)):
            with suppress(ValueError):  # it names an input that is not known itself
                given[name] = render_data(value, scope)  # type: ignore[assignment]  # JSON-able data stays so
    return known_inputs(flow.flows[task], given)


def inputs_of_all(
    flow: Flow, inputs: Mapping[str, Json], scope: Callable[[Flow, Mapping[str, Json]], Mapping[str, object]]
) -> Mapping[int, Mapping[str, Json]]:
    """Return what is known of the inputs of a flow and of those within it, by the identity of each."""
    known = {id(flow): inputs}
    for task, inner in flow.flows.items():
        known |= inputs_of_all(inner, handed(flow, task, scope(flow, inputs)), scope)
    return known


def _call(flow: Flow, task: str) -> FlowCall:
    call = flow.tasks[task].settings
    assert isinstance(call, FlowCall), "a task of kind flow has a call"
    return call
