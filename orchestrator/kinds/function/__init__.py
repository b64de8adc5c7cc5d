"""Python functions: which one is called, with what, on which thread, and what it leaves behind."""

from orchestrator.kinds.function.kind import FunctionKind, FunctionSettings
from orchestrator.kinds.function.task_context import TaskContext

__all__ = ["FunctionKind", "FunctionSettings", "TaskContext"]
