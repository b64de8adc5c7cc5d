"""What answers calls. Each backend stands alone and is found by its name; here is what those that use HTTP share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from orchestrator.core.flow import BackendSpec
from orchestrator.core.ports import Context, HttpAnswer, HttpRequest
from orchestrator.net import ClientSettings, HttpClient, NetError, Request, Timeouts
from orchestrator.net.failures import failed


class Web:
    """One client for one backend: its server, its headers, its timeouts, and our words for what goes wrong."""

    def __init__(self, spec: BackendSpec, *, base_url: str = "", api_key: str | None = None) -> None:
        timeouts = Timeouts(spec.timeouts.connect, spec.timeouts.read)
        self._client = HttpClient(ClientSettings(base_url, _headers(spec.headers, api_key), timeouts))

    async def send(self, request: HttpRequest, context: Context) -> HttpAnswer:
        """Ask once. Raises AttemptError where there is no answer, whatever its status."""
        try:
            answer = await self._client.send(
                _asked(request),
                on_chunk=_progress(context),
                max_size=request.max_size,
                follow_redirects=request.follow_redirects,
            )
        except NetError as error:
            raise failed(error) from error
        return HttpAnswer(answer.status, answer.headers, answer.body, answer.url, answer.truncated)

    async def aclose(self) -> None:
        await self._client.aclose()


def _headers(given: Mapping[str, str], api_key: str | None) -> tuple[tuple[str, str], ...]:
    is_authorized = any(name.lower() == "authorization" for name in given)
    extra = (("authorization", f"Bearer {api_key}"),) if api_key and not is_authorized else ()
    return (*given.items(), *extra)


def _asked(request: HttpRequest) -> Request:
    return Request(
        request.method, request.url, tuple(request.headers.items()), tuple(_query(request.query)), request.body
    )


def _query(query: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, values in query.items():
        for value in values if isinstance(values, list | tuple) else [values]:
            yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _progress(context: Context) -> Callable[[bytes], None]:
    """Report a long answer while it comes, so that it is not taken for silence; short ones cost nothing."""
    read = 0

    def on_chunk(chunk: bytes) -> None:
        nonlocal read
        if read:
            context.progress(read + len(chunk), message="bytes read")
        read += len(chunk)

    return on_chunk
