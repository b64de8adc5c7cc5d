"""In one round leave is asked for first, then tools work together, then people are asked, then subagents work."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.errors import Code, DeniedError, Failure, InputError, UpstreamError
from orchestrator.core.model import Message, ToolCall, ToolResult
from orchestrator.core.output import Cut
from orchestrator.core.ports import Context, ToolAnswer, Work
from orchestrator.kinds.agent.rounds import shown
from orchestrator.kinds.agent.settings import AgentSettings, Policy, Verify
from orchestrator.kinds.agent.tools.shortening import MOST, Excerpt, shortened
from tests.kinds.agent.scene import adder, call, context_of, results, run, tool
from tests.kinds.fakes import FakeContext, ScriptedTools, Talker

MEMBERS = {
    "writer": AgentSettings("", role="writer", system="write", description="Writes.", backend="big"),
    "tester": AgentSettings("", role="tester", token_budget=500, cwd="lab"),
}
TEAM: Mapping[str, Any] = {"subagents": tuple(MEMBERS), "team": MEMBERS}


async def told(settings: AgentSettings, context: FakeContext, *calls: ToolCall) -> list[ToolResult]:
    model = Talker(calls, "done")
    context._backend = model
    await run(settings, context)
    return results(model.asked[1])


# ── leave ───────────────────────────────────────────────────────────────────────────────────────


async def asked_for(policy: Policy | tuple[str, ...]) -> list[str]:
    context = context_of(Talker(), adder())
    context.replies = ["yes"] * 3
    calls = (call("math__double", 1, a=1), call("math__store", 2, a=2))
    await told(AgentSettings("x", tools=("math",), confirm=policy), context, *calls)
    return context.asked


async def test_leave_is_asked_for_as_the_policy_says() -> None:
    double, store = "Use math.double?: a: 1", "Use math.store?: a: 2"
    assert await asked_for("never") == []
    assert await asked_for("always") == [double, store]
    assert await asked_for("on_write") == [store]
    assert await asked_for(("math.d*",)) == [double]
    assert await asked_for(()) == []


async def test_what_may_write_asks_unless_the_flow_says_otherwise() -> None:
    assert AgentSettings("x").confirm == "on_write"


async def test_what_is_not_allowed_is_told_and_the_rest_goes_on() -> None:
    context, server = context_of(Talker()), adder()
    context.backends = {"math": server}
    settings = AgentSettings("x", tools=("math",))
    results = await told(settings, context, call("math__store", 1, a=1), call("math__double", 2, a=2))
    assert [result.is_error for result in results] == [True, False]
    assert "not allowed: denied by nobody" in results[0].text
    assert server.used == [("double", {"a": 2})]


def test_arguments_are_shown_as_people_read_them() -> None:
    assert shown({"path": "a.md", "text": "x\ny", "n": [1]}) == "path: a.md\ntext:\nx\ny\nn: [1]"
    assert len(shown({"text": "x" * 10_000})) < 5_000


# ── order ───────────────────────────────────────────────────────────────────────────────────────


class Ordered(FakeContext):
    """Notes what is waited for, and whether anything else was under way."""

    def __init__(self, backend: Talker) -> None:
        super().__init__(backend=backend)
        self.order: list[str] = []
        self.replies = ["yes", "blue"]
        self.outcomes = [{"text": "written"}]

    async def ask(self, message: str, choices: Sequence[str] = ()) -> str:
        self.order.append("ask")
        return await super().ask(message, choices)

    async def confirm(self, message: str, show: str) -> None:
        self.order.append("confirm")
        await super().confirm(message, show)

    async def delegate(self, works: Sequence[Work]) -> Sequence[object]:  # type: ignore[override]  # only counted here
        self.order.append("delegate")
        return await super().delegate(works)


async def test_what_waits_waits_in_its_order_and_results_keep_theirs() -> None:
    context = Ordered(Talker())

    def work(a: int) -> ToolAnswer:
        context.order.append("work")
        return ToolAnswer(str(a))

    context.backends = {"s": ScriptedTools("s", (tool("read", writes=False), work), (tool("write"), work))}
    settings = AgentSettings("x", tools=("s", "ask_operator"), **TEAM)
    calls = (
        call("start_subagent", 1, role="writer", prompt="write"),
        call("ask_operator", 2, question="Which colour?", choices=["blue", "red"]),
        call("s__read", 3, a=3),
        call("s__write", 4, a=4),
    )
    results = await told(settings, context, *calls)
    assert [result.text for result in results] == ["written", "blue", "3", "4"]
    assert [result.call for result in results] == ["call-1", "call-2", "call-3", "call-4"]
    assert context.order == ["confirm", "work", "work", "ask", "delegate"]


class Gate(ScriptedTools):
    """Lets nobody through before eight have come; notes how many were there at once."""

    def __init__(self) -> None:
        super().__init__("gate", (tool("pass", writes=False), lambda a: ToolAnswer(str(a))))
        self.inside = self.most = 0
        self.is_open = asyncio.Event()

    async def use(self, tool: str, arguments: object, context: Context) -> ToolAnswer:
        del arguments, context
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == 8:
            self.is_open.set()
        await self.is_open.wait()
        self.inside -= 1
        return ToolAnswer(tool)


async def test_at_most_eight_tools_work_at_once() -> None:
    gate = Gate()
    calls = [call("gate__pass", number, a=number) for number in range(20)]
    assert len(await told(AgentSettings("x", tools=("gate",)), context_of(Talker(), gate), *calls)) == 20
    assert gate.most == 8


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UpstreamError("no connection", hint="start it"), "no connection; start it"),
        (DeniedError("the breaker is open"), "the breaker is open"),
        (ZeroDivisionError("by zero"), "It broke: ZeroDivisionError: by zero"),
        (TimeoutError("slow"), "It broke: TimeoutError: slow"),
        (asyncio.CancelledError(), "It was interrupted."),
    ],
)
async def test_whatever_a_tool_raises_is_told_to_the_model(error: BaseException, words: str) -> None:
    def broken(a: int) -> ToolAnswer:
        del a
        raise error

    server = ScriptedTools("s", (tool("t", writes=False), broken))
    results = await told(AgentSettings("x", tools=("s",)), context_of(Talker(), server), call("s__t", a=1))
    assert (results[0].text, results[0].is_error) == (words, True)


async def test_an_error_of_the_tool_s_own_is_one() -> None:
    server = ScriptedTools("s", (tool("t", writes=False), lambda a: ToolAnswer(f"no {a}", is_error=True)))
    results = await told(AgentSettings("x", tools=("s",)), context_of(Talker(), server), call("s__t", a=1))
    assert results[0] == ToolResult("call-1", "no 1", is_error=True)


class Endless(ScriptedTools):
    """Never answers."""

    async def use(self, tool: str, arguments: object, context: Context) -> ToolAnswer:
        del arguments, context
        await asyncio.get_running_loop().create_future()
        raise AssertionError(tool)


async def test_a_tool_is_stopped_when_the_agent_s_time_is_over() -> None:
    server = Endless("s", (tool("t", writes=False), ToolAnswer))
    settings = AgentSettings("x", tools=("s",), time_budget=0.05)
    results = await told(settings, context_of(Talker(), server), call("s__t", a=1))
    assert "too long for the agent's time_budget" in results[0].text


async def test_a_question_that_nobody_answers_is_told() -> None:
    results = await told(
        AgentSettings("x", tools=("ask_operator",)), context_of(Talker()), call("ask_operator", question="Which?")
    )
    assert "There is no answer: denied by nobody" in results[0].text


# ── subagents ───────────────────────────────────────────────────────────────────────────────────


async def test_subagents_are_tasks_of_their_roles_with_what_is_left_of_the_budgets() -> None:
    context = context_of(Talker())
    context.outcomes = [{"text": "one", "tokens_spent": 100}, {"text": Cut("tw", 2, "file")}]
    settings = AgentSettings("x", **TEAM, token_budget=10_015, cwd="here")
    calls = [
        call("start_subagent", 1, role="writer", prompt="{{ not.a.template }}"),
        call("start_subagent", 2, role="tester", prompt="test"),
    ]
    results = await told(settings, context, *calls)
    assert [result.text for result in results] == ["one", "tw"]
    writer, tester = context.works
    assert (writer.name, writer.kind, writer.backend) == ("writer", "subagent", "big")
    assert isinstance(writer.settings, AgentSettings)
    assert isinstance(tester.settings, AgentSettings)
    assert (writer.settings.prompt, writer.settings.system) == ("{{ not.a.template }}", "write")
    assert (writer.settings.token_budget, tester.settings.token_budget) == (5_000, 500)
    assert (writer.settings.cwd, tester.settings.cwd) == ("here", "lab")


async def test_the_model_is_told_the_roles_and_what_they_are_good_for() -> None:
    model = Talker("done")
    await run(AgentSettings("x", **TEAM), context_of(model))
    assert "- writer: Writes.\n- tester" in model.asked[0].tools[0].description
    schema = model.asked[0].tools[0].schema
    assert "'enum': ['writer', 'tester']" in str(schema)


async def test_what_subagents_spend_is_spent(tmp_path: Path) -> None:
    context = context_of(Talker(), folder=tmp_path)
    context.outcomes = [{"text": "one", "tokens_spent": 1_000}]
    context._backend = model = Talker(call("start_subagent", role="writer", prompt="write"), "done")
    output = await run(AgentSettings("x", **TEAM), context)
    assert output["tokens_spent"] == 1_030
    assert len(model.asked) == 2


async def test_a_subagent_that_failed_is_an_error_of_its_call() -> None:
    context = context_of(Talker())
    failure: Failure = UpstreamError("busy", code=Code.HTTP_STATUS, hint="wait").failure
    context.outcomes = [failure]
    results = await told(AgentSettings("x", **TEAM), context, call("start_subagent", role="tester", prompt="p"))
    assert results[0] == ToolResult("call-1", "busy; wait", is_error=True)


async def test_subagents_that_nobody_may_start_are_errors_of_their_calls() -> None:
    class Deep(FakeContext):
        async def delegate(self, works: Sequence[Work]) -> Sequence[object]:  # type: ignore[override]
            raise InputError(f"{len(works)} too many")

    results = await told(AgentSettings("x", **TEAM), Deep(), call("start_subagent", role="tester", prompt="p"))
    assert (results[0].text, results[0].is_error) == ("1 too many", True)


# ── long results ────────────────────────────────────────────────────────────────────────────────


async def test_a_long_result_is_cut_for_the_model_and_whole_in_the_task_s_files() -> None:
    server = ScriptedTools("s", (tool("t", writes=False), lambda a: ToolAnswer("x" * 100_000 * a)))
    context = context_of(Talker(), server)
    results = await told(AgentSettings("x", tools=("s",)), context, call("s__t", a=1))
    assert len(results[0].text) < MOST + 100
    assert "[… 70,000 of 100,000 characters are left out here …]" in results[0].text
    assert max(len(part.text) for part in context.said if isinstance(part, ToolResult | Message)) == 100_000


def test_what_nobody_takes_is_replaced() -> None:
    assert shortened("a\ud800b") == "a?b"


def test_an_excerpt_keeps_the_beginning_and_the_end() -> None:
    excerpt = Excerpt(30)
    for number in range(100):
        excerpt.add(f"{number:03} ")
    assert excerpt.text.startswith("000 001 002 003 004 ")
    assert excerpt.text.endswith("098 099 ")
    assert "characters are left out" in excerpt.text
    assert len(excerpt.text) < 100


# ── rehearsals ──────────────────────────────────────────────────────────────────────────────────


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_in_a_rehearsal_nothing_is_touched_and_nobody_is_asked(tmp_path: Path) -> None:
    context = context_of(Talker(), adder(), folder=tmp_path)
    context._run = replace(context.run, rehearsal=True)
    settings = AgentSettings(
        "x", tools=("write_file", "math", "ask_operator"), verify=Verify("touch verified"), cwd="nowhere"
    )
    calls = (
        call("write_file", 1, path="x", text="x"),
        call("math__store", 2, a=1),
        call("ask_operator", 3, question="Which?", choices=["red", "blue"]),
        call("ask_operator", 4, question="Why?"),
    )
    results = await told(settings, context, *calls)
    assert [result.text for result in results] == [
        "[simulated: write_file was not used]",
        "stored 1",
        "red",
        "[simulated: nobody was asked]",
    ]
    assert not context.asked
    assert not files_in(tmp_path)
