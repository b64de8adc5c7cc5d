"""Models behind OpenAI's APIs, and behind every server that speaks like them."""

from orchestrator.backends.openai.backend import OpenAIBackend, OpenAISettings

__all__ = ["OpenAIBackend", "OpenAISettings"]
