"""What servers send, in our words: their tools, and the answers of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
)
from mcp_types import Tool as TheirTool

from orchestrator.core.flow import Json
from orchestrator.core.model import ToolSpec
from orchestrator.core.ports import Tool, ToolAnswer


def tool_of(tool: TheirTool) -> Tool:
    """Return a tool. One that does not say that it only reads may write."""
    reads_only = tool.annotations is not None and tool.annotations.read_only_hint is True
    description = tool.description or tool.title or ""
    return Tool(ToolSpec(tool.name, description, tool.input_schema), writes=not reads_only)


def answer_of(result: CallToolResult) -> ToolAnswer:
    """Return an answer. What is no text is described in it, and kept whole among its parts."""
    return ToolAnswer(
        text="\n".join(map(_text, result.content)),
        content=tuple(part.model_dump(mode="json", by_alias=True, exclude_none=True) for part in result.content),
        structured=_structured(result.structured_content),
        is_error=result.is_error,
    )


def _structured(value: Any) -> Mapping[str, Json] | None:  # noqa: ANN401 - any JSON there is
    return value if value is None or isinstance(value, Mapping) else {"result": value}


def _text(part: ContentBlock) -> str:
    match part:
        case TextContent():
            return part.text
        case ImageContent() | AudioContent():
            return f"[{part.type} {part.mime_type}, {_bytes(part.data)}]"
        case ResourceLink():
            return f"[resource {part.uri}: {part.title or part.name}]"
        case EmbeddedResource():
            return _embedded(part)


def _embedded(part: EmbeddedResource) -> str:
    resource = part.resource
    if isinstance(resource, BlobResourceContents):
        return f"[resource {resource.uri}: {resource.mime_type or 'data'}, {_bytes(resource.blob)}]"
    return f"[resource {resource.uri}]\n{resource.text}"


def _bytes(base64: str) -> str:
    return f"{len(base64) * 3 // 4:,} bytes"
