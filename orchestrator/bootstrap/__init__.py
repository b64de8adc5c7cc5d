"""Puts the parts together: the only package that knows every concrete class."""

from orchestrator.bootstrap.filling import filled
from orchestrator.bootstrap.loading import configured, load, registry
from orchestrator.bootstrap.loops import calm_collector, run_to_the_end
from orchestrator.bootstrap.options import RunOptions
from orchestrator.bootstrap.prepared import Prepared, prepare
from orchestrator.bootstrap.sources import unread
from orchestrator.bootstrap.thread import EngineThread
from orchestrator.bootstrap.workshop import Workshop

__all__ = [
    "EngineThread",
    "Prepared",
    "RunOptions",
    "Workshop",
    "calm_collector",
    "configured",
    "filled",
    "load",
    "prepare",
    "registry",
    "run_to_the_end",
    "unread",
]
