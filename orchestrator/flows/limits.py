"""How large a flow may be. Each limit is raised by an environment variable that its message names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from orchestrator.core import units
from orchestrator.core.errors import Code, FlowError, Problem
from orchestrator.core.fact import fact

TASKS_VARIABLE: Final = "ORCHESTRATOR_MAX_TASKS"
DEPENDENCIES_VARIABLE: Final = "ORCHESTRATOR_MAX_DEPENDENCIES"

DEFAULT_MAX_TASKS: Final = 10_000
DEPENDENCIES_PER_TASK: Final = 100

MAX_DEPTH: Final = 10
"""How deep flows may call flows."""


@fact
class Limits:
    """How many tasks, after expansion, and how many dependencies between them a flow may have."""

    tasks: int = DEFAULT_MAX_TASKS
    dependencies: int = DEFAULT_MAX_TASKS * DEPENDENCIES_PER_TASK

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Limits:
        """Return the limits, as far as the environment raises them. Raises FlowError for what is no number."""
        tasks = read_limit(environ, TASKS_VARIABLE, DEFAULT_MAX_TASKS)
        return cls(tasks, read_limit(environ, DEPENDENCIES_VARIABLE, tasks * DEPENDENCIES_PER_TASK))

    def check_tasks(self, count: int) -> None:
        """Refuse more tasks than the limit. The engine asks too, once items are known."""
        if count > self.tasks:
            hint = f"use smaller lists, or raise {TASKS_VARIABLE}"
            message = f"the flow has {count:,} tasks after expansion, and the limit is {self.tasks:,}"
            raise FlowError(Problem(message, hint=hint, code=Code.FLOW_LIMIT))

    def check_dependencies(self, count: int) -> None:
        if count > self.dependencies:
            hint = f"let many tasks depend on one that gathers, or raise {DEPENDENCIES_VARIABLE}"
            message = f"there are more than {self.dependencies:,} dependencies between tasks"
            raise FlowError(Problem(message, hint=hint, code=Code.FLOW_LIMIT))


def read_limit(environ: Mapping[str, str], name: str, default: int, read: Callable[[str], int] = units.count) -> int:
    """Return a limit that an environment variable may raise. Raises FlowError for what `read` does not take."""
    written = environ.get(name, "").strip()
    if not written:
        return default
    try:
        return read(written)
    except ValueError as error:
        raise FlowError(Problem(f"{name}: {error}", code=Code.FLOW_LIMIT)) from error
