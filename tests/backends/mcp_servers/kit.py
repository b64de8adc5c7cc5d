"""Backends whose servers run in the test: how they are made, waited for and looked for afterwards."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from orchestrator.backends.mcp import McpBackend, McpSettings
from orchestrator.core.errors import AttemptError, Failure
from orchestrator.core.flow import BackendSpec
from orchestrator.core.ports import BackendServices
from orchestrator.processes.table import Process
from tests.kinds.fakes import FakeChance, FakeClock, FakeContext

HERE: Final = Path(__file__).parent
BY_HAND: Final = (sys.executable, str(HERE / "by_hand.py"))
BY_LIBRARY: Final = (sys.executable, str(HERE / "by_library.py"))
ENVIRONMENT: Final = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "NPM_TOKEN": "npm-9f8e7d"}


def backend(
    *command: str,
    folder: Path | str = "",
    redact: Callable[[str], str] = str,
    api_key: str | None = None,
    **keys: object,
) -> McpBackend:
    """A backend with this command, or with a `url` among the keys of its settings."""
    settings = McpSettings(command=command, **keys)  # type: ignore[arg-type]  # any of its keys
    services = BackendServices(
        FakeClock(), FakeChance(), api_key, folder=str(folder), environment=ENVIRONMENT, redact=redact
    )
    return McpBackend(BackendSpec("tools", "mcp", settings), services)


@asynccontextmanager
async def serving(*command: str, **given: object) -> AsyncIterator[McpBackend]:
    made = backend(*command, **given)  # type: ignore[arg-type]  # as above
    try:
        yield made
    finally:
        await made.aclose()


async def said(server: McpBackend, tool: str, context: FakeContext | None = None, **arguments: object) -> str:
    """The text that a tool answers."""
    answer = await server.use(tool, arguments, context or FakeContext())  # type: ignore[arg-type]  # all are JSON
    assert not answer.is_error, answer.text
    return answer.text


async def failure(server: McpBackend, tool: str = "echo", **arguments: object) -> Failure:
    """Why a tool does not answer."""
    with pytest.raises(AttemptError) as caught:
        await server.use(tool, arguments, FakeContext())  # type: ignore[arg-type]  # as above
    return caught.value.failure


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(300):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came true")


def is_alive(pid: int) -> bool:
    process = Process.read(pid)
    return process is not None and not process.is_zombie
