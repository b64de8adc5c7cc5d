"""The declaration of a backend, with its templates rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace

from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.flow import BackendSpec
from orchestrator.core.ports import Backend
from orchestrator.templates import render_data, text_of


def filled(spec: BackendSpec, kind: type[Backend], scope: Mapping[str, object]) -> BackendSpec:
    """Return the declaration with its templates rendered, and with the kind's own settings where none were given.

    Raises FlowError where a template cannot be rendered, or comes to what the settings refuse.
    """
    settings = kind.settings() if spec.settings is None else spec.settings
    later: frozenset[str] = getattr(kind, "unrendered", frozenset())
    try:
        headers = {name: text_of(render_data(value, scope)) for name, value in spec.headers.items()}
        return replace(spec, settings=_rendered(settings, later, scope), headers=headers)
    except ValueError as error:  # a template, or what the settings say of the value that came of it
        hint = getattr(error, "hint", None)
        raise FlowError(Problem(f"{spec.kind} {spec.name!r}: {error}", hint=hint, code=Code.TEMPLATE)) from error


def _rendered(settings: object, later: frozenset[str], scope: Mapping[str, object]) -> object:
    """Return a backend's settings with the templates in its texts rendered, but those that it renders itself."""
    assert is_dataclass(settings), "settings are a frozen dataclass"
    assert not isinstance(settings, type), "and a value of it"
    values = {one.name: getattr(settings, one.name) for one in fields(settings)}
    changed = {
        name: render_data(value, scope) for name, value in values.items() if name not in later and _has_template(value)
    }
    return replace(settings, **changed) if changed else settings


def _has_template(value: object) -> bool:
    """Return whether there is one in a text, in a list or in the values of a map."""
    if isinstance(value, Mapping):
        return any(map(_has_template, value.values()))
    if isinstance(value, tuple | list):
        return any(map(_has_template, value))
    return isinstance(value, str) and ("{{" in value or "${" in value)
