"""Models behind Anthropic's messages API, and behind every server that speaks like it."""

from orchestrator.backends.anthropic.backend import AnthropicBackend, AnthropicSettings

__all__ = ["AnthropicBackend", "AnthropicSettings"]
