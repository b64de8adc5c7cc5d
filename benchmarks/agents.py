"""Agents through the whole pipeline: a model server and an MCP server of tools, each in a process of its own.

The baseline holds the same conversations by hand: the bare client, and the MCP library's own.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_server import MODEL, TOOL, TOOL_CALLS, serving
from models import bare_client, fast_folder, ran
from table import Row

if TYPE_CHECKING:
    import httpx
    from mcp import Client

AGENTS = 100
ROUNDS = 3
TOOLS = Path(__file__).resolve().parent.parent / "tests" / "backends" / "mcp_servers" / "by_hand.py"


def flow(folder: Path, address: str, count: int) -> str:
    path = folder / f"agents{count}.yaml"
    path.write_text(
        f"version: 1\nname: agents\nmax_concurrency: {AGENTS}\n"
        f"backends:\n  model: {{kind: openai, base_url: '{address}', model: {MODEL}, stream: false, "
        "api_key: {env: BENCHMARK_API_KEY}}\n"
        f"mcp_servers:\n  tools: {{command: ['{sys.executable}', '{TOOLS}']}}\n"
        f"tasks:\n  work:\n    for_each: {{items: {list(range(count))}}}\n"
        '    agent: {backend: model, prompt: "Do {{ item }}, step by step.", tools: [tools.echo], max_tokens: 100}\n'
    )
    return str(path)


# ── by hand ──


async def _converse(client: httpx.AsyncClient, url: str, server: Client, tools: list[dict[str, Any]]) -> int:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Do it, step by step."}]
    used = 0
    while True:
        asked = {"model": MODEL, "messages": messages, "tools": tools, "max_tokens": 100}
        answer = (await client.post(url, json=asked)).raise_for_status().json()["choices"][0]["message"]
        if not answer.get("tool_calls"):
            return used
        messages.append(answer)
        for call in answer["tool_calls"]:
            came = await server.call_tool("echo", json.loads(call["function"]["arguments"]))
            text = getattr(came.content[0], "text", "")
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": text})
            used += 1


async def by_hand(address: str) -> float:
    """Return the seconds that all conversations take."""
    from mcp import Client, StdioServerParameters, stdio_client  # noqa: PLC0415 - the baseline alone needs it

    url = f"{address}/chat/completions"
    program = StdioServerParameters(command=sys.executable, args=[str(TOOLS)])
    with Path(os.devnull).open("w") as nowhere:  # noqa: ASYNC230 - which blocks nobody
        async with bare_client() as client, Client(stdio_client(program, errlog=nowhere)) as server:
            return await _all(client, url, server)


async def _all(client: httpx.AsyncClient, url: str, server: Client) -> float:
    offered = [tool for tool in (await server.list_tools()).tools if tool.name == "echo"]
    tools = [
        {"type": "function", "function": {"name": TOOL, "description": "", "parameters": tool.input_schema}}
        for tool in offered
    ]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        agents = [group.create_task(_converse(client, url, server, tools)) for _ in range(AGENTS)]
    assert sum(agent.result() for agent in agents) == AGENTS * TOOL_CALLS
    return time.perf_counter() - began


# ── the row ──


def row(folder: Path, address: str) -> Row:
    one, many, hand = [], [], []
    for _ in range(ROUNDS):
        one.append(ran(flow(folder, address, 1), folder).wall)
        many.append(ran(flow(folder, address, AGENTS), folder).wall)
        hand.append(asyncio.run(by_hand(address)))
    wall, by_hands, calls = min(many) - min(one), min(hand), AGENTS * TOOL_CALLS
    return Row(
        f"{AGENTS} agents at once, {TOOL_CALLS} tool calls each",
        f"{wall:.2f} s, {calls / wall:,.0f} tool calls/s, {wall / by_hands:.2f} × the baseline",
        f"the same by hand {by_hands:.2f} s, {calls / by_hands:,.0f} tool calls/s",
        "≤ 1.5 × the baseline",
        wall <= 1.5 * by_hands,
    )


def rows() -> list[Row]:
    folder = fast_folder()
    try:
        with serving() as address:
            return [row(folder, address)]
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    for one in rows():
        print(one)
