"""The kinds agent and subagent: what they share with every kind, and whose conversation they continue."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, Final

from orchestrator.core.errors import InputError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.output import OutputShape
from orchestrator.core.ports import Calls, Context, Estimate, Kind, Scope
from orchestrator.kinds.agent.agent import Agent
from orchestrator.kinds.agent.limits import Limits
from orchestrator.kinds.agent.settings import UNRENDERED, AgentSettings, prepared_agent
from orchestrator.kinds.agent.toolbox import open_toolbox
from orchestrator.kinds.agent.tools.tool import Room
from orchestrator.models.prompting import estimated
from orchestrator.net import ClientSettings, HttpClient, Timeouts

WEB: Final = ClientSettings(timeouts=Timeouts(connect=10.0, read=30.0), max_redirects=5)


class AgentKind(Kind):
    """Lets a model use tools until it has an answer. Each call to the model is repeated by itself, never the whole."""

    name: ClassVar[str] = "agent"
    settings: ClassVar[type] = AgentSettings
    short: ClassVar[str] = "prompt"
    output: ClassVar[OutputShape] = OutputShape(
        main="text",
        fields=MappingProxyType(
            {"text": "", "model": "", "stop": "end", "data": None, "turns": 0, "tool_calls": 0, "tokens_spent": 0}
        ),
    )
    calls: ClassVar[Calls] = "many"
    unrendered: ClassVar[frozenset[str]] = UNRENDERED

    def repeatable(self, settings: AgentSettings) -> bool:
        del settings
        return True

    def prepare(self, settings: AgentSettings, scope: Scope) -> AgentSettings:
        return prepared_agent(settings, scope)

    def estimate(self, settings: AgentSettings, spec: BackendSpec) -> Estimate:
        return estimated(settings, spec)

    async def run(self, settings: AgentSettings, context: Context) -> Mapping[str, object]:
        limits = Limits(settings, context.clock)
        room = Room(context, _folder(settings, context), HttpClient(WEB), limits.working)
        try:
            agent = Agent(settings, room, await open_toolbox(settings, room), limits)
            output = await agent.run(context.recall(settings.conversation) if settings.conversation else ())
        finally:
            await room.web.aclose()
        self.remember(settings, context, agent)
        return output

    def remember(self, settings: AgentSettings, context: Context, agent: Agent) -> None:
        """Let others go on with the conversation."""
        if settings.conversation:
            context.remember(settings.conversation, agent.said)


class SubagentKind(AgentKind):
    """An agent that reads a conversation and leaves nothing in it: only its answer comes back."""

    name: ClassVar[str] = "subagent"

    def remember(self, settings: AgentSettings, context: Context, agent: Agent) -> None:
        pass


def _folder(settings: AgentSettings, context: Context) -> str:
    folder = Path(context.run.flow_folder, settings.cwd or ".")
    if (settings.tools or settings.verify) and not context.run.rehearsal and not folder.is_dir():
        raise InputError(f"cwd: {folder} is no folder", hint="check the path; it is relative to the flow file")
    return str(folder)
