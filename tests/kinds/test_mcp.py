"""A task that uses one tool: what the tool is asked, and what the task leaves behind."""

from collections.abc import Mapping, Sequence

import pytest

from orchestrator.core.errors import Code, InputError, UpstreamError, WorkError
from orchestrator.core.flow import BackendSpec, Json
from orchestrator.core.output import Cut
from orchestrator.core.ports import Backend, Context, Estimate, Tool, ToolAnswer, ToolServer
from orchestrator.kinds.mcp import McpKind, McpSettings
from tests.kinds.fakes import FakeContext, Names, Resource

SPEC = BackendSpec("git", "mcp", None)
TEXT: Mapping[str, Json] = {"type": "text", "text": "hello"}


class Scripted(ToolServer):
    """Answers what it was given, and remembers what it was asked."""

    name = "scripted"
    settings = object

    def __init__(self, answer: ToolAnswer | Exception) -> None:
        self._answer = answer
        self.used: list[tuple[str, Mapping[str, Json]]] = []

    @property
    def spec(self) -> BackendSpec:
        return SPEC

    async def tools(self, context: Context) -> Sequence[Tool]:
        del context
        return ()

    async def use(self, tool: str, arguments: Mapping[str, Json], context: Context) -> ToolAnswer:
        del context
        self.used.append((tool, arguments))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    async def aclose(self) -> None:
        """Nothing is open."""


async def ran(backend: Backend | None, settings: McpSettings, limit: int = 1 << 20) -> Mapping[str, object]:
    return await McpKind().run(settings, FakeContext(backend=backend, limit=limit))


async def test_a_tool_is_asked_by_its_own_name_and_leaves_text_parts_and_data() -> None:
    server = Scripted(ToolAnswer("hello", (TEXT,), {"n": 1}))
    output = await ran(server, McpSettings("git.log.all", {"count": 3}))
    assert server.used == [("log.all", {"count": 3})]
    assert output == {"text": "hello", "content": [TEXT], "structured": {"n": 1}}
    assert set(output) == set(McpKind.output.fields)


async def test_the_text_is_written_as_the_task_s_output() -> None:
    context = FakeContext(backend=Scripted(ToolAnswer("hello")))
    await McpKind().run(McpSettings("git.log"), context)
    assert context.text("out") == "hello"


async def test_a_tool_s_own_error_fails_the_task_and_leaves_its_words() -> None:
    server = Scripted(ToolAnswer("no such\ncommit", (TEXT,), is_error=True))
    with pytest.raises(WorkError, match=r"git\.show: no such commit") as caught:
        await ran(server, McpSettings("git.show"))
    assert caught.value.output is not None
    assert caught.value.output["text"] == "no such\ncommit"
    with pytest.raises(WorkError, match="did not say why"):
        await ran(Scripted(ToolAnswer("", is_error=True)), McpSettings("git.show"))


async def test_what_the_server_raises_is_the_task_s_error() -> None:
    with pytest.raises(UpstreamError, match="it ended"):
        await ran(Scripted(UpstreamError("it ended")), McpSettings("git.show"))


async def test_what_memory_cannot_hold_is_cut_and_told() -> None:
    large: Mapping[str, Json] = {"type": "image", "data": "x" * 2_000_000}
    output = await ran(Scripted(ToolAnswer("hello", (TEXT, large, TEXT), {"n": 1})), McpSettings("git.log"), limit=4)
    assert isinstance(output["text"], Cut)
    assert isinstance(output["structured"], Cut)
    assert output["content"] == [TEXT, {"type": "image", "omitted_bytes": 2_000_029}, TEXT]


async def test_a_backend_without_tools_and_none_at_all_are_refused_with_advice() -> None:
    for backend, message in ((None, "'git.log' names no server"), (Resource(), "the backend database has no tools")):
        with pytest.raises(InputError, match=message) as caught:
            await ran(backend, McpSettings("git.log"))
        assert caught.value.failure.code == Code.UNKNOWN_BACKEND
        assert caught.value.failure.hint == "declare the server under `mcp_servers:`"


@pytest.mark.parametrize("tool", ["git", "git.", ".log", ""])
def test_a_tool_without_its_server_is_refused(tool: str) -> None:
    with pytest.raises(ValueError, match=r"write server\.tool"):
        McpSettings(tool)


def test_it_makes_one_call_that_costs_no_tokens_and_is_not_repeated_unasked() -> None:
    kind, settings = McpKind(), McpSettings("git.log")
    assert (kind.name, kind.short, kind.calls, kind.output.main) == ("mcp", "tool", "one", "text")
    assert not kind.repeatable(settings)
    assert kind.estimate(settings, SPEC) == Estimate()
    assert kind.prepare(settings, Names()) is settings
