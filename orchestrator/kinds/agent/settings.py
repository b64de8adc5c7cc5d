"""The keys of agents, and how what a flow says becomes what an agent works with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Final, Literal, TypeAlias

from orchestrator.core.errors import InputError
from orchestrator.core.ports import Scope
from orchestrator.core.units import Count, Duration, count, seconds
from orchestrator.models.prompting import UNRENDERED as OF_PROMPTS
from orchestrator.models.prompting import PromptSettings, prepared
from orchestrator.templates import compile_shell, render_data

Policy: TypeAlias = Literal["never", "always", "on_write"]


@dataclass(frozen=True, slots=True)
class Verify:
    """A check of what an agent did."""

    shell: str = field(metadata={"description": "The command; what it did is good if it exits with 0."})
    rounds: int = field(
        default=3,
        metadata={"description": "How often its failure is given back to the model; default: 3."},
    )

    def __post_init__(self) -> None:
        if self.rounds < 0:
            raise ValueError(f"rounds is {self.rounds}; it must be 0 or more")


@dataclass(frozen=True, slots=True)
class AgentSettings(PromptSettings):
    """The keys of tasks of the kinds agent and subagent."""

    role: str | None = field(default=None, metadata={"description": "The role that says what this task does not."})
    tools: tuple[str, ...] = field(
        default=(),
        metadata={"description": "What it may use: tools of ours, a server's name for all of its, or server.pattern."},
    )
    allowed_tools: tuple[str, ...] | None = field(
        default=None, metadata={"description": "Patterns; of its tools only those that fit one may be used."}
    )
    confirm: Policy | tuple[str, ...] = field(
        default="on_write",
        metadata={
            "description": "Which tools a person must allow each time: never, always, on_write or patterns; "
            "default: on_write, those that may change something."
        },
    )
    max_turns: Count | str = field(
        default=20, metadata={"description": "How many times the model may answer; default: 20."}
    )
    max_tool_calls: Count | str = field(
        default=100, metadata={"description": "How many times it may use a tool; default: 100."}
    )
    token_budget: Count | str | None = field(
        default=None, metadata={"description": "How many tokens it may read and write in all."}
    )
    time_budget: Duration | str | None = field(
        default=None, metadata={"description": "How long it may work; waiting does not count."}
    )
    conversation: str | None = field(
        default=None,
        metadata={"description": "The name of a conversation that agents of the group continue; subagents read it."},
    )
    verify: Verify | None = field(
        default=None, metadata={"description": "A check after the answer, {shell: …}; its failure is the next turn."}
    )
    cwd: str | None = field(
        default=None,
        metadata={"description": "The folder that its tools work in and never leave; default: the flow file's."},
    )
    subagents: tuple[str, ...] = field(
        default=(),
        metadata={"description": "The roles of the agents that it may start; they may start those of their roles."},
    )
    description: str = field(default="", metadata={"hidden": True, "description": "What its role is good for."})
    backend: str | None = field(default=None, metadata={"hidden": True, "description": "Whom its role asks."})
    team: Mapping[str, AgentSettings] = field(
        default_factory=dict, metadata={"hidden": True, "description": "All that can be started below it, by role."}
    )

    def __post_init__(self) -> None:
        PromptSettings.__post_init__(self)
        if self.max_turns == 0:
            raise ValueError("max_turns is 0, which leaves no turn for an answer; write 1 or more")


UNRENDERED: Final = OF_PROMPTS | {"verify", "team", "description", "backend"}


def prepared_agent(settings: AgentSettings, scope: Scope) -> AgentSettings:
    """Render what is not yet, in the team too, and see to it that the numbers are some."""
    return replace(
        prepared(settings, scope),
        verify=_verify(settings.verify, scope),
        max_turns=_counted("max_turns", settings.max_turns),
        max_tool_calls=_counted("max_tool_calls", settings.max_tool_calls),
        token_budget=None if settings.token_budget is None else _counted("token_budget", settings.token_budget),
        time_budget=_time(settings.time_budget),
        team={role: prepared_agent(_rendered(member, scope), scope) for role, member in settings.team.items()},
    )


def _rendered(member: AgentSettings, scope: Scope) -> AgentSettings:
    """Return the settings of one of the team with the fields rendered that the engine renders for the task itself."""
    names = [one.name for one in fields(member) if one.name not in UNRENDERED]
    changes: dict[str, object] = {name: render_data(getattr(member, name), scope) for name in names}
    return replace(member, **changes)  # type: ignore[arg-type]  # what a field's templates make is checked with it


def _verify(verify: Verify | None, scope: Scope) -> Verify | None:
    if verify is None:
        return None
    return replace(verify, shell=compile_shell(verify.shell, names=scope.names).render(scope))


def _counted(key: str, given: int | str) -> int:
    try:
        return count(given)
    except ValueError as error:
        raise InputError(f"{key}: {error}") from error


def _time(given: float | str | None) -> float | None:
    try:
        return None if given is None else seconds(given)
    except ValueError as error:
        raise InputError(f"time_budget: {error}") from error
