"""A host that answers HTTP: where it is, and what every request to it carries."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from orchestrator.backends import Web
from orchestrator.core.flow import BackendSpec
from orchestrator.core.ports import BackendServices, Context, HttpAnswer, HttpBackendPort, HttpRequest


@dataclass(frozen=True, slots=True)
class HttpBackendSettings:
    """The keys of a backend of kind http, besides those that all backends have."""

    base_url: str = field(
        default="", metadata={"description": "What relative urls start with, such as https://example.org/api."}
    )

    def __post_init__(self) -> None:
        is_known = self.base_url.startswith(("http://", "https://", "{{", "${"))
        if self.base_url and not is_known:
            raise ValueError(f"{self.base_url!r} is no address; it must begin with http:// or https://")


class HttpBackend(HttpBackendPort):
    """Answers http tasks. Its `api_key` goes along as a bearer token."""

    name: ClassVar[str] = "http"
    settings: ClassVar[type] = HttpBackendSettings

    def __init__(self, spec: BackendSpec, services: BackendServices) -> None:
        self._spec = spec
        own = spec.settings
        base_url = own.base_url if isinstance(own, HttpBackendSettings) else ""
        self._web = Web(spec, base_url=base_url, api_key=services.api_key)

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    async def send(self, request: HttpRequest, context: Context) -> HttpAnswer:
        return await self._web.send(request, context)

    async def aclose(self) -> None:
        await self._web.aclose()
