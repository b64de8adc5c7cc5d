"""What both APIs ask alike: which server it is, how schemas and files are put, what a flow adds of its own."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from orchestrator.core.flow import EMPTY, Json
from orchestrator.core.model import Media, ToolCall, ToolResult

HOME: Final = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Manner:
    """How a server wants to be asked. `is_original` servers are OpenAI's own, which refuse what they do not know.

    `model` and `max_tokens` hold for requests that do not say their own.
    """

    is_original: bool = False
    streams: bool = True
    extra: Mapping[str, Json] = field(default_factory=lambda: EMPTY)
    model: str | None = None
    max_tokens: int | None = None


def is_original(base_url: str) -> bool:
    host = urlsplit(base_url).hostname or ""
    return host == "api.openai.com" or host.endswith((".api.openai.com", ".openai.azure.com"))


def completed(body: dict[str, Any], *extras: Mapping[str, Json]) -> dict[str, Any]:
    """Return the body with what a flow adds to it; a field that is null is left out, one of ours too."""
    for extra in extras:
        body.update(extra)
    return {name: value for name, value in body.items() if value is not None}


def schema_format(schema: Mapping[str, Json]) -> dict[str, Any]:
    """Return how an answer of this shape is asked for."""
    return {"name": "answer", "schema": schema, "strict": _is_strict(schema)}


def _is_strict(schema: object) -> bool:
    """Tell whether a server can promise this shape: every object says what it has, and has all of it."""
    if isinstance(schema, list | tuple):
        return all(map(_is_strict, schema))
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        names = schema.get("properties")
        required = schema.get("required")
        if not isinstance(names, Mapping) or not isinstance(required, list | tuple) or set(names) != set(required):
            return False
        if schema.get("additionalProperties") is not False:
            return False
    return all(map(_is_strict, schema.values()))


def data_url(media: Media) -> str:
    return f"data:{media.media_type};base64,{media.data}"


def file_name(media: Media) -> str:
    """Return the name of a file; servers tell by its ending what it is."""
    ending = media.media_type.partition("/")[2].partition(";")[0].partition("+")[0]
    return media.name or f"file.{ending}"


def as_text(media: Media) -> str | None:
    """Return what stands in a file of plain text; servers want that as text, and None for any other file."""
    if not media.media_type.startswith("text/"):
        return None
    try:
        text = base64.b64decode(media.data, validate=True).decode("utf-8", "replace")
    except ValueError:
        return None
    return f"{media.name}:\n{text}" if media.name else text


def arguments(call: ToolCall) -> str:
    """Return a call's arguments for the conversation: servers read them, and choke on what is no JSON."""
    return json.dumps(dict(call.arguments or {}), ensure_ascii=False)


def result(part: ToolResult) -> str:
    """Return what came of a call; there is no other place to say that it went wrong."""
    return f"Error: {part.text}" if part.is_error else part.text
