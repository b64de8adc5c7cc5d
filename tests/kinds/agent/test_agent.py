"""An agent asks, uses tools and asks again until it has an answer; what is bounded ends with one, or says why not."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestrator.core.errors import InputError, UpstreamError, WorkError
from orchestrator.core.flow import BackendSpec
from orchestrator.core.model import (
    Message,
    ModelAnswer,
    ModelRequest,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Usage,
    said,
)
from orchestrator.core.ports import Context, Estimate
from orchestrator.kinds.agent.kind import AgentKind, SubagentKind
from orchestrator.kinds.agent.settings import AgentSettings, Verify
from orchestrator.models.prompting import Structure
from tests.kinds.agent.scene import adder, call, context_of, results, run
from tests.kinds.fakes import Talker, answered

MATH = AgentSettings("double 2", tools=("math",))


# ── the loop ────────────────────────────────────────────────────────────────────────────────────


async def test_an_answer_without_tools_is_the_answer() -> None:
    context = context_of(Talker("four"))
    output = await run(AgentSettings("double 2"), context)
    assert output == {
        "text": "four",
        "model": "small",
        "stop": "end",
        "data": None,
        "turns": 1,
        "tool_calls": 0,
        "tokens_spent": 15,
    }
    assert context.said == [said("user", "double 2"), said("assistant", "four")]
    assert context.text("out") == "four"


async def test_what_the_model_is_told_to_be_is_told_once_and_asked_once() -> None:
    model = Talker(call("math__double", a=2), "four")
    context = context_of(model, adder())
    await run(replace(MATH, system="be brief", conversation="talk"), context)
    assert context.said[0] == said("system", "be brief")
    assert [request.system for request in model.asked] == ["be brief"] * 2
    told = [*model.asked[1].messages, *context.said[1:], *context.conversations["talk"]]
    assert "system" not in {part.role for part in told if isinstance(part, Message)}


async def test_what_a_tool_answers_is_told_to_the_model() -> None:
    model, server = Talker(call("math__double", a=2), "four"), adder()
    context = context_of(model, server)
    output = await run(MATH, context)
    assert (output["text"], output["turns"], output["tool_calls"]) == ("four", 2, 1)
    assert [spec.name for spec in model.asked[0].tools] == ["math__double", "math__store"]
    assert results(model.asked[1]) == [ToolResult("call-1", "4")]
    assert context.said[1:3] == [ToolCall("call-1", "math.double", {"a": 2}), ToolResult("call-1", "4")]
    assert context.usages == [Usage(10, 5)] * 2


async def test_what_streams_stands_apart_turn_by_turn() -> None:
    turn = ModelAnswer(Message("assistant", (Text("Let me see."), call("math__double", a=2))), "small", "tool_use")
    context = context_of(Talker(turn, "four", streams=True), adder())
    await run(MATH, context)
    assert context.text("out") == "Let me see.\n\nfour"


async def test_tool_calls_count_however_the_answer_says_that_it_stopped() -> None:
    model = Talker(answered(call("math__double", a=2), "end"), "four")
    assert (await run(MATH, context_of(model, adder())))["text"] == "four"


async def test_thoughts_go_back_to_who_had_them_and_to_nobody_else() -> None:
    turn = ModelAnswer(Message("assistant", (Thinking("hm", "seal"), call("math__double", a=2))), "small", "tool_use")
    model = Talker(turn, "four")
    context = context_of(model, adder())
    await run(AgentSettings("x", tools=("math",), conversation="talk"), context)
    assert Thinking("hm", "seal") in model.asked[1].messages[1].parts
    assert Message("assistant", (Thinking("hm", "seal"),)) in context.said
    assert [len(message.parts) for message in context.conversations["talk"]] == [1, 1, 1, 1]


async def test_an_error_of_the_model_is_the_agent_s_error() -> None:
    with pytest.raises(UpstreamError, match="busy"):
        await run(MATH, context_of(Talker(call("math__double", a=2), UpstreamError("busy")), adder()))


# ── a final answer is required ──────────────────────────────────────────────────────────────────


async def test_the_last_turn_has_no_tools_and_asks_for_the_answer() -> None:
    model = Talker(call("math__double", 1, a=1), call("math__double", 2, a=2), "enough")
    output = await run(AgentSettings("x", tools=("math",), max_turns=3), context_of(model, adder()))
    assert output["text"] == "enough"
    assert model.asked[1].tools
    assert not model.asked[2].tools
    assert "max_turns (3) was reached" in model.asked[2].messages[-1].text


async def test_without_an_answer_even_then_the_task_fails() -> None:
    model = Talker(call("math__double", 1, a=1), call("math__double", 2, a=2))
    with pytest.raises(WorkError, match=r"no final answer: max_turns \(2\) was reached") as caught:
        await run(AgentSettings("x", tools=("math",), max_turns=2), context_of(model, adder()))
    assert caught.value.output is not None
    assert caught.value.output["turns"] == 2
    assert "raise the limit" in str(caught.value.failure.hint)


async def test_what_the_last_answer_wants_of_tools_is_dropped() -> None:
    last = ModelAnswer(Message("assistant", (Text("so be it"), call("math__double", a=1))), "small")
    context = context_of(Talker(last), adder())
    settings = AgentSettings("x", tools=("math",), max_turns=1, conversation="talk")
    assert (await run(settings, context))["text"] == "so be it"
    assert context.conversations["talk"][-1] == said("assistant", "so be it")


async def test_an_empty_answer_is_asked_for_once_more() -> None:
    model = Talker("", "four")
    assert (await run(AgentSettings("x"), context_of(model)))["text"] == "four"
    assert [message.role for message in model.asked[1].messages] == ["user", "user"]
    with pytest.raises(WorkError, match="no final answer, though it was asked twice"):
        await run(AgentSettings("x"), context_of(Talker("", " ")))


async def test_an_answer_that_was_held_back_is_told_as_such() -> None:
    held = ModelAnswer(Message("assistant", (call("math__double", a=1),)), "small", "filter")
    output = await run(MATH, context_of(Talker(held), adder()))
    assert (output["text"], output["stop"]) == ("", "filter")


async def test_an_answer_that_became_too_long_says_so() -> None:
    assert (await run(AgentSettings("x"), context_of(Talker(answered("lo", "length")))))["stop"] == "length"


async def test_a_call_that_was_cut_off_is_not_made() -> None:
    model, server = Talker(answered(ToolCall("c", "math__double", None, '{"a"'), "length"), "ok"), adder()
    await run(MATH, context_of(model, server))
    assert "cut off at max_tokens" in results(model.asked[1])[0].text
    assert not server.used


# ── budgets ─────────────────────────────────────────────────────────────────────────────────────


async def test_max_tool_calls_bounds_the_uses_of_tools() -> None:
    calls = [call("math__double", number, a=number) for number in range(3)]
    model, server = Talker(calls, "enough"), adder()
    await run(AgentSettings("x", tools=("math",), max_tool_calls=2), context_of(model, server))
    assert len(server.used) == 2
    assert [result.is_error for result in results_before(model.asked[1])] == [False, False, True]
    assert "max_tool_calls (2)" in model.asked[1].messages[-1].text


def results_before(request: ModelRequest) -> list[ToolResult]:
    return [part for part in request.messages[-2].parts if isinstance(part, ToolResult)]


async def test_a_token_budget_that_is_nearly_used_up_asks_for_the_answer() -> None:
    turn = ModelAnswer(Message("assistant", (call("math__double", 1, a=1),)), "small", "tool_use", Usage(160, 90))
    model = Talker(turn, "enough")
    settings = AgentSettings("x" * 400, tools=("math",), token_budget=400, max_tokens=300)
    await run(settings, context_of(model, adder()))
    assert model.asked[0].max_tokens == 256  # what the prompt leaves is less, and less would help nobody
    assert not model.asked[1].tools
    assert "token_budget (400)" in model.asked[1].messages[-1].text


async def test_usage_that_nobody_told_is_counted_by_length() -> None:
    model = Talker(ModelAnswer(said("assistant", "y" * 400), "small"))
    output = await run(AgentSettings("x" * 400), context_of(model))
    assert output["tokens_spent"] == 200


class Narrow(Talker):
    """Reads four hundred tokens at most."""

    def window(self, model: str | None) -> int | None:
        del model
        return 400


async def test_a_context_that_is_nearly_full_asks_for_the_answer() -> None:
    model = Narrow("enough")
    await run(AgentSettings("x" * 1_200, tools=("math",)), context_of(model, adder()))
    assert not model.asked[0].tools
    assert "the model's context (400 tokens) was reached" in model.asked[0].messages[-1].text


class Slow(Talker):
    """Takes ten seconds for each answer."""

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        await context.clock.sleep(10)
        return await super().complete(request, context)


async def test_a_time_budget_counts_work_and_no_waiting_for_a_turn() -> None:
    calls = [call("math__double", number, a=number) for number in range(2)]
    model = Slow(*calls, "enough")
    context = context_of(model, adder())
    context.waits = 1_000.0
    output = await run(AgentSettings("x", tools=("math",), time_budget=25.0), context)
    assert output["turns"] == 3
    assert "time_budget (25 s)" in model.asked[2].messages[-1].text


# ── going round in circles ──────────────────────────────────────────────────────────────────────


async def test_the_same_call_three_times_in_a_row_is_not_made_again() -> None:
    same = [call("math__double", number, a=1) for number in range(3)]
    model, server = Talker(*same, "enough"), adder()
    assert (await run(MATH, context_of(model, server)))["text"] == "enough"
    assert len(server.used) == 2
    assert "several times" in results(model.asked[3])[0].text
    assert model.asked[3].tools  # it was told, and may do something else


async def test_who_goes_on_like_that_is_asked_for_the_answer() -> None:
    same = [call("math__double", number, a=1) for number in range(4)]
    model = Talker(*same, "enough")
    assert (await run(MATH, context_of(model, adder())))["text"] == "enough"
    assert not model.asked[4].tools
    assert "again and again" in model.asked[4].messages[-1].text


async def test_who_has_no_answer_even_then_is_not_advised_to_raise_a_limit() -> None:
    model = Talker(*(call("math__double", number, a=1) for number in range(4)), "")
    with pytest.raises(WorkError, match="no final answer: the same calls") as caught:
        await run(MATH, context_of(model, adder()))
    hint = "say in the prompt when the work is done and what to do where a tool does not help, or ask another model"
    assert caught.value.failure.hint == hint


async def test_a_loop_of_several_calls_is_noticed_too() -> None:
    loop = [call("math__double", number, a=number % 2) for number in range(12)]
    model, server = Talker(*loop[:10], "enough"), adder()
    assert (await run(MATH, context_of(model, server)))["text"] == "enough"
    assert len(server.used) == 8


# ── conversations ───────────────────────────────────────────────────────────────────────────────


async def test_agents_of_a_conversation_know_what_was_said_before() -> None:
    context = context_of(Talker("one", "two"))
    settings = AgentSettings("first", conversation="talk")
    await run(settings, context)
    await run(AgentSettings("second", conversation="talk"), context)
    assert [message.text for message in context.conversations["talk"]] == ["first", "one", "second", "two"]


async def test_a_subagent_reads_a_conversation_and_leaves_nothing_in_it() -> None:
    model = Talker("done")
    context = context_of(model)
    context.conversations["talk"] = (said("user", "before"), said("assistant", "yes"))
    output = await SubagentKind().run(AgentSettings("and now?", conversation="talk"), context)
    assert output["text"] == "done"
    assert [message.text for message in model.asked[0].messages] == ["before", "yes", "and now?"]
    assert len(context.conversations["talk"]) == 2


async def test_a_failed_agent_leaves_nothing_in_the_conversation() -> None:
    context = context_of(Talker(UpstreamError("busy")))
    with pytest.raises(UpstreamError):
        await run(AgentSettings("first", conversation="talk"), context)
    assert not context.conversations


# ── answers that have a form ────────────────────────────────────────────────────────────────────


async def test_an_answer_that_does_not_fit_is_repaired_even_after_the_last_turn() -> None:
    model = Talker(call("math__double", a=2), "four", '{"n": 4}')
    structure = Structure({"type": "object", "required": ["n"]})
    settings = AgentSettings("x", tools=("math",), max_turns=2, output=structure)
    output = await run(settings, context_of(model, adder()))
    assert output["data"] == {"n": 4}
    assert "there is no JSON in it" in model.asked[2].messages[-2].text


# ── verify ──────────────────────────────────────────────────────────────────────────────────────


async def test_the_failure_of_the_check_is_the_next_turn(tmp_path: Path) -> None:
    path = {"path": "done", "text": "yes"}
    model = Talker("done", ToolCall("w", "write_file", path), "now it is")
    settings = AgentSettings(
        "x", tools=("write_file",), confirm="never", verify=Verify("echo looking; test -e done"), conversation="talk"
    )
    context = context_of(model, folder=tmp_path)
    assert (await run(settings, context))["text"] == "now it is"
    told = model.asked[1].messages[-1].text
    assert "exit code 1" in told
    assert "looking" in told
    assert context.text("log") == "looking\nlooking\n"


async def test_a_check_that_keeps_failing_fails_the_task(tmp_path: Path) -> None:
    context = context_of(Talker("a", "b", "c"), folder=tmp_path)
    with pytest.raises(WorkError, match="verify failed 3 times: exit code 7: no good") as caught:
        await run(AgentSettings("x", verify=Verify("echo no good; exit 7", rounds=2)), context)
    assert caught.value.failure.exit_code == 7
    assert caught.value.output is not None
    assert (caught.value.output["text"], caught.value.output["verify"]) == ("c", "no good\n")


async def test_a_check_that_nobody_may_mend_any_more_fails_the_task(tmp_path: Path) -> None:
    settings = AgentSettings("x", max_turns=1, verify=Verify("false"))
    with pytest.raises(WorkError, match=r"verify failed once \(max_turns \(1\) was reached\): exit code 1$"):
        await run(settings, context_of(Talker("a"), folder=tmp_path))


async def test_what_was_held_back_is_not_checked(tmp_path: Path) -> None:
    context = context_of(Talker(answered("", "filter")), folder=tmp_path)
    with pytest.raises(UpstreamError, match="content filter"):
        await run(AgentSettings("x", verify=Verify("true")), context)


# ── the kind ────────────────────────────────────────────────────────────────────────────────────


async def test_a_folder_that_is_none_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    model = Talker("never")
    with pytest.raises(InputError, match="nowhere is no folder"):
        await run(AgentSettings("x", tools=("read_file",), cwd="nowhere"), context_of(model, folder=tmp_path))
    assert not model.asked


def test_an_agent_estimates_one_call_as_any_who_asks_a_model() -> None:
    spec = BackendSpec("b", "openai", None)
    assert AgentKind().estimate(AgentSettings("x" * 8), spec) == Estimate(2, 4096)
    assert AgentKind().repeatable(AgentSettings("x"))
