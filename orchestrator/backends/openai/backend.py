"""A model server that speaks one of OpenAI's APIs: where it is, how it is asked, and what it can say of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, ClassVar, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from orchestrator.backends.openai import chat, responses
from orchestrator.backends.openai.writing import HOME, Manner, is_original
from orchestrator.core.errors import UpstreamError
from orchestrator.core.flow import EMPTY, BackendSpec, Json, Price
from orchestrator.core.model import ModelAnswer, ModelRequest
from orchestrator.core.ports import BackendServices, Checkable, Context, Estimate, ModelBackend
from orchestrator.core.units import many
from orchestrator.models.building import Reader, instructed
from orchestrator.models.counting import tokens_of
from orchestrator.models.notices import no_notice
from orchestrator.models.prices import price_of, window_of
from orchestrator.models.shapes import objects_of, text_of
from orchestrator.models.web import ModelWeb


@dataclass(frozen=True, slots=True)
class OpenAISettings:
    """The keys of a backend of kind openai, besides those that all backends have."""

    model: str = field(metadata={"description": "The model that answers, unless a task names another."})
    base_url: str = field(
        default=HOME,
        metadata={"description": "Where the API is; for compatible servers such as http://localhost:11434/v1."},
    )
    api: Literal["chat", "responses"] = field(
        default="chat", metadata={"description": "chat (completions), which all servers have, or responses."}
    )
    stream: bool = field(default=True, metadata={"description": "Whether answers come word by word."})
    schema_mode: Literal["native", "instruct"] = field(
        default="native",
        metadata={"description": "How a schema is asked for: native, by the API's own way, or instruct, in words."},
    )
    organization: str | None = field(default=None, metadata={"description": "The organization that is charged."})
    project: str | None = field(default=None, metadata={"description": "The project that is charged."})
    extra: Mapping[str, Json] = field(
        default_factory=lambda: EMPTY,
        metadata={"description": "More fields of every request, such as reasoning_effort: high; null leaves one out."},
    )

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://", "{{", "${")):
            raise ValueError(f"{self.base_url!r} is no address; it must begin with http:// or https://")


class _Api(NamedTuple):
    """One of the APIs."""

    path: str
    body: Callable[[ModelRequest, Manner], dict[str, Any]]
    reader: Callable[[ModelRequest, str], Reader]


_APIS: Final[Mapping[str, _Api]] = {
    "chat": _Api(chat.PATH, chat.body, chat.Reader),
    "responses": _Api(responses.PATH, responses.body, responses.Reader),
}

MENTIONED: Final = 5


class OpenAIBackend(ModelBackend, Checkable):
    """Answers prompts. Its `api_key` goes along as a bearer token."""

    name: ClassVar[str] = "openai"
    settings: ClassVar[type] = OpenAISettings
    knows_prices: ClassVar[bool] = True

    def __init__(self, spec: BackendSpec, services: BackendServices) -> None:
        assert isinstance(spec.settings, OpenAISettings), "a backend of this kind declares its model"
        own = spec.settings
        self._spec = spec
        self._own = own
        self._clock = services.clock
        self._api = _APIS[own.api]
        self._manner = Manner(is_original(own.base_url), own.stream, own.extra, own.model, spec.max_tokens)
        self._web = ModelWeb(
            spec,
            base_url=own.base_url,
            headers=tuple(_headers(own, services.api_key)),
            api_key=services.api_key,
            streams=own.stream,
        )

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    def count(self, request: ModelRequest) -> Estimate:
        longest = request.max_tokens or self._spec.max_tokens or 0
        return Estimate(tokens_of(request), longest, request.model or self._own.model)

    def price(self, model: str | None) -> Price | None:
        return self._spec.price_of(model) or price_of(self._own.base_url, model or self._own.model)

    def window(self, model: str | None) -> int | None:
        return window_of(self._own.base_url, model or self._own.model)

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        asked = instructed(request) if self._own.schema_mode == "instruct" else request
        reader = self._api.reader(asked, asked.model or self._own.model)
        answer = await self._web.ask(self._api.path, self._api.body(asked, self._manner), reader, context)
        return no_notice(answer, self._clock.wall())

    async def check(self, models: Sequence[str] = ()) -> str:
        """Ask for the list of models, which costs nothing. A server without one answers, and that is all.

        Where the address has no path, nothing being there is more likely a forgotten `/v1`.
        """
        try:
            listed = await self._web.get("models", self._clock)
        except UpstreamError as error:
            if error.failure.status not in {404, 405} or not urlsplit(self._own.base_url).path.strip("/"):
                raise
            return "it answers, and lists no models"
        names = [text_of(one.get("id")) for one in objects_of(listed.get("data"))]
        for model in {*models, self._own.model} if names else ():
            if not _is_listed(model, names):
                raise _unknown(model, names)
        return many(len(names), "model")

    async def aclose(self) -> None:
        await self._web.aclose()


def _headers(own: OpenAISettings, api_key: str | None) -> Iterator[tuple[str, str]]:
    if api_key:
        yield "authorization", f"Bearer {api_key}"
    if own.organization:
        yield "openai-organization", own.organization
    if own.project:
        yield "openai-project", own.project


def _is_listed(model: str, names: Sequence[str]) -> bool:
    """Tell whether the server has the model; what stands behind a colon chooses a variant of it."""
    return bool({model, f"{model}:latest", model.rpartition(":")[0]} & set(names))


def _unknown(model: str, names: Sequence[str]) -> UpstreamError:
    near = get_close_matches(model, names, n=1, cutoff=0.6)
    some = ", ".join(sorted(names)[:MENTIONED]) + (", …" if len(names) > MENTIONED else "")
    hint = f"did you mean {near[0]!r}?" if near else f"it has {some}"
    return UpstreamError(f"there is no model {model!r}", transient=False, status=404, hint=hint)
