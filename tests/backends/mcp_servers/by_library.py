"""A server of tools of the newer protocol, made with the library: over pipes, or over HTTP on the port it is told."""

import asyncio
import os
import sys
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("by-library")


@server.tool()
async def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
async def slow(steps: int, context: Context) -> str:
    """Take its time, and say how far it is."""
    for step in range(1, steps + 1):
        await context.report_progress(step, steps, f"step {step}")
        await asyncio.sleep(0.02)
    return "done"


@server.tool()
async def hang(mark: str) -> str:
    """Wait for ever, and leave a mark when told not to."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        Path(mark).touch()  # noqa: ASYNC240 - a moment
        raise
    return "never"


@server.tool()
def fail() -> str:
    """Fail."""
    raise ValueError("no such page")


@server.tool()
def crash() -> str:
    """End the server."""
    os._exit(7)


@server.tool()
async def grow(context: Context) -> str:
    """Learn one more tool."""
    server.add_tool(add, name="plus", description="Add, too.")
    await context.notify_tools_changed()
    return "I can do more now"


def main() -> None:
    if len(sys.argv) > 1:
        server.run(transport="streamable-http", port=int(sys.argv[1]))
    else:
        server.run(transport="stdio")


main()
