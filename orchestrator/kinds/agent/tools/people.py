"""The tools that turn to others: ask_operator to a person, start_subagent to agents of the team."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from orchestrator.core.model import ToolSpec
from orchestrator.kinds.agent.tools.tool import takes, text

ASK_OPERATOR: Final = ToolSpec(
    "ask_operator",
    "Asks the person who runs this a question and waits for the answer. Use it only for what you cannot find out.",
    takes(
        {"question": text("The question, which can be understood without anything else.")},
        {"choices": {"type": "array", "items": {"type": "string"}, "description": "Answers to choose from."}},
    ),
)

START_SUBAGENT: Final = "start_subagent"


def start_subagent(roles: Mapping[str, str]) -> ToolSpec:
    """Return the tool that starts agents of these roles; what each is good for stands beside it."""
    listed = "\n".join(f"- {role}: {good_for}" if good_for else f"- {role}" for role, good_for in roles.items())
    return ToolSpec(
        START_SUBAGENT,
        "Lets another agent do a task and returns its answer. It knows nothing of this conversation. Several that are "
        f"started at once work at the same time. The roles:\n{listed}",
        takes(
            {
                "role": {"type": "string", "enum": list(roles), "description": "Who is to do it."},
                "prompt": text("The task, with all that must be known for it and what is to be handed back."),
            }
        ),
    )
