"""What a tool is: what the model is told of it, what it does, and where it works."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from orchestrator.core.flow import Json
from orchestrator.core.model import ToolSpec
from orchestrator.core.ports import Context
from orchestrator.net import HttpClient

T = TypeVar("T")

Arguments: TypeAlias = Mapping[str, Any]
"""What a model gave a tool; it was checked against the tool's schema."""


class ToolFault(Exception):  # noqa: N818 - named for what it is
    """A tool that could not do what it was asked, in words for the model."""


@dataclass(frozen=True, slots=True)
class Room:
    """Where the tools of one agent work: the folder that they never leave, the attempt, a client for the web.

    What is done within `working` takes of the agent's time.
    """

    context: Context
    folder: str
    web: HttpClient
    working: Callable[[], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A tool of ours. Its work raises ToolFault, or what the things that it uses raise."""

    spec: ToolSpec
    work: Callable[[Arguments, Room], Awaitable[str]]
    writes: bool = False


def takes(required: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> Mapping[str, Json]:
    """Return the schema of a tool's arguments, given those of the single ones."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def text(description: str) -> Mapping[str, Json]:
    return {"type": "string", "description": description}


def whole(description: str, least: int = 1) -> Mapping[str, Json]:
    return {"type": "integer", "minimum": least, "description": description}


async def in_thread(work: Callable[[Callable[[], bool]], T]) -> T:
    """Do work that stands still on a thread. It is given a function that says whether nobody waits for it any more."""
    is_over = threading.Event()
    try:
        return await asyncio.to_thread(work, is_over.is_set)
    finally:
        is_over.set()
