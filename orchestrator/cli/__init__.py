"""The command line: it parses, prints and exits, and is the only place that prints."""

from __future__ import annotations

from orchestrator.cli.entry import main

__all__ = ["main"]
