"""A model server that speaks Anthropic's messages API: where it is, how it is asked, and what it can say of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final
from urllib.parse import quote

from orchestrator.backends.anthropic.bodies import DEFAULT_MAX_TOKENS, LEAST_THINKING, Effort, Manner, body, why_not
from orchestrator.backends.anthropic.reader import Reader
from orchestrator.backends.anthropic.schemas import SchemaMode, formed
from orchestrator.core.errors import UpstreamError
from orchestrator.core.flow import EMPTY, BackendSpec, Json, Price
from orchestrator.core.model import ModelAnswer, ModelRequest
from orchestrator.core.ports import BackendServices, Checkable, Context, Estimate, ModelBackend
from orchestrator.core.units import Count, many
from orchestrator.models.counting import tokens_of
from orchestrator.models.notices import no_notice
from orchestrator.models.prices import price_of, window_of
from orchestrator.models.prompting import PromptSettings
from orchestrator.models.shapes import objects_of, text_of
from orchestrator.models.web import ModelWeb

HOME: Final = "https://api.anthropic.com"
VERSION: Final = "2023-06-01"
MESSAGES: Final = "v1/messages"
MODELS: Final = "v1/models"

_ABSENT: Final = frozenset({404, 405})


@dataclass(frozen=True, slots=True)
class AnthropicSettings:
    """The keys of a backend of kind anthropic, besides those that all backends have."""

    model: str = field(metadata={"description": "The model that answers, unless a task names another."})
    base_url: str = field(default=HOME, metadata={"description": "Where the API is, without /v1/messages."})
    version: str = field(default=VERSION, metadata={"description": "The version of the API; default: 2023-06-01."})
    stream: bool = field(default=True, metadata={"description": "Whether answers come word by word."})
    thinking: Count | bool = field(
        default=False,
        metadata={"description": "How many tokens it may think, part of max_tokens; true: as many as it finds fit."},
    )
    effort: Effort | None = field(
        default=None, metadata={"description": "How much effort an answer is worth; default: the model's own."}
    )
    cache: bool = field(
        default=False,
        metadata={"description": "Whether the server keeps what it read for requests that begin alike."},
    )
    schema_mode: SchemaMode = field(
        default="auto",
        metadata={
            "description": "How a schema is asked for: native, by the API's own way; tool; instruct, in words; or auto."
        },
    )
    extra: Mapping[str, Json] = field(
        default_factory=lambda: EMPTY,
        metadata={"description": "More fields of every request, such as service_tier: auto; null leaves one out."},
    )

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://", "{{", "${")):
            raise ValueError(f"{self.base_url!r} is no address; it must begin with http:// or https://")
        if not isinstance(self.thinking, bool) and self.thinking < LEAST_THINKING:
            raise ValueError(f"thinking is {self.thinking}; the API takes {LEAST_THINKING:,} tokens or more, or true")


class AnthropicBackend(ModelBackend, Checkable):
    """Answers prompts. Its `api_key` goes along as `x-api-key`."""

    name: ClassVar[str] = "anthropic"
    settings: ClassVar[type] = AnthropicSettings
    knows_prices: ClassVar[bool] = True

    @staticmethod
    def refuses(own: AnthropicSettings, asked: PromptSettings) -> tuple[str, str, str] | None:
        """Return the key of a task that the API would refuse, why, and what to do; it is asked before a run."""
        refused = why_not(asked.temperature, asked.top_p) if own.thinking else None
        return (*refused, "leave it out, or ask a backend without `thinking`") if refused else None

    def __init__(self, spec: BackendSpec, services: BackendServices) -> None:
        assert isinstance(spec.settings, AnthropicSettings), "a backend of this kind declares its model"
        own = spec.settings
        self._spec = spec
        self._own = own
        self._clock = services.clock
        self._manner = Manner(own.stream, own.thinking, own.effort, own.cache, own.extra)
        self._web = ModelWeb(
            spec,
            base_url=_root(own.base_url),
            headers=tuple(_headers(own, services.api_key)),
            api_key=services.api_key,
            streams=own.stream,
        )

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    def count(self, request: ModelRequest) -> Estimate:
        return Estimate(tokens_of(request), self._longest(request), request.model or self._own.model)

    def price(self, model: str | None) -> Price | None:
        return self._spec.price_of(model) or price_of(self._own.base_url, model or self._own.model)

    def window(self, model: str | None) -> int | None:
        return window_of(self._own.base_url, model or self._own.model)

    async def complete(self, request: ModelRequest, context: Context) -> ModelAnswer:
        model = request.model or self._own.model
        asked, form = formed(request, model, self._own.schema_mode)
        posted = body(asked, model, self._longest(request), self._manner, form)
        answer = await self._web.ask(MESSAGES, posted, Reader(asked, model, form.tool), context)
        return no_notice(answer, self._clock.wall())

    async def check(self, models: Sequence[str] = ()) -> str:
        """Ask for the list of models, which costs nothing. A server without one can only say that it is there."""
        try:
            listed = await self._web.get(f"{MODELS}?limit=1000", self._clock)
        except UpstreamError as error:
            if error.failure.status not in _ABSENT:
                raise
            return "it answers, and lists no models"
        names = {text_of(one.get("id")) for one in objects_of(listed.get("data"))}
        for model in sorted({*models, self._own.model} - names):
            await self._look_up(model)
        return many(len(names), "model")

    async def aclose(self) -> None:
        await self._web.aclose()

    def _longest(self, request: ModelRequest) -> int:
        return request.max_tokens or self._spec.max_tokens or DEFAULT_MAX_TOKENS

    async def _look_up(self, model: str) -> None:
        """Ask for a model that is not listed: it may be known by another name. Raises UpstreamError if it is not."""
        try:
            await self._web.get(f"{MODELS}/{quote(model, safe='')}", self._clock)
        except UpstreamError as error:
            if error.failure.status not in _ABSENT:
                raise
            raise UpstreamError(
                f"there is no model {model!r}", transient=False, status=404, hint="check the name of the model"
            ) from error


def _root(base_url: str) -> str:
    """Return the address that paths are added to; many write it with the version at its end."""
    return base_url.rstrip("/").removesuffix("/v1")


def _headers(own: AnthropicSettings, api_key: str | None) -> Iterator[tuple[str, str]]:
    yield "anthropic-version", own.version
    if api_key:
        yield "x-api-key", api_key
