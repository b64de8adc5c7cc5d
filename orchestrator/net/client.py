"""The client that everyone uses: one per backend, opened with its first request."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from orchestrator.net.messages import Request, Response
from orchestrator.net.settings import ClientSettings

if TYPE_CHECKING:
    from orchestrator.net.streaming import OpenResponse
    from orchestrator.net.wire import Wire

OnChunk = Callable[[bytes], None]


class HttpClient:
    """Sends requests and reads answers, as many at once as are asked for.

    It keeps connections open and nothing else: no cookies, no credentials, no retries.
    """

    def __init__(self, settings: ClientSettings | None = None) -> None:
        self._settings = settings or ClientSettings()
        self._wire: Wire | None = None

    async def send(
        self,
        request: Request,
        *,
        on_chunk: OnChunk | None = None,
        max_size: int | None = None,
        follow_redirects: bool = True,
    ) -> Response:
        """Ask, and read the answer up to `max_size` bytes. `on_chunk` gets them as they come. Raises NetError."""
        limit = self._settings.max_size if max_size is None else max_size
        redirects = self._settings.max_redirects if follow_redirects else None
        return await self._opened().exchange(request, on_chunk, limit, redirects)

    def stream(self, request: Request, *, max_size: int | None = None) -> "AbstractAsyncContextManager[OpenResponse]":
        """Ask, and read the answer while it comes, up to `max_size` bytes; leaving closes it. Raises NetError.

        A redirect is followed where it asks for the same thing again elsewhere; any other is an answer.
        """
        limit = self._settings.max_size if max_size is None else max_size
        return self._opened().stream(request, limit, self._settings.max_redirects)

    async def aclose(self) -> None:
        """Close all connections. A later request opens new ones."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.aclose()

    def _opened(self) -> "Wire":
        if self._wire is None:
            from orchestrator.net.wire import Wire  # noqa: PLC0415 - the HTTP libraries take 200 ms to import

            self._wire = Wire(self._settings)
        return self._wire
