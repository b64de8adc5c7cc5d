"""What a server has said and nobody has taken yet."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Final, Self

from anyio import EndOfStream
from mcp.shared.message import SessionMessage

LARGEST: Final = 64 << 20
"""Bytes of messages that may wait."""


class Inbox:
    """Messages in their order, for the library to read. It takes as many as memory may hold, however fast they come."""

    def __init__(self) -> None:
        self._messages: deque[tuple[SessionMessage, int]] = deque()
        self._size = 0
        self._is_closed = False
        self._news = asyncio.Event()

    def put(self, message: SessionMessage, size: int) -> bool:
        """Return whether there was room. What comes after the end is dropped."""
        if self._is_closed:
            return True
        self._messages.append((message, size))
        self._size += size
        self._news.set()
        return self._size <= LARGEST

    def close(self) -> None:
        """Let nothing follow what is there."""
        self._is_closed = True
        self._news.set()

    async def receive(self) -> SessionMessage:
        while not self._messages:
            if self._is_closed:
                raise EndOfStream
            self._news.clear()
            await self._news.wait()
        message, size = self._messages.popleft()
        self._size -= size
        return message

    async def aclose(self) -> None:
        self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage:
        try:
            return await self.receive()
        except EndOfStream:
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
