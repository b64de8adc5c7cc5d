"""An answer whose body has not come yet: its head, and its body bit by bit."""

import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Final

from orchestrator.net.errors import NetError
from orchestrator.net.sse import EventDecoder, ServerEvent

if TYPE_CHECKING:
    from orchestrator.net.body import Body

LINGER: Final = 0.5
"""Seconds that the end of a body may take when all that matters has come; then its connection is not used again."""


class OpenResponse:
    """An answer that is read once, as bytes or as events. No more of it is read than `max_size` bytes.

    Names of headers are in lower case; `url` is the one that answered.
    """

    def __init__(self, status: int, headers: Mapping[str, str], url: str, body: "Body", max_size: int) -> None:
        self.status = status
        self.headers = headers
        self.url = url
        self._body = body
        self._max_size = max_size
        self._size = 0

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes. Raises NetError where it breaks off, falls silent or is too long."""
        while chunk := await self._body.next():
            self._count(chunk)
            yield chunk

    async def events(self) -> AsyncGenerator[list[ServerEvent], None]:
        """Yield the server-sent events as they come, those together that came together. Raises as `chunks` does."""
        decoder = EventDecoder()
        while chunk := await self._body.next():
            self._count(chunk)
            if events := decoder.feed(chunk):
                yield events

    def _count(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._max_size:
            raise NetError("too_large", f"the answer is longer than {self._max_size:,} bytes")

    async def read(self, limit: int, on_chunk: Callable[[bytes], None] | None = None) -> tuple[bytes, bool]:
        """Return the body up to the limit, and whether there was more. `on_chunk` gets it as it comes."""
        body = bytearray()
        while chunk := await self._body.next():
            if not body and len(chunk) <= limit and self._body.has_come and on_chunk is None:
                return chunk, False
            kept = chunk[: limit - len(body)]
            body += kept
            if on_chunk and kept:
                on_chunk(kept)
            if len(kept) < len(chunk):
                return bytes(body), True
        return bytes(body), False

    async def finish(self) -> None:
        """Let the rest of the body come, which is not wanted, so that its connection can be used again."""
        if self._body.has_come:
            return
        import asyncio  # noqa: PLC0415 - it takes 30 ms to import, and who asks has done so

        with contextlib.suppress(TimeoutError, NetError):
            async with asyncio.timeout(LINGER):
                await self.read(self._max_size)
