"""An agent has the tools that its task names and no others, under names that models can use."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.errors import InputError
from orchestrator.core.model import ToolCall
from orchestrator.core.ports import ToolAnswer
from orchestrator.kinds.agent.patterns import fits
from orchestrator.kinds.agent.settings import AgentSettings
from tests.kinds.agent.scene import adder, call, context_of, results, run, tool
from tests.kinds.fakes import Resource, ScriptedTools, Talker


async def offered(settings: AgentSettings, *servers: ScriptedTools) -> list[str]:
    model = Talker("done")
    await run(settings, context_of(model, *servers))
    return [spec.name for spec in model.asked[0].tools]


async def test_no_tool_is_there_unless_it_is_named() -> None:
    assert await offered(AgentSettings("x"), adder()) == []


async def test_each_tool_of_ours_is_there_when_it_is_named() -> None:
    names = ["read_file", "write_file", "list_files", "search_files", "shell", "http_get", "ask_operator"]
    assert await offered(AgentSettings("x", tools=tuple(names))) == names


@pytest.mark.parametrize(
    ("named", "there"),
    [
        (("math",), ["math__double", "math__store"]),
        (("math.store",), ["math__store"]),
        (("math.d*",), ["math__double"]),
        (("math.d*", "math.double", "read_file"), ["read_file", "math__double"]),
    ],
)
async def test_tools_of_servers_are_named_whole_by_name_or_by_pattern(named: tuple[str, ...], there: list[str]) -> None:
    assert await offered(AgentSettings("x", tools=named), adder()) == there


async def test_a_server_is_asked_once_and_only_if_it_is_named() -> None:
    one, other = adder("one"), adder("other")
    await offered(AgentSettings("x", tools=("one.double", "one.store")), one, other)
    assert (one.listed, other.listed) == (1, 0)


async def test_a_tool_that_its_server_does_not_have_is_told_with_advice() -> None:
    with pytest.raises(InputError, match="math has no tool 'doubel'") as caught:
        await offered(AgentSettings("x", tools=("math.doubel",)), adder())
    assert caught.value.failure.hint == "did you mean 'double'?"
    with pytest.raises(InputError) as caught:
        await offered(AgentSettings("x", tools=("math.z*",)), adder())
    assert caught.value.failure.hint == "there are: double, store"


async def test_what_is_no_server_has_no_tools() -> None:
    context = context_of(Talker())
    context.backends = {"database": Resource()}
    with pytest.raises(InputError, match="database has no tools"):
        await run(AgentSettings("x", tools=("database",)), context)


@pytest.mark.parametrize(
    ("allowed", "there"),
    [
        (None, ["read_file", "math__double", "math__store"]),
        (("math",), ["math__double", "math__store"]),
        (("*_file", "m*.st*"), ["read_file", "math__store"]),
        ((), []),
    ],
)
async def test_allowed_tools_restrict_what_is_named(allowed: tuple[str, ...] | None, there: list[str]) -> None:
    assert await offered(AgentSettings("x", tools=("read_file", "math"), allowed_tools=allowed), adder()) == there


async def test_a_tool_that_is_not_allowed_is_not_there() -> None:
    model, server = Talker(call("math__store", a=1), "ok"), adder()
    await run(AgentSettings("x", tools=("math",), allowed_tools=("math.double",)), context_of(model, server))
    assert results(model.asked[1])[0].is_error
    assert not server.used


async def test_names_are_safe_short_and_unlike() -> None:
    server = ScriptedTools("s", *((tool(name), ToolAnswer) for name in ("a/b", "a.b", "x" * 100, "x" * 101)))
    names = await offered(AgentSettings("x", tools=("s",)), server)
    assert names == ["s__a_b", "s__a__b", f"s__{'x' * 61}", f"s__{'x' * 57}_2"]


async def test_the_flow_s_name_of_a_tool_is_understood_too() -> None:
    model, server = Talker(call("math.double", a=2), "ok"), adder()
    await run(AgentSettings("x", tools=("math",)), context_of(model, server))
    assert server.used == [("double", {"a": 2})]


async def test_an_unknown_tool_is_told_with_the_one_that_was_meant() -> None:
    model = Talker(call("math_double", a=2), call("zzz", 2), "ok")
    await run(AgentSettings("x", tools=("math",)), context_of(model, adder()))
    assert "did you mean 'math__double'?" in results(model.asked[1])[0].text
    assert "there are: math__double, math__store" in results(model.asked[2])[0].text


async def test_a_model_that_calls_tools_without_having_any_is_told_so() -> None:
    model = Talker(call("shell", command="rm -rf /"), "ok")
    await run(AgentSettings("x"), context_of(model))
    assert results(model.asked[1])[0].text == "There is no tool 'shell'; there is none"


# ── arguments ───────────────────────────────────────────────────────────────────────────────────


async def test_arguments_that_do_not_fit_are_told_and_the_tool_is_not_used() -> None:
    model, server = Talker(call("math__double", 1), call("math__double", 2, a="two"), "ok"), adder()
    await run(AgentSettings("x", tools=("math",)), context_of(model, server))
    assert "'a' is a required property" in results(model.asked[1])[0].text
    assert "at $.a: 'two' is not of type 'integer'" in results(model.asked[2])[0].text
    assert not server.used


async def test_arguments_that_are_no_json_are_told() -> None:
    model = Talker(ToolCall("c", "math__double", None, "a=2"), "ok")
    await run(AgentSettings("x", tools=("math",)), context_of(model, adder()))
    assert "no JSON object: 'a=2'" in results(model.asked[1])[0].text


async def test_a_server_whose_schema_is_none_checks_for_itself() -> None:
    odd = tool("odd", writes=False)
    odd = odd._replace(spec=replace(odd.spec, schema={"type": "nonsense"}))
    model, server = Talker(call("s__odd", a=[]), "ok"), ScriptedTools("s", (odd, lambda a: ToolAnswer(f"got {a}")))
    await run(AgentSettings("x", tools=("s",)), context_of(model, server))
    assert results(model.asked[1])[0].text == "got []"


async def test_data_alone_is_told_as_json() -> None:
    server = ScriptedTools("s", (tool("t", writes=False), lambda a: ToolAnswer("", structured={"a": a})))
    model = Talker(call("s__t", a=1), "ok")
    await run(AgentSettings("x", tools=("s",)), context_of(model, server))
    assert results(model.asked[1])[0].text == '{"a": 1}'


# ── patterns ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "pattern", "is_fitting"),
    [
        ("git.git_show", "git", True),
        ("git.git_show", "git.git_*", True),
        ("git.git_show", "*.git_show", True),
        ("git.git_show", "*", True),
        ("git.git_show", "git_show", False),
        ("shell", "sh*", True),
        ("shell", "sh*.x", False),
        ("shell", "git", False),
    ],
)
def test_a_pattern_fits_tools_by_server_and_name(name: str, pattern: str, *, is_fitting: bool) -> None:
    assert fits(name, pattern) is is_fitting


async def test_start_subagent_without_a_team_is_told() -> None:
    with pytest.raises(InputError, match="nobody to start"):
        await run(AgentSettings("x", tools=("start_subagent",)), context_of(Talker()))


async def test_tools_need_a_folder_only_where_there_is_one(tmp_path: Path) -> None:
    context = context_of(Talker("ok"), folder=tmp_path)
    assert (await run(AgentSettings("x", cwd="nowhere"), context))["text"] == "ok"
