"""Servers as people use them, two from PyPI and two from npm, of both generations of the protocol."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.core.ports import ToolAnswer
from tests.backends.mcp_servers.kit import said, serving
from tests.e2e import npm
from tests.kinds.fakes import FakeContext

FILESYSTEM = ("@modelcontextprotocol/server-filesystem", "2026.8.31")
EVERYTHING = ("@modelcontextprotocol/server-everything", "2026.8.31")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit."""
    (tmp_path / "notes.txt").write_text("one\n")
    who = ["-c", "user.name=A Tester", "-c", "user.email=tester@example.org"]
    for words in (["init", "-q"], ["add", "notes.txt"], [*who, "commit", "-q", "-m", "The first note"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


async def test_the_git_server_reads_a_repository(repository: Path) -> None:
    async with serving(sys.executable, "-m", "mcp_server_git", "--repository", str(repository)) as server:
        tools = {tool.spec.name: tool.writes for tool in await server.tools(FakeContext())}
        assert tools["git_log"] is False
        assert tools["git_commit"] is True
        assert "The first note" in await said(server, "git_log", repo_path=str(repository))
        (repository / "notes.txt").write_text("two\n")
        assert "+two" in await said(server, "git_diff_unstaged", repo_path=str(repository))


async def test_the_time_server_tells_the_time_as_data() -> None:
    async with serving(sys.executable, "-m", "mcp_server_time") as server:
        answer = await server.use("convert_time", EIGHT_IN_BERLIN, FakeContext())
        assert answer.structured is not None
        assert "T16:00" in str(answer.structured["target"]) or "T15:00" in str(answer.structured["target"])
        assert (await server.use("get_current_time", {"timezone": "Mars"}, FakeContext())).is_error


EIGHT_IN_BERLIN = {"source_timezone": "Europe/Berlin", "time": "08:00", "target_timezone": "Asia/Tokyo"}


async def test_the_filesystem_server_of_npm_keeps_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Grüße")
    async with serving(*npm.command(*FILESYSTEM), str(tmp_path)) as server:
        assert (await server.check()).endswith("protocol 2025-11-25")
        assert await said(server, "read_text_file", path=str(tmp_path / "a.txt")) == "Grüße"
        await said(server, "write_file", path=str(tmp_path / "b.txt"), content="new")
        outside = await server.use("read_text_file", {"path": "/etc/hostname"}, FakeContext())
    assert (tmp_path / "b.txt").read_text() == "new"
    assert outside.is_error
    assert "Access denied" in outside.text


async def test_the_everything_server_of_npm_shows_what_there_is() -> None:
    async with serving(*npm.command(*EVERYTHING)) as server:
        names = {tool.spec.name for tool in await server.tools(FakeContext())}
        assert await said(server, "echo", message="hello") == "Echo: hello"
        picture: ToolAnswer = await server.use("get-tiny-image", {}, FakeContext())
        context = FakeContext()
        await server.use("trigger-long-running-operation", {"duration": 0.4, "steps": 2}, context)
    assert "echo" in names
    assert "[image image/png, " in picture.text
    assert {part["type"] for part in picture.content} == {"text", "image"}
    assert [step for step, _, _ in context.progressed] == [1, 2]
