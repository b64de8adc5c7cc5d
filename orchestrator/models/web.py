"""How a model server is asked: one request, its answer read as it comes, and our words for all that can go wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from orchestrator.core.errors import AttemptError, Code, InputError, UpstreamError
from orchestrator.core.flow import BackendSpec, SecretSource
from orchestrator.core.model import ModelAnswer, Usage
from orchestrator.core.ports import Clock, Context
from orchestrator.models import faults
from orchestrator.models.allowances import read as read_allowances
from orchestrator.models.building import Delta, Reader, Voice
from orchestrator.models.prices import cost_of
from orchestrator.models.shapes import parsed
from orchestrator.net import ClientSettings, HttpClient, NetError, Request, Timeouts
from orchestrator.net.failures import failed

if TYPE_CHECKING:
    from orchestrator.net import OpenResponse, ServerEvent

SILENCE: Final = 120.0
"""Seconds without a byte after which nothing more is expected, where a backend does not say so itself."""

SILENCE_BEFORE_ALL: Final = 600.0
"""The same for answers that come at once: a server says nothing until all of one is there."""

LARGEST: Final = 10_000_000
"""Bytes of an answer that comes at once, and characters of one that streams."""

LARGEST_STREAM: Final = 200_000_000
"""Bytes of a stream: a few hundred of them can carry a single character."""

LARGEST_ERROR: Final = 100_000

DONE: Final = "[DONE]"
"""With this some APIs end a stream."""


class ModelWeb:
    """One client for one backend. Its pool of connections is shared by all calls."""

    def __init__(
        self,
        spec: BackendSpec,
        *,
        base_url: str,
        headers: tuple[tuple[str, str], ...] = (),
        api_key: str | None = None,
        streams: bool = True,
    ) -> None:
        silence = spec.timeouts.read or (SILENCE if streams else SILENCE_BEFORE_ALL)
        timeouts = Timeouts(spec.timeouts.connect, silence)
        given = {name.lower() for name in spec.headers}
        own = tuple(pair for pair in headers if pair[0].lower() not in given)
        self._spec = spec
        self._base_url = base_url
        self._server = urlsplit(base_url).netloc.rpartition("@")[2]
        self._api_key = api_key
        self._client = HttpClient(ClientSettings(base_url, (*spec.headers.items(), *own), timeouts))

    async def ask(self, path: str, body: Mapping[str, object], reader: Reader, context: Context) -> ModelAnswer:
        """Post the body and return the answer, priced. What streams is written to the context as it comes.

        Raises AttemptError where there is no answer; what was used until then is told to the context all the same.
        """
        asked = str(body.get("model", ""))
        try:
            await self._exchange(_posted(path, body), reader, context)
            answer = reader.draft.answer()
        except AttemptError:
            if spent := reader.draft.spent():
                context.used(self._priced(asked, reader.draft.model, spent), reader.draft.model)
            raise
        usage = self._priced(asked, answer.model, answer.usage)
        return answer if usage is answer.usage else replace(answer, usage=usage)

    async def get(self, path: str, clock: Clock) -> Mapping[str, Any]:
        """Return the JSON object that stands at the path. Raises AttemptError."""
        try:
            async with self._client.stream(Request("GET", path), max_size=LARGEST) as answer:
                return await self._whole(answer, clock)
        except NetError as error:
            raise failed(error) from error

    async def aclose(self) -> None:
        await self._client.aclose()

    # ── reading ──

    async def _exchange(self, request: Request, reader: Reader, context: Context) -> None:
        try:
            async with self._client.stream(request, max_size=LARGEST_STREAM) as answer:
                if allowances := read_allowances(answer.headers, context.clock.wall()):
                    context.allowed(allowances)
                if _is_stream(answer):
                    await self._events(answer, reader, context)
                else:
                    reader.draft.is_whole = True
                    reader.whole(await self._whole(answer, context.clock))
        except NetError as error:
            if reader.draft.stop is None:
                raise failed(error) from error
            # The answer had said how it ended: what broke off after that was not part of it.

    async def _events(self, answer: OpenResponse, reader: Reader, context: Context) -> None:
        saying = _Saying(context)
        async with aclosing(answer.events()) as batches:
            async for batch in batches:
                try:
                    is_done = self._read(batch, answer, reader, saying)
                finally:
                    saying.flush()
                if is_done:
                    break
        await answer.finish()

    def _read(self, batch: Sequence[ServerEvent], answer: OpenResponse, reader: Reader, saying: _Saying) -> bool:
        """Read events that came together; return whether they were the last ones."""
        for name, data in batch:
            if data == DONE:
                return True
            body = _object(data, "the stream")
            if "error" in data or "failed" in data:  # whatever tells of an error has one of these words
                self._check(body, answer, saying.clock)
            for delta in reader.event(name, body):
                saying.add(delta)
        return False

    async def _whole(self, answer: OpenResponse, clock: Clock) -> Mapping[str, Any]:
        """Return an answer that is no stream, and no error either."""
        if not 200 <= answer.status < 300:
            body, _ = await answer.read(LARGEST_ERROR)
            wall = clock.wall()
            raise self._failure(faults.from_status(answer.status, answer.headers, body, wall), wall)
        body, is_cut = await answer.read(LARGEST)
        if is_cut:
            raise _too_large()
        if body.lstrip()[:1] == b"<":
            raise self._no_api(body)
        found = _object(body, "the answer")
        self._check(found, answer, clock)
        return found

    # ── errors ──

    def _check(self, body: Mapping[str, Any], answer: OpenResponse, clock: Clock) -> None:
        """Raise the error that stands where an answer should."""
        if error := faults.error_in(body):
            wall = clock.wall()
            raise self._failure(faults.from_answer(answer.headers, error, wall), wall)

    def _failure(self, told: faults.Told, wall: float) -> UpstreamError:
        if self._api_key and self._api_key in told.message:
            told = replace(told, message=told.message.replace(self._api_key, "***"))
        return faults.failure(told, server=self._server, key=_key(self._spec.api_key), wall=wall)

    def _no_api(self, page: bytes) -> UpstreamError:
        return UpstreamError(
            f"{self._server} answered with {faults.page_title(page)}",
            code=Code.MALFORMED,
            transient=False,
            hint="check base_url: what answers there is no API (most end in /v1)",
        )

    def _priced(self, asked: str, model: str, usage: Usage) -> Usage:
        """Return the usage with what it cost, unless the backend declares a price of its own.

        Who lists a price may know the model by the name that is asked for, or by the longer one that answers.
        """
        prices = self._spec.prices
        if self._spec.price is not None:
            cost = None
        elif prices and (price := prices.get(model) or prices.get(asked)) is not None:
            cost = price.of(
                usage.input_tokens, usage.output_tokens, cached=usage.cached_tokens, stored=usage.stored_tokens
            )
        elif usage.cost_usd is not None:
            cost = usage.cost_usd
        else:
            cost = cost_of(self._base_url, model, usage)
        return usage if cost == usage.cost_usd else usage._replace(cost_usd=cost)


class _Saying:
    """What a model says, written as it comes: in as few pieces as it came in."""

    def __init__(self, context: Context) -> None:
        self.clock = context.clock
        self._context = context
        self._voice: Voice = "out"
        self._texts: list[str] = []
        self._size = 0

    def add(self, delta: Delta) -> None:
        if delta.voice != self._voice:
            self.flush()
            self._voice = delta.voice
        self._texts.append(delta.text)
        self._size += len(delta.text)
        if self._size > LARGEST:
            raise _too_large()

    def flush(self) -> None:
        """Write what has gathered; of tool calls that are still being written, tell that they are."""
        text = "".join(self._texts)
        self._texts.clear()
        if not text:
            return
        if self._voice == "tool":
            self._context.progress(self._size, message="characters written")
        else:
            self._context.write(self._voice, text)


def _posted(path: str, body: Mapping[str, object]) -> Request:
    try:
        return Request("POST", path).with_json(body)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"the request is no JSON: {error}", hint="check `extra` of the task and the backend"
        ) from error


def _is_stream(answer: OpenResponse) -> bool:
    """Tell whether events follow; some servers answer at once although a stream was asked for."""
    return 200 <= answer.status < 300 and "event-stream" in answer.headers.get("content-type", "").lower()


def _object(text: str | bytes, what: str) -> Mapping[str, Any]:
    try:
        found = parsed(text)
    except ValueError as error:
        raise faults.unreadable(f"{what} holds what is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise faults.unreadable(f"{what} holds JSON that is no object")
    return found


def _too_large() -> UpstreamError:
    return UpstreamError(
        f"the answer is longer than {LARGEST:,} characters", code=Code.TOO_LARGE, transient=False, hint="set max_tokens"
    )


def _key(source: SecretSource | None) -> str:
    """Say where the key comes from, never what it is."""
    if source is None:
        return "the key (the backend has no api_key)"
    if source.env:
        return f"the key in the environment variable {source.env}"
    return f"the key that the command {(source.command or ('',))[0]} prints"
