"""HTTP requests: what is sent, which answers are good, and what the others mean."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import ClassVar, Final
from urllib.parse import urlencode, urlsplit

from orchestrator.core.errors import TRANSIENT_STATUS, Code, InputError, UpstreamError
from orchestrator.core.flow import BackendSpec, Json
from orchestrator.core.headers import retry_after
from orchestrator.core.output import Cut, OutputShape
from orchestrator.core.ports import Calls, Context, Estimate, HttpAnswer, HttpBackendPort, HttpRequest, Kind, Scope
from orchestrator.core.units import Size, size
from orchestrator.templates import json_of, text_of

REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
DEFAULT_MAX_SIZE: Final = 10_000_000

HINTS: Final = {
    400: "check what is sent",
    401: "check the backend's api_key, or the Authorization header",
    403: "check that the key may do this",
    404: "check the url",
    405: "check the method",
    413: "send less",
    415: "check the content-type header",
    422: "check what is sent",
    429: "give the backend a rate_limit that fits",
}

SHOWN: Final = 200
"""Characters of an answer that an error message quotes."""


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The keys of an http task."""

    url: str = field(metadata={"description": "Where to; relative to the backend's base_url, if it has one."})
    method: str = field(
        default="GET", metadata={"description": "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS; default: GET."}
    )
    headers: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}),
        metadata={"description": "Headers, besides those of the backend."},
    )
    query: Mapping[str, Json] = field(
        default_factory=lambda: MappingProxyType({}),
        metadata={"description": "What stands behind the question mark; a list repeats its name."},
    )
    json: Json = field(default=None, metadata={"description": "What is sent as JSON. One of json, form and body."})
    form: Mapping[str, Json] | None = field(
        default=None, metadata={"description": "What is sent as a form. One of json, form and body."}
    )
    body: str | None = field(
        default=None, metadata={"description": "The text that is sent as it is. One of json, form and body."}
    )
    expect: tuple[int, ...] = field(
        default=(), metadata={"description": "Status codes that count as success; default: any 2xx."}
    )
    max_size: Size | str = field(
        default=DEFAULT_MAX_SIZE, metadata={"description": "How long the answer's body may be; default: 10MB."}
    )
    follow_redirects: bool = field(
        default=True, metadata={"description": "Whether redirects are followed; default: true."}
    )

    def __post_init__(self) -> None:
        given = [name for name in ("json", "form", "body") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} exclude each other; write one of json, form and body")


class HttpKind(Kind):
    """Sends one request to the task's backend; every backend that answers HTTP will do."""

    name: ClassVar[str] = "http"
    settings: ClassVar[type] = HttpSettings
    short: ClassVar[str] = "url"
    output: ClassVar[OutputShape] = OutputShape(
        main="text",
        fields=MappingProxyType({"status": 0, "headers": MappingProxyType({}), "text": "", "json": None, "path": ""}),
    )
    calls: ClassVar[Calls] = "one"
    unrendered: ClassVar[frozenset[str]] = frozenset()

    def repeatable(self, settings: HttpSettings) -> bool:
        return settings.method.upper() in REPEATABLE

    def prepare(self, settings: HttpSettings, scope: Scope) -> HttpSettings:
        del scope
        return settings

    def estimate(self, settings: HttpSettings, spec: BackendSpec) -> Estimate:
        del settings, spec
        return Estimate()

    async def run(self, settings: HttpSettings, context: Context) -> Mapping[str, object]:
        request = _request(settings)
        answer = await _server(context).send(request, context)
        context.write("out", _decoded(answer))
        output = _output(answer, context)
        if not _is_expected(answer.status, settings.expect):
            raise _unexpected(request, answer, output, wall=context.clock.wall())
        if answer.truncated:
            raise _too_large(request, output)
        return output


def _server(context: Context) -> HttpBackendPort:
    backend = context.backend
    if isinstance(backend, HttpBackendPort):
        return backend
    name = backend.spec.name if backend else "none"
    raise InputError(
        f"the backend {name} does not answer HTTP requests",
        code=Code.UNKNOWN_BACKEND,
        hint="name a backend of kind http, or none",
    )


