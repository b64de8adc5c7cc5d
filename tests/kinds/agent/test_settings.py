"""What a flow says of an agent is rendered, in its team too, and numbers are numbers."""

from typing import Any

import pytest

from orchestrator.core.errors import InputError
from orchestrator.kinds.agent.kind import AgentKind, SubagentKind
from orchestrator.kinds.agent.settings import AgentSettings, Verify
from tests.kinds.fakes import Names

KNOWN = Names({"who": "you", "file": "a b; rm x"})


def prepared(settings: AgentSettings) -> AgentSettings:
    return AgentKind().prepare(settings, KNOWN)


def test_the_prompts_of_the_team_are_rendered_with_the_agent_s() -> None:
    member = AgentSettings("", system="serve {{ who }}", max_turns="5", backend="big")
    found = prepared(AgentSettings("hello {{ who }}", team={"helper": member}))
    assert found.prompt == "hello you"
    assert (found.team["helper"].system, found.team["helper"].max_turns) == ("serve you", 5)
    assert found.team["helper"].backend == "big"


def test_values_never_become_part_of_the_check_s_command() -> None:
    found = prepared(AgentSettings("x", verify=Verify("test -e {{ file }}")))
    assert found.verify is not None
    assert found.verify.shell.endswith('test -e "${_orc_1}"')


def test_numbers_may_be_written_as_people_do() -> None:
    found = prepared(AgentSettings("x", max_turns="5", max_tool_calls="1k", token_budget="200k", time_budget="2m"))
    assert (found.max_turns, found.max_tool_calls, found.token_budget, found.time_budget) == (5, 1_000, 200_000, 120.0)


@pytest.mark.parametrize(("key", "value"), [("max_turns", "many"), ("max_tool_calls", "x"), ("time_budget", "soon")])
def test_a_number_that_is_none_is_refused(key: str, value: Any) -> None:  # noqa: ANN401 - whatever a template gives
    with pytest.raises(InputError, match=key):
        prepared(AgentSettings("x", **{key: value}))


def test_an_agent_has_a_turn_for_its_answer() -> None:
    with pytest.raises(ValueError, match="max_turns is 0"):
        AgentSettings("x", max_turns=0)
    with pytest.raises(ValueError, match="max_turns is 0"):
        prepared(AgentSettings("x", max_turns="0"))


def test_rounds_are_counted_from_none() -> None:
    with pytest.raises(ValueError, match="rounds is -1"):
        Verify("true", -1)


def test_an_agent_needs_a_prompt_and_one_of_a_team_gets_it_later() -> None:
    with pytest.raises(ValueError, match="a prompt is missing"):
        AgentSettings()
    assert AgentSettings(prompt="").prompt == ""


def test_both_kinds_have_the_same_keys() -> None:
    assert AgentKind.settings is SubagentKind.settings
    assert (AgentKind.name, SubagentKind.name) == ("agent", "subagent")
    assert AgentKind().calls_of(AgentSettings("x")) == "many"
