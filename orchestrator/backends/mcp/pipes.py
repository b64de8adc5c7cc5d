"""Servers that are started here: one message a line, in over their standard input, out over their standard output."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp.client import Transport
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from orchestrator.backends.mcp.inbox import LARGEST, Inbox
from orchestrator.backends.mcp.log import ServerLog
from orchestrator.processes import Child, Command, Inlet, Stream, converse

BACKLOG: Final = 1_000
"""Messages to a server that may wait until it reads them."""
GOODBYE: Final = 1.0
"""Seconds that a server with which all went well gets to end by itself when its input ends,"""
GRACE: Final = 1.0
"""and that it and its children get when they are asked to."""
SHOWN: Final = 200

Ended: TypeAlias = Callable[[str], None]
"""Told how it came that nothing more will be heard of the server."""


def over_pipes(command: Command, log: ServerLog, ended: Ended) -> Transport:
    """Return the way to a server that is started for it, and stopped with it."""
    return _over_pipes(command, log, ended)


@asynccontextmanager
async def _over_pipes(command: Command, log: ServerLog, ended: Ended) -> AsyncIterator[Any]:
    inbox = Inbox()
    outbox, told = anyio.create_memory_object_stream[SessionMessage](BACKLOG)
    ear = _Ear(inbox, log, ended)
    with outbox, told:
        child, inlet = await converse(command, on_output=ear)
        goodbye = 0.0
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_tell, inlet, told)
                group.start_soon(_watch, child, ear)
                yield inbox, outbox
                goodbye = GOODBYE
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await _stop(child, inlet, goodbye)


class _Ear:
    """Makes messages of what a server writes, and lines of its log of what it complains of."""

    def __init__(self, inbox: Inbox, log: ServerLog, ended: Ended) -> None:
        self._inbox = inbox
        self._log = log
        self._ended = ended
        self._parts: list[bytes] = []
        self._size = 0

    def __call__(self, stream: Stream, chunk: bytes) -> None:
        if stream == "err":
            self._log.feed(chunk)
        elif b"\n" in chunk:
            *lines, rest = b"".join((*self._parts, chunk)).split(b"\n")
            self._parts, self._size = [rest], len(rest)
            for line in lines:
                self._hear(line)
        else:
            self._collect(chunk)

    def hear_no_more(self, why: str) -> None:
        """Close: who waits for an answer learns that none will come."""
        self._inbox.close()
        self._ended(why)

    def _collect(self, chunk: bytes) -> None:
        self._parts.append(chunk)
        self._size += len(chunk)
        if self._size > LARGEST:
            self._parts, self._size = [], 0
            self.hear_no_more(f"sent a message of more than {LARGEST:,} bytes")

    def _hear(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            message = SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
        except ValueError:
            self._log.note(f"(no message) {line[:SHOWN].decode('utf-8', 'replace')}")
            return
        if not self._inbox.put(message, len(line)):
            self.hear_no_more(f"sent more than {LARGEST:,} bytes at once")


async def _tell(inlet: Inlet, told: MemoryObjectReceiveStream[SessionMessage]) -> None:
    with contextlib.suppress(BrokenPipeError):  # it has ended, which is noticed elsewhere
        async for message in told:
            text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
            await inlet.write(f"{text}\n".encode())


async def _watch(child: Child, ear: _Ear) -> None:
    code = await child.wait()
    ear.hear_no_more(f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}")


async def _stop(child: Child, inlet: Inlet, goodbye: float) -> None:
    """Let the server end by itself, then see to it that it and all that it started does."""
    inlet.close()
    try:
        with anyio.move_on_after(goodbye):
            await child.wait()
        await child.stop(GRACE)
    except BaseException:
        child.kill()  # whoever is in such a hurry has no time for it
        raise
