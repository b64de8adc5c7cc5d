"""What a run asks of people besides approvals: leave for the tools of agents, and answers to their questions."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from orchestrator.core.flow import Task
from orchestrator.flows.toolbox import ASK_OPERATOR, BUILT_IN_TOOLS, WRITING_TOOLS


def asks_a_person(task: Task) -> bool:
    """Return whether an agent, or one of its team, may ask for leave or for an answer."""
    return _may_ask(task.settings)


def _may_ask(settings: Any) -> bool:  # noqa: ANN401 - the settings of any kind
    tools = getattr(settings, "tools", ())
    team: Mapping[str, Any] = getattr(settings, "team", {})
    is_asked = ASK_OPERATOR in tools or any(_needs_leave(tool, settings.confirm) for tool in tools)
    return is_asked or any(map(_may_ask, team.values()))


def _needs_leave(tool: str, policy: str | tuple[str, ...]) -> bool:
    """Return whether using the tool needs leave; which tools of a server write, only the server knows."""
    if isinstance(policy, tuple):
        return any(_may_be(tool, pattern) for pattern in policy)
    is_ours = tool in BUILT_IN_TOOLS
    return policy == "always" or (policy == "on_write" and (tool in WRITING_TOOLS or not is_ours))


def _may_be(tool: str, pattern: str) -> bool:
    """Return whether some tool may fit what an agent is given and what needs leave."""
    given, wanted = tool.partition(".")[0], pattern.partition(".")[0]
    return fnmatchcase(given, wanted)
