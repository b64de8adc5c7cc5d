"""Servers of tools that speak the Model Context Protocol; here alone the library is used that speaks it too."""

from orchestrator.backends.mcp.backend import McpBackend
from orchestrator.backends.mcp.settings import McpSettings

__all__ = ["McpBackend", "McpSettings"]
