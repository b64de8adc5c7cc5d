"""Runs many agent tasks in parallel from one YAML file and shows them live in the terminal."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from orchestrator.core.task_context import TaskContext

__version__ = "0.1.0"
__all__ = ["TaskContext", "__version__"]


def __getattr__(name: str) -> object:
    """Load what functions of a flow may want, when they ask for it: `--help` does not."""
    if name == "TaskContext":
        from orchestrator.core.task_context import TaskContext  # noqa: PLC0415 - see above

        return TaskContext
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
