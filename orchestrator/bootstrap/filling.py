"""The declaration of a backend, with its templates rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Final

from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.flow import BackendSpec
from orchestrator.core.ports import Backend
from orchestrator.templates import render_data, text_of


def with_settings(spec: BackendSpec, kind: type[Backend]) -> BackendSpec:
    """Return the declaration with settings: those of the kind where none were given."""
    return spec if spec.settings is not None else replace(spec, settings=kind.settings())


def filled(spec: BackendSpec, scope: Mapping[str, object]) -> BackendSpec:
    """Return the declaration with its templates rendered. Raises FlowError where that cannot be."""
    try:
        headers = {name: text_of(render_data(value, scope)) for name, value in spec.headers.items()}
        return replace(spec, settings=_rendered(spec.settings, scope), headers=headers)
    except ValueError as error:  # a template, or what the settings say of the value that came of it
        hint = getattr(error, "hint", None)
        raise FlowError(Problem(f"{spec.kind} {spec.name!r}: {error}", hint=hint, code=Code.TEMPLATE)) from error


def _rendered(settings: object, scope: Mapping[str, object]) -> object:
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
