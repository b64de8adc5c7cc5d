"""Agents within a run, in virtual time: their calls are admitted and repeated, their waits hold nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core import events as ev
from orchestrator.core.commands import Answer, Approve, Deny
from orchestrator.core.errors import Code
from orchestrator.core.flow import BackendSpec, BudgetPolicy, RetryPolicy
from orchestrator.core.model import ToolCall
from orchestrator.core.ports import Backend, Context, Kind, ToolAnswer
from orchestrator.core.states import State
from orchestrator.engine import EngineOptions
from orchestrator.kinds.agent.kind import AgentKind, SubagentKind
from orchestrator.kinds.agent.settings import AgentSettings
from orchestrator.kinds.llm import LlmKind, LlmSettings
from orchestrator.models.prompting import Structure
from tests.engine.kit import Setting, Story, backend, busy, flow, task, tell
from tests.kinds.agent.scene import adder, call, results, tool
from tests.kinds.fakes import ScriptedTools, Talker

KINDS: Mapping[str, Kind] = {"agent": AgentKind(), "subagent": SubagentKind(), "llm": LlmKind()}
SOMEBODY = EngineOptions(answers_questions=True)
PATIENT = RetryPolicy(max_attempts=4, initial_delay=10.0, jitter=0.0)


def run(
    settings: AgentSettings | LlmSettings,
    backends: Mapping[str, Backend],
    commands: Sequence[tuple[float, Any]] = (),
    kind: str = "agent",
    **fields: Any,  # noqa: ANN401 - whatever a task can have
) -> Story:
    one = task("one", kind=kind, settings=settings, backend="model", **{"retry": PATIENT, **fields})
    made: Mapping[str, Any] = {"kinds": KINDS.__getitem__, "backends": lambda spec: backends[spec.name]}
    specs = [backend(name) for name in backends]
    return tell(flow(one, backends=specs), Setting(commands=commands, options=SOMEBODY, parts=made))


def test_a_busy_model_is_asked_again_and_the_conversation_goes_on() -> None:
    model = Talker(call("math__double", a=2), busy(), "four")
    story = run(AgentSettings("x", tools=("math",)), {"model": model, "math": adder()})
    assert story.output("one")["text"] == "four"
    assert story.ended("one") == 10.0
    assert [len(request.messages) for request in model.asked] == [1, 3, 3]
    assert len(story.started("one")) == 1


def test_an_agent_that_is_given_up_is_not_tried_again_as_a_whole() -> None:
    model = Talker(call("math__double", a=2), *[busy()] * 4)
    story = run(AgentSettings("x", tools=("math",)), {"model": model, "math": adder()})
    assert story.state("one") is State.FAILED
    assert len(model.asked) == 5


class Slow(ScriptedTools):
    """Takes a hundred seconds for each use."""

    async def use(self, tool: str, arguments: Mapping[str, Any], context: Context) -> ToolAnswer:
        await context.clock.sleep(100.0)
        return await super().use(tool, arguments, context)


def slow() -> Slow:
    return Slow("slow", (tool("wait", writes=False), lambda a: ToolAnswer(str(a))))


def test_a_tool_that_works_is_no_silence() -> None:
    model = Talker([call("slow__wait", 1, a=1), call("slow__wait", 2, a=2)], "done")
    story = run(AgentSettings("x", tools=("slow",)), {"model": model, "slow": slow()}, idle_timeout=5.0)
    assert (story.state("one"), story.ended("one")) == (State.SUCCEEDED, 100.0)


class Silent(Talker):
    """Never answers."""

    async def complete(self, *_: object) -> Any:  # noqa: ANN401 - nothing comes of it
        await asyncio.get_running_loop().create_future()


def test_a_model_that_says_nothing_is_silence() -> None:
    story = run(AgentSettings("x"), {"model": Silent()}, idle_timeout=5.0, retry=RetryPolicy(max_attempts=1))
    assert story.error("one").code == Code.IDLE_TIMEOUT


def test_a_time_limit_ends_the_tools_too() -> None:
    model = Talker(call("slow__wait", a=1))
    settings, backends = AgentSettings("x", tools=("slow",)), {"model": model, "slow": slow()}
    story = run(settings, backends, attempt_timeout=30.0, retry=RetryPolicy(max_attempts=1))
    assert story.error("one").code == Code.ATTEMPT_TIMEOUT
    assert story.ended("one") == 30.0


def test_leave_is_asked_for_one_after_the_other_before_anything_works() -> None:
    calls = [call("math__store", 1, a=1), call("math__double", 2, a=2), call("math__store", 3, a=3)]
    model, server = Talker(calls, "done"), adder()
    commands = [(5.0, Approve(task="one")), (9.0, Deny(task="one", reason="not now"))]
    story = run(AgentSettings("x", tools=("math",)), {"model": model, "math": server}, commands)
    assert story.ended("one") == 9.0
    assert [asked.message for asked in story.events(ev.ApprovalRequested)] == ["Use math.store?"] * 2
    assert server.used == [("store", {"a": 1}), ("double", {"a": 2})]
    assert "not now" in results(model.asked[1])[2].text


def test_a_person_is_asked_and_answers() -> None:
    model = Talker(call("ask_operator", question="Which?", choices=["red", "blue"]), "done")
    story = run(AgentSettings("x", tools=("ask_operator",)), {"model": model}, [(7.0, Answer(task="one", text="blue"))])
    assert results(model.asked[1])[0].text == "blue"
    assert story.ended("one") == 7.0


def test_subagents_are_tasks_that_can_be_seen() -> None:
    team = {"helper": AgentSettings("", system="help", backend="other")}
    calls = [call("start_subagent", number, role="helper", prompt=f"part {number}") for number in (1, 2)]
    model, other = Talker(calls, "done"), Talker("first", "second")
    story = run(AgentSettings("x", subagents=("helper",), team=team), {"model": model, "other": other})
    assert story.states() == {"one": "succeeded", "one/helper": "succeeded", "one/helper-2": "succeeded"}
    assert [result.text for result in results(model.asked[1])] == ["first", "second"]
    assert [request.system for request in other.asked] == ["help", "help"]
    assert story.output("one")["tokens_spent"] == 60


def test_what_a_subagent_used_that_failed_is_spent() -> None:
    team = {"helper": AgentSettings("", backend="other", tools=("math",))}
    model = Talker(call("start_subagent", role="helper", prompt="add"), "done")
    other = Talker(call("math__double", a=1), busy(400))
    settings = AgentSettings("x", subagents=("helper",), team=team)
    story = run(settings, {"model": model, "other": other, "math": adder()})
    assert story.state("one/helper") is State.FAILED
    assert story.output("one")["tokens_spent"] == 45


def test_subagents_start_those_whom_their_roles_name_and_nobody_else() -> None:
    team = {
        "lead": AgentSettings("", backend="lead", subagents=("hand",)),
        "hand": AgentSettings("", backend="hand", tools=("math",)),
    }
    settings = AgentSettings("x", subagents=("lead",), team=team, token_budget=10_000)
    model = Talker(call("start_subagent", role="lead", prompt="lead this"), "done")
    lead = Talker(call("start_subagent", role="hand", prompt="do this"), "led")
    hand = Talker(call("start_subagent", role="lead", prompt="do it yourself"), "made")
    backends: Mapping[str, Backend] = {"model": model, "lead": lead, "hand": hand, "math": adder()}
    story = run(settings, backends, budget=BudgetPolicy(tokens=1_000_000))
    assert story.states() == dict.fromkeys(("one", "one/lead", "one/lead/hand"), "succeeded")
    assert [result.text for result in (*results(model.asked[1]), *results(lead.asked[1]))] == ["led", "made"]
    assert "no tool 'start_subagent'" in results(hand.asked[1])[0].text
    spent = [story.output(task)["tokens_spent"] for task in ("one", "one/lead", "one/lead/hand")]
    assert spent == [90, 60, 30]
    assert story.run.budgets["task:one"].tokens == 90


def test_agents_of_a_group_go_on_with_a_conversation() -> None:
    model = Talker("one", "two")
    first = task("first", kind="agent", settings=AgentSettings("a", conversation="talk"), backend="model")
    then = AgentSettings("b", conversation="talk")
    second = task("second", kind="agent", settings=then, backend="model", needs=["first"])
    made: Mapping[str, Any] = {"kinds": KINDS.__getitem__, "backends": lambda _: model}
    story = tell(flow(first, second, backends=[BackendSpec("model", "nowhere", None)]), Setting(parts=made))
    assert story.state("second") is State.SUCCEEDED
    assert [message.text for message in model.asked[1].messages] == ["a", "one", "b"]


def test_of_agents_that_talk_at_once_none_is_lost_from_the_conversation() -> None:
    model = Talker("one", "two", "three")
    both = [
        task(name, kind="agent", settings=AgentSettings(name, conversation="talk"), backend="model")
        for name in ("a", "b")
    ]
    then = AgentSettings("then", conversation="talk")
    last = task("last", kind="agent", settings=then, backend="model", needs=["a", "b"])
    made: Mapping[str, Any] = {"kinds": KINDS.__getitem__, "backends": lambda _: model}
    tell(flow(*both, last, backends=[BackendSpec("model", "nowhere", None)]), Setting(parts=made))
    assert [message.text for message in model.asked[2].messages] == ["a", "one", "b", "two", "then"]


def test_what_was_said_is_told_as_events() -> None:
    model = Talker(call("math__double", a=2), "four")
    story = run(AgentSettings("x", tools=("math",)), {"model": model, "math": adder()})
    told = story.events(ev.MessageSaid, ev.ToolCalled, ev.ToolReturned)
    assert [type(event).__name__ for event in told] == ["MessageSaid", "ToolCalled", "ToolReturned", "MessageSaid"]
    assert (told[1].tool, told[2].text) == ("math.double", "4")


def test_a_server_that_is_down_is_an_error_of_the_call_and_not_of_the_agent() -> None:
    def down(a: int) -> ToolAnswer:
        del a
        raise busy()

    server = ScriptedTools("math", (tool("double", writes=False), down))
    calls: list[ToolCall] = [call("math__double", number, a=number) for number in range(6)]
    model = Talker(*[[one] for one in calls], "never mind")
    story = run(AgentSettings("x", tools=("math",)), {"model": model, "math": server})
    assert story.output("one")["text"] == "never mind"
    assert "HTTP 503" in results(model.asked[1])[0].text
    assert "breaker" in results(model.asked[6])[0].text
    assert len(server.used) == 5


def test_an_answer_that_has_a_form_is_repaired_by_calls_of_their_own() -> None:
    model = Talker("no", busy(), '{"n": 1}')
    settings = LlmSettings("x", output=Structure({"type": "object", "required": ["n"]}))
    story = run(settings, {"model": model}, kind="llm")
    assert story.output("one")["data"] == {"n": 1}
    assert story.ended("one") == 10.0
    assert [len(request.messages) for request in model.asked] == [1, 3, 3]
    assert len(story.started("one")) == 1
