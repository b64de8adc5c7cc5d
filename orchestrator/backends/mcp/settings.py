"""What is declared of a server: how it is started or where it is, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from orchestrator.core.units import Duration

_ADDRESSES: Final = ("http://", "https://", "{{", "${")


@dataclass(frozen=True, slots=True)
class McpSettings:
    """The keys of an MCP server, besides those that all backends have. One of `command` and `url` is given."""

    command: tuple[str, ...] = field(
        default=(), metadata={"description": "The program and its arguments, for a server that is started here."}
    )
    env: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}),
        metadata={
            "description": "Environment variables for the program, besides the flow's. Those whose names hold KEY, "
            "TOKEN, SECRET or PASSWORD it gets only from here."
        },
    )
    cwd: str | None = field(
        default=None, metadata={"description": "The program's working folder; default: the flow file's."}
    )
    url: str = field(
        default="", metadata={"description": "The address of a server that runs already, such as https://host/mcp."}
    )
    timeout: Duration = field(default=60.0, metadata={"description": "How long a call may take; default: 60s."})
    start_timeout: Duration = field(
        default=20.0,
        metadata={"description": "How long it may take until it answers for the first time; default: 20s."},
    )

    def __post_init__(self) -> None:
        if not self.command and not self.url:
            raise ValueError("neither command nor url is given; write one of them")
        if self.command and self.url:
            raise ValueError("command and url exclude each other; write one of them")
        if self.url and (self.env or self.cwd):
            raise ValueError("env and cwd are for servers that a command starts; take them out, or write command")
        if self.url and not self.url.startswith(_ADDRESSES):
            raise ValueError(f"{self.url!r} is no address; it must begin with http:// or https://")
