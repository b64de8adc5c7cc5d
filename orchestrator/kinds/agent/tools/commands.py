"""Commands in the working folder: the tool shell, and what else runs programs for an agent."""

from __future__ import annotations

import asyncio
import codecs
import shutil
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from orchestrator.core.model import ToolSpec
from orchestrator.core.ports import Context
from orchestrator.kinds.agent.tools.shortening import Excerpt
from orchestrator.kinds.agent.tools.tool import Arguments, BuiltIn, Room, ToolFault, takes, text, whole
from orchestrator.processes import Child, Command, NotStarted, start

USUAL_TIMEOUT: Final = 120
LONGEST_TIMEOUT: Final = 3_600

STRICT: Final = ("-eu", "-o", "pipefail")
"""How a flow's own commands are run; a model's are run as a person's are who types them."""


class Ran(NamedTuple):
    """What became of a command: its exit code, None where it took too long, and what it printed, errors among it."""

    code: int | None
    output: str


async def run_command(command: Command, context: Context, *, seconds: float | None, tell: Callable[[str], None]) -> Ran:
    """Run a command to its end, or to that of its time. `tell` is given its output as it comes. Raises NotStarted."""
    printed = Excerpt()
    listen = _listener(printed, tell)
    child = await start(command, on_output=listen)
    try:
        async with asyncio.timeout(seconds):
            code = await child.wait()
    except TimeoutError:
        await _stopped(child, context.grace)
        return Ran(None, printed.text)
    except asyncio.CancelledError:
        await _stopped(child, context.grace)
        raise
    return Ran(code, printed.text)


def _listener(printed: Excerpt, tell: Callable[[str], None]) -> Callable[[str, bytes], None]:
    decoders = {stream: codecs.getincrementaldecoder("utf-8")("replace").decode for stream in ("out", "err")}

    def on_output(stream: str, chunk: bytes) -> None:
        words = decoders[stream](chunk)
        printed.add(words)
        tell(words)

    return on_output


async def _stopped(child: Child, grace: float) -> None:
    """Stop the command in stages; whoever cancels once more has waited long enough."""
    try:
        await child.stop(grace)
    except asyncio.CancelledError:
        child.kill()
        raise


def shell_argv(command: str, environment: Mapping[str, str], *, strict: bool = False) -> tuple[str, ...]:
    """Return how a shell is started for a command."""
    if _has_bash(environment.get("PATH")):
        return ("bash", *(STRICT if strict else ()), "-c", command)
    return ("sh", *(("-eu",) if strict else ()), "-c", command)


@lru_cache(maxsize=16)
def _has_bash(search: str | None) -> bool:
    return shutil.which("bash", path=search) is not None


# ── shell ───────────────────────────────────────────────────────────────────────────────────────


async def _shell(given: Arguments, room: Room) -> str:
    context, seconds = room.context, given.get("timeout", USUAL_TIMEOUT)
    command = Command(shell_argv(given["command"], context.environment), room.folder, context.environment)
    try:
        ran = await run_command(command, context, seconds=seconds, tell=lambda words: context.write("log", words))
    except NotStarted as error:
        raise ToolFault(error.message) from error
    if ran.code is None:
        raise ToolFault(f"stopped after {seconds} s; what it printed until then:\n{ran.output}")
    return f"{in_words(ran.code)}\n{ran.output}"


def in_words(code: int) -> str:
    """Return an exit code as people say it."""
    return f"ended by signal {-code}" if code < 0 else f"exit code {code}"


SHELL: Final = BuiltIn(
    ToolSpec(
        "shell",
        "Runs a command in the working folder by bash and returns its exit code and what it printed.",
        takes(
            {"command": text("The command.")},
            {
                "timeout": {
                    **whole(f"After how many seconds it is stopped; default: {USUAL_TIMEOUT}."),
                    "maximum": LONGEST_TIMEOUT,
                }
            },
        ),
    ),
    _shell,
    writes=True,
)
