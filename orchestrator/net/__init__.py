"""The one home of HTTP. Importing it costs nothing: the libraries are loaded with the first request."""

from orchestrator.net.client import HttpClient, OnChunk
from orchestrator.net.errors import NetError, NetErrorKind
from orchestrator.net.messages import Request, Response
from orchestrator.net.settings import ClientSettings, Timeouts
from orchestrator.net.sse import ServerEvent
from orchestrator.net.streaming import OpenResponse

__all__ = [
    "ClientSettings",
    "HttpClient",
    "NetError",
    "NetErrorKind",
    "OnChunk",
    "OpenResponse",
    "Request",
    "Response",
    "ServerEvent",
    "Timeouts",
]
