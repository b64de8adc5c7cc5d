"""Flows and settings, read from files, with what is installed at hand."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from orchestrator import plugins
from orchestrator.config.settings import Settings, read_settings
from orchestrator.core.errors import FlowError, Problem
from orchestrator.flows import Loaded, Registry, load_flow


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
    here = current_folder()
    return read_settings(Path(here, file).parent if file is not None else Path(here), os.environ)


def current_folder() -> str:
    """Return the current folder. Raises FlowError if it was removed."""
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        raise FlowError(Problem("the current folder is gone", hint="change to one that exists")) from None
