"""Carries out a flow: the only writer of events."""

from orchestrator.engine.engine import Engine
from orchestrator.engine.hub import EngineOptions, Parts

__all__ = ["Engine", "EngineOptions", "Parts"]