# ── what is sent ────────────────────────────────────────────────────────────────────────────────


def _request(settings: HttpSettings) -> HttpRequest:
    try:
        body, content_type = _body(settings)
        return HttpRequest(
            method=text_of(settings.method).upper(),
            url=text_of(settings.url),
            headers=_headers(settings.headers, content_type),
            query=settings.query,
            body=None if body is None else body.encode("utf-8", "replace"),
            max_size=size(settings.max_size),
            follow_redirects=settings.follow_redirects,
        )
    except ValueError as error:  # what a template gave can be no text, or no size
        raise InputError(str(error)) from error


def _body(settings: HttpSettings) -> tuple[str | None, str]:
    """Return what is sent, and the content-type that it has by itself."""
    if settings.json is not None:
        return json_of(settings.json), "application/json"
    if settings.form is not None:
        return _form(settings.form), "application/x-www-form-urlencoded"
    return None if settings.body is None else text_of(settings.body), ""


def _form(fields: Mapping[str, Json]) -> str:
    return urlencode([(name, text_of(value)) for name, values in fields.items() for value in _each(values)])


def _each(values: Json) -> list[Json]:
    return list(values) if isinstance(values, list | tuple) else [values]


def _headers(given: Mapping[str, str], content_type: str) -> dict[str, str]:
    headers = {name: text_of(value) for name, value in given.items()}
    if content_type and not any(name.lower() == "content-type" for name in headers):
        headers["content-type"] = content_type
    return headers


# ── what came back ──────────────────────────────────────────────────────────────────────────────


def _decoded(answer: HttpAnswer) -> str | bytes:
    charset = _CHARSET.search(answer.headers.get("content-type", ""))
    if charset is None:
        return answer.body
    try:
        return answer.body.decode(charset[1], "replace")
    except (LookupError, ValueError):
        return answer.body


_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)


def _output(answer: HttpAnswer, context: Context) -> dict[str, object]:
    text = context.written("out")
    return {
        "status": answer.status,
        "headers": dict(answer.headers),
        "text": text,
        "json": _parsed(text),
        "path": context.path("out"),
    }


def _parsed(text: str | Cut) -> object:
    """Return what the text says as JSON, if it is some: servers seldom tell. What was cut stays so."""
    if isinstance(text, Cut):
        return text
    try:
        return json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return None


def _no_json(constant: str) -> object:
    raise ValueError(f"{constant} is no JSON")


def _is_expected(status: int, expected: tuple[int, ...]) -> bool:
    return status in expected if expected else 200 <= status < 300


def _unexpected(request: HttpRequest, answer: HttpAnswer, output: dict[str, object], *, wall: float) -> UpstreamError:
    return UpstreamError(
        f"{_asked(request)} answered {_in_words(answer.status)}{_excerpt(output['text'])}",
        transient=answer.status in TRANSIENT_STATUS,
        status=answer.status,
        retry_after=retry_after(answer.headers, wall=wall),
        hint=_hint(answer),
        output=output,
    )


def _too_large(request: HttpRequest, output: dict[str, object]) -> UpstreamError:
    return UpstreamError(
        f"{_asked(request)} answered more than {request.max_size} bytes",
        code=Code.TOO_LARGE,
        transient=False,
        hint="raise max_size, or ask for less",
        output=output,
    )


def _asked(request: HttpRequest) -> str:
    """Return the request in words, without its query and its user: they may hold what nobody should read."""
    url = urlsplit(request.url)
    host = url.netloc.rpartition("@")[2]
    return f"{request.method} {url._replace(netloc=host, query='', fragment='').geturl()}"


def _in_words(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _excerpt(text: object) -> str:
    shown = text.kept if isinstance(text, Cut) else str(text)
    shown = " ".join(shown[: SHOWN * 2].split())
    return f": {shown[:SHOWN]}" if shown else ""


def _hint(answer: HttpAnswer) -> str | None:
    if 300 <= answer.status < 400:
        return "follow_redirects is off, or the answer names no place to go"
    if 200 <= answer.status < 300:
        return "add the status to `expect`"
    return HINTS.get(answer.status)
