"""A mock server of the models' APIs that others wrote, from npm: it answers as its fixtures say."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from tests.e2e.npm import command, environment

PACKAGE: Final = "@copilotkit/aimock"
VERSION: Final = "1.43.0"
PROGRAM: Final = "llmock"

LISTENING: Final = re.compile(rb"listening on (http://\S+)")


@asynccontextmanager
async def mocking(folder: Path, fixtures: Sequence[dict[str, Any]], *options: str) -> AsyncIterator[str]:
    """Start the server with these fixtures; give its address, to which each API adds its own path."""
    file = folder / "fixtures.json"
    file.write_text(json.dumps({"fixtures": list(fixtures)}))
    program = await asyncio.to_thread(command, PACKAGE, VERSION, PROGRAM)
    started = await asyncio.create_subprocess_exec(
        *program,
        *("--port", "0", "--strict", "--chunk-size", "5", "--fixtures", str(file), *options),
        env=environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield await _address(started)
    finally:
        started.kill()
        await started.communicate()


async def _address(started: asyncio.subprocess.Process) -> str:
    assert started.stdout is not None
    told = b""
    async with asyncio.timeout(30):
        while line := await started.stdout.readline():
            told += line
            if found := LISTENING.search(line):
                return found[1].decode()
    raise AssertionError(told.decode())
