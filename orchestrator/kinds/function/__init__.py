"""Python functions: which one is called, with what, on which thread, and what it leaves behind."""

from orchestrator.kinds.function.kind import FunctionKind, FunctionSettings

__all__ = ["FunctionKind", "FunctionSettings"]
