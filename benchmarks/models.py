"""Questions to models through the whole pipeline, against a server in a process of its own: at once, and in streams.

Wall and CPU time are those of the installed command's whole process, journal and files of output included, for many
tasks less those for one. The baseline asks the same with the bare client, in as many tasks as may be at work at once,
and does what whoever writes that by hand with care would do: it sends the same body, bounds how long the server may be
silent, looks at the status and reads the JSON. Its collector is set as the program sets its own. It keeps no answers.
The run's folder lies in memory: what a new file costs on a disk depends tenfold on what was deleted there lately.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_server import MODEL, PIECES, serving
from orchestrator.bootstrap import calm_collector
from orchestrator.models.web import SILENCE, SILENCE_BEFORE_ALL
from table import COMMAND, ENVIRONMENT, Row, process

if TYPE_CHECKING:
    import httpx

AT_ONCE = 100
ROUNDS = 7
KEY = {"BENCHMARK_API_KEY": "sk-benchmark-0123456789abcdefghijklmnopqrstuvwxyz"}
"""A backend's key as providers give them out: all output is searched for it."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of wall and CPU time that one question took on average."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Work:
    """One sort of question: how many are asked, and what is to be reached."""

    name: str
    unit: str
    streams: bool
    count: int
    reach: int


COMPLETIONS = Work("completions", "completions/s", streams=False, count=5_000, reach=1_200)
STREAMS = Work(f"streams of {PIECES} chunks", "streams/s", streams=True, count=2_000, reach=300)

# ── through the pipeline ──


def flow(folder: Path, address: str, work: Work, count: int) -> str:
    path = folder / f"{'streams' if work.streams else 'whole'}{count}.yaml"
    path.write_text(
        f"version: 1\nname: questions\nmax_concurrency: {AT_ONCE}\n"
        f"backends:\n  model: {{kind: openai, base_url: '{address}', model: {MODEL}, "
        f"stream: {str(work.streams).lower()}, api_key: {{env: BENCHMARK_API_KEY}}}}\n"
        f"tasks:\n  ask:\n    for_each: {{items: {list(range(count))}}}\n"
        '    llm: {backend: model, prompt: "Tell me about {{ item }}, please.", max_tokens: 100}\n'
    )
    return str(path)


def ran(flow: str, folder: Path) -> Spent:
    """Run a flow by the installed command."""
    took = process([COMMAND, "run", flow], ENVIRONMENT | KEY | {"ORCHESTRATOR_STATE_DIR": str(folder)})
    shutil.rmtree(folder / "runs")
    if took.status:
        raise SystemExit(f"{flow} ended with {took.status}")
    return Spent(took.wall, took.cpu)


def ours(folder: Path, address: str, work: Work) -> Spent:
    """Return what one question takes through the pipeline."""
    one = ran(flow(folder, address, work, 1), folder)
    many = ran(flow(folder, address, work, work.count), folder)
    return Spent((many.wall - one.wall) / work.count, (many.cpu - one.cpu) / work.count)


# ── the bare client ──


def question(number: int, *, streams: bool) -> dict[str, Any]:
    asked = {
        "model": MODEL,
        "messages": [{"role": "user", "content": f"Tell me about {number}, please."}],
        "max_tokens": 100,
    }
    return asked | {"stream": True, "stream_options": {"include_usage": True}} if streams else asked


async def _whole(client: httpx.AsyncClient, url: str, number: int) -> str:
    answer = (await client.post(url, json=question(number, streams=False))).raise_for_status()
    text: str = answer.json()["choices"][0]["message"]["content"]
    return text


async def _streamed(client: httpx.AsyncClient, url: str, number: int) -> str:
    said = []
    async with client.stream("POST", url, json=question(number, streams=True)) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                said += [choice["delta"].get("content", "") for choice in json.loads(line[6:])["choices"]]
    return "".join(said)


async def _at_once(one: Callable[[int], Awaitable[str]], count: int) -> Spent:
    numbers = iter(range(count))

    async def ask() -> None:
        for number in numbers:
            assert len(await one(number)) > PIECES

    wall, cpu = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(ask())
    return Spent((time.perf_counter() - wall) / count, (time.process_time() - cpu) / count)


def bare_client(*, streams: bool = False) -> httpx.AsyncClient:
    """Return a client with the time limits of a backend: without any, a server that falls silent would hold it up."""
    import httpx  # noqa: PLC0415 - the baseline alone needs them
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415 - the same

    headers = {"authorization": f"Bearer {KEY['BENCHMARK_API_KEY']}"}
    limits = httpx.Timeout(SILENCE if streams else SILENCE_BEFORE_ALL, connect=10.0, pool=None)
    return httpx.AsyncClient(transport=AiohttpTransport(), timeout=limits, headers=headers)


async def bare(address: str, work: Work) -> Spent:
    url = f"{address}/chat/completions"
    ask = _streamed if work.streams else _whole
    async with bare_client(streams=work.streams) as client:
        calm_collector()
        return await _at_once(lambda number: ask(client, url, number), work.count)


# ── rows ──


def fast_folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="bench-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None))  # noqa: S108 - a new folder in it


def row(folder: Path, address: str, work: Work) -> Row:
    """Measure both in turn. Each is taken at its best; their ratio is the middle one, for a busy machine slows both."""
    rounds = [(ours(folder, address, work), asyncio.run(bare(address, work))) for _ in range(ROUNDS)]
    rate, bare_rate = (1 / min(spent.wall for spent in side) for side in zip(*rounds, strict=True))
    cpu, bare_cpu = (min(spent.cpu for spent in side) for side in zip(*rounds, strict=True))
    ratio = statistics.median(mine.cpu / its.cpu for mine, its in rounds)
    return Row(
        f"{work.count:,} {work.name}, {AT_ONCE} at once",
        f"{rate:,.0f} {work.unit}; {cpu * 1e6:,.0f} µs CPU each, {ratio:.2f} × the baseline",
        f"the bare client {bare_rate:,.0f} {work.unit}, {bare_cpu * 1e6:,.0f} µs CPU",
        f"≥ {work.reach:,} {work.unit}, ≤ 1.3 × the CPU",
        rate >= work.reach and ratio <= 1.3,
    )


def rows() -> list[Row]:
    folder = fast_folder()
    try:
        with serving() as address:
            return [row(folder, address, work) for work in (COMPLETIONS, STREAMS)]
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    for one in rows():
        print(one)
