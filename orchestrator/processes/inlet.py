"""Talking to a child while it runs: what it is told comes in pieces, and it answers in between."""

import asyncio
import os
from dataclasses import replace

from orchestrator.processes.child import Child, OnOutput, start
from orchestrator.processes.command import Command


async def converse(command: Command, *, on_output: OnOutput) -> "tuple[Child, Inlet]":
    """Start a program that reads what is written to the inlet. Who ends the one closes the other."""
    reader, writer = os.pipe()
    inlet = Inlet(writer)
    try:
        return await start(replace(command, stdin=reader), on_output=on_output), inlet
    except BaseException:
        inlet.close()
        raise
    finally:
        os.close(reader)


class Inlet:
    """The writing end of a child's standard input. One at a time may write."""

    def __init__(self, writer: int) -> None:
        os.set_blocking(writer, False)
        self._loop = asyncio.get_running_loop()
        self._writer: int | None = writer
        self._room: asyncio.Future[None] | None = None

    async def write(self, data: bytes) -> None:
        """Write all of it, waiting while the child reads slowly. Raises BrokenPipeError if nobody reads any more."""
        rest = memoryview(data)
        while rest:
            if self._writer is None:
                raise BrokenPipeError("the inlet is closed")
            try:
                rest = rest[os.write(self._writer, rest) :]
            except BlockingIOError:
                await self._until_there_is_room(self._writer)

    def close(self) -> None:
        """Let the child find the end of its input; who writes at this moment stops."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        self._go_on()
        self._loop.remove_writer(writer)
        os.close(writer)

    async def _until_there_is_room(self, writer: int) -> None:
        self._room = self._loop.create_future()
        self._loop.add_writer(writer, self._go_on)
        try:
            await self._room
        finally:
            if self._writer is not None:  # else its number may be another's by now
                self._loop.remove_writer(writer)

    def _go_on(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
