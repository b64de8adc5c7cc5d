"""Something that tasks share, such as a database: a name whose policies hold for all who use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from orchestrator.backends import Web
from orchestrator.core.flow import BackendSpec
from orchestrator.core.ports import BackendServices, Context, HttpAnswer, HttpBackendPort, HttpRequest


@dataclass(frozen=True, slots=True)
class ResourceSettings:
    """A backend of kind resource has no keys besides those that all backends have."""


class ResourceBackend(HttpBackendPort):
    """Limits what shell, http and function tasks do. For http tasks it asks whatever host they name."""

    name: ClassVar[str] = "resource"
    settings: ClassVar[type] = ResourceSettings

    def __init__(self, spec: BackendSpec, services: BackendServices) -> None:
        self._spec = spec
        self._web = Web(spec, api_key=services.api_key)

    @property
    def spec(self) -> BackendSpec:
        return self._spec

    async def send(self, request: HttpRequest, context: Context) -> HttpAnswer:
        return await self._web.send(request, context)

    async def aclose(self) -> None:
        await self._web.aclose()
