"""Servers of tools that are started here: what they answer, how they end, and that they are started anew."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from orchestrator.backends.mcp import McpBackend
from orchestrator.backends.mcp.server import CLOSING
from orchestrator.core.errors import Code, ErrorKind
from orchestrator.core.flow import Json
from orchestrator.core.model import ToolSpec
from orchestrator.core.ports import Checkable, Tool, ToolServer
from tests.backends.mcp_servers.kit import (
    BY_HAND,
    BY_LIBRARY,
    ENVIRONMENT,
    backend,
    eventually,
    failure,
    is_alive,
    said,
    serving,
)
from tests.kinds.fakes import FakeContext

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def by_hand() -> AsyncIterator[McpBackend]:
    """A server of the older protocol that nobody is to break."""
    async with serving(*BY_HAND) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def by_library() -> AsyncIterator[McpBackend]:
    """The same, of the newer protocol."""
    async with serving(*BY_LIBRARY) as server:
        yield server


# ── what they answer ──


async def test_a_backend_of_tools_can_be_checked(by_hand: McpBackend, by_library: McpBackend) -> None:
    assert isinstance(by_hand, ToolServer)
    assert isinstance(by_hand, Checkable)
    assert await by_hand.check() == "15 tools, by-hand 1, protocol 2025-11-25"
    assert (await by_library.check()).startswith("6 tools, by-library ")
    assert (await by_library.check()).endswith(", protocol 2026-07-28")


async def test_tools_come_from_all_pages_and_say_whether_they_write(by_hand: McpBackend) -> None:
    tools = {tool.spec.name: tool for tool in await by_hand.tools(FakeContext())}
    assert {"echo", "show", "babble"} < set(tools)
    schema: Mapping[str, Json] = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    assert tools["echo"] == Tool(ToolSpec("echo", "What echo does.", schema), writes=False)
    assert tools["fail"].writes


async def test_a_tool_answers_text_parts_and_data(by_hand: McpBackend) -> None:
    answer = await by_hand.use("echo", {"text": "Grüße"}, FakeContext())
    assert (answer.text, answer.is_error) == ("Grüße", False)
    assert answer.content == ({"type": "text", "text": "Grüße"},)
    assert answer.structured == {"length": 5}


async def test_data_that_is_no_mapping_becomes_one(by_library: McpBackend) -> None:
    answer = await by_library.use("add", {"a": 2, "b": 3}, FakeContext())
    assert (answer.text, answer.structured) == ("5", {"result": 5})


async def test_what_is_no_text_is_described_in_it_and_kept_whole(by_hand: McpBackend) -> None:
    answer = await by_hand.use("show", {}, FakeContext())
    assert answer.text.splitlines() == [
        "look:",
        "[image image/png, 6 bytes]",
        "[resource file:///a.txt: a.txt]",
        "[resource file:///b.txt]",
        "inside b",
        "[resource file:///c.bin: application/x-c, 6 bytes]",
    ]
    assert answer.content[1] == {"type": "image", "mimeType": "image/png", "data": "aGVsbG8h"}


async def test_an_answer_of_megabytes_arrives_whole(by_hand: McpBackend) -> None:
    assert len(await said(by_hand, "long", size=5_000_000)) == 5_000_000


async def test_a_tool_s_own_error_is_an_answer(by_hand: McpBackend, by_library: McpBackend) -> None:
    for server, told in ((by_hand, "no such page"), (by_library, "Error executing tool fail")):
        answer = await server.use("fail", {}, FakeContext())
        assert (answer.is_error, answer.text) == (True, told)


async def test_so_is_an_error_in_the_protocol_s_way_and_what_it_says_of_bad_arguments(
    by_hand: McpBackend, by_library: McpBackend
) -> None:
    for server, tool, arguments, told in (
        (by_hand, "refuse", {}, "the disk is full"),
        (by_hand, "echo", {"txt": "hello"}, "echo wants a text"),
        (by_library, "add", {"a": "many"}, "validation error"),
    ):
        answer = await server.use(tool, arguments, FakeContext())
        assert answer.is_error
        assert told in answer.text


async def test_an_unknown_tool_is_told_with_the_one_that_was_meant(by_hand: McpBackend) -> None:
    why = await failure(by_hand, "ecko")
    assert (why.kind, why.message, why.hint) == (
        ErrorKind.INPUT,
        "server tools has no tool 'ecko'",
        "did you mean 'echo'?",
    )
    assert "it has babble, crash, echo" in str((await failure(by_hand, "zzz")).hint)


async def test_progress_is_handed_on(by_hand: McpBackend, by_library: McpBackend) -> None:
    for server in (by_hand, by_library):
        context = FakeContext()
        assert await said(server, "slow", context, steps=3) == "done"
        assert context.progressed == [(1, 3, "step 1"), (2, 3, "step 2"), (3, 3, "step 3")]


async def test_many_use_a_server_at_once(by_hand: McpBackend) -> None:
    context = FakeContext()
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(said(by_hand, "slow", context, steps=10))
    steps = [step for step, *_ in context.progressed]
    assert steps.index(10) > steps.index(1) + 10, "all begin before one has ended"


# ── what they tell unasked ──


async def test_tools_are_asked_for_once_and_again_when_they_changed(tmp_path: Path) -> None:
    async with serving(*BY_HAND, folder=tmp_path) as server:
        for _ in range(3):
            await said(server, "echo", text="again")
        log = tmp_path / "servers" / "tools.log"
        assert log.read_text().count("asked for tools") == 2  # one for each page
        await said(server, "grow")
        await server.check()
        assert "grown" in {tool.spec.name for tool in await server.tools(FakeContext())}


async def test_news_of_tools_come_over_the_newer_protocol_too() -> None:
    async with serving(*BY_LIBRARY) as server:
        assert len(await server.tools(FakeContext())) == 6
        await said(server, "grow")
        for _ in range(100):
            if len(await server.tools(FakeContext())) == 7:
                return
            await asyncio.sleep(0.02)
        pytest.fail("nobody heard of the new tool")


async def test_what_is_no_message_harms_nobody_and_stands_in_the_log(tmp_path: Path) -> None:
    async with serving(*BY_HAND, folder=tmp_path) as server:
        assert await said(server, "babble") == "excuse me"
        assert await said(server, "echo", text="still here") == "still here"
    lines = (tmp_path / "servers" / "tools.log").read_text().splitlines()
    assert {"I am up", "(no message) this is no message", "warning: careful", "goodbye"} <= set(lines)


async def test_whoever_talks_a_lot_is_heard_out(by_hand: McpBackend) -> None:
    assert await said(by_hand, "flood", size=5_000) == "all said"


async def test_nothing_of_a_server_comes_to_our_own_screen(capfd: pytest.CaptureFixture[str]) -> None:
    async with serving(*BY_HAND) as server:
        await said(server, "babble")
    assert capfd.readouterr() == ("", "")


async def test_the_log_holds_no_secret(tmp_path: Path) -> None:
    command = ("sh", "-c", 'echo "my key is $A_KEY" >&2; exit 1')
    server = backend(
        *command, folder=tmp_path, env={"A_KEY": "k3y-1234"}, redact=lambda text: text.replace("k3y-1234", "***")
    )
    why = await failure(server)
    await server.aclose()
    assert (tmp_path / "servers" / "tools.log").read_text() == "my key is ***\n"
    assert why.hint == "it said: my key is ***"


async def test_a_server_gets_only_the_secrets_that_it_is_given() -> None:
    assert "NPM_TOKEN" in ENVIRONMENT
    async with serving(*BY_HAND, env={"API_KEY": "for-you"}) as server:
        assert await said(server, "variable", text="PATH") == ENVIRONMENT["PATH"]
        assert await said(server, "variable", text="NPM_TOKEN") == "(not set)"
        assert await said(server, "variable", text="API_KEY") == "for-you"


async def test_a_server_runs_in_the_folder_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    async with serving(
        "sh", "-c", f"pwd >&2; exec {sys.executable} {BY_HAND[1]}", cwd=str(tmp_path / "inner"), folder=tmp_path
    ) as server:
        await server.check()
    assert (tmp_path / "servers" / "tools.log").read_text().startswith(f"{tmp_path}/inner\n")


# ── how they end ──


async def test_a_crash_fails_the_calls_under_way_and_the_next_one_finds_a_new_server() -> None:
    async with serving(*BY_HAND) as server:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(failure(server, "hang"))
            await said(server, "slow", steps=2)
            crashed = group.create_task(failure(server, "crash"))
        for why in (waiting.result(), crashed.result()):
            assert (why.kind, why.code, why.is_transient) == (ErrorKind.UPSTREAM, Code.CONNECTION, True)
            assert why.message == "server tools ended with exit code 7"
            assert "the tape is torn" in str(why.hint)
        assert await said(server, "echo", text="back") == "back"


async def test_a_server_that_ends_while_nobody_asks_is_started_anew() -> None:
    async with serving(*BY_HAND) as server:
        pid = int(await said(server, "who"))
        os.kill(pid, signal.SIGKILL)
        await eventually(lambda: not is_alive(pid))
        await asyncio.sleep(0.05)
        assert await said(server, "echo", text="back") == "back"


async def test_a_crash_over_the_newer_protocol_is_the_same() -> None:
    async with serving(*BY_LIBRARY) as server:
        assert (await failure(server, "crash")).message == "server tools ended with exit code 7"
        assert await said(server, "add", a=1, b=1) == "2"


async def test_a_call_that_takes_too_long_is_given_up_and_the_server_goes_on(tmp_path: Path) -> None:
    async with serving(*BY_HAND, timeout=0.5, folder=tmp_path) as server:
        await server.check()
        why = await failure(server, "hang")
        assert (why.code, why.is_transient, why.kind) == (Code.BACKEND_TIMEOUT, True, ErrorKind.UPSTREAM)
        assert why.message == "server tools did not answer within 0.5 s (timeout)"
        assert await said(server, "echo", text="still here") == "still here"
    assert "cancelled" in (tmp_path / "servers" / "tools.log").read_text()


async def test_a_cancel_reaches_the_server(tmp_path: Path, by_library: McpBackend) -> None:
    mark = tmp_path / "mark"
    await by_library.check()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(by_library.use("hang", {"mark": str(mark)}, FakeContext()), 0.3)
    await eventually(mark.exists)
    assert await said(by_library, "add", a=1, b=2) == "3"


async def test_who_is_cancelled_while_the_server_starts_takes_it_from_nobody() -> None:
    async with serving(*BY_HAND) as server:
        async with asyncio.TaskGroup() as group:
            impatient = group.create_task(said(server, "echo", text="one"))
            patient = group.create_task(said(server, "echo", text="two"))
            await asyncio.sleep(0.01)
            impatient.cancel()
        assert patient.result() == "two"


async def test_a_program_that_is_missing_is_the_flow_s_fault() -> None:
    server = backend("no-such-server", "--now")
    why = await failure(server)
    await server.aclose()
    assert (why.kind, why.code) == (ErrorKind.INPUT, Code.NOT_STARTED)
    assert why.message == "server tools: cannot start no-such-server: there is no such program"
    assert why.hint == "check its name and PATH, or install it"


async def test_a_server_that_dies_at_its_start_is_quoted() -> None:
    server = backend("sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo trouble $i >&2; done; exit 3")
    why = await failure(server)
    await server.aclose()
    assert (why.code, why.is_transient) == (Code.CONNECTION, True)
    assert why.message == "server tools ended with exit code 3"
    assert why.hint == "it said: " + " | ".join(f"trouble {number}" for number in range(5, 10))


async def test_a_server_that_does_not_answer_at_its_start_is_given_up() -> None:
    server = backend("sh", "-c", "echo soon >&2; exec sleep 60", start_timeout=0.2)
    why = await failure(server)
    await server.aclose()
    assert why.code == Code.BACKEND_TIMEOUT
    assert why.message == "server tools did not answer within 0.2 s (start_timeout)"
    assert "it said: soon" in str(why.hint)


async def test_a_server_that_has_not_answered_by_the_end_is_not_waited_for(tmp_path: Path) -> None:
    server = backend("sh", "-c", f"echo $$ > {tmp_path}/pid; exec sleep 60", start_timeout=60)
    asking = asyncio.create_task(failure(server))
    await eventually(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != "")
    async with asyncio.timeout(CLOSING):
        await server.aclose()
    assert (await asking).code == Code.CONNECTION
    assert not is_alive(int((tmp_path / "pid").read_text()))


async def test_a_server_that_never_ends_a_line_is_not_listened_to_for_ever(tmp_path: Path) -> None:
    server = backend("sh", "-c", "exec cat /dev/zero", folder=tmp_path)
    why = await failure(server)
    await server.aclose()
    assert why.message == "server tools sent a message of more than 67,108,864 bytes"


# ── that none is left ──


async def test_closing_ends_the_server_and_what_it_started_however_far_away() -> None:
    async with serving(*BY_HAND) as server:
        server_pid, child = map(int, (await said(server, "fork")).split())
        assert is_alive(server_pid)
        assert is_alive(child)
    assert not is_alive(server_pid)
    assert not is_alive(child)


async def test_a_server_that_ignores_every_request_to_end_is_ended() -> None:
    stubborn = f"trap '' TERM; {BY_HAND[0]} {BY_HAND[1]}; while :; do sleep 1; done"
    async with serving("bash", "-c", stubborn) as server:
        pid, _ = map(int, (await said(server, "fork")).split())
    assert not is_alive(pid)


async def test_nothing_is_started_once_it_was_closed() -> None:
    async with serving(*BY_HAND) as server:
        await server.check()
    assert (await failure(server)).message == "server tools was stopped with the run"


async def test_closing_what_was_never_used_is_nothing() -> None:
    await backend(*BY_HAND).aclose()
